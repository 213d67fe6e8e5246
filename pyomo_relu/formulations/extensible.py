"""`ExtensibleModel`: a Pyomo model to which parts may be added, and none replaced by accident."""

from __future__ import annotations

from typing import Any

from pyomo.core.base.component import Component
from pyomo.environ import ConcreteModel

from pyomo_relu.errors import InputError


class ExtensibleModel(ConcreteModel):  # type: ignore[misc]
    """A concrete model that refuses a part whose name another one has.

    Pyomo replaces the other one, with no more than a warning: a constraint of your own called ``below`` would take the
    place of rows that the residual needs, and the optimum would be that of another problem.

    Raises
    ------
    InputError
        Where a part is assigned to the name of another one. ``del_component`` gives the name free.

    Examples
    --------
    >>> from pyomo.environ import Constraint, Var
    >>> model = ExtensibleModel()
    >>> model.below = Var()
    >>> model.below = Constraint(expr=model.below <= 1)
    Traceback (most recent call last):
        ...
    pyomo_relu.errors.InputError: the model has a part named 'below' already (Var): give yours another name
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Component):
            part = self.component(name)
            if part is not None and part is not value:
                kind = part.ctype.__name__
                raise InputError(f"the model has a part named {name!r} already ({kind}): give yours another name")
        super().__setattr__(name, value)
