"""Samples as pages show them: the work list, and one sample with everything that belongs to it.

Refuses to tell an actor of one site anything about a sample of another: such a sample is "not found".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from xbt.db.models import AcquisitionRow, AnalysisRow, DecisionRow, JobRow, Sample, StaffUser
from xbt.domain.errors import NotFound
from xbt.domain.evidence import undecided
from xbt.domain.findings import ResultVersion
from xbt.domain.people import Actor
from xbt.domain.samples import Form, Intake
from xbt.domain.states import SampleState, Step
from xbt.domain.work import JobState, JobView
from xbt.security.policy import Permission, reads_notes, require, sees_every_site, sees_site
from xbt.services.guards import evidence_of, is_working, refusal
from xbt.services.snapshots import version_of
from xbt.services.staff import SiteView, site_view

WORK_LIST = 500  # rows; older ones are found by searching


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One line of the work list."""

    id: int
    reference: str
    state: SampleState
    site_id: int
    site_name: str
    sold_as_text: str
    sold_as: str
    form: Form
    received_on: date
    files: int
    working: bool  # a file is being read
    failed: bool  # a file could not be read
    simulated: bool


@dataclass(frozen=True, slots=True)
class AcquisitionView:
    """A stored instrument file and what became of it. ``job.error`` says why it could not be read."""

    id: int
    sample_id: int
    file_name: str
    size: int  # bytes
    sha256: str
    uploaded_by: str
    uploaded_at: datetime
    job: JobView | None
    analysis_id: int | None  # the newest
    duplicate: bool = False  # these bytes were there already


@dataclass(frozen=True, slots=True)
class DecisionView:
    """The decision that counts for one component."""

    component: int
    accepted: bool
    candidate: int
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class AnalysisView:
    """One identification of one file; `xbt.services.analyses.load` gives its components."""

    id: int
    acquisition_id: int
    version: int
    newest: bool  # of its file: only these count for a result
    file_name: str
    software: str
    reader: str
    technique: str
    simulated: bool
    libraries: tuple[str, ...]  # "name version"
    figures: tuple[str, ...]
    created_at: datetime
    decisions: dict[int, DecisionView]  # by component number
    undecided: tuple[int, ...]  # component numbers


@dataclass(frozen=True, slots=True)
class SampleView:
    """Everything a page shows of one sample. ``may`` has every step: "" or the code why it is closed."""

    id: int
    reference: str
    state: SampleState
    site: SiteView
    intake: Intake
    received_on: date
    ticket_expires_at: datetime | None
    simulated: bool
    acquisitions: tuple[AcquisitionView, ...] = ()
    analyses: tuple[AnalysisView, ...] = ()
    results: tuple[ResultVersion, ...] = ()
    amend_reason: str = ""
    may: dict[Step, str] = field(default_factory=dict)


def work_list(
    session: Session, actor: Actor, *, state: SampleState | None = None, text: str = ""
) -> tuple[SampleRow, ...]:
    """The newest samples the actor may see; ``text`` is searched in the reference and in "sold as".

    Raises
    ------
    NotAllowed : the actor may not see samples.
    """
    require(actor, Permission.SEE_SAMPLES)
    query = select(Sample).order_by(Sample.id.desc()).limit(WORK_LIST)
    if not sees_every_site(actor):
        query = query.where(Sample.site_id == actor.site_id)
    if state is not None:
        query = query.where(Sample.state == state)
    if text.strip():
        wanted = text.strip()
        query = query.where(
            or_(
                Sample.reference.icontains(wanted, autoescape=True),
                Sample.sold_as_text.icontains(wanted, autoescape=True),
            )
        )
    rows = session.scalars(query.options(*_LIST_LOADING))
    return tuple(_row(sample) for sample in rows)


def view(session: Session, actor: Actor, sample_id: int) -> SampleView:
    """One sample with its files, analyses, results, and what the actor may do with it now.

    Raises
    ------
    NotAllowed : the actor may not see samples.
    NotFound : no such sample within the actor's sites.
    """
    sample = visible(session, actor, sample_id)
    return SampleView(
        id=sample.id,
        reference=sample.reference or "",
        state=sample.state,
        site=site_view(sample.site),
        intake=_intake(sample, with_note=reads_notes(actor, sample.site_id)),
        received_on=sample.received_on,
        ticket_expires_at=sample.ticket.expires_at if sample.ticket else None,
        simulated=_simulated(sample),
        acquisitions=tuple(acquisition_view(session, one) for one in sample.acquisitions),
        analyses=tuple(analysis_view(row) for one in sample.acquisitions for row in one.analyses),
        results=tuple(version_of(row) for row in sample.results),
        amend_reason=sample.amend_reason,
        may={step: refusal(actor, sample, step) for step in Step},
    )


