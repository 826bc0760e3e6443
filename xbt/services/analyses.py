"""Analyses: made by a job, shown to technicians, decided upon.

Promises that the web process never parses a file, that an analysis is never changed, and that a decision
is only ever followed by a later one. A file that cannot be read leaves its sample as it was.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from library import figures
from library.answer import Component, Decision, Identification, Source
from library.identify import identify
from library.shelf import open_installed
from spectra.chromatography.retention import Ladder
from spectra.errors import InvalidMeasurement
from spectra.model import Metadata
from xbt.db.models import AcquisitionRow, AnalysisRow, DecisionRow
from xbt.domain.errors import NotFound, StepRefused
from xbt.domain.people import SYSTEM, Actor
from xbt.domain.states import Step
from xbt.jobs import GiveUp, JobContext
from xbt.sandbox import read_run
from xbt.security import audit
from xbt.security.policy import Permission, require
from xbt.services import ladders
from xbt.services.guards import require_step
from xbt.services.proposals import proposal_of
from xbt.services.samples import visible
from xbt.storage import BlobStore

FIGURES = 40  # mirror plots drawn in advance, greatest components first; others when asked for
_COMPONENT_FIGURE = re.compile(r"component-(\d{1,6})(?:-(\d{1,3}))?")
_SVG = "svg"
# Stages of library.identify -> what a page says the job is doing.
_STAGES = {
    "deconvolve": "deconvolving",
    "search": "searching",
    "divide": "searching",
    "group": "searching",
    "done": "drawing",
}


def load(session: Session, actor: Actor, store: BlobStore, analysis_id: int) -> Identification:
    """The whole answer of an analysis.

    Raises
    ------
    NotAllowed : the actor may not see samples.
    NotFound : no such analysis within the actor's sites.
    """
    row = _visible(session, actor, analysis_id)
    with store.open(row.identification_sha256) as stream:
        return msgspec.json.decode(stream.read(), type=Identification)


def figure(session: Session, actor: Actor, store: BlobStore, analysis_id: int, name: str) -> bytes:
    """A drawing as SVG: ``chromatogram``, ``component-3`` (with its best candidate), ``component-3-2``
    (with candidate 2).

    Raises
    ------
    NotAllowed : the actor may not see samples.
    NotFound : no such analysis or figure.
    """
    row = _visible(session, actor, analysis_id)
    if name in row.figures:
        with store.open(row.figures[name]) as stream:
            return stream.read()
    match = _COMPONENT_FIGURE.fullmatch(name)
    if match is None:
        raise NotFound("no_figure", name=name)
    answer = load(session, actor, store, analysis_id)
    component = next((one for one in answer.components if one.number == int(match[1])), None)
    if component is None:
        raise NotFound("no_figure", name=name)
    return figures.mirror(component, int(match[2] or 1), _SVG)


def decide(
    session: Session,
    actor: Actor,
    *,
    analysis_id: int,
    component: int,
    accepted: bool,
    candidate: int,
    now: datetime,
) -> None:
    """Say of a component that it is the candidate of this rank, or that it is none (``accepted`` false).

    Raises
    ------
    NotFound : no such analysis, component or candidate.
    NotAllowed : the actor may not analyse.
    StepRefused : ``not_now``, the sample is past its analysis; ``superseded``, a newer analysis exists.
    """
    require(actor, Permission.ANALYSE)
    row = _visible(session, actor, analysis_id)
    sample = row.acquisition.sample
    require_step(actor, sample, Step.ANALYSE)
    if row.acquisition.analyses[-1] is not row:
        raise StepRefused("superseded", step=Step.ANALYSE.value, state=sample.state.value)
    _require_candidate(row, component, candidate if accepted else None)
    session.add(
        DecisionRow(
            analysis_id=row.id,
            component=component,
            accepted=accepted,
            candidate=candidate if accepted else 0,
            decided_by=actor.id,
            decided_at=now,
        )
    )
    session.flush()
    session.expire(row, ["decisions"])
    changes = {"analysis": row.id, "component": component, "accepted": accepted, "candidate": candidate}
    audit.append(session, actor, "component_decided", f"sample:{sample.id}", now=now, **changes)


def handle_analyse(context: JobContext, payload: dict[str, Any]) -> None:
    """The job "analyse": read the file of ``payload["acquisition_id"]`` in the sandbox, identify, record.

    Running it twice records one analysis.

    Raises
    ------
    UnreadableFile : the file cannot be read.
    GiveUp : codes ``no_file``, the acquisition or its bytes are gone; ``bad_ladder``, the retention ladder
        kept for the run's method cannot be read.
    """
    with context.session_factory() as session:
        row = session.get(AcquisitionRow, payload["acquisition_id"])
        if row is None or not context.store.exists(row.sha256):
            raise GiveUp("no_file", id=str(payload["acquisition_id"]))
        file_name, sha256 = row.file_name, row.sha256
    made = _make(context, file_name, sha256)
    with context.session_factory.begin() as session:
        _record(session, context, payload["acquisition_id"], made)


@dataclass(frozen=True, slots=True)
class _Made:
    answer: Identification
    blob: str
    figures: dict[str, str]


def _make(context: JobContext, file_name: str, sha256: str) -> _Made:
    context.progress(0.02, "reading")
    run = read_run(context.store.path(sha256), name=file_name, settings=context.settings)
    source = _source(run.metadata, file_name, sha256)
    answer = identify(
        run,
        open_installed(context.settings.libraries_dir),
        source=source,
        ladder=_ladder(context, run.metadata.details.get("method", "")),
        progress=lambda fraction, stage: context.progress(
            0.2 + 0.6 * fraction, _STAGES.get(stage, "identifying")
        ),
    )
    context.progress(0.85, "drawing")
    drawn = {name: _put(context.store, svg) for name, svg in _drawings(answer)}
    context.progress(0.97, "storing")
    return _Made(answer, _put(context.store, msgspec.json.encode(answer)), drawn)


def _ladder(context: JobContext, method: str) -> Ladder | None:
    try:
        return ladders.of_method(context.settings.ladders_dir, method)
    except InvalidMeasurement:  # of the ladder, not of the run
        raise GiveUp("bad_ladder", method=method) from None


def _record(session: Session, context: JobContext, acquisition_id: int, made: _Made) -> None:
    row = session.get(AcquisitionRow, acquisition_id)
    done = session.scalar(select(AnalysisRow.id).where(AnalysisRow.job_id == context.job_id))
    if row is None or done is not None:  # an earlier attempt got this far before it was killed
        return
    answer, now = made.answer, context.now()
    latest = session.scalar(select(func.max(AnalysisRow.version)).where(AnalysisRow.acquisition_id == row.id))
    analysis = AnalysisRow(
        acquisition=row,
        version=(latest or 0) + 1,
        job_id=context.job_id,
        identification_sha256=made.blob,
        software=answer.software,
        reader=answer.file.reader,
        technique=answer.file.technique,
        simulated=answer.file.simulated,
        libraries=[
            {"name": one.name, "version": one.version, "digest": one.digest} for one in answer.libraries
        ],
        figures=made.figures,
        proposal=msgspec.to_builtins(proposal_of(answer)),
        created_at=now,
    )
    session.add(analysis)
    session.flush()
    changes = {"analysis": analysis.id, "version": analysis.version, "identification": made.blob}
    audit.append(session, SYSTEM, "analysis_made", f"sample:{row.sample_id}", now=now, **changes)


def _source(metadata: Metadata, file_name: str, sha256: str) -> Source:
    return Source(
        name=file_name,
        sha256=sha256,
        format=metadata.format,
        reader=metadata.reader,
        technique=metadata.technique.value,
        instrument=metadata.instrument,
        acquired_at=metadata.acquired_at,
        sample_name=metadata.sample_name,
        simulated=metadata.simulated,
    )


def _drawings(answer: Identification) -> list[tuple[str, bytes]]:
    drawn = [("chromatogram", figures.chromatogram(answer, _SVG))]
    greatest = sorted(answer.components, key=lambda one: one.area_share, reverse=True)
    worth = [one for one in greatest if one.decision is not Decision.ARTEFACT][:FIGURES]
    return drawn + [(f"component-{one.number}", _mirror(one)) for one in worth]


def _mirror(component: Component) -> bytes:
    return figures.mirror(component, 1, _SVG)


def _put(store: BlobStore, content: bytes) -> str:
    return store.put(io.BytesIO(content)).sha256


def _visible(session: Session, actor: Actor, analysis_id: int) -> AnalysisRow:
    row = session.get(AnalysisRow, analysis_id)
    if row is None:
        require(actor, Permission.SEE_SAMPLES)
        raise NotFound("no_analysis", id=str(analysis_id))
    visible(session, actor, row.acquisition.sample_id)
    return row


def _require_candidate(row: AnalysisRow, component: int, rank: int | None) -> None:
    known = {one["number"]: [c["rank"] for c in one["candidates"]] for one in row.proposal["components"]}
    if component not in known:
        raise NotFound("no_component", number=str(component))
    if rank is not None and rank not in known[component]:
        raise NotFound("no_candidate", number=str(component), rank=str(rank))
