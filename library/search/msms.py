"""Search of product-ion spectra over several releases: the same compound, a similar spectrum, an analogue.

Promises: scores are exact (`library.index.fragments`); a compound takes one place however many energies,
spectra or releases it has, and says which were compared; one odd query never stops the others.
Refuses nothing that is a spectrum: a query without a usable ion, or without the precursor that a mode needs,
has no hits. In-source spectra (DART) are searched in the same way by ``kind``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from itertools import takewhile
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from library.index.fragments import FragmentIndex
from library.record import SpectrumKind
from library.release import Peaks, Reference, Release
from spectra.model import Floats, Ints, MassSpectrum
from spectra.similarity.accurate import (
    FRAGMENT_TOLERANCE,
    HIGHEST_MZ,
    PRECURSOR_TOLERANCE,
    Tolerance,
    inside,
    step,
    steps,
    windows,
)
from spectra.similarity.cleaning import BELOW_PRECURSOR, CleanSpectra, clean_spectrum
from spectra.similarity.cosine import cosines
from spectra.similarity.entropy import entropy_similarity

FULL_SCALE = 1000.0
SUPPORTING = 4
SUPPORT = 0.05
ROWS_PER_COMPOUND = 8  # fetched first; more where too few compounds are among them
INDISTINGUISHABLE = 250.0  # holds the right compound of MassBank queries in 95 of 100 cases


class Mode(StrEnum):
    """What a hit has in common with the query; the value is stable."""

    IDENTITY = "identity"  # precursor and fragments
    OPEN = "open"  # fragments, whatever the precursor
    HYBRID = "hybrid"  # fragments, or neutral losses: analogues


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A spectrum to be searched.

    Parameters
    ----------
    spectrum : centroid, accurate mass, as measured; it is cleaned here.
    precursor_mz : Th, None where not known: open search only.
    polarity : +1, −1, 0 where not known; references of the other polarity are left out.
    mz_low : where the scan started, in Th, None where not known.
    """

    spectrum: MassSpectrum
    precursor_mz: float | None = None
    polarity: int = 0
    mz_low: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A compound whose spectra resemble a query.

    Parameters
    ----------
    reference : its best spectrum.
    score : 0..1000, 1000 times the weighted entropy similarity with ``reference``.
    support : 0..200, what its next four spectra add to the score for ranking: 50 times their similarities.
        0 in open and hybrid search.
    consensus : 0..1000, the score of all its compared spectra merged into one.
    spectra : how many of its spectra were compared; ``energies`` those told, best spectrum first.
    matched_ions, shifted_ions : ions of equal m/z, and further ones of equal neutral loss (hybrid only).
    cosine : 0..1, with ``reference``, weights m/z·√I.
    precursor_error_ppm : of the query's precursor against the reference's, None where one is not known.
    precursor_difference : query − reference in Th, None where one is not known: what an analogue has more.
    """

    reference: Reference
    score: float
    support: float
    consensus: float
    spectra: int
    energies: tuple[str, ...]
    matched_ions: int
    shifted_ions: int
    cosine: float
    precursor_error_ppm: float | None
    precursor_difference: float | None


def search(
    releases: Sequence[Release],
    queries: Sequence[Query],
    *,
    mode: Mode = Mode.IDENTITY,
    top: int = 10,
    kind: SpectrumKind = SpectrumKind.MSMS,
    precursor_tolerance: Tolerance = PRECURSOR_TOLERANCE,
    tolerance: Tolerance = FRAGMENT_TOLERANCE,
    scan_ranges: bool = False,
) -> list[list[Hit]]:
    """The best ``top`` compounds for each query, best first.

    Identity hits rank by score + support: a compound that several spectra of a library confirm comes before
    one that a single spectrum happens to resemble; so does a compound that is measured more often. Right at
    rank 1 on MassBank between laboratories, against isobaric compounds, of compounds held out when this was
    chosen: 86.8 % of 6,600 queries, 86.2 % by score alone (``tests/benchmarks/bench_msms_accuracy.py``).

    Parameters
    ----------
    releases : searched together; those without spectra of ``kind`` are passed over.
    precursor_tolerance, tolerance : of precursors (identity) and of fragments.
    scan_ranges : identity search compares only what both scans covered, where that is known.

    Returns
    -------
    One list per query. Open and hybrid search give the compounds whose best spectra score highest; equal
    scores stand in the order of releases and entries.

    Raises
    ------
    InvalidMeasurement : a tolerance is too wide for the gap of the cleaned spectra.
    """
    how = _How(mode, top, kind, precursor_tolerance, tolerance, scan_ranges)
    asked = [cleaned(query, kind) for query in queries]
    shelves = [_shelf(release, kind) for release in releases if kind in release.kinds]
    each = [shelf.index.together(partial(_found, shelf, how=how), asked) for shelf in shelves]
    return [_best(shelves, query, list(found), how) for query, *found in zip(asked, *each, strict=True)]


def indistinguishable(hits: Sequence[Hit]) -> list[Hit]:
    """The best hit and those so near to it in rank that the spectrum does not tell them apart."""
    least = hits[0].score + hits[0].support - INDISTINGUISHABLE if hits else 0.0
    return list(takewhile(lambda hit: hit.score + hit.support >= least, hits))


def elsewhere(releases: Sequence[Release], query: Query) -> float:
    """0..1000, the best score among product-ion spectra of another precursor: ions that many compounds show.

    Parameters
    ----------
    query : as asked, with its precursor; 0 without a usable ion.
    """
    kind = SpectrumKind.MSMS
    asked = cleaned(query, kind)
    if not len(asked.spectrum):
        return 0.0
    shelves = [_shelf(release, kind) for release in releases if kind in release.kinds]
    return FULL_SCALE * max((_elsewhere(shelf, asked) for shelf in shelves), default=0.0)


def _elsewhere(shelf: _Shelf, query: Query) -> float:
    scores = shelf.index.open(query.spectrum)
    scores[shelf.index.near(query.precursor_mz or 0.0)] = 0
    if query.polarity:
        scores[np.asarray(shelf.peaks.polarity) * query.polarity < 0] = 0
    return min(float(scores.max(initial=0.0)), 1.0)


@dataclass(frozen=True, slots=True)
class _How:
    mode: Mode
    top: int
    kind: SpectrumKind
    precursor: Tolerance
    fragments: Tolerance
    scan_ranges: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Shelf:
    """One release's spectra of one kind, for the time of a search."""

    release: Release
    peaks: Peaks
    index: FragmentIndex
    first: int  # entry number of the first row
    compound: NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Rows of one shelf and their similarities."""

    rows: Ints
    similarity: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Compounds, best first.

    Parameters
    ----------
    spectra : per compound, which of the spectra are its own, best first.
    support : (compounds,) 0..0.2, what its further spectra add to the similarity of the best.
    """

    spectra: list[Ints]
    support: Floats


