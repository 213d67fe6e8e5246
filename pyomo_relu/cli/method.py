"""Which method: the flags of one, and the refusal of those that belong to another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import TYPE_CHECKING, Any

from pyomo_relu.errors import InputError

if TYPE_CHECKING:
    from pyomo_relu.inversion import Method
    from pyomo_relu.norms import NormName

METHODS: dict[str, tuple[str, ...]] = {
    "layerwise": ("formulation", "schedule", "eps"),
    "exact": ("norm", "encoding", "tube", "then", "extent", "tol"),
    "hybrid": ("norm",),
    "descent": (),
}
"""The methods, each with the flags that are its own."""


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
    box: tuple[float, float] | None = None


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
    for name in dict.fromkeys(chain(*METHODS.values())):
        if name not in METHODS[method] and getattr(flags, name) is not None:
            raise InputError(f"--{name} does not go with --method {method}")
    chosen = {"exact": _exact, "layerwise": _layerwise, "hybrid": _hybrid, "descent": _descent}[method](flags)
    if solver_flags:
        from pyomo_relu.solvers import Solver, solver_calls

        if not solver_calls(chosen, Solver()):
            named = f"--method {method}" if flags.formulation is None else f"--formulation {flags.formulation}"
            raise InputError(f"{solver_flags[0]} does not go with {named}, which calls no solver")
    return chosen


def _hybrid(flags: MethodFlags) -> Method:
    from pyomo_relu.inversion import Hybrid

    return Hybrid() if flags.norm is None else Hybrid(norm=_norm("--norm", flags.norm))


def _descent(flags: MethodFlags) -> Method:
    from pyomo_relu.inversion import Descent

    return Descent()


def _exact(flags: MethodFlags) -> Method:
    from pyomo_relu.inversion import Exact

    norm = _norm("--norm", "inf" if flags.norm is None else flags.norm)
    then = None if flags.then is None else _norm("--then", flags.then)
    if flags.tube is not None and norm == "inf":
        raise InputError("--tube goes with --norm 1 or --norm 2: for --norm inf it is the norm itself")
    if then is not None and (norm != "inf" or then == "inf"):
        raise InputError("--then 1 or --then 2 goes with --norm inf")
    if flags.tol is not None:
        if flags.extent is None:
            raise InputError("--tol goes with --extent")
        if not 0.0 < flags.tol < math.inf:
            raise InputError(f"--tol must be a positive number, got {flags.tol}")
    given: dict[str, Any] = {} if flags.encoding is None else {"encoding": flags.encoding}
    return Exact(norm=norm, tube=flags.tube, then=then, **given)


def _norm(flag: str, text: str) -> NormName:
    from pyomo_relu.norms import as_norm

    try:
        return as_norm(text).name
    except InputError as error:
        raise InputError(str(error).replace("norm", flag, 1)) from error


def _layerwise(flags: MethodFlags) -> Method:
    from pyomo_relu.formulations import LAYER_FORMULATIONS, LinearSolve
    from pyomo_relu.inversion import Layerwise

    name = "linf" if flags.formulation is None else flags.formulation
    kind: Any = LAYER_FORMULATIONS.get(name)
    if kind is None:
        raise InputError(f"unknown formulation {name!r}; known: {', '.join(LAYER_FORMULATIONS)}")
    given = {"eps": flags.eps, "schedule": None if flags.schedule is None else _schedule(flags.schedule)}
    given = {key: value for key, value in given.items() if value is not None}
    for key in sorted(given.keys() - {field.name for field in fields(kind)}):
        raise InputError(f"--{key} does not go with --formulation {name}, which has none")
    if kind is LinearSolve and flags.box is not None:
        raise InputError(f"--box does not go with --formulation {name}, which cannot hold the code in a box")
    try:
        return Layerwise(kind(**given))
    except InputError as error:
        raise InputError(f"--formulation {name}: {error}") from error


def _schedule(name: str) -> object:
    from pyomo_relu.formulations import Bisection, Geometric

    known = {"bisection": Bisection, "geometric": Geometric}
    if name not in known:
        raise InputError(f"unknown schedule {name!r}; known: {', '.join(known)}")
    return known[name]()
