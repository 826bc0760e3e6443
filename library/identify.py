"""From a run to what it contains: deconvolution, library search, and a statement no stronger than the data.

Promises: every component of the run appears in the answer, named or not; a substance is named alone only
where no isomer in the libraries fits it nearly as well, else the group is named; what is probably not in the
libraries is not named, at most the family it looks like; what the instrument
itself brings is called an artefact. Refuses nothing: without a time axis every spectrum is a component.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata

import numpy as np

from library import direct, liquid, optical
from library.answer import (
    SCHEMA,
    Candidate,
    Component,
    Confidence,
    Curve,
    Decision,
    Family,
    Identification,
    LibraryUsed,
    Source,
)
from library.artefacts import artefact_of
from library.contents import Contents, family_of_hint, parameters_of, peaks_of
from library.release import Reference, Release
from library.search.ei import Hit, search
from library.whole import COMPARED, EI, LEAST_SHOWN, state
from spectra.chromatography.deconvolution import ComponentPeak, Deconvolution, deconvolve
from spectra.model import MassSpectrum, Run
from spectra.similarity.mass import unit_mass

Progress = Callable[[float, str], None]

SHOWN = 5  # candidates per component
UNEXPLAINED = frozenset({Decision.UNKNOWN, Decision.FAMILY})
DRAWN_POINTS = 4000  # more points than a screen has columns


def identify(
    run: Run, releases: Sequence[Release], *, source: Source, progress: Progress | None = None
) -> Identification:
    """What a run contains.

    Parameters
    ----------
    run : as `spectra.readers.read` returns it.
    releases : searched together; none is allowed, everything is then unknown.
    source : the file, for the record.
    progress : called with a fraction 0..1 and the code of the stage.

    Raises
    ------
    InvalidMeasurement : the run holds no signal.
    """
    tell = progress or _silent
    tell(0.1, "deconvolve")
    for technique in (optical, direct, liquid):
        if technique.applies(run):
            return _answer(run, releases, source, technique.contents(run, releases, tell))
    taken_apart = _take_apart(run)
    tell(0.4, "search")
    peaks = taken_apart.components
    low = taken_apart.mass_range[0] if run.scans.has_time else None
    spectra, purity = [p.spectrum for p in peaks], [p.purity for p in peaks]
    hits = search(releases, spectra, top=COMPARED, mz_low=low, purity=purity)
    tell(0.8, "group")
    signal = taken_apart.signal or 1.0
    components = [
        _component(
            number, peak, _statement(peak, hits[number - 1], releases, low), signal, run.scans.has_time
        )
        for number, peak in enumerate(peaks, start=1)
    ]
    explained = sum(c.area_share for c in components if c.decision not in UNEXPLAINED)
    explained = min(1.0, explained)
    tell(1.0, "done")
    doubts = _doubts(run, releases)
    return _answer(
        run,
        releases,
        source,
        Contents(tuple(components), explained, tuple(doubts), parameters_of(EI, LEAST_SHOWN)),
    )


def _answer(run: Run, releases: Sequence[Release], source: Source, found: Contents) -> Identification:
    return Identification(
        schema=SCHEMA,
        software=f"xbt-drugchecking {metadata.version('xbt-drugchecking')}",
        file=source,
        parameters=found.parameters,
        libraries=[LibraryUsed(r.name, r.number, r.manifest.digest, r.manifest.spectra) for r in releases],
        components=list(found.components),
        explained_share=found.explained_share,
        unexplained_share=1.0 - found.explained_share,
        tic=_curve(run),
        warnings=[*run.warnings, *found.warnings],
        optical=found.optical,
    )


def _silent(_fraction: float, _stage: str) -> None:
    """Nobody watches."""


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

    decision: Decision
    artefact: str
    candidates: list[Candidate]
    confidence: Confidence | None
    family: Family | None


def _statement(
    peak: ComponentPeak, hits: list[Hit], releases: Sequence[Release], mz_low: float | None
) -> _Statement:
    query = unit_mass(peak.spectrum.mz, peak.spectrum.intensity, mz_low=mz_low)
    said = state(query, hits, releases, shown=SHOWN)
    pairs = zip(said.hits, said.groups, strict=True)
    candidates = [_candidate(rank, hit, group) for rank, (hit, group) in enumerate(pairs, start=1)]
    artefact = artefact_of(peak.spectrum)
    if artefact:
        return _Statement(Decision.ARTEFACT, artefact.name, candidates, None, None)
    sure = said.chances
    confidence = (
        None if sure is None else Confidence(*(round(v, 3) for v in (sure.compound, sure.group, sure.absent)))
    )
    return _Statement(said.decision, "", candidates, confidence, family_of_hint(said.family))


def _component(number: int, peak: ComponentPeak, said: _Statement, signal: float, timed: bool) -> Component:
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
    )


def _candidate(rank: int, hit: Hit, group: Sequence[Reference]) -> Candidate:
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
    )


def _curve(run: Run) -> Curve:
    """The total ion current, thinned to what can be drawn: of each stretch its lowest and highest point."""
    if not run.scans.has_time:
        return Curve([], [])
    scans = run.scans.level(1)
    time, height = scans.rt_s / 60, scans.total_ion_current()
    if len(time) > DRAWN_POINTS:
        stretches = np.array_split(np.arange(len(time)), DRAWN_POINTS // 2)
        keep = [k for s in stretches for k in sorted({s[height[s].argmin()], s[height[s].argmax()]})]
        time, height = time[keep], height[keep]
    return Curve(np.round(time, 5).tolist(), np.round(height, 1).tolist())


def _doubts(run: Run, releases: Sequence[Release]) -> list[str]:
    doubts = []
    if not len(run.scans):
        doubts.append("the file holds no mass spectrum: nothing was compared")
    if not releases:
        doubts.append("no library was searched: every component is unknown")
    if run.scans.has_time and int((run.scans.ms_level > 1).sum()):
        doubts.append("scans of MS level 2 and above were not used")
    return doubts
