"""The command line as the tests see it: what a run leaves, and results to show."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pyomo_relu.certificate import Certificate, Claim, Standing
from pyomo_relu.network import Network
from pyomo_relu.result import Result
from pyomo_relu.status import Status

CODE = np.array([1.0, -1.0, 0.5])

NET = Network.random((3, 12, 30), seed=4)

NARROW = Network.random((3, 6, 8), seed=1)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


def refused(ran: Ran, *said: str) -> None:
    """Check that bad input was refused in one line."""
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert ran.err.endswith("\n")
    for text in said:
        assert text in ran.err


def result(status: Status, z: Any = None, realizable: bool | None = None, **fields: Any) -> Result:
    given: dict[str, Any] = {"residual": None if z is None else 0.5, "dual_bound": 0.25, **fields}
    certificate = Certificate((Claim("a claim", Standing.TRUSTED, "somebody"),))
    return Result(
        z=z, status=status, norm="inf", objective=None, realizable=realizable, certificate=certificate,
        seconds=0.1, solver="Solver 1.0", **given,
    )  # fmt: skip
