"""Simulated runs: repeatable, marked, and obeying the rules they were made by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.errors import InvalidMeasurement
from spectra.model import Floats, MassSpectrum, Run, Technique
from spectra.nominal import nominal_mass
from spectra.simulate import SimulatedPeak, emg, simulate_run

CAFFEINE = MassSpectrum(np.array([55.0, 67.0, 109.0, 194.0]), np.array([160.0, 260.0, 500.0, 1000.0]))
COCAINE = MassSpectrum(np.array([82.0, 182.0, 303.0]), np.array([900.0, 1000.0, 200.0]))
QUIET: dict[str, Any] = {
    "bleed": 0.0,
    "solvent": 0.0,
    "drift": 0.0,
    "counts_per_ion": 0.0,
    "electronic_noise": 0.0,
    "threshold": 0.0,
    "duration_s": 60.0,
    "start_s": 100.0,
}


def run_of(*peaks: SimulatedPeak, seed: int = 1, **changes: Any) -> Run:
    return simulate_run(peaks, rng=np.random.default_rng(seed), **(QUIET | changes))


def trace(run: Run, ion: int) -> Floats:
    scan = np.repeat(np.arange(len(run.scans)), np.diff(run.scans.offset))
    here = nominal_mass(run.scans.mz) == ion
    return np.bincount(scan[here], run.scans.intensity[here], minlength=len(run.scans)).astype(float)


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    noisy = {"counts_per_ion": 20.0, "electronic_noise": 40.0, "threshold": 150.0, "bleed": 2e4}
    peak = SimulatedPeak(CAFFEINE, 130.0, 1e5)
    one, same, other = (run_of(peak, seed=seed, **noisy) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.scans.intensity, same.scans.intensity)
    np.testing.assert_array_equal(one.scans.mz, same.scans.mz)
    assert not np.array_equal(one.scans.intensity, other.scans.intensity)


def test_a_run_says_that_no_instrument_made_it() -> None:
    metadata = run_of(SimulatedPeak(CAFFEINE, 130.0, 1e5)).metadata
    assert metadata.simulated
    assert metadata.instrument == "Simulated GC-EI-MS"
    assert metadata.technique is Technique.GC_MS


def test_the_apex_is_where_and_as_high_as_asked() -> None:
    run = run_of(SimulatedPeak(CAFFEINE, 130.0, 1e6, fwhm_s=3.0), scan_interval_s=0.1)
    seen = trace(run, 194)
    assert abs(run.scans.rt_s[seen.argmax()] - 130.0) < 0.11
    np.testing.assert_allclose(seen.max(), 1e6, rtol=0.002)
    np.testing.assert_allclose(trace(run, 109).max(), 5e5, rtol=0.002)


@pytest.mark.parametrize("tailing", [0.0, 0.5, 2.0])
def test_area_is_proportional_to_height(tailing: float) -> None:
    areas = [
        run_of(SimulatedPeak(CAFFEINE, 130.0, height, tailing=tailing)).scans.intensity.sum()
        for height in (1e5, 1e6, 4e6)
    ]
    np.testing.assert_allclose(np.array(areas) / areas[0], [1, 10, 40], rtol=2e-3)


def test_coeluting_substances_add_up() -> None:
    caffeine, cocaine = SimulatedPeak(CAFFEINE, 130.0, 1e5), SimulatedPeak(COCAINE, 130.8, 2e5)
    both, one, other = run_of(caffeine, cocaine), run_of(caffeine), run_of(cocaine)
    for ion in (194, 182, 82, 55):
        np.testing.assert_allclose(trace(both, ion), trace(one, ion) + trace(other, ion), atol=1.0)


def test_ions_of_high_mass_are_scanned_first() -> None:
    """On a rising flank an ion measured later in the scan is seen further up."""
    flat = MassSpectrum(np.array([45.0, 540.0]), np.array([1000.0, 1000.0]))
    run = run_of(SimulatedPeak(flat, 130.0, 1e6, fwhm_s=4.0), scan_interval_s=1.0)
    rising = (run.scans.rt_s > 126.0) & (run.scans.rt_s < 129.0)
    assert np.all(trace(run, 45)[rising] > trace(run, 540)[rising])


def test_shot_noise_grows_with_the_root_of_the_signal() -> None:
    flat = MassSpectrum(np.array([100.0, 200.0]), np.array([1000.0, 10.0]))
    wide = SimulatedPeak(flat, 400.0, 1e6, fwhm_s=1e5, tailing=0.0)
    run = run_of(wide, counts_per_ion=20.0, duration_s=800.0, start_s=0.0)
    for ion, level in ((100, 1e6), (200, 1e4)):
        seen = trace(run, ion)
        np.testing.assert_allclose(seen.mean(), level, rtol=0.01)
        np.testing.assert_allclose(seen.var(), 20.0 * level, rtol=0.15)


def test_bleed_rises_and_the_solvent_falls() -> None:
    run = run_of(bleed=1e4, solvent=1e5, duration_s=300.0)
    siloxane, solvent = trace(run, 207), trace(run, 43)
    assert siloxane[-1] > 10 * siloxane[0] > 0
    assert solvent[0] == pytest.approx(1e5)
    assert solvent[-1] < 1.0


def test_threshold_and_saturation_bound_what_is_written() -> None:
    run = run_of(SimulatedPeak(CAFFEINE, 130.0, 1e6), threshold=150.0, saturation=5e5)
    assert run.scans.intensity.min() >= 150.0
    assert run.scans.intensity.max() == 5e5


def test_mass_errors_are_small_and_keep_the_unit_mass() -> None:
    run = run_of(SimulatedPeak(COCAINE, 130.0, 1e6))
    assert set(nominal_mass(run.scans.mz).tolist()) == {82, 182, 303}
    assert 0.03 < np.std(run.scans.mz[nominal_mass(run.scans.mz) == 182]) < 0.08
    np.testing.assert_allclose(run.scans.mz * 10, np.round(run.scans.mz * 10), atol=1e-9)


def test_ions_outside_the_scanned_range_are_not_seen() -> None:
    run = run_of(SimulatedPeak(COCAINE, 130.0, 1e6), mz_low=100, mz_high=300)
    assert set(nominal_mass(run.scans.mz).tolist()) == {182}
    assert trace(run, 182).max() > 9e5


@given(fwhm=st.floats(0.2, 20), tailing=st.floats(0, 30))
def test_the_peak_shape_is_one_at_its_apex_and_falls_on_both_sides(fwhm: float, tailing: float) -> None:
    time = np.linspace(-5 * fwhm, (5 + 5 * tailing) * fwhm, 4001) + 100.0
    shape = emg(time, 100.0, fwhm, tailing)
    assert np.all(np.isfinite(shape))
    assert np.all(shape >= 0)
    assert np.all(shape <= 1 + 1e-4)  # the apex is found on a grid
    assert emg(np.array([100.0]), 100.0, fwhm, tailing)[0] == pytest.approx(1.0, abs=1e-4)
    assert np.all(np.diff(shape[time < 100.0 - 0.02 * fwhm]) >= -1e-12)
    assert np.all(np.diff(shape[time > 100.0 + 0.02 * fwhm]) <= 1e-12)


def test_without_tailing_the_shape_is_a_gaussian() -> None:
    shape = emg(np.array([-1.0, -0.5, 0.0, 0.5, 1.0]), 0.0, 1.0, 0.0)
    np.testing.assert_allclose(shape, [0.0625, 0.5, 1.0, 0.5, 0.0625], rtol=1e-9)


@pytest.mark.parametrize(
    "changes",
    [
        {"duration_s": 0.0},
        {"scan_interval_s": 0.0},
        {"mz_low": 300, "mz_high": 200},
        {"duration_s": 1e9},
    ],
)
def test_impossible_runs_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidMeasurement):
        run_of(SimulatedPeak(CAFFEINE, 130.0, 1e5), **changes)


def test_a_peak_without_height_is_refused() -> None:
    with pytest.raises(InvalidMeasurement):
        run_of(SimulatedPeak(CAFFEINE, 130.0, 0.0))
