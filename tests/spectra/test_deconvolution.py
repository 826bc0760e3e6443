"""Deconvolution on runs whose truth is known, and its numerics against a reference solver."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import nnls

from spectra.chromatography.deconvolution import Deconvolution, deconvolve
from spectra.chromatography.elution import nonnegative_fit
from spectra.chromatography.ions import background, ion_table, scatter, without_skew
from spectra.chromatography.perception import prepare
from spectra.errors import InvalidMeasurement
from spectra.model import MassSpectrum, ScanTable
from spectra.simulate import SimulatedPeak, simulate_run

FIRST = MassSpectrum(
    np.array([44.0, 58, 77, 105, 134, 162, 191]), np.array([200.0, 1000, 300, 450, 120, 80, 60])
)
SECOND = MassSpectrum(
    np.array([44.0, 67, 82, 94, 109, 165, 194]), np.array([150.0, 500, 300, 100, 700, 80, 1000])
)


def run_of(
    peaks: list[tuple[MassSpectrum, float, float]], *, scans: int = 240, fwhm: float = 6.0, seed: int = 1
) -> ScanTable:
    """Gaussian peaks (spectrum, apex in scans, height) on a bleeding, noisy baseline; one scan a second."""
    rng = np.random.default_rng(seed)
    mass = np.arange(40, 300)
    counts = np.zeros((scans, len(mass)))
    time = np.arange(scans)[:, None]
    for spectrum, apex, height in peaks:
        column = spectrum.mz.astype(int) - 40
        shape = np.exp(-4 * np.log(2) * ((time - apex) / fwhm) ** 2)
        counts[:, column] += height * shape * spectrum.intensity / spectrum.base_peak
    counts[:, 73 - 40] += np.linspace(500, 2000, scans)
    counts[:, 207 - 40] += np.linspace(300, 1500, scans)
    noisy = counts + 3 * rng.normal(size=counts.shape) * np.sqrt(np.maximum(counts, 100))
    noisy[noisy < 50] = 0
    offset = np.arange(scans + 1) * len(mass)
    return ScanTable(np.arange(scans) * 1.0, offset, np.tile(mass, scans) * 1.0, np.maximum(noisy, 0).ravel())


def similarity(a: MassSpectrum, b: MassSpectrum) -> float:
    mass = np.union1d(a.mz, b.mz)
    x, y = np.zeros(len(mass)), np.zeros(len(mass))
    x[np.searchsorted(mass, a.mz)] = np.sqrt(a.intensity)
    y[np.searchsorted(mass, b.mz)] = np.sqrt(b.intensity)
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))


def nearest(found: Deconvolution, rt_s: float) -> MassSpectrum:
    return min(found.components, key=lambda c: abs(c.rt_s - rt_s)).spectrum


def test_two_separate_peaks_give_two_components_at_their_times() -> None:
    found = deconvolve(run_of([(FIRST, 60.3, 1e5), (SECOND, 150.7, 2e4)]))
    assert [round(c.rt_s, 0) for c in found.components] == [60, 151]
    assert found.components[0].rt_s == pytest.approx(60.3, abs=0.2)
    assert similarity(found.components[0].spectrum, FIRST) > 0.99
    assert similarity(found.components[1].spectrum, SECOND) > 0.99


def test_area_follows_the_amount() -> None:
    found = deconvolve(run_of([(FIRST, 60, 1e5), (FIRST, 150, 2.5e4)]))
    large, small = (c.area for c in found.components)
    assert large / small == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize("apart", [3.0, 4.0, 6.0])
def test_coeluting_pair_half_a_width_apart_is_taken_apart(apart: float) -> None:
    found = deconvolve(run_of([(FIRST, 100, 1e5), (SECOND, 100 + apart, 6e4)]))
    assert len(found.components) == 2
    assert similarity(nearest(found, 100), FIRST) > 0.97
    assert similarity(nearest(found, 100 + apart), SECOND) > 0.97


def test_what_is_hidden_on_a_flank_is_found_in_what_the_larger_one_leaves() -> None:
    rng = np.random.default_rng(4)
    mass = np.arange(60, 200, 2.0)
    shared = MassSpectrum(mass, rng.uniform(200, 1000, len(mass)))
    # Half of its ions lie under those of the larger one and have no maximum of their own.
    both = np.sort(np.concatenate([mass[::2], np.arange(201, 230, 4.0)]))
    small = MassSpectrum(both, rng.uniform(200, 1000, len(both)))
    found = deconvolve(run_of([(shared, 100, 2e5), (small, 103, 1e4)]))
    assert len(found.components) == 2
    one = found.components[1]
    assert one.floor is not None
    shown = np.isin(small.mz, one.spectrum.mz)
    assert similarity(one.spectrum, MassSpectrum(small.mz[shown], small.intensity[shown])) > 0.98
    # What it does not show lies where it could not have been told from the larger one.
    heights = 1e4 * small.intensity / small.base_peak
    unsure = one.floor.intensity[np.searchsorted(one.floor.mz, small.mz)]
    assert (heights[~shown] < 2 * unsure[~shown]).all()


def clipped(table: ScanTable, limit: float) -> ScanTable:
    return ScanTable(table.rt_s, table.offset, table.mz, np.minimum(table.intensity, limit))


def test_a_saturated_peak_stays_one_component() -> None:
    found = deconvolve(clipped(run_of([(FIRST, 100, 1e6), (SECOND, 160, 1e5)]), 4e5)).components
    assert [round(c.rt_s) for c in found] == [100, 160]


def test_saturated_ions_are_told_and_measured_by_their_flanks() -> None:
    peaks = [(FIRST, 100.0, 1e6), (SECOND, 160.0, 1e5)]
    found = deconvolve(clipped(run_of(peaks), 2.5e5)).components
    assert [one.saturated for one in found] == [(58, 77, 105), ()]
    assert found[0].spectrum.base_peak == pytest.approx(1e6, rel=0.1)
    assert similarity(found[0].spectrum, FIRST) > 0.99


def test_a_wide_peak_that_no_detector_cut_is_not_called_saturated() -> None:
    (found,) = deconvolve(run_of([(FIRST, 100, 1e6)], fwhm=20)).components
    assert found.saturated == ()


def test_a_tail_is_told_and_makes_no_component_of_its_own() -> None:
    peaks = [SimulatedPeak(FIRST, 160 + 60 * k, 2e5, 2.4, tail) for k, tail in enumerate((0.0, 6.0))]
    run = simulate_run(peaks, rng=np.random.default_rng(3), duration_s=180, mz_high=350, solvent=0)
    symmetric, tailing = deconvolve(run.scans).components
    assert symmetric.asymmetry == pytest.approx(1, abs=0.2)
    assert not symmetric.tails
    assert tailing.tails
    assert similarity(tailing.spectrum, FIRST) > 0.99


@pytest.mark.parametrize("fwhm", [3.0, 8.0, 20.0])
def test_the_width_of_a_few_peaks_is_not_that_of_the_scatter_around_them(fwhm: float) -> None:
    few = MassSpectrum(np.array([58.0, 91, 119]), np.array([1000.0, 400, 150]))
    table = ion_table(run_of([(few, 80, 3e4), (few, 160, 1e4)], fwhm=fwhm))
    assert prepare(table, 2.0).width == pytest.approx(fwhm, rel=0.15)


def test_an_ion_that_two_compounds_share_is_divided_between_them() -> None:
    found = deconvolve(run_of([(FIRST, 100, 1e5), (SECOND, 104, 1e5)]))
    for truth, rt in ((FIRST, 100), (SECOND, 104)):
        spectrum = nearest(found, rt)
        shared = spectrum.intensity[spectrum.mz == 44][0] / spectrum.base_peak
        assert shared == pytest.approx(truth.intensity[0] / truth.base_peak, abs=0.05)


def test_scan_skew_along_the_mass_axis_does_not_split_a_component() -> None:
    rng = np.random.default_rng(2)
    mass, scans = np.arange(40, 300), 400
    time = np.arange(scans)[:, None] - (mass - 40) / 260 * 0.9
    counts = np.zeros((scans, len(mass)))
    for apex in range(30, 400, 30):
        heights = rng.uniform(1e3, 5e4, len(mass)) * (rng.random(len(mass)) < 0.15)
        counts += heights * np.exp(-4 * np.log(2) * ((time - apex) / 3.0) ** 2)
    counts += rng.normal(size=counts.shape) * np.sqrt(counts + 100)
    table = ScanTable(
        np.arange(scans) * 1.0,
        np.arange(scans + 1) * len(mass),
        np.tile(mass, scans) * 1.0,
        np.maximum(counts, 0).ravel(),
    )
    assert len(deconvolve(table).components) == 13


def test_bleed_and_noise_alone_give_no_component() -> None:
    found = deconvolve(run_of([]))
    assert found.components == ()


def test_explained_share_counts_what_the_components_hold() -> None:
    found = deconvolve(run_of([(FIRST, 100, 1e6)]))
    assert 0.8 < found.explained <= 1


def test_a_run_without_time_axis_is_refused() -> None:
    scan = ScanTable(np.array([np.nan]), np.array([0, 1]), np.array([50.0]), np.array([1.0]))
    with pytest.raises(InvalidMeasurement, match="time axis"):
        deconvolve(scan)


def test_a_run_without_ions_is_refused() -> None:
    silent = ScanTable(np.arange(9.0), np.zeros(10, np.int64), np.empty(0), np.empty(0))
    with pytest.raises(InvalidMeasurement, match="no ion"):
        deconvolve(silent)


def test_a_run_of_three_scans_has_no_components() -> None:
    short = ScanTable(np.arange(3.0), np.arange(4), np.array([50.0, 60, 70]), np.ones(3))
    assert deconvolve(short).components == ()


def test_background_stays_below_a_peak_and_follows_bleed() -> None:
    time = np.arange(300.0)
    bleed = 100 + time
    peak = 1e4 * np.exp(-(((time - 150) / 4) ** 2))
    base = background((bleed + peak)[None].astype(np.float32), 60)[0]
    assert abs(base[150] - bleed[150]) < 40
    assert np.abs(base[40:100] - bleed[40:100]).max() < 40


def test_scatter_of_counting_noise_is_its_scale() -> None:
    rng = np.random.default_rng(3)
    level = rng.uniform(500, 5000, 60)
    counts = level[:, None] + 4 * np.sqrt(level)[:, None] * rng.normal(size=(60, 2000))
    measured = scatter(counts.astype(np.float32))
    assert measured.factor == pytest.approx(4, rel=0.05)
    assert np.median(measured.floor / (4 * np.sqrt(level[:, None]))) == pytest.approx(1, rel=0.05)


def test_an_ion_that_a_long_run_shows_once_is_no_trouble() -> None:
    rng = np.random.default_rng(5)
    counts = rng.uniform(400, 600, (3, 5000)).astype(np.float32)
    counts[1] = 0
    counts[1, 7] = 900
    measured = scatter(counts)
    assert (measured.floor[1] == 0).all()
    assert measured.floor[0].mean() == pytest.approx(measured.floor[2].mean(), rel=0.2)


def test_scatter_that_grows_along_the_run_makes_no_component_at_its_end() -> None:
    """Bleed that is written throughout scatters more the hotter the column is."""
    rng = np.random.default_rng(7)
    scans, mass = 3000, np.arange(40, 300)
    pattern = np.where(rng.random(len(mass)) < 0.08, rng.uniform(500, 2e4, len(mass)), 5)
    counts = rng.poisson(np.outer(np.linspace(0.02, 1, scans) ** 3, pattern) / 20 + 1) * 20.0
    counts += rng.normal(0, 10, counts.shape)
    table = ScanTable(
        np.arange(scans) * 1.0,
        np.arange(scans + 1) * len(mass),
        np.tile(mass, scans) * 1.0,
        np.maximum(counts, 0).ravel(),
    )
    assert deconvolve(table).components == ()


def test_moving_an_ion_by_a_fraction_of_a_scan_moves_its_apex() -> None:
    time = np.arange(60.0)
    late = np.array([-0.6, 0.0, 0.4])
    peaks = np.exp(-(((time - 30 - late[:, None]) / 3) ** 2))
    straight = without_skew(peaks.astype(np.float32), late)
    assert np.abs(straight - straight[1]).max() < 0.01


def test_ion_table_sums_a_nominal_mass_and_drops_silent_ones() -> None:
    table = ion_table(
        ScanTable(
            np.array([0.0, 1.0]),
            np.array([0, 3, 4]),
            np.array([57.0, 57.2, 91.1, 57.1]),
            np.array([1.0, 2, 5, 7]),
        )
    )
    assert table.mass.tolist() == [57, 91]
    assert table.counts.tolist() == [[3, 7], [5, 0]]


@st.composite
def overlapping_profiles(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Elution profiles at least half a width apart, and anything a detector may have recorded under them."""
    width = draw(st.floats(2, 6))
    gaps = draw(st.lists(st.floats(0.5, 2), min_size=1, max_size=4))
    centres = 6 + width * np.cumsum(gaps)
    time = np.arange(int(centres[-1]) + 8)[:, None]
    design = np.exp(-4 * np.log(2) * ((time - centres) / width) ** 2)
    data = draw(arrays(np.float64, (len(time), 3), elements=st.floats(-10, 100, width=32)))
    return design, data


@given(overlapping_profiles())
@settings(max_examples=60, deadline=None)
def test_the_joint_fit_is_as_good_as_scipy_nnls(case: tuple[np.ndarray, np.ndarray]) -> None:
    design, data = case
    found = nonnegative_fit(design, data)
    assert (found >= 0).all()
    for column in range(data.shape[1]):
        _, best = nnls(design, data[:, column])
        got = np.linalg.norm(design @ found[:, column] - data[:, column])
        assert got <= best * (1 + 1e-4) + 1e-6
