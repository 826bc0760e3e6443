"""What a sample measured by direct ionisation (DART) contains, from its spectra at one or more voltages.

Promises: all voltages of a sample are explained together (`library.search.in_source`); a substance is named
only if fragments speak for it, their ratios agree with its references, and no isomer explains them as well.
Refuses to name anything for its mass alone: such candidates are marked ``mass_only``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from library.answer import Candidate, Component, Decision
from library.contents import Contents, parameters_of, peaks_of
from library.record import SpectrumKind
from library.release import Reference, Release
from library.search.in_source import Hit, Levels, Mixture, explain_mixture
from library.statement import THRESHOLDS, Evidence, decide
from spectra.model import MassSpectrum, Run, ScanTable, Technique, spectrum_from_peaks
from spectra.similarity.cleaning import clean_spectrum

RULE = THRESHOLDS[SpectrumKind.IN_SOURCE]
GENTLE_V = 30.0  # what spectra that tell no voltage are taken for
LEAST_RATIO = 0.05  # of a reference's base peak: ions whose ratios are tested
RATIO_OFF = 0.5  # of the reference's ratio: between instruments in-source spectra differ that much
LEAST_PASSED = 0.5  # of the ratios, for one substance to be named
TOLERANCE_TH = 0.01
SAMPLED, REST = 0.5, 0.1  # of the highest total current: scans of the sample, and of the air around it
SHOWN_ONLY_MASS = 5  # candidates known by mass alone that are listed
_DIRECT = re.compile(r"\bDART\b|direct analysis in real time|\bDESI\b|\bASAP\b", re.IGNORECASE)


def applies(run: Run) -> bool:
    """Whether the run is of direct ionisation, or spectra without time axis at voltages in the source."""
    scans = run.scans
    if not len(scans) or bool((scans.ms_level > 1).any()):
        return False
    texts = (run.metadata.instrument, *run.metadata.details.values())
    if any(_DIRECT.search(text) for text in texts):
        return True
    volts = not bool(np.isnan(scans.collision_ev).any())
    return run.metadata.technique is Technique.MS and not scans.has_time and volts


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Spectra of one sample by voltage, and when it was taken."""

    levels: Levels
    rt_min: float | None


def contents(run: Run, releases: Sequence[Release], tell: Callable[[float, str], None]) -> Contents:
    """What each sample of the file contains; most files hold one."""
    warnings, samples = [], _samples(run)
    tell(0.4, "search")
    comparable = () if bool((run.scans.polarity < 0).any()) else tuple(releases)
    components: list[Component] = []
    explained = []
    for sample in samples:
        if not any(len(one) for one in sample.levels.values()):
            warnings.append("a sample shows no ion above the air around it: a blank")
            continue
        mixture = explain_mixture(comparable, sample.levels)
        found = _components(sample, mixture, comparable)
        components += found
        named = (Decision.IDENTIFIED, Decision.GROUP)
        explained.append(min(1.0, sum(one.area_share for one in found if one.decision in named)))
    tell(0.8, "group")
    warnings += _doubts(run, releases)
    numbered = tuple(_numbered(one, number) for number, one in enumerate(components, start=1))
    share = float(np.mean(explained)) if explained else 0.0
    return Contents(numbered, share, tuple(dict.fromkeys(warnings)), parameters_of(RULE, 0.0))


def _numbered(one: Component, number: int) -> Component:
    return msgspec.structs.replace(one, number=number)


# --- samples ----------------------------------------------------------------------------------------------


def _samples(run: Run) -> list[_Sample]:
    """Spectra of one title are one sample; so are all scans of a run in time."""
    if run.scans.has_time:
        return [_of_time(run.scans)]
    groups: dict[str, dict[float, list[MassSpectrum]]] = defaultdict(lambda: defaultdict(list))
    for scan in range(len(run.scans)):
        title = run.titles[scan] if run.titles else ""
        groups[title][_volt(run.scans, scan)].append(run.scans.spectrum(scan))
    return [
        _Sample({volt: _mean(own) for volt, own in sorted(levels.items())}, None)
        for levels in groups.values()
    ]


