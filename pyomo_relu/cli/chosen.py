"""What the flags of an inversion choose: its method, its solver and its box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pyomo_relu.cli.method_flags import MethodFlags, choose_method
from pyomo_relu.cli.solver_flags import SolverFlags, choose_solver

if TYPE_CHECKING:
    from pyomo_relu.inversion import Method
    from pyomo_relu.solvers import Solver


OF_EVERY_METHOD = ("--time-limit", "--threads")
"""What a `Solver` says of a whole call, and not of a solver: its limit, and the threads of linear algebra."""


def chosen_by(given: Mapping[str, Any]) -> tuple[Method, Solver, tuple[float, float] | None]:
    """Return the method, the solver and the box that a command's parameters choose.

    Parameters
    ----------
    given : mapping
        The parameters by their names; those that concern none of the three are left alone.

    Raises
    ------
    InputError, SolverConfigError
        As :func:`choose_method` and :func:`choose_solver`.

    Examples
    --------
    >>> chosen_by({"method": "descent", "box": (-3, 3), "out": None})[1:]
    (Solver(name=None, ...), (-3.0, 3.0))
    """
    low_high = given.get("box")
    box = None if low_high is None else (float(low_high[0]), float(low_high[1]))
    about_solver = SolverFlags(**{**_of(SolverFlags, given), "option": given.get("option") or ()})
    about_method = MethodFlags(**_of(MethodFlags, given))
    for_solver = [flag for flag in about_solver.given if flag not in OF_EVERY_METHOD]
    return choose_method(about_method, for_solver), choose_solver(about_solver), box


def _of(kind: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: given[field.name] for field in fields(kind) if field.name in given}
