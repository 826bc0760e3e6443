"""Features of an LC-MS run: ions of accurate mass that rise and fall, with their isotopes.

Promises: every scan is used once and no grid is laid over the masses; the tolerance is measured from the
run; an ion that never falls, such as background, is no feature; isotopologues are told with their ion.
Refuses runs without a time axis. The steps:

1. a point and the point nearest to it in the next scan are linked if each is the other's nearest within the
   tolerance; what found no successor may take one of the scan after: chains of links are mass traces;
2. a trace is smoothed and divided at its valleys; a peak that does not rise well above them is background;
3. what lies one or two neutrons above another peak that leaves the column with it, and is no higher than
   isotopes can make it, is an isotopologue.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spectra.chromatography.isotopologues import isotopes_of, isotopologues
from spectra.chromatography.points import Points
from spectra.chromatography.traces import LEAST_SCANS, Peaks, peaks_of, traces
from spectra.model import Floats, Ints, ScanTable

UNIT_TH = 0.3  # half width where masses are of unit resolution
UNIT_PPM = 60.0  # scatter between scans that no accurate instrument shows
WIDEST_PPM = 25.0
NARROWEST_PPM = 5.0
LEAST_OVER_NOISE = 3.0  # height over what a typical point of the run has


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """An ion that leaves the column.

    Parameters
    ----------
    mz : Th, mean over the peak weighted by intensity; of the lightest isotopologue.
    rt_s, rt_start_s, rt_end_s : apex and where the trace ends or meets its neighbour, s.
    fwhm_s : full width at half maximum, s.
    height : counts at the apex. area : counts·s, isotopologues not included.
    charge : 1, or 2 where the isotopes lie half a Th apart.
    scans : how many scans show it.
    isotopes : (3,) float64, intensities of M, M+1 and M+2 over the upper half of the peak, M = 1.
    """

    mz: float
    rt_s: float
    rt_start_s: float
    rt_end_s: float
    fwhm_s: float
    height: float
    area: float
    charge: int
    scans: int
    isotopes: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What was found in a run of one polarity.

    Parameters
    ----------
    ions : by falling area.
    signal : counts·s of all features.
    tolerance_ppm : half width within which two m/z count as one ion.
    accurate : false where the run is of unit resolution, so that a mass tells no formula.
    """

    ions: tuple[Feature, ...]
    signal: float
    tolerance_ppm: float
    accurate: bool


def find_features(scans: ScanTable, *, least_height: float = 0.0) -> Features:
    """The features of the scans of one MS level and polarity.

    Parameters
    ----------
    least_height : counts at the apex below which nothing is listed, besides what the run's noise asks for.

    Raises
    ------
    InvalidMeasurement : there is no time axis.
    """
    points = Points(scans)
    ppm, accurate = mass_scatter(scans)
    if len(scans) < LEAST_SCANS or not len(scans.mz):
        return Features((), 0.0, ppm, accurate)
    reach = scans.mz * ppm * 1e-6 if accurate else np.full(len(scans.mz), UNIT_TH)
    trace = traces(points, reach)
    peaks = peaks_of(points, trace, max(least_height, _noise(scans)))
    ions = _described(points, peaks, ppm, accurate)
    return Features(ions, sum(ion.area for ion in ions), ppm, accurate)


def mass_scatter(scans: ScanTable) -> tuple[float, bool]:
    """The tolerance in ppm that a run's strongest ions ask for, and whether its masses are accurate.

    Five times the scatter (1.4826 · median distance) of strong ions from one scan to the next.
    """
    strong = _strongest(scans, 20)
    mz = scans.mz[strong]
    if len(mz) < 10 or bool(np.all(np.abs(mz * 20 - np.round(mz * 20)) < 1e-3)):
        return 1e6 * UNIT_TH / 300, len(mz) < 10 and len(mz) > 0
    points = Points(scans)
    near = points.nearest(strong, 1, np.full(len(strong), UNIT_TH))
    away = np.abs(scans.mz[near] - mz)[near >= 0] / mz[near >= 0] * 1e6
    if not len(away):
        return NARROWEST_PPM * 2, True
    scatter = 1.4826 * float(np.median(away))
    if scatter > UNIT_PPM:
        return 1e6 * UNIT_TH / 300, False
    return float(np.clip(5 * scatter, NARROWEST_PPM, WIDEST_PPM)), True


def _strongest(scans: ScanTable, each: int) -> Ints:
    """Points that are among the ``each`` strongest of their scan, ascending."""
    bounds = scans.offset.tolist()
    found = [_top(scans.intensity[a:b], each) + a for a, b in pairwise(bounds) if b > a]
    return np.concatenate([np.empty(0, np.int64), *found])


def _top(intensity: Floats, most: int) -> Ints:
    if len(intensity) <= most:
        return np.arange(len(intensity))
    return np.sort(np.argpartition(-intensity, most)[:most])


def _noise(scans: ScanTable) -> float:
    """Counts that a peak must reach: three times what the lower quarter of points shows."""
    return LEAST_OVER_NOISE * float(np.quantile(scans.intensity, 0.25))


def _described(points: Points, found: Peaks, ppm: float, accurate: bool) -> tuple[Feature, ...]:
    time = points.table.rt_s
    tolerance = found.mz * ppm * 1e-6 if accurate else np.full(len(found.mz), UNIT_TH)
    charge, pattern = isotopes_of(points, found, tolerance)
    lone = ~isotopologues(found, tolerance)
    order = np.flatnonzero(lone)[np.argsort(-found.area[lone], kind="stable")]
    step = float(np.median(np.diff(time))) or 1.0
    columns = (
        found.mz,
        time[found.apex],
        time[found.first],
        time[found.last],
        time[found.half[1]] - time[found.half[0]] + step,
        found.height,
        found.area,
        charge,
        found.scans,
    )
    rows = zip(*(column[order].tolist() for column in columns), pattern[order], strict=True)
    return tuple(Feature(*row) for row in rows)
