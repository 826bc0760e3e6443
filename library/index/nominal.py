"""Inverted index of unit-mass spectra: every row's match factor from the columns of the query's ions alone.

Promises: `NominalIndex.best` gives exactly the rows a full scan would put first by cosine;
`NominalIndex.match_factors` gives every row's match factor to a stated rounding error, so that whoever
compares the rows within it exactly has exactly the best. Both respect where scans start and lists of
principal ions. The arrays are plain, made once by `build`, and may be memory-mapped.

An ion's column holds the rows that have it. Rows where its next lighter ion is the same stand together, with
the ratio of the two: the pairs of neighbours that the match factor compares are slices of columns too. Ions
of intensity 1 are neither present nor missing unless the query has them stronger: they stand apart
(``weak``), with the pairs they begin, end or lie within (``far``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.index.pairs import far_pairs, grouped
from library.index.scatter import scatter_add, top_rows, within
from spectra.model import Floats, Ints
from spectra.similarity.mass import FULL_SCALE, HIGHEST_MASS, NOISE_FLOOR, UnitSpectrum, UnitTable
from spectra.similarity.match_factor import composite, flat_ions, share, summed

Array = NDArray[Any]

AXIS = HIGHEST_MASS + 1
# Masses from which a row's squared norm is stored: scans start here; what lies between is subtracted.
KNOTS = (1, *range(25, 101, 5), 120, 150, 200, 300, 500)
SEEN = (0.35, 0.2, 0.1, 0.0)  # share of the query's norm left unseen when rows are ruled out
RESCORING = 25  # time to compare one ion of a row in full, in postings scanned
FEW = 500_000  # postings that are scanned sooner than rows are ruled out
TOGETHER = 16_384  # postings of short columns worked on at once: what stays in the cache
KEPT_NORMS = 8
PACK = float(2**13)  # more than a spectrum has ions: two whole sums fit one float64


def build(units: UnitTable) -> dict[str, Array]:
    """The arrays of the index: call once per release.

    Returns
    -------
    ``column`` (HIGHEST_MASS + 2,) int64, postings of mass m at ``column[m]:column[m + 1]`` of ``row`` int32,
    ``weight`` float32 √(m·I) and ``ratio`` float32 √(I of the next lighter ion / I); ``pair`` int32 and
    ``pair_offset`` int64, where the postings with one lighter neighbour stand; ``weak_column``, ``weak_row``,
    ions of intensity 1; ``far``, ``far_offset``, ``far_row``, ``far_ratio``, see `library.index.pairs`;
    ``irregular`` int64, rows with more of these than are stored; ``tail`` (knots, rows) float64, Σ m·I from
    each of ``KNOTS`` on.
    """
    owner = np.repeat(np.arange(len(units), dtype=np.int32), np.diff(units.offset))
    compared = np.flatnonzero(units.mass >= units.start[owner])
    owner, mass, height = owner[compared], units.mass[compared], units.intensity[compared]
    far, irregular = far_pairs(owner, mass, height)
    strong = height >= NOISE_FLOOR
    weak = np.flatnonzero(~strong)
    weak = weak[np.argsort(mass[weak].astype(np.uint16), kind="stable")]
    return {
        **_columns(owner, mass, height, strong),
        "weak_column": np.searchsorted(mass[weak], np.arange(AXIS + 1)).astype(np.int64),
        "weak_row": owner[weak],
        **far,
        "irregular": irregular,
        "tail": _tails(owner[strong], mass[strong], height[strong], len(units)),
    }


def _columns(owner: Array, mass: Array, height: Array, strong: Array) -> dict[str, Array]:
    """Postings of ions of at least 2 by mass, lighter neighbour (0 for none that strong) and row."""
    linked = np.append(False, (owner[1:] == owner[:-1]) & strong[:-1])[: len(owner)]
    before = np.where(linked, np.roll(mass, 1), 0)[strong]
    ratio = np.where(linked, np.sqrt(np.roll(height, 1) / height), 0.0)[strong].astype(np.float32)
    owner, mass, height = owner[strong], mass[strong], height[strong]
    order = np.argsort(before.astype(np.uint16), kind="stable")
    order = order[np.argsort(mass[order].astype(np.uint16), kind="stable")]
    mass = mass[order]
    pair, pair_offset = grouped(mass * AXIS + before[order])
    return {
        "column": np.searchsorted(mass, np.arange(AXIS + 1)).astype(np.int64),
        "row": owner[order],
        "weight": np.sqrt(mass * height[order].astype(np.float64)).astype(np.float32),
        "ratio": ratio[order],
        "pair": pair,
        "pair_offset": pair_offset,
    }


def _tails(owner: Array, mass: Array, height: Array, rows: int) -> Floats:
    knot = (np.searchsorted(KNOTS, np.arange(AXIS), side="right") - 1)[mass]
    square = mass.astype(np.float64) * height
    between = np.bincount(knot * rows + owner, weights=square, minlength=len(KNOTS) * rows)
    return np.asarray(np.cumsum(between.reshape(len(KNOTS), rows)[::-1], axis=0)[::-1].copy(), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """Scores of a query with every row, each within ``slack`` of the exact one.

    Parameters
    ----------
    match_factor, reverse_match_factor : (rows,) float64, 0..1000 + slack; 0 where nothing is in common, and
        1000 for the few rows that the index does not hold in full.
    common : (rows,) float64, ions in both, at least 1 in those rows.
    """

    match_factor: Floats
    reverse_match_factor: Floats
    common: Floats
    slack: float


class NominalIndex:
    """The index over a table of unit spectra.

    Raises
    ------
    ValueError : a posting names a row that is not there (when its column is first used): a damaged file.
    """

    def __init__(self, units: UnitTable, arrays: Mapping[str, Array]) -> None:
        self._units = units
        self._arrays = dict(arrays)
        self._highest_floor = int(units.floor.max(initial=NOISE_FLOOR))
        self._early_ions = len(self._arrays["row"]) + len(self._arrays["weak_row"]) < int(units.offset[-1])
        self._latest_start = int(units.start.max(initial=1))
        self._sound = {name: np.zeros(len(self._arrays[name]) - 1, bool) for name in _ROWS_OF}
        self._norms: dict[int, tuple[Floats, Array]] = {}
        self._start = units.start.astype(np.intp)  # as an index, 32 bits cost more than they save

    def __len__(self) -> int:
        return len(self._units)

    def cosines(self, query: UnitSpectrum, rows: Ints) -> Floats:
        """(k,) float64, 0..1: cosine of weights √(m·I) over ions of at least 2 from the later scan start on.

        Ions that a row with principal ions only need not list are left out of the query's norm.
        """
        units, begin = self._units, np.maximum(self._units.start[rows], query.start)
        owner, ions = flat_ions(units, rows)
        mass, height = units.mass[ions], units.intensity[ions]
        weight = _weights(query)[mass] * _ROOTS[height]
        if self._early_ions:
            weight = np.where(mass >= begin[owner], weight, 0.0)
        dot = summed(owner, weight, len(rows))
        u_norm = _norm_from(query, units.floor[rows], begin)
        if self._highest_floor > NOISE_FLOOR:
            u = _dense(query)[mass]
            below = (height >= NOISE_FLOOR) & (u < units.floor[rows][owner]) & (mass >= begin[owner])
            u_norm = u_norm + summed(owner, np.where(below, mass * u, 0.0), len(rows))
        return np.minimum(share(dot, np.sqrt(u_norm * self._norms_from(query.start)[0][rows])), 1.0)

    def best(self, query: UnitSpectrum, top: int) -> tuple[Ints, Floats]:
        """The ``top`` rows of highest cosine that share an ion with the query, best first, and their cosines.

        Exact, equal cosines by row. Columns are read by falling weight. Once what is unseen of the query has
        norm R and what was seen S, a row of norm l whose product is y so far can reach (y + R√(l² − y²/S²))/l
        at most: rows that this leaves below the ``top``-th best cosine known are ruled out (the triangle
        inequality on the sphere). A release that lists principal ions is compared in full.
        """
        rows = self._possible(query, top)
        cosine = self.cosines(query, rows)
        first = top_rows(cosine, top)
        first = first[cosine[first] > 0]
        return rows[first], cosine[first]

    def _possible(self, query: UnitSpectrum, top: int) -> Ints:
        """Rows, ascending, among which the best ``top`` are."""
        masses, weights = _falling(query)
        if self._highest_floor > NOISE_FLOOR:
            return np.arange(len(self))
        column = self._arrays["column"]
        unseen = np.sqrt(np.append(np.cumsum(weights[::-1] ** 2)[::-1], 0.0))
        postings = np.append(np.cumsum((column[masses + 1] - column[masses])[::-1])[::-1], 0)
        norm = self._norms_from(query.start)[1]
        product = np.zeros(len(self), np.float32)
        done, rows, least = 0, np.empty(0, np.int64), -1.0
        for level in SEEN:
            upto = int(np.argmax(unseen <= level * unseen[0]))
            if postings[upto] < FEW and level:
                continue
            self._scan(masses[done:upto], weights[done:upto], product)
            done = upto
            least = least if least >= 0 else self._reached(query, product, norm, top)
            need = self._least_product(query, least, float(unseen[done]))
            rows = np.flatnonzero(product >= norm * np.take(need, self._start))
            if len(rows) * RESCORING * len(self._arrays["row"]) < int(postings[done]) * len(self):
                break
        return rows

    def _scan(self, masses: Ints, weights: Floats, product: Array) -> None:
        """Add the columns of the query's ions ``masses`` to each row's ``product``."""
        row, weight = self._arrays["row"], self._arrays["weight"]
        for posted, factor in zip(self._columns("column", masses), weights.tolist(), strict=True):
            scatter_add(product, row[posted], weight[posted], factor)

    def _reached(self, query: UnitSpectrum, product: Array, norm: Array, top: int) -> float:
        """A cosine that at least ``top`` rows have."""
        likely = top_rows(product / norm, top)
        return float(self.cosines(query, likely).min()) if len(likely) == top else 0.0

    def _least_product(self, query: UnitSpectrum, least: float, unseen: float) -> Array:
        """(latest start + 1,) float32: product over norm from which a row starting there can reach ``least``.

        With R = ``unseen``, T the query's norm, S² = T² − R², U its norm from the row's start on:
        x + R√(1 − x²/S²) ≥ c·U from x = S·cos(arcsin(R/T) + arccos(c·U/T)) on.
        """
        starts = np.maximum(np.arange(self._latest_start + 1), query.start)
        norms = np.sqrt(_norm_from(query, np.full(len(starts), NOISE_FLOOR), starts))
        whole = float(norms[0]) or 1.0
        seen = np.sqrt(max(whole**2 - unseen**2, 0.0))
        angle = np.arcsin(min(unseen / whole, 1.0)) + np.arccos(np.minimum(least * norms / whole, 1.0))
        rounding = 1 - (len(query.mass) + 8) * 2.0**-22
        return np.asarray(np.maximum(seen * np.cos(np.minimum(angle, np.pi)) * rounding, 0.0), np.float32)

    def match_factors(self, query: UnitSpectrum) -> Estimates:
        """Match factor and reverse match factor of the query with every row.

        As `spectra.similarity.match_factor.match_factors`, but sums are single precision.
        """
        sums = self._ions(query)
        agreement, packed = self._neighbours(query)
        unlisted = _norm_from(query, self._units.floor, np.maximum(self._start, query.start))
        squares = self._norms_from(query.start)[0]
        forward, reverse, common = np.empty((3, len(self)))
        for first in range(0, len(self), TOGETHER):
            some = slice(first, first + TOGETHER)
            n2, pair_mass = _unpacked(packed[some])
            n1, uu = _unpacked(sums.packed[some])
            common[some] = n1
            ll = squares[some] + sums.weak[some]
            squared = sums.product[some].astype(np.float64) ** 2
            term2 = share(agreement[some].astype(np.float64), pair_mass)
            all_uu = unlisted[some] + sums.below_floor[some]
            forward[some] = composite(np.minimum(share(squared, all_uu * ll), 1.0), term2, n1, n2)
            reverse[some] = composite(np.minimum(share(squared, uu * ll), 1.0), term2, n1, n2)
        irregular = self._arrays["irregular"]
        forward[irregular] = reverse[irregular] = 1000.0
        common[irregular] = np.maximum(common[irregular], 1.0)
        # n single-precision additions of positive numbers: relative error n·2⁻²⁴, twice that when squared
        return Estimates(forward, reverse, common, 1000 * 2 * (len(query.mass) + 8) * 2.0**-23)

    def _ions(self, query: UnitSpectrum) -> _Sums:
        rows = len(self)
        sums = _Sums(np.zeros(rows, np.float32), np.zeros(rows), np.zeros(rows), np.zeros(rows))
        masses, heights = _compared(query)
        squares = np.asarray(masses * heights.astype(np.float64), np.float64)
        roots = np.sqrt(squares).astype(np.float32)
        for ion, row, posted in self._joined("column", masses):
            scatter_add(sums.product, row, self._arrays["weight"][posted] * roots[ion])
            self._add_common(sums, row, heights[ion], squares[ion])
        strong = np.flatnonzero(heights >= NOISE_FLOOR)
        for part, row, _ in self._joined("weak_column", masses[strong]):
            ion = strong[part]
            mass = _spread(masses[ion], row)
            scatter_add(sums.product, row, np.sqrt(mass).astype(np.float32) * roots[ion])
            scatter_add(sums.weak, row, mass)
            self._add_common(sums, row, heights[ion], squares[ion])
        return sums

    def _add_common(self, sums: _Sums, row: Array, u: Ints, square: Floats) -> None:
        """Count ions of intensity ``u`` that rows have, and those that they have though they need not."""
        scatter_add(sums.packed, row, _spread(1 + PACK * square, row))
        if u.min(initial=self._highest_floor) < self._highest_floor:
            unlisted = self._units.floor[row] > u
            scatter_add(sums.below_floor, row, np.where(unlisted, square, 0.0))

    def _neighbours(self, query: UnitSpectrum) -> tuple[Array, Floats]:
        """Per row: Σ m·ratio over pairs of neighbours, and their number and Σ m packed."""
        agreement, packed = np.zeros(len(self), np.float32), np.zeros(len(self))
        masses, heights = _compared(query)
        first, second, between = _query_pairs(heights, self._highest_floor)
        key = masses[second] * AXIS + masses[first]
        turned = np.sqrt(heights[second] / heights[first]).astype(np.float32)
        weak = (heights[second] < NOISE_FLOOR) * 1 + (heights[first] < NOISE_FLOOR) * 2
        for name, pair, number in self._known_pairs(key, weak):
            ratios = self._arrays[_RATIOS_OF[name]]
            for part, row, posted in self._joined(name, number):
                which = pair[part]
                value, mass = ratios[posted] * turned[which], masses[second[which]]
                np.minimum(value, 1 / value, out=value)
                count = 1 + PACK * mass
                if self._highest_floor > NOISE_FLOOR:
                    bare = self._units.floor[row] > between[which]
                    value, count = np.where(bare, value, np.float32(0.0)), np.where(bare, count, 0.0)
                scatter_add(agreement, row, value * mass.astype(np.float32))
                scatter_add(packed, row, _spread(count, row))
        return agreement, packed

    def _known_pairs(self, key: Ints, weak: Ints) -> Iterator[tuple[str, Ints, Ints]]:
        """Where the query's pairs stand: name of the offsets, positions of the pairs, numbers of the groups.

        A weak ion of the query pairs with strong ions only, so that kinds of `far_pairs` drop out.
        """
        kinds = np.arange(4)[:, None]
        far = np.where(kinds & weak, -1, key * 4 + kinds).ravel()
        for name, keys in (("pair", key), ("far", far)):
            known = self._arrays[name]
            place = np.searchsorted(known, keys)
            found = np.flatnonzero(np.append(known, -2)[place] == keys)
            yield f"{name}_offset", found % max(len(key), 1), place[found]

    def _columns(self, name: str, numbers: Ints) -> list[slice]:
        """Where columns' postings stand; their row numbers are checked before they are first used."""
        bounds, sound = self._arrays[name], self._sound[name]
        for number in numbers[~sound[numbers]].tolist():
            if not within(self._arrays[_ROWS_OF[name]][bounds[number] : bounds[number + 1]], len(self)):
                raise ValueError(f"index column {number}: a row number is not below {len(self)}")
            sound[number] = True
        return [
            slice(*ends) for ends in zip(bounds[numbers].tolist(), bounds[numbers + 1].tolist(), strict=True)
        ]

    def _joined(self, name: str, numbers: Ints) -> Iterator[tuple[Ints, Array, Ints | slice]]:
        """Columns, short ones together: of each posting which of ``numbers`` it is in, its row, its place.

        Of a long column the first is one number for all.
        """
        slices, rows = self._columns(name, numbers), self._arrays[_ROWS_OF[name]]
        begin = np.array([one.start for one in slices], np.int64)
        counts = np.array([one.stop for one in slices], np.int64) - begin
        cuts = np.flatnonzero(np.diff(np.cumsum(counts) // TOGETHER)) + 1
        for first, last in pairwise([0, *cuts.tolist(), len(slices)]):
            if last - first == 1:
                yield np.array([first]), rows[slices[first]], slices[first]
            else:
                which = np.repeat(np.arange(first, last), counts[first:last])
                skipped = np.cumsum(counts[first:last]) - counts[first:last]
                posted = np.arange(len(which)) + (begin[first:last] - skipped)[which - first]
                yield which, rows[posted], posted

    def _norms_from(self, start: int) -> tuple[Floats, Array]:
        """(rows,) Σ m·I from mass ``start`` on, and its root in float32, 1 where it is 0.

        From the knot below, less the columns between.
        """
        known = self._norms.get(start)
        if known is not None:
            return known
        knot = int(np.searchsorted(KNOTS, start, side="right")) - 1
        squares = np.array(self._arrays["tail"][knot])
        for posted in self._columns("column", np.arange(KNOTS[knot], min(start, AXIS))):
            square = np.rint(self._arrays["weight"][posted].astype(np.float64) ** 2)  # whole, as it was
            scatter_add(squares, self._arrays["row"][posted], square, -1.0)
        norm = np.sqrt(np.where(squares > 0, squares, 1.0)).astype(np.float32)
        if len(self._norms) >= KEPT_NORMS:
            self._norms.clear()
        self._norms[start] = squares, norm
        return squares, norm


_ROWS_OF = {"column": "row", "pair_offset": "row", "weak_column": "weak_row", "far_offset": "far_row"}
_RATIOS_OF = {"pair_offset": "ratio", "far_offset": "far_ratio"}
_ROOTS = np.sqrt(np.arange(FULL_SCALE + 1.0)) * (np.arange(FULL_SCALE + 1) >= NOISE_FLOOR)


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Per row, over the ions it shares with the query."""

    product: Array  # float32, Σ m√(u·l)
    packed: Floats  # number + PACK·Σ m·u
    below_floor: Floats  # Σ m·u of ions that the row need not list
    weak: Floats  # Σ m·l of ions with l = 1


def _spread(values: Array, row: Array) -> Floats:
    """One float64 for each posting, of one for each or one for all."""
    return np.array(np.broadcast_to(values, row.shape), np.float64)


def _unpacked(packed: Floats) -> tuple[Floats, Floats]:
    high = np.floor(packed / PACK)
    return packed - high * PACK, high


def _compared(query: UnitSpectrum) -> tuple[Ints, Ints]:
    """Masses and intensities from the query's start on."""
    inside = query.mass >= query.start
    return query.mass[inside].astype(np.int64), query.intensity[inside].astype(np.int64)


def _weights(query: UnitSpectrum) -> Floats:
    """(AXIS,) m√u of the query's ions that are compared, 0 elsewhere."""
    dense = np.zeros(AXIS)
    masses, weights = _falling(query)
    dense[masses] = weights * np.sqrt(masses)
    return dense


def _dense(query: UnitSpectrum) -> Ints:
    """(AXIS,) int64: intensity of the query's ions of at least 2, 0 elsewhere."""
    counted = query.intensity >= NOISE_FLOOR
    dense = np.zeros(AXIS, np.int64)
    dense[query.mass[counted]] = query.intensity[counted]
    return dense


def _falling(query: UnitSpectrum) -> tuple[Ints, Floats]:
    """Masses and weights of the query's ions of at least 2 that are compared, by falling weight."""
    counted = (query.intensity >= NOISE_FLOOR) & (query.mass >= query.start)
    mass = query.mass[counted].astype(np.int64)
    weight = np.sqrt(mass * query.intensity[counted].astype(np.float64))
    order = np.argsort(-weight, kind="stable")
    return mass[order], weight[order]


def _norm_from(query: UnitSpectrum, floor: Array, begin: Array) -> Floats:
    """(rows,) Σ m·u of the query's ions from each row's ``begin`` on that reach the row's ``floor``."""
    square = query.mass * query.intensity.astype(np.float64)
    alike = len(floor) > 0 and bool((floor == floor[0]).all())
    levels, level = (floor[:1], 0) if alike else np.unique(floor, return_inverse=True)
    tail = np.zeros((len(levels), len(square) + 1))
    tail[:, :-1] = np.cumsum(np.where(query.intensity >= levels[:, None], square, 0.0)[:, ::-1], axis=1)[
        :, ::-1
    ]
    latest = int(begin.max(initial=0))
    return np.asarray(tail[level, np.searchsorted(query.mass, np.arange(latest + 1))[begin]], np.float64)


def _query_pairs(height: Ints, highest_floor: int) -> tuple[Ints, Ints, Ints]:
    """Pairs of the query's ions that are neighbours in some row, and the strongest ion between them.

    They are if the row's floor is above all ions between: the row need not list those.
    """
    found = []
    heights = height.tolist()
    for second in range(1, len(heights)):
        between = 0
        for first in range(second - 1, -1, -1):
            found.append((first, second, between))
            between = max(between, heights[first])
            if between >= highest_floor:
                break
    pairs = np.array(found, np.int64).reshape(-1, 3)
    return pairs[:, 0], pairs[:, 1], pairs[:, 2]
