"""The scatter kernel and the exact choice of the best rows."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.index import scatter
from library.index.scatter import (
    Gather,
    RowProducts,
    Scatter,
    add_at,
    gather_slices,
    products_at,
    root_products,
    scatter_add,
    scatter_slices,
    take_slices,
    top_rows,
    within,
)


def test_adds_repeated_rows_up() -> None:
    scores = np.ones(4, np.float32)
    rows = np.array([3, 0, 3], np.int32)
    scatter_add(scores, rows, np.array([1, 2, 4], np.float32), 0.5)
    assert scores.tolist() == [2.0, 1.0, 1.0, 3.5]


@pytest.mark.parametrize("kernel", [scatter_slices, add_at])
@given(
    cuts=st.lists(st.integers(0, 40), min_size=2, max_size=12), order=st.randoms(), seed=st.integers(0, 99)
)
def test_adds_slices_in_any_order(kernel: Scatter, cuts: list[int], order: Random, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, values = rng.integers(0, 5, 40).astype(np.int32), rng.integers(0, 9, 40).astype(np.float32)
    pieces = [*pairwise(sorted(cuts))][::2]
    order.shuffle(pieces)
    begin, end = np.array(pieces, np.int64).T
    factors, scores, true = rng.integers(0, 9, len(pieces)).astype(np.float32), *np.ones((2, 5), np.float32)
    kernel(scores, begin, end, rows, values, factors)
    for (first, last), factor in zip(pieces, factors, strict=True):
        np.add.at(true, rows[first:last], factor * values[first:last])
    assert scores.tolist() == true.tolist()


@pytest.mark.parametrize("kernel", [gather_slices, take_slices])
@given(cuts=st.lists(st.integers(0, 40), max_size=12), order=st.randoms())
def test_copies_slices_one_after_the_other(kernel: Gather, cuts: list[int], order: Random) -> None:
    rows, values = np.arange(40, dtype=np.int32)[::-1].copy(), np.arange(40, dtype=np.float32)
    pieces = [*pairwise(sorted(cuts))][::2]
    order.shuffle(pieces)
    places = np.array(pieces, np.int64).ravel()
    whole = np.concatenate([np.arange(first, last) for first, last in pieces] or [np.empty(0, np.int64)])
    own_rows, own_values = np.zeros(len(whole), np.int32), np.zeros(len(whole), np.float32)
    kernel(places, rows, values, own_rows, own_values)
    assert own_rows.tolist() == rows[whole].tolist()
    assert own_values.tolist() == values[whole].tolist()


@pytest.mark.parametrize("kernel", [root_products, products_at])
def test_chosen_rows_are_multiplied_by_roots(kernel: RowProducts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scatter, "GATHERED", 3)
    offset = np.array([0, 2, 2, 3, 5], np.int32)
    column, value = np.array([[0, 1, 2, 0, 2], [4, 1, 9, 16, 2]], np.int32)
    factors = np.array([1, 10, 100], np.float32)
    rows = np.array([3, 0, 1, 2, 0], np.int32)
    true = [4 + 100 * 2**0.5, 2.0, 0.0, 300.0, 2.0]
    assert kernel(rows, offset, column, value, factors, 2).tolist() == pytest.approx(true)
    assert kernel(rows[:0], offset, column, value, factors, 2).tolist() == []
    with pytest.raises(ValueError, match="column"):
        kernel(rows, offset, column, value, factors[:2], 2)


def test_the_kernels_of_scipy_are_in_use() -> None:
    assert scatter._scatter is not add_at
    assert scatter._row_products is not products_at


def test_row_numbers_outside_are_noticed() -> None:
    assert within(np.array([0, 4], np.int32), 5)
    assert not within(np.array([0, 5], np.int32), 5)
    assert not within(np.array([0, -1], np.int32), 5)
    assert within(np.empty(0, np.int32), 0)


@given(st.integers(0, 2**32 - 1), st.integers(0, 3000), st.integers(0, 40), st.sampled_from([2, 50, 10**6]))
def test_the_best_rows_are_those_of_a_stable_sort(seed: int, size: int, most: int, levels: int) -> None:
    scores = np.random.default_rng(seed).integers(-levels, levels, size).astype(np.float32)
    assert top_rows(scores, most).tolist() == np.argsort(-scores, kind="stable")[:most].tolist()
