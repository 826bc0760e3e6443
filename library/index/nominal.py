"""Inverted index of unit-mass spectra: the best rows by cosine from the columns of the query's ions alone.

Promises: `NominalIndex.best` gives exactly the rows a full scan would put first by cosine, and
`NominalIndex.reaching` all rows that reach a match factor, among few that do not; both respect where scans
start and lists of principal ions. The arrays of `nominal_build` are plain and may be memory-mapped: opening
an index reads none of the large ones.
Refuses: ions of intensity 1 are neither present nor missing here.

Inside, rows stand in the order of where their scans start: what a row needs to be among the best is then the
same for whole blocks of rows. A place is a row's position in that order.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.index.nominal_build import AXIS, KNOTS, NOTHING
from library.index.scatter import BLOCK, root_products, scatter_add, scatter_slices, top_rows, within
from spectra.model import Floats, Ints
from spectra.similarity.mass import NOISE_FLOOR, UnitSpectrum, UnitTable
from spectra.similarity.match_factor import flat_ions, share, summed

Array = NDArray[Any]

TOGETHER = 1024  # rows compared at once: what stays in the cache, and in memory that is not given back
# Chosen by time on 24 spectra of a library of 350,000; the shares hardly matter.
SEEN = (0.35, 0.2, 0.12)  # share of the query's norm left unseen when rows are ruled out
RESCORING = 500  # postings scanned in the time of the product with one row in full
LEFT = 0.4  # of the rows that remain, what remains after the next share
FEW = 400_000  # postings that are scanned sooner than rows are ruled out
NEVER = -1.0  # an angle within which no row can be
BEYOND = 1e30  # more than any product with a spectrum


class NominalIndex:
    """The index over a table of unit spectra.

    Raises
    ------
    ValueError : the arrays do not fit together, or a posting names a row that is not there (when its column
        is first used): a damaged file.
    """

    def __init__(self, units: UnitTable, arrays: Mapping[str, Array]) -> None:
        self.units, self.column = units, arrays["column"]
        self._row, self._weight, self._norm = (arrays[name] for name in ("row", "weight", "norm"))
        self.order, self.start, self.group = (arrays[name] for name in ("order", "start", "group"))
        self.weak, self.turn, self.early = (arrays[name] for name in ("weak", "turn", "early"))
        self.lists = int(arrays["floor"][0]) > NOISE_FLOOR
        self._check()
        self.spans = _spans(self.group)
        self._sound = np.zeros(AXIS, bool)
        self._kept = threading.local()

    def __len__(self) -> int:
        return len(self.units)

    def _check(self) -> None:
        rows, blocks = len(self), -(-len(self) // BLOCK)
        if not _divides(self.column, AXIS, len(self._row)) or len(self._weight) != len(self._row):
            raise ValueError("index: columns and postings do not fit together")
        if max(len(self._row), len(self.units.mass)) >= 2**31:
            raise ValueError("index: more ions than it can number; divide the release")
        if not _divides(self.group, len(self.start), rows) or len(self.order) != rows:
            raise ValueError("index: scan starts do not fit the spectra")
        shapes = self._norm.shape, self.turn.shape, self.weak.shape, self.early.shape
        places = (blocks * BLOCK,)
        if shapes != ((len(KNOTS), *places), (len(KNOTS), blocks), places, places):
            raise ValueError("index: norms do not fit the spectra")

    @cached_property
    def _offset(self) -> NDArray[np.int32]:
        """(rows + 1,) of the table, in the bits that postings have."""
        if not _divides(self.units.offset, len(self), len(self.units.mass)):
            raise ValueError("index: spectra do not fit their ions")
        return self.units.offset.astype(np.int32)

    def cosines(self, query: UnitSpectrum, rows: Ints) -> Floats:
        """(k,) float64, 0..1: cosine of weights √(m·I) over ions of at least 2 from the later scan start on.

        Ions that a row with principal ions only need not list are left out of the query's norm.
        """
        if len(rows) <= TOGETHER:
            return self._cosines(query, rows)
        blocks = (rows[first : first + TOGETHER] for first in range(0, len(rows), TOGETHER))
        return np.concatenate([self._cosines(query, some) for some in blocks])

    def _cosines(self, query: UnitSpectrum, rows: Ints) -> Floats:
        units, dense = self.units, _dense(query)
        floor, begin = units.floor[rows], np.maximum(units.start[rows], query.start)
        owner, ions = flat_ions(units, rows)
        mass, height = units.mass[ions].astype(np.intp), units.intensity[ions].astype(np.float64)
        height[(height < NOISE_FLOOR) | (mass < begin[owner])] = 0.0
        l_weight, u_weight = mass * height, mass * dense[mass]
        u_norm = _norm_from(query, floor, begin)
        if self.lists:
            listed = (height > 0) & (dense[mass] < floor[owner])
            u_norm += summed(owner, np.where(listed, u_weight, 0.0), len(rows))
        product = summed(owner, np.sqrt(l_weight * u_weight), len(rows))
        return np.minimum(share(product, np.sqrt(u_norm * summed(owner, l_weight, len(rows)))), 1.0)

    def best(self, query: UnitSpectrum, top: int) -> tuple[Ints, Floats]:
        """The ``top`` rows of highest cosine that share an ion with the query, best first, and their cosines.

        Exact, equal cosines by row.
        """
        return Scan(self, query).best(top)

    def reaching(self, query: UnitSpectrum, match_factor: float) -> Ints:
        """Rows, ascending: all that reach a match factor, and others that may."""
        return Scan(self, query).reaching(match_factor)

    def add(self, masses: Ints, weights: Floats, product: Array) -> None:
        """Add the columns of the query's ions ``masses`` to each place's ``product``."""
        begin, end = self._slices(masses)
        scatter_slices(product, begin, end, self._row, self._weight, weights.astype(np.float32))

    def _slices(self, masses: Ints) -> tuple[Ints, Ints]:
        """Where columns' postings stand; their places are checked before they are first used."""
        begin, end = self.column[masses], self.column[masses + 1]
        for k in np.flatnonzero(~self._sound[masses]).tolist():
            if not within(self._row[begin[k] : end[k]], len(self)):
                raise ValueError(f"index column {masses[k]}: a row number is not below {len(self)}")
            self._sound[masses[k]] = True
        return begin, end

    def products(self, places: Ints, factors: Array) -> Array:
        """(k,) float32: Σ √I·factor of its mass, over all ions of at least 2 of the rows at ``places``."""
        rows, units = self.order[places], self.units
        if not within(rows, len(self)):
            raise ValueError(f"index: a row number is not below {len(self)}")
        return root_products(rows, self._offset, units.mass, units.intensity, factors, NOISE_FLOOR)

    def norms(self, start: int) -> Array:
        """(places,) float32: √Σ m·I of ions of at least 2 from a scan start on, `NOTHING` where none is."""
        knot = self.knot(start)
        norm: Array = self._norm[knot]
        begin, end = self._slices(np.arange(start, KNOTS[knot]))
        if (begin == end).all():
            return norm
        square = np.square(norm)
        for first, last in zip(begin.tolist(), end.tolist(), strict=True):
            scatter_add(square, self._row[first:last], self._weight[first:last] ** 2)
        return np.sqrt(square, out=square)

    def knot(self, start: int) -> int:
        """Place in `KNOTS` of the first that is not below a scan start."""
        return int(np.searchsorted(KNOTS, start))

    def work(self, name: str, kind: type[np.generic]) -> Array:
        """(blocks, BLOCK) array of this thread, kept: taking such memory anew costs more than filling it."""
        if not hasattr(self._kept, name):
            setattr(self._kept, name, np.empty((self.turn.shape[1], BLOCK), kind))
        kept: Array = getattr(self._kept, name)
        return kept


