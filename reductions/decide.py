"""Decide a source by inverting its network: does a code come within half of the gap of the observation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from os import PathLike
from pathlib import Path
from typing import Any

import networkx as nx

from pyomo_relu.certificate import Certificate, Claim, Standing
from pyomo_relu.deadline import Deadline
from pyomo_relu.documents import plain
from pyomo_relu.errors import InputError
from pyomo_relu.pinning import pinned
from pyomo_relu.rounding import down
from pyomo_relu.solvers import MILP, Call, Outcome, Solver
from pyomo_relu.status import Status
from pyomo_relu.validation import as_number
from reductions import oracle
from reductions.cnf import CNF
from reductions.decision_program import Question
from reductions.exchange import write_text
from reductions.incidence import Component, components, join, occurring
from reductions.instance import Reduction
from reductions.max_sat import MaxSat
from reductions.refutation import check_proof
from reductions.registry import named_reduction
from reductions.through_cnf import ThroughCNF


class DecisionVerdict(StrEnum):
    """Whether the source has a solution.

    Examples
    --------
    >>> DecisionVerdict("unsat") is DecisionVerdict.UNSAT, str(DecisionVerdict.SAT)
    (True, 'sat')
    """

    SAT = "sat"
    UNSAT = "unsat"
    UNDECIDED = "undecided"


@dataclass(frozen=True, eq=False)
class Decision:
    """Whether a source has a solution, and why that may be believed.

    Parameters
    ----------
    verdict : DecisionVerdict
    assignment : list of bool, or what the reduction of a graph lifts to, or None
        A solution, checked on the source itself.
    certificate : Certificate
        Every claim, and by what it was verified or to whom it is trusted.
    status : Status
        SOLVED where it was decided; else what stopped it, and ``status.advice`` what to try.
    seconds : float
        Wall clock.
    solver : str
        Name and version; empty where none was called.
    message : str
        One line besides the verdict.
    proof : tuple of str or None
        DRUP lines of UNSAT, where they were asked for; checked.

    Examples
    --------
    >>> found = decide(CNF(2, [(1,), (-1, 2)]))
    >>> found.verdict.value, found.assignment, found.proved
    ('sat', [True, True], True)
    """

    verdict: DecisionVerdict
    assignment: Any
    certificate: Certificate
    status: Status
    seconds: float
    solver: str = ""
    message: str = ""
    proof: tuple[str, ...] | None = None

    @property
    def proved(self) -> bool:
        """Whether the verdict rests on no solver."""
        decided = self.verdict is not DecisionVerdict.UNDECIDED
        return decided and (self.proof is not None or not self.certificate.trusted)

    @property
    def trusted_to(self) -> str:
        """Who is trusted; empty where it is proved."""
        return "" if self.proved else self.certificate.trusted_to

    def write_proof(self, path: str | PathLike[str]) -> None:
        """Write the proof, a line a step, atomically.

        Parameters
        ----------
        path : path

        Raises
        ------
        InputError
            If there is none, or the file cannot be written.
        """
        if self.proof is None:
            raise InputError("there is no proof: it is written for UNSAT, with proof=True")
        write_text(Path(path), "\n".join((*self.proof, "")))

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values, without the proof.

        The nodes of a graph are written by ``str``: a set of them as a sorted list, their colours as pairs.

        Examples
        --------
        >>> from reductions import Coloring
        >>> decide(nx.grid_2d_graph(1, 2), Coloring(2), "highs").to_dict()["assignment"][0][0]
        '(0, 0)'
        """
        assignment = self.assignment
        if isinstance(assignment, set):
            assignment = sorted(map(str, assignment))
        elif isinstance(assignment, dict):
            assignment = [[str(node), color] for node, color in assignment.items()]
        names = ("verdict", "proved", "trusted_to", "status", "seconds", "solver", "message")
        own = {name: plain(getattr(self, name)) for name in names}
        return {**own, "assignment": plain(assignment), "certificate": self.certificate.to_list()}

    def __repr__(self) -> str:
        return f"Decision({self.verdict}, {'proved' if self.proved else 'not proved'}, {self.status})"


