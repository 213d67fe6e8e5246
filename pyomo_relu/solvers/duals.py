"""Duals and reduced costs that a model asks for, and a solve does not give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyomo.environ import ConcreteModel, Suffix

from pyomo_relu.errors import InputError

_MEANT = {"dual": "duals", "rc": "reduced costs"}


def refuse_duals(model: ConcreteModel, who: str, remedy: str) -> None:
    """Raise where an active suffix of the model is to receive duals or reduced costs.

    Parameters
    ----------
    model : pyomo.environ.ConcreteModel
    who : str
        Who gives none.
    remedy : str
        What gives some.

    Raises
    ------
    InputError

    Examples
    --------
    >>> model = ConcreteModel()
    >>> model.rc = Suffix(direction=Suffix.IMPORT)
    >>> refuse_duals(model, "SCIP", "solve it elsewhere")
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.InputError: suffix rc asks for reduced costs, and SCIP gives none: deactivate it, or solve it elsewhere
    """  # noqa: E501 - the message is one line
    for suffix in _asking(model):
        what = _MEANT[suffix.local_name]
        raise InputError(f"suffix {suffix.name} asks for {what}, and {who} gives none: deactivate it, or {remedy}")


def clear_duals(model: ConcreteModel) -> None:
    """Take away the duals and reduced costs of a solve before: this one may end without any."""
    for suffix in _asking(model):
        suffix.clear()


def _asking(model: ConcreteModel) -> Iterator[Any]:
    for suffix in model.component_objects(Suffix, active=True, descend_into=True):
        if suffix.import_enabled() and suffix.local_name in _MEANT:
            yield suffix
