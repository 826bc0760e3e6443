"""The optical spectra of several releases in one numbering, as if all were measured the way a query was.

Promises: what is worked out for a reference (moved along the axis, above its baseline, its area) is kept
with its release, so that the next sample of the same materials does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from library.index.profiles import derived
from library.record import SpectrumKind
from library.release import Reference, Release
from library.sampling import WAYS, ways_of
from library.substances import load_substances
from spectra.model import Floats, Ints, OpticalSpectrum
from spectra.optical.air import dried
from spectra.optical.conditioning import baseline
from spectra.optical.sampling import Sampling, converted, power, scale
from spectra.optical.shifts import MOVES
from spectra.similarity.optical import CommonAxis, Profile, derivative, profile

MOVED_KEPT = 300  # of each release: 90 kB each; most samples hold the same few
CURVES_KEPT = 3000  # of each release: 9 kB each
LEAST_COVERED = 0.9  # of a query's range that a reference must cover to be a part of it

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """An amount of 1 of one row: as absorbance, and the area of that as transmission would show it."""

    curve: Floats  # (n,), above its baseline
    strength: float  # > 0


_Store = WeakKeyDictionary[Release, dict[tuple[int, int, int, Sampling], T]]

_moved_of: _Store[Floats] = WeakKeyDictionary()
_units_of: _Store[Unit] = WeakKeyDictionary()
_watched_of: WeakKeyDictionary[Release, dict[SpectrumKind, dict[str, list[int]]]] = WeakKeyDictionary()


class Rows:
    """The rows of all releases, as if measured otherwise where ``powers`` says so.

    Parameters
    ----------
    window : points of the smoothing derivative that rows are compared by.
    powers : (rows,) of the wavenumber by which absorbance is multiplied (`spectra.optical.sampling`); none
        where not given.
    query : how the spectrum they are compared with was measured; shares of ATR and of transmission spectra
        are then of the same.
    """

    def __init__(
        self,
        releases: Sequence[Release],
        kind: SpectrumKind,
        axis: CommonAxis,
        window: int,
        powers: Ints | None = None,
        query: Sampling = Sampling.UNKNOWN,
    ) -> None:
        self.axis, self.window, self.kind, self.query = axis, window, kind, query
        self.releases = [release for release in releases if len(release.rows(kind))]
        self._index = [release.index(kind) for release in self.releases]
        self._first = [int(release.rows(kind)[0]) for release in self.releases]
        self._ends = np.cumsum([0, *(len(index["first"]) for index in self._index)])
        self._blocks = [index[derived(window)] for index in self._index]
        self.powers = np.zeros(len(self), np.int64) if powers is None else powers

    def __len__(self) -> int:
        return int(self._ends[-1])

    def as_seen(self, query: Sampling, powers: Ints) -> Rows:
        """The same rows beside a spectrum that was measured that way."""
        return Rows(self.releases, self.kind, self.axis, self.window, powers, query)

    @cached_property
    def sampling(self) -> list[Sampling]:
        """How each row was measured, as its record says."""
        return [WAYS[way] for release in self.releases for way in ways_of(release, self.kind).tolist()]

    @cached_property
    def watched(self) -> dict[str, list[int]]:
        """Rows of substances on the watch list, by key."""
        found: dict[str, list[int]] = {}
        for release, start in zip(self.releases, self._ends, strict=False):
            for key, numbers in _watched(release, self.kind).items():
                found.setdefault(key, []).extend(int(start) + number for number in numbers)
        return found

    def usable(self, one: Profile) -> NDArray[np.bool_]:
        """(rows,) bool: those measured over nearly all of the range of the query."""
        if not len(self):
            return np.zeros(0, bool)
        first = np.concatenate([index["first"] for index in self._index])
        last = np.concatenate([index["last"] for index in self._index])
        common = np.minimum(last, one.last) - np.maximum(first, one.first)
        return np.asarray(common >= LEAST_COVERED * len(one))

    def likeness(self, curves: Floats) -> Floats:
        """(rows, curves) float64: product of each row, of length 1, with each curve."""
        out = np.zeros((len(self), len(curves)))
        for number in np.unique(self.powers).tolist():
            factor = scale(self.axis.x, number)
            products = [block @ (factor * curves).T.astype(block.dtype) for block in self._blocks]
            chosen = self.powers == number
            out[chosen] = np.concatenate(products)[chosen] / self._lengths(number)[chosen, None]
        return out

    def slopes(self, rows: Sequence[int]) -> Floats:
        """(rows, n) float64, of length 1."""
        places = [self._where(row) for row in rows]
        slopes = np.array([self._blocks[place][inside] for place, inside in places], np.float64)
        factors = np.array([scale(self.axis.x, number) for number in self.powers[list(rows)].tolist()])
        slopes = slopes.reshape(len(places), len(self.axis)) * factors.reshape(len(places), -1)
        lengths: Floats = np.maximum(np.linalg.norm(slopes, axis=1), 1e-12)
        return np.asarray(slopes / lengths[:, None], np.float64)

    def moved(self, row: int) -> Floats:
        """(moves, n) float64: the slope of the reference as it was measured, moved; in the row's unit."""
        return self._kept(row, _moved_of, MOVED_KEPT, self._read_moved)

    def __getitem__(self, row: int) -> Unit:
        return self._kept(row, _units_of, CURVES_KEPT, self._made)

    def entry(self, row: int) -> Reference:
        place, inside = self._where(row)
        return self.releases[place].entry(self._first[place] + inside)

    def compound(self, row: int) -> int:
        place, inside = self._where(row)
        return int(self.releases[place].compound_key[self._first[place] + inside])

    def _where(self, row: int) -> tuple[int, int]:
        place = int(np.searchsorted(self._ends, row, side="right")) - 1
        return place, row - int(self._ends[place])

    def _lengths(self, number: int) -> Floats:
        """(rows,) what rows of length 1 are as long as once they are multiplied."""
        if not number or not len(self):
            return np.ones(len(self))
        square = scale(self.axis.x, number) ** 2
        sums = [np.einsum("ij,ij,j->i", block, block, square.astype(block.dtype)) for block in self._blocks]
        return np.maximum(np.sqrt(np.concatenate(sums).astype(np.float64)), 1e-12)

    def _kept(self, row: int, store: _Store[T], most: int, make: Callable[[int], T]) -> T:
        place, inside = self._where(row)
        kept = store.setdefault(self.releases[place], {})
        key = (self._first[place] + inside, self.window, int(self.powers[row]), self.query)
        if key not in kept:
            while len(kept) >= most:
                kept.pop(next(iter(kept)))
            kept[key] = make(row)
        return kept[key]

    def _curve(self, row: int) -> OpticalSpectrum:
        curve = self.entry(row).curve
        if curve is None:
            raise TypeError(row)
        return converted(dried(curve, self.axis), int(self.powers[row]))

    def _read_moved(self, row: int) -> Floats:
        curve = self._curve(row)
        slopes = [
            derivative(profile(curve, self.axis, shift=-float(move)), self.axis, self.window)
            for move in MOVES
        ]
        return np.array([one.y for one in slopes]) / _length(slopes[len(MOVES) // 2])

    def _made(self, row: int) -> Unit:
        one = profile(self._curve(row), self.axis)
        curve = one.y - baseline(one, self.axis)
        curve = curve / _length(derivative(one, self.axis, self.window))
        upright = scale(self.axis.x, power(self.query, Sampling.TRANSMISSION))
        return Unit(curve, max(self.axis.step * float(curve @ upright), 1e-12))


def _length(slope: Profile) -> float:
    inside = slope.y[slope.first : slope.last]
    return float(np.linalg.norm(inside - inside.mean())) or 1.0


def _watched(release: Release, kind: SpectrumKind) -> dict[str, list[int]]:
    """Rows of a kind, counted from its first, of substances on the watch list, by key."""
    of_kinds = _watched_of.setdefault(release, {})
    if kind not in of_kinds:
        watched = {one.key for one in load_substances() if one.watch}
        of_kinds[kind] = {}
        for row, entry in enumerate(release.rows(kind)):
            parent = release.text("parent", int(entry))
            if parent in watched:
                of_kinds[kind].setdefault(parent, []).append(row)
    return of_kinds[kind]
