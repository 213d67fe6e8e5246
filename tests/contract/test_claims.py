"""Random networks x methods against brute force and fractions: nothing that is claimed is false.

`benchmarks/soundness.py` is the same at any size; it prints Python that makes a network again.
"""

from typing import Any

import pytest

from benchmarks.soundness import judge_network, summed

BATCHES, EACH = 10, 20


def faults(lines: list[dict[str, Any]]) -> list[Any]:
    """Return the false verified claims, what was raised, and claims that nobody here can read, by their networks."""
    return [(line["network"], found) for line in lines if (found := [*_false(line), *line["crashed"], *line["unread"]])]


def _false(line: dict[str, Any]) -> list[Any]:
    return [wrong for wrong in line["false"] if wrong["standing"] == "verified"]


def test_no_verified_claim_of_a_few_networks_is_false() -> None:
    lines = [judge_network(number, 20) for number in range(5)]
    assert not faults(lines)
    assert summed(lines)["verified"] > 200


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_verified_claim_is_false(batch: int) -> None:
    lines = [judge_network(number) for number in range(batch * EACH, (batch + 1) * EACH)]
    assert not faults(lines)
    assert summed(lines)["pairs"] == 25 * EACH
