"""The mixed-integer program of exact inversion, from its parts."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pyomo.common.gc_manager import PauseGC
from pyomo.environ import ConcreteModel, Objective, Var

from pyomo_relu.bounds import Region, affine_network, deviation_caps, layer_interval
from pyomo_relu.box import Box
from pyomo_relu.formulations import Encoding
from pyomo_relu.formulations.encoding import encode_layer, new_layer_blocks
from pyomo_relu.formulations.extensible import ExtensibleModel
from pyomo_relu.formulations.residual import Outputs, add_residual
from pyomo_relu.formulations.rows import dense_rows
from pyomo_relu.formulations.sum_of_squares import Squares
from pyomo_relu.layer import Layer
from pyomo_relu.network import Network
from pyomo_relu.norms import Norm, NormName, as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.tube import NO_TUBE, Tube
from pyomo_relu.validation import FloatArray


def build_program(
    problem: Problem,
    region: Region,
    encoding: Encoding,
    norm: Norm | NormName,
    most: float = np.inf,
    bound: float = 0.0,
    *,
    tube: Tube = NO_TUBE,
    outputs_right: Literal["in optima", "always", "relaxed"] = "in optima",
) -> ConcreteModel:
    """Return ``min ||G(z) - x||`` over a region of codes, as a plain Pyomo model.

    Parameters
    ----------
    problem : Problem
    region : Region
        Bounds of the code and of the pre-activations.
    encoding : Encoding
        How "p or n is zero" is written.
    norm : Norm, or its name
    most : float
        The model holds the codes with at most this residual; it limits the deviations.
    bound : float
        A lower bound on the residual of every code; for p = inf it tells which outputs can only be missed from above.
        A code's residual is then at most the model's objective or this bound, whichever is more.
    tube : Tube
        The most that single outputs may deviate, and which of them count.
    outputs_right : "in optima", "always" or "relaxed"
        Where every output is that of the network: in optimal points; in every feasible one, so that constraints on
        outputs may be added; or, for p = inf, only where `most` does not allow it to be off anyway, which takes fewer
        binaries: the codes are the same ones, and the objective is a lower bound on their residual.

    Examples
    --------
    >>> from pyomo_relu.formulations import BigM
    >>> from pyomo_relu.solvers import MILP, Solver, solve
    >>> problem = Problem.of(Network.from_arrays([[[1.0], [-1.0]]]), [0.5, 0.25], box=(-1, 1))
    >>> model = build_program(problem, Region(problem.box, (Box.of((-1, 1), 2),)), BigM(), "inf")
    >>> round(solve(model, Solver("highs"), MILP).objective, 6)
    0.25
    """
    norm, counts = as_norm(norm), np.broadcast_to(tube.counts, problem.x.shape)
    budget = most if np.isfinite(most) else None
    caps = deviation_caps(problem.network[-1], problem.x, most, norm, tube)[counts]
    x, least = problem.x[counts], problem.network[-1].activation.sign_bound(problem.x)[counts]
    model = ExtensibleModel()
    with PauseGC():
        add_code(model, problem.network, region)
        if outputs_right == "always":
            encoded = encode_network(model, problem.network, region, encoding)[-1]
            _hold(model, Outputs.of(encoded), tube.around(problem.x), ~counts)
            outputs, squares = Outputs.of([encoded[j] for j in np.flatnonzero(counts)]), None
        else:
            layer, bounds, variables = _hidden(model, problem.network, region, encoding)
            live = [j for j, v in enumerate(variables) if v is not None]
            inputs = [variables[j] for j in live]
            # An output lies between two numbers where its pre-activation does.
            ends = layer.activation.before(*tube.around(problem.x))
            _hold(model, Outputs.linear(layer.weight[:, live], inputs, layer.bias), ends, ~counts)
            layer, bounds = layer.rows(counts), Box(bounds.lower[counts], bounds.upper[counts])
            weight = layer.weight[:, live]
            # The lower side |y - x| >= x - y is not needed where x is below what y misses it by anyway.
            anyway = norm.anyway(least, bound)
            one_sided = x <= (norm.anyway(least, most) if outputs_right == "relaxed" else anyway)
            least = norm.needed(least, bound)
            linear = _linear(layer, bounds, x, norm, one_sided)
            block = model.layer[len(problem.network)]
            own = _encoded(block, layer, bounds, variables, encoding, ~linear, one_sided)
            if norm.folds:
                outputs, kept = Outputs.of(list(own.values())), ~linear
                squares = _add_squares(model, weight[linear], inputs, (x - layer.bias)[linear], tube.most, budget)
                x, least, caps = x[kept], least[kept], caps[kept]
            else:
                # Of an output that is a row of the layer, nothing holds the sign.
                from_above = layer.activation.cuts & ((x <= anyway) | (linear & (bounds.lower < 0.0)))
                outputs = Outputs(
                    [own.get(j) for j in range(layer.n_out)],
                    inputs,
                    np.where(linear[:, None], weight, 0.0),
                    np.where(linear, layer.bias, 0.0),
                    from_above,
                )
                squares = None
        if counts.any():
            add_residual(model, outputs, x, norm, least=least, most=caps, budget=budget, squares=squares)
        else:
            model.objective = Objective(expr=0.0)
    return model


def add_code(block: Any, network: Network, region: Region) -> None:
    """Add the variables ``z`` of the code, within its bounds, and an empty block for each layer.

    Parameters
    ----------
    block : pyomo.environ.Block
        A model, or a part of one.
    network : Network
    region : Region
        Bounds of the code and of the pre-activations.

    Examples
    --------
    See :func:`encode_network`.

    >>> from pyomo.environ import ConcreteModel
    >>> model, net = ConcreteModel(), Network.from_arrays([[[1.0], [-1.0]]])
    >>> add_code(model, net, Region(Box.of((-1, 1), 1), (Box.of((-1, 1), 2),)))
    >>> model.z[0].bounds, len(model.layer)
    ((-1.0, 1.0), 1)
    """
    lower, upper = region.code.lower.tolist(), region.code.upper.tolist()
    block.z = Var(range(network.n_in), bounds=lambda _, i: (lower[i], upper[i]))
    new_layer_blocks(block, len(network))


def encode_network(block: Any, network: Network, region: Region, encoding: Encoding) -> list[list[Any]]:
    """Write every layer in terms of the one before.

    Parameters
    ----------
    block : pyomo.environ.Block
        As :func:`add_code` leaves it.
    network : Network
    region : Region
        Bounds of the code and of the pre-activations.
    encoding : Encoding

    Returns
    -------
    list of list of variable or None
        The outputs of each layer; None is zero.

    Examples
    --------
    >>> from pyomo.environ import ConcreteModel
    >>> from pyomo_relu.formulations import BigM
    >>> model, net = ConcreteModel(), Network.from_arrays([[[1.0], [-1.0]]])
    >>> region = Region(Box.of((-1, 1), 1), (Box.of((-1, 1), 2),))
    >>> add_code(model, net, region)
    >>> [[output.name for output in outputs] for outputs in encode_network(model, net, region, BigM())]
    [['layer[1].positive[0]', 'layer[1].positive[1]']]
    """
    outputs: list[list[Any]] = []
    inputs, variables = region.code, list(block.z.values())
    for i, (layer, bounds) in enumerate(zip(network, region.pre_activations, strict=True), start=1):
        implied = layer_interval(layer, inputs)
        variables = encode_layer(block.layer[i], layer, variables, bounds, encoding, implied=implied)
        inputs = Box(layer.activation(bounds.lower), layer.activation(bounds.upper))
        outputs.append(variables)
    return outputs


def _hidden(model: ConcreteModel, network: Network, region: Region, encoding: Encoding) -> tuple[Layer, Box, list[Any]]:
    """Write the hidden layers in terms of the code and the open neurons; return the last one, its bounds, and those."""
    form = affine_network(network, region)
    variables: list[Any] = list(model.z.values())
    for i, (layer, rows, bounds) in enumerate(
        zip(network, form.pre_activations, region.pre_activations, strict=True), 1
    ):
        n = len(variables)
        reduced = Layer.computed(rows.matrix[:, :n], rows.shift, layer.activation)
        if i < len(network):
            used = [v if column.any() else None for v, column in zip(variables, reduced.weight.T, strict=True)]
            implied = layer_interval(reduced, Box(form.box.lower[:n], form.box.upper[:n]))
            outputs = encode_layer(model.layer[i], reduced, used, bounds, encoding, implied=implied)
            variables += [outputs[j] for j in form.open_neurons[i - 1]]
    return reduced, bounds, [v if column.any() else None for v, column in zip(variables, reduced.weight.T, strict=True)]


def _encoded(
    block: Any,
    layer: Layer,
    bounds: Box,
    inputs: list[Any],
    encoding: Encoding,
    chosen: NDArray[np.bool_],
    one_sided: NDArray[np.bool_],
) -> dict[int, Any]:
    """Write the chosen outputs with variables of their own, and return these; None is zero."""
    if not chosen.any():
        return {}
    part = layer.rows(chosen)
    box = Box(bounds.lower[chosen], bounds.upper[chosen])
    written = encode_layer(block, part, inputs, box, encoding, one_sided=one_sided[chosen])
    return dict(zip(np.flatnonzero(chosen).tolist(), written, strict=True))


def _linear(layer: Layer, bounds: Box, x: FloatArray, norm: Norm, one_sided: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which outputs need no variable of their own, shape (n_out,): their rows are those of the deviations.

    The sign of an output that is on need not be held: a pre-activation below zero misses x >= 0 by more than its
    output does, and x < 0 is missed by -x at least, which is held or known. Nor need that of one which only an
    upper limit concerns.
    """
    if norm.folds:
        linear = (bounds.lower >= 0.0) & (x >= 0.0)
    else:
        linear = (bounds.lower >= 0.0) | (one_sided & (bounds.upper > 0.0))
    linear = np.where(layer.activation.cuts, linear, ~layer.activation.bends)
    # At most as many squares as inputs are no gain.
    return np.asarray(linear & ((not norm.folds) | (linear.sum() > layer.n_in)), dtype=np.bool_)


