"""What a sample measured by direct ionisation (DART) contains, from in-source spectra at several voltages.

Promises: every strong ion of the gentlest spectrum is read as each adduct of `library.adducts.DIRECT`;
references whose molecule has that mass (where they tell none, that base peak) are compared by the measures
of the inverted library search; then all are fitted together, so that an ion is credited once. Isomers whose
spectra explain the query equally well come as one group. Refuses to name a substance for its mass alone
without saying so (``mass_only``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from library.adducts import DIRECT, BadAdduct, ion_mz, parse_adduct
from library.formula import BadFormula, monoisotopic_mass
from library.record import SpectrumKind
from library.release import Peaks, Reference, Release
from spectra.model import Floats, Ints, MassSpectrum
from spectra.similarity.cleaning import clean_spectrum
from spectra.similarity.in_source import (
    TOLERANCE_TH,
    Agreement,
    Explanation,
    explain,
    forward,
    indices,
    inverted,
)

Levels = Mapping[float, MassSpectrum]

LEAST_TARGET = 0.01  # of the strongest ion of the gentlest spectrum
MOST_TARGETS = 50
NEAR_V = 10.0  # a reference stands for voltages as near as this
ISOTOPES_TH = 2.5  # above the whole ion: its own isotopologues
LEAST_NEEDED = 0.005  # share of the signal that a component has to account for alone
EQUAL = 0.03  # share of the signal within which isomers explain a query equally well
_PROTONATED = parse_adduct("[M+H]+")


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A substance that the sample may contain.

    Parameters
    ----------
    score : 0..1000, 1000 × mean of ``index1`` and ``index2``: whether it can be in the sample.
    share : 0..1, of the sample's signal, in the joint explanation; not a share of mass.
    needed : 0..1, of the signal, left unexplained without it (and its group); 0 if others explain all of it.
    adduct, target_mz, error_th : the ion it was found by, and how far that is from the computed m/z.
    index1, index2 : of the inverted library search, 0..1.
    levels : how much of the reference the sample shows, by voltage: the inverted measures.
    forward : how much of the sample the reference shows, by voltage; near 1 for a pure substance only.
    group : it, and isomers that explain the sample as well, best first.
    mass_only : no fragment is known of it: nothing but its mass speaks for it.
    """

    reference: Reference
    score: float
    share: float
    needed: float
    adduct: str
    target_mz: float
    error_th: float
    index1: float
    index2: float
    levels: Mapping[float, Agreement]
    forward: Mapping[float, Agreement]
    group: tuple[Reference, ...]
    mass_only: bool


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """What references make of a sample.

    Parameters
    ----------
    hits : components by falling ``needed``, then candidates that are not needed by falling score.
    explained : by voltage, 0..1, of the signal.
    residual : by voltage, what stays unexplained, base peak of the sample's spectrum = 1.
    """

    hits: tuple[Hit, ...]
    explained: Mapping[float, float]
    residual: Mapping[float, MassSpectrum]


def search(
    releases: Sequence[Release],
    queries: Sequence[Levels],
    *,
    top: int = 10,
    tolerance: float = TOLERANCE_TH,
) -> list[list[Hit]]:
    """The ``top`` candidates of each sample, components that the sample needs first.

    Parameters
    ----------
    queries : for each sample its spectra by voltage in V, at least one.
    tolerance : Th, of targets and fragments; direct ionisation is seldom calibrated better than 0.01.
    """
    return [list(explain_mixture(releases, query, tolerance=tolerance).hits[:top]) for query in queries]


