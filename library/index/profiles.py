"""Infrared and Raman spectra of a release as dense rows on one common axis.

Promises: the hit quality index of a query with every entry, exactly, over the range both were measured in;
a query that is a little shifted along the axis is tried at several places in the same pass over the rows.
Refuses to compare over less than half of the axis: such pairs score 0.

Each row is centred and scaled to length 1 over its own range and 0 outside it. The correlation over a
common range follows from one product and from sums of either side, because shifting and scaling a row
does not change it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.index.scatter import top_rows
from spectra.errors import InvalidMeasurement
from spectra.model import Floats, Ints, OpticalSpectrum
from spectra.similarity.optical import (
    LEAST_SHARE,
    PERFECT,
    WINDOWS,
    CommonAxis,
    Profile,
    derivative,
    profile,
    window_for,
)

Array = NDArray[Any]

PLAIN = "plain"
SHIFTS = (-4.0, -2.0, 0.0, 2.0, 4.0)  # cm⁻¹ tried
RANGES_KEPT = 8
QUERIES_AT_ONCE = 32


def derived(window: int) -> str:
    """Name of the array of derivatives over ``window`` points."""
    return f"derivative_{window}"


MEASURES = (PLAIN, *(derived(window) for window in WINDOWS))


def build(spectra: Iterable[OpticalSpectrum], axis: CommonAxis) -> dict[str, Array]:
    """Arrays of the index, one row per spectrum, in order.

    Returns
    -------
    One (rows, len(axis)) float32 array for each of `MEASURES`; ``first``, ``last`` (rows,) int32, the range
    measured. A spectrum that cannot be compared (single beam, in nm, too short) has the range 0 to 0.
    """
    made = [_rows(spectrum, axis) for spectrum in spectra]
    arrays: dict[str, Array] = {
        measure: np.array([row[place].y for row in made], np.float32).reshape(len(made), len(axis))
        for place, measure in enumerate(MEASURES)
    }
    arrays["first"] = np.array([row[0].first for row in made], np.int32)
    arrays["last"] = np.array([row[0].last for row in made], np.int32)
    return arrays


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A query against all rows.

    Parameters
    ----------
    score : (rows,) float64, 0..1000, the best over the shifts tried.
    shift : (rows,) float64, cm⁻¹ at which it was reached; positive if the query's bands lie too high.
    measure : of `MEASURES`.
    """

    score: Floats
    shift: Floats
    measure: str

    def top(self, most: int) -> Ints:
        """Row numbers of the ``most`` best, best first, equal scores by row; none that scores 0."""
        rows = top_rows(self.score, most)
        return rows[self.score[rows] > 0]


