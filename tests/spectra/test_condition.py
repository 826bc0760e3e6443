"""Faults of a whole run: each is recognised, a good run has none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spectra.chromatography.condition import Condition, Fault, conditions
from spectra.chromatography.deconvolution import deconvolve
from spectra.model import MassSpectrum, Run, ScanTable, spectrum_from_peaks
from spectra.readers import read
from spectra.simulate import SimulatedPeak, simulate_run

CAFFEINE = {42: 10, 55: 25, 67: 35, 82: 25, 109: 55, 136: 5, 165: 5, 193: 10, 194: 100, 195: 10}
COCAINE = {42: 20, 77: 25, 82: 100, 83: 35, 94: 30, 105: 30, 182: 95, 198: 12, 272: 9, 303: 25}


def ions(percent: dict[int, float]) -> MassSpectrum:
    return spectrum_from_peaks(list(percent), list(percent.values()))


def run_of(
    *spectra: MassSpectrum, height: float = 3e5, saturation: float | None = None, solvent: float = 0.0
) -> Run:
    peaks = [SimulatedPeak(one, 160 + 60 * k, height, 2.4, 0.3) for k, one in enumerate(spectra)]
    return simulate_run(
        peaks,
        rng=np.random.default_rng(6),
        duration_s=300,
        mz_high=350,
        saturation=saturation,
        solvent=solvent,
    )


def faults(scans: ScanTable) -> dict[Fault, Condition]:
    return {one.fault: one for one in conditions(scans, deconvolve(scans).components)}


def test_a_good_run_has_no_fault() -> None:
    assert faults(run_of(ions(CAFFEINE), ions(COCAINE)).scans) == {}


def test_a_run_without_a_peak_is_blank() -> None:
    assert set(faults(run_of().scans)) == {Fault.BLANK}


def without(scans: ScanTable, first: int, last: int, *, written: bool) -> ScanTable:
    """The run with the detector off between two scans, which are written empty or left out."""
    counts = np.diff(scans.offset)
    off = (np.arange(len(scans)) >= first) & (np.arange(len(scans)) < last)
    points = ~np.repeat(off, counts)
    keep = np.ones(len(scans), bool) if written else ~off
    kept = np.where(off, 0, counts)[keep]
    offset = np.concatenate(([0], np.cumsum(kept)))
    return ScanTable(scans.rt_s[keep], offset, scans.mz[points], scans.intensity[points])


@pytest.mark.parametrize("written", [True, False])
def test_a_detector_that_was_off_half_of_the_time_is_told_with_its_place(written: bool) -> None:
    scans = run_of(ions(CAFFEINE), ions(COCAINE)).scans
    found = faults(without(scans, 200, 575, written=written))
    assert found[Fault.SILENT].share == pytest.approx(0.5, abs=0.01)
    assert found[Fault.SILENT].rt_s == pytest.approx((scans.rt_s[199],))


def test_a_detector_that_was_off_to_the_end_is_told() -> None:
    scans = run_of(ions(CAFFEINE), ions(COCAINE)).scans
    assert Fault.SILENT in faults(without(scans, 400, len(scans), written=True))


def test_flat_tops_are_told_with_their_times() -> None:
    found = faults(run_of(ions(CAFFEINE), ions(COCAINE), height=2e6, saturation=4e5).scans)
    assert found[Fault.SATURATED].rt_s == pytest.approx((160, 220), abs=3)


def test_an_overloaded_peak_is_told() -> None:
    whole = run_of().scans
    time = whole.rt_s
    shape = np.where(time <= 250, np.exp((time - 250) / 12), np.exp(-(((time - 250) / 1.0) ** 2)))
    heights = np.array(list(COCAINE.values())) * 1e4
    counts = np.outer(shape, heights)
    seen = counts > 500
    offset = np.concatenate(([0], np.cumsum(seen.sum(axis=1))))
    mz = np.tile(np.array(list(COCAINE), float), (len(time), 1))[seen]
    found = faults(ScanTable(time, offset, mz, counts[seen]))
    assert found[Fault.OVERLOADED].rt_s == pytest.approx((250,), abs=2)


def test_molecules_that_stayed_whole_are_told() -> None:
    soft = [{m: 100, m + 1: 18, m + 2: 3, m - 18: 6, 60: 2, 74: 2} for m in (195, 304, 241)]
    assert Fault.SOFT_IONISATION in faults(run_of(*(ions(one) for one in soft)).scans)


def test_negative_ions_are_told() -> None:
    scans = run_of(ions(CAFFEINE)).scans
    turned = ScanTable(
        scans.rt_s, scans.offset, scans.mz, scans.intensity, polarity=np.full(len(scans), -1, np.int64)
    )
    assert faults(turned)[Fault.NEGATIVE].share == 1.0


@pytest.mark.data
@pytest.mark.parametrize("name", ["DRUG_SAMPLE.SPC", "CoreMS_DATA.MS"])
def test_real_runs_have_no_fault(data_dir: Path, name: str) -> None:
    scans = read(data_dir / "gcms_truth" / name).scans.level(1)
    assert set(faults(scans)) <= {Fault.OVERLOADED}
