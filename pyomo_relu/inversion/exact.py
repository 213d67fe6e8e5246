"""Exact inversion: one mixed-integer program over the whole network."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

from pyomo.environ import ConcreteModel

from pyomo_relu.bounds import FORWARD, Region
from pyomo_relu.bounds.crown import crown_flops
from pyomo_relu.deadline import NO_LIMIT, Deadline
from pyomo_relu.errors import InputError
from pyomo_relu.formulations import ENCODINGS
from pyomo_relu.inversion.in_tube import found, nearest
from pyomo_relu.inversion.incumbent import with_room
from pyomo_relu.inversion.program import build_program
from pyomo_relu.inversion.second_norm import nearest_of_optima
from pyomo_relu.inversion.stages import Stages, for_search
from pyomo_relu.inversion.task import BigMWarning, Task, needs_of, wide_bounds
from pyomo_relu.network import Network
from pyomo_relu.norms import NormName, as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.result import Result
from pyomo_relu.scaling import rescaled
from pyomo_relu.solvers import LP, Call, Capability, Solver
from pyomo_relu.validation import as_count, as_number


@dataclass(frozen=True)
class Exact:
    """Minimise ``||A G(z) - x||_p`` (M2), with a proof by a MILP solver.

    First an incumbent is sought (linear solves, layer-wise LPs, L-BFGS, polish); its
    residual U bounds the outputs, and through them the hidden layers and the code; what
    is left to decide is a MILP over the neurons whose sign is still open. Where the
    incumbent meets a lower bound already, no MILP is solved.

    Parameters
    ----------
    norm : "inf", 1, 2 or "huber"
        p = inf and 1 are MILPs; p = 2 is a MIQP (SCIP, Gurobi, CPLEX, Xpress, MOSEK), and for solvers
        that take no squares a sequence of MILPs. So is :class:`pyomo_relu.Huber`, also written ``"huber:0.5"``.
    encoding : str
        How an open neuron is written: ``"big-m"``, ``"sos1"`` or ``"indicator"``.
    bounds : str
        ``"observed"``: from the incumbent's residual backwards, by all steps of
        ``pyomo_relu.bounds.PIPELINES["inversion"]``, and LPs in turns with the search. ``"interval"`` or ``"crown"``:
        from the box forwards only, without an incumbent; the plain program.
    tube : float, optional
        For sums (p = 1, 2, Huber): no single output may miss the observation by more than this (M12). The right
        estimator for noise that is bounded, and the bound makes the program small.
    then : 1, 2 or "huber", optional
        For p = inf: of all codes that reach the optimum, return the one that is nearest in this
        norm. The set of optimal codes is large, and least squares recovers the code better.
    starts : int
        Starts of L-BFGS in the search for an incumbent.
    seed : int
        Of those starts.

    Raises
    ------
    InputError
        If the norm, encoding or bounds are unknown, the encoding is only a relaxation, or a number is out of range.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> result = pr.invert(net, [-0.5], pr.Exact(norm="inf"), box=(-3, 3))
    >>> result.status.value, round(result.residual, 6), result.realizable
    ('optimal', 0.5, False)
    """

    norm: NormName = "inf"
    encoding: str = "big-m"
    bounds: str = "observed"
    tube: float | None = None
    then: NormName | None = None
    starts: int = 10
    seed: int = 0
    meets_outputs: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "norm", as_norm(self.norm).name)
        exact = ", ".join(name for name, encoding in ENCODINGS.items() if encoding.exact)
        if self.encoding not in ENCODINGS:
            raise InputError(f"unknown encoding {self.encoding!r}; known: {exact}")
        if not ENCODINGS[self.encoding].exact:
            raise InputError(f"encoding {self.encoding!r} is only a relaxation; exact: {exact}")
        if self.bounds not in ("observed", *FORWARD):
            raise InputError(f"unknown bounds {self.bounds!r}; known: observed, {', '.join(FORWARD)}")
        if self.tube is not None:
            if self.norm == "inf" or self.bounds != "observed":
                raise InputError(
                    "goes with norm 1, 2 or huber and observed bounds: for norm inf it is the norm itself",
                    parameter="tube",
                )
            as_number(self.tube, "tube", positive=True)
        if self.then is not None:
            object.__setattr__(self, "then", as_norm(self.then, "then").name)
            if self.norm != "inf" or self.then == "inf" or self.bounds != "observed":
                raise InputError("must be 1, 2 or huber, and goes with norm inf and observed bounds", parameter="then")
        object.__setattr__(self, "starts", as_count(self.starts, "starts", 0))
        object.__setattr__(self, "seed", as_count(self.seed, "seed", 0))

    def _needs(self, solver: Solver) -> frozenset[Capability]:
        return needs_of(ENCODINGS[self.encoding], self.norm if self.then is None else self.then, solver)

    def solver_calls(self, solver: Solver) -> tuple[Call, ...]:
        """Return what it hands to solvers; see :func:`pyomo_relu.solvers.solver_calls`."""
        proof = Call(solver, self._needs(solver))
        return (Call(for_search(solver), LP), proof) if self.bounds == "observed" else (proof,)

    def model(
        self,
        net: Network,
        x: Any,
        *,
        operator: Any = None,
        mask: Any = None,
        weights: Any = None,
        box: Any = None,
    ) -> ConcreteModel:
        """Return the whole program as a plain Pyomo model, yours to extend.

        Its parts: ``z`` the code; ``layer[i]``, i from 1; ``deviation`` (p = 2: ``difference``; Huber: also
        ``excess``) and ``objective``.
        In a layer, ``positive`` and ``negative`` are those of the neurons that can have both signs (M10), with a
        binary ``on`` for big-M. What a neuron passes on is ``output``; for a ReLU that can have both signs it is
        ``positive``, and one that is always off has no variable. Names of your own must be new ones: a part
        that has the name of another is refused. (Inside ``layer[i]`` Pyomo replaces it, with a warning.)
        Rows ``held`` hold outputs of infinite weight.

        With a box, the model holds every code in it: its bounds come from the box alone, so that
        constraints may be added. Without one, it holds the codes that are at least as near as the
        best one found (with a tube: in it), which is what bounds it.

        `tube` limits every deviation; `then` is a second program, after the optimum of the first, and is refused.

        Parameters
        ----------
        net, x, operator, mask, weights, box
            As for :func:`pyomo_relu.invert`.

        Returns
        -------
        pyomo.environ.ConcreteModel

        Raises
        ------
        InputError, ShapeError
            As :func:`pyomo_relu.invert`; if there is a `then`, or there is no box, and no code is found in the tube.

        Examples
        --------
        >>> import pyomo_relu as pr
        >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
        >>> model = pr.Exact(norm=1).model(net, [2.0], box=(-3, 3))
        >>> [part.name for part in model.component_objects(descend_into=False)]
        ['z', 'layer', 'deviation', 'above', 'below', 'objective']
        """
        if self.then is not None:
            raise InputError(
                f"then={self.then} has no model: take Exact(norm={self.then!r}, tube=r) with the optimum r of p = inf"
            )
        problem = Problem.of(net, x, operator=operator, mask=mask, weights=weights, box=box)
        stages = self._stages(problem, Solver(), NO_LIMIT)
        task = stages.task
        if not problem.box.is_everything:
            region, most, bound = self._forward(problem, NO_LIMIT), math.inf, 0.0
        else:
            incumbent = found(stages)
            most, bound = with_room(incumbent.residual, problem.scale), incumbent.bound
            region = task.holding(incumbent.code, most)
        region = region.in_unit(1.0 / problem.weights)
        wide = wide_bounds(region, stacklevel=3)
        if wide:
            warnings.warn(wide, BigMWarning, stacklevel=2)
        return build_program(
            problem.scaled, region, task.encoding, task.norm, most, bound, tube=task.tube, outputs_right="always"
        )

    def run(self, problem: Problem, solver: Solver) -> Result:
        """Invert; see :func:`pyomo_relu.invert`.

        The search for an incumbent gets at most half of a time limit, and the proof the rest.
        """
        deadline = Deadline.after(solver.time_limit)
        solver.backend(self._needs(solver))  # refuses now what it would refuse later
        stages = self._stages(rescaled(problem), solver, deadline)
        if self.then is not None:
            return nearest_of_optima(stages, as_norm(self.then))
        if self.bounds != "observed":
            return stages.searched(self._forward(stages.task.problem, deadline))
        return nearest(stages)

    def _stages(self, problem: Problem, solver: Solver, deadline: Deadline) -> Stages:
        if problem.hard is not None and self.bounds != "observed":
            raise InputError("that are infinite go with observed bounds", parameter="weights")
        tube = problem.tube(math.inf if self.tube is None else self.tube)
        task = Task(problem, as_norm(self.norm), ENCODINGS[self.encoding], tube)
        return Stages(task, solver, deadline, self.starts, self.seed)

    def _forward(self, problem: Problem, deadline: Deadline) -> Region:
        if not problem.box.is_bounded:
            raise InputError(f"must be given, and bounded, for {self.bounds} bounds", parameter="box")
        name = "crown" if self.bounds == "observed" else self.bounds
        if not deadline.affords(crown_flops(problem.network)):
            name = "interval"
        return Region(problem.box, FORWARD[name](problem.network, problem.box))
