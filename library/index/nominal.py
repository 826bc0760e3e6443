"""Inverted index of unit-mass spectra: the best rows by cosine from the columns of the query's ions alone.

Promises: `NominalIndex.best` gives exactly the rows a full scan would put first by cosine, and
`NominalIndex.reaching` all rows that reach a match factor, among few that do not; both respect where scans
start and lists of principal ions. The arrays are plain, made once by `build`, and may be memory-mapped.
Refuses: ions of intensity 1 are neither present nor missing here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from library.index.scatter import scatter_slices, top_rows, within
from spectra.model import Floats, Ints
from spectra.similarity.mass import HIGHEST_MASS, NOISE_FLOOR, UnitSpectrum, UnitTable
from spectra.similarity.match_factor import share

Array = NDArray[Any]

AXIS = HIGHEST_MASS + 1
TOGETHER = 256  # rows worked on at once: what stays in the cache, and in memory that is not given back
# Masses from which a row's norm is stored. What lies between a scan start and the next one is left out: the
# norm is then too small, and a row is ruled out later than it could be.
KNOTS = (
    *(1, 12, 15, 18, 20, 22, *range(24, 93), 95, 98, 102, 105, 110, 115, 120, 130, 140, 150, 165, 180, 200),
    *(220, 250, 300, 350, 400, 500, AXIS),
)
SEEN = (0.3, 0.12)  # share of the query's norm left unseen when rows are ruled out
RESCORING = 2500  # postings scanned in the time of comparing a row in full
FEW = 400_000  # postings that are scanned sooner than rows are ruled out
# Angles by which ions of intensity 1 turn a row at most: rows are sorted into these classes.
TURNS = np.array((0.0, 0.02, 0.04, 0.06, 0.08, 0.12, 0.2, 0.4, 1.6))


def build(units: UnitTable) -> dict[str, Array]:
    """The arrays of the index: call once per release.

    Returns
    -------
    ``column`` (HIGHEST_MASS + 2,) int64, postings of mass m at ``column[m]:column[m + 1]`` of ``row`` int32,
    ascending, and ``weight`` float32 √(m·I); ``norm`` (knots, rows) float32, √Σ m·I from each of ``KNOTS``
    on. These are of ions of at least 2 from the row's scan start on. ``weak`` (rows,) float32, √Σ m of the
    row's ions of intensity 1.
    """
    counts = np.diff(units.offset)
    compared = units.mass >= np.repeat(units.start, counts)
    kept = compared & (units.intensity >= NOISE_FLOOR)
    mass = units.mass[kept]
    weight = np.sqrt(np.multiply(mass, units.intensity[kept], dtype=np.float32))
    offset = np.append(0, np.cumsum(kept))[units.offset]
    by_mass = csr_array((weight, mass, offset), shape=(len(units), AXIS)).tocsc()
    column, row = by_mass.indptr.astype(np.int64), by_mass.indices.astype(np.int32, copy=False)
    weak = np.flatnonzero(compared & ~kept)
    owner = np.searchsorted(units.offset, weak, side="right") - 1
    return {
        "column": column,
        "row": row,
        "weight": by_mass.data,
        "norm": _norms(column, row, by_mass.data, len(units)),
        "weak": np.sqrt(np.bincount(owner, units.mass[weak], len(units))).astype(np.float32),
    }


def _norms(column: Ints, row: Array, weight: Array, rows: int) -> Array:
    norms = np.zeros((len(KNOTS), rows), np.float32)
    total = np.zeros(rows)
    for knot in range(len(KNOTS) - 2, -1, -1):
        ions = slice(int(column[KNOTS[knot]]), int(column[KNOTS[knot + 1]]))
        total += np.bincount(row[ions], weight[ions] ** 2, minlength=rows)
        norms[knot] = np.sqrt(total)
    return norms


class NominalIndex:
    """The index over a table of unit spectra.

    Raises
    ------
    ValueError : the arrays do not fit together, or a posting names a row that is not there (when its column
        is first used): a damaged file.
    """

    def __init__(self, units: UnitTable, arrays: Mapping[str, Array]) -> None:
        self._units = units
        self._column, self._row, self._weight = (arrays[name] for name in ("column", "row", "weight"))
        self._norm, self._weak = arrays["norm"], arrays["weak"]
        self._check()
        self._sound = np.zeros(AXIS, bool)
        self._highest_floor = int(units.floor.max(initial=NOISE_FLOOR))
        self._latest_start = int(units.start.max(initial=1))
        self._known_classes: dict[int, Ints] = {}
        self._kept = threading.local()
        self._ions = csr_array((units.intensity, units.mass, units.offset), shape=(len(units), AXIS))
        first = units.mass[np.minimum(units.offset[:-1], max(len(units.mass) - 1, 0))]
        self._early_ions = bool((first < units.start).any())

    def __len__(self) -> int:
        return len(self._units)

    def _check(self) -> None:
        column, ends = self._column, (0, len(self._row))
        sound = len(column) == AXIS + 1 and (column[0], column[-1]) == ends and (np.diff(column) >= 0).all()
        if not sound or len(self._weight) != len(self._row) or len(self._row) >= 2**31:
            raise ValueError("index: columns and postings do not fit together")
        if self._norm.shape != (len(KNOTS), len(self)) or self._weak.shape != (len(self),):
            raise ValueError("index: norms do not fit the spectra")

    def _classes(self, knot: int) -> Ints:
        """(rows,) place in a table of starts and turns, for scans from a knot on; made once for each.

        64 bits: as an index fewer cost more than they save.
        """
        if knot not in self._known_classes:
            turn = np.searchsorted(TURNS, np.arctan2(self._weak, self._norm[knot]))
            self._known_classes[knot] = self._units.start * len(TURNS) + turn
        return self._known_classes[knot]

    def cosines(self, query: UnitSpectrum, rows: Ints) -> Floats:
        """(k,) float64, 0..1: cosine of weights √(m·I) over ions of at least 2 from the later scan start on.

        Ions that a row with principal ions only need not list are left out of the query's norm.
        """
        dense, mass = _dense(query), np.where(query.start <= _MASSES, _MASSES, 0.0)
        floor, begin = self._units.floor[rows], np.maximum(self._units.start[rows], query.start)
        u_norm, weight = _norm_from(query, floor, begin), np.sqrt(dense) * mass
        cosine = np.empty(len(rows))
        for first in range(0, len(rows), TOGETHER):
            some = slice(first, first + TOGETHER)
            ions = self._ions[rows[some]]
            height = np.where(ions.data >= NOISE_FLOOR, ions.data, 0).astype(np.float64)
            counts = np.diff(ions.indptr)
            if self._early_ions:
                height[ions.indices < np.repeat(begin[some], counts)] = 0.0
            if self._highest_floor > NOISE_FLOOR:
                u = dense[ions.indices]
                listed = np.where((height > 0) & (u < np.repeat(floor[some], counts)), u, 0.0)
                u_norm[some] += _like(ions, listed) @ mass
            norm = u_norm[some] * (_like(ions, height) @ mass)
            cosine[some] = share(_like(ions, np.sqrt(height)) @ weight, np.sqrt(norm))
        return np.minimum(cosine, 1.0)

    def best(self, query: UnitSpectrum, top: int) -> tuple[Ints, Floats]:
        """The ``top`` rows of highest cosine that share an ion with the query, best first, and their cosines.

        Exact, equal cosines by row.
        """
        rows = self._possible(query, top, np.zeros((1, 1)))
        cosine = self.cosines(query, rows)
        first = top_rows(cosine, top)
        first = first[cosine[first] > 0]
        return rows[first], cosine[first]

    def reaching(self, query: UnitSpectrum, match_factor: float) -> Ints:
        """Rows, ascending: all that reach a match factor, and others that may.

        With c the cosine over the ions that the match factor counts, it is at most 500·(1 + c²). These may
        be ions of intensity 1, at right angles to the others: they turn the query by arctan √(Σ m/Σ m·u) at
        most, the first sum over those, and the row likewise.
        """
        least = np.arccos(np.sqrt(np.clip(match_factor / 500 - 1, 0.0, 1.0)))
        norms, faint = self._norms_by_start(query)
        turned = np.arctan2(np.sqrt(faint), np.sqrt(norms))[:, None] + TURNS
        need = np.cos(np.minimum(least + turned + 1e-6, np.pi))
        return self._possible(query, 0, need)

    def _possible(self, query: UnitSpectrum, top: int, least: Array) -> Ints:
        """Rows, ascending, among which the best ``top`` are and all that reach ``least``.

        Columns are read by falling weight. Once what is unseen of the query has norm R and what was seen S, a
        row of norm l whose product is y so far can reach (y + R√(l² − y²/S²))/l at most: rows that this
        leaves below ``least``, or the ``top``-th best cosine known, are ruled out (the triangle inequality on
        the sphere). A release that lists principal ions is compared in full.

        Parameters
        ----------
        least : (starts, turns) float64, cosine by row's start and class.
        """
        if self._highest_floor > NOISE_FLOOR or len(self) <= top:
            return np.arange(len(self))
        masses, weights = _falling(query)
        unseen = np.sqrt(np.append(np.cumsum(weights[::-1] ** 2)[::-1], 0.0))
        postings = np.cumsum(np.append(0, self._column[masses + 1] - self._column[masses]))
        knot = int(np.searchsorted(KNOTS, query.start))
        norm, place = self._norm[knot], self._classes(knot)
        product = self._work("product", np.float32)
        product[:] = 0.0
        rows: Ints | None = None
        for stage, (done, upto) in enumerate(_stages(unseen, postings)):
            self._scan(masses[done:upto], weights[done:upto], product)
            if top and stage < 2:  # later it hardly rises
                least = np.maximum(least, self._reached(query, rows, product, norm, top))
            need = self._least_product(query, least, float(unseen[upto]))
            if rows is None:
                least_product = np.take(need, place, out=self._work("other", np.float32), mode="clip")
                least_product *= norm
                rows = np.flatnonzero(
                    np.greater_equal(product, least_product, out=self._work("mask", np.bool_))
                )
            else:
                rows = rows[product[rows] >= norm[rows] * need[place[rows]]]
            if len(rows) * RESCORING < postings[-1] - postings[upto]:
                break
        return np.arange(len(self)) if rows is None else rows

    def _work(self, name: str, kind: type[np.generic]) -> Array:
        """(rows,) array of this thread, kept: taking memory of this size anew costs more than filling it."""
        if not hasattr(self._kept, name):
            setattr(self._kept, name, np.empty(len(self), kind))
        kept: Array = getattr(self._kept, name)
        return kept

    def _scan(self, masses: Ints, weights: Floats, product: Array) -> None:
        """Add the columns of the query's ions ``masses`` to each row's ``product``."""
        begin, end = self._slices(masses)
        scatter_slices(product, begin, end, self._row, self._weight, weights.astype(np.float32))

    def _reached(
        self, query: UnitSpectrum, rows: Ints | None, product: Array, norm: Array, top: int
    ) -> float:
        """A cosine that at least ``top`` rows have."""
        if rows is None:
            cosine = np.maximum(norm, 1.0, out=self._work("other", np.float32))
            likely = top_rows(np.divide(product, cosine, out=cosine), top)
        else:
            likely = rows[top_rows(product[rows] / np.maximum(norm[rows], 1.0), top)]
        return float(self.cosines(query, likely).min()) if len(likely) == top else 0.0

    def _norms_by_start(self, query: UnitSpectrum) -> tuple[Floats, Floats]:
        """(latest start + 1,) each: Σ m·u of the query's ions from a row's start on, and Σ m where u = 1."""
        starts = np.maximum(np.arange(self._latest_start + 1), query.start)
        floor = np.full(len(starts), NOISE_FLOOR)
        norms = _norm_from(query, floor, starts)
        return norms, np.maximum(_norm_from(query, floor - 1, starts) - norms, 0.0)

    def _least_product(self, query: UnitSpectrum, least: Array, unseen: float) -> Array:
        """(starts · turns,) float32: product over norm from which a row of each class can reach ``least``.

        With R = ``unseen``, T the query's norm, S² = T² − R², U its norm from the row's start on:
        x + R√(1 − x²/S²) ≥ c·U from x = S·cos(arcsin(R/T) + arccos(c·U/T)) on.
        """
        norms = np.sqrt(self._norms_by_start(query)[0])[:, None]
        whole = float(norms[0, 0]) or 1.0
        seen = np.sqrt(max(whole**2 - unseen**2, 0.0))
        angle = np.arcsin(min(unseen / whole, 1.0)) + np.arccos(np.clip(least * norms / whole, -1.0, 1.0))
        rounding = 1 - (len(query.mass) + 8) * 2.0**-22
        need = np.maximum(seen * np.cos(np.minimum(angle, np.pi)) * rounding, 0.0)
        return np.broadcast_to(need, (len(norms), len(TURNS))).astype(np.float32).ravel()

    def _slices(self, masses: Ints) -> tuple[Ints, Ints]:
        """Where columns' postings stand; their row numbers are checked before they are first used."""
        begin, end = self._column[masses], self._column[masses + 1]
        for k in np.flatnonzero(~self._sound[masses]).tolist():
            if not within(self._row[begin[k] : end[k]], len(self)):
                raise ValueError(f"index column {masses[k]}: a row number is not below {len(self)}")
            self._sound[masses[k]] = True
        return begin, end


_MASSES = np.arange(AXIS, dtype=np.float64)


def _stages(unseen: Floats, postings: Ints) -> Iterator[tuple[int, int]]:
    """Stretches of the query's ions that are read before rows are ruled out."""
    done, last = 0, len(unseen) - 1
    for level in SEEN:
        upto = int(np.argmax(unseen <= level * unseen[0]))
        if upto > done and postings[last] - postings[upto] > FEW:
            yield done, upto
            done = upto
    yield done, last


def _like(ions: csr_array, values: Array) -> csr_array:
    """The same ions, of other values."""
    ions.data = values
    return ions


def _dense(query: UnitSpectrum) -> Floats:
    """(AXIS,) float64: intensity of the query's ions of at least 2, 0 elsewhere."""
    counted = query.intensity >= NOISE_FLOOR
    dense = np.zeros(AXIS)
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
