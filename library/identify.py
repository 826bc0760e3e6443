"""From a run to what it contains: deconvolution, library search, and a statement no stronger than the data.

Promises: every component of the run appears in the answer, named or not; a substance is named alone only
where no other entry of the libraries fits it equally well, else the group is named; what the instrument
itself brings is called an artefact. Refuses nothing: without a time axis every spectrum is a component.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import metadata

import numpy as np

from library.answer import (
    SCHEMA,
    Candidate,
    Component,
    Curve,
    Decision,
    Identification,
    LibraryUsed,
    Peaks,
    Source,
)
from library.artefacts import artefact_of
from library.groups import isomer_group
from library.release import Release
from library.search.ei import Hit, search
from spectra.chromatography.deconvolution import ComponentPeak, Deconvolution, deconvolve
from spectra.model import MassSpectrum, Run, Technique

Progress = Callable[[float, str], None]

LEAST_MATCH = 700.0  # below, a candidate is shown but nothing is named
LEAST_SHOWN = 500.0  # below, a candidate has nothing to tell and is not listed
LEAST_IONS = 5  # a match on fewer ions names nothing
SHOWN = 5  # candidates per component
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
    taken_apart = _take_apart(run)
    tell(0.4, "search")
    peaks = taken_apart.components
    low = taken_apart.mass_range[0] if run.scans.has_time else None
    spectra, purity = [p.spectrum for p in peaks], [p.purity for p in peaks]
    hits = search(releases, spectra, top=SHOWN, mz_low=low, purity=purity)
    tell(0.8, "group")
    signal = taken_apart.signal or 1.0
    components = [
        _component(number, peak, hits[number - 1], signal, releases, run.scans.has_time)
        for number, peak in enumerate(peaks, start=1)
    ]
    explained = sum(c.area_share for c in components if c.decision is not Decision.UNKNOWN)
    explained = min(1.0, explained)
    tell(1.0, "done")
    return Identification(
        schema=SCHEMA,
        software=f"xbt-drugchecking {metadata.version('xbt-drugchecking')}",
        file=source,
        parameters={
            "least_match_factor": LEAST_MATCH,
            "least_shown_match_factor": LEAST_SHOWN,
            "least_ions": LEAST_IONS,
        },
        libraries=[LibraryUsed(r.name, r.number, r.manifest.digest, r.manifest.spectra) for r in releases],
        components=components,
        explained_share=explained,
        unexplained_share=1.0 - explained,
        tic=_curve(run),
        warnings=[*run.warnings, *_doubts(run, releases)],
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


def _component(
    number: int, peak: ComponentPeak, hits: list[Hit], signal: float, releases: Sequence[Release], timed: bool
) -> Component:
    near = [hit for hit in hits if hit.match_factor >= LEAST_SHOWN]
    candidates = [_candidate(rank, hit, releases) for rank, hit in enumerate(near, start=1)]
    artefact = artefact_of(peak.spectrum)
    decision = Decision.ARTEFACT if artefact else decide(candidates)
    minutes = [v / 60 if timed else None for v in (peak.rt_s, peak.rt_start_s, peak.rt_end_s)]
    return Component(
        number=number,
        rt_min=minutes[0],
        rt_start_min=minutes[1],
        rt_end_min=minutes[2],
        area=peak.area,
        area_share=min(1.0, peak.area / signal),
        purity=peak.purity,
        spectrum=_peaks(peak.spectrum),
        decision=decision,
        artefact=artefact.name if artefact else "",
        candidates=candidates,
    )


def decide(candidates: Sequence[Candidate]) -> Decision:
    """What the best candidate allows to be said.

    A substance stands alone when its isomer group, learned from the libraries, holds no other; everything
    under a match factor of ``LEAST_MATCH`` or with fewer than ``LEAST_IONS`` common ions is unknown.
    """
    if not candidates or candidates[0].match_factor < LEAST_MATCH or candidates[0].matched_ions < LEAST_IONS:
        return Decision.UNKNOWN
    return Decision.GROUP if len(candidates[0].isomer_group) > 1 else Decision.IDENTIFIED


def _candidate(rank: int, hit: Hit, releases: Sequence[Release]) -> Candidate:
    group = isomer_group(releases, hit)
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
        spectrum=_peaks(hit.reference.spectrum),
        partial=hit.reference.partial,
    )


def _peaks(spectrum: MassSpectrum) -> Peaks:
    percent = 100 * spectrum.intensity / (spectrum.base_peak or 1.0)
    return Peaks(np.round(spectrum.mz, 4).tolist(), np.round(percent, 2).tolist())


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
    if run.metadata.technique is Technique.LC_MS:
        doubts.append("an LC-MS run was compared with EI references: candidates mean little")
    if run.scans.has_time and int((run.scans.ms_level > 1).sum()):
        doubts.append("scans of MS level 2 and above were not used")
    return doubts
