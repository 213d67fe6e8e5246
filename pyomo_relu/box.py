"""`Box`: the value in which bounds travel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pyomo_relu.errors import InputError, ShapeError
from pyomo_relu.validation import FloatArray, as_float_array, frozen


@dataclass(frozen=True, eq=False)
class Box:
    """An axis-parallel box ``{v : lower <= v <= upper}``.

    Parameters
    ----------
    lower, upper : array_like, shape (n,)
        Bounds; ``-inf`` and ``inf`` are allowed, NaN is not.

    Raises
    ------
    InputError
        If a bound is NaN, or a lower bound exceeds its upper bound.
    ShapeError
        If the two have different lengths.

    Examples
    --------
    >>> box = Box.of((-1, [1, 2]), 2)
    >>> box.upper.tolist(), box.is_bounded
    ([1.0, 2.0], True)
    """

    lower: FloatArray
    upper: FloatArray

    def __post_init__(self) -> None:
        lower, upper = as_float_array(self.lower, "box lower"), as_float_array(self.upper, "box upper")
        if lower.ndim != 1 or lower.shape != upper.shape:
            raise ShapeError(
                f"box lower has shape {lower.shape}, upper {upper.shape}: two vectors of one length needed"
            )
        if np.isnan(lower).any() or np.isnan(upper).any():
            raise InputError("has NaN bounds", parameter="box")
        if (lower == np.inf).any() or (upper == -np.inf).any():
            raise InputError("has a lower bound of +inf or an upper bound of -inf", parameter="box")
        crossed = np.flatnonzero(lower > upper)
        if crossed.size:
            i = int(crossed[0])
            raise InputError(f"is empty: lower {lower[i]:g} exceeds upper {upper[i]:g} at {i}", parameter="box")
        object.__setattr__(self, "lower", frozen(lower))
        object.__setattr__(self, "upper", frozen(upper))

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Arrays that were pickled or copied have lost their flag.
        self.__dict__.update(state)
        frozen(self.lower)
        frozen(self.upper)

    @classmethod
    def of(cls, spec: Box | Sequence[Any], size: int, name: str = "box") -> Box:
        """Read a `Box`, or a pair ``(lower, upper)`` of scalars or vectors, as a box of `size` axes.

        Parameters
        ----------
        spec : Box, or a pair (lower, upper) of numbers or vectors of length `size`
        size : int
        name : str
            The error's first word.

        Returns
        -------
        Box

        Raises
        ------
        InputError, ShapeError
            If it is no such pair, does not fit, or is empty.

        Examples
        --------
        >>> Box.of((0, float("inf")), 3).lower.tolist()
        [0.0, 0.0, 0.0]
        """
        if isinstance(spec, Box):
            box = spec
        else:
            if not isinstance(spec, (tuple, list, np.ndarray)) or len(spec) != 2:
                raise InputError(f"must be a pair (lower, upper), got {spec!r}", parameter=name)
            ends = []
            for side, value in zip(("lower", "upper"), spec, strict=True):
                end = as_float_array(value, f"{name} {side}")
                if end.ndim > 1 or (end.ndim == 1 and end.size != size):
                    raise ShapeError(f"{name} {side} has shape {end.shape}, expected a number or {size} entries")
                ends.append(np.broadcast_to(end, (size,)))
            box = cls(ends[0], ends[1])
        if box.size != size:
            raise ShapeError(f"{name} has size {box.size}, expected {size}")
        return box

    @classmethod
    def everything(cls, size: int) -> Box:
        """Return the whole space of `size` axes."""
        return cls(np.full(size, -np.inf), np.full(size, np.inf))

    @property
    def size(self) -> int:
        """Number of axes."""
        return int(self.lower.size)

    @property
    def is_everything(self) -> bool:
        """Whether no axis has a bound."""
        return bool(np.isinf(self.lower).all() and np.isinf(self.upper).all())

    @property
    def is_bounded(self) -> bool:
        """Whether every bound is finite."""
        return bool(np.isfinite(self.lower).all() and np.isfinite(self.upper).all())

    def contains(self, point: FloatArray, tol: float = 0.0) -> bool:
        """Whether `point`, shape (n,), lies in the box, up to `tol` an axis."""
        return bool((point >= self.lower - tol).all() and (point <= self.upper + tol).all())

    def clip(self, point: FloatArray) -> FloatArray:
        """Return the point of the box nearest to `point`, shape (n,)."""
        return np.asarray(np.clip(point, self.lower, self.upper), dtype=np.float64)
