"""Product-ion spectra made comparable: noise and precursor removed, neighbouring peaks merged, sum 1.

Promises: one spectrum and a million give the same ions; ions end more than ``gap`` apart, so that with a
tolerance below half of it an ion matches one ion at most; the steps and their order are those of Li et al.
2021, doi 10.1038/s41592-021-01331-z, so that scores can be compared with published ones.
Refuses: values that are not finite or negative. What is left may be empty: then nothing was measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectra.errors import InvalidMeasurement
from spectra.model import Floats, Ints, MassSpectrum

BELOW_PRECURSOR = 1.6  # Th; what lies above is the precursor and its isotopes
FLOOR = 0.01
GAP = 0.05  # Th

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class CleanSpectra:
    """Many cleaned spectra in compressed sparse rows.

    Parameters
    ----------
    offset : (rows + 1,) int64; row r owns ions ``offset[r]:offset[r + 1]``, none where nothing was left.
    mz : (ions,) float64, Th, ascending within a row and more than the gap apart.
    intensity : (ions,) float64 > 0, sum 1 within a row.
    """

    offset: Ints
    mz: Floats
    intensity: Floats

    def __len__(self) -> int:
        return len(self.offset) - 1

    def row(self, row: int) -> MassSpectrum:
        """Row number ``row`` as a spectrum."""
        ions = slice(int(self.offset[row]), int(self.offset[row + 1]))
        return MassSpectrum(self.mz[ions], self.intensity[ions])


def clean_spectrum(
    mz: ArrayLike,
    intensity: ArrayLike,
    precursor_mz: float | None = None,
    *,
    below_precursor: float | None = BELOW_PRECURSOR,
    floor: float = FLOOR,
    gap: float = GAP,
) -> MassSpectrum:
    """One spectrum, cleaned as `clean_spectra` does."""
    m, i = np.asarray(mz, np.float64), np.asarray(intensity, np.float64)
    known = np.array([np.nan if precursor_mz is None else precursor_mz])
    table = clean_spectra(
        np.array([0, len(m)]), m, i, known, below_precursor=below_precursor, floor=floor, gap=gap
    )
    return table.row(0)


def clean_spectra(
    offset: ArrayLike,
    mz: ArrayLike,
    intensity: ArrayLike,
    precursor_mz: ArrayLike | None = None,
    *,
    below_precursor: float | None = BELOW_PRECURSOR,
    floor: float = FLOOR,
    gap: float = GAP,
) -> CleanSpectra:
    """Remove, merge, cut and scale the ions of many spectra.

    1. Ions of m/z or intensity 0, and those above precursor − ``below_precursor``, are dropped.
    2. From the strongest ion down (the heavier of equals first), each takes what lies within ``gap`` of it
       and is not taken yet; intensities add, the m/z becomes their mean weighted by intensity. Repeated
       until all ions are more than ``gap`` apart.
    3. Ions below ``floor`` of the strongest are dropped, the others scaled to sum 1.

    Parameters
    ----------
    offset : (rows + 1,) compressed sparse rows over the next two.
    mz, intensity : (ions,) Th and any unit ≥ 0, any order within a row.
    precursor_mz : (rows,) Th; nothing is removed above a precursor that is NaN or 0.
    below_precursor : Th; None keeps all ions, as for spectra of no isolated precursor.
    floor : 0..1 of the base peak.
    gap : Th ≥ 0; more than twice the tolerance of later comparisons.

    Raises
    ------
    InvalidMeasurement : lengths differ, or a value is not finite or negative.
    """
    bounds, m, i = np.asarray(offset, np.int64), np.asarray(mz, np.float64), np.asarray(intensity, np.float64)
    _check(bounds, m, i)
    rows = len(bounds) - 1
    owner = np.repeat(np.arange(rows, dtype=np.int32), np.diff(bounds))
    keep = (m > 0) & (i > 0)
    if precursor_mz is not None and below_precursor is not None:
        keep &= m <= _highest(np.asarray(precursor_mz, np.float64), below_precursor)[owner]
    owner, m, i = _ascending(owner[keep], m[keep], i[keep])
    owner, m, i = _apart(owner, m, i, gap)
    return _scaled(owner, m, i, rows, floor)


def _highest(precursor: Floats, below: float) -> Floats:
    """(rows,): where the spectrum ends; a precursor that leaves nothing is taken for unknown."""
    return np.where(precursor > below, precursor - below, np.inf)


def _ascending(owner: NDArray[np.int32], mz: Floats, intensity: Floats) -> _Ions:
    inside = owner[1:] == owner[:-1]
    if not (inside & (mz[1:] < mz[:-1])).any():
        return owner, mz, intensity
    order = np.lexsort((mz, owner))
    return owner[order], mz[order], intensity[order]


_Ions = tuple[NDArray[np.int32], Floats, Floats]


def _apart(owner: NDArray[np.int32], mz: Floats, intensity: Floats, gap: float) -> _Ions:
    """Merge until no two ions of a spectrum lie within ``gap``."""
    while True:
        linked = (owner[1:] == owner[:-1]) & (mz[1:] - mz[:-1] <= gap)
        if not linked.any():
            return owner, mz, intensity
        owner, mz, intensity = _merged(linked, owner, mz, intensity, gap)


def _merged(linked: Flags, owner: NDArray[np.int32], mz: Floats, intensity: Floats, gap: float) -> _Ions:
    """One round: the ions of each chain of near neighbours gathered by their strongest."""
    crowded = np.append(linked, False) | np.append(False, linked)
    place = np.flatnonzero(crowded)
    near_mz, near_i = mz[place], intensity[place]
    begins = np.flatnonzero(np.append(True, ~linked[place[1:] - 1]))
    seed = _seeds(begins, near_mz, near_i, gap)
    group = _nearest_taker(begins, seed, near_mz, near_i, gap)
    takers = np.flatnonzero(seed)
    total = np.bincount(group, weights=near_i, minlength=len(takers))
    weighed = np.bincount(group, weights=near_i * near_mz, minlength=len(takers))
    mz, intensity = mz.copy(), intensity.copy()
    mz[place[takers]], intensity[place[takers]] = weighed / total, total
    crowded[place[takers]] = False
    return owner[~crowded], mz[~crowded], intensity[~crowded]


def _seeds(begins: Ints, mz: Floats, intensity: Floats, gap: float) -> Flags:
    """Which ions take others: the strongest of a short chain; along a longer one, from the strongest down."""
    ends = np.append(begins[1:], len(mz))
    seed = np.zeros(len(mz), bool)
    seed[_strongest(begins, ends, intensity)] = True
    for chain in np.flatnonzero(mz[ends - 1] - mz[begins] > gap):
        ions = slice(begins[chain], ends[chain])
        seed[ions] = _takers(mz[ions], intensity[ions], gap)
    return seed


def _strongest(begins: Ints, ends: Ints, intensity: Floats) -> Ints:
    """The strongest ion of each chain, the last of equals."""
    most = np.repeat(np.maximum.reduceat(intensity, begins), ends - begins)
    places = np.where(intensity == most, np.arange(len(intensity)), -1)
    return np.asarray(np.maximum.reduceat(places, begins), np.int64)


def _takers(mz: Floats, intensity: Floats, gap: float) -> list[bool]:
    """From the strongest ion down; each place is walked over once, so a million ions take a second."""
    values, count = mz.tolist(), len(mz)
    taken, takes = [False] * count, [False] * count
    for k in np.argsort(intensity, kind="stable")[::-1].tolist():
        if taken[k]:
            continue
        takes[k] = taken[k] = True
        left, right = k - 1, k + 1
        while left >= 0 and not taken[left] and values[k] - values[left] <= gap:
            taken[left] = True
            left -= 1
        while right < count and not taken[right] and values[right] - values[k] <= gap:
            taken[right] = True
            right += 1
    return takes


def _nearest_taker(begins: Ints, seed: Flags, mz: Floats, intensity: Floats, gap: float) -> Ints:
    """(ions,): number of the taker of each ion: the stronger of those on its two sides that reach it."""
    takers = np.flatnonzero(seed)
    chain = np.zeros(len(mz), np.int64)
    chain[begins] = 1
    chain = np.cumsum(chain)
    before = np.maximum(np.cumsum(seed) - 1, 0)
    after = np.minimum(before + 1, len(takers) - 1)

    def pull(side: Ints) -> Floats:
        at = takers[side]
        reaches = (chain[at] == chain) & (np.abs(mz[at] - mz) <= gap)
        return np.where(reaches, intensity[at], -1.0)

    return np.asarray(np.where(~seed & (pull(after) >= pull(before)), after, before), np.int64)


def _scaled(owner: NDArray[np.int32], mz: Floats, intensity: Floats, rows: int, floor: float) -> CleanSpectra:
    base = _per_row(np.maximum, owner, intensity, rows)
    keep = intensity >= floor * base[owner]
    owner, mz, intensity = owner[keep], mz[keep], intensity[keep]
    total = _per_row(np.add, owner, intensity, rows)
    offset = np.zeros(rows + 1, np.int64)
    np.cumsum(np.bincount(owner, minlength=rows), out=offset[1:])
    return CleanSpectra(offset, mz, intensity / total[owner])


def _per_row(reduce: np.ufunc, owner: NDArray[np.int32], values: Floats, rows: int) -> Floats:
    """(rows,): ``reduce`` over the ions of each row, 0 for a row without ions."""
    result = np.zeros(rows)
    if len(owner):
        begins = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
        result[owner[begins]] = reduce.reduceat(values, begins)
    return result


def _check(offset: Ints, mz: Floats, intensity: Floats) -> None:
    if mz.ndim != 1 or mz.shape != intensity.shape or int(offset[-1]) != len(mz):
        raise InvalidMeasurement("m/z and intensity need the same length")
    if not (np.isfinite(mz).all() and np.isfinite(intensity).all()):
        raise InvalidMeasurement("m/z and intensity must be finite")
    if (mz < 0).any() or (intensity < 0).any():
        raise InvalidMeasurement("m/z and intensity must not be negative")
