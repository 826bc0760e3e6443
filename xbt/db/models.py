"""The tables, typed. Rows never leave the services: pages, alerts and commands get frozen values.

Nothing here can hold a person's name, address, network address or a ticket code. Staff accounts satisfy
what Flask-Security and Flask-Login ask of a user by duck typing, so that the record needs no web library.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from xbt.db.types import UtcDateTime, states
from xbt.domain.samples import Form, Reason, Use
from xbt.domain.states import SampleState
from xbt.domain.work import JobState

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy reads it as it stands)
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[Any]: JSON,
        SampleState: states(SampleState),
        Form: states(Form),
        Use: states(Use),
        Reason: states(Reason),
        JobState: states(JobState),
    }


class Site(Base):
    """A collection point or laboratory of the network."""

    __tablename__ = "site"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    contact: Mapped[str] = mapped_column(String(255))  # of the service, printed on tickets and reports
    region: Mapped[str] = mapped_column(String(64))


staff_roles = Table(
    "staff_roles",
    Base.metadata,
    Column("user_id", ForeignKey("staff_user.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("staff_role.id", ondelete="CASCADE"), primary_key=True),
)


class StaffRole(Base):
    """A role as Flask-Security sees it; ``name`` is a value of `xbt.domain.people.Role`."""

    __tablename__ = "staff_role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32), unique=True)
    description: Mapped[str] = mapped_column(String(255), default="")

    def get_permissions(self) -> set[str]:
        """None here: permissions are `xbt.security.policy`, in code."""
        return set()


class StaffUser(Base):
    """An account of the staff. ``password`` is an argon2id hash."""

    __tablename__ = "staff_user"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)
    password: Mapped[str] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))

    site: Mapped[Site | None] = relationship()
    roles: Mapped[list[StaffRole]] = relationship(secondary=staff_roles, lazy="selectin")

    @property
    def is_active(self) -> bool:
        return self.active

    @property
    def is_authenticated(self) -> bool:
        return self.active

    @property
    def is_anonymous(self) -> bool:
        return False

    def get_id(self) -> str:
        """What the session cookie names; changing it ends every session of the account."""
        return self.fs_uniquifier

    def has_role(self, role: str | StaffRole) -> bool:
        wanted = role if isinstance(role, str) else role.name
        return any(held.name == wanted for held in self.roles)

    def has_permission(self, permission: str) -> bool:  # noqa: ARG002  (Flask-Security's signature)
        """Always false: what a role may do is asked of `xbt.security.policy` only."""
        return False


class Sample(Base):
    """One substance handed in, what was told about it, and where it stands."""

    __tablename__ = "sample"
    __table_args__ = (CheckConstraint("length(note) <= 500", name="note_short"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str | None] = mapped_column(String(24), unique=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    state: Mapped[SampleState] = mapped_column(default=SampleState.RECEIVED, index=True)
    sold_as_text: Mapped[str] = mapped_column(String(120))
    sold_as: Mapped[str] = mapped_column(String(120), default="")
    form: Mapped[Form]
    colour: Mapped[str] = mapped_column(String(60), default="")
    use: Mapped[Use] = mapped_column(default=Use.NOT_SAID)
    reason: Mapped[Reason] = mapped_column(default=Reason.NOT_SAID)
    note: Mapped[str] = mapped_column(Text, default="")
    received_on: Mapped[date]
    taken_in_by: Mapped[int | None] = mapped_column(ForeignKey("staff_user.id"))
    idempotency: Mapped[str | None] = mapped_column(String(64), unique=True)  # sha256 of the caller's key
    amend_reason: Mapped[str] = mapped_column(Text, default="")  # of the correction under way
    change: Mapped[int] = mapped_column()

    site: Mapped[Site] = relationship()
    ticket: Mapped[TicketRow | None] = relationship(back_populates="sample")
    acquisitions: Mapped[list[AcquisitionRow]] = relationship(
        back_populates="sample", order_by="AcquisitionRow.id"
    )
    results: Mapped[list[ResultRow]] = relationship(back_populates="sample", order_by="ResultRow.version")
    quantities: Mapped[list[QuantityRow]] = relationship(back_populates="sample", order_by="QuantityRow.id")
    readings: Mapped[list[ReadingRow]] = relationship(back_populates="sample", order_by="ReadingRow.id")

    # Two people acting on one sample at once: the second is told, nothing is lost.
    __mapper_args__ = {"version_id_col": change}  # noqa: RUF012


class TicketRow(Base):
    """What a code is compared with. Deleted at the end of retention; the sample stays."""

    __tablename__ = "ticket"

    id: Mapped[int] = mapped_column(primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id", ondelete="CASCADE"), unique=True)
    locator: Mapped[str] = mapped_column(String(4), unique=True)
    secret_hash: Mapped[str] = mapped_column(String(128))
    expires_at: Mapped[datetime]

    sample: Mapped[Sample] = relationship(back_populates="ticket")


class JobRow(Base):
    """Work for the background; see `xbt.jobs`."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_state_due", "state", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    payload: Mapped[dict[str, Any]]
    state: Mapped[JobState] = mapped_column(default=JobState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    worker: Mapped[str] = mapped_column(String(64), default="")
    progress: Mapped[float] = mapped_column(default=0.0)
    text_code: Mapped[str] = mapped_column(String(32), default="")
    error: Mapped[dict[str, Any]] = mapped_column(default=dict)
    ended_at: Mapped[datetime | None]


class AcquisitionRow(Base):
    """A stored instrument file; the bytes lie in the blob store under ``sha256``."""

    __tablename__ = "acquisition"
    __table_args__ = (UniqueConstraint("sample_id", "sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size: Mapped[int]
    file_name: Mapped[str] = mapped_column(String(255))
    uploaded_by: Mapped[int | None] = mapped_column(ForeignKey("staff_user.id"))
    uploaded_at: Mapped[datetime]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))

    sample: Mapped[Sample] = relationship(back_populates="acquisitions")
    job: Mapped[JobRow | None] = relationship()
    analyses: Mapped[list[AnalysisRow]] = relationship(
        back_populates="acquisition", order_by="AnalysisRow.version"
    )


class AnalysisRow(Base):
    """One identification of one file. Never changed: reading again makes the next version."""

    __tablename__ = "analysis"
    __table_args__ = (UniqueConstraint("acquisition_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    acquisition_id: Mapped[int] = mapped_column(ForeignKey("acquisition.id"), index=True)
    version: Mapped[int]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"), unique=True)
    identification_sha256: Mapped[str] = mapped_column(String(64))
    software: Mapped[str] = mapped_column(String(64))
    reader: Mapped[str] = mapped_column(String(64))
    technique: Mapped[str] = mapped_column(String(16))
    simulated: Mapped[bool] = mapped_column(default=False)
    libraries: Mapped[list[Any]]  # [{"name", "version", "digest"}]
    figures: Mapped[dict[str, Any]]  # name -> sha256 of an SVG
    proposal: Mapped[dict[str, Any]]  # what is decided upon: see xbt.services.proposals
    created_at: Mapped[datetime]

    acquisition: Mapped[AcquisitionRow] = relationship(back_populates="analyses")
    decisions: Mapped[list[DecisionRow]] = relationship(order_by="DecisionRow.id")


class DecisionRow(Base):
    """What a technician said of one component. Only ever added; the latest counts."""

    __tablename__ = "decision"
    __table_args__ = (Index("ix_decision_analysis_id_component", "analysis_id", "component"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    analysis_id: Mapped[int] = mapped_column(ForeignKey("analysis.id"))
    component: Mapped[int]
    accepted: Mapped[bool]
    candidate: Mapped[int]  # rank of the candidate, 0 where the component is rejected as a whole
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff_user.id"))
    decided_at: Mapped[datetime]

    user: Mapped[StaffUser | None] = relationship()


class CalibrationRow(Base):
    """A calibration, written once: what it was fitted to, what came out, and by which method."""

    __tablename__ = "calibration"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)  # of ``content``; what an amount names
    substance: Mapped[str] = mapped_column(String(120), index=True)
    technique: Mapped[str] = mapped_column(String(16))
    accepted: Mapped[bool]
    content: Mapped[dict[str, Any]]  # see xbt.services.calibrations
    made_by: Mapped[int | None] = mapped_column(ForeignKey("staff_user.id"))
    made_at: Mapped[datetime]


class QuantityRow(Base):
    """How much of a substance a sample holds. Only ever added; which one counts is `xbt.domain.amounts`."""

    __tablename__ = "quantity"

    id: Mapped[int] = mapped_column(primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), index=True)
    analysis_id: Mapped[int | None] = mapped_column(ForeignKey("analysis.id"))
    calibration_id: Mapped[int | None] = mapped_column(ForeignKey("calibration.id"))
    substance: Mapped[str] = mapped_column(String(120))
    content: Mapped[dict[str, Any]]  # value, budget, and what was measured: see xbt.services.quantitation
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("staff_user.id"))
    recorded_at: Mapped[datetime]

    sample: Mapped[Sample] = relationship(back_populates="quantities")


class ReadingRow(Base):
    """What was read by eye of a sample. Only ever added; a later row may take the place of an earlier one."""

    __tablename__ = "reading"

    id: Mapped[int] = mapped_column(primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), index=True)
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("reading.id"), unique=True)
    kind: Mapped[str] = mapped_column(String(16))  # of `xbt.domain.readings`, or "retracted"
    content: Mapped[dict[str, Any]]  # what was seen: see xbt.services.readings
    reason: Mapped[str] = mapped_column(Text, default="")  # why it takes another's place
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("staff_user.id"))
    recorded_at: Mapped[datetime]

    sample: Mapped[Sample] = relationship(back_populates="readings")
    user: Mapped[StaffUser | None] = relationship()


