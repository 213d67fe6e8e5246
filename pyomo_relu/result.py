"""`Result`: what an inversion found, and what of it may be believed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from pyomo_relu.certificate import Certificate, Verdict
from pyomo_relu.documents import number, plain
from pyomo_relu.errors import InputError, StatusError
from pyomo_relu.norms import NormName, as_norm
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray


@dataclass(frozen=True)
class LayerReport:
    """What layer-wise inversion tells of one layer.

    Hidden neurons of extreme size are brought near 1 before (see :class:`pyomo_relu.Layerwise`): the numbers of their
    layers are then those of such neurons, and those of the last layer are always in the units of the observation.

    Parameters
    ----------
    layer : int
        Number of the layer, from 1.
    status : Status
    eps : float or None
        The tolerance reached.
    active : int
        Rows held to the observation from both sides.
    rank : int or None
        Rank of their weights; None where a time limit left no time for it.
    unique : bool
        Whether those rows are known to be met and to determine the layer's code: the rank is `n_in`.
    recovery_factor : float or None
        The code is within this times (largest deviation + noise) of the true one, in every
        coordinate, where those rows are active at both (see `certificate.recovery_factor`).
    objective : float or None
        Objective of the last LP.
    residual : float or None
        The layer's own residual, by a forward pass in float64, in the formulation's norm.
    n_solves : int
        LPs, or linear solves.
    seconds : float
        Wall clock.
    message : str

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.random((2, 8, 20), seed=0)
    >>> last, first = pr.invert(net, net([1.0, -1.0])).layers
    >>> last.layer, first.layer, last.unique, first.rank
    (2, 1, True, 2)
    """

    layer: int
    status: Status
    eps: float | None
    active: int
    rank: int | None
    unique: bool
    recovery_factor: float | None
    objective: float | None
    residual: float | None
    n_solves: int
    seconds: float
    message: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, of which :meth:`from_dict` makes the report again."""
        return cast("dict[str, Any]", plain(vars(self)))

    @classmethod
    def from_dict(cls, entries: dict[str, Any]) -> LayerReport:
        """Return the report of :meth:`to_dict`; errors as of :meth:`Result.from_dict`."""
        return cls(**_read(entries, _LAYER))