_NOTHING = _Found(np.empty(0, np.int64), np.empty(0))
_indexes: WeakKeyDictionary[Release, dict[SpectrumKind, FragmentIndex]] = WeakKeyDictionary()


def _shelf(release: Release, kind: SpectrumKind) -> _Shelf:
    kept = _indexes.setdefault(release, {})
    if kind not in kept:
        kept[kind] = FragmentIndex(release.index(kind))
    rows = release.rows(kind)
    first, last = int(rows[0]), int(rows[-1]) + 1  # a kind has its entries in one piece
    return _Shelf(release, release.peaks(kind), kept[kind], first, release.compound_key[first:last])


def cleaned(query: Query, kind: SpectrumKind = SpectrumKind.MSMS) -> Query:
    """The query as it is compared: unusable ions, and those from the precursor on, removed."""
    below = BELOW_PRECURSOR if kind is SpectrumKind.MSMS else None
    mz, intensity = query.spectrum.mz, query.spectrum.intensity
    precursor = query.precursor_mz if 0 < (query.precursor_mz or 0) <= HIGHEST_MZ else None
    known = mz <= HIGHEST_MZ
    clean = clean_spectrum(mz[known], intensity[known], precursor, below_precursor=below)
    return replace(query, spectrum=clean, precursor_mz=precursor)


def _found(shelf: _Shelf, query: Query, how: _How) -> _Found:
    if not len(query.spectrum) or (how.mode is not Mode.OPEN and query.precursor_mz is None):
        return _NOTHING
    if how.mode is Mode.IDENTITY:
        return _same_polarity(shelf, query, _identical(shelf, query, how))
    most = how.top * ROWS_PER_COMPOUND
    while True:
        found = _fetched(shelf, query, how, most)
        kept = _same_polarity(shelf, query, found)
        if len(found.rows) < most or len(np.unique(shelf.compound[kept.rows])) >= how.top:
            return kept
        most *= 4


def _identical(shelf: _Shelf, query: Query, how: _How) -> _Found:
    low = None
    if how.scan_ranges:
        low = np.fmax(shelf.peaks.mz_low, np.nan if query.mz_low is None else query.mz_low)
    rows, similarity = shelf.index.identity(
        query.spectrum, query.precursor_mz or 0.0, how.precursor, how.fragments, mz_low=low
    )
    some = similarity > 0
    return _Found(rows[some], similarity[some])


def _fetched(shelf: _Shelf, query: Query, how: _How, most: int) -> _Found:
    if how.mode is Mode.OPEN:
        return _Found(*shelf.index.best(query.spectrum, most, how.fragments))
    return _Found(*shelf.index.hybrid(query.spectrum, query.precursor_mz or 0.0, most, how.fragments))


def _same_polarity(shelf: _Shelf, query: Query, found: _Found) -> _Found:
    if not query.polarity:
        return found
    fits = np.asarray(shelf.peaks.polarity)[found.rows] * query.polarity >= 0
    return _Found(found.rows[fits], found.similarity[fits])


