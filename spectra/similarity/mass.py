"""Unit-mass spectra of electron ionisation: whole masses, intensities 0..999, alone or in tables.

Promises: the same ions give the same unit spectrum whatever their order and unit of intensity; a spectrum
knows where its scan started, so that what lies below is unknown and not absent.
Refuses: accurate mass. Ions above `HIGHEST_MASS` are not part of a unit-mass spectrum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectra.errors import InvalidMeasurement
from spectra.model import Floats, Ints
from spectra.nominal import nominal_mass

FULL_SCALE = 999
HIGHEST_MASS = 4000
NOISE_FLOOR = 2  # an ion of 1 in 999 counts neither as present nor as missing

Whole = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class UnitSpectrum:
    """One spectrum on whole masses.

    Parameters
    ----------
    mass : (n,) int32, ascending, 1..HIGHEST_MASS.
    intensity : (n,) int32, 1..999, base peak 999.
    start : mass at which the scan starts; the first ion where the scan start is not known.
    floor : (HIGHEST_MASS + 1,) float64 ≥ 0, on the scale of ``intensity``: by how much an ion there may
        be wrong, so that a weaker one is unknown and not absent; None where every ion is as measured.
    """

    mass: Whole
    intensity: Whole
    start: int
    floor: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class UnitTable:
    """Many unit-mass spectra in compressed sparse rows; arrays may be memory-mapped.

    Parameters
    ----------
    offset : (rows + 1,) int64; row r owns ions ``offset[r]:offset[r + 1]``.
    mass, intensity : (ions,) int32, as in `UnitSpectrum`.
    start : (rows,) int32, mass at which the comparison with this row starts.
    floor : (rows,) int32 ≥ 2. A query ion that the row lacks counts as missing from this intensity on:
        2 for a full spectrum, the weakest listed ion where the row lists principal ions only.
    """

    offset: Ints
    mass: Whole
    intensity: Whole
    start: Whole
    floor: Whole

    def __len__(self) -> int:
        return len(self.start)

    def row(self, row: int) -> UnitSpectrum:
        """Row number ``row`` as a spectrum."""
        ions = slice(int(self.offset[row]), int(self.offset[row + 1]))
        return UnitSpectrum(self.mass[ions], self.intensity[ions], int(self.start[row]))


def unit_mass(mz: ArrayLike, intensity: ArrayLike, *, mz_low: float | None = None) -> UnitSpectrum:
    """Bin ions to whole masses: m = ⌈m/z − 0.649⌉, intensities summed, scaled to 999, zeros dropped.

    Parameters
    ----------
    mz : (n,) m/z in Th, any order.
    intensity : (n,) ≥ 0, any unit.
    mz_low : where the scan starts, in Th, if that is known.

    Raises
    ------
    InvalidMeasurement : lengths differ, or a value is not finite or negative.

    The boundary 0.649 is the one AMDIS uses (Khrisanfov & Samokhin 2022, doi 10.1002/rcm.9294).
    """
    m, i = np.asarray(mz, np.float64), np.asarray(intensity, np.float64)
    table = unit_table(
        np.array([0, len(m)]), m, i, mz_low=np.array([np.nan if mz_low is None else mz_low], np.float64)
    )
    return table.row(0)


def unit_table(
    offset: ArrayLike,
    mz: ArrayLike,
    intensity: ArrayLike,
    *,
    mz_low: ArrayLike | None = None,
    partial: ArrayLike | None = None,
) -> UnitTable:
    """Bin many spectra at once, as `unit_mass` does one.

    Parameters
    ----------
    offset : (rows + 1,) compressed sparse rows over the next two.
    mz, intensity : (ions,) as for `unit_mass`.
    mz_low : (rows,) scan start in Th, NaN where unknown; the first ion is then taken for it.
    partial : (rows,) bool, true where only principal ions are listed.

    Raises
    ------
    InvalidMeasurement : lengths differ, or a value is not finite or negative.
    """
    bounds, m, i = np.asarray(offset, np.int64), np.asarray(mz, np.float64), np.asarray(intensity, np.float64)
    _check(bounds, m, i)
    rows = len(bounds) - 1
    owner, mass, summed = _binned(np.repeat(np.arange(rows), np.diff(bounds)), m, i)
    scaled = _full_scale(owner, summed, rows)
    keep = scaled > 0
    owner, mass, scaled = owner[keep], mass[keep], scaled[keep]
    table_offset = np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=rows)))).astype(np.int64)
    low = np.full(rows, np.nan) if mz_low is None else np.asarray(mz_low, np.float64)
    listed = np.zeros(rows, bool) if partial is None else np.asarray(partial, bool)
    start = _starts(table_offset, mass, low)
    return UnitTable(table_offset, mass, scaled, start, _floors(table_offset, scaled, listed))


def _binned(owner: Ints, mz: Floats, intensity: Floats) -> tuple[Ints, Whole, Floats]:
    """Ions summed per row and whole mass, in order of row and mass; beyond the axis they are left out."""
    mass = nominal_mass(mz)
    inside = (mass >= 1) & (mass <= HIGHEST_MASS)
    key = owner[inside] * (HIGHEST_MASS + 1) + mass[inside]
    if (key[1:] < key[:-1]).any():
        unique, where = np.unique(key, return_inverse=True)
    else:  # as files mostly list them: no need to sort
        first = np.diff(key, prepend=-1) > 0
        unique, where = key[first], np.cumsum(first) - 1
    summed = np.bincount(where, weights=intensity[inside], minlength=len(unique)).astype(np.float64)
    return unique // (HIGHEST_MASS + 1), (unique % (HIGHEST_MASS + 1)).astype(np.int32), summed


def _full_scale(owner: Ints, summed: Floats, rows: int) -> Whole:
    base = np.zeros(rows)
    np.maximum.at(base, owner, summed)
    base = base[owner]
    share = np.divide(summed, base, out=np.zeros(len(summed)), where=base > 0)
    return np.floor(FULL_SCALE * share + 0.5).astype(np.int32)


def _starts(offset: Ints, mass: Whole, mz_low: Floats) -> Whole:
    """The known scan start, else the first ion, else 1."""
    rows = len(offset) - 1
    first = np.ones(rows, np.int32)
    filled = offset[1:] > offset[:-1]
    first[filled] = mass[offset[:-1][filled]]
    known = np.isfinite(mz_low)
    low = np.clip(nominal_mass(np.where(known, mz_low, 1.0)), 1, HIGHEST_MASS).astype(np.int32)
    return np.where(known, low, first).astype(np.int32)


def _floors(offset: Ints, intensity: Whole, partial: NDArray[np.bool_]) -> Whole:
    """Weakest listed ion of a list of principal ions, its heaviest ion left out.

    The molecular ion is listed however weak it is; what is weaker than the other ions stays unknown.
    """
    rows = len(offset) - 1
    owner = np.repeat(np.arange(rows), np.diff(offset))
    lighter = np.append(owner[1:] == owner[:-1], False) if len(owner) else np.empty(0, bool)
    weakest = np.full(rows, FULL_SCALE, np.int32)
    np.minimum.at(weakest, owner[lighter], intensity[lighter])
    return np.where(partial, np.maximum(weakest, NOISE_FLOOR), NOISE_FLOOR).astype(np.int32)


def _check(offset: Ints, mz: Floats, intensity: Floats) -> None:
    if mz.ndim != 1 or mz.shape != intensity.shape or int(offset[-1]) != len(mz):
        raise InvalidMeasurement("m/z and intensity need the same length")
    if not (np.isfinite(mz).all() and np.isfinite(intensity).all()):
        raise InvalidMeasurement("m/z and intensity must be finite")
    if (mz < 0).any() or (intensity < 0).any():
        raise InvalidMeasurement("m/z and intensity must not be negative")
