"""Unit-mass comparison of electron-ionisation spectra, one query against many references at once.

Promises: every score is the value a literal loop over the ions would give, to floating-point rounding;
comparison starts at the larger of the two scan starts, so that an instrument started at m/z 40 is not
punished for what a library measured from m/z 29; the upper ends are not cut.
Refuses: accurate-mass comparison. Ions above `HIGHEST_MASS` are not part of a unit-mass spectrum.
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
    """

    mass: Whole
    intensity: Whole
    start: int


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


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Scores of one query against rows of a table, one entry per row asked for.

    Parameters
    ----------
    match_factor, reverse_match_factor : (rows,) float64, 0..999.5.
    cosine : (rows,) float64, 0..1, of weights √(m·I); its square is the first term of the match factor.
    plain_cosine : (rows,) float64, 0..1, of intensities: strong ions decide, so it bears contamination.
    common : (rows,) int64, ions in both.
    """

    match_factor: Floats
    reverse_match_factor: Floats
    cosine: Floats
    plain_cosine: Floats
    common: Ints


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


def match_factors(query: UnitSpectrum, table: UnitTable, rows: Ints) -> Matches:
    """NIST "Identity" match factor and reverse match factor of a query with rows of a table.

    With u, l the intensities 0..999 at mass m, from m = max(start of query, start of row):

    - an ion in both counts if u > 1 or l > 1; an ion in one only counts if it exceeds 1 (in the query: if
      it reaches the row's ``floor``);
    - term 1 = (Σ m√(u·l))² / (Σ m·u · Σ m·l);
    - two common ions are neighbours if no counted ion of either spectrum lies between them; with
      x = √(u·l_before), y = √(u_before·l), term 2 = Σ m·min(x, y)/max(x, y) / Σ m over neighbours;
    - MF = 1000 (n₁·term 1 + n₂·term 2)/(n₁ + n₂) − 0.5, n₁ common ions, n₂ neighbour pairs; 0 at least;
    - the reverse match factor leaves ions of the query alone out of Σ m·u.

    Source: the algorithm as published by Samokhin, JASMS 2024, doi 10.1021/jasms.4c00350. Rows listing
    principal ions only, and their ``floor``, are ours: an ion weaker than any listed one is unknown there.

    Parameters
    ----------
    rows : (k,) int64 row numbers, any order, repeats allowed.

    Returns
    -------
    `Matches` of k entries in the order of ``rows``; 0 where nothing is in common.
    """
    chosen = np.asarray(rows, np.int64)
    shared = _pair_up(query, table, chosen)
    missing = _missing(query, table.floor[chosen], shared)
    m, u, l, n = shared.mass.astype(np.float64), shared.u, shared.l, len(chosen)  # noqa: E741
    n1 = np.bincount(shared.owner[u > 0], minlength=n)
    n2, term2 = _neighbours(shared, missing)
    common = _sum(shared.owner, m * np.sqrt(u * l), n) ** 2
    reverse_uu, sum_ll = _sum(shared.owner, m * u, n), _sum(shared.owner, m * l, n)
    forward = _share(common, (reverse_uu + missing.weighted) * sum_ll)
    reverse = _share(common, reverse_uu * sum_ll)
    plain = _share(
        _sum(shared.owner, u * l, n) ** 2,
        (_sum(shared.owner, u**2, n) + missing.squared) * _sum(shared.owner, l**2, n),
    )
    return Matches(
        match_factor=_composite(forward, term2, n1, n2),
        reverse_match_factor=_composite(reverse, term2, n1, n2),
        cosine=np.sqrt(forward),
        plain_cosine=np.sqrt(plain),
        common=n1,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Shared:
    """The counted ions of the rows compared, flat in order of row and mass, with the query's beside them."""

    begin: Ints  # (rows,) where the comparison starts
    owner: Ints  # (ions,) position in rows
    mass: Ints
    u: Floats  # 0 where the query has none
    l: Floats  # noqa: E741 - the letter of the formula


@dataclass(frozen=True, slots=True, eq=False)
class _Missing:
    """Ions of the query that rows should show and do not."""

    weighted: Floats  # (rows,) sum of m·u
    squared: Floats  # (rows,) sum of u²
    level: Ints  # (rows,) line of ``below`` that holds for a row
    below: Floats  # (levels, HIGHEST_MASS + 1) number of counted query ions up to a mass


def _pair_up(query: UnitSpectrum, table: UnitTable, rows: Ints) -> _Shared:
    begin = np.maximum(table.start[rows].astype(np.int64), query.start)
    counts = table.offset[rows + 1] - table.offset[rows]
    ends = np.cumsum(counts)
    owner = np.repeat(np.arange(len(rows)), counts)
    ions = np.arange(len(owner)) + np.repeat(table.offset[rows] - (ends - counts), counts)
    mass, intensity = table.mass[ions], table.intensity[ions]
    dense = np.zeros(HIGHEST_MASS + 1, np.int32)
    dense[query.mass] = query.intensity
    u = dense[mass]
    counted = np.flatnonzero((mass >= begin[owner]) & ((u >= NOISE_FLOOR) | (intensity >= NOISE_FLOOR)))
    return _Shared(
        begin=begin,
        owner=owner[counted],
        mass=mass[counted].astype(np.int64),
        u=u[counted].astype(np.float64),
        l=intensity[counted].astype(np.float64),
    )


def _missing(query: UnitSpectrum, floor: Whole, shared: _Shared) -> _Missing:
    levels, level = np.unique(floor, return_inverse=True)
    mass, u = query.mass.astype(np.float64), query.intensity.astype(np.float64)
    strong = np.where(shared.u >= floor[shared.owner], shared.u, 0.0)
    rows, before = len(floor), shared.begin - 1

    def rest(weight: Floats, found: Floats) -> Floats:
        below = _cumulated(query, levels, weight)
        total = below[level, -1] - below[level, before]
        return np.asarray(np.maximum(total - _sum(shared.owner, found, rows), 0.0), np.float64)

    return _Missing(
        weighted=rest(mass * u, strong * shared.mass),
        squared=rest(u**2, strong**2),
        level=level,
        below=_cumulated(query, levels, np.ones(len(mass))),
    )


def _neighbours(shared: _Shared, missing: _Missing) -> tuple[Ints, Floats]:
    """Number of neighbour pairs per row and term 2 (0 where there is none)."""
    common = shared.u > 0
    linked = common[:-1] & common[1:] & (shared.owner[:-1] == shared.owner[1:])
    before = np.flatnonzero(linked)
    level = missing.level[shared.owner[before]]
    between = missing.below[level, shared.mass[before + 1] - 1] - missing.below[level, shared.mass[before]]
    before = before[between == 0]
    here, owner, rows = before + 1, shared.owner[before], len(shared.begin)
    x = shared.u[here] * shared.l[before]
    y = shared.u[before] * shared.l[here]
    mass = shared.mass[here].astype(np.float64)
    agreement = _sum(owner, mass * np.sqrt(np.minimum(x, y) / np.maximum(x, y)), rows)
    return np.bincount(owner, minlength=rows), _share(agreement, _sum(owner, mass, rows))


def _cumulated(query: UnitSpectrum, levels: Whole, weight: Floats) -> Floats:
    """(levels, HIGHEST_MASS + 1): sum of ``weight`` up to each mass over ions that reach a level."""
    dense = np.zeros((len(levels), HIGHEST_MASS + 1))
    dense[:, query.mass] = np.where(query.intensity >= levels[:, None], weight, 0.0)
    return np.asarray(np.cumsum(dense, axis=1), np.float64)


def _composite(term1: Floats, term2: Floats, n1: Ints, n2: Ints) -> Floats:
    return np.maximum(1000 * _share(term1 * n1 + term2 * n2, (n1 + n2).astype(np.float64)) - 0.5, 0.0)


def _sum(owner: Ints, values: Floats, rows: int) -> Floats:
    return np.asarray(np.bincount(owner, weights=values, minlength=rows), np.float64)


def _share(part: Floats, whole: Floats) -> Floats:
    """part / whole, 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole > 0)


def _binned(owner: Ints, mz: Floats, intensity: Floats) -> tuple[Ints, Whole, Floats]:
    """Ions summed per row and whole mass, in order of row and mass; beyond the axis they are left out."""
    mass = nominal_mass(mz)
    inside = (mass >= 1) & (mass <= HIGHEST_MASS)
    key = owner[inside] * (HIGHEST_MASS + 1) + mass[inside]
    unique, where = np.unique(key, return_inverse=True)
    summed = _sum(where, intensity[inside], len(unique))
    return unique // (HIGHEST_MASS + 1), (unique % (HIGHEST_MASS + 1)).astype(np.int32), summed


def _full_scale(owner: Ints, summed: Floats, rows: int) -> Whole:
    base = np.zeros(rows)
    np.maximum.at(base, owner, summed)
    return np.floor(FULL_SCALE * _share(summed, base[owner]) + 0.5).astype(np.int32)


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