def by_compound(similarity: Floats, compound: NDArray[np.uint64], *, supported: bool) -> Ranked:
    """Compounds by their best spectrum and, if ``supported``, by what further spectra add.

    Parameters
    ----------
    similarity : (spectra,) 0..1; ``compound`` (spectra,) equal where spectra are of one compound.
    """
    order = np.argsort(-similarity, kind="stable")
    _, first, of = np.unique(compound[order], return_index=True, return_inverse=True)
    support = _support(similarity[order], of, len(first)) if supported else np.zeros(len(first))
    best = np.lexsort((first, -(similarity[order][first] + support)))
    return Ranked([order[of == one] for one in best], support[best])


def _best(shelves: Sequence[_Shelf], query: Query, found: Sequence[_Found], how: _How) -> list[Hit]:
    """Spectra of all shelves gathered by compound, compounds ranked."""
    if not found:
        return []
    place = np.repeat(np.arange(len(found)), [len(one.rows) for one in found])
    rows = np.concatenate([one.rows for one in found])
    similarity = np.concatenate([one.similarity for one in found])
    keys = np.concatenate([shelf.compound[one.rows] for shelf, one in zip(shelves, found, strict=True)])
    order = np.lexsort((rows, place))
    ranked = by_compound(similarity[order], keys[order], supported=how.mode is Mode.IDENTITY)
    return [
        _hit(
            [(shelves[place[k]], int(rows[k]), float(similarity[k])) for k in order[spectra]],
            support,
            query,
            how,
        )
        for spectra, support in zip(ranked.spectra[: how.top], ranked.support.tolist(), strict=False)
    ]


def _support(similarity: Floats, of: Ints, compounds: int) -> Floats:
    """(compounds,): `SUPPORT` times the similarities of the `SUPPORTING` spectra after the best of each.

    Parameters
    ----------
    similarity : (spectra,) falling; ``of`` (spectra,) the compound of each.
    """
    order = np.argsort(of, kind="stable")
    sizes = np.bincount(of, minlength=compounds)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    counted = order[(nth > 0) & (nth <= SUPPORTING)]
    summed = np.bincount(of[counted], weights=similarity[counted], minlength=compounds)
    return np.asarray(SUPPORT * summed, np.float64)


def _hit(spectra: Sequence[tuple[_Shelf, int, float]], support: float, query: Query, how: _How) -> Hit:
    """The hit of one compound, its ``spectra`` best first."""
    shelf, row, similarity = spectra[0]
    reference = shelf.release.entry(shelf.first + row)
    own = _spectrum(shelf, row)
    score, matched = cosines(query.spectrum, own, how.fragments)
    energies = (one.release.text("energy", one.first + at) for one, at, _ in spectra)
    error, difference = _precursors(query.precursor_mz, reference.precursor_mz)
    return Hit(
        reference=reference,
        score=FULL_SCALE * min(similarity, 1.0),
        support=FULL_SCALE * support,
        consensus=FULL_SCALE * _consensus(spectra, query, how),
        spectra=len(spectra),
        energies=tuple(dict.fromkeys(filter(None, energies))),
        matched_ions=int(matched[0]),
        shifted_ions=_shifted(query, own.row(0), reference.precursor_mz, how),
        cosine=float(score[0]),
        precursor_error_ppm=error,
        precursor_difference=difference,
    )


def _spectrum(shelf: _Shelf, row: int) -> CleanSpectra:
    ions = slice(int(shelf.peaks.offset[row]), int(shelf.peaks.offset[row + 1]))
    mz, intensity = shelf.peaks.mz[ions], np.asarray(shelf.peaks.intensity[ions], np.float64)
    return CleanSpectra(np.array([0, len(mz)]), mz, intensity)


def _consensus(spectra: Sequence[tuple[_Shelf, int, float]], query: Query, how: _How) -> float:
    """Similarity with all spectra of a compound, of equal weight, merged as neighbouring peaks are."""
    ions = [_spectrum(shelf, row) for shelf, row, _ in spectra]
    merged = clean_spectrum(
        np.concatenate([one.mz for one in ions]), np.concatenate([one.intensity for one in ions])
    )
    return min(entropy_similarity(query.spectrum, merged, how.fragments), 1.0)


def _shifted(query: Query, reference: MassSpectrum, precursor_mz: float | None, how: _How) -> int:
    """Ions of equal neutral loss where neither has a partner of equal m/z."""
    if how.mode is not Mode.HYBRID or precursor_mz is None or query.precursor_mz is None:
        return 0
    own, other = steps(query.spectrum.mz), steps(reference.mz)
    half = how.fragments.around(own)
    found, match = inside(windows(own, half), other)
    free, rest = np.ones(len(own), bool), np.ones(len(other), bool)
    free[match], rest[found] = False, False
    losses = (step(query.precursor_mz) - own[free])[::-1]
    places, _ = inside(windows(losses, half[free][::-1]), (step(precursor_mz) - other[rest]).astype(np.int32))
    return len(places)


def _precursors(query: float | None, reference: float | None) -> tuple[float | None, float | None]:
    if query is None or not reference:
        return None, None
    return 1e6 * (query - reference) / reference, query - reference
