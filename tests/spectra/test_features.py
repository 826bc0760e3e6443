"""Features: places, areas and isotopes of made-up ions, background, and real runs against pyOpenMS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra.chromatography.features import Feature, find_features, mass_scatter
from spectra.chromatography.traces import chains
from spectra.errors import InvalidMeasurement
from spectra.model import Floats, ScanTable, spectrum_from_peaks
from spectra.readers import read

TIME = np.arange(0.0, 100.0, 0.5)
NEUTRON = 1.0033548


def gauss(rt_s: float, height: float, fwhm_s: float = 5.0) -> Floats:
    return np.asarray(height * np.exp(-4 * np.log(2) * ((TIME - rt_s) / fwhm_s) ** 2), np.float64)


def run(ions: dict[float, Floats], ppm: float = 1.0, seed: int = 1, least: float = 100.0) -> ScanTable:
    """Scans in which each m/z has the given chromatogram; what is below ``least`` is not written."""
    rng, spectra = np.random.default_rng(seed), []
    mz, heights = np.array(list(ions)), np.array(list(ions.values()))
    for scan in range(len(TIME)):
        seen = heights[:, scan] >= least
        shown = mz[seen] * (1 + rng.normal(0, ppm * 1e-6, int(seen.sum())))
        spectra.append(spectrum_from_peaks(shown, heights[seen, scan]))
    offset = np.concatenate(([0], np.cumsum([len(one) for one in spectra])))
    return ScanTable(
        TIME,
        offset,
        np.concatenate([one.mz for one in spectra]),
        np.concatenate([one.intensity for one in spectra]),
    )


def only(scans: ScanTable) -> Feature:
    (ion,) = find_features(scans).ions
    return ion


def test_an_ion_is_found_where_it_is() -> None:
    ion = only(run({304.1543: gauss(40, 1e5), 150.0: np.full(len(TIME), 2e3)}))
    assert ion.mz == pytest.approx(304.1543, abs=3e-4)
    assert ion.rt_s == pytest.approx(40, abs=0.5)
    assert ion.fwhm_s == pytest.approx(5, abs=1)
    assert ion.area == pytest.approx(1e5 * 5 * 1.0645, rel=0.02)
    assert ion.rt_start_s < 34
    assert ion.rt_end_s > 46


def test_what_never_falls_is_background() -> None:
    rng = np.random.default_rng(3)
    steady = {100.0 + k: 5e3 * rng.lognormal(0, 0.1, len(TIME)) for k in range(0, 40, 3)}
    assert find_features(run(steady)).ions == ()


def test_two_peaks_of_one_mass_are_divided_at_their_valley() -> None:
    both = find_features(run({194.1176: gauss(40, 1e5) + gauss(49, 5e4)}))
    first, second = sorted(both.ions, key=lambda one: one.rt_s)
    assert first.rt_s == pytest.approx(40, abs=0.6)
    assert second.rt_s == pytest.approx(49, abs=0.6)
    assert first.rt_end_s == pytest.approx(second.rt_start_s)


def test_isotopes_belong_to_their_ion() -> None:
    chlorine = {238.0993: 1.0, 238.0993 + NEUTRON: 0.144, 238.0993 + 1.99705: 0.33}
    ion = only(run({mz: gauss(50, 1e5 * part) for mz, part in chlorine.items()}))
    assert ion.mz == pytest.approx(238.0993, abs=5e-4)
    assert ion.charge == 1
    assert ion.isotopes == pytest.approx([1, 0.144, 0.33], abs=0.02)


def test_half_a_mass_unit_between_isotopes_tells_two_charges() -> None:
    ions = {400.2: gauss(50, 1e5), 400.2 + NEUTRON / 2: gauss(50, 4e4), 400.2 + NEUTRON: gauss(50, 1e4)}
    ion = only(run(ions))
    assert ion.charge == 2
    assert ion.isotopes == pytest.approx([1, 0.4, 0.1], abs=0.03)


def test_a_scan_that_is_missing_does_not_end_a_trace() -> None:
    shape = gauss(50, 1e5)
    shape[[92, 101, 108]] = 0
    assert only(run({250.1: shape})).scans >= 15


@given(st.integers(0, 10_000), st.floats(0.3, 3.0))
@settings(max_examples=15, deadline=None)
def test_masses_of_neighbours_stay_apart(seed: int, ppm: float) -> None:
    ions = {300.1000: gauss(50, 1e5), 300.1000 * (1 + 60e-6): gauss(50, 6e4)}
    found = sorted(one.mz for one in find_features(run(ions, ppm=ppm, seed=seed)).ions)
    assert len(found) == 2
    assert found[1] - found[0] == pytest.approx(300.1 * 60e-6, rel=0.2)


def test_the_tolerance_is_measured_and_unit_resolution_seen() -> None:
    fine = mass_scatter(run({200.0 + 10.1 * k: gauss(50, 1e5) for k in range(10)}, ppm=1.0))
    coarse = mass_scatter(run({200.0 + 10.1 * k: gauss(50, 1e5) for k in range(10)}, ppm=4.0))
    assert fine[1]
    assert coarse[1]
    assert fine[0] < coarse[0] <= 25
    assert not mass_scatter(run({200.0 + 10 * k: gauss(50, 1e5) for k in range(10)}, ppm=300.0))[1]


def test_runs_without_time_are_refused_and_empty_ones_are_empty() -> None:
    with pytest.raises(InvalidMeasurement):
        find_features(ScanTable(np.array([np.nan]), np.array([0, 1]), np.array([100.0]), np.array([1.0])))
    nothing = ScanTable(np.arange(9.0), np.zeros(10, np.int64), np.empty(0), np.empty(0))
    assert find_features(nothing).ions == ()


@pytest.mark.data
def test_a_real_ion_is_found_with_its_isotopes(data_dir: Path) -> None:
    scans = read(data_dir / "raw" / "mzxml" / "DOM_b.mzXML").scans.level(1)
    found = find_features(scans)
    amitriptyline = next(one for one in found.ions if abs(one.mz - 278.1903) < 0.001)
    assert found.accurate
    assert found.tolerance_ppm <= 10
    assert amitriptyline.isotopes[1] == pytest.approx(0.217, abs=0.02)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60))
def test_chains_are_those_a_walk_finds(back: list[int]) -> None:
    before = np.array([k - step if step and k >= step else -1 for k, step in enumerate(back)])
    before[[k for k, own in enumerate(before) if own in before[:k]]] = -1  # each is followed by one at most
    number, expected = 0, []
    for own in before.tolist():
        expected.append(number if own < 0 else expected[own])
        number += own < 0
    assert chains(before).tolist() == expected
