"""`Instance`: the inversion problem that a reduction makes, and what its residual says of the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from fractions import Fraction
from numbers import Integral, Real
from typing import Any, Protocol

from pyomo_relu.box import Box
from pyomo_relu.errors import InputError
from pyomo_relu.network import Network
from pyomo_relu.norms import NormName, as_norm
from pyomo_relu.validation import FloatArray, as_number, as_vector, frozen


@dataclass(frozen=True, eq=False)
class Instance:
    """A network, an observation, and where they come from.

    Parameters
    ----------
    network : Network
        Its weights are exact: small integers, halves, and products of them with a leaky slope.
    observation : array_like, shape (n,)
    box : Box or None
        Where the code may lie; None is everywhere, and then some code of the cube ``[0, 1]^k`` meets
        the observation if any code at all does.
    source : object
        What was reduced, as it was given: a :class:`~reductions.CNF`, or a graph.
    gap : float
        Every code in the box has residual at least `gap` when the source has no solution; a code whose
        residual is less is lifted to a solution. Never rounded up.
        Zero where the residual tells nothing (:class:`~reductions.ConvexityFamily`).
    gap_norm : "inf", 1 or 2
        The norm of that residual.
    name : str
        The reduction's name.
    binary : bool
        Whether the code must also lie in ``{0, 1}^k`` (:class:`~reductions.BinaryCode`).
    parameters : mapping
        The reduction's parameters as plain values.

    Raises
    ------
    ShapeError, InputError
        If the parts do not fit.

    Examples
    --------
    >>> from reductions import CNF, DepthTwo
    >>> instance = DepthTwo().reduce(CNF(1, [(1,)]))
    >>> instance.network.sizes, instance.gap, instance.gap_norm, instance.search_box.upper.tolist()
    ((1, 5, 1), 1.0, 'inf', [1.0])
    """

    network: Network
    observation: FloatArray
    box: Box | None
    source: Any
    gap: float
    gap_norm: NormName
    name: str
    binary: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        observation = as_vector(self.observation, self.network.n_out, "observation")
        object.__setattr__(self, "observation", frozen(observation))
        if self.box is not None:
            object.__setattr__(self, "box", Box.of(self.box, self.network.n_in))
        as_number(self.gap, "gap")
        object.__setattr__(self, "gap_norm", as_norm(self.gap_norm).name)

    @property
    def search_box(self) -> Box:
        """The box, or the unit cube where there is none: it holds a code that meets x if there is one at all."""
        return Box.of((0.0, 1.0), self.network.n_in) if self.box is None else self.box

    def require_gap(self) -> None:
        """Refuse an instance whose residual decides nothing.

        Raises
        ------
        InputError
            If the gap is zero.
        """
        if not self.gap:
            raise InputError(f"{self.name}: the instance has no gap, so that its residual decides nothing")


def parameters_of(reduction: Any) -> dict[str, Any]:
    """Return the fields of a reduction as plain values, which JSON gives back as they were.

    A fraction is a pair of integers, and a reduction that another goes through its name and parameters.

    Examples
    --------
    >>> from reductions import ConvexityFamily, MaxSat, ThreeSat
    >>> parameters_of(MaxSat(weights=(3, 0.5)))
    {'weights': [[3, 1], [1, 2]]}
    >>> parameters_of(ConvexityFamily("empty", ThreeSat(norm=1)))
    {'form': 'empty', 'via': {'reduction': 'three-sat', 'parameters': {'norm': 1}}}
    """
    return {item.name: _parameter(getattr(reduction, item.name)) for item in fields(reduction)}


def _parameter(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Fraction):
        return [value.numerator, value.denominator]
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, tuple):
        return [_parameter(entry) for entry in value]
    return {"reduction": value.name, "parameters": parameters_of(value) if is_dataclass(value) else {}}


class Reduction(Protocol):
    """A map from a source to an :class:`Instance`, and the map back from its codes.

    Examples
    --------
    >>> from reductions import CNF, DepthTwo
    >>> reduction: Reduction = DepthTwo()
    >>> instance = reduction.reduce(CNF(1, [(-1,)]))
    >>> reduction.lift(instance, [0.2]), reduction.lift(instance, [1.0])
    ([False], None)
    """

    @property
    def name(self) -> str:
        """The name that instances carry."""
        ...

    def reduce(self, source: Any) -> Instance:
        """Return the inversion problem that has a solution iff `source` has one.

        Parameters
        ----------
        source : CNF or networkx.Graph

        Returns
        -------
        Instance

        Raises
        ------
        InputError
            If the source is not of the kind that is reduced, or the network would not fit in memory.
        """
        ...

    def lift(self, instance: Instance, z: Any) -> Any:
        """Return the solution of ``instance.source`` that the code `z` stands for, checked; None if it is none.

        Parameters
        ----------
        instance : Instance
            One that :meth:`reduce` made.
        z : sequence of real numbers, length k

        Returns
        -------
        list of bool, set or dict, or None
            An assignment, for a formula; for a graph what its reduction says.

        Raises
        ------
        ShapeError, InputError
            If `z` has another length, or an entry is not a finite number.
        """
        ...
