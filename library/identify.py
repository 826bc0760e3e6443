"""From a run to what it contains: deconvolution, library search, and a statement no stronger than the data.

Promises: every component of the run appears in the answer, named or not; a substance is named alone only
where no isomer in the libraries fits it nearly as well, else the group is named; what is probably not in the
libraries is not named, at most the family it looks like; what the instrument
itself brings is called an artefact. Refuses nothing: without a time axis every spectrum is a component.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import metadata

import numpy as np

from library import direct, electron
from library.answer import SCHEMA, Curve, Identification, LadderUsed, LibraryUsed, Source
from library.contents import Contents
from library.liquid import contents as liquid
from library.optical import contents as optical
from library.release import Release
from spectra.chromatography.retention import Ladder
from spectra.model import Run

Progress = Callable[[float, str], None]

DRAWN_POINTS = 4000  # more points than a screen has columns


def identify(
    run: Run,
    releases: Sequence[Release],
    *,
    source: Source,
    progress: Progress | None = None,
    ladder: Ladder | None = None,
) -> Identification:
    """What a run contains.

    Parameters
    ----------
    run : as `spectra.readers.read` returns it.
    releases : searched together; none is allowed, everything is then unknown.
    source : the file, for the record.
    progress : called with a fraction 0..1 and the code of the stage.
    ladder : of the GC method, see `spectra.chromatography.retention`.

    Raises
    ------
    InvalidMeasurement : the run holds no signal.
    """
    tell = progress or _silent
    tell(0.1, "deconvolve")
    for technique in (optical, direct, liquid):
        if technique.applies(run):
            return _answer(run, releases, source, technique.contents(run, releases, tell))
    found = electron.contents(run, releases, tell, ladder)
    tell(1.0, "done")
    return _answer(run, releases, source, found, ladder)


def _answer(
    run: Run, releases: Sequence[Release], source: Source, found: Contents, ladder: Ladder | None = None
) -> Identification:
    used = LadderUsed(ladder.series, ladder.method, list(ladder.rt_s), list(ladder.index)) if ladder else None
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
        ladder=used,
    )


def _silent(_fraction: float, _stage: str) -> None:
    """Nobody watches."""


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
