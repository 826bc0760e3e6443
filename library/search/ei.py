"""Exact library search of electron-ionisation spectra over several releases at once.

Promises: every hit carries the NIST match factor and reverse match factor of the best entry of its compound,
and what speaks against it; a compound takes one place, whatever number of spectra or releases it has. Of pure
spectra the best ``top`` compounds with a match factor of `SURE` or more are those a comparison with every
entry would give; below it, what is not among the best 64 entries by cosine may be passed over. An impure
spectrum is compared with the best `COMPARED_IMPURE` entries by cosine.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from library.index.nominal import NominalIndex, Scan
from library.index.nominal_build import build
from library.record import SpectrumKind
from library.release import Reference, Release
from spectra.model import Floats, Ints, MassSpectrum
from spectra.nominal import nominal_mass
from spectra.similarity.mass import (
    FULL_SCALE,
    HIGHEST_MASS,
    NOISE_FLOOR,
    UnitSpectrum,
    UnitTable,
    Whole,
    unit_table,
)
from spectra.similarity.match_factor import Matches, joined, match_factors, visible
from spectra.similarity.tilt import levelled
from spectra.similarity.weighted import entropy_similarities

FIRST_COMPARED = 64
POOL = 20  # compounds that `agreement` puts in order
COMPARED_IMPURE = 1000
SURE = 700.0
PURE = 0.9
ISOTOPOLOGUE_HANDICAP = 50.0  # nobody hands in a labelled standard: it has to fit clearly better
TOLD = 50  # 5 % of the base peak: weaker ions are no evidence when they are missing or left over
WORTH_THREADS = 50_000  # entries from which two queries at a time pay

_indexes: WeakKeyDictionary[Release, NominalIndex] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A reference that resembles a query.

    Parameters
    ----------
    match_factor, reverse_match_factor : 0..1000, see `spectra.similarity.match_factor.match_factors`.
    matched_ions : ions in both.
    cosine : 0..1, weights √(m·I).
    score : what hits are ranked by, 0..1000.
    missing : masses of ions of at least 5 % of the reference, where the query was scanned, that it lacks.
    unexplained : masses of ions of at least 5 % of the query that the reference lacks.
    explained : 0..1, share of the query's intensity, where both were scanned, at ions of the reference.
    """

    reference: Reference
    match_factor: float
    reverse_match_factor: float
    matched_ions: int
    cosine: float
    score: float
    missing: tuple[int, ...] = ()
    unexplained: tuple[int, ...] = ()
    explained: float = 0.0


def search(
    releases: Sequence[Release],
    spectra: Sequence[MassSpectrum],
    *,
    top: int = 10,
    mz_low: float | None = None,
    purity: Sequence[float] | None = None,
    floors: Sequence[MassSpectrum | None] | None = None,
) -> list[list[Hit]]:
    """The best ``top`` compounds for each spectrum, best first.

    Parameters
    ----------
    releases : searched together; a compound in several is named from where it scores best.
    spectra : centroid spectra of any mass accuracy; they are binned to unit mass.
    mz_low : where the scans started, in Th; the first ion of each spectrum is taken where not given.
    purity : 0..1 per spectrum, share of its signal that is one compound's, as deconvolution tells; 1 where
        not given. Hits rank by match factor down to `PURE`, by `robust_score` below it.
    floors : per spectrum, in its units, by how much an ion at each mass may be wrong; None where as measured.

    Returns
    -------
    One list per spectrum, at most ``top`` hits; shorter where fewer entries share an ion with it. Equal
    scores stand in the order of releases and entries.
    """
    purities = [1.0] * len(spectra) if purity is None else purity
    queries = [
        _Query(unit, share >= PURE)
        for unit, share in zip(unit_spectra(spectra, mz_low, floors), purities, strict=True)
    ]
    searched = [_searched(release) for release in releases if SpectrumKind.EI in release.kinds]

    def answer(query: _Query) -> list[Hit]:
        pool = max(top, POOL) if query.pure else top
        compared = [_compare(library, query, pool) for library in searched]
        if query.pure:
            compared = _agreed(compared, query.spectrum, pool)
        return [_hit(one, k, query.spectrum) for one, k in _best(compared, top)]

    if len(queries) < 2 or sum(len(library.index) for library in searched) < WORTH_THREADS:
        return [answer(query) for query in queries]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(answer, queries))


