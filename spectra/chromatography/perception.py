"""A run made ready for deconvolution: background off, masses in step, maxima found, compounds perceived.

Promises: every count is passed over once, a few ions at a time, on all processors; what has to be known
before (peak width, skew) is measured from the strongest maxima alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spectra.chromatography.ions import Counts, IonTable, at_limit, background, scatter, without_skew
from spectra.chromatography.peaks import (
    Apexes,
    find_apexes,
    half_widths,
    smooth_scans,
    summits,
    typical_width,
    vertex,
)
from spectra.model import Floats, Ints

# A skew below a twentieth of a scan is within the error of its own measurement.
LEAST_SKEW = 0.05
LEAST_PAIRS = 30  # of maxima; fewer tell no skew
WINDOW = 12  # peak widths: a peak, tail and all, is narrower
AT_A_TIME = 50_000  # counts; larger temporary arrays cost more than their arithmetic
PER_SCAN = 10  # steps in which places between scans are told


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A run made ready: what every later step needs.

    Parameters
    ----------
    mass : (ions,) float64. rt_s : (scans,) float64, s.
    signal, noise : (ions, scans) float32, counts above the background, and their expected scatter.
    width : typical full width at half maximum, scans.
    apexes : maxima above ``signal_to_noise`` times the scatter.
    standing_out : (scans,) float64, counts of all ions that stand so far above.
    by_chance : maxima in a scan where nothing elutes.
    limited : (ions, scans) bool, where the detector gave no more or the scan beside it did not; None where
        that is nowhere.
    """

    mass: Floats
    rt_s: Floats
    signal: Counts
    noise: Counts
    width: float
    apexes: Apexes
    standing_out: Floats
    by_chance: float
    limited: NDArray[np.bool_] | None = None


def prepare(table: IonTable, signal_to_noise: float) -> Prepared:
    """The run without background and skew, its scatter and its maxima."""
    measured = scatter(table.counts)
    ion, scan, valley = summits(table, measured)
    width = typical_width(half_widths(table.counts, ion, scan, valley))
    late = _lateness(table.mass, _skew(table, ion, scan, width))
    signal, noise = np.empty_like(table.counts), np.empty_like(table.counts)

    def ready(ions: slice) -> tuple[Apexes, Floats]:
        counts = table.counts[ions] if late is None else without_skew(table.counts[ions], late[ions])
        own = np.subtract(counts, background(counts, int(np.ceil(WINDOW * width))), out=signal[ions])
        np.maximum(own, 0.0, out=own)
        noise[ions] = measured.at(counts, ions)
        least = np.float32(signal_to_noise) * noise[ions]
        found = find_apexes(own, smooth_scans(own, width), least)
        return found, np.where(own > least, own, 0).sum(axis=0, dtype=np.float64)

    parts = _chunks(*table.counts.shape)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        done = list(threads.map(ready, parts))
    apexes = _joined([found for found, _ in done], [part.start for part in parts])
    by_chance = float(np.median(np.bincount(apexes.scan, minlength=len(table.rt_s))))
    standing_out = np.sum([out for _, out in done], axis=0)
    return Prepared(
        table.mass, table.rt_s, signal, noise, width, apexes, standing_out, by_chance, _limited(table.counts)
    )


def _limited(counts: Counts) -> NDArray[np.bool_] | None:
    """As in `Prepared`; taking out the skew mixes a scan with its neighbours."""
    limited = at_limit(counts)
    if not limited.any():
        return None
    limited[:, 1:] |= limited[:, :-1]
    limited[:, :-1] |= limited[:, 1:]
    return limited


