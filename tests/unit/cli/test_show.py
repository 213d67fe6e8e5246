"""``show``: what a network is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from command_line import NET, Run, refused

from pyomo_relu.cli.show import layer_facts
from pyomo_relu.network import Network


def test_show_tells_sizes_and_parameters(run: Run, folder: Path) -> None:
    ran = run("show", "net.npz")
    assert (ran.code, ran.err) == (0, "")
    assert "sizes 3-12-30, 438 parameters" in ran.out
    facts = run("show", "net.npz", "--json").json
    assert (facts["sizes"], facts["parameters"]) == ([3, 12, 30], 438)
    assert [layer["parameters"] for layer in facts["layers"]] == [48, 390]
    assert facts["layers"][1]["weight_min"] == NET[1].weight.min()
    assert facts["layers"][1]["weight_max"] == NET[1].weight.max()
    assert [layer["activation"] for layer in facts["layers"]] == ["ReLU", "ReLU"]


def test_show_knows_the_shipped_generator(run: Run) -> None:
    assert run("show", "mnist", "--json").json["sizes"] == [20, 60, 784]


def test_show_takes_slopes_where_the_file_has_none(run: Run, bad_files: Path) -> None:
    refused(run("show", "bare.npz"), "--slopes")
    assert run("show", "bare.npz", "--slopes", "0.5", "--json").json["layers"][0]["activation"] == "LeakyReLU(0.5)"


def test_dead_rows_are_those_whose_output_is_the_same_for_every_code() -> None:
    first = [[0.0, 0.0], [-1.0, -1.0], [1.0, 0.0]]
    second = [[-1.0, 0.0, -1.0], [-1.0, -1.0, -1.0], [0.0, 0.0, 0.0], [-1.0, 1.0, 0.0]]
    biases = [[1.0, 0.0, 0.0], [0.0, 5.0, 1.0, 0.0]]
    net = Network.from_arrays([first, second], biases)
    assert [layer.dead_rows for layer in layer_facts(net)] == [1, 2]
    leaky = Network.from_arrays([first, second], biases, slopes=0.1)
    assert [layer.dead_rows for layer in layer_facts(leaky)] == [1, 1]
    codes = np.random.default_rng(0).normal(scale=10.0, size=(1000, 2))
    hidden = net[0](codes)
    assert (np.ptp(hidden, axis=0) == 0.0).tolist() == [True, False, False]
    assert (np.ptp(net(codes), axis=0) == 0.0).tolist() == [True, False, True, False]