def _of_time(scans: ScanTable) -> _Sample:
    """Scans while the sample was held there, less those of air, by voltage."""
    total, levels = scans.total_ion_current(), {}
    volts = np.array([_volt(scans, scan) for scan in range(len(scans))])
    for volt in np.unique(volts).tolist():
        own = np.flatnonzero(volts == volt)
        high = float(total[own].max(initial=0.0))
        held = [scans.spectrum(k) for k in own[total[own] >= SAMPLED * high]]
        air = [scans.spectrum(k) for k in own[total[own] <= REST * high]]
        levels[volt] = _less(_mean(held, scaled=False), _mean(air, scaled=False))
    apex = float(scans.rt_s[int(total.argmax())]) / 60
    return _Sample(levels, apex)


def _volt(scans: ScanTable, scan: int) -> float:
    volt = float(scans.collision_ev[scan])
    return GENTLE_V if np.isnan(volt) else volt


def _mean(spectra: Sequence[MassSpectrum], *, scaled: bool = True) -> MassSpectrum:
    """Ions merged, intensities averaged; each spectrum to its sum first if ``scaled``."""
    some = [one for one in spectra if one.base_peak > 0]
    if not some:
        return MassSpectrum(np.empty(0), np.empty(0))
    mz = np.concatenate([one.mz for one in some])
    parts = [one.intensity / (one.intensity.sum() if scaled else 1.0) / len(some) for one in some]
    merged = clean_spectrum(mz, np.concatenate(parts), below_precursor=None, floor=0.0)
    whole = sum(float(part.sum()) for part in parts)
    return MassSpectrum(merged.mz, merged.intensity * whole)


def _less(held: MassSpectrum, air: MassSpectrum) -> MassSpectrum:
    left = held.intensity.copy()
    for k, mz in enumerate(held.mz.tolist()):
        left[k] -= float(air.intensity[np.abs(air.mz - mz) <= TOLERANCE_TH].sum())
    return spectrum_from_peaks(held.mz[left > 0], left[left > 0])


# --- components -------------------------------------------------------------------------------------------


def _components(sample: _Sample, mixture: Mixture, releases: Sequence[Release]) -> list[Component]:
    """What the sample needs, then what only a mass speaks for, then what stays unexplained."""
    needed = [hit for hit in mixture.hits if hit.needed > 0]
    rows = [_of_hit(sample, hit, _references(releases, hit)) for hit in needed]
    left = 1.0 - float(np.mean(list(mixture.explained.values()) or [0.0]))
    rest = _rest(sample, mixture, left)
    return rows + ([rest] if rest else [])


def _of_hit(sample: _Sample, hit: Hit, references: Sequence[Reference]) -> Component:
    passed, tested = ratios(sample.levels, references)
    matched = sum(one.matched for one in hit.levels.values())
    ions = 0 if hit.mass_only else matched
    found = Evidence(hit.score, ions, len(hit.group), None, family=False)
    decision = decide(found, RULE)
    if decision is Decision.IDENTIFIED and (not tested or passed < LEAST_PASSED * tested):
        decision = Decision.GROUP
    return _row(sample, hit.share, decision, [_candidate(hit, passed, tested)], hit)


def ratios(sample: Levels, references: Sequence[Reference]) -> tuple[int, int]:
    """How many ions stand to the base peak as in a compound's references, of how many tested.

    Each reference against the sample's nearest voltage, over its ions of `LEAST_RATIO` and more without the
    base peak.
    """
    passed = tested = 0
    for one in references:
        own = one.spectrum
        if len(own) < 2:
            continue
        query = sample[min(sample, key=lambda volt: abs(volt - (one.energy_ev or GENTLE_V)))]
        expected = own.intensity / own.base_peak
        strong = np.flatnonzero((expected >= LEAST_RATIO) & (expected < 1))
        whole = _height(query, float(own.mz[own.intensity.argmax()]))
        seen = np.array([_height(query, mz) for mz in own.mz[strong].tolist()]) / (whole or np.inf)
        tested += len(strong)
        passed += int((np.abs(seen - expected[strong]) <= RATIO_OFF * expected[strong]).sum())
    return passed, tested