def decide(
    source: CNF | nx.Graph,
    reduction: Reduction | str = "three-sat",
    solver: Solver | str | None = "scip",
    *,
    proof: bool = False,
    seconds: float | None = None,
) -> Decision:
    """Decide whether a formula, or a graph problem, has a solution, by a program about the network it is reduced to.

    The question is whether any code has ``||G(z) - x|| <= gap / 2``, in the norm of the gap, in the instance's box, or
    in the unit cube where it has none; an optimum is not asked for. Bounds by propagation come first, then a 0-1
    program of what they leave, then the network as a mixed-integer program. Nothing in these knows of formulas.
    The connected components of a formula are decided one after the other; a variable that occurs in no clause is False.

    Parameters
    ----------
    source : CNF or networkx.Graph
        What the reduction takes.
    reduction : Reduction or str
        A reduction, or its name in ``REDUCTIONS``.
    solver : Solver, str or None
        Any that takes MILPs.
    proof : bool
        Confirm UNSAT by a DRUP proof of the formula: Glucose writes it (an extra), and the checker of
        :func:`~reductions.check_proof`, which shares nothing with it, reads it.
    seconds : float, optional
        Wall clock for all of it, roughly, but for the proof: what writes and checks it is not stopped.

    Returns
    -------
    Decision
        SAT comes with a solution that was checked on the source. UNSAT is trusted to the solver, unless bounds alone
        or a proof show it. UNDECIDED says why.

    Raises
    ------
    InputError
        If the reduction is unknown or does not take the source, has no gap, or a value is out of range.
    CapabilityError, SolverUnavailableError, SolverConfigError, MissingDependencyError
        If the solver does not take MILPs or is not here; if python-sat is not installed and a proof was asked for.

    References
    ----------
    Derived for this project.

    Examples
    --------
    >>> decide(CNF(2, [(1, 2), (-1, 2)])).assignment[1]
    True
    >>> found = decide(CNF(2, [(1, 2), (-1, 2), (1, -2), (-1, -2)]), "depth-two", "highs", proof=True)
    >>> found.verdict.value, found.proved, found.proof[-1]
    ('unsat', True, '0')
    >>> from reductions import Coloring
    >>> decide(nx.complete_graph(4), Coloring(3)).verdict.value
    'unsat'
    """
    started = time.perf_counter()
    if seconds is not None:
        as_number(seconds, "seconds", positive=True)
    chosen = Solver.of(solver)
    Call(chosen, MILP).check()
    run = _Deciding(_reduction_of(reduction), chosen, Deadline.after(seconds))
    if proof:
        _check_provable(source, run.reduction)
    with pinned(chosen.threads or 1):
        found = run.formula(source) if isinstance(source, CNF) else run.whole(source)
    if proof and found.verdict is DecisionVerdict.UNSAT:
        found = _with_proof(found, source, run.reduction)
    return replace(found, seconds=time.perf_counter() - started)


def _reduction_of(reduction: Reduction | str) -> Reduction:
    if isinstance(reduction, str):
        return named_reduction(reduction)
    if isinstance(reduction, MaxSat) and reduction.weights is not None:
        raise InputError("decide asks whether all clauses can hold: give MaxSat() without weights")
    return reduction


