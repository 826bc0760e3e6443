"""What a run of electron ionisation contains: deconvolution, library search, what is left searched again.

Promises: every component of the run appears, named or not; what the instrument itself brings is called an
artefact; a component that no single reference explains is divided where the libraries hold what it is made
of, and is then a group at most; a retention index is evidence and never a filter. Refuses to name anything in
a run whose ions are negative or did not break up: the references are no measure of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from library.answer import Candidate, Component, Confidence, Decision, Family
from library.artefacts import artefact_of, made_in_inlet
from library.contents import Contents, family_of_hint, parameters_of, peaks_of
from library.mixture import unmix
from library.prepare import connectivity
from library.release import Reference, Release
from library.search.ei import Hit, search, unit_spectra
from library.whole import COMPARED, EI, LEAST_SHOWN, state
from spectra.chromatography.condition import NOT_COMPARABLE, Condition, Fault, conditions
from spectra.chromatography.deconvolution import ComponentPeak, Deconvolution, deconvolve
from spectra.chromatography.retention import ColumnClass, Ladder, log_likelihood_ratio, retention_index
from spectra.model import MassSpectrum, Run
from spectra.similarity.mass import FULL_SCALE

SHOWN = 5  # candidates per component
UNEXPLAINED = frozenset({Decision.UNKNOWN, Decision.FAMILY})
# Points of match factor that a natural log unit of likelihood by retention index is worth in the order of
# candidates: at most about 40 for an index that agrees, as many against one that does not.
INDEX_WORTH = 10.0
# A component is divided if it is one of the largest, and if its parts explain most of it: of 60 real spectra
# whose compounds the library lacked none was then divided (docs/benchmarks.md).
DIVIDED_SHARE, MOST_DIVIDED, LEAST_EXPLAINED = 0.005, 12, 0.8
LEFT_OVER = 2  # ions of 5 % that the best reference lacks: enough to look for a second substance


def contents(
    run: Run,
    releases: Sequence[Release],
    tell: Callable[[float, str], None],
    ladder: Ladder | None = None,
) -> Contents:
    """What the run contains.

    Parameters
    ----------
    ladder : of the run's method; candidates are then ranked by their retention index too.

    Raises
    ------
    InvalidMeasurement : the run holds no signal.
    """
    taken_apart = _take_apart(run)
    timed = run.scans.has_time
    faults = conditions(run.scans.level(1), taken_apart.components) if timed else ()
    searched = () if any(one.fault in NOT_COMPARABLE for one in faults) else releases
    tell(0.4, "search")
    low = taken_apart.mass_range[0] if timed else None
    entries = _named(taken_apart.components, searched, low, ladder)
    tell(0.7, "divide")
    entries = _divided(entries, searched, low, ladder, taken_apart.signal or 1.0)
    tell(0.9, "group")
    signal = taken_apart.signal or 1.0
    components = tuple(_component(k, one, signal, timed) for k, one in enumerate(entries, start=1))
    explained = min(1.0, sum(c.area_share for c in components if c.decision not in UNEXPLAINED))
    warnings = (*_doubts(run, releases), *map(_said, faults), *_inlet(components), *_blank(components, timed))
    return Contents(components, explained, warnings, parameters_of(EI, LEAST_SHOWN))


def _take_apart(run: Run) -> Deconvolution:
    """Components of a chromatogram; of spectra without time axis, each is a component of its own."""
    if run.scans.has_time:
        return deconvolve(run.scans.level(1))
    spectra = [run.scans.spectrum(k) for k in range(len(run.scans))]
    peaks = tuple(_as_component(s) for s in spectra if len(s))
    masses = np.concatenate([p.spectrum.mz for p in peaks]) if peaks else np.array([1.0])
    limits = (float(masses.min()), float(masses.max()))
    return Deconvolution(peaks, sum(p.area for p in peaks), 1.0, limits)


def _as_component(spectrum: MassSpectrum) -> ComponentPeak:
    nan = float("nan")
    return ComponentPeak(nan, nan, nan, spectrum, float(spectrum.intensity.sum()), 1.0, len(spectrum))


@dataclass(frozen=True, slots=True, eq=False)
class _Statement:
    """What may be said of one component, and why."""

    peak: ComponentPeak
    index: float  # retention index, NaN without one
    divided: bool
    decision: Decision
    artefact: str
    candidates: list[Candidate]
    confidence: Confidence | None
    family: Family | None


def _named(
    peaks: Sequence[ComponentPeak],
    releases: Sequence[Release],
    mz_low: float | None,
    ladder: Ladder | None,
    *,
    divided: bool = False,
) -> list[_Statement]:
    """Each component searched and judged."""
    spectra, purity = [p.spectrum for p in peaks], [p.purity for p in peaks]
    floors = [p.floor for p in peaks]
    found = search(releases, spectra, top=COMPARED, mz_low=mz_low, purity=purity, floors=floors)
    index = retention_index(ladder, [p.rt_s for p in peaks]) if ladder else np.full(len(peaks), np.nan)
    column = ladder.column if ladder else ColumnClass.SAME_PHASE
    return [
        _statement(peak, float(at), by_retention(hits, float(at), column), releases, mz_low, divided)
        for peak, at, hits in zip(peaks, index, found, strict=True)
    ]


def by_retention(hits: Sequence[Hit], index: float, column: ColumnClass) -> list[Hit]:
    """Hits with what their retention index says added to their score; those without keep theirs."""
    if np.isnan(index):
        return list(hits)

    def worth(hit: Hit) -> float:
        told = hit.reference.retention_index
        said = 0.0 if told is None else log_likelihood_ratio(index - told, column)
        return hit.score + INDEX_WORTH * said

    return sorted(hits, key=lambda hit: -worth(hit))


def _statement(
    peak: ComponentPeak,
    index: float,
    hits: list[Hit],
    releases: Sequence[Release],
    mz_low: float | None,
    divided: bool,
) -> _Statement:
    (query,) = unit_spectra([peak.spectrum], mz_low, [peak.floor])
    said = state(query, hits, releases, shown=SHOWN)
    pairs = zip(said.hits, said.groups, strict=True)
    candidates = [_candidate(rank, hit, group, index) for rank, (hit, group) in enumerate(pairs, start=1)]
    artefact = artefact_of(peak.spectrum)
    if artefact:
        return _Statement(peak, index, divided, Decision.ARTEFACT, artefact.name, candidates, None, None)
    sure = said.chances
    confidence = (
        None if sure is None else Confidence(*(round(v, 3) for v in (sure.compound, sure.group, sure.absent)))
    )
    alone = divided and said.decision is Decision.IDENTIFIED  # as sure as the division at most
    decision = Decision.GROUP if alone else said.decision
    family = family_of_hint(said.family)
    return _Statement(peak, index, divided, decision, "", candidates, confidence, family)


def _divided(
    entries: Sequence[_Statement],
    releases: Sequence[Release],
    mz_low: float | None,
    ladder: Ladder | None,
    signal: float,
) -> list[_Statement]:
    """The statements, with those of several substances in place of a component that is made of them."""
    doubtful = [k for k, one in enumerate(entries) if _may_be_several(one, signal)]
    largest = sorted(doubtful, key=lambda k: -entries[k].peak.area)[:MOST_DIVIDED]
    kept: list[_Statement] = []
    for k, one in enumerate(entries):
        parts = _parts(one.peak, releases, mz_low) if releases and k in largest else []
        told = _named(parts, releases, mz_low, ladder, divided=True)
        better = len([part for part in told if part.decision is Decision.GROUP]) > 1
        kept += told if better else [one]
    return kept


def _may_be_several(one: _Statement, signal: float) -> bool:
    if one.decision is Decision.ARTEFACT or one.peak.area < DIVIDED_SHARE * signal or not one.candidates:
        return False
    return one.decision in UNEXPLAINED or len(one.candidates[0].unexplained_ions) >= LEFT_OVER


def _parts(peak: ComponentPeak, releases: Sequence[Release], mz_low: float | None) -> list[ComponentPeak]:
    """A component as one for each substance the libraries find in it; none where that explains too little."""
    found = unmix(releases, peak.spectrum, mz_low=mz_low)
    if len(found.parts) < 2 or found.explained < LEAST_EXPLAINED or not all(p.named for p in found.parts):
        return []
    floor = _full_scale(peak)
    return [
        replace(
            peak,
            spectrum=part.spectrum,
            area=peak.area * part.share * found.explained,
            purity=peak.purity * part.share,
            floor=floor,
        )
        for part in found.parts
    ]


def _full_scale(peak: ComponentPeak) -> MassSpectrum | None:
    """The floor on the scale of the parts' spectra: the base peak of the whole is 999."""
    if peak.floor is None:
        return None
    return MassSpectrum(
        peak.floor.mz, peak.floor.intensity * FULL_SCALE / float(peak.spectrum.intensity.max())
    )


