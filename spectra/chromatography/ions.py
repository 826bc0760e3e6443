"""A run as a table of ion chromatograms: one row per nominal mass, one column per scan.

Quadrupole GC-MS files write masses to one decimal and a different list of masses in every scan; everything
after this module works on the dense table, many ions at once. Rows are single precision and lie along the
scans, so that a filter over time runs through memory in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spectra.errors import InvalidMeasurement
from spectra.model import Floats, Ints, ScanTable
from spectra.nominal import nominal_mass

LARGEST_MASS = 2000  # beyond any compound that passes a gas chromatograph
PAIRS = 300  # of neighbouring scans: enough for a median
BLOCKS = 8  # a background has a point for every eighth of its window

STRETCH = 256  # scans, a multiple of what is looked at together: scatter changes slowly
CEILING = 0.995  # of the greatest count of the run
FLAT = 3  # scans

Counts = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class IonTable:
    """Ion chromatograms of a run.

    Parameters
    ----------
    mass : (ions,) float64, nominal masses, ascending.
    rt_s : (scans,) float64, s.
    counts : (ions, scans) float32, ≥ 0; 0 where nothing was recorded.
    """

    mass: Floats
    rt_s: Floats
    counts: Counts

    @property
    def scan_s(self) -> float:
        """Median time between two scans, s."""
        return float(np.median(np.diff(self.rt_s))) if len(self.rt_s) > 1 else 1.0


def ion_table(scans: ScanTable) -> IonTable:
    """Sum the points of every scan into nominal masses.

    Raises
    ------
    InvalidMeasurement : the run has no time axis, or no ion up to m/z 2000.
    """
    if not scans.has_time:
        raise InvalidMeasurement("ion chromatograms need a time axis")
    nominal, intensity = nominal_mass(scans.mz), scans.intensity
    column = np.repeat(np.arange(len(scans)), np.diff(scans.offset))
    keep = (nominal > 0) & (nominal <= LARGEST_MASS) & (intensity > 0)
    if not keep.all():
        nominal, intensity, column = nominal[keep], intensity[keep], column[keep]
    if not len(nominal):
        raise InvalidMeasurement("no ion with an intensity was recorded")
    present = np.bincount(nominal) > 0
    row = np.cumsum(present) - 1
    mass = np.flatnonzero(present)
    counts = np.zeros((len(mass), len(scans)), np.float32)
    np.add.at(counts.ravel(), row[nominal] * len(scans) + column, intensity.astype(np.float32))
    return IonTable(mass.astype(np.float64), scans.rt_s, counts)


def background(counts: Counts, window: int) -> Counts:
    """Slowly varying part of every ion chromatogram: column bleed, air, solvent tail.

    A morphological opening (running minimum, then running maximum) of ``window`` scans follows the signal
    from below and cannot rise into a peak narrower than the window; a running mean smooths its steps. Minima
    are taken of blocks of an eighth of the window first, and what lies between two blocks is drawn straight.
    Beyond its ends the run is thought to go on as it came, so that bleed that still rises is background too.

    Parameters
    ----------
    counts : (ions, scans) float32.
    window : scans, larger than any peak at its base.

    Returns
    -------
    (ions, scans) float32, ≤ ``counts`` smoothed over the window.
    """
    block = max(1, window // BLOCKS)
    low = _block_minima(_lightly(counts), block)
    size = max(3, round(window / block))
    longer = np.pad(low, ((0, 0), (size, size)), mode="reflect", reflect_type="odd")
    opened = ndimage.maximum_filter1d(ndimage.minimum_filter1d(longer, size, axis=1), size, axis=1)
    knots = ndimage.uniform_filter1d(opened, size, axis=1)[:, size:-size]
    return _drawn(np.maximum(knots, 0.0), block, counts.shape[1])


def _lightly(counts: Counts) -> Counts:
    """Mean of three scans."""
    padded = np.pad(counts, ((0, 0), (1, 1)), mode="edge")
    total = padded[:, :-2] + padded[:, 1:-1]
    total += padded[:, 2:]
    total *= np.float32(1 / 3)
    return total


def _block_minima(counts: Counts, block: int) -> Counts:
    """(ions, blocks) float32; the last block may be shorter."""
    missing = -counts.shape[1] % block
    whole = np.pad(counts, ((0, 0), (0, missing)), mode="edge") if missing else counts
    low = whole[:, 0::block].copy()
    for k in range(1, block):
        np.minimum(low, whole[:, k::block], out=low)
    return low


def _drawn(knots: Counts, block: int, scans: int) -> Counts:
    """(ions, scans) float32: straight lines between the middles of blocks, level before and after."""
    between = (np.arange(block, dtype=np.float32) / np.float32(block))[None, None, :]
    lines = np.diff(knots, axis=1)[:, :, None] * between
    lines += knots[:, :-1, None]
    base = np.empty((len(knots), knots.shape[1] * block), np.float32)
    first = block // 2
    last = first + (knots.shape[1] - 1) * block
    base[:, :first] = knots[:, :1]
    base[:, first:last] = lines.reshape(len(knots), -1)
    base[:, last:] = knots[:, -1:]
    return base[:, :scans]


@dataclass(frozen=True, slots=True, eq=False)
class Scatter:
    """How far counts stray from their mean, see `scatter`.

    Parameters
    ----------
    factor : counts^½, scatter in units of √counts where ions are counted.
    floor : (ions, stretches) float32, counts, scatter of each ion in every `STRETCH` scans between its peaks.
    threshold : counts below which the instrument wrote nothing.
    """

    factor: float
    floor: Counts
    threshold: float

    def at(self, level: Counts, ions: slice = slice(None), every: int = 1) -> Counts:
        """Expected scatter, counts, of these ions where their counts lie around ``level``.

        Parameters
        ----------
        level : (ions, scans) float32, or of one in ``every`` scans.
        """
        counting = np.maximum(level, np.float32(self.threshold))
        np.sqrt(counting, out=counting)
        counting *= np.float32(self.factor)
        floor = np.repeat(self.floor[ions], STRETCH // every, axis=1)[:, : level.shape[1]]
        np.maximum(counting, floor, out=counting)
        counting += np.float32(self.threshold / 2)
        return counting


def scatter(counts: Counts) -> Scatter:
    """Measure the scatter of a run from neighbouring points of the same ion.

    Ion counting gives a scatter proportional to the root of the signal: the factor is the median of
    ``|x[i+1] − x[i]| / √(x[i+1] + x[i])``, divided by 0.6745, the median of |N(0, 1)|, over points that were
    written. Points above three times the median of their ion are left out: the flank of a narrow peak is a
    change, not scatter. Of a long run about `PAIRS` pairs, spread over it, are looked at. After the noise
    factor of Stein, J. Am. Soc. Mass Spectrom. 10 (1999) 770. The floor is the lower quartile of
    ``|x[i+1] − x[i]|``, divided by 0.3186·√2, in stretches of the run: it is right where peaks take up less
    than three quarters of a stretch, and 0 where a quarter of it was not written.

    Parameters
    ----------
    counts : (ions, scans) float32, ≥ 0, at least one > 0.
    """
    scans = counts.shape[1]
    first = np.arange(0, scans - 1, max(1, scans // PAIRS))
    pair = np.stack([counts[:, first], counts[:, first + 1]], axis=1)
    written = np.where(pair > 0, pair, np.float32(np.nan))
    usual = np.nan_to_num(_medians(written.reshape(len(counts), -1)))
    quiet = np.where(pair <= 3 * usual[:, None, None], written, np.float32(np.nan))
    step, total = np.abs(quiet[:, 1] - quiet[:, 0]), quiet[:, 1] + quiet[:, 0]
    seen = pair[pair > 0]
    threshold = float(np.percentile(seen if len(seen) else counts[counts > 0], 5))
    factor = float(np.nan_to_num(_medians((step / np.sqrt(total)).reshape(1, -1))[0])) / 0.6745
    return Scatter(factor, _floor(counts), threshold)


def _floor(counts: Counts) -> Counts:
    """(ions, stretches) float32; of every fourth pair of scans, which suffices."""
    floors = []
    for first in range(0, counts.shape[1], STRETCH):
        part = counts[:, max(0, min(first, counts.shape[1] - STRETCH)) : first + STRETCH]
        step = np.abs(part[:, 1::4] - part[:, 0:-1:4])
        rank = step.shape[1] // 4
        floors.append(np.partition(step, rank, axis=1)[:, rank])
    return np.asarray(np.stack(floors, axis=1) / (0.3186 * np.sqrt(2)), np.float32)


def _medians(values: Counts) -> Counts:
    """(rows,) median of what is a number in each row, NaN where nothing is."""
    ordered = np.sort(values, axis=1)  # NaN last
    count, row = np.isfinite(ordered).sum(axis=1), np.arange(len(values))
    return np.asarray((ordered[row, np.maximum(count - 1, 0) // 2] + ordered[row, count // 2]) / 2)


def at_limit(counts: Counts) -> NDArray[np.bool_]:
    """(ions, scans) bool: where an ion stands at the limit of the detector.

    That is within 1 − `CEILING` of the greatest count of the run for `FLAT` scans or more, and longer than
    a peak of its width does: a Gaussian stays so near its top for a twelfth of its width at half height.

    Parameters
    ----------
    counts : (ions, scans) float32, as recorded.
    """
    near = counts >= CEILING * counts.max(initial=1.0)
    limited = np.zeros(counts.shape, np.bool_)
    for ion in np.flatnonzero(near.sum(axis=1) >= FLAT):
        peaks = _stretches(counts[ion] >= counts[ion].max() / 2)
        for first, stop in _stretches(near[ion]):
            begin, end = peaks[np.searchsorted(peaks[:, 0], first, "right") - 1]
            limited[ion, first:stop] = stop - first >= max(FLAT, (end - begin) / 6)
    return limited


def _stretches(true: NDArray[np.bool_]) -> Ints:
    """(n, 2) int64: first index of every stretch of true values and the one after its last."""
    return np.flatnonzero(np.diff(true.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)


def without_skew(counts: Counts, late: Floats) -> Counts:
    """Move every ion chromatogram by a fraction of a scan.

    Cubic (Catmull–Rom) interpolation between scans, cut at zero.

    Parameters
    ----------
    counts : (ions, scans) float32.
    late : (ions,) float64, scans by which the ion comes late, −1 … 1.
    """
    whole = np.floor(late).astype(int)
    f = (late - whole).astype(np.float32)
    taps = (
        (-f + 2 * f**2 - f**3) / 2,
        (2 - 5 * f**2 + 3 * f**3) / 2,
        (f + 4 * f**2 - 3 * f**3) / 2,
        (-(f**2) + f**3) / 2,
    )
    moved = np.empty_like(counts)
    for shift in np.unique(whole):
        rows = np.flatnonzero(whole == shift)
        moved[rows] = _filtered(counts[rows], int(shift), [tap[rows, None] for tap in taps])
    return moved


def _filtered(counts: Counts, shift: int, taps: Sequence[Counts]) -> Counts:
    """Σ taps[k] · counts[scan + shift + k − 1], cut at zero."""
    padded, scans = np.pad(counts, ((0, 0), (2, 3)), mode="edge"), counts.shape[1]
    total, part = np.zeros_like(counts), np.empty_like(counts)
    for k, tap in enumerate(taps, start=1 + shift):
        total += np.multiply(tap, padded[:, k : k + scans], out=part)
    return np.maximum(total, 0.0, out=total)
