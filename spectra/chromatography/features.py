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

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spectra.errors import InvalidMeasurement
from spectra.model import Floats, Ints, ScanTable

Flags = NDArray[np.bool_]

NEUTRON = 1.0033548  # u, ¹³C less ¹²C
HEAVY = (1.99579, 1.99705, 1.99795, 2.00425)  # u, ³⁴S, ³⁷Cl, ⁸¹Br and ¹⁸O less the lightest isotope
UNIT_TH = 0.3  # half width where masses are of unit resolution
UNIT_PPM = 60.0  # scatter between scans that no accurate instrument shows
WIDEST_PPM = 25.0
NARROWEST_PPM = 5.0
LEAST_SCANS = 4  # a peak is seen at least that often
LEAST_RISE = 0.5  # of a peak's height, above the higher of its valleys
LEAST_OVER_NOISE = 3.0  # height over what a typical point of the run has
DEEP = 0.75  # of the lower of two maxima: a valley less deep is a ripple
MOST_ISOTOPE = 1.5  # ¹³C of a pure hydrocarbon, and half as much again for the scatter
MOST_HEAVY = 2.2  # of four chlorine or two bromine atoms
_SCAN_STEP = 1e6  # Th; keeps the scans apart in one ascending row of places


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
    isotopes : (3,) float64, intensities of M, M+1 and M+2 over the upper half of the peak, M = 1.
    scans : how many scans show it.
    """

    mz: float
    rt_s: float
    rt_start_s: float
    rt_end_s: float
    fwhm_s: float
    height: float
    area: float
    charge: int
    isotopes: Floats
    scans: int


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


class Points:
    """The points of a run as one ascending row of places: scan, then m/z."""

    def __init__(self, scans: ScanTable) -> None:
        if not scans.has_time:
            raise InvalidMeasurement("features need scans on a time axis")
        self.table = scans
        self.scan = np.repeat(np.arange(len(scans)), np.diff(scans.offset))
        self.place = self.scan * _SCAN_STEP + scans.mz
        self._summed = np.concatenate(([0.0], np.cumsum(scans.intensity)))

    def between(self, scan: Ints, low: Floats, high: Floats) -> Floats:
        """Summed intensity of each ``scan`` from m/z ``low`` to ``high``; all of one shape."""
        first = np.searchsorted(self.place, scan * _SCAN_STEP + low)
        last = np.searchsorted(self.place, scan * _SCAN_STEP + high, side="right")
        return np.asarray(self._summed[last] - self._summed[first], np.float64)

    def nearest(self, points: Ints, ahead: int, reach: Floats) -> Ints:
        """For each point the one nearest in m/z ``ahead`` scans later, −1 where none is within ``reach``."""
        wanted = self.place[points] + ahead * _SCAN_STEP
        right = np.minimum(np.searchsorted(self.place, wanted), len(self.place) - 1)
        left = np.maximum(right - 1, 0)
        away_left, away_right = np.abs(self.place[left] - wanted), np.abs(self.place[right] - wanted)
        best = np.where(away_left <= away_right, left, right)
        return np.where(np.minimum(away_left, away_right) <= reach, best, -1)


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
    trace = _traces(points, reach)
    peaks = _peaks(points, trace, max(least_height, _noise(scans)))
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
    scan = np.repeat(np.arange(len(scans)), np.diff(scans.offset))
    order = np.lexsort((-scans.intensity, scan))
    rank = np.arange(len(scan)) - scans.offset[scan[order]]
    return np.sort(order[rank < each])


def _noise(scans: ScanTable) -> float:
    """Counts that a peak must reach: three times what the lower quarter of points shows."""
    return LEAST_OVER_NOISE * float(np.quantile(scans.intensity, 0.25))


def _traces(points: Points, reach: Floats) -> Ints:
    """(points,) number of the mass trace each point belongs to."""
    n = len(points.place)
    after, before = np.full(n, -1), np.full(n, -1)
    for ahead in (1, 2):
        free = np.flatnonzero(after < 0)
        there = points.nearest(free, ahead, reach[free])
        found = there >= 0
        found &= before[there] < 0
        there_found = there[found]
        back = points.nearest(there_found, -ahead, reach[there_found])
        mutual = back == free[found]
        start, end = free[found][mutual], there_found[mutual]
        after[start], before[end] = end, start
    start = np.flatnonzero(after >= 0)
    links = coo_array((np.ones(len(start), bool), (start, after[start])), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Peaks:
    """What stands out, (peaks,) each; ``first``, ``last``, ``apex`` and ``half`` are numbers of scans."""

    mz: Floats
    first: Ints
    last: Ints
    apex: Ints
    half: tuple[Ints, Ints]  # scans between which it stands above half its height
    height: Floats
    area: Floats
    scans: Ints


def _peaks(points: Points, trace: Ints, least: float) -> _Peaks:
    """Traces divided at their valleys."""
    counts = np.bincount(trace)
    tallest = np.zeros(len(counts))
    np.maximum.at(tallest, trace, points.table.intensity)
    member = (counts[trace] >= LEAST_SCANS) & (tallest[trace] >= least)
    order = np.flatnonzero(member)
    order = order[np.lexsort((points.scan[order], trace[order]))]
    rows = _Rows.of(trace[order], points.scan[order], points.table.intensity[order])
    maxima = rows.maxima(least)
    edges = rows.edges(maxima)
    return rows.peaks(points, order, maxima, edges, least)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Traces one after the other, a place for every scan of each, with a gap in between.

    ``signal`` and ``smooth`` are (places,), ``scan`` the scan of each place, ``at`` the place of each point.
    """

    signal: Floats
    smooth: Floats
    scan: Ints
    row: Ints
    at: Ints

    @classmethod
    def of(cls, trace: Ints, scan: Ints, intensity: Floats) -> _Rows:
        if not len(trace):
            none = np.empty(0, np.int64)
            return cls(np.empty(0), np.empty(0), none, none, none)
        begins = np.flatnonzero(np.diff(trace, prepend=-1))
        ends = np.append(begins[1:], len(trace)) - 1
        row = np.cumsum(np.diff(trace, prepend=-1) != 0) - 1
        pad = 4
        span = scan[ends] - scan[begins] + 1
        starts = np.concatenate(([0], np.cumsum(span + pad)[:-1])) + pad
        at = starts[row] + scan - scan[begins][row]
        total = int(starts[-1] + span[-1] + pad)
        signal = np.zeros(total)
        holes = np.interp(np.arange(total), at, intensity)
        places = np.repeat(starts, span) + _counting(span)
        signal[places] = holes[places]
        owner, when = np.full(total, -1), np.full(total, -1)
        owner[places] = np.repeat(np.arange(len(begins)), span)
        when[places] = np.repeat(scan[begins], span) + _counting(span)
        return cls(signal, ndimage.gaussian_filter1d(signal, 1.0, mode="constant"), when, owner, at)

    def maxima(self, least: float) -> Ints:
        """Places of maxima, ripples left out, ascending."""
        s = self.smooth
        top = np.flatnonzero((s[1:-1] > s[:-2]) & (s[1:-1] >= s[2:]) & (self.row[1:-1] >= 0)) + 1
        top = top[s[top] >= least / 2]
        while len(top) > 1:
            valley = np.minimum.reduceat(s, top)[:-1]
            shallow = (valley > DEEP * np.minimum(s[top[:-1]], s[top[1:]])) & (
                self.row[top[:-1]] == self.row[top[1:]]
            )
            if not shallow.any():
                break
            lower = np.where(s[top[:-1]] < s[top[1:]], np.arange(len(top) - 1), np.arange(1, len(top)))
            gone = np.unique(lower[shallow])
            # Of neighbours that both would go, the higher stays for the next round.
            keep_last = np.append(np.diff(gone) > 1, True)
            top = np.delete(top, gone[keep_last])
        return top

    def edges(self, top: Ints) -> tuple[Ints, Ints]:
        """First and last place of each peak: the trace's own ends, or the valley towards its neighbour."""
        if not len(top):
            return top, top
        change = np.flatnonzero(np.diff(self.row, prepend=-2, append=-2))
        first = change[np.searchsorted(change, top, side="right") - 1]
        last = change[np.searchsorted(change, top, side="right")] - 1
        for k in np.flatnonzero(self.row[top[:-1]] == self.row[top[1:]]):
            valley = int(top[k] + self.smooth[top[k] : top[k + 1]].argmin())
            last[k], first[k + 1] = valley, valley
        return first, last

    def peaks(self, points: Points, order: Ints, top: Ints, edges: tuple[Ints, Ints], least: float) -> _Peaks:
        first, last = edges
        height = np.maximum(self.signal[top], self.smooth[top])
        valley = np.maximum(self._foot(first, top, points), self._foot(last, top, points))
        stands = (self.signal[top] >= least) & (height - valley >= LEAST_RISE * height)
        stands &= last - first + 1 >= LEAST_SCANS
        top, first, last, height = top[stands], first[stands], last[stands], height[stands]
        left, right = self._half(top, first, -1), self._half(top, last, +1)
        low, high = np.searchsorted(self.at, first), np.searchsorted(self.at, last, side="right")
        mz, heavy = points.table.mz[order], points.table.intensity[order]
        weight = np.concatenate(([0.0], np.cumsum(heavy)))
        moment = np.concatenate(([0.0], np.cumsum(mz * heavy)))
        time = points.table.rt_s
        step = float(np.median(np.diff(time))) or 1.0
        total = weight[high] - weight[low]
        return _Peaks(
            mz=(moment[high] - moment[low]) / np.maximum(total, 1e-12),
            first=self.scan[first],
            last=self.scan[last],
            apex=self.scan[top],
            half=(self.scan[left], self.scan[right]),
            height=height,
            area=total * step,
            scans=high - low,
        )

    def _foot(self, edge: Ints, top: Ints, points: Points) -> Floats:
        """Height at an edge: 0 where the trace ended within the run, for then it had fallen."""
        beside = np.where(edge < top, edge - 1, edge + 1)
        inside = self.row[np.clip(beside, 0, len(self.row) - 1)] == self.row[edge]
        at_end = (self.scan[edge] == 0) | (self.scan[edge] == len(points.table) - 1)
        return np.where(inside | at_end, self.smooth[edge], 0.0)

    def _half(self, top: Ints, edge: Ints, step: int) -> Ints:
        """The outermost place towards ``edge`` before the smoothed signal falls under half its height."""
        place, half = top.copy(), self.smooth[top] / 2
        going = np.ones(len(top), bool)
        while going.any():
            ahead = place + step
            going &= (ahead * step <= edge * step) & (
                self.smooth[np.clip(ahead, 0, len(self.smooth) - 1)] >= half
            )
            place[going] = ahead[going]
        return place