def unit_spectra(
    spectra: Sequence[MassSpectrum],
    mz_low: float | None,
    floors: Sequence[MassSpectrum | None] | None = None,
) -> list[UnitSpectrum]:
    """Queries binned to unit mass, all at once; ``floors`` as for `search`."""
    if not spectra:
        return []
    table = unit_table(
        np.cumsum([0, *map(len, spectra)]),
        np.concatenate([spectrum.mz for spectrum in spectra]),
        np.concatenate([spectrum.intensity for spectrum in spectra]),
        mz_low=np.full(len(spectra), np.nan if mz_low is None else mz_low),
    )
    units = [table.row(row) for row in range(len(table))]
    if floors is None:
        return units
    return [_floored(*one) for one in zip(units, spectra, floors, strict=True)]


def _floored(unit: UnitSpectrum, spectrum: MassSpectrum, floor: MassSpectrum | None) -> UnitSpectrum:
    if floor is None or not len(spectrum):
        return unit
    heights = np.zeros(HIGHEST_MASS + 1)
    mass = nominal_mass(floor.mz)
    inside = mass <= HIGHEST_MASS
    heights[mass[inside]] = floor.intensity[inside] * FULL_SCALE / float(spectrum.intensity.max())
    return replace(unit, floor=heights)


def index_of(release: Release) -> NominalIndex:
    """The index over the EI entries of a release, opened once; made where the release holds none."""
    if release not in _indexes:
        stored = release.index(SpectrumKind.EI)
        _indexes[release] = NominalIndex(release.units, stored if "order" in stored else build(release.units))
    return _indexes[release]


def robust_score(matches: Matches) -> Floats:
    """(rows,) float64, 0..1000: (10·MF + 3·RMF + 3·1000·plain cosine²) / 16.

    The match factor weighs weak heavy ions, which serves a clean spectrum and misleads one that holds part of
    another compound. Share of right compounds at rank 1 by MF and by this score, with 0, 10 and 30 % of
    another spectrum added: replicates within SWGDRUG 3.9 (266 queries) 83.5 | 83.5, 77.8 | 81.6, 62.0 | 74.8;
    MassBank EI between laboratories (500 queries) 68.0 | 68.8, 67.6 | 68.0, 63.2 | 65.4.
    """
    strong = 1000 * matches.plain_cosine**2
    return (10 * matches.match_factor + 3 * matches.reverse_match_factor + 3 * strong) / 16