@dataclass(frozen=True, eq=False)
class Result:
    """What an inversion found, and what of it may be believed.

    Parameters
    ----------
    z : array, shape (k,), or None
        The code; None where there is none.
    status : Status
        How it ended; ``status.advice`` says what to try.
    norm : "inf", 1, 2 or "huber:<delta>"
        The norm of `residual`, `dual_bound` and `gap`.
    residual : float or None
        ``||A G(z) - x||`` by a forward pass, never the solver's number. Where rounding may have changed it by more
        than 1e-6 of itself, and x is not surely met, it is worked out in rationals, or is an upper bound; the
        certificate says which.
    objective : float or None
        The solver's own value; for p = 2 the square of its norm.
    dual_bound : float or None
        A lower bound on the residual of every admissible code; the certificate says to whom it is trusted.
    gap : float or None
        ``(residual - dual_bound) / residual``, where both are known; 0 where x is met.
    realizable : bool or None
        True: z meets x up to ``1e-6 max(0.001, max |x|)``, whatever was rounded. False: `dual_bound` is at least
        ``1e-5 max(1, max |x|)``. None: not decided.
    certificate : Certificate
    seconds : float
        Wall clock.
    solver : str
        Name and version.
    message : str
        One line on what went wrong.
    layers : tuple of LayerReport
        Last layer first; empty for methods that do not work layer by layer.
    bound_by : str
        By what `dual_bound` was verified, or to whom it is trusted, as the certificate says; empty where there is none.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]], [[1.0, 1.0]]])   # |z|
    >>> result = pr.invert(net, [-2.0], pr.Exact(), box=(-1, 3))
    >>> result.status.value, result.residual, result.dual_bound, result.gap, result.realizable
    ('optimal', 2.0, 2.0, 0.0, False)
    >>> result.to_dict()["norm"]
    'inf'
    """

    z: FloatArray | None
    status: Status
    norm: NormName
    residual: float | None
    objective: float | None
    dual_bound: float | None
    realizable: bool | None
    certificate: Certificate
    seconds: float
    solver: str
    message: str = ""
    layers: tuple[LayerReport, ...] = ()
    bound_by: str = ""

    @classmethod
    def of(
        cls,
        verdict: Verdict,
        status: Status,
        solver: str,
        started: float,
        *,
        objective: float | None,
        message: str = "",
        layers: tuple[LayerReport, ...] = (),
    ) -> Result:
        """Return the result that a verdict allows.

        Parameters
        ----------
        verdict : Verdict
            The code, after it was re-checked.
        started : float
            When the method began, by ``time.perf_counter``.
        status, solver, objective, message, layers
            As of the result.
        """
        if verdict.z is None and status.ok:
            status, message = Status.SOLVER_ERROR, "the network's output at the code that was found is not finite"
        return cls(
            z=verdict.z,
            status=status,
            norm=verdict.norm,
            residual=verdict.residual,
            objective=objective,
            dual_bound=verdict.dual_bound,
            realizable=verdict.realizable,
            certificate=verdict.certificate,
            seconds=time.perf_counter() - started,
            solver=solver,
            message=message,
            layers=layers,
            bound_by=verdict.bound_by,
        )

    @property
    def gap(self) -> float | None:
        """Relative gap between the residual and the bound below it."""
        if self.residual is None or self.dual_bound is None:
            return None
        if self.realizable:
            return 0.0
        return max(0.0, (self.residual - self.dual_bound) / self.residual)

    def raise_for_status(self) -> Result:
        """Return the result where its status is ok.

        Raises
        ------
        StatusError
            With the status, what the solver said, and what to try.
        """
        if not self.status.ok:
            detail = f" ({self.message})" if self.message else ""
            raise StatusError(f"{self.status}{detail}: {self.status.advice}")
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; what is not known is None, infinite numbers are text."""
        own = {name: value for name, value in vars(self).items() if name not in ("certificate", "layers")}
        return {
            **plain(own),
            "gap": plain(self.gap),
            "certificate": self.certificate.to_list(),
            "layers": [layer.to_dict() for layer in self.layers],
        }

    @classmethod
    def from_dict(cls, entries: dict[str, Any]) -> Result:
        """Return the result of :meth:`to_dict`, bit by bit; ``gap``, which follows from others, is left out.

        Parameters
        ----------
        entries : dict
            What :meth:`to_dict` returned, or a line of a store of :func:`pyomo_relu.invert_many`.

        Returns
        -------
        Result
            Of the right types. Whether what it says is true is not checked here; resuming a store does.

        Raises
        ------
        InputError
            If it is no such dictionary.

        Examples
        --------
        >>> import json
        >>> import pyomo_relu as pr
        >>> result = pr.invert(pr.Network.from_arrays([[[1.0], [-1.0]]]), [2.0, 0.0])
        >>> Result.from_dict(json.loads(result.to_json())).z.tolist()
        [2.0]
        """
        try:
            return cls(**_read({name: entry for name, entry in entries.items() if name != "gap"}, _RESULT))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise InputError(f"no result: {error!r}") from error

    def to_json(self, indent: int | None = None) -> str:
        """Return :meth:`to_dict` as JSON; `indent` as in ``json.dumps``."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={value:.6g}"
            for name, value in (("residual", self.residual), ("dual_bound", self.dual_bound))
            if value is not None
        )
        shown = shown or "no code"
        return f"Result({self.status}, norm={self.norm}, {shown}, realizable={self.realizable}, {self.solver})"


def _read(entries: dict[str, Any], parts: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Return the entries, each read as its part is; one that is no part is a KeyError."""
    return {name: parts[name](entry) for name, entry in entries.items()}


def _of(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        # To Python, True is an integer.
        if type(value) is not kind:
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value

    return read


def _or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _code(entries: list[Any]) -> FloatArray:
    return np.array([number(entry) for entry in entries], dtype=np.float64)


_TEXT, _NUMBER = _of(str), _or_none(number)

_LAYER: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("layer", "active", "n_solves"), _of(int)),
    **dict.fromkeys(("eps", "recovery_factor", "objective", "residual"), _NUMBER),
    "status": Status,
    "rank": _or_none(_of(int)),
    "unique": _of(bool),
    "seconds": number,
    "message": _TEXT,
}

_RESULT: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("residual", "objective", "dual_bound"), _NUMBER),
    **dict.fromkeys(("solver", "message", "bound_by"), _TEXT),
    "z": _or_none(_code),
    "status": Status,
    "norm": lambda name: as_norm(name).name,
    "realizable": _or_none(_of(bool)),
    "certificate": Certificate.from_list,
    "seconds": number,
    "layers": lambda layers: tuple(map(LayerReport.from_dict, layers)),
}