def _counting(lengths: Ints) -> Ints:
    """0, 1, … for each length, one after the other."""
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths, lengths)


def _described(points: Points, found: _Peaks, ppm: float, accurate: bool) -> tuple[Feature, ...]:
    time = points.table.rt_s
    tolerance = found.mz * ppm * 1e-6 if accurate else np.full(len(found.mz), UNIT_TH)
    charge, pattern = _isotopes(points, found, tolerance)
    lone = ~_isotopologues(found, tolerance)
    order = np.flatnonzero(lone)[np.argsort(-found.area[lone], kind="stable")]
    step = float(np.median(np.diff(time))) or 1.0
    return tuple(
        Feature(
            mz=float(found.mz[k]),
            rt_s=float(time[found.apex[k]]),
            rt_start_s=float(time[found.first[k]]),
            rt_end_s=float(time[found.last[k]]),
            fwhm_s=float(time[found.half[1][k]] - time[found.half[0][k]]) + step,
            height=float(found.height[k]),
            area=float(found.area[k]),
            charge=int(charge[k]),
            isotopes=pattern[k],
            scans=int(found.scans[k]),
        )
        for k in order
    )


def _isotopes(points: Points, found: _Peaks, tolerance: Floats) -> tuple[Ints, Floats]:
    """Charge, and intensities of M, M+1, M+2 summed over the scans above half height, M = 1."""
    lengths = found.half[1] - found.half[0] + 1
    scan = np.repeat(found.half[0], lengths) + _counting(lengths)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    wide = tolerance[owner]

    def summed(offset_low: float, offset_high: float) -> Floats:
        mz = found.mz[owner]
        values = points.between(scan, mz + offset_low - wide, mz + offset_high + wide)
        return np.asarray(np.bincount(owner, values, minlength=len(lengths)), np.float64)

    own = np.maximum(summed(0, 0), 1e-12)
    half_step = summed(NEUTRON / 2, NEUTRON / 2) / own
    one, two = summed(NEUTRON, NEUTRON) / own, summed(HEAVY[0], 2 * NEUTRON) / own
    double = (half_step > 0.2) & (half_step < MOST_ISOTOPE * 2 * found.mz / 14 * 0.0108)
    pattern = np.stack([np.ones(len(own)), np.where(double, half_step, one), np.where(double, one, two)], 1)
    return np.where(double, 2, 1), pattern


def _isotopologues(found: _Peaks, tolerance: Floats) -> Flags:
    """Which peaks are heavier isotopologues of another."""
    order = np.argsort(found.mz)
    heavier = np.zeros(len(order), bool)
    shifts = [(NEUTRON, True), (NEUTRON / 2, True), (2 * NEUTRON, True), *((shift, False) for shift in HEAVY)]
    sorted_mz = found.mz[order]
    for shift, carbon in shifts:
        low = np.searchsorted(sorted_mz, found.mz - shift - tolerance)
        high = np.searchsorted(sorted_mz, found.mz - shift + tolerance, side="right")
        for k in np.flatnonzero(high > low):
            parents = order[low[k] : high[k]]
            most = MOST_ISOTOPE * found.mz[k] / 14 * 0.0108 if carbon else MOST_HEAVY
            near = (
                np.abs(found.apex[parents] - found.apex[k]) <= 1 + (found.half[1][k] - found.half[0][k]) / 2
            )
            heavier[k] |= bool(np.any(near & (found.height[k] <= max(most, 0.05) * found.height[parents])))
    return heavier