class Scan:
    """One query against an index, and what was read for it so far; a later question goes on from there.

    Columns are read by falling gain: square of the query's weight per posting. Over the masses from where a
    row's scan starts, what of the query was read has norm S, and what was not R. A row of norm l whose
    product with the query is y so far is at an angle of at least arccos(y/(S·l)) − arctan(R/S) from it: the
    triangle inequality on the sphere. It is within α only if y/l ≥ S·cos(α + arctan(R/S)).
    """

    def __init__(self, index: NominalIndex, query: UnitSpectrum) -> None:
        self._index, self._query = index, query
        self._mass, self._weight = _counted(query)
        size = index.column[self._mass + 1] - index.column[self._mass]
        self._falling = np.argsort(-(self._weight**2) / (size + 1), kind="stable")
        self._postings = np.append(0, np.cumsum(size[self._falling]))
        self._begin = np.maximum(index.start, query.start)
        self._first = self._mass.searchsorted(self._begin)
        self._whole = _norms_from(self._weight, self._first)
        self._loss = 1 - (len(self._mass) + 8) * 2.0**-22  # what sums of 32 bits may lack
        self._product = np.zeros((index.turn.shape[1], BLOCK), np.float32)
        self._norm = index.norms(query.start).reshape(-1, BLOCK)
        self._done = 0

    def best(self, top: int) -> tuple[Ints, Floats]:
        """As `NominalIndex.best`."""
        index, query = self._index, self._query
        if index.lists or len(index) <= top:
            rows = np.arange(len(index))
        else:
            rows = self._rows(self._possible(np.where(self._whole > 0, np.pi / 2, NEVER), None, top))
        cosine = index.cosines(query, rows)
        first = top_rows(cosine, top)
        first = first[cosine[first] > 0]
        return rows[first], cosine[first]

    def reaching(self, match_factor: float) -> Ints:
        """As `NominalIndex.reaching`.

        With c the cosine over the ions that the match factor counts, it is at most 500·(1 + c²). These may
        be ions of intensity 1, at right angles to the others: they turn the query by arctan √(Σ m/Σ m·u) at
        most, the first sum over those, and the row likewise.
        """
        index, query = self._index, self._query
        if index.lists or not len(index) or match_factor <= 0:
            return np.arange(len(index))
        least = np.arccos(np.sqrt(np.clip(match_factor / 500 - 1, 0.0, 1.0)))
        faint = query.mass[query.intensity < NOISE_FLOOR]
        turned = np.arctan2(_norms_from(np.sqrt(faint), faint.searchsorted(self._begin)), self._whole)
        angle = np.where((self._whole > 0) | (turned > 0), least + turned + 1e-6, NEVER)
        return self._rows(self._possible(angle, index.turn[index.knot(query.start)], 0))

    def _rows(self, places: Ints) -> Ints:
        return np.sort(self._index.order[places]).astype(np.int64)

    def _possible(self, angle: Floats, turn: Array | None, top: int) -> Ints:
        """Places, ascending, among which all rows within an angle are and, if asked for, the best ``top``.

        Parameters
        ----------
        angle : (groups,) what rows of each scan start may be away, `NEVER` where no row can be meant.
        turn : (blocks,) how far each block's rows may be turned by weak ions, None where these do not count.
        """
        places, weak = np.empty(0, np.int64), turn is not None
        for stage, (upto, ahead) in enumerate(self._stops()):
            self._read(upto)
            if stage == 0:
                portion = np.divide(self._product, self._norm, out=self._index.work("portion", np.float32))
                likely = np.sort(top_rows(portion.reshape(-1)[: len(self._index)], 2 * top))
                angle = self._nearer(angle, likely, self._in_full(likely), top)
                places = self._standing(portion, angle, turn)
            else:
                places = self._within(places, self._product.reshape(-1)[places], angle, weak, self._unseen())
            if len(places) * RESCORING * (1 - LEFT) < ahead:
                break
        product = self._in_full(places)
        angle = self._nearer(angle, places, product, top)
        return self._within(places, product, angle, weak, 0 * angle)

    def _stops(self) -> list[tuple[int, int]]:
        """How many columns are read before rows are ruled out, and the postings from there to the next."""
        last, ends = len(self._mass), self._postings
        hidden = (self._weight[self._falling[::-1]] ** 2).cumsum()[::-1]
        levels = (int((hidden > part**2 * hidden[0]).sum()) for part in SEEN if last)
        worth = {at for at in levels if at > self._done and ends[last] - ends[at] > FEW}
        stops = [*([self._done] if 0 < self._done < last else []), *sorted(worth), last]
        return [(at, int(ends[then] - ends[at])) for at, then in zip(stops, [*stops[1:], last], strict=True)]

    def _read(self, upto: int) -> None:
        """Add the columns of the query's ions that gain most, up to a number of them."""
        some = self._falling[self._done : upto]
        self._index.add(self._mass[some], self._weight[some], self._product.reshape(-1))
        self._done = max(self._done, upto)

    def _unseen(self) -> Floats:
        """(groups,) norm of what is not read yet of the query, over the masses from each scan start on."""
        left = self._weight.copy()
        left[self._falling[: self._done]] = 0.0
        return _norms_from(left, self._first)

    def _nearer(self, angle: Floats, places: Ints, product: Array, top: int) -> Floats:
        """The angle, or a smaller one that ``top`` of these places, ascending, are within.

        Parameters
        ----------
        product : (k,) as `_in_full` tells it.
        """
        if not top or len(places) < top:
            return angle
        norm = self._of(self._whole, places) * self._norm.reshape(-1)[places]
        cosine = np.where(self._index.early[places], 0.0, share(product * self._loss, norm))
        least = np.partition(cosine, len(places) - top)[len(places) - top]
        nearer: Floats = np.minimum(angle, np.arccos(np.clip(least, 0.0, 1.0)))
        return nearer

    def _standing(self, portion: Array, angle: Floats, turn: Array | None) -> Ints:
        """Places, ascending, of what whole blocks of rows do not rule out; some that each row alone would."""
        block, group, first = self._index.spans
        seen, away = self._away(angle, self._unseen())
        turned = away[group] if turn is None else away[group] + turn[block]
        need = np.minimum.reduceat(np.maximum(seen[group] * np.cos(turned) * self._loss, 0.0), first)
        mask = self._index.work("mask", np.bool_)
        places = np.flatnonzero(np.greater_equal(portion, need.astype(np.float32)[:, None], out=mask))
        return places[: np.searchsorted(places, len(self._index))]

    def _within(self, places: Ints, product: Array, angle: Floats, weak: bool, unseen: Floats) -> Ints:
        """The places, ascending, that may be within the angle.

        With w the norm of a row's weak ions, cos(a + arctan(w/l)) = (l·cos a − w·sin a)/√(l² + w²).
        """
        seen, away = self._away(angle, unseen)
        norm = self._norm.reshape(-1)[places]
        need = self._of(seen * np.cos(away) * self._loss, places) * norm
        if weak:
            turning, norm = self._index.weak[places], np.where(norm > NOTHING, norm, 0.0)
            need = norm * (need - self._of(seen * np.sin(away) * self._loss, places) * turning)
            product = product * np.hypot(norm, turning)
        return places[product >= need]

    def _away(self, angle: Floats, unseen: Floats) -> tuple[Floats, Floats]:
        """(groups,) each: S, and α + arctan(R/S), at most π; what no row reaches where none is meant."""
        seen = np.sqrt(np.maximum(self._whole**2 - unseen**2, 0.0))
        away = np.minimum(angle + np.arctan2(unseen, seen), np.pi)
        never = angle == NEVER
        return np.where(never, BEYOND, seen), np.where(never, 0.0, away)

    def _of(self, groups: Floats, places: Ints) -> Floats:
        """(k,) float64: what holds for the scan start of each place, ascending."""
        bounds = places.searchsorted(self._index.group)
        return groups.repeat(bounds[1:] - bounds[:-1])

    def _in_full(self, places: Ints) -> Array:
        """(k,) float32: products of rows with the whole query; too large for rows that are `early`."""
        if self._done == len(self._mass):
            return self._product.reshape(-1)[places]
        factors = np.zeros(AXIS, np.float32)
        factors[self._mass] = np.sqrt(self._mass) * self._weight
        return self._index.products(places, factors)