def _references(releases: Sequence[Release], hit: Hit) -> list[Reference]:
    """All in-source spectra of the hit's compound in its release."""
    home = next(one for one in releases if one.name == hit.reference.library)
    rows = home.rows(SpectrumKind.IN_SOURCE)
    same = home.compound_key[rows] == home.compound_key[hit.reference.number]
    return [home.entry(int(row)) for row in rows[same]]


def _height(spectrum: MassSpectrum, mz: float) -> float:
    return float(spectrum.intensity[np.abs(spectrum.mz - mz) <= TOLERANCE_TH].sum())


def _rest(sample: _Sample, mixture: Mixture, left: float) -> Component | None:
    """The unexplained part, with what might be there for its mass."""
    volt = min(mixture.residual, default=None)
    if volt is None or left <= 0.01:
        return None
    spectrum = mixture.residual[volt]
    if not len(spectrum):
        return None
    maybe = [hit for hit in mixture.hits if hit.needed == 0 and hit.mass_only and hit.share > 0]
    shown = enumerate(maybe[:SHOWN_ONLY_MASS], start=1)
    candidates = [_candidate(hit, 0, 0, rank) for rank, hit in shown]
    row = _row(sample, left, Decision.UNKNOWN, candidates, None)
    return _with_spectrum(row, spectrum)


def _with_spectrum(row: Component, spectrum: MassSpectrum) -> Component:
    return msgspec.structs.replace(row, spectrum=peaks_of(spectrum))


def _row(
    sample: _Sample, share: float, decision: Decision, candidates: list[Candidate], hit: Hit | None
) -> Component:
    only_mass = hit is not None and hit.mass_only
    return Component(
        number=0,
        rt_min=sample.rt_min,
        rt_start_min=sample.rt_min,
        rt_end_min=sample.rt_min,
        area=share,
        area_share=min(1.0, max(0.0, share)),
        purity=min(1.0, max(0.0, share)),
        spectrum=peaks_of(sample.levels[min(sample.levels)]),
        decision=decision,
        artefact="",
        candidates=candidates,
        compared="mass" if only_mass else "in_source",
        polarity=1,
        precursor_mz=None if hit is None else round(hit.target_mz, 4),
        adducts=[] if hit is None else [hit.adduct],
        energies=[float(volt) for volt in sorted(sample.levels)],
    )


def _candidate(hit: Hit, passed: int, tested: int, rank: int = 1) -> Candidate:
    """Scores of 0 where only a mass agrees: of one ion every score is full."""
    alike = 0.0 if hit.mass_only else 1.0
    reference = hit.reference
    volts = [f"{volt:g} V" for volt in hit.levels]
    explained = [one.explained for one in hit.levels.values()]
    return Candidate(
        rank=rank,
        name=reference.name,
        inchikey=reference.inchikey,
        formula=reference.formula,
        match_factor=round(alike * hit.score, 1),
        reverse_match_factor=round(1000 * alike * hit.index2, 1),
        matched_ions=sum(one.matched for one in hit.levels.values()),
        isomer_group=[one.name for one in hit.group],
        isomer_group_inchikeys=[one.inchikey for one in hit.group],
        library=reference.library,
        reference=reference.number,
        spectrum=peaks_of(reference.spectrum),
        partial=reference.partial,
        explained=round(float(np.mean(explained)), 4) if explained else None,
        adduct=hit.adduct,
        precursor_error_ppm=round(1e6 * hit.error_th / hit.target_mz, 1),
        energies=volts,
        mass_only=hit.mass_only,
        ratios_passed=passed,
        ratios_tested=tested,
    )


def _doubts(run: Run, releases: Sequence[Release]) -> list[str]:
    doubts = []
    if not any(SpectrumKind.IN_SOURCE in release.kinds for release in releases):
        doubts.append("no library of in-source spectra was searched")
    if bool(np.isnan(run.scans.collision_ev).all()):
        doubts.append(f"the file tells no voltage: its spectra are taken for {GENTLE_V:g} V")
    elif len(np.unique(run.scans.collision_ev[~np.isnan(run.scans.collision_ev)])) < 2:
        doubts.append("one voltage only: isomers and mixtures are told apart less well than with several")
    if bool((run.scans.polarity < 0).any()):
        doubts.append("the spectra are of negative ions, the references of positive ones: none is named")
    return doubts