@dataclass(frozen=True)
class _Deciding:
    reduction: Reduction
    solver: Solver
    deadline: Deadline

    def formula(self, cnf: CNF) -> Decision:
        """Decide a formula component by component, the smallest first."""
        if isinstance(self.reduction, ThroughCNF):
            raise InputError(f"{self.reduction.name} reduces graphs, got a CNF")
        whole = occurring(cnf.normalise().cnf)
        parts = components(whole.cnf)
        answers: dict[int, list[bool]] = {}
        solver = ""
        for i in sorted(range(len(parts)), key=lambda i: len(parts[i].cnf.clauses)):
            found = self._component(parts[i])
            solver = found.solver or solver
            if found.verdict is not DecisionVerdict.SAT:
                return found
            answers[i] = found.assignment
        assignment = [False] * cnf.n_variables
        for variable, value in zip(whole.variables, join(parts, [answers[i] for i in range(len(parts))]), strict=True):
            assignment[variable - 1] = value
        if not cnf.satisfied_by(assignment):
            return _undecided(Status.SOLVER_ERROR, solver, "the assignment that was found does not satisfy the formula")
        claim = Claim(f"the assignment satisfies all {len(cnf.clauses)} clauses", Standing.VERIFIED, "evaluation")
        return Decision(DecisionVerdict.SAT, assignment, Certificate((claim,)), Status.SOLVED, 0.0, solver)

    def _component(self, part: Component) -> Decision:
        cnf = part.cnf
        if () in cnf.clauses:
            return _unsat(Claim("a clause is empty", Standing.VERIFIED, "comparison"), "")
        return self.whole(cnf)

    def whole(self, source: Any) -> Decision:
        """Decide a source by one network."""
        instance = self.reduction.reduce(source)
        question = Question.of(instance)
        text = f"no code has ||G(z) - x||_{instance.gap_norm} <= {down(question.level, 6)}, half of the gap"
        if question.region is None:
            return _unsat(Claim(text, Standing.VERIFIED, "bounds, rounded outwards"), "")
        outcome: Outcome | None = None
        for outcome, code in self._attempts(question):
            if outcome.status in (Status.INFEASIBLE, Status.INFEASIBLE_OR_UNBOUNDED):
                return _unsat(Claim(text, Standing.TRUSTED, outcome.solver), outcome.solver)
            solution = None if code is None else self.reduction.lift(instance, code)
            if solution is not None and _solves(source, solution):
                claim = Claim("the solution holds", Standing.VERIFIED, f"check of {instance.name} on its source")
                return Decision(
                    DecisionVerdict.SAT, solution, Certificate((claim,)), Status.SOLVED, 0.0, outcome.solver
                )
            if not outcome.status.ok:
                break
        assert outcome is not None
        if outcome.status.ok:
            return _undecided(Status.SOLVER_ERROR, outcome.solver, f"{outcome.solver} gives a code that solves nothing")
        return _undecided(outcome.status, outcome.solver, outcome.message)

    def _attempts(self, question: Question) -> Iterator[tuple[Outcome, Any]]:
        """Yield what the solver says of the 0-1 program, whose solutions are guesses, and then of the network."""
        if question.pattern is not None:
            yield question.try_pattern(self.solver.until(self.deadline))
        yield question.try_network(self.solver.until(self.deadline))


def _solves(source: Any, solution: Any) -> bool:
    """Whether a lifted solution is one; lifts of graphs have checked it."""
    return source.satisfied_by(solution) if isinstance(source, CNF) else True


def _unsat(claim: Claim, solver: str) -> Decision:
    return Decision(DecisionVerdict.UNSAT, None, Certificate((claim,)), Status.SOLVED, 0.0, solver)


def _undecided(status: Status, solver: str, message: str) -> Decision:
    return Decision(DecisionVerdict.UNDECIDED, None, Certificate(), status, 0.0, solver, message)


def _check_provable(source: Any, reduction: Reduction) -> None:
    if not isinstance(source, CNF) and not isinstance(reduction, ThroughCNF):
        raise InputError(f"{reduction.name} goes through no formula, so that there is no DRUP proof of it")
    oracle.load()


def _with_proof(found: Decision, source: Any, reduction: Reduction) -> Decision:
    formula = reduction.formula(source) if isinstance(reduction, ThroughCNF) else source
    if oracle.solve(formula) is not None:
        said = f"{found.solver} finds no code, but {oracle.SOLVER} an assignment"
        return _undecided(Status.SOLVER_ERROR, found.solver, said)
    lines = tuple(oracle.unsat_proof(formula))
    if not check_proof(formula, lines):
        return replace(found, message=f"the proof by {oracle.PROOF_SOLVER} does not check")
    by = f"DRUP proof of {len(lines)} lines by {oracle.PROOF_SOLVER}, checked by unit propagation"
    claim = Claim("no assignment satisfies the formula", Standing.VERIFIED, by)
    return replace(found, certificate=Certificate((*found.certificate.claims, claim)), proof=lines)