def _divides(bounds: Array, parts: int, whole: int) -> bool:
    """Whether ``bounds`` are those of so many parts of a whole, one after the other."""
    return (
        len(bounds) == parts + 1
        and (bounds[0], bounds[-1]) == (0, whole)
        and bool((np.diff(bounds) >= 0).all())
    )


def _spans(group: Ints) -> tuple[Ints, Ints, Ints]:
    """Of pairs of a block and a group that meet: the block, the group; and the first pair of each block."""
    begin = np.union1d(np.arange(0, group[-1], BLOCK), group[:-1])
    block = begin // BLOCK
    first = np.flatnonzero(np.diff(block, prepend=-1))
    return block, np.searchsorted(group, begin, side="right") - 1, first


def _dense(query: UnitSpectrum) -> Floats:
    """(AXIS,) float64: intensity of the query's ions of at least 2, 0 elsewhere."""
    counted = query.intensity >= NOISE_FLOOR
    dense = np.zeros(AXIS)
    dense[query.mass[counted]] = query.intensity[counted]
    return dense


def _counted(query: UnitSpectrum) -> tuple[Ints, Floats]:
    """Masses, ascending, and weights √(m·I) of the query's ions of at least 2 that are compared."""
    counted = (query.intensity >= NOISE_FLOOR) & (query.mass >= query.start)
    mass = query.mass[counted].astype(np.int64)
    return mass, np.sqrt(mass * query.intensity[counted].astype(np.float64))


def _norms_from(weight: Floats, first: Ints) -> Floats:
    """(k,) float64: norm of the weights from each position ``first`` on."""
    tail = np.zeros(len(weight) + 1)
    tail[:-1] = (weight[::-1] ** 2).cumsum()[::-1]
    norms: Floats = np.sqrt(tail[first])
    return norms


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