class ResultRow(Base):
    """One version of a sample's result. ``content`` is written once; only signatures and dates are added."""

    __tablename__ = "result"
    __table_args__ = (UniqueConstraint("sample_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), index=True)
    version: Mapped[int]
    content: Mapped[dict[str, Any]]  # see xbt.services.snapshots
    content_sha256: Mapped[str] = mapped_column(String(64))  # what the signature is bound to
    simulated: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(Text, default="")  # why it replaces the version before
    submitted_by: Mapped[int | None] = mapped_column(ForeignKey("staff_user.id"))
    submitted_at: Mapped[datetime]
    returned_at: Mapped[datetime | None]
    return_reason: Mapped[str] = mapped_column(Text, default="")
    signed_by: Mapped[int | None] = mapped_column(ForeignKey("staff_user.id"))
    signed_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None] = mapped_column(index=True)
    withdrawn_at: Mapped[datetime | None]
    withdraw_reason: Mapped[str] = mapped_column(Text, default="")

    sample: Mapped[Sample] = relationship(back_populates="results")
    submitter: Mapped[StaffUser | None] = relationship(foreign_keys=[submitted_by])
    signer: Mapped[StaffUser | None] = relationship(foreign_keys=[signed_by])


class AuditRow(Base):
    """One link of the hash chain; the database itself refuses to change or delete it."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(48))
    subject: Mapped[str] = mapped_column(String(48), index=True)  # "sample:12"
    changes: Mapped[dict[str, Any]]
    previous: Mapped[str] = mapped_column(String(64), unique=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)


class SignalRow(Base):
    """Something a rule noticed in a released result."""

    __tablename__ = "signal"
    __table_args__ = (UniqueConstraint("rule", "result_id", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(String(48))
    subject: Mapped[str] = mapped_column(String(255))  # what makes it one signal: e.g. the substance key
    severity: Mapped[str] = mapped_column(String(16))
    substances: Mapped[list[Any]]
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), index=True)
    result_id: Mapped[int] = mapped_column(ForeignKey("result.id"), index=True)
    region: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="open", index=True)
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)
    simulated: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class AlertRow(Base):
    """Something people decided to publish, with an end."""

    __tablename__ = "alert"
    __table_args__ = (
        UniqueConstraint("series_id", "revision"),
        # Nothing is public that two different people did not stand for, whatever the code above does.
        CheckConstraint(
            "state <> 'published' OR (approved_by IS NOT NULL AND drafted_by IS NOT NULL"
            " AND approved_by <> drafted_by)",
            name="two_people",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    series_id: Mapped[int | None] = mapped_column(ForeignKey("alert.id"))  # first revision; None on itself
    signal_id: Mapped[int | None] = mapped_column(ForeignKey("signal.id"), index=True)
    state: Mapped[str] = mapped_column(String(16), default="draft", index=True)
    revision: Mapped[int] = mapped_column(default=1)
    level: Mapped[str] = mapped_column(String(16))
    region: Mapped[str] = mapped_column(String(64), default="")
    substances: Mapped[list[Any]]
    simulated: Mapped[bool] = mapped_column(default=False)
    drafted_by: Mapped[int | None] = mapped_column(ForeignKey("staff_user.id"))
    drafted_at: Mapped[datetime]
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("staff_user.id"))
    approved_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdraw_reason: Mapped[str] = mapped_column(Text, default="")

    signal: Mapped[SignalRow | None] = relationship()
    texts: Mapped[list[AlertText]] = relationship(
        back_populates="alert", order_by="AlertText.language", cascade="all, delete-orphan"
    )


class AlertText(Base):
    """The words of an alert in one language."""

    __tablename__ = "alert_text"

    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str] = mapped_column(String(8), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    advice: Mapped[str] = mapped_column(Text, default="")

    alert: Mapped[AlertRow] = relationship(back_populates="texts")
