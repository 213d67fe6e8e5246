"""A result as JSON, and back, without the loss of a bit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyomo_relu as pr
from pyomo_relu.result import LayerReport

NUMBERS = st.none() | st.floats()


@given(st.lists(st.floats(), max_size=3) | st.none(), NUMBERS, NUMBERS, st.text(), st.sampled_from(pr.Status))
def test_a_result_is_read_back_as_it_was_written(
    z: list[float] | None, residual: float | None, eps: float | None, message: str, status: pr.Status
) -> None:
    layer = LayerReport(1, status, eps, 2, 2, True, eps, None, residual, 3, 0.1, message)
    claim = pr.Claim(message, pr.Standing.TRUSTED, message, residual)
    code = None if z is None else np.array(z)
    result = pr.Result(
        z=code, status=status, norm=2, residual=residual, objective=eps, dual_bound=None, realizable=None,
        certificate=pr.Certificate((claim,)), seconds=0.1, solver=message, message=message, layers=(layer,),
    )  # fmt: skip
    text = result.to_json()
    assert "\n" not in text
    found = pr.Result.from_dict(json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON")))
    assert found.to_json() == text
    assert spelt(found) == spelt(result)


def spelt(result: pr.Result) -> str:
    """A result by the bits of its numbers; NaN is not equal to itself."""
    return repr({**vars(result), "z": None if result.z is None else result.z.tolist()})


@pytest.mark.parametrize("change", [{"z": [True]}, {"norm": 3}, {"status": "fine"}, {"other": 1}, {"certificate": [1]}])
def test_what_is_no_result_is_refused(change: dict[str, object]) -> None:
    result = pr.invert(pr.Network.from_arrays([[[1.0], [-1.0]]]), [2.0, 0.0])
    with pytest.raises(pr.InputError, match="no result"):
        pr.Result.from_dict({**result.to_dict(), **change})
