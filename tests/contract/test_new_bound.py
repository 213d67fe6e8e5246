"""A new bound reaches inversion by one function and its place in `PIPELINES`."""

import numpy as np
import pytest
from tiny_networks import NETWORKS

import pyomo_relu as pr
from pyomo_relu.bounds import PIPELINES, Region

BOX = (-2.0, 2.0)


def with_step(monkeypatch, use, step):
    monkeypatch.setitem(PIPELINES, use, (step, *PIPELINES[use]))


def noisy():
    net, rng = pr.Network.random((3, 8, 16), seed=5), np.random.default_rng(5)
    return net, np.maximum(net(rng.normal(size=3)) + rng.uniform(-0.3, 0.3, 16), 0.0)


@pytest.mark.parametrize("norm", ["inf", 1, 2])
def test_a_step_that_cuts_codes_that_are_not_sought_changes_no_optimum(monkeypatch, norm):
    net, x = noisy()
    before = pr.invert(net, x, pr.Exact(norm), box=BOX)
    seen = []

    def halved(network, region, sought, deadline):
        """Keep the half of the codes on whose side the first entry of the optimum lies, if that is proved."""
        seen.append(sought.most)
        middle = 0.5 * (region.code.lower + region.code.upper)
        upper = np.where(np.arange(middle.size) == 0, np.maximum(middle, before.z + 1e-3), region.code.upper)
        lower = np.where(np.arange(middle.size) == 0, np.minimum(middle, before.z - 1e-3), region.code.lower)
        return region.intersect(Region(pr.Box(lower, upper), region.pre_activations))

    with_step(monkeypatch, "inversion", halved)
    after = pr.invert(net, x, pr.Exact(norm), box=BOX)
    assert seen
    assert after.status is pr.Status.OPTIMAL
    assert after.residual == pytest.approx(before.residual, abs=1e-6)


def test_a_step_that_finds_nothing_left_ends_the_proof(monkeypatch):
    net, x = noisy()
    least = pr.invert(net, x, pr.Exact(), box=BOX).residual

    def nothing(network, region, sought, deadline):
        return None if sought.most < least else region

    with_step(monkeypatch, "inversion", nothing)
    result = pr.invert(net, x, pr.Exact(), box=BOX)
    assert result.status is pr.Status.OPTIMAL
    assert result.residual == pytest.approx(least, abs=1e-6)
    assert "bounds cross" in result.message


def test_pre_images_take_their_steps_too(monkeypatch):
    net = NETWORKS["absolute value"]
    with_step(monkeypatch, "pre-image", lambda network, region, sought, deadline: None)
    found = pr.preimage(net, [1.0], (-3, 3))
    assert (len(found.cells), found.complete) == (0, True)