def _chunks(ions: int, scans: int) -> list[slice]:
    step = max(1, AT_A_TIME // scans)
    return [slice(first, min(first + step, ions)) for first in range(0, ions, step)]


def _joined(parts: Sequence[Apexes], first: Sequence[int]) -> Apexes:
    return Apexes(
        np.concatenate([part.ion + k for part, k in zip(parts, first, strict=True)]),
        np.concatenate([part.scan for part in parts]),
        np.concatenate([part.position for part in parts]),
        np.concatenate([part.height for part in parts]),
    )


def _skew(table: IonTable, ion: Ints, scan: Ints, width: float) -> float:
    """How many scans later the heaviest ion of a compound peaks than the lightest, −1 … 1.

    Within one scan masses are measured one after the other, so the apex of an ion moves by up to one scan
    with its mass. The slope is the median over neighbouring pairs of strong maxima that belong together;
    0 where there are too few.
    """
    if not len(ion):
        return 0.0
    position = _placed(table.counts, ion, scan, width)
    order = np.argsort(position, kind="stable")
    span = float(table.mass[-1] - table.mass[0]) or 1.0
    place, where = position[order], table.mass[ion[order]] / span
    slopes = []
    for step in range(1, 8):
        late, apart = place[step:] - place[:-step], where[step:] - where[:-step]
        close = (np.abs(late) < 1.2) & (np.abs(apart) > 0.15)
        slopes.append(late[close] / apart[close])
    known = np.concatenate(slopes)
    return float(np.clip(np.median(known), -1, 1)) if len(known) >= LEAST_PAIRS else 0.0


def _placed(counts: Counts, ion: Ints, scan: Ints, width: float) -> Floats:
    """(n,) float64: places of maxima between scans, smoothed as those of the whole run are."""
    reach, near = int(np.ceil(width / 2)) + 3, 2
    around = np.clip(scan[:, None] + np.arange(-reach, reach + 1), 0, counts.shape[1] - 1)
    smooth = smooth_scans(counts[ion[:, None], around], width)
    top = reach - near + smooth[:, reach - near : reach + near + 1].argmax(axis=1)
    return scan - reach + vertex(smooth, np.arange(len(ion)), top)


def _lateness(mass: Floats, slope: float) -> Floats | None:
    """(ions,) scans by which each comes after the middle mass of its scan, None where that is nothing."""
    if abs(slope) <= LEAST_SKEW:
        return None
    return np.asarray(slope * (mass - (mass[0] + mass[-1]) / 2) / float(mass[-1] - mass[0]))


def perceive(run: Prepared, apexes: Apexes, least_ions: int) -> tuple[Floats, list[Ints]]:
    """Places where maxima of many ions fall together, and the maxima that made each.

    The density of maxima is sampled at a tenth of a scan and smoothed with σ = max(0.25 scan, width / 14). A
    place counts when it holds more ions than chance would bring there: the usual number in a window of its
    width plus four times its root, and no fewer than ``least_ions``.
    """
    if not len(apexes):
        return np.empty(0), []
    first, stop = int(apexes.scan.min()) - 1, int(apexes.scan.max()) + 2
    bins = ((apexes.position - first) * PER_SCAN).round().astype(int)
    density = np.bincount(bins, weights=np.sqrt(apexes.height), minlength=(stop - first) * PER_SCAN + 1)
    sigma = max(0.25, run.width / 14)
    density = ndimage.gaussian_filter1d(density, sigma * PER_SCAN, mode="constant")
    reach = max(1, round(2 * sigma * PER_SCAN))
    summit = (density == ndimage.maximum_filter1d(density, 2 * reach + 1)) & (density > 0)
    centres = first + np.flatnonzero(summit) / PER_SCAN
    order = np.argsort(apexes.position, kind="stable")
    low, high = np.searchsorted(apexes.position[order], [centres - 2 * sigma, centres + 2 * sigma])
    members = [order[a:b] for a, b in zip(low, high, strict=True)]
    by_chance = 4 * sigma * run.by_chance
    least = max(least_ions, by_chance + 4 * np.sqrt(by_chance))
    enough = [len(m) >= least and len(np.unique(apexes.ion[m])) >= least for m in members]
    return centres[enough], [m for m, ok in zip(members, enough, strict=True) if ok]
