"""Exact library search over several releases at once.

Promises: every hit carries the NIST match factor and reverse match factor of the best entry of its
compound; a compound takes one place, whatever number of spectra or releases it has. Entries are compared
in full, best pre-search cosine first, until no other can be among the best ``top`` by match factor (its
bound is 500·(1 + cosine²), see `library.index.nominal`) or until `MOST_COMPARED` have been: so a compound
among the best by match factor is missed only where the best ``top`` are poor themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from library.index.nominal import Index
from library.release import Reference, Release
from spectra.model import Floats, Ints, MassSpectrum
from spectra.similarity.mass import UnitSpectrum, unit_mass
from spectra.similarity.match_factor import Matches, match_factors

FIRST_COMPARED = 200
MOST_COMPARED = 1400
CELLS_AT_ONCE = 4_000_000  # queries x entries of one pre-search block
QUERIES_AT_ONCE = 64
PURE = 0.9
ISOTOPOLOGUE_HANDICAP = 50.0  # nobody hands in a labelled standard: it has to fit clearly better

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
    purity: Sequence[float] | None = None,
) -> list[list[Hit]]:
    """The best ``top`` compounds for each spectrum, best first.

    Parameters
    ----------
    releases : searched together; a compound in several is named from where it scores best.
    spectra : centroid spectra of any mass accuracy; they are binned to unit mass.
    mz_low : where the scans started, in Th; the first ion of each spectrum is taken where not given.
    purity : 0..1 per spectrum, share of its signal that is one compound's, as deconvolution tells; 1 where
        not given. Hits rank by match factor down to `PURE`, by `robust_score` below it.

    Returns
    -------
    One list per spectrum, at most ``top`` hits; shorter where fewer entries share an ion with it. Equal
    scores stand in the order of releases and entries.
    """
    purities = [1.0] * len(spectra) if purity is None else purity
    queries = [
        _Query(unit_mass(spectrum.mz, spectrum.intensity, mz_low=mz_low), share >= PURE)
        for spectrum, share in zip(spectra, purities, strict=True)
    ]
    each = [_search_one(release, queries, top) for release in releases]
    return [_best(releases, compared, top) for compared in zip(*each, strict=True)] or [[] for _ in queries]


@dataclass(frozen=True, slots=True, eq=False)
class _Query:
    spectrum: UnitSpectrum
    pure: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """Entries of one release compared with a query, and their scores."""

    rows: Ints
    matches: Matches
    score: Floats


def _search_one(release: Release, queries: Sequence[_Query], top: int) -> Iterator[_Compared]:
    index = _index(release)
    block = max(1, min(QUERIES_AT_ONCE, CELLS_AT_ONCE // max(1, len(release))))
    for first in range(0, len(queries), block):
        some = queries[first : first + block]
        for query, cosine in zip(some, index.cosines([query.spectrum for query in some]), strict=True):
            yield _compare(release, query, cosine, top)


def _compare(release: Release, query: _Query, cosine: Floats, top: int) -> _Compared:
    """Entries by falling cosine, until no other can reach the best ``top`` compounds by match factor."""
    order = _falling(cosine, MOST_COMPARED)
    parts: list[Matches] = []
    done, step = 0, FIRST_COMPARED
    while done < len(order) and not (parts and _settled(release, order[: done + 1], cosine, parts, top)):
        rows = order[done : done + step]
        parts.append(match_factors(query.spectrum, release.units, rows))
        done, step = done + len(rows), 2 * step
    matches = _joined(parts)
    score = matches.match_factor if query.pure else robust_score(matches)
    rows = order[:done]
    return _Compared(rows, matches, score - ISOTOPOLOGUE_HANDICAP * release.labelled[rows])


def _settled(release: Release, rows: Ints, cosine: Floats, parts: Sequence[Matches], top: int) -> bool:
    """Whether ``top`` compounds lie above what the last of ``rows``, not yet compared, could reach."""
    reachable = 500 * (1 + cosine[rows[-1]] ** 2)
    above = np.concatenate([part.match_factor for part in parts]) >= reachable
    return len(np.unique(release.compound_key[rows[:-1][above]])) >= top


def _joined(parts: Sequence[Matches]) -> Matches:
    fields = Matches.__slots__
    return Matches(
        *(np.concatenate([np.empty(0), *(getattr(part, name) for part in parts)]) for name in fields)
    )


def robust_score(matches: Matches) -> Floats:
    """(rows,) float64, 0..1000: (10·MF + 3·RMF + 3·1000·plain cosine²) / 16.

    The match factor weighs weak heavy ions, which serves a clean spectrum and misleads one that holds part of
    another compound. Share of right compounds at rank 1 by MF and by this score, with 0, 10 and 30 % of
    another spectrum added: replicates within SWGDRUG 3.9 (266 queries) 83.5 | 83.5, 77.8 | 81.6, 62.0 | 74.8;
    MassBank EI between laboratories (500 queries) 68.0 | 68.8, 67.6 | 68.0, 63.2 | 65.4.
    """
    strong = 1000 * matches.plain_cosine**2
    return (10 * matches.match_factor + 3 * matches.reverse_match_factor + 3 * strong) / 16


def _falling(cosine: Floats, most: int) -> Ints:
    """Rows that share an ion with the query, by falling cosine, at most ``most``."""
    rows = np.flatnonzero(cosine > 0)
    if len(rows) > most:
        rows = rows[np.argpartition(-cosine[rows], most)[:most]]
    return rows[np.argsort(-cosine[rows], kind="stable")]


def _best(releases: Sequence[Release], compared: Sequence[_Compared], top: int) -> list[Hit]:
    """The best entry of each compound over all releases, the best ``top`` of these."""
    place = np.repeat(np.arange(len(compared)), [len(one.rows) for one in compared])
    within = np.concatenate([np.arange(len(one.rows)) for one in compared])
    rows = np.concatenate([one.rows for one in compared])
    score = np.concatenate([one.score for one in compared])
    keys = np.concatenate([r.compound_key[c.rows] for r, c in zip(releases, compared, strict=True)])
    order = np.lexsort((rows, place, -score))
    first = np.sort(np.unique(keys[order], return_index=True)[1])[:top]
    return [_hit(releases[place[k]], compared[place[k]], int(within[k])) for k in order[first]]


def _hit(release: Release, compared: _Compared, k: int) -> Hit:
    matches = compared.matches
    return Hit(
        reference=release.entry(int(compared.rows[k])),
        match_factor=float(matches.match_factor[k]),
        reverse_match_factor=float(matches.reverse_match_factor[k]),
        matched_ions=int(matches.common[k]),
        cosine=float(matches.cosine[k]),
        score=max(float(compared.score[k]), 0.0),
    )


def _index(release: Release) -> Index:
    if release not in _indexes:
        _indexes[release] = Index(release.units)
    return _indexes[release]
