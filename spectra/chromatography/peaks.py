"""Maxima of ion chromatograms, with their place between two scans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spectra.chromatography.ions import Counts, IonTable, Scatter
from spectra.model import Floats, Ints

REACH = 60  # scans: half of the widest peak that is looked for
BLOCK, SPAN = 16, 5  # scans that tell one summit at most; blocks in which its valleys are sought on each side
STRONG = 20.0  # times the scatter: a summit whose place and width can be measured
PER_BLOCK, MOST = 20, 4000  # ions of a block, and of a run, that are measured


@dataclass(frozen=True, slots=True, eq=False)
class Apexes:
    """Maxima of all ions, in any order.

    Parameters
    ----------
    ion : (n,) int64, row of the ion table.
    scan : (n,) int64, scan of the maximum.
    position : (n,) float64, apex in scans, between ``scan − ½`` and ``scan + ½``.
    height : (n,) float64, counts above the background.
    """

    ion: Ints
    scan: Ints
    position: Floats
    height: Floats

    def __len__(self) -> int:
        return len(self.ion)


def find_apexes(signal: Counts, smooth: Counts, least: Counts) -> Apexes:
    """All local maxima of every ion that stand out.

    Parameters
    ----------
    signal : (ions, scans) float32, counts above the background.
    smooth : (ions, scans) float32, the same, smoothed; maxima are sought here.
    least : (ions, scans) float32, smallest height that counts at each place.

    Notes
    -----
    The place between scans is the vertex of the parabola through the three points around the maximum.
    A plateau counts once, at its first scan.
    """
    middle = smooth[:, 1:-1]
    top = middle >= least[:, 1:-1]
    top &= middle > smooth[:, :-2]
    top &= middle >= smooth[:, 2:]
    ion, before = np.nonzero(top)
    scan = before + 1
    return Apexes(ion, scan, vertex(smooth, ion, scan), signal[ion, scan].astype(np.float64))


def vertex(smooth: Counts, ion: Ints, scan: Ints) -> Floats:
    """(n,) float64: apex in scans, within half a scan of ``scan``."""
    left, centre, right = (smooth[ion, scan + step].astype(np.float64) for step in (-1, 0, 1))
    curvature = left - 2 * centre + right
    shift = np.where(curvature < 0, 0.5 * (left - right) / np.where(curvature < 0, curvature, -1.0), 0.0)
    return np.asarray(scan + np.clip(shift, -0.5, 0.5))


def summits(table: IonTable, measured: Scatter) -> tuple[Ints, Ints, Floats]:
    """Strong, lone maxima all over a run: ion and scan of each, and the level its peak stands on, counts.

    At most `PER_BLOCK` ions of every `BLOCK` scans, so that one huge peak does not speak for all; a summit is
    `STRONG` times the scatter above the higher of the two valleys beside it.
    """
    counts = table.counts
    blocks = np.arange(0, counts.shape[1], BLOCK)
    high = np.maximum.reduceat(counts, blocks, axis=1)
    low = np.minimum.reduceat(counts, blocks, axis=1)
    left, right = (
        ndimage.minimum_filter1d(low, SPAN, axis=1, mode="nearest", origin=origin)
        for origin in (SPAN // 2, -(SPAN // 2))
    )
    valley = np.maximum(left, right)
    rise = (high - valley) / measured.at(high, every=BLOCK)
    rise[rise < STRONG] = 0.0
    if len(rise) > PER_BLOCK:
        rise[rise < np.partition(rise, -PER_BLOCK, axis=0)[-PER_BLOCK]] = 0.0
    ion, block = np.nonzero(rise)
    kept = np.argsort(rise[ion, block], kind="stable")[::-1][:MOST]
    ion, block = ion[kept], block[kept]
    around = np.minimum(block[:, None] * BLOCK + np.arange(BLOCK), counts.shape[1] - 1)
    scan = around[np.arange(len(ion)), counts[ion[:, None], around].argmax(axis=1)]
    inside = np.clip(scan, 1, counts.shape[1] - 2)
    peak = counts[ion, inside]
    lone = (inside == scan) & (peak >= counts[ion, scan - 1]) & (peak >= counts[ion, inside + 1])
    return ion[lone], scan[lone], valley[ion, block][lone].astype(np.float64)


def half_widths(counts: Counts, ion: Ints, scan: Ints, base: Floats, reach: int = REACH) -> Floats:
    """(n,) float64: full width at half maximum above ``base`` of each apex in scans, linearly interpolated.

    A side that never falls to half within ``reach`` scans counts as ``reach``.
    """
    half = (counts[ion, scan] + base) / 2
    return _side(counts, ion, scan, half, -1, reach) + _side(counts, ion, scan, half, +1, reach)


def _side(counts: Counts, ion: Ints, scan: Ints, half: Floats, step: int, reach: int) -> Floats:
    width = np.full(len(scan), float(reach))
    open_ = np.arange(len(scan))
    above = counts[ion, scan].astype(np.float64)
    for k in range(1, reach + 1):
        here = np.clip(scan[open_] + step * k, 0, counts.shape[1] - 1)
        value = counts[ion[open_], here]
        falls = value <= half[open_]
        done = open_[falls]
        drop = above[open_][falls] - value[falls]
        width[done] = (
            k - 1 + np.where(drop > 0, (above[open_][falls] - half[done]) / np.where(drop > 0, drop, 1), 1)
        )
        above[open_] = value
        open_ = open_[~falls]
        if not len(open_):
            break
    return width


def typical_width(widths: Floats) -> float:
    """Median full width at half maximum, in scans (1 … 40); 3 without any."""
    return float(np.clip(np.median(widths), 1.0, 40.0)) if len(widths) else 3.0


def smooth_scans(counts: Counts, width: float) -> Counts:
    """Gaussian smoothing along the scans, σ a sixth of the peak width: narrow peaks stay as they are."""
    sigma = width / 6
    if sigma <= 0.5:
        return counts
    reach, scans = int(np.ceil(3 * sigma)), counts.shape[1]
    weight = np.exp(-0.5 * (np.arange(reach + 1) / sigma) ** 2)
    weight = (weight / (2 * weight.sum() - 1)).astype(np.float32)
    padded = np.pad(counts, ((0, 0), (reach, reach)), mode="edge")
    total: Counts = weight[0] * counts
    pair = np.empty_like(counts)
    for k in range(1, reach + 1):
        np.add(padded[:, reach - k : reach - k + scans], padded[:, reach + k : reach + k + scans], out=pair)
        pair *= weight[k]
        total += pair
    return total
