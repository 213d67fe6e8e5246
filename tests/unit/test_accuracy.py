"""How near an answer is to the truth."""

import numpy as np
import pytest

from pyomo_relu.accuracy import psnr, relative_error


def test_psnr_of_equal_images_is_infinite():
    assert psnr(np.ones(4), np.ones(4)) == np.inf


def test_a_peak_twice_as_high_adds_six_decibels():
    image, truth = np.full(9, 0.25), np.full(9, 0.5)
    assert psnr(image, truth, peak=2.0) - psnr(image, truth) == pytest.approx(20.0 * np.log10(2.0))


def test_relative_error_does_not_depend_on_the_unit():
    found, truth = np.array([3.0, 4.0]), np.array([3.0, 0.0])
    assert relative_error(found, truth) == pytest.approx(4.0 / 3.0)
    assert relative_error(10.0 * found, 10.0 * truth) == pytest.approx(4.0 / 3.0)
