"""What bounds do where nothing is left, where time is up, and where bounds would be nonsense."""

import numpy as np
import pytest

import pyomo_relu as pr
from pyomo_relu.bounds import Region, Sought, crown_bounds, lagrangian_region, lp_region, observed_region
from pyomo_relu.deadline import Deadline

NET = pr.Network.from_arrays([[[1.0]]])


def test_known_bounds_that_no_code_meets_are_bad_input():
    with pytest.raises(pr.InputError, match="the bounds cross: no code of the box meets those that are known"):
        crown_bounds(NET, pr.Box([0.0], [1.0]), [pr.Box([5.0], [6.0])])


@pytest.mark.parametrize("norm", ["inf", 1, 2])
@pytest.mark.parametrize("most", [-0.1, -1.0])
def test_no_code_has_a_negative_residual(most, norm):
    assert (
        observed_region(NET, Region.everything(NET, pr.Box([0.0], [1.0])), Sought(np.array([1.0]), norm, most)) is None
    )


def test_the_time_of_lps_is_that_of_what_follows_them_too():
    """It is up before the first LP: the rounds by duality after it do not begin either."""
    net = pr.Network.random((3, 12, 24), seed=0)
    rng = np.random.default_rng(1)
    z = rng.normal(size=3)
    x = net(z) + 0.2 * rng.normal(size=24)
    deviations = np.abs(net(z) - x)
    most = float(deviations.sum())
    region = observed_region(net, Region.everything(net, pr.Box.of((-2, 2), 3)), Sought(x, 1, most))
    assert isinstance(region, Region)
    sought, answers = Sought(x, 1, most, near=deviations), iter([30.0])

    class Expiring(Deadline):
        @property
        def left(self):
            return next(answers, 0.0)

    assert lagrangian_region(net, region, sought).width < region.width
    ended = lp_region(net, region, sought, deadline=Expiring())
    assert next(answers, None) is None
    assert isinstance(ended, Region)
    assert ended.width == region.width