class ProfileIndex:
    """The rows that `build` made, mapped or in memory."""

    def __init__(self, arrays: Mapping[str, Array], axis: CommonAxis) -> None:
        self.axis = axis
        self._rows = {measure: arrays[measure] for measure in MEASURES}
        self._first = np.asarray(arrays["first"], np.int64)
        self._last = np.asarray(arrays["last"], np.int64)
        self._sums: dict[tuple[str, int, int], tuple[Floats, Floats]] = {}

    def __len__(self) -> int:
        return len(self._first)

    def compare(
        self,
        queries: Sequence[OpticalSpectrum],
        *,
        measure: str | None = None,
        shifts: Sequence[float] = SHIFTS,
    ) -> list[Compared]:
        """Each query with every row.

        Parameters
        ----------
        measure : of `MEASURES`; the derivative that suits each query's noise where not given.
        shifts : cm⁻¹ tried, at least one.

        Raises
        ------
        InvalidMeasurement : see `spectra.similarity.optical.profile`.
        """
        asked = [_query(query, self.axis, measure, shifts) for query in queries]
        found: dict[int, Compared] = {}
        for each in dict.fromkeys(query.measure for query in asked):
            some = [place for place, query in enumerate(asked) if query.measure == each]
            for start in range(0, len(some), QUERIES_AT_ONCE):
                block = some[start : start + QUERIES_AT_ONCE]
                found |= zip(block, self._block([asked[place] for place in block], each), strict=True)
        return [found[place] for place in range(len(asked))]

    def pair(self, query: OpticalSpectrum, row: int, measure: str, shift: float) -> float:
        """Hit quality index of a query moved by ``shift`` cm⁻¹ and one row, by any measure, 0..1000."""
        one = _query(query, self.axis, measure, (shift,))
        alone = {name: rows[row : row + 1] for name, rows in self._rows.items()}
        alone |= {"first": self._first[row : row + 1], "last": self._last[row : row + 1]}
        return float(ProfileIndex(alone, self.axis)._block([one], measure)[0].score[0])

    def _block(self, queries: Sequence[_Query], measure: str) -> list[Compared]:
        columns = np.concatenate([query.y for query in queries]).astype(np.float32)
        products = np.asarray(columns @ self._rows[measure].T, np.float64)
        ends = np.cumsum([0, *(len(query.y) for query in queries)])
        return [
            self._compared(query, products[start:end])
            for query, (start, end) in zip(queries, pairwise(ends), strict=True)
        ]

    def _compared(self, query: _Query, products: Floats) -> Compared:
        best, shift = np.zeros(len(self)), np.zeros(len(self))
        for y, product, moved in zip(query.y, products, query.shifts, strict=True):
            score = self._score(y, product, query)
            better = score > best
            best[better], shift[better] = score[better], moved
        return Compared(best, shift, query.measure)

    def _score(self, y: Floats, product: Floats, query: _Query) -> Floats:
        """1000·r² over the common range, 0 where r < 0 or the range is too short."""
        begin, end = np.maximum(self._first, query.first), np.minimum(self._last, query.last)
        count = end - begin
        enough = count >= LEAST_SHARE * len(self.axis)
        sum_q, square_q = (_between(values, begin, end, enough) for values in (y, y**2))
        sum_r, square_r = self._row_sums(query)
        points = np.where(enough, count, 1)
        norm = (square_q - sum_q**2 / points) * (square_r - sum_r**2 / points)
        together = np.maximum(product - sum_q * sum_r / points, 0.0)
        share = np.divide(together**2, norm, out=np.zeros(len(self)), where=enough & (norm > 1e-12))
        return np.asarray(PERFECT * np.minimum(share, 1.0), np.float64)

    def _row_sums(self, query: _Query) -> tuple[Floats, Floats]:
        """(rows,) sum and (rows,) sum of squares of each row within the query's range."""
        key = (query.measure, query.first, query.last)
        if key not in self._sums:
            while len(self._sums) >= RANGES_KEPT:
                self._sums.pop(next(iter(self._sums)))
            if query.first == 0 and query.last == len(self.axis):
                filled = (self._last > self._first).astype(np.float64)
                self._sums[key] = np.zeros(len(self)), filled
            else:
                inside = self._rows[query.measure][:, query.first : query.last]
                squares = np.einsum("ij,ij->i", inside, inside, dtype=np.float64)
                self._sums[key] = inside.sum(axis=1, dtype=np.float64), squares
        return self._sums[key]


@dataclass(frozen=True, slots=True, eq=False)
class _Query:
    y: Floats  # (shifts, places): centred, of length 1 and 0 outside the range
    first: int
    last: int
    measure: str
    shifts: Sequence[float]


def _rows(spectrum: OpticalSpectrum, axis: CommonAxis) -> tuple[Profile, ...]:
    try:
        one = profile(spectrum, axis)
    except InvalidMeasurement:
        return (Profile(np.zeros(len(axis)), 0, 0),) * len(MEASURES)
    return tuple(_unit(each) for each in (one, *(derivative(one, axis, window) for window in WINDOWS)))


def _query(
    spectrum: OpticalSpectrum, axis: CommonAxis, measure: str | None, shifts: Sequence[float]
) -> _Query:
    moved = [profile(spectrum, axis, shift=shift) for shift in shifts]
    first, last = max(one.first for one in moved), min(one.last for one in moved)
    chosen = measure or derived(window_for(moved[len(moved) // 2], axis))
    if chosen != PLAIN:
        window = int(chosen.rpartition("_")[2])
        moved = [derivative(one, axis, window) for one in moved]
    whole = [Profile(one.y, first, last) for one in moved]
    return _Query(np.array([_unit(one).y for one in whole]), first, last, chosen, shifts)


def _unit(one: Profile) -> Profile:
    """Centred on its mean and of length 1 over its range, 0 outside it and where it is flat."""
    values = np.zeros(len(one.y))
    inside = one.y[one.first : one.last] - one.y[one.first : one.last].mean()
    length = float(np.sqrt(inside @ inside))
    flat = length <= 1e-9 * float(np.abs(one.y).max(initial=0.0))
    values[one.first : one.last] = 0.0 if flat or not length else inside / length
    return Profile(values, one.first, one.last)


def _between(values: Floats, begin: Ints, end: Ints, enough: NDArray[np.bool_]) -> Floats:
    """(rows,) sum of ``values[begin:end]`` of each row; 0 where that is not ``enough``."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    return np.where(enough, total[np.where(enough, end, 0)] - total[np.where(enough, begin, 0)], 0.0)
