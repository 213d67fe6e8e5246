"""Exact inversion: one mixed-integer program over the whole network."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyomo.common.gc_manager import PauseGC
from pyomo.environ import ConcreteModel, Var

from pyomo_relu.bounds import BOUNDS
from pyomo_relu.box import Box
from pyomo_relu.certificate import certify
from pyomo_relu.errors import InputError
from pyomo_relu.formulations import ENCODINGS, Cell, Encoding
from pyomo_relu.formulations.encoding import encode_layer, new_layer_blocks
from pyomo_relu.formulations.residual import NEEDS, add_residual_norm
from pyomo_relu.network import Network
from pyomo_relu.norms import Norm, as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.solvers import Capability, Solver, solve
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray

BIG_M_WARNING = 1e4
BIG_M_ERROR = 1e6


class BigMWarning(UserWarning):
    """Bounds so wide that a solver's integrality tolerance lets the network leak."""


@dataclass(frozen=True)
class Exact:
    """Minimise ``||A G(z) - x||_p`` over a box of codes, with a proof by a MILP solver.

    Parameters
    ----------
    norm : "inf", 1 or 2
        p = inf and 1 are MILPs; p = 2 is a MIQP (SCIP, Gurobi, CPLEX, Xpress, MOSEK).
    encoding : str
        How a neuron is written: ``"big-m"``, ``"sos1"`` or ``"indicator"``.
    bounds : str
        How pre-activations are bounded: ``"interval"``. Neurons of one sign get no binary.

    Raises
    ------
    InputError
        If the norm, encoding or bounds are unknown, or the encoding is only a relaxation.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> result = pr.invert(net, [-0.5], pr.Exact(norm="inf"), box=(-3, 3))
    >>> result.status.value, round(result.residual, 6), result.realizable
    ('optimal', 0.5, False)
    """

    norm: Norm = "inf"
    encoding: str = "big-m"
    bounds: str = "interval"

    def __post_init__(self) -> None:
        object.__setattr__(self, "norm", as_norm(self.norm))
        if self.encoding not in ENCODINGS:
            raise InputError(f"unknown encoding {self.encoding!r}; known: {', '.join(ENCODINGS)}")
        if not ENCODINGS[self.encoding].exact:
            exact = [name for name, encoding in ENCODINGS.items() if encoding.exact]
            raise InputError(f"encoding {self.encoding!r} is only a relaxation; exact: {', '.join(exact)}")
        if self.bounds not in BOUNDS:
            raise InputError(f"unknown bounds {self.bounds!r}; known: {', '.join(BOUNDS)}")

    @property
    def needs(self) -> frozenset[Capability]:
        """What the model needs of a solver."""
        return ENCODINGS[self.encoding].needs | NEEDS[self.norm]

    def model(self, net: Network, x: Any, *, operator: Any = None, mask: Any = None, box: Any = None) -> ConcreteModel:
        """Return the whole program as a plain Pyomo model, yours to extend.

        Its parts: ``z`` the code; ``layer[i]`` with ``output``, ``positive``, ``negative``
        and, for big-M, ``on``; ``deviation`` (p = 2: ``difference``) and ``objective``.
        Parameters as in :func:`pyomo_relu.invert`; `box` is required.
        """
        problem = Problem.of(net, x, operator=operator, mask=mask, box=box)
        return build_model(problem, self._bounds(problem), ENCODINGS[self.encoding], self.norm)

    def run(self, problem: Problem, solver: Solver) -> Result:
        """Invert; see :func:`pyomo_relu.invert`."""
        started = time.perf_counter()
        solver.backend(self.needs)
        bounds = self._bounds(problem)
        model = build_model(problem, bounds, ENCODINGS[self.encoding], self.norm)
        outcome = solve(model, solver, self.needs)
        z = read_code(model, problem) if outcome.has_solution else None
        if z is not None and self.norm != 2:
            z = settle_in_cell(problem, bounds, z, self.norm, outcome.objective)
        bound = outcome.bound
        if self.norm == 2 and bound is not None:
            bound = math.sqrt(max(0.0, bound))
        verdict = certify(problem, z, self.norm, bound, outcome.solver, "every code in the box")
        return Result(
            z=z,
            status=outcome.status,
            norm=self.norm,
            residual=verdict.residual,
            objective=outcome.objective,
            dual_bound=verdict.dual_bound,
            realizable=verdict.realizable,
            certificate=verdict.certificate,
            seconds=time.perf_counter() - started,
            solver=outcome.solver,
            message=outcome.message,
        )

    def _bounds(self, problem: Problem) -> tuple[Box, ...]:
        if problem.box is None or not problem.box.is_bounded:
            raise InputError("Exact needs a bounded box of codes: give box=(lower, upper), such as box=(-3, 3)")
        bounds = BOUNDS[self.bounds](problem.network, problem.box)
        largest = max(float(np.max(np.maximum(-b.lower, b.upper))) for b in bounds)
        if largest > BIG_M_ERROR:
            raise InputError(f"pre-activations reach {largest:.3g} in this box: above {BIG_M_ERROR:g} a solver's answer means nothing; give a smaller box")
        if largest > BIG_M_WARNING:
            warnings.warn(f"pre-activations reach {largest:.3g} in this box: a smaller box is safer", BigMWarning, stacklevel=4)
        return bounds


def build_model(problem: Problem, bounds: tuple[Box, ...], encoding: Encoding, norm: Norm) -> ConcreteModel:
    """Return the program of a problem under an encoding."""
    assert problem.box is not None
    lower, upper = problem.box.lower.tolist(), problem.box.upper.tolist()
    model = ConcreteModel()
    with PauseGC():
        model.z = Var(range(problem.network.n_in), bounds=lambda _, i: (lower[i], upper[i]))
        new_layer_blocks(model, len(problem.network))
        outputs: list[Any] = list(model.z.values())
        for i, layer in enumerate(problem.network):
            outputs = encode_layer(model.layer[i + 1], layer, outputs, bounds[i], encoding)
        add_residual_norm(model, outputs, problem.x, problem.matrix, norm)
    return model


def read_code(model: ConcreteModel, problem: Problem) -> FloatArray:
    """Read the code from a solved model, moved into the box where the solver's tolerance left it."""
    assert problem.box is not None
    values = [0.0 if variable.value is None else float(variable.value) for variable in model.z.values()]
    return problem.box.clip(np.array(values))


def settle_in_cell(
    problem: Problem, bounds: tuple[Box, ...], z: FloatArray, norm: Norm, objective: float | None
) -> FloatArray:
    """Return the best code of z's activation cell, where z misses what the solver promised.

    Binaries at 1e-7 instead of 0 let a solver report more than its code can do. In the
    cell the network is affine, so that an LP, without binaries, finds its best code.
    """
    residual = problem.residual(z, norm)
    if objective is None or residual <= objective + 1e-9 * problem.scale:
        return z
    pattern = tuple(t > 0.0 for t in problem.network.pre_activations(z))
    model = build_model(problem, bounds, Cell(pattern), norm)
    outcome = solve(model, Solver("highs"), frozenset({Capability.LP}))
    if outcome.status is not Status.OPTIMAL:
        return z
    settled = read_code(model, problem)
    return settled if problem.residual(settled, norm) < residual else z