def explain_mixture(
    releases: Sequence[Release], query: Levels, *, tolerance: float = TOLERANCE_TH
) -> Mixture:
    """All candidates of one sample, what each accounts for, and what none does.

    Raises
    ------
    ValueError : the sample has no spectrum.
    """
    if not query:
        msg = "a sample needs a spectrum at one voltage at least"
        raise ValueError(msg)
    volts = sorted(query)
    shown = [_clean(query[volt]) for volt in volts]
    candidates = [
        candidate
        for release in releases
        for candidate in _shelf(release).candidates(_targets(shown[0]), volts, tolerance)
    ]
    candidates = _best_of_each(candidates, shown, tolerance)
    groups = _groups(candidates, shown, tolerance)
    leaders = [group[0] for group in groups]
    joint = explain(shown, [one.spectra for one in leaders], tolerance=tolerance)
    return Mixture(
        hits=_hits(groups, joint, candidates, volts, shown, tolerance),
        explained=dict(zip(volts, joint.explained.tolist(), strict=True)),
        residual=dict(zip(volts, joint.residual, strict=True)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """A compound of a release, its spectra at the query's voltages, and the ion it was found by."""

    release: Release
    row: int
    compound: int
    mass: float
    spectra: tuple[MassSpectrum | None, ...]
    adduct: str
    target_mz: float
    error_th: float

    @property
    def mass_only(self) -> bool:
        return all(one is None or len(one) < 2 for one in self.spectra)

    @property
    def highest(self) -> float:
        return _PROTONATED.mz(self.mass)


class _Shelf:
    """The in-source entries of a release by the mass of their molecule, worked out once."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._rows: Ints = release.rows(SpectrumKind.IN_SOURCE)
        self._peaks: Peaks | None = release.peaks(SpectrumKind.IN_SOURCE) if len(self._rows) else None
        self._compound = np.asarray(release.compound_key)[self._rows]
        self._mass = np.array([_mass_of(release.entry(int(row))) for row in self._rows], np.float64)
        self._take_base_peaks()

    def candidates(self, targets: Floats, volts: Sequence[float], tolerance: float) -> list[_Candidate]:
        """One candidate per compound, by the adduct that stands first and the target nearest to it."""
        found: dict[int, _Candidate] = {}
        for adduct in map(parse_adduct, DIRECT):
            ions = (adduct.molecules * self._mass) + (adduct.mz(0.0))
            for target in targets:
                for place in np.flatnonzero(np.abs(ions - target) <= tolerance):
                    key = int(self._compound[place])
                    if key not in found and self._makes(int(place), adduct.name):
                        error = float(target - ions[place])
                        found[key] = self._candidate(int(place), volts, adduct.name, float(target), error)
        return list(found.values())

    def _take_base_peaks(self) -> None:
        """Of compounds that tell no mass, the strongest ion of the gentlest spectrum counts as [M+H]+."""
        peaks = self._peaks
        for compound in np.unique(self._compound[np.isnan(self._mass)]):
            own = np.flatnonzero(self._compound == compound)
            if peaks is None or not np.isnan(self._mass[own]).all():
                continue
            row = own[np.argmin(np.nan_to_num(peaks.energy_ev[own], nan=np.inf))]
            ions = slice(int(peaks.offset[row]), int(peaks.offset[row + 1]))
            if ions.start < ions.stop:
                self._mass[own] = _PROTONATED.mass(float(peaks.mz[ions][peaks.intensity[ions].argmax()]))

    def _makes(self, place: int, adduct: str) -> bool:
        formula = self._release.entry(int(self._rows[place])).formula
        try:
            return not formula or ion_mz(formula, adduct) > 0
        except (BadAdduct, BadFormula):
            return False

    def _candidate(
        self, place: int, volts: Sequence[float], adduct: str, target: float, error: float
    ) -> _Candidate:
        own = np.flatnonzero(self._compound == self._compound[place])
        return _Candidate(
            release=self._release,
            row=int(self._rows[place]),
            compound=int(self._compound[place]),
            mass=float(self._mass[place]),
            spectra=tuple(self._at(own, volt, _PROTONATED.mz(float(self._mass[place]))) for volt in volts),
            adduct=adduct,
            target_mz=target,
            error_th=error,
        )

    def _at(self, own: Ints, volt: float, whole: float) -> MassSpectrum | None:
        """The mean of a compound's spectra at the voltage nearest to ``volt``, if one is near enough."""
        peaks = self._peaks
        if peaks is None:
            return None
        away = np.abs(np.nan_to_num(peaks.energy_ev[own], nan=volt) - volt)
        chosen = own[(away <= NEAR_V) & (away == away.min())]
        if not len(chosen):
            return None
        ions = np.concatenate([np.arange(peaks.offset[row], peaks.offset[row + 1]) for row in chosen])
        ions = ions[peaks.mz[ions] <= whole + ISOTOPES_TH]
        if not len(ions):
            return None
        mean = clean_spectrum(peaks.mz[ions], peaks.intensity[ions], below_precursor=None, floor=0.0)
        return mean if len(mean) else None


_shelves: WeakKeyDictionary[Release, _Shelf] = WeakKeyDictionary()


def _shelf(release: Release) -> _Shelf:
    if release not in _shelves:
        _shelves[release] = _Shelf(release)
    return _shelves[release]


def _mass_of(entry: Reference) -> float:
    """Mass of the molecule in u; NaN where the entry tells neither a formula nor precursor and adduct."""
    try:
        if entry.formula:
            return monoisotopic_mass(entry.formula)
        adduct = parse_adduct(entry.adduct) if entry.adduct else _PROTONATED
        return np.nan if entry.precursor_mz is None else adduct.mass(entry.precursor_mz)
    except (BadAdduct, BadFormula):
        return np.nan


def _clean(spectrum: MassSpectrum) -> MassSpectrum:
    return clean_spectrum(spectrum.mz, spectrum.intensity, below_precursor=None)


def _targets(gentlest: MassSpectrum) -> Floats:
    """The strongest ions, strongest first."""
    order = np.argsort(-gentlest.intensity, kind="stable")[:MOST_TARGETS]
    strong = gentlest.intensity[order] >= LEAST_TARGET * gentlest.base_peak
    return np.asarray(gentlest.mz[order[strong]], np.float64)


def _best_of_each(
    candidates: Sequence[_Candidate], shown: Sequence[MassSpectrum], tolerance: float
) -> list[_Candidate]:
    """Of a compound in several releases, the one whose spectra agree best."""
    best: dict[int, _Candidate] = {}
    for one in sorted(candidates, key=lambda each: (each.mass_only, -_rate(each, shown, tolerance))):
        best.setdefault(one.compound, one)
    return list(best.values())


def _rate(one: _Candidate, shown: Sequence[MassSpectrum], tolerance: float) -> float:
    return sum(_indices(one, shown, tolerance)) / 2


def _indices(one: _Candidate, shown: Sequence[MassSpectrum], tolerance: float) -> tuple[float, float]:
    return indices(one.error_th, [each for each in _agreements(one, shown, tolerance) if each is not None])


def _agreements(
    one: _Candidate,
    shown: Sequence[MassSpectrum],
    tolerance: float,
    measure: Callable[..., Agreement] = inverted,
) -> list[Agreement | None]:
    highest = one.highest + tolerance
    return [
        None if made is None else measure(query, made, highest=highest, tolerance=tolerance)
        for query, made in zip(shown, one.spectra, strict=True)
    ]


def _by_volt(volts: Sequence[float], agreements: Sequence[Agreement | None]) -> dict[float, Agreement]:
    return {volt: each for volt, each in zip(volts, agreements, strict=True) if each is not None}


def _groups(
    candidates: Sequence[_Candidate], shown: Sequence[MassSpectrum], tolerance: float
) -> list[list[_Candidate]]:
    """Candidates of one mass that explain the query equally well, best first; every other one alone.

    Several isomers stay apart only if together they explain clearly more than any one of them.
    """
    left = sorted(candidates, key=lambda one: one.mass)
    groups: list[list[_Candidate]] = []
    while left:
        isomers = [one for one in left if one.mass - left[0].mass <= tolerance]
        left = left[len(isomers) :]
        others = [one for one in candidates if one not in isomers]
        groups += _divided(isomers, others, shown, tolerance)
    return groups


def _divided(
    isomers: list[_Candidate],
    others: list[_Candidate],
    shown: Sequence[MassSpectrum],
    tolerance: float,
) -> list[list[_Candidate]]:
    if len(isomers) == 1:
        return [isomers]
    alone = np.array([_fit([one, *others], shown, tolerance) for one in isomers])
    measured = np.array([not one.mass_only for one in isomers])
    order = np.lexsort((-alone, ~measured))
    best = [isomers[k] for k in order if alone[k] >= alone.max() - EQUAL]
    together = explain(shown, [one.spectra for one in (*isomers, *others)], tolerance=tolerance)
    if float(together.explained.mean()) - alone.max() <= EQUAL:
        return [best]
    needed = [one for one, need in zip(isomers, together.needed, strict=False) if need > EQUAL]
    return [[one] for one in needed] or [best]


def _fit(some: Sequence[_Candidate], shown: Sequence[MassSpectrum], tolerance: float) -> float:
    """Explained share of the signal, mean over the voltages."""
    return float(explain(shown, [one.spectra for one in some], tolerance=tolerance).explained.mean())


def _hits(
    groups: Sequence[Sequence[_Candidate]],
    joint: Explanation,
    candidates: Sequence[_Candidate],
    volts: Sequence[float],
    shown: Sequence[MassSpectrum],
    tolerance: float,
) -> tuple[Hit, ...]:
    """The leader of each group, then the others that lead none."""
    entries = {one.compound: one.release.entry(one.row) for one in candidates}
    listed = {
        group[0].compound: (float(share), float(needed) if needed >= LEAST_NEEDED else 0.0, group)
        for group, share, needed in zip(groups, joint.share, joint.needed, strict=True)
    }
    hits = []
    for one in candidates:
        share, needed, group = listed.get(one.compound, (0.0, 0.0, (one,)))
        index1, index2 = _indices(one, shown, tolerance)
        hit = Hit(
            reference=entries[one.compound],
            score=1000 * (index1 + index2) / 2,
            share=share,
            needed=needed,
            adduct=one.adduct,
            target_mz=one.target_mz,
            error_th=one.error_th,
            index1=index1,
            index2=index2,
            levels=_by_volt(volts, _agreements(one, shown, tolerance)),
            forward=_by_volt(volts, _agreements(one, shown, tolerance, forward)),
            group=tuple(entries[each.compound] for each in group),
            mass_only=one.mass_only,
        )
        hits.append(hit)
    return tuple(sorted(hits, key=lambda hit: (-hit.needed, hit.mass_only, -hit.score)))
