"""The scatter kernel and the exact choice of the best rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.index import scatter
from library.index.scatter import Scatter, add_at, scatter_add, top_rows, within


@pytest.mark.parametrize("kernel", [scatter_add, add_at])
def test_adds_repeated_rows_up(kernel: Scatter) -> None:
    scores = np.ones(4, np.float32)
    rows = np.array([3, 0, 3], np.int32)
    kernel(scores, rows, np.array([1, 2, 4], np.float32), 0.5)
    assert scores.tolist() == [2.0, 1.0, 1.0, 3.5]


def test_the_kernel_of_scipy_is_in_use() -> None:
    assert scatter._scatter is not add_at


def test_row_numbers_outside_are_noticed() -> None:
    assert within(np.array([0, 4], np.int32), 5)
    assert not within(np.array([0, 5], np.int32), 5)
    assert not within(np.array([0, -1], np.int32), 5)
    assert within(np.empty(0, np.int32), 0)


@given(st.integers(0, 2**32 - 1), st.integers(0, 3000), st.integers(0, 40), st.sampled_from([2, 50, 10**6]))
def test_the_best_rows_are_those_of_a_stable_sort(seed: int, size: int, most: int, levels: int) -> None:
    scores = np.random.default_rng(seed).integers(-levels, levels, size).astype(np.float32)
    assert top_rows(scores, most).tolist() == np.argsort(-scores, kind="stable")[:most].tolist()