def _hold(model: ConcreteModel, outputs: Outputs, ends: tuple[FloatArray, FloatArray], hard: NDArray[np.bool_]) -> None:
    """Hold the outputs that must be met between their ends."""
    if hard.any():
        model.held = outputs.rows(np.flatnonzero(hard), 1.0, lower=ends[0], upper=ends[1])


def _add_squares(
    model: ConcreteModel, weight: FloatArray, inputs: list[Any], x: FloatArray, tube: float, budget: float | None
) -> Any:
    """Return ``|weight @ inputs - x|^2``, each entry within the tube; None where it has none."""
    if not x.size:
        return None
    if np.isfinite(tube):
        model.tube = dense_rows(range(x.size), weight, inputs, lower=x - tube, upper=x + tube)
    return Squares.of(weight, -x).add_to(model, inputs, budget)


def read_code(model: ConcreteModel, box: Box) -> FloatArray:
    """Read the code from a solved model, moved into the box where the solver's tolerance left it.

    Parameters
    ----------
    model : pyomo.environ.ConcreteModel
        As :func:`build_program` makes it.
    box : Box
        Of the code.

    Examples
    --------
    >>> from pyomo.environ import ConcreteModel, Objective, Var
    >>> model = ConcreteModel()
    >>> model.z = Var(range(2), initialize=1.0 + 1e-9)
    >>> read_code(model, Box.of((0, 1), 2)).tolist()
    [1.0, 1.0]
    """
    values = [0.0 if variable.value is None else float(variable.value) for variable in model.z.values()]
    return box.clip(np.array(values))
