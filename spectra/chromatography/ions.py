"""A run as a table of ion chromatograms: one row per scan, one column per nominal mass.

Quadrupole GC-MS files write masses to one decimal and a different list of masses in every scan; everything
after this module works on the dense table, so that all ions are treated at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spectra.errors import InvalidMeasurement
from spectra.model import Floats, ScanTable
from spectra.nominal import nominal_mass

LARGEST_MASS = 2000  # beyond any compound that passes a gas chromatograph
PAIRS = 1000  # of neighbouring scans: enough for a median


@dataclass(frozen=True, slots=True, eq=False)
class IonTable:
    """Ion chromatograms of a run.

    Parameters
    ----------
    mass : (ions,) float64, nominal masses, ascending.
    rt_s : (scans,) float64, s.
    counts : (scans, ions) float64, ≥ 0; 0 where nothing was recorded.
    """

    mass: Floats
    rt_s: Floats
    counts: Floats

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
    nominal = nominal_mass(scans.mz)
    rows = np.repeat(np.arange(len(scans)), np.diff(scans.offset))
    keep = (nominal > 0) & (nominal <= LARGEST_MASS) & (scans.intensity > 0)
    if not keep.any():
        raise InvalidMeasurement("no ion with an intensity was recorded")
    first, last = int(nominal[keep].min()), int(nominal[keep].max())
    width = last - first + 1
    flat = rows[keep] * width + (nominal[keep] - first)
    counts = np.bincount(flat, weights=scans.intensity[keep], minlength=len(scans) * width)
    used = counts.reshape(len(scans), width)
    present = used.any(axis=0)
    return IonTable(
        np.arange(first, last + 1, dtype=np.float64)[present],
        scans.rt_s,
        np.ascontiguousarray(used[:, present]),
    )


def background(counts: Floats, window: int) -> Floats:
    """Slowly varying part of every ion chromatogram: column bleed, air, solvent tail.

    A morphological opening (running minimum, then running maximum) of ``window`` scans follows the signal
    from below and cannot rise into a peak narrower than the window; a running mean smooths its steps.

    Parameters
    ----------
    counts : (scans, ions) float64.
    window : scans, larger than any peak at its base.

    Returns
    -------
    (scans, ions) float64, ≤ ``counts`` smoothed over the window.
    """
    size = max(3, window)
    lightly = ndimage.uniform_filter1d(counts, 3, axis=0, mode="nearest")
    opened = ndimage.maximum_filter1d(
        ndimage.minimum_filter1d(lightly, size, axis=0, mode="nearest"), size, axis=0, mode="nearest"
    )
    return np.asarray(ndimage.uniform_filter1d(opened, size, axis=0, mode="nearest"))


@dataclass(frozen=True, slots=True, eq=False)
class Scatter:
    """How far counts stray from their mean, see `scatter`.

    Parameters
    ----------
    factor : counts^½, scatter in units of √counts where ions are counted.
    floor : (ions,) float64, counts, scatter of the quiet baseline of each ion.
    threshold : counts below which the instrument wrote nothing.
    """

    factor: float
    floor: Floats
    threshold: float

    def at(self, level: Floats) -> Floats:
        """Expected scatter, counts, (scans, ions) float64, where the counts lie around ``level``."""
        counting = self.factor * np.sqrt(np.maximum(level, self.threshold))
        return np.asarray(np.maximum(counting, self.floor) + self.threshold / 2)


def scatter(counts: Floats) -> Scatter:
    """Measure the scatter of a run from neighbouring points of the same ion.

    Ion counting gives a scatter proportional to the root of the signal: the factor is the median of
    ``|x[i+1] − x[i]| / √(x[i+1] + x[i])``, divided by 0.6745, the median of |N(0, 1)|; the floor of an ion is
    the median of ``|x[i+1] − x[i]|``, divided by 0.6745·√2. Points above three times the median of their ion
    are left out: the flank of a narrow peak is a change, not scatter. An ion with fewer than 10 pairs has no
    floor of its own. Of a long run about `PAIRS` pairs, spread over it, are looked at. After the noise factor
    of Stein, J. Am. Soc. Mass Spectrom. 10 (1999) 770.

    Parameters
    ----------
    counts : (scans, ions) float64, ≥ 0, at least one > 0.
    """
    first = np.arange(0, len(counts) - 1, max(1, len(counts) // PAIRS))
    pair = np.stack([counts[first], counts[first + 1]])
    written = np.where(pair > 0, pair, np.nan)
    seen = (pair > 0).any(axis=(0, 1))
    usual = np.zeros(counts.shape[1])
    usual[seen] = np.nanmedian(written[:, :, seen], axis=(0, 1))
    quiet = np.where(pair <= 3 * usual, written, np.nan)
    step, total = np.abs(quiet[1] - quiet[0]), quiet[1] + quiet[0]
    pairs = np.isfinite(step).sum(axis=0)
    threshold = float(np.percentile(pair[pair > 0] if seen.any() else counts[counts > 0], 5))
    if not pairs.any():
        return Scatter(0.0, np.zeros(counts.shape[1]), threshold)
    factor = float(np.nanmedian(step / np.sqrt(total))) / 0.6745
    floor = np.zeros(counts.shape[1])
    floor[pairs >= 10] = np.nanmedian(step[:, pairs >= 10], axis=0) / (0.6745 * np.sqrt(2))
    return Scatter(factor, floor, threshold)


def without_skew(counts: Floats, shift: Floats) -> Floats:
    """Move every ion chromatogram by a fraction of a scan.

    Cubic (Catmull–Rom) interpolation between scans, cut at zero.

    Parameters
    ----------
    counts : (scans, ions) float64.
    shift : (ions,) float64, scans by which the ion comes late, −1 … 1.
    """
    whole = np.floor(shift).astype(int)
    f = shift - whole
    taps = (
        (-f + 2 * f**2 - f**3) / 2,
        (2 - 5 * f**2 + 3 * f**3) / 2,
        (f + 4 * f**2 - 3 * f**3) / 2,
        (-(f**2) + f**3) / 2,
    )
    rows = np.arange(len(counts))[:, None]
    columns = np.arange(counts.shape[1])
    moved = np.zeros_like(counts)
    for k, tap in enumerate(taps):
        moved += tap * counts[np.clip(rows + whole + k - 1, 0, len(counts) - 1), columns]
    return np.maximum(moved, 0.0)