def visible(session: Session, actor: Actor, sample_id: int) -> Sample:
    """The row of a sample the actor may see; for services only.

    Raises
    ------
    NotAllowed, NotFound : as `view`.
    """
    require(actor, Permission.SEE_SAMPLES)
    sample = session.get(Sample, sample_id)
    if sample is None or not sees_site(actor, sample.site_id):
        raise NotFound("no_sample", id=str(sample_id))
    return sample


def acquisition_view(session: Session, row: AcquisitionRow, *, duplicate: bool = False) -> AcquisitionView:
    """A stored file as a value."""
    uploader = session.get(StaffUser, row.uploaded_by) if row.uploaded_by is not None else None
    return AcquisitionView(
        id=row.id,
        sample_id=row.sample_id,
        file_name=row.file_name,
        size=row.size,
        sha256=row.sha256,
        uploaded_by=uploader.name if uploader else "system",
        uploaded_at=row.uploaded_at,
        job=job_view(row.job) if row.job else None,
        analysis_id=row.analyses[-1].id if row.analyses else None,
        duplicate=duplicate,
    )


def analysis_view(row: AnalysisRow) -> AnalysisView:
    """An analysis as a value, with the decisions that count."""
    return AnalysisView(
        id=row.id,
        acquisition_id=row.acquisition_id,
        version=row.version,
        newest=row is row.acquisition.analyses[-1],
        file_name=row.acquisition.file_name,
        software=row.software,
        reader=row.reader,
        technique=row.technique,
        simulated=row.simulated,
        libraries=library_names(row),
        figures=tuple(row.figures),
        created_at=row.created_at,
        decisions={one.component: _decision(one) for one in row.decisions},
        undecided=undecided(evidence_of(row)),
    )


def library_names(row: AnalysisRow) -> tuple[str, ...]:
    """The reference libraries of an analysis as "name version"."""
    return tuple(f"{library['name']} {library['version']}" for library in row.libraries)


def job_view(row: JobRow) -> JobView:
    """A job as a value; its error only once it has failed for good."""
    error = {str(key): str(value) for key, value in row.error.items()} if _failed(row) else {}
    return JobView(row.id, row.kind, row.state, row.attempts, row.progress, row.text_code, error)


_LIST_LOADING = (
    selectinload(Sample.site),
    selectinload(Sample.acquisitions).selectinload(AcquisitionRow.job),
    selectinload(Sample.acquisitions).selectinload(AcquisitionRow.analyses),
)


def _row(sample: Sample) -> SampleRow:
    jobs = [one.job for one in sample.acquisitions if one.job is not None]
    return SampleRow(
        id=sample.id,
        reference=sample.reference or "",
        state=sample.state,
        site_id=sample.site_id,
        site_name=sample.site.name,
        sold_as_text=sample.sold_as_text,
        sold_as=sample.sold_as,
        form=sample.form,
        received_on=sample.received_on,
        files=len(sample.acquisitions),
        working=any(is_working(job) for job in jobs),
        failed=any(_failed(job) for job in jobs),
        simulated=_simulated(sample),
    )


def _intake(sample: Sample, *, with_note: bool) -> Intake:
    return Intake(
        sold_as_text=sample.sold_as_text,
        sold_as=sample.sold_as,
        form=sample.form,
        colour=sample.colour,
        use=sample.use,
        reason=sample.reason,
        note=sample.note if with_note else "",
    )


def _decision(row: DecisionRow) -> DecisionView:
    by = row.user.name if row.user else "system"
    return DecisionView(row.component, row.accepted, row.candidate, by, row.decided_at)


def _failed(job: JobRow) -> bool:
    return job.state is JobState.FAILED


def _simulated(sample: Sample) -> bool:
    return any(row.simulated for one in sample.acquisitions for row in one.analyses)
