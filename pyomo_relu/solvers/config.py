"""`Solver`: which solver, and how it is to run."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pyomo_relu.deadline import Deadline
from pyomo_relu.documents import parse_toml
from pyomo_relu.errors import CapabilityError, SolverConfigError
from pyomo_relu.reading import content
from pyomo_relu.solvers.backend import Backend, Capability
from pyomo_relu.solvers.backends import BACKENDS, backend_of, default_backend
from pyomo_relu.validation import as_count, as_number

ENVIRONMENT_VARIABLE = "PYOMO_RELU_SOLVER"

# What every solver takes: CBC counts no more seconds, Gurobi has no larger seed.
_LARGEST = 1e12
_LEAST_SECONDS = 1e-3
_LARGEST_SEED = 2_000_000_000
_MOST_THREADS = 1024

# Of a config file: a table of a dozen lines, and others beside it.
_MOST_BYTES = 2**16


@dataclass(frozen=True)
class Solver:
    """Which solver, and how it is to run; swap solvers by changing the name.

    Parameters
    ----------
    name : str, optional
        ``"highs"``, ``"scip"``, ``"cbc"``, ``"glpk"``, ``"gurobi"``, ``"cplex"``, ``"xpress"`` or ``"mosek"``;
        None takes the default for the job: HiGHS for LPs, SCIP for models with binaries; of these two, HiGHS
        for both where it gets several threads, which SCIP has not.
    time_limit : float, optional
        Seconds for the whole call, of whatever it is given to.
    rel_gap : float, optional
        Relative gap at which a MILP counts as optimal; 1e-6 where not given.
    threads : int, optional
        Of the solver, which has its own default; and of linear algebra during the call, 1 where not given.
    seed : int, optional
        The solver's random seed, at most 2,000,000,000.
    log : bool
        Whether the solver prints its log.
    options : mapping, optional
        The solver's own options by their own names; one that the solver does not take, or that is
        a parameter above by another name, is an error.

    Raises
    ------
    SolverConfigError
        If the solver is unknown, or a value has the wrong type or range.

    Examples
    --------
    >>> Solver("scip", time_limit=60).name
    'scip'
    """

    name: str | None = None
    time_limit: float | None = None
    rel_gap: float | None = None
    threads: int | None = None
    seed: int | None = None
    log: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.name is not None:
            if not isinstance(self.name, str):
                raise SolverConfigError(f"solver name must be a string, got {self.name!r}")
            backend_of(self.name)
        for name, positive in (("time_limit", True), ("rel_gap", False)):
            value = getattr(self, name)
            if value is not None:
                number = as_number(value, name, positive=positive, most=_LARGEST, error=SolverConfigError)
                object.__setattr__(self, name, number)
        for name, least, most in (("threads", 1, _MOST_THREADS), ("seed", 0, _LARGEST_SEED)):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, as_count(value, name, least, most, error=SolverConfigError))
        if not isinstance(self.log, bool):
            raise SolverConfigError(f"must be true or false, got {self.log!r}", parameter="log")
        if not isinstance(self.options, Mapping):
            raise SolverConfigError(f"options must be a table of the solver's own options, got {self.options!r}")
        if not all(isinstance(name, str) and name for name in self.options):
            raise SolverConfigError(f"options must have names, got {dict(self.options)!r}")
        if self.options and self.name is None:
            raise SolverConfigError("options belong to one solver: give its name too")
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))

    def __reduce__(self) -> tuple[Any, ...]:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return _rebuild, ({**values, "options": dict(self.options)},)

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> Solver:
        r"""Read the ``[solver]`` table of a TOML file; other tables may stand beside it.

        Parameters
        ----------
        path : path

        Returns
        -------
        Solver

        Raises
        ------
        SolverConfigError
            If the file is missing or damaged, has no such table, or the table has an unknown key.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "run.toml"
        ...     _ = path.write_text('[solver]\nname = "scip"\ntime_limit = 60\n')
        ...     Solver.from_toml(path).time_limit
        60.0
        """
        data = content(Path(path), _MOST_BYTES, error=SolverConfigError, remedy="give [solver] a file of its own")
        table = parse_toml(data, path, error=SolverConfigError).get("solver")
        if not isinstance(table, dict):
            raise SolverConfigError(f"{path}: no [solver] table")
        known = [f.name for f in fields(cls)]
        unknown = sorted(set(table) - set(known))
        if unknown:
            raise SolverConfigError(f"{path}: unknown key {unknown[0]!r} in [solver]; known: {', '.join(known)}")
        try:
            return cls(**table)
        except SolverConfigError as error:
            raise SolverConfigError(f"{path}: {error}") from error

    @classmethod
    def of(cls, solver: Solver | str | None) -> Solver:
        """Read a keyword: a `Solver`, a name, or None for the environment variable and then the default.

        Parameters
        ----------
        solver : Solver, str or None

        Returns
        -------
        Solver

        Raises
        ------
        SolverConfigError
            If it is neither, or there is no solver of that name.
        """
        if isinstance(solver, Solver):
            chosen = solver
        elif solver is None or isinstance(solver, str):
            chosen = cls(solver)
        else:
            raise SolverConfigError(f"solver must be a name or a Solver, got {type(solver).__name__}")
        name = os.environ.get(ENVIRONMENT_VARIABLE)
        if chosen.name is not None or not name:
            return chosen
        try:
            return replace(chosen, name=name)
        except SolverConfigError as error:
            raise SolverConfigError(f"{ENVIRONMENT_VARIABLE}: {error}") from error

    def until(self, deadline: Deadline) -> Solver:
        """Return the same solver, whose time limit is at most what is left until a deadline.

        Parameters
        ----------
        deadline : Deadline
            Ask whether it has expired before: a solve always has some milliseconds.

        Returns
        -------
        Solver

        Examples
        --------
        >>> Solver("highs").until(Deadline.after(5.0)).time_limit <= 5.0
        True
        >>> Solver("highs").until(Deadline.after(None)).time_limit is None
        True
        """
        left = deadline.left if self.time_limit is None else min(deadline.left, self.time_limit)
        return self if math.isinf(left) else replace(self, time_limit=max(left, _LEAST_SECONDS))

    def counts_nodes(self, needs: frozenset[Capability]) -> bool:
        """Whether a branch and bound can be limited by its nodes, and the options do not limit them already.

        Examples
        --------
        >>> milp = frozenset({Capability.MILP})
        >>> Solver("scip").counts_nodes(milp), Solver("glpk").counts_nodes(milp)
        (True, False)
        """
        setting = self.backend(needs).settings.get("nodes")
        return setting is not None and setting.lower() not in map(str.lower, self.options)

    @property
    def required_settings(self) -> frozenset[str]:
        """What a solver must be able to set: the seed, and the threads where there are to be several."""
        asked = {"seed": self.seed is not None, "threads": self.threads not in (None, 1)}
        return frozenset(name for name, is_asked in asked.items() if is_asked)

    def takes(self, capability: Capability) -> bool:
        """Whether it takes such models, with the required settings; where none is named, whether a default one does.

        Examples
        --------
        >>> [solver.takes(Capability.MIQP) for solver in (Solver("highs"), Solver(), Solver(threads=2))]
        [False, True, False]
        """
        backend = self._chosen(frozenset({capability}))
        return capability in backend.supports and self.required_settings <= backend.settings.keys()

    def backend(self, needs: frozenset[Capability]) -> Backend:
        """Return the backend for a model that needs `needs`.

        Raises
        ------
        CapabilityError
            If the named solver does not take such models; the message names those that do.
        """
        backend = self._chosen(needs)
        missing = needs - backend.supports
        if missing:
            able = [other.name for other in BACKENDS.values() if needs <= other.supports]
            what = ", ".join(sorted(str(capability) for capability in missing))
            raise CapabilityError(f"{backend.title} does not take {what} models here; these do: {', '.join(able)}")
        return backend

    def _chosen(self, needs: frozenset[Capability]) -> Backend:
        return default_backend(needs, self.required_settings) if self.name is None else backend_of(self.name)


def _rebuild(values: dict[str, Any]) -> Solver:
    return Solver(**values)
