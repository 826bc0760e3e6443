"""Exact library search over several releases at once.

Promises: every hit carries the NIST match factor and reverse match factor of the best entry of its
compound; a compound takes one place, whatever number of spectra or releases it has. The best ``top`` are
exact whenever the last of them scores above what the first entry not compared could reach
(500·(1 + cosine²), see `library.index`); entries are compared until that holds or `MOST_COMPARED` are.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from library.index import Index
from library.release import Reference, Release
from spectra.model import Floats, Ints, MassSpectrum
from spectra.similarity.mass import Matches, UnitSpectrum, match_factors, unit_mass

FIRST_COMPARED = 200
MOST_COMPARED = 3200
CELLS_AT_ONCE = 4_000_000  # queries x entries of one pre-search block
QUERIES_AT_ONCE = 64

_indexes: WeakKeyDictionary[Release, Index] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A reference that resembles a query.

    Parameters
    ----------
    match_factor, reverse_match_factor : 0..1000, see `spectra.similarity.mass.match_factors`.
    matched_ions : ions in both.
    cosine : 0..1, weights √(m·I).
    score : what hits are ranked by, 0..1000.
    """

    reference: Reference
    match_factor: float
    reverse_match_factor: float
    matched_ions: int
    cosine: float
    score: float


def search(
    releases: Sequence[Release],
    spectra: Sequence[MassSpectrum],
    *,
    top: int = 10,
    mz_low: float | None = None,
) -> list[list[Hit]]:
    """The best ``top`` compounds for each spectrum, best first.

    Parameters
    ----------
    releases : searched together; a compound in several is named from where it scores best.
    spectra : centroid spectra of any mass accuracy; they are binned to unit mass.
    mz_low : where the scans started, in Th; the first ion of each spectrum is taken where not given.

    Returns
    -------
    One list per spectrum, at most ``top`` hits; shorter where fewer entries share an ion with it. Equal
    scores stand in the order of releases and entries.
    """
    queries = [unit_mass(spectrum.mz, spectrum.intensity, mz_low=mz_low) for spectrum in spectra]
    found: list[list[_Scored]] = [[] for _ in queries]
    for place, release in enumerate(releases):
        for number, scored in enumerate(_search_one(place, release, queries, top)):
            found[number] += scored
    return [[_hit(releases, scored) for scored in _best(scored, top)] for scored in found]


@dataclass(frozen=True, slots=True, order=True)
class _Scored:
    """An entry compared; orders best first."""

    rank: tuple[float, int, int]  # -score, release, row
    compound: int
    match_factor: float
    reverse_match_factor: float
    matched_ions: int
    cosine: float


def _search_one(
    place: int, release: Release, queries: Sequence[UnitSpectrum], top: int
) -> Iterator[list[_Scored]]:
    index = _index(release)
    block = max(1, min(QUERIES_AT_ONCE, CELLS_AT_ONCE // max(1, len(release))))
    for first in range(0, len(queries), block):
        some = queries[first : first + block]
        for query, cosine in zip(some, index.cosines(some), strict=True):
            yield _compare(place, release, query, cosine, top)


def _compare(place: int, release: Release, query: UnitSpectrum, cosine: Floats, top: int) -> list[_Scored]:
    """The best compounds of one release: entries by falling cosine, until no other can come in."""
    order = _falling(cosine, MOST_COMPARED)
    best: list[_Scored] = []
    done, step = 0, FIRST_COMPARED
    while done < len(order):
        rows = order[done : done + step]
        best = _best(best + _scored(place, release, rows, match_factors(query, release.units, rows)), top)
        done, step = done + len(rows), 2 * step
        reachable = 500 * (1 + cosine[order[done]] ** 2) if done < len(order) else 0.0
        if len(best) == top and -best[-1].rank[0] >= reachable:
            break
    return best


def _falling(cosine: Floats, most: int) -> Ints:
    """Rows that share an ion with the query, by falling cosine, at most ``most``."""
    rows = np.flatnonzero(cosine > 0)
    if len(rows) > most:
        rows = rows[np.argpartition(-cosine[rows], most)[:most]]
    return rows[np.argsort(-cosine[rows], kind="stable")]


def _scored(place: int, release: Release, rows: Ints, matches: Matches) -> list[_Scored]:
    compounds = release.compound_key[rows]
    return [
        _Scored(
            (-float(matches.match_factor[k]), place, int(rows[k])),
            int(compounds[k]),
            float(matches.match_factor[k]),
            float(matches.reverse_match_factor[k]),
            int(matches.common[k]),
            float(matches.cosine[k]),
        )
        for k in np.flatnonzero(matches.common)
    ]


def _best(scored: Sequence[_Scored], top: int) -> list[_Scored]:
    """The best entry of each compound, the best ``top`` of these."""
    best: dict[int, _Scored] = {}
    for one in scored:
        other = best.get(one.compound)
        if other is None or one < other:
            best[one.compound] = one
    return heapq.nsmallest(top, best.values())


def _hit(releases: Sequence[Release], scored: _Scored) -> Hit:
    _, place, row = scored.rank
    return Hit(
        reference=releases[place].entry(row),
        match_factor=scored.match_factor,
        reverse_match_factor=scored.reverse_match_factor,
        matched_ions=scored.matched_ions,
        cosine=scored.cosine,
        score=-scored.rank[0],
    )


def _index(release: Release) -> Index:
    if release not in _indexes:
        _indexes[release] = Index(release)
    return _indexes[release]
