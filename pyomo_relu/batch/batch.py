"""`Batch`: the answers to many observations, in their order; `Failure`: why one has none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn, overload

import numpy as np

from pyomo_relu.errors import StatusError
from pyomo_relu.result import Result
from pyomo_relu.status import Status
from pyomo_relu.validation import FloatArray

_SOLVER_FAILED = (Status.NO_LICENSE, Status.SIZE_LIMIT, Status.SOLVER_ERROR)


@dataclass(frozen=True)
class Failure:
    """Why an observation has no answer; it stands where the `Result` would.

    Parameters
    ----------
    index : int
        The observation's row, from 0.
    error : str
        Name of the exception, or of the solver's status.
    message : str
        One line.
    refused : bool
        Whether the observation itself was bad input; else its inversion failed, or the worker was lost.

    Examples
    --------
    >>> failure = Failure(3, "InputError", "observation has 1 entry that is not finite", refused=True)
    >>> failure.z is None, str(failure)
    (True, 'observation 3: InputError: observation has 1 entry that is not finite')
    """

    index: int
    error: str
    message: str
    refused: bool = False

    z: ClassVar[None] = None
    residual: ClassVar[None] = None
    objective: ClassVar[None] = None
    dual_bound: ClassVar[None] = None
    gap: ClassVar[None] = None
    realizable: ClassVar[None] = None

    def raise_for_status(self) -> NoReturn:
        """Raise.

        Raises
        ------
        StatusError
            Always, with the row, the error and its message.
        """
        raise StatusError(str(self))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"index": self.index, "error": self.error, "message": self.message, "refused": self.refused}

    def __str__(self) -> str:
        return f"observation {self.index}: {self.error}" + (f": {self.message}" if self.message else "")


Answer = Result | Failure


@dataclass(frozen=True, eq=False)
class Batch(Sequence[Answer]):
    """The answers to N observations, in the order of the observations.

    Parameters
    ----------
    answers : tuple of Result or Failure
    n_in : int
        Size of a code, k.
    seconds : float
        Wall clock of this run; what a resumed store held already took no time.

    Examples
    --------
    >>> import pyomo_relu as pr
    >>> net = pr.Network.from_arrays([[[1.0], [-1.0]]])
    >>> batch = pr.invert_many(net, [[2.0, 0.0], [float("nan"), 0.0]])
    >>> len(batch), batch.codes.tolist(), [failure.index for failure in batch.failures]
    (2, [[2.0], [nan]], [1])
    """

    answers: tuple[Answer, ...]
    n_in: int
    seconds: float

    @overload
    def __getitem__(self, i: int) -> Answer: ...
    @overload
    def __getitem__(self, i: slice) -> tuple[Answer, ...]: ...
    def __getitem__(self, i: int | slice) -> Answer | tuple[Answer, ...]:
        return self.answers[i]

    def __len__(self) -> int:
        return len(self.answers)

    @property
    def codes(self) -> FloatArray:
        """The codes, shape (N, k); a row of NaN where there is none."""
        none = np.full(self.n_in, np.nan)
        return np.array([none if answer.z is None else answer.z for answer in self.answers]).reshape(-1, self.n_in)

    @property
    def residuals(self) -> FloatArray:
        """The residuals, shape (N,), each in its result's norm; NaN where there is none."""
        return np.array([np.nan if a.residual is None else a.residual for a in self.answers], dtype=np.float64)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Observations that were refused, whose inversion raised, whose solver failed, or whose worker was lost."""
        found = (failure_of(i, answer) for i, answer in enumerate(self.answers))
        return tuple(failure for failure in found if failure is not None)

    def summary(self) -> dict[str, Any]:
        """Return the batch in a few plain numbers: answers by status, residuals, seconds.

        ``solve_seconds`` is the sum over the results, whoever worked them out and when.
        """
        residuals = self.residuals[np.isfinite(self.residuals)]
        statuses = Counter("failed" if isinstance(a, Failure) else a.status.value for a in self.answers)
        return {
            "observations": len(self),
            "statuses": dict(sorted(statuses.items())),
            "failures": len(self.failures),
            "realizable": sum(answer.realizable is True for answer in self.answers),
            "median_residual": float(np.median(residuals)) if residuals.size else None,
            "largest_residual": float(residuals.max()) if residuals.size else None,
            "seconds": self.seconds,
            "solve_seconds": sum(answer.seconds for answer in self.answers if isinstance(answer, Result)),
        }

    def __repr__(self) -> str:
        summary = self.summary()
        counts = ", ".join(f"{count} {status}" for status, count in summary["statuses"].items())
        return f"Batch({len(self)} observations: {counts}; {len(self.failures)} failures; {self.seconds:.1f} s)"


def failure_of(index: int, answer: Answer) -> Failure | None:
    """Return why row `index` has no answer; None where it has one. A solver's failure is one, a time limit is not."""
    if isinstance(answer, Failure):
        return answer
    return Failure(index, answer.status.value, answer.message) if answer.status in _SOLVER_FAILED else None
