"""Peaks of continuum spectra: made ones with a known answer, and a real run against OpenMS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.readers.centroid import pick_peaks


def bells(mz: np.ndarray, centres: list[float], heights: list[float], sigma: float) -> np.ndarray:
    return sum(h * np.exp(-0.5 * ((mz - c) / sigma) ** 2) for c, h in zip(centres, heights, strict=True))


def picked(mz: np.ndarray, intensity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _, peaks, heights = pick_peaks(np.array([0, len(mz)]), mz, intensity, np.array([True]))
    return peaks, heights


def test_bells_are_found_where_they_stand_and_as_high() -> None:
    mz = np.arange(50, 60, 0.05)
    peaks, heights = picked(mz, bells(mz, [51.02, 53.47, 57.9], [100.0, 7.0, 900.0], 0.15))
    np.testing.assert_allclose(peaks, [51.02, 53.47, 57.9], atol=0.02)  # of a step of 0.05
    np.testing.assert_allclose(heights, [100.0, 7.0, 900.0], rtol=0.06)


def test_a_shoulder_that_no_valley_parts_stays_with_its_peak() -> None:
    mz = np.arange(50, 60, 0.05)
    peaks, _ = picked(mz, bells(mz, [55.0, 55.3], [100.0, 60.0], 0.2))
    assert len(peaks) == 1


def test_a_gap_parts_peaks_though_nothing_falls() -> None:
    mz = np.array([50.0, 50.01, 50.02, 70.0, 70.01, 70.02])
    peaks, heights = picked(mz, np.array([5.0, 9.0, 9.0, 9.0, 9.0, 5.0]))
    np.testing.assert_allclose(peaks, [50.0109, 70.0091], atol=0.001)
    np.testing.assert_array_equal(heights, [9.0, 9.0])


def test_only_the_marked_scans_are_touched() -> None:
    mz = np.array([41.0, 43.0, 50.0, 50.1, 50.2, 41.0, 43.0])
    offset, peaks, heights = pick_peaks(
        np.array([0, 2, 5, 5, 7]),
        mz,
        np.array([1.0, 2, 4, 8, 4, 3, 4]),
        np.array([False, True, True, False]),
    )
    np.testing.assert_array_equal(offset, [0, 2, 3, 3, 5])
    np.testing.assert_allclose(peaks, [41.0, 43.0, 50.1, 41.0, 43.0])
    np.testing.assert_array_equal(heights, [1.0, 2.0, 8.0, 3.0, 4.0])


def test_nothing_in_nothing_out() -> None:
    offset, peaks, _ = pick_peaks(np.array([0, 0]), np.empty(0), np.empty(0), np.array([True]))
    assert offset.tolist() == [0, 0]
    assert len(peaks) == 0


@pytest.mark.data
def test_against_openms(data_dir: Path) -> None:
    """The 200 greatest peaks of a scan: places within 2 ppm, heights within a tenth, for at least 95 %."""
    import pyopenms

    experiment = pyopenms.MSExperiment()
    pyopenms.MzMLFile().load(str(data_dir / "raw/mzml/gc_orbi_profile_21scans.mzML"), experiment)
    theirs = pyopenms.PeakPickerHiRes().pickExperiment(experiment, True)
    for k in (0, 10, 20):
        mz, intensity = experiment[k].get_peaks()
        ours_mz, ours = picked(mz.astype(float), intensity.astype(float))
        top = np.argsort(ours)[-200:]
        their_mz, their = theirs[k].get_peaks()
        nearest = np.abs(their_mz[None, :] - ours_mz[top][:, None]).argmin(axis=1)
        ppm = 1e6 * np.abs(their_mz[nearest] / ours_mz[top] - 1)
        assert np.quantile(ppm, 0.95) < 2
        np.testing.assert_array_less(0.9, np.quantile(ours[top] / their[nearest], [0.05, 0.5]))


@given(counts=st.lists(st.integers(0, 40), min_size=1, max_size=6), seed=st.integers(0, 2**32 - 1))
def test_a_scan_gives_the_same_peaks_alone_and_among_others(counts: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    scans = [
        (np.sort(random.uniform(50, 52, n)), random.integers(0, 9, n).astype(np.float64)) for n in counts
    ]
    offset = np.concatenate(([0], np.cumsum(counts)))
    mz, intensity = (np.concatenate([scan[k] for scan in scans]) for k in (0, 1))
    ends, places, heights = pick_peaks(offset, mz, intensity, np.ones(len(counts), np.bool_))
    for k, scan in enumerate(scans):
        alone, heights_alone = picked(*scan)
        np.testing.assert_allclose(places[ends[k] : ends[k + 1]], alone, rtol=1e-12)
        np.testing.assert_array_equal(heights[ends[k] : ends[k + 1]], heights_alone)
