"""Match factor of electron-ionisation spectra, one query against many rows of a table at once.

Promises: every score is the value a literal loop over the ions would give, to floating-point rounding;
comparison starts at the larger of the two scan starts, so that an instrument started at m/z 40 is not
punished for what a library measured from m/z 29; the upper ends are not cut; what the query could not have
shown above its own ``floor`` is not missing from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectra.model import Floats, Ints
from spectra.similarity.mass import HIGHEST_MASS, NOISE_FLOOR, UnitSpectrum, UnitTable, Whole

SURELY = 2.0  # times the error of an ion: it would have come out above that error
TOGETHER = 256  # rows worked on at once: what stays in the cache, and in memory that is not given back


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

    def of(self, rows: Ints) -> Matches:
        """Those of some of the rows, by position."""
        return Matches(*(getattr(self, name)[rows] for name in Matches.__slots__))


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
    if query.floor is not None:
        table, chosen = visible(query, table, chosen), np.arange(len(chosen))
    if len(chosen) <= TOGETHER:
        return _match_factors(query, table, chosen)
    blocks = [
        _match_factors(query, table, chosen[first : first + TOGETHER])
        for first in range(0, len(chosen), TOGETHER)
    ]
    return joined(blocks)


def joined(parts: Sequence[Matches]) -> Matches:
    """The matches of several parts, one after the other."""
    return Matches(*(np.concatenate([getattr(one, name) for one in parts]) for name in Matches.__slots__))


def _match_factors(query: UnitSpectrum, table: UnitTable, chosen: Ints) -> Matches:
    shared = _shared(query, table, chosen)
    missing = _missing(query, table.floor[chosen], shared)
    m, u, l, n = shared.mass, shared.u, shared.l, len(chosen)  # noqa: E741
    n1 = np.bincount(shared.owner, minlength=n)
    n2, term2 = _neighbours(shared, missing)
    common = summed(shared.owner, m * np.sqrt(u * l), n) ** 2
    reverse_uu = summed(shared.owner, m * u, n)
    forward = share(common, (reverse_uu + missing.weighted) * shared.weighted)
    reverse = share(common, reverse_uu * shared.weighted)
    squared = (summed(shared.owner, u * u, n) + missing.squared) * shared.squared
    plain = share(summed(shared.owner, u * l, n) ** 2, squared)
    return Matches(
        match_factor=composite(forward, term2, n1, n2),
        reverse_match_factor=composite(reverse, term2, n1, n2),
        cosine=np.sqrt(forward),
        plain_cosine=np.sqrt(plain),
        common=n1,
    )


def composite(term1: Floats, term2: Floats, n1: ArrayLike, n2: ArrayLike) -> Floats:
    """The match factor of its two terms and their numbers of ions and pairs: any shape, 0..999.5."""
    ions, pairs = np.asarray(n1, np.float64), np.asarray(n2, np.float64)
    return np.maximum(1000 * share(term1 * ions + term2 * pairs, ions + pairs) - 0.5, 0.0)


def share(part: Floats, whole: Floats) -> Floats:
    """part / whole, 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole > 0)


def flat_ions(table: UnitTable, rows: Ints) -> tuple[Ints, Ints]:
    """Of the ions of ``rows`` one after the other: position of their row in ``rows``, and in the table."""
    first, counts = table.offset[rows], table.offset[rows + 1] - table.offset[rows]
    begin = np.cumsum(counts) - counts
    owner = np.repeat(np.arange(len(rows)), counts)
    return owner, np.arange(len(owner)) + np.repeat(first - begin, counts)


def visible(query: UnitSpectrum, table: UnitTable, rows: Ints) -> UnitTable:
    """The rows without the ions that the query would not show even if it were of their substance.

    An ion that the query lacks is left out where it would be less than `SURELY` times the query's ``floor``,
    the row being scaled to the query by the ions they share (s = Σ u·l / Σ l²). The same rows where the query
    has no floor.

    Parameters
    ----------
    rows : (k,) int64 row numbers of ``table``.
    """
    owner, ions = flat_ions(table, rows)
    mass, l = table.mass[ions], table.intensity[ions]  # noqa: E741 - the letter of the formula
    dense = np.zeros(HIGHEST_MASS + 1)
    dense[query.mass] = query.intensity
    floor = np.zeros(HIGHEST_MASS + 1) if query.floor is None else query.floor
    u = dense[mass]
    shared = np.where(u > 0, l, 0).astype(np.float64)
    scale = share(summed(owner, u * shared, len(rows)), summed(owner, shared**2, len(rows)))
    kept = (u > 0) | (l * scale[owner] >= SURELY * floor[mass])
    offset = np.append(0, np.cumsum(np.bincount(owner[kept], minlength=len(rows))))
    return UnitTable(offset, mass[kept], l[kept], table.start[rows], table.floor[rows])


