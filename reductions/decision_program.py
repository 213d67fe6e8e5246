"""The question of a decision: does a code lie within half of the gap? As bounds, a 0-1 program and a MILP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pyomo.environ import Binary, ConcreteModel, Constraint, Objective, Var

from pyomo_relu.bounds import Region, Sought, sought_region
from pyomo_relu.errors import InputError
from pyomo_relu.formulations import needs_of_norm
from pyomo_relu.inversion import build_program, read_code, wide_bounds
from pyomo_relu.norms import as_norm
from pyomo_relu.problem import Problem
from pyomo_relu.solvers import MILP, Outcome, Solver, solve
from pyomo_relu.tube import Tube
from pyomo_relu.validation import FloatArray
from reductions.instance import Instance
from reductions.one_sided import OneSided, one_sided_neurons
from reductions.pattern_program import Sides, build_pattern_program, sides_of


@dataclass(frozen=True, eq=False)
class Question:
    """Whether a code of an instance has a residual of at most `level`.

    Parameters
    ----------
    instance : Instance
    problem : Problem
        Over :attr:`Instance.search_box`.
    level : float
        Half of the gap.
    region : Region or None
        Around all such codes; None where bounds alone show that there are none.
    sides : Sides or None
        Of the code's entries, where they can be split.
    pattern : pyomo.environ.ConcreteModel or None
        The 0-1 program of the sides.
    """

    instance: Instance
    problem: Problem
    level: float
    region: Region | None
    sides: Sides | None
    pattern: ConcreteModel | None

    @classmethod
    def of(cls, instance: Instance) -> Question:
        """Bound the codes that answer with yes.

        Raises
        ------
        InputError
            If the instance has no gap, or its weights are so large that no MILP can be trusted.
        """
        instance.require_gap()
        network, box, level = instance.network, instance.search_box, instance.gap / 2.0
        problem = Problem(network, instance.observation, box)
        sought = Sought(problem.x, as_norm(instance.gap_norm), level)
        region = sought_region("decision", network, box, sought)
        if region is None:
            return cls(instance, problem, level, None, None, None)
        wide = wide_bounds(region)
        if wide:
            raise InputError(wide)
        sides = sides_of(network, region, binary=instance.binary)
        if sides is None:
            return cls(instance, problem, level, region, None, None)
        pattern = build_pattern_program(network, region, sides)
        return cls(instance, problem, level, None if pattern is None else region, sides, pattern)

    def try_pattern(self, solver: Solver) -> tuple[Outcome, FloatArray | None]:
        """Ask the solver for sides of all entries that the bounds allow, and guess a code from them."""
        assert self.sides is not None
        model: Any = self.pattern
        outcome = solve(model, solver, MILP)
        if not outcome.has_solution:
            return outcome, None
        chosen = {i for i, variable in model.second.items() if variable.value is not None and variable.value > 0.5}
        second = np.isin(np.arange(self.problem.network.n_in), list(chosen))
        first, other = ((box.lower + box.upper) / 2.0 for box in (self.sides.first, self.sides.second))
        return outcome, np.where(second, other, first)

    def try_network(self, solver: Solver) -> tuple[Outcome, FloatArray | None]:
        """Ask the solver for a code, by the network as a mixed-integer program."""
        assert self.region is not None
        model = self.program(self.region)
        outcome = solve(model, solver, MILP | needs_of_norm(self.instance.gap_norm), lean=True)
        return outcome, read_code(model, self.region.code) if outcome.has_solution else None

    def program(self, region: Region) -> ConcreteModel:
        """Return the codes of a region as a plain Pyomo model, with a constant objective."""
        norm = as_norm(self.instance.gap_norm)
        encoding = OneSided(one_sided_neurons(self.problem, region, self.level))
        model: Any = build_program(self.problem, region, encoding, norm, tube=Tube(self.level))
        if norm.tube(self.level) is None:
            # A variable, since the residual of a network may be a constant, and a row needs a variable.
            model.level = Var(bounds=(0.0, norm.objective_of(self.level)))
            model.within = Constraint(expr=model.objective.expr <= model.level)
        model.del_component(model.objective)
        model.objective = Objective(expr=0.0)
        if self.instance.binary:
            model.z.domain = Binary
        return model
