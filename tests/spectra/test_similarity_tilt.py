from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.similarity.mass import UnitTable, unit_mass, unit_table
from spectra.similarity.match_factor import match_factors
from spectra.similarity.tilt import levelled

MASS = np.array([50, 77, 91, 105, 146, 189, 245])
HEIGHT = np.array([100.0, 200, 400, 300, 600, 350, 999])
ONLY = np.array([0])


def table_of(mass: np.ndarray, height: np.ndarray, start: float | None = None) -> UnitTable:
    return unit_table([0, len(mass)], mass, height, mz_low=None if start is None else [start])


@given(slope=st.floats(-0.5, 0.5))
def test_a_gain_that_changes_with_mass_is_taken_out(slope: float) -> None:
    query = unit_mass(MASS, HEIGHT * np.exp(slope * MASS / 100))
    table = table_of(MASS, HEIGHT)
    before, after = (
        match_factors(query, t, ONLY).match_factor[0] for t in (table, levelled(query, table, ONLY))
    )
    assert after >= before - 5  # whole numbers
    assert after > 960


def test_one_ion_that_differs_is_not_explained_away() -> None:
    other = HEIGHT.copy()
    other[4] /= 4
    query, table = unit_mass(MASS, HEIGHT), table_of(MASS, other)
    before, after = (
        match_factors(query, t, ONLY).match_factor[0] for t in (table, levelled(query, table, ONLY))
    )
    assert abs(after - before) < 25


def test_ions_stay_and_few_ions_tell_no_slope() -> None:
    query, table = unit_mass(MASS, HEIGHT), table_of(np.array([50, 245, 300]), np.array([999.0, 10, 1]), 40)
    level = levelled(query, table, ONLY)
    assert level.mass.tolist() == [50, 245, 300]
    assert level.intensity.tolist() == table.intensity.tolist()
    assert (level.start[0], level.floor[0]) == (40, 2)


def test_no_rows_and_rows_without_ions_stay_so() -> None:
    query = unit_mass(MASS, HEIGHT)
    assert len(levelled(query, table_of(MASS, HEIGHT), np.empty(0, np.int64))) == 0
    empty = unit_table([0, 0], [], [])
    assert levelled(query, empty, ONLY).offset.tolist() == [0, 0]


def test_ions_below_the_scan_start_do_not_tell_the_slope() -> None:
    low = np.append([15, 18, 28], MASS)
    table = table_of(low, np.append([999.0, 999, 999], HEIGHT))
    query = unit_mass(MASS, HEIGHT)
    turned = levelled(query, table, ONLY).intensity[3:]
    assert turned / turned.max() == pytest.approx(HEIGHT / 999, abs=2e-3)