@dataclass(frozen=True, slots=True, eq=False)
class _Shared:
    """The common ions of the rows compared, flat in order of row and mass, the query's beside them."""

    begin: Ints  # (rows,) where the comparison starts
    weighted: Floats  # (rows,) Σ m·l over counted ions of the row
    squared: Floats  # (rows,) Σ l²
    owner: Ints  # (ions,) position in rows
    number: Ints  # (ions,) place among all counted ions of the rows
    mass: Floats
    u: Floats
    l: Floats  # noqa: E741 - the letter of the formula
    place: Ints  # (ions,) position in the query


@dataclass(frozen=True, slots=True, eq=False)
class _Missing:
    """Ions of the query that rows should show and do not."""

    weighted: Floats  # (rows,) Σ m·u
    squared: Floats  # (rows,) Σ u²
    level: Ints  # (rows,) line of ``below`` that holds for a row
    below: Floats  # (levels, query ions + 1) number of counted query ions before each


def _shared(query: UnitSpectrum, table: UnitTable, rows: Ints) -> _Shared:
    begin = np.maximum(table.start[rows], query.start)
    owner, ions = flat_ions(table, rows)
    mass, l = table.mass[ions].astype(np.intp), table.intensity[ions]  # noqa: E741
    dense = np.zeros(HIGHEST_MASS + 1, np.int32)
    dense[query.mass] = query.intensity
    u = dense[mass]
    counted = (u | l) >= NOISE_FLOOR
    counted &= mass >= begin[owner]
    counted_l = (l * counted).astype(np.float64)
    common = np.flatnonzero(counted & (u > 0))
    place = np.zeros(HIGHEST_MASS + 1, np.int64)
    place[query.mass] = np.arange(len(query.mass))
    return _Shared(
        begin=begin.astype(np.int64),
        weighted=summed(owner, counted_l * mass, len(rows)),
        squared=summed(owner, counted_l * counted_l, len(rows)),
        owner=owner[common],
        number=np.cumsum(counted, dtype=np.int64)[common],
        mass=mass[common].astype(np.float64),
        u=u[common].astype(np.float64),
        l=counted_l[common],
        place=place[mass[common]],
    )


def _missing(query: UnitSpectrum, floor: Whole, shared: _Shared) -> _Missing:
    levels, level = np.unique(floor, return_inverse=True)
    counted = query.intensity >= levels[:, None]
    mass, u = query.mass.astype(np.float64), query.intensity.astype(np.float64)
    strong = np.where(shared.u >= floor[shared.owner], shared.u, 0.0)
    first = np.searchsorted(query.mass, shared.begin)

    def rest(weight: Floats, found: Floats) -> Floats:
        before = _cumulated(counted, weight)
        total = before[level, -1] - before[level, first]
        return np.asarray(np.maximum(total - summed(shared.owner, found, len(floor)), 0.0), np.float64)

    return _Missing(
        weighted=rest(mass * u, strong * shared.mass),
        squared=rest(u**2, strong**2),
        level=level,
        below=_cumulated(counted, np.ones(len(mass))),
    )


def _neighbours(shared: _Shared, missing: _Missing) -> tuple[Ints, Floats]:
    """Number of neighbour pairs per row and term 2 (0 where there is none)."""
    linked = (np.diff(shared.number) == 1) & (shared.owner[1:] == shared.owner[:-1])
    before = np.flatnonzero(linked)
    level = missing.level[shared.owner[before]]
    between = missing.below[level, shared.place[before + 1]] - missing.below[level, shared.place[before] + 1]
    before = before[between == 0]
    here, owner, rows = before + 1, shared.owner[before], len(shared.begin)
    x = shared.u[here] * shared.l[before]
    y = shared.u[before] * shared.l[here]
    mass = shared.mass[here]
    agreement = summed(owner, mass * np.sqrt(np.minimum(x, y) / np.maximum(x, y)), rows)
    return np.bincount(owner, minlength=rows), share(agreement, summed(owner, mass, rows))


def _cumulated(counted: NDArray[np.bool_], weight: Floats) -> Floats:
    """(levels, query ions + 1): sum of ``weight`` over counted ions before each, and over all."""
    sums = np.zeros((counted.shape[0], counted.shape[1] + 1))
    np.cumsum(np.where(counted, weight, 0.0), axis=1, out=sums[:, 1:])
    return sums


def summed(owner: Ints, values: Floats, rows: int) -> Floats:
    """(rows,) float64: sum of the values of each owner."""
    return np.asarray(np.bincount(owner, weights=values, minlength=rows), np.float64)
