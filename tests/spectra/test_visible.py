"""What a query could not have shown is not missing from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spectra.chromatography.deconvolution import deconvolve
from spectra.model import spectrum_from_peaks
from spectra.similarity.mass import HIGHEST_MASS, UnitSpectrum, unit_mass, unit_table
from spectra.similarity.match_factor import match_factors, visible
from spectra.simulate import SimulatedPeak, simulate_run

MASS = np.arange(50, 150, 5)
HEIGHT = np.geomspace(999, 8, len(MASS)).round()
ROW = np.array([0])
TABLE = unit_table([0, len(MASS)], MASS, HEIGHT)


def cut(floor: float, share: float = 1.0) -> UnitSpectrum:
    """The reference as a run shows it whose ions may be wrong by ``floor``; all masses from the first on."""
    seen = np.greater_equal(HEIGHT, floor)
    query = unit_mass(MASS[seen], HEIGHT[seen], mz_low=50)
    return replace(query, floor=np.full(HIGHEST_MASS + 1, share * floor))


def test_what_lies_under_the_floor_does_not_count_as_missing() -> None:
    query = cut(120.0)
    bare = float(match_factors(replace(query, floor=None), TABLE, ROW).match_factor[0])
    told = match_factors(query, TABLE, ROW)
    assert bare < 950
    assert told.match_factor[0] > 999
    assert told.common[0] == len(query.mass)


def test_what_would_stand_clear_of_the_floor_is_missing() -> None:
    query = cut(120.0, share=0.05)
    kept = visible(query, TABLE, ROW).row(0)
    assert kept.intensity.min() >= 2 * 0.05 * 120
    assert match_factors(query, TABLE, ROW).match_factor[0] < 950


def test_a_reference_is_scaled_to_the_query_before_it_is_judged() -> None:
    """A neighbour's base peak in the query makes everything else small, in units of 999."""
    mass, height = np.append(MASS, 200), np.append(HEIGHT, 9990)
    query = unit_mass(mass[height >= 120], height[height >= 120], mz_low=50)
    query = replace(query, floor=np.full(HIGHEST_MASS + 1, 12.0))
    assert len(visible(query, TABLE, ROW).mass) < len(MASS)


def test_a_query_as_measured_sees_the_whole_row() -> None:
    query = unit_mass(MASS, HEIGHT)
    seen = visible(query, TABLE, ROW)
    assert np.array_equal(seen.mass, TABLE.mass)
    assert np.array_equal(seen.intensity, TABLE.intensity)


def test_nothing_in_common_leaves_nothing_to_compare() -> None:
    query = replace(unit_mass([300], [1]), floor=np.full(HIGHEST_MASS + 1, 5.0))
    assert match_factors(query, TABLE, ROW).match_factor[0] == 0


def test_a_component_tells_by_how_much_its_ions_may_be_wrong() -> None:
    """Ions that a taller neighbour has may be wrong by more than those it lacks."""
    rng = np.random.default_rng(5)
    tall = spectrum_from_peaks([60, 70, 80, 90, 100, 110], [999, 800, 700, 600, 500, 400])
    small = spectrum_from_peaks([60, 75, 85, 95, 105, 115], [300, 999, 800, 700, 600, 500])
    peaks = [SimulatedPeak(tall, 200.0, 1e6, 2.4), SimulatedPeak(small, 202.4, 1e5, 2.4)]
    found = deconvolve(simulate_run(peaks, rng=rng, duration_s=160.0, mz_high=130).scans).components
    one = min(found, key=lambda c: abs(c.rt_s - 202.4))
    assert one.floor is not None
    floor = dict(zip(one.floor.mz.tolist(), one.floor.intensity.tolist(), strict=True))
    assert floor[70.0] > 5 * floor[75.0]
    heights = zip(one.spectrum.mz.tolist(), one.spectrum.intensity.tolist(), strict=True)
    assert all(height >= floor[mz] for mz, height in heights)
