"""Exact search of infrared or Raman spectra over several releases at once.

Promises: every compound takes one place, with its best entry; hits are ranked by the derivative hit quality
index, which no sloping baseline changes, and show the plain one beside it; a query that is shifted a few
cm⁻¹ is found, and the hit says by how much; a query measured by ATR is compared with references measured by
transmission as if it were one, and the other way round; where a record does not say how it was measured, both
are tried, and the hit says what was taken. Refuses a query that cannot be compared, by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from library.index.profiles import PLAIN, Compared, ProfileIndex
from library.index.scatter import top_rows
from library.record import SpectrumKind
from library.release import Reference, Release
from library.sampling import WAYS, powers_between, ways_of
from library.segments import AXES
from spectra.errors import InvalidMeasurement
from spectra.model import Axis, Floats, Ints, OpticalSpectrum
from spectra.optical.sampling import Sampling, converted

_RECORDED = {SpectrumKind.INFRARED: Axis.WAVENUMBER, SpectrumKind.RAMAN: Axis.RAMAN_SHIFT}


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A reference that resembles a query.

    Parameters
    ----------
    score : 0..1000, derivative hit quality index at the best shift; hits are ranked by it.
    correlation : 0..1000, hit quality index of the absorbances themselves at that shift.
    shift_cm1 : by how much the query's bands lie higher than the reference's.
    measure : which derivative the query's noise allowed, of `library.index.profiles.MEASURES`.
    power : of the wavenumber that the query's absorbance was multiplied by: 1 if it is ATR and the reference
        transmission, −1 the other way round, 0 if they are alike.
    """

    reference: Reference
    score: float
    correlation: float
    shift_cm1: float
    measure: str
    power: int


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """A query against all rows of a release, each at its best power."""

    score: Floats
    shift: Floats
    power: Ints
    measure: str


_indexes: WeakKeyDictionary[Release, dict[SpectrumKind, ProfileIndex]] = WeakKeyDictionary()


def search(
    releases: Sequence[Release],
    queries: Sequence[OpticalSpectrum],
    *,
    kind: SpectrumKind = SpectrumKind.INFRARED,
    top: int = 10,
    sampling: Sequence[Sampling] | None = None,
) -> list[list[Hit]]:
    """The best ``top`` compounds for each spectrum, best first.

    Parameters
    ----------
    kind : INFRARED or RAMAN.
    sampling : how each query was measured; not known where not given.

    Returns
    -------
    One list per query, at most ``top`` hits. Equal scores stand in the order of releases and entries.

    Raises
    ------
    InvalidMeasurement : a query is of the other kind or cannot be compared; its title or number is named.
    """
    for number, query in enumerate(queries):
        if query.axis is not _RECORDED[kind]:
            name = query.title or f"spectrum {number + 1}"
            msg = f"{name}: expected {_RECORDED[kind]} for {kind}, found {query.axis}"
            raise InvalidMeasurement(msg)
    indexes = [_index(release, kind) for release in releases]
    ways = sampling or [Sampling.UNKNOWN] * len(queries)
    each = [
        _compared(index, queries, ways, ways_of(release, kind), kind)
        for release, index in zip(releases, indexes, strict=True)
    ]
    return [
        _best(releases, indexes, query, [column[number] for column in each], kind, top)
        for number, query in enumerate(queries)
    ]


def _compared(
    index: ProfileIndex,
    queries: Sequence[OpticalSpectrum],
    ways: Sequence[Sampling],
    of_rows: Ints,
    kind: SpectrumKind,
) -> list[_Compared]:
    """Each query with every row, at the best of the powers that both may need."""
    needed = [_powers(way, of_rows, kind) for way in ways]
    best = [_Compared(np.zeros(len(index)), np.zeros(len(index)), np.zeros(len(index), np.int64), "")] * len(
        ways
    )
    for number in (0, 1, -1):
        places = [k for k, allowed in enumerate(needed) if allowed[number].any()]
        found = index.compare([converted(queries[k], number) for k in places])
        for k, one in zip(places, found, strict=True):
            best[k] = _better(best[k], one, needed[k][number], number)
    return best


def _powers(way: Sampling, of_rows: Ints, kind: SpectrumKind) -> dict[int, NDArray[np.bool_]]:
    """(rows,) bool for each power: whether a query may have to be compared so with each row."""
    if kind is not SpectrumKind.INFRARED:
        return {number: np.full(len(of_rows), not number) for number in (0, 1, -1)}
    allowed = [powers_between(way, other) for other in WAYS]
    return {number: np.array([number in one for one in allowed])[of_rows] for number in (0, 1, -1)}


def _better(held: _Compared, one: Compared, allowed: NDArray[np.bool_], number: int) -> _Compared:
    ahead = allowed & (one.score > held.score)
    return _Compared(
        np.where(ahead, one.score, held.score),
        np.where(ahead, one.shift, held.shift),
        np.where(ahead, number, held.power),
        held.measure or one.measure,
    )


def _best(
    releases: Sequence[Release],
    indexes: Sequence[ProfileIndex],
    query: OpticalSpectrum,
    compared: Sequence[_Compared],
    kind: SpectrumKind,
    top: int,
) -> list[Hit]:
    """The best entry of each compound over all releases, the best ``top`` of these."""
    ranked = [
        (-float(one.score[row]), place, int(row))
        for place, (release, one) in enumerate(zip(releases, compared, strict=True))
        for row in _leaders(release, one, kind, top)
    ]
    taken: dict[int, Hit] = {}
    for _, place, row in sorted(ranked):
        release, one = releases[place], compared[place]
        entry = int(release.rows(kind)[row])
        key = int(release.compound_key[entry])
        if key not in taken and len(taken) < top:
            shift, number = float(one.shift[row]), int(one.power[row])
            correlation = indexes[place].pair(converted(query, number), row, PLAIN, shift)
            score = float(one.score[row])
            taken[key] = Hit(release.entry(entry), score, correlation, shift, one.measure, number)
    return list(taken.values())


def _leaders(release: Release, compared: _Compared, kind: SpectrumKind, top: int) -> Ints:
    """The best row of each of the ``top`` best compounds, best first."""
    keys = release.compound_key[release.rows(kind)]
    asked = top
    while True:
        rows = top_rows(compared.score, asked)
        rows = rows[compared.score[rows] > 0]
        first = np.sort(np.unique(keys[rows], return_index=True)[1])
        if len(first) >= top or len(rows) < asked:
            return rows[first[:top]]
        asked *= 4


def _index(release: Release, kind: SpectrumKind) -> ProfileIndex:
    known = _indexes.setdefault(release, {})
    if kind not in known:
        known[kind] = ProfileIndex(release.index(kind), AXES[kind])
    return known[kind]