@dataclass(frozen=True, slots=True, eq=False)
class _Query:
    spectrum: UnitSpectrum
    pure: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Searched:
    """The EI entries of one release; the arrays are in the order of its unit spectra."""

    release: Release
    index: NominalIndex
    units: UnitTable
    number: Ints  # of the entry
    compound: NDArray[np.uint64]
    labelled: NDArray[np.bool_]

    def handicap(self, rows: Ints) -> Floats:
        """(k,) float64, what is taken off the scores of isotopologues."""
        return np.where(self.labelled[rows], ISOTOPOLOGUE_HANDICAP, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """Entries of one release compared with a query, and their scores."""

    library: _Searched
    rows: Ints
    matches: Matches
    score: Floats


def _searched(release: Release) -> _Searched:
    number = release.rows(SpectrumKind.EI)
    rows = slice(int(number[0]), int(number[-1]) + 1)
    return _Searched(
        release=release,
        index=index_of(release),
        units=release.units,
        number=number,
        compound=release.compound_key[rows],
        labelled=release.labelled[rows],
    )


def _compare(library: _Searched, query: _Query, top: int) -> _Compared:
    """Entries among which the best ``top`` compounds are, by the promise of the module."""
    count = max(FIRST_COMPARED if query.pure else COMPARED_IMPURE, 3 * top)
    scan = Scan(library.index, query.spectrum)
    rows = np.sort(scan.best(count)[0])
    compared = _scored(library, query, rows)
    if query.pure and len(rows) == count:
        more = np.setdiff1d(scan.reaching(max(_last(compared, top), SURE)), rows)
        compared = _joined(compared, _scored(library, query, more)) if len(more) else compared
    return compared


def agreement(query: UnitSpectrum, table: UnitTable, rows: Ints, floor: int = NOISE_FLOOR) -> Floats:
    """(k,) float64, 0..1000: mean of match factor and 1000 · weighted entropy similarity of `levelled` rows.

    The two err on different isomers; levelling takes out what another instrument's tuning does to both.

    Parameters
    ----------
    floor : intensity from which an ion of the query that a row lacks counts as missing, the same for all rows
        whatever they list: listing less is no advantage, and no drawback.
    """
    level, every = levelled(query, table, rows), np.arange(len(rows))
    level = replace(level, floor=np.full(len(rows), floor, np.int32))
    if query.floor is not None:
        level = visible(query, level, every)
    factor = match_factors(query, level, every).match_factor
    return (factor + 1000 * entropy_similarities(query, level, every)) / 2


def _agreed(compared: Sequence[_Compared], query: UnitSpectrum, pool: int) -> list[_Compared]:
    """The entries of the ``pool`` compounds that are best by match factor, scored by `agreement`."""
    chosen = [one.library.compound[one.rows[k]] for one, k in _best(compared, pool)]
    kept = [np.flatnonzero(np.isin(one.library.compound[one.rows], chosen)) for one in compared]
    floor = _common_floor(
        [one.library.units.floor[one.rows[k]] for one, k in zip(compared, kept, strict=True)]
    )
    agreed = []
    for one, some in zip(compared, kept, strict=True):
        rows = one.rows[some]
        score = agreement(query, one.library.units, rows, floor) - one.library.handicap(rows)
        agreed.append(_Compared(one.library, rows, one.matches.of(some), score))
    return agreed


def _common_floor(floors: Sequence[Whole]) -> int:
    """Median floor of the rows that list principal ions only."""
    every = np.concatenate([*floors, np.empty(0, np.int32)])
    listed = every[every > NOISE_FLOOR]
    return int(np.median(listed)) if len(listed) else NOISE_FLOOR


def _scored(library: _Searched, query: _Query, rows: Ints) -> _Compared:
    matches = match_factors(query.spectrum, library.units, rows)
    score = matches.match_factor if query.pure else robust_score(matches)
    shared = np.flatnonzero(matches.common > 0)
    rows = rows[shared]
    return _Compared(library, rows, matches.of(shared), score[shared] - library.handicap(rows))


def _joined(one: _Compared, other: _Compared) -> _Compared:
    """What two comparisons of rows of one library found."""
    rows, score = np.concatenate((one.rows, other.rows)), np.concatenate((one.score, other.score))
    return _Compared(one.library, rows, joined((one.matches, other.matches)), score)


def _last(compared: _Compared, top: int) -> float:
    """Score of the ``top``-th compound, −∞ where there are fewer."""
    best = _best([compared], top)
    return float(compared.score[best[-1][1]]) if len(best) == top else -np.inf


def _best(compared: Sequence[_Compared], top: int) -> list[tuple[_Compared, int]]:
    """The best entry of each compound over all releases, the best ``top`` of these: where it stands."""
    if not compared:
        return []
    place = np.repeat(np.arange(len(compared)), [len(one.rows) for one in compared])
    within = np.concatenate([np.arange(len(one.rows)) for one in compared])
    rows = np.concatenate([one.rows for one in compared])
    score = np.concatenate([one.score for one in compared])
    keys = np.concatenate([one.library.compound[one.rows] for one in compared])
    order = np.lexsort((rows, place, -score))
    first = np.sort(np.unique(keys[order], return_index=True)[1])[:top]
    return [(compared[place[k]], int(within[k])) for k in order[first]]


def _hit(compared: _Compared, k: int, query: UnitSpectrum) -> Hit:
    library, matches, row = compared.library, compared.matches, int(compared.rows[k])
    told = library.units.row(row)
    if query.floor is not None:
        told = visible(query, library.units, np.array([row])).row(0)
    missing, unexplained, explained = evidence(query, told, int(library.units.floor[row]))
    return Hit(
        reference=library.release.entry(int(library.number[row])),
        match_factor=float(matches.match_factor[k]),
        reverse_match_factor=float(matches.reverse_match_factor[k]),
        matched_ions=int(matches.common[k]),
        cosine=float(matches.cosine[k]),
        score=max(float(compared.score[k]), 0.0),
        missing=missing,
        unexplained=unexplained,
        explained=explained,
    )


def evidence(
    query: UnitSpectrum, reference: UnitSpectrum, floor: int = NOISE_FLOOR
) -> tuple[tuple[int, ...], tuple[int, ...], float]:
    """What of a reference and a query is not in the other, as told in `Hit`.

    Parameters
    ----------
    floor : intensity from which the reference lists its ions; it need not have weaker ones of the query.
    """
    begin = max(query.start, reference.start)
    heights = np.zeros((2, HIGHEST_MASS + 1), np.int32)
    heights[0, query.mass], heights[1, reference.mass] = query.intensity, reference.intensity
    u, l = heights[0, query.mass], heights[1, query.mass]  # noqa: E741
    inside = query.mass >= begin
    missing = (
        (reference.intensity >= TOLD) & (heights[0, reference.mass] < NOISE_FLOOR) & (reference.mass >= begin)
    )
    left = inside & (u >= max(TOLD, floor)) & (l == 0)
    whole = int(u[inside].sum())
    explained = int(u[inside & (l > 0)].sum()) / whole if whole else 0.0
    return tuple(reference.mass[missing].tolist()), tuple(query.mass[left].tolist()), explained
