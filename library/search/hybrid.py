"""Hybrid library search: the nearest relative of a substance that no library holds.

Promises: the best ``top`` compounds are those that a comparison with every entry whose formula is known would
give by `spectra.similarity.shifted.hybrid_scores`, each with the mass difference it was compared at.
Refuses to name: what it finds is an analogue, which shares a core and differs by that mass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from library.formula import BadFormula, nominal_mass
from library.index.scatter import top_rows
from library.record import SpectrumKind
from library.release import Reference, Release
from library.search.ei import unit_spectra
from spectra.model import Floats, Ints, MassSpectrum
from spectra.similarity.mass import UnitSpectrum
from spectra.similarity.shifted import hybrid_bounds, hybrid_scores

FIRST_COMPARED = 100
MASSES_TRIED = 3
SEEN = 10  # 1 % of the base peak: a molecular ion may be that weak

_masses: WeakKeyDictionary[Release, Ints] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, eq=False)
class Analogue:
    """A reference that resembles a query once the difference of their masses is allowed for.

    Parameters
    ----------
    score : 0..1000, see `spectra.similarity.shifted.hybrid_scores`.
    difference : Th, nominal mass of the query's molecule less the reference's.
    """

    reference: Reference
    score: float
    difference: int


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    release: Release
    rows: Ints
    score: Floats
    difference: Ints


def hybrid(
    releases: Sequence[Release],
    spectra: Sequence[MassSpectrum],
    molecular_masses: Sequence[int | None],
    *,
    top: int = 10,
    mz_low: float | None = None,
) -> list[list[Analogue]]:
    """The best ``top`` compounds for each spectrum, best first.

    Parameters
    ----------
    molecular_masses : nominal mass of each spectrum's molecule; where None, the `plausible_masses` are tried
        and each compound stands at the difference where it scores best.

    Returns
    -------
    One list per spectrum, at most ``top`` analogues. Equal scores stand in the order of releases and entries.
    """
    searched = [release for release in releases if SpectrumKind.EI in release.kinds]
    answers = []
    for unit, mass in zip(unit_spectra(spectra, mz_low), molecular_masses, strict=True):
        tried = plausible_masses(unit) if mass is None else (mass,)
        compared = [_compare(release, unit, one, top) for release in searched for one in tried]
        answers.append(_best(compared, top) if compared else [])
    return answers


def plausible_masses(query: UnitSpectrum, most: int = MASSES_TRIED) -> tuple[int, ...]:
    """Masses the molecular ion may have, heaviest first: the strongest ion of each of the heaviest clusters.

    Ions of at least 1 % of the base peak that stand closer than 3 Th are one cluster.
    """
    seen = query.intensity >= SEEN
    mass, intensity = query.mass[seen], query.intensity[seen]
    clusters = np.split(np.arange(len(mass)), np.flatnonzero(np.diff(mass) > 2) + 1)
    heads = [int(mass[one[np.argmax(intensity[one])]]) for one in clusters if len(one)]
    return tuple(heads[::-1][:most])


def _compare(release: Release, query: UnitSpectrum, mass: int, top: int) -> _Compared:
    """Entries by falling bound, until no other can be among the best ``top`` compounds."""
    masses, units = molecular_masses(release), release.units
    known = np.flatnonzero(masses)
    difference = mass - masses
    bound = hybrid_bounds(query, units, known, difference[known])
    compound = release.compound_key[release.rows(SpectrumKind.EI)]
    order = known[top_rows(bound, len(known))]
    falling = np.sort(bound)[::-1]
    score = np.empty(0)
    count = max(FIRST_COMPARED, 4 * top)
    while len(score) < len(order):
        step = order[len(score) : count]
        score = np.append(score, hybrid_scores(query, units, step, difference[step]))
        reachable = falling[count] if count < len(order) else -np.inf
        if len(np.unique(compound[order[: len(score)][score >= reachable]])) >= top:
            break
        count *= 2
    rows = order[: len(score)]
    shared = score > 0
    return _Compared(release, rows[shared], score[shared], difference[rows[shared]])


def molecular_masses(release: Release) -> Ints:
    """(EI entries,) int64 nominal masses, 0 where the formula is not known; read once per release."""
    if release not in _masses:
        rows = release.rows(SpectrumKind.EI).tolist()
        _masses[release] = np.array([_mass(release.text("formula", row)) for row in rows], np.int64)
    return _masses[release]


def _mass(formula: str) -> int:
    try:
        return nominal_mass(formula)
    except BadFormula:
        return 0


def _best(compared: Sequence[_Compared], top: int) -> list[Analogue]:
    """The best entry and difference of each compound, the best ``top`` of these."""
    found = [(one, k) for one in compared for k in range(len(one.rows))]
    found.sort(key=lambda pair: -pair[0].score[pair[1]])
    best: dict[int, Analogue] = {}
    for one, k in found:
        number = int(one.release.rows(SpectrumKind.EI)[one.rows[k]])
        key = int(one.release.compound_key[number])
        if key not in best:
            best[key] = Analogue(one.release.entry(number), float(one.score[k]), int(one.difference[k]))
        if len(best) == top:
            break
    return list(best.values())
