"""Exact search of infrared or Raman spectra over several releases at once.

Promises: every compound takes one place, with its best entry; hits are ranked by the derivative hit quality
index, which no sloping baseline changes, and show the plain one beside it; a query that is shifted a few
cm⁻¹ is found, and the hit says by how much. Refuses a query that cannot be compared, by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from library.index.profiles import PLAIN, Compared, ProfileIndex
from library.record import SpectrumKind
from library.release import Reference, Release
from library.segments import AXES
from spectra.errors import InvalidMeasurement
from spectra.model import Axis, Ints, OpticalSpectrum

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
    """

    reference: Reference
    score: float
    correlation: float
    shift_cm1: float
    measure: str


_indexes: WeakKeyDictionary[Release, dict[SpectrumKind, ProfileIndex]] = WeakKeyDictionary()


def search(
    releases: Sequence[Release],
    queries: Sequence[OpticalSpectrum],
    *,
    kind: SpectrumKind = SpectrumKind.INFRARED,
    top: int = 10,
) -> list[list[Hit]]:
    """The best ``top`` compounds for each spectrum, best first.

    Parameters
    ----------
    kind : INFRARED or RAMAN.

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
    each = [index.compare(queries) for index in indexes]
    return [
        _best(releases, indexes, query, [column[number] for column in each], kind, top)
        for number, query in enumerate(queries)
    ]


def _best(
    releases: Sequence[Release],
    indexes: Sequence[ProfileIndex],
    query: OpticalSpectrum,
    compared: Sequence[Compared],
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
            shift = float(one.shift[row])
            correlation = indexes[place].pair(query, row, PLAIN, shift)
            taken[key] = Hit(release.entry(entry), float(one.score[row]), correlation, shift, one.measure)
    return list(taken.values())


def _leaders(release: Release, compared: Compared, kind: SpectrumKind, top: int) -> Ints:
    """The best row of each of the ``top`` best compounds, best first."""
    keys = release.compound_key[release.rows(kind)]
    asked = top
    while True:
        rows = compared.top(asked)
        first = np.sort(np.unique(keys[rows], return_index=True)[1])
        if len(first) >= top or len(rows) < asked:
            return rows[first[:top]]
        asked *= 4


def _index(release: Release, kind: SpectrumKind) -> ProfileIndex:
    known = _indexes.setdefault(release, {})
    if kind not in known:
        known[kind] = ProfileIndex(release.index(kind), AXES[kind])
    return known[kind]
