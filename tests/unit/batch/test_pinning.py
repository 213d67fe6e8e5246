"""Threads of linear algebra: one number for the process, given back by whoever leaves last."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from pyomo_relu.pinning import pinned


def numbers() -> set[int]:
    return {library["num_threads"] for library in threadpool_info()}


@pytest.fixture(autouse=True)
def _three_threads() -> Iterator[None]:
    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpool_limits(3):
        yield


def test_the_last_to_leave_restores_what_was_before() -> None:
    first_is_in, first_is_out, seen = threading.Event(), threading.Event(), []

    def first() -> None:
        with pinned(1):
            first_is_in.set()
            assert second_is_in.wait(10)
        first_is_out.set()

    def second() -> None:
        assert first_is_in.wait(10)
        with pinned(1):
            second_is_in.set()
            assert first_is_out.wait(10)
            seen.append(numbers())

    before, second_is_in = numbers(), threading.Event()
    with ThreadPoolExecutor(2) as executor:
        for future in [executor.submit(first), executor.submit(second)]:
            future.result(20)
    assert seen == [{1}]
    assert numbers() == before != {1}


def test_who_wants_another_number_waits() -> None:
    inside, seen = threading.Event(), []

    def other() -> None:
        assert inside.wait(10)
        with pinned(2):
            seen.append(numbers())

    with ThreadPoolExecutor(1) as executor:
        with pinned(1):
            future = executor.submit(other)
            inside.set()
            with pytest.raises(TimeoutError):
                future.result(0.1)
            assert numbers() == {1}
        future.result(10)
    assert seen == [{2}]


def test_a_block_inside_another_does_not_wait_for_it() -> None:
    with pinned(1):
        with pinned(2):
            assert numbers() == {2}
        assert numbers() == {1}
