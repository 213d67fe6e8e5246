"""Which solver: flags over the config file, over the environment, over the default for the job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyomo_relu.errors import InputError, SolverConfigError

if TYPE_CHECKING:
    from pyomo_relu.solvers import Solver


@dataclass(frozen=True)
class SolverFlags:
    """The flags that concern the solver; None (or empty) where one is not given."""

    solver: str | None = None
    config: Path | None = None
    time_limit: float | None = None
    rel_gap: float | None = None
    threads: int | None = None
    seed: int | None = None
    log: bool | None = None
    option: Sequence[str] = ()

    @property
    def given(self) -> list[str]:
        """The flags that were given, as they are written."""
        return ["--" + name.replace("_", "-") for name, value in vars(self).items() if value not in (None, (), [])]


def choose_solver(flags: SolverFlags) -> Solver:
    """Merge the flags into the config file's table, and that into the environment and the defaults.

    Raises
    ------
    SolverConfigError
        If the config file, the environment variable or a flag is wrong, or a flag names another solver
        than the one to which the config file's own options belong.
    InputError
        If an ``--option`` is not ``KEY=VALUE``.

    Examples
    --------
    >>> choose_solver(SolverFlags(solver="scip", option=["limits/nodes=10"])).options["limits/nodes"]
    10
    """
    from pyomo_relu.solvers import Solver

    chosen = Solver() if flags.config is None else Solver.from_toml(flags.config)
    if flags.solver is not None:
        if chosen.options and flags.solver != chosen.name:
            raise SolverConfigError(
                f"{flags.config}: its options are those of {chosen.name}, not of {flags.solver}: "
                "leave out --solver, or take another --config"
            )
        chosen = replace(chosen, name=flags.solver)
    elif chosen.name is None:
        chosen = Solver.of(chosen)
    options = parse_options(flags.option)
    if options and chosen.name is None:
        raise SolverConfigError("--option sets one solver's own option: give --solver too")
    single = {name: getattr(flags, name) for name in ("time_limit", "rel_gap", "threads", "seed", "log")}
    given = {name: value for name, value in single.items() if value is not None}
    return replace(chosen, options={**chosen.options, **options}, **given)


def parse_options(texts: Sequence[str]) -> dict[str, Any]:
    """Read ``KEY=VALUE`` texts; a value is a whole number, a number, true or false where it looks like one.

    Raises
    ------
    InputError
        If a text has no ``=`` or no key, or a key occurs twice.

    Examples
    --------
    >>> parse_options(["presolve=off", "gap=1e-3", "lean=true", "nodes=10"])
    {'presolve': 'off', 'gap': 0.001, 'lean': True, 'nodes': 10}
    """
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--option must be KEY=VALUE, got {text!r}")
        if key.strip() in found:
            raise InputError(f"--option {key.strip()} is given twice")
        found[key.strip()] = _value(value.strip())
    return found


def _value(text: str) -> bool | int | float | str:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text
