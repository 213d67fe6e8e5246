"""Which method: the flags of one, and the refusal of those that belong to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import TYPE_CHECKING, Any

from pyomo_relu.errors import InputError

if TYPE_CHECKING:
    from pyomo_relu.inversion import Method


@dataclass(frozen=True)
class MethodFlags:
    """The flags that concern the method; None where one is not given."""

    method: str | None = None
    formulation: str | None = None
    schedule: str | None = None
    eps: float | None = None
    norm: str | None = None
    encoding: str | None = None
    tube: float | None = None
    then: str | None = None
    extent: bool | None = None
    tol: float | None = None


@dataclass(frozen=True)
class MethodChoice:
    """A method on the command line: the flags that are its own, and what makes it of them."""

    flags: tuple[str, ...]
    make: Callable[[MethodFlags], Method]


def choose_method(flags: MethodFlags, solver_flags: Sequence[str] = ()) -> Method:
    """Return the method that the flags describe.

    Parameters
    ----------
    flags : MethodFlags
    solver_flags : sequence of str
        The flags given that concern the solver, for methods which call none.

    Raises
    ------
    InputError
        If a name is unknown, or a flag belongs to another method or formulation: none is ignored.

    Examples
    --------
    >>> choose_method(MethodFlags(formulation="l1", eps=0.1)).formulation.eps
    0.1
    """
    method = "layerwise" if flags.method is None else flags.method
    if method not in METHODS:
        raise InputError(f"unknown method {method!r}; known: {', '.join(METHODS)}")
    for name in dict.fromkeys(chain(*(choice.flags for choice in METHODS.values()))):
        if name not in METHODS[method].flags and getattr(flags, name) is not None:
            raise InputError(f"--{name} does not go with --method {method}")
    if flags.tol is not None and flags.extent is None:
        raise InputError("--tol goes with --extent")
    chosen = METHODS[method].make(flags)
    if solver_flags:
        from pyomo_relu.solvers import Solver, solver_calls

        if not solver_calls(chosen, Solver()):
            named = f"--method {method}" if flags.formulation is None else f"--formulation {flags.formulation}"
            raise InputError(f"{solver_flags[0]} does not go with {named}, which calls no solver")
    return chosen


def _given(flags: MethodFlags, *names: str) -> dict[str, Any]:
    return {name: getattr(flags, name) for name in names if getattr(flags, name) is not None}


def _hybrid(flags: MethodFlags) -> Method:
    from pyomo_relu.inversion import Hybrid

    return Hybrid(**_given(flags, "norm"))


def _descent(flags: MethodFlags) -> Method:
    from pyomo_relu.inversion import Descent

    return Descent(**_given(flags, "norm"))


def _exact(flags: MethodFlags) -> Method:
    from pyomo_relu.inversion import Exact

    return Exact(**_given(flags, "norm", "encoding", "tube", "then"))


def _layerwise(flags: MethodFlags) -> Method:
    from pyomo_relu.formulations import LAYER_FORMULATIONS
    from pyomo_relu.inversion import Layerwise

    name = "linf" if flags.formulation is None else flags.formulation
    kind: Any = LAYER_FORMULATIONS.get(name)
    if kind is None:
        raise InputError(f"unknown formulation {name!r}; known: {', '.join(LAYER_FORMULATIONS)}")
    given = _given(flags, "eps", "schedule")
    for key in sorted(given.keys() - {field.name for field in fields(kind)}):
        raise InputError(f"--{key} does not go with --formulation {name}, which has none")
    if "schedule" in given:
        given["schedule"] = _schedule(given["schedule"])
    return Layerwise(kind(**given))


def _schedule(name: str) -> object:
    from pyomo_relu.formulations import Bisection, Geometric

    known = {"bisection": Bisection, "geometric": Geometric}
    if name not in known:
        raise InputError(f"unknown schedule {name!r}; known: {', '.join(known)}")
    return known[name]()


METHODS = {
    "layerwise": MethodChoice(("formulation", "schedule", "eps"), _layerwise),
    "exact": MethodChoice(("norm", "encoding", "tube", "then", "extent", "tol"), _exact),
    "hybrid": MethodChoice(("norm",), _hybrid),
    "descent": MethodChoice(("norm",), _descent),
}
"""The methods by name; the first one is the default."""
