"""Which entries are the same measurement told twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.columns import offsets
from library.duplicates import SIMILAR, Spectra, exact_leaders, near_leaders


def spectra(*peaks: list[tuple[float, float]], unit: bool = False) -> Spectra:
    flat = [pair for one in peaks for pair in one]
    mz, intensity = np.array([m for m, _ in flat]), np.array([i for _, i in flat], np.float32)
    return Spectra(offsets([len(one) for one in peaks]), mz, intensity, np.full(len(peaks), unit))


def led(conditions: list[int], table: Spectra) -> dict[int, int]:
    return dict(near_leaders(np.array(conditions, np.uint64), np.arange(len(conditions)), table))


def test_the_first_of_equal_entries_leads() -> None:
    conditions, content = np.array([1, 2, 1, 1, 2], np.uint64), np.array([7, 7, 7, 8, 7], np.uint64)
    assert exact_leaders(conditions, content).tolist() == [0, 1, 0, 3, 1]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_exact_leaders_are_those_a_dictionary_finds(keys: list[tuple[int, int]]) -> None:
    first: dict[tuple[int, int], int] = {}
    expected = [first.setdefault(key, row) for row, key in enumerate(keys)]
    columns = np.array(keys, np.uint64)
    assert exact_leaders(columns[:, 0], columns[:, 1]).tolist() == expected


@pytest.mark.parametrize("unit", [True, False])
def test_near_copies_follow_the_one_with_more_ions(unit: bool) -> None:
    table = spectra(
        [(82, 100), (182, 80), (303, 20)],
        [(82, 99), (182, 81), (303, 20), (304, 0.1)],
        [(82, 10), (182, 80), (303, 20)],
        unit=unit,
    )
    assert led([5, 5, 5], table) == {0: 1}


def test_other_conditions_are_never_merged() -> None:
    same = [(82.0, 100.0), (182.0, 80.0)]
    assert led([1, 2, 3], spectra(same, same, same)) == {}
    assert led([1, 2, 1], spectra(same, same, same)) == {2: 0}


def test_product_ions_are_compared_by_accurate_mass() -> None:
    one, shifted, other = [(182.1180, 10.0)], [(182.1200, 10.0)], [(182.0800, 10.0)]
    assert led([1, 1, 1], spectra(one, shifted, other)) == {1: 0}
    assert led([1, 1, 1], spectra(one, shifted, other, unit=True)) == {1: 0, 2: 0}


def test_more_than_are_compared_at_once_still_end_with_few_leaders() -> None:
    count = 2500
    table = spectra(*[[(82.0, 100.0), (182.0, 80.0 + row * 1e-3)] for row in range(count)])
    found = led([9] * count, table)
    assert len(found) >= count - 3
    assert not set(found.values()) & set(found)


@given(st.lists(st.lists(st.integers(1, 40), min_size=3, max_size=3), min_size=2, max_size=8))
def test_what_is_merged_is_similar_and_leaders_lead_themselves(rows: list[list[int]]) -> None:
    table = spectra(*[[(100.0 + 10 * k, float(i)) for k, i in enumerate(one)] for one in rows])
    found = led([1] * len(rows), table)
    roots = np.sqrt(np.array(rows, float))
    roots /= np.linalg.norm(roots, axis=1, keepdims=True)
    for row, leader in found.items():
        assert leader not in found
        assert roots[row] @ roots[leader] >= SIMILAR - 1e-6
    free = [row for row in range(len(rows)) if row not in found]
    for place, row in enumerate(free):
        assert all(roots[row] @ roots[other] < SIMILAR + 1e-6 for other in free[place + 1 :])
