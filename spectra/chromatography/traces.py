"""Mass traces of an LC-MS run, and the peaks they are divided into.

Promises: every point belongs to one trace; a peak rises well above the valleys beside it, so that an ion that
never falls, such as background, is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spectra.chromatography.points import Points
from spectra.model import Floats, Ints

LEAST_SCANS = 4  # a peak is seen at least that often
LEAST_RISE = 0.5  # of a peak's height, above the higher of its valleys
DEEP = 0.75  # of the lower of two maxima: a valley less deep is a ripple


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """What stands out, (peaks,) each; ``first``, ``last``, ``apex`` and ``half`` are numbers of scans."""

    mz: Floats
    first: Ints
    last: Ints
    apex: Ints
    half: tuple[Ints, Ints]  # scans between which it stands above half its height
    height: Floats
    area: Floats
    scans: Ints


def traces(points: Points, reach: Floats) -> Ints:
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
    return chains(before)


def chains(before: Ints) -> Ints:
    """(points,) number of the chain of each point, by first points; ``before`` is −1 where a chain begins.

    Each round every point looks twice as far back.
    """
    begins = before < 0
    first = np.where(begins, np.arange(len(before)), before)
    while not begins[first].all():
        first = first[first]
    return np.asarray((np.cumsum(begins) - 1)[first], np.int64)


def peaks_of(points: Points, trace: Ints, least: float) -> Peaks:
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
        places = np.repeat(starts, span) + counting(span)
        signal[places] = holes[places]
        owner, when = np.full(total, -1), np.full(total, -1)
        owner[places] = np.repeat(np.arange(len(begins)), span)
        when[places] = np.repeat(scan[begins], span) + counting(span)
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

    def peaks(self, points: Points, order: Ints, top: Ints, edges: tuple[Ints, Ints], least: float) -> Peaks:
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
        return Peaks(
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


def counting(lengths: Ints) -> Ints:
    """0, 1, … for each length, one after the other."""
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths, lengths)
