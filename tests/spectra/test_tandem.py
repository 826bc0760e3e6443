"""Product-ion scans brought to their ions: which, how much else was isolated, and what belongs to none."""

from __future__ import annotations

import numpy as np
import pytest

from spectra.chromatography.features import Feature
from spectra.chromatography.tandem import attach
from spectra.model import ScanTable


def feature(mz: float, rt_s: float = 60.0, height: float = 1e6) -> Feature:
    return Feature(mz, rt_s, rt_s - 6, rt_s + 6, 5.0, height, 5 * height, 1, 20, np.array([1.0, 0.2, 0.0]))


def scans(*told: tuple[float, float, float]) -> ScanTable:
    """Product-ion scans of one ion each: (time, precursor, energy)."""
    n = len(told)
    time, precursor, energy = (np.array(column) for column in zip(*told, strict=True))
    return ScanTable(
        time, np.arange(n + 1), 50.0 + np.arange(n), np.full(n, 1e4), np.full(n, 2), precursor,
        np.ones(n, np.int64), energy,
    )  # fmt: skip


def test_scans_of_one_energy_are_summed_nearest_to_the_apex() -> None:
    table = scans(*((50.0 + 2 * k, 304.1543, 20.0) for k in range(9)), (70.0, 304.1543, 40.0))
    found = attach(table, [feature(304.1545)], 10.0)
    low, high = found.of[0]
    assert (low.collision_ev, low.scans, high.collision_ev, high.scans) == (20.0, 5, 40.0, 1)
    assert low.spectrum.mz.tolist() == [53.0, 54.0, 55.0, 56.0, 57.0]
    assert low.rt_s == 60.0
    assert low.shares == (1.0,)
    assert not found.alone


def test_what_is_isolated_besides_is_told_with_its_share() -> None:
    ions = [feature(304.15), feature(304.45, height=5e5), feature(306.0), feature(304.2, rt_s=90.0)]
    (one,) = attach(scans((60.0, 304.15, 20.0)), ions, 10.0).of[0]
    assert one.others == (304.45,)
    assert one.shares == pytest.approx((2 / 3, 1 / 3))


def test_a_rough_precursor_goes_to_the_strongest_ion_of_the_window() -> None:
    ions = [feature(304.154), feature(304.4, height=1e5)]
    assert set(attach(scans((60.0, 304.2, 20.0)), ions, 5.0).of) == {0}


def test_isotopologues_say_nothing_new_and_strangers_stand_alone() -> None:
    table = scans((60.0, 305.1577, 20.0), (61.0, 500.25, 20.0), (62.0, 500.25, 20.0), (95.0, 304.1543, 20.0))
    found = attach(table, [feature(304.1543)], 10.0)
    assert not found.of
    assert [(one[0].precursor_mz, one[0].scans) for one in found.alone] == [(304.1543, 1), (500.25, 2)]