def _component(number: int, said: _Statement, signal: float, timed: bool) -> Component:
    peak = said.peak
    minutes = [v / 60 if timed else None for v in (peak.rt_s, peak.rt_start_s, peak.rt_end_s)]
    return Component(
        number=number,
        rt_min=minutes[0],
        rt_start_min=minutes[1],
        rt_end_min=minutes[2],
        area=peak.area,
        area_share=min(1.0, peak.area / signal),
        purity=peak.purity,
        spectrum=peaks_of(peak.spectrum),
        decision=said.decision,
        artefact=said.artefact,
        candidates=said.candidates,
        confidence=said.confidence,
        family=said.family,
        quality=_told(peak.quality, 3),
        saturated_ions=list(peak.saturated),
        tails=peak.tails,
        retention_index=_told(said.index, 1),
        divided=said.divided,
    )


def _told(value: float, digits: int) -> float | None:
    return None if np.isnan(value) else round(value, digits)


def _candidate(rank: int, hit: Hit, group: Sequence[Reference], index: float) -> Candidate:
    told = hit.reference.retention_index
    return Candidate(
        rank=rank,
        name=hit.reference.name,
        inchikey=hit.reference.inchikey,
        formula=hit.reference.formula,
        match_factor=round(hit.match_factor, 1),
        reverse_match_factor=round(hit.reverse_match_factor, 1),
        matched_ions=hit.matched_ions,
        isomer_group=[r.name for r in group],
        isomer_group_inchikeys=[r.inchikey for r in group],
        library=hit.reference.library,
        reference=hit.reference.number,
        spectrum=peaks_of(hit.reference.spectrum),
        partial=hit.reference.partial,
        missing_ions=list(hit.missing),
        unexplained_ions=list(hit.unexplained),
        explained=round(hit.explained, 4),
        retention_index_error=None if told is None else _told(index - told, 1),
    )


