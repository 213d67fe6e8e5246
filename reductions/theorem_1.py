"""Theorem 1 on random formulas: a `Check` that ``pyomo-relu reproduce theory`` finds by an entry point."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from pyomo_relu.experiments import COLORS, Finding, Row, distinct, median, select
from pyomo_relu.inversion import Exact
from pyomo_relu.problem import Problem
from pyomo_relu.solvers import Solver
from pyomo_relu.status import Status
from reductions.cnf import CNF
from reductions.depth_two import DepthTwo
from reductions.instance import Instance, Reduction
from reductions.random_formulas import drawn_cnf
from reductions.three_sat import ThreeSat

VARIABLES = 6
BOTH: tuple[Reduction, ...] = (ThreeSat(), DepthTwo())
SOLVERS = ("highs", "scip")
LIMIT = 20.0


class Theorem1:
    """Exact inversion of a formula's network against brute force over the assignments.

    A code that lifts to a model says that the formula is satisfiable; a least residual above half of the gap, that it
    is not. Nothing else is a verdict.
    """

    name: ClassVar[str] = "theorem 1"
    setting: ClassVar[str] = (
        f"random 3SAT formulas of {VARIABLES} variables, `at` clauses a variable, to networks by the reductions "
        f"{' and '.join(reduction.name for reduction in BOTH)} of the package `reductions`; each inverted by "
        f"`Exact('inf')` in the unit cube with {' and '.join(SOLVERS)}, {LIMIT:g} s, beside brute force over all "
        "assignments"
    )
    places: ClassVar[Sequence[float]] = (2, 4, 5, 6, 8)

    def perform(self, at: float, rng: np.random.Generator) -> list[Row]:
        """Invert one formula's networks with each solver."""
        formula = np.random.default_rng(int(rng.integers(2**32)))
        cnf = drawn_cnf(VARIABLES, round(at * VARIABLES), 3, formula)
        truth = _satisfiable(cnf)
        rows = []
        for reduction, solver in itertools.product(BOTH, SOLVERS):
            found = _inverted(reduction, reduction.reduce(cnf), solver)
            rows.append({"reduction": reduction.name, "solver": solver, "satisfiable": truth, **found})
        return rows

    def facts(self, at: float, rows: Sequence[Row]) -> tuple[str, str]:
        """Return how often a code was found that meets the observation, and how many formulas have a model."""
        return f"met {_share(rows, 'verdict'):.1%}", f"satisfiable {_share(rows, 'satisfiable'):.1%}"

    def finding(self, rows: Sequence[Row]) -> Finding:
        """Count the verdicts that differ from brute force."""
        decided = [row for row in rows if row["verdict"] is not None]
        wrong = sum(row["verdict"] != row["satisfiable"] for row in decided)
        told = [f"{wrong} of {len(decided)} verdicts differ from brute force, {len(rows) - len(decided)} undecided"]
        told.append(f"formulas: {len(rows) // (len(BOTH) * len(SOLVERS))}")
        bounds = [row["bound"] / row["gap"] for row in decided if not row["verdict"]]
        if bounds:
            told.append(f"residuals of unsatisfiable ones: at least {min(bounds):.4f} of the gap")
        for name, solver in itertools.product(distinct(rows, "reduction"), distinct(rows, "solver")):
            seconds = median(select(rows, reduction=name, solver=solver), "seconds")
            told.append(f"{name}, {solver}: median {seconds:.2f} CPU s")
        said = "Theorem 1: 3SAT reduces to inversion, so that inversion is NP-hard"
        return Finding(said, "; ".join(told), None if not wrong and len(decided) < len(rows) else not wrong)

    def draw(self, rows: Sequence[Row], axes: Any) -> None:
        """Draw the share of satisfiable formulas, by brute force and by inversion."""
        ratios = distinct(rows, "at")
        truth = [_share(select(rows, at=at), "satisfiable") for at in ratios]
        axes.plot(ratios, truth, ":", color="#111111", label="satisfiable, by brute force")
        for marker, color, name in zip("ox", COLORS, distinct(rows, "reduction"), strict=False):
            met = [_share(select(rows, at=at, reduction=name), "verdict") for at in ratios]
            axes.plot(ratios, met, marker, color=color, label=f"observation met, {name}")
        axes.set(xlabel="clauses a variable", ylabel="share of the formulas", ylim=(-0.04, 1.04))
        axes.set_title(f"Theorem 1, {VARIABLES} variables")


def _satisfiable(cnf: CNF) -> bool:
    return any(cnf.satisfied_by(assignment) for assignment in itertools.product((False, True), repeat=cnf.n_variables))


def _inverted(reduction: Reduction, instance: Instance, solver: str) -> Row:
    problem = Problem.of(instance.network, instance.observation, box=instance.search_box)
    started = time.process_time()
    result = Exact("inf").run(problem, Solver(solver, time_limit=LIMIT, threads=1))
    seconds = time.process_time() - started
    if result.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    verdict = None
    if result.z is not None and reduction.lift(instance, result.z) is not None:
        verdict = True
    elif result.dual_bound is not None and result.dual_bound > 0.5 * instance.gap:
        verdict = False
    found = {"verdict": verdict, "bound": result.dual_bound, "gap": instance.gap}
    return {**found, "status": result.status.value, "seconds": round(seconds, 4)}


def _share(rows: Sequence[Row], key: str) -> float:
    return sum(bool(row[key]) for row in rows) / len(rows)
