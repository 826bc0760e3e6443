"""Retention indices: rungs, interpolation, the ladder of a run, what is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.chromatography.deconvolution import ComponentPeak, deconvolve
from spectra.chromatography.retention import (
    ColumnClass,
    Interpolation,
    Ladder,
    find_ladder,
    ladder_from_json,
    ladder_to_json,
    left_out,
    log_likelihood_ratio,
    retention_index,
)
from spectra.errors import InvalidMeasurement
from spectra.model import spectrum_from_peaks
from spectra.readers import read

RISING = Ladder("alkane", (300.0, 420.0, 530.0, 632.0, 727.0), (1000.0, 1200.0, 1400.0, 1600.0, 1800.0))


@pytest.mark.parametrize("interpolation", list(Interpolation))
def test_a_rung_has_its_own_index(interpolation: Interpolation) -> None:
    ladder = replace(RISING, interpolation=interpolation, dead_s=60.0)
    assert retention_index(ladder, ladder.rt_s).tolist() == pytest.approx(ladder.index)


def test_linear_and_isothermal_follow_their_formulas() -> None:
    linear = replace(RISING, interpolation=Interpolation.LINEAR)
    assert float(retention_index(linear, 360.0)) == pytest.approx(1100)
    isothermal = replace(RISING, interpolation=Interpolation.ISOTHERMAL, dead_s=60.0)
    expected = 1000 + 200 * math.log(300 / 240) / math.log(360 / 240)
    assert float(retention_index(isothermal, 360.0)) == pytest.approx(expected)


@given(st.lists(st.floats(300, 727), min_size=2, max_size=20), st.sampled_from(list(Interpolation)))
def test_the_index_rises_with_the_time(times: list[float], interpolation: Interpolation) -> None:
    index = retention_index(replace(RISING, interpolation=interpolation), sorted(times))
    assert np.all(np.diff(index) >= -1e-9)


def test_there_is_no_index_outside_the_ladder() -> None:
    assert np.isnan(retention_index(RISING, [299.0, 728.0])).all()


def test_a_rung_left_out_is_told_by_the_others() -> None:
    straight = Ladder("alkane", (100.0, 200.0, 300.0, 400.0), (1000.0, 1100.0, 1200.0, 1300.0))
    assert left_out(straight).tolist() == pytest.approx([0.0, 0.0])
    with pytest.raises(InvalidMeasurement, match="four rungs"):
        left_out(Ladder("alkane", (1.0, 2.0, 3.0), (100.0, 200.0, 300.0)))


@pytest.mark.parametrize(
    ("rt_s", "index", "dead_s"),
    [
        ((300.0,), (1000.0,), 0.0),
        ((300.0, 300.0), (1000.0, 1100.0), 0.0),
        ((300.0, 400.0), (1100.0, 1000.0), 0.0),
        ((300.0, math.inf), (1000.0, 1100.0), 0.0),
        ((300.0, 400.0), (1000.0, 1100.0), 300.0),
    ],
)
def test_what_is_no_ladder_is_refused(
    rt_s: tuple[float, ...], index: tuple[float, ...], dead_s: float
) -> None:
    with pytest.raises(InvalidMeasurement):
        Ladder("alkane", rt_s, index, dead_s=dead_s)


def test_a_ladder_comes_back_from_json() -> None:
    assert ladder_from_json(ladder_to_json(RISING)) == RISING


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "xbt.ladder/9"}', "[" * 100_000])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidMeasurement, match="ladder"):
        ladder_from_json(text)


def test_an_index_speaks_for_and_against_but_never_decides() -> None:
    near, far = (log_likelihood_ratio(d, ColumnClass.SAME_PHASE) for d in (5.0, 900.0))
    assert near > 3
    assert -4 < far < -3.9
    assert log_likelihood_ratio(60, ColumnClass.PREDICTED) > log_likelihood_ratio(60, ColumnClass.SAME_METHOD)


def ester(carbon: int, rt_s: float, area: float) -> ComponentPeak:
    molecule = 14 * carbon + 46
    ions = {55: 25, 74: 100, 87: 65, 143: 10, molecule - 31: 4, molecule: 5, molecule + 1: 1}
    return ComponentPeak(
        rt_s, rt_s - 2, rt_s + 2, spectrum_from_peaks(list(ions), list(ions.values())), area, 1.0, 9
    )


def test_the_ladder_is_the_largest_rising_chain() -> None:
    run = [ester(12, 100, 1e7), ester(14, 195, 3e5), ester(14, 200, 1e7), ester(16, 290, 1e7)]
    run += [ester(10, 310, 1e7), ester(17, 330, 1e4), ester(18, 370, 1e7)]
    found = find_ladder(run, "fame")
    assert found.rt_s == (100, 200, 290, 370)
    assert found.index == (1200, 1400, 1600, 1800)


def test_a_run_without_the_series_has_no_ladder() -> None:
    with pytest.raises(InvalidMeasurement, match="0 members"):
        find_ladder([ester(12, 100, 1e7), ester(14, 200, 1e7), ester(16, 290, 1e7)], "alkane")


@pytest.mark.data
def test_every_rung_of_the_real_ester_run_is_found(data_dir: Path) -> None:
    run = read(data_dir / "gcms_truth" / "CoreMS_DATA.MS")
    found = find_ladder(deconvolve(run.scans.level(1)).components, "fame")
    # Of the reference list, C9 and C30 are not in this sample: their molecular ions are nowhere in the run.
    assert [one / 100 for one in found.index] == [8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28]
    worst = np.abs(left_out(found) / np.array(found.index[1:-1])).max()
    assert worst <= 0.005