def _doubts(run: Run, releases: Sequence[Release]) -> list[str]:
    doubts = []
    if not len(run.scans):
        doubts.append("the file holds no mass spectrum: nothing was compared")
    if not releases:
        doubts.append("no library was searched: every component is unknown")
    if run.scans.has_time and int((run.scans.ms_level > 1).sum()):
        doubts.append("scans of MS level 2 and above were not used")
    return doubts


_FAULTS = {
    Fault.BLANK: "no peak stands out of the background: a blank run, or nothing was injected",
    Fault.SILENT: "the detector recorded nothing for {share:.0%} of the run (from {rt} min): "
    "what eluted then is missing",
    Fault.SATURATED: "the detector was at its limit at {rt} min: ion ratios and amounts there are wrong; "
    "dilute and inject again",
    Fault.OVERLOADED: "the column was overloaded at {rt} min: times and what lies beneath are uncertain",
    Fault.SOFT_IONISATION: "molecules stayed whole: no electron ionisation at 70 eV, nothing was compared",
    Fault.NEGATIVE: "negative ions were recorded, references are of positive ones: nothing was compared",
}


def _said(fault: Condition) -> str:
    places = ", ".join(f"{rt / 60:.2f}" for rt in fault.rt_s[:5]) + (" …" if len(fault.rt_s) > 5 else "")
    return _FAULTS[fault.fault].format(share=fault.share, rt=places)


def _inlet(components: Sequence[Component]) -> list[str]:
    """What was named and may have been something else before the inlet."""
    named = [
        c.candidates[0].inchikey for c in components if c.decision in {Decision.IDENTIFIED, Decision.GROUP}
    ]
    made = {one for key in named for one in made_in_inlet(connectivity(key))}
    return [
        f"{one.name} may come from {one.parent}, which {one.reaction} in the hot inlet"
        for one in sorted(made, key=lambda one: one.name)
    ]


def _blank(components: Sequence[Component], timed: bool) -> list[str]:
    if not timed or not components or any(c.decision is not Decision.ARTEFACT for c in components):
        return []
    return ["nothing but what column, septum and solvent bring was found: a blank run"]
