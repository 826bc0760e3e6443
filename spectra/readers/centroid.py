"""Peaks of continuum (profile) spectra, so that every run has spectra that can be searched.

The method: a spectrum is smoothed over three points (¼, ½, ¼) to find its local maxima, and cut at the lowest
point between two of them and wherever the sampling leaves a gap (a step of more than three times the finest
of its neighbourhood, or a stretch of zeros). A peak's m/z is the intensity-weighted mean of its points of at
least half its height, its intensity the height itself, as instrument software reports it. Maxima that do not
rise to twice the valley on either side belong to the higher neighbour's flank and are left out there, as is
whatever stays below 1/10,000 of the scan's base peak. No baseline is taken off.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spectra.model import Floats, Ints

PICKED = "peaks were picked (weighted mean of the upper half, height)"
_LEAST_SHARE = 1e-4
_BATCH_POINTS = 500_000
_GAP, _AROUND = 3.0, 4
_LEAST_POINTS, _LARGEST_STEP, _SHARE = 50, 0.25, 0.2

_Bools = NDArray[np.bool_]


def looks_continuous(mz: Floats, intensity: Floats) -> bool:
    """Whether points in ascending m/z are samples of a continuum rather than peaks.

    So it is for 50 points or more, closely spaced (median step below 0.25 Th, which rules out nominal
    masses), of which fewer than a fifth are local maxima (a list of peaks has about a third) or more than a
    fifth zeros (a list of peaks has none).
    """
    if len(mz) < _LEAST_POINTS or float(np.median(np.diff(mz))) >= _LARGEST_STEP:
        return False
    inner = np.asarray(intensity)
    tops = (inner[1:-1] > inner[:-2]) & (inner[1:-1] >= inner[2:])
    return bool(np.mean(tops) < _SHARE or np.mean(inner == 0) > _SHARE)


def pick_peaks(offset: Ints, mz: Floats, intensity: Floats, profile: _Bools) -> tuple[Ints, Floats, Floats]:
    """The same table with peaks in place of points in the scans that ``profile`` marks.

    Parameters
    ----------
    offset : (scans + 1,) rows of ``mz`` and ``intensity`` per scan. mz : (points,) Th, ascending in a scan.
    intensity : (points,) ≥ 0. profile : (scans,) bool.

    Returns
    -------
    offset, mz, intensity : as above, with no more points than before.
    """
    counts = np.diff(offset)
    chunks_mz, chunks_intensity = [], []
    for first, last in _batches(offset):
        points = slice(int(offset[first]), int(offset[last]))
        scan = np.repeat(np.arange(first, last), counts[first:last])
        is_profile = profile[scan]
        kept_scan, kept_mz, kept_intensity = _peaks(
            scan[is_profile], mz[points][is_profile], intensity[points][is_profile]
        )
        counts[first:last] = np.where(
            profile[first:last], np.bincount(kept_scan - first, minlength=last - first), counts[first:last]
        )
        all_scan = np.concatenate((scan[~is_profile], kept_scan))
        order = np.argsort(all_scan, kind="stable")
        chunks_mz.append(np.concatenate((mz[points][~is_profile], kept_mz))[order])
        chunks_intensity.append(np.concatenate((intensity[points][~is_profile], kept_intensity))[order])
    return np.concatenate(([0], np.cumsum(counts))), _joined(chunks_mz), _joined(chunks_intensity)


def _joined(chunks: list[Floats]) -> Floats:
    return np.concatenate(chunks) if chunks else np.empty(0)


def _batches(offset: Ints) -> list[tuple[int, int]]:
    """Runs of whole scans of about half a million points, so that memory stays small."""
    batch = offset[:-1] // _BATCH_POINTS
    starts = np.flatnonzero(np.diff(batch, prepend=-1))
    return list(zip(starts.tolist(), [*starts[1:].tolist(), len(offset) - 1], strict=True))


def _peaks(scan: Ints, mz: Floats, intensity: Floats) -> tuple[Ints, Floats, Floats]:
    """Scan, m/z and height of each peak; the order of the points is kept."""
    if not len(mz):
        return scan, mz, intensity
    segment = _stretches(scan, mz, intensity)
    smooth = _smoothed(segment, intensity)
    segment = _valley_to_valley(segment, smooth, intensity)
    places = np.flatnonzero(np.diff(segment, prepend=-1))
    height = np.maximum.reduceat(intensity, places)
    upper = intensity * (intensity >= height[segment] / 2)
    centre = np.add.reduceat(mz * upper, places) / np.maximum(np.add.reduceat(upper, places), 1e-300)
    of_scan = scan[places]
    base = np.zeros(int(scan[-1]) + 1)
    np.maximum.at(base, of_scan, height)
    good = (height > 0) & (height >= _LEAST_SHARE * base[of_scan])
    return of_scan[good], centre[good], height[good]


def _stretches(scan: Ints, mz: Floats, intensity: Floats) -> Ints:
    """A number that rises where a new scan, a gap, or the point behind a run of zeros begins."""
    from scipy.ndimage import minimum_filter1d

    same = np.diff(scan) == 0
    step = np.where(same, np.diff(mz), np.inf)
    apart = np.arange(len(step)) + _AROUND * np.cumsum(~same)  # so that no scan is in another's neighbourhood
    padded = np.full(int(apart[-1]) + 1 if len(apart) else 0, np.inf)
    padded[apart] = step
    finest = minimum_filter1d(padded, 2 * _AROUND + 1, mode="nearest")[apart] if len(step) else step
    zero = intensity == 0
    begins = np.ones(len(mz), np.bool_)
    begins[1:] = (step > _GAP * finest) | ~np.isfinite(step) | (zero[:-1] & ~zero[1:])
    return np.cumsum(begins) - 1


def _smoothed(segment: Ints, intensity: Floats) -> Floats:
    """(¼, ½, ¼) within a stretch; its end points lean on themselves."""
    same = np.diff(segment) == 0
    left = np.where(np.concatenate(([False], same)), np.roll(intensity, 1), intensity)
    right = np.where(np.concatenate((same, [False])), np.roll(intensity, -1), intensity)
    return (left + right) / 4 + intensity / 2


def _valley_to_valley(segment: Ints, smooth: Floats, intensity: Floats) -> Ints:
    """The stretches cut again at the valleys between maxima that stand clear of them."""
    rising = np.diff(smooth, prepend=0.0) > 0
    falling = np.diff(smooth, append=0.0) <= 0
    first = np.diff(segment, prepend=-1) > 0
    last = np.diff(segment, append=segment[-1] + 1) > 0
    tops = np.flatnonzero((rising | first) & (falling | last))
    cuts = _cuts(tops, segment, smooth)
    begins = first.copy()
    begins[cuts] = True
    return np.cumsum(begins) - 1 if len(intensity) else segment


def _cuts(tops: Ints, segment: Ints, smooth: Floats) -> Ints:
    """Where two neighbouring maxima of a stretch are parted by a valley of half the lower one or less."""
    cuts = []
    stretch, height, low, lowest = -1, 0.0, np.inf, -1  # of the maximum the next ones are compared with
    valleys, depths = _lowest_between(tops, smooth)
    for valley, depth, of, top in zip(
        valleys, depths, segment[tops].tolist(), smooth[tops].tolist(), strict=True
    ):
        if of != stretch:
            stretch, height, low = of, top, np.inf
            continue
        if depth < low:
            low, lowest = depth, valley
        if 2 * low <= min(height, top):
            cuts.append(lowest)
            height, low = top, np.inf
        elif top > height:
            height, low = top, np.inf
    return np.asarray(cuts, np.int64)


def _lowest_between(tops: Ints, smooth: Floats) -> tuple[list[int], list[float]]:
    """Place and value of the first lowest point behind the maximum before, up to each maximum."""
    if not len(tops):
        return [], []
    begins = np.concatenate(([0], tops[:-1] + 1))
    until_last = smooth[: int(tops[-1]) + 1]
    depth = np.minimum.reduceat(until_last, begins)
    places = np.flatnonzero(until_last == np.repeat(depth, np.diff(np.append(begins, len(until_last)))))
    return places[np.searchsorted(places, begins)].tolist(), depth.tolist()
