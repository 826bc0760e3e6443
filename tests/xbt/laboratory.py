"""A laboratory in a few lines: sites, staff, samples with a finished analysis, over the real services."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy.orm import Session, sessionmaker

from xbt.config import Settings
from xbt.db.models import AcquisitionRow, AnalysisRow, JobRow
from xbt.domain.evidence import CandidateSeen, ComponentSeen, Proposal
from xbt.domain.people import Actor, Role
from xbt.domain.samples import Form, Intake, Ticket
from xbt.domain.work import JobState
from xbt.services import acquisitions, analyses, intake, results, staff
from xbt.services.staff import SiteView
from xbt.storage import FolderStore

PASSWORD = "correct horse battery"

COCAINE = CandidateSeen(1, ("ZPUCINDJVBIVPJ-LJISPDSOSA-N",), ("Cocaine",), 951.0)
MMC = CandidateSeen(1, ("KEY-3-MMC", "KEY-4-MMC"), ("3-MMC", "4-MMC"), 920.0)

PROPOSAL = Proposal(
    components=(
        ComponentSeen(1, 12.5, 0.62, "identified", (COCAINE,)),
        ComponentSeen(2, 9.1, 0.05, "group", (MMC,)),
        ComponentSeen(3, 20.0, 0.03, "artefact", ()),
        ComponentSeen(4, 21.0, 0.20, "unknown", ()),
    ),
    unexplained_share=0.30,
)


@dataclass(frozen=True, slots=True)
class Laboratory:
    sessions: sessionmaker[Session]
    settings: Settings
    now: datetime
    site: SiteView
    elsewhere: SiteView
    worker: Actor
    technician: Actor
    second: Actor
    stranger: Actor
    coordinator: Actor
    manager: Actor

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.settings.blobs_dir)

    def take_in(self, key: str = "", note: str = "") -> Ticket:
        told = Intake("cocaïne", "", Form.POWDER, note=note)
        with self.sessions.begin() as session:
            return intake.take_in(
                session,
                self.worker,
                site_id=self.site.id,
                intake=told,
                now=self.now,
                settings=self.settings,
                idempotency_key=key,
            )

    def upload(self, sample_id: int, content: bytes = b"file", name: str = "run.mzML") -> int:
        with self.sessions.begin() as session:
            return acquisitions.receive(
                session,
                self.technician,
                sample_id=sample_id,
                stream=io.BytesIO(content),
                file_name=name,
                store=self.store,
                settings=self.settings,
                now=self.now,
            ).id

    def analysed(self, acquisition_id: int, proposal: Proposal = PROPOSAL, technique: str = "gc_ms") -> int:
        """Record an analysis as the job would, without measuring anything."""
        with self.sessions.begin() as session:
            row = session.get_one(AcquisitionRow, acquisition_id)
            job = session.get_one(JobRow, row.job_id)
            job.state = JobState.DONE
            analysis = AnalysisRow(
                acquisition=row,
                version=len(row.analyses) + 1,
                identification_sha256="0" * 64,
                software="xbt 0",
                reader="mzml",
                technique=technique,
                libraries=[{"name": "starter", "version": 1, "digest": "d"}],
                figures={},
                proposal=msgspec.to_builtins(proposal),
                created_at=self.now,
            )
            session.add(analysis)
            session.flush()
            return analysis.id

    def decide(self, analysis_id: int, component: int, *, accepted: bool, candidate: int = 1) -> None:
        with self.sessions.begin() as session:
            analyses.decide(
                session,
                self.technician,
                analysis_id=analysis_id,
                component=component,
                accepted=accepted,
                candidate=candidate,
                now=self.now,
            )

    def decided(self) -> Ticket:
        """A sample with one analysis, everything accepted."""
        ticket = self.take_in()
        analysis = self.analysed(self.upload(ticket.sample_id))
        for component in (1, 2):
            self.decide(analysis, component, accepted=True)
        return ticket

    def released(self) -> Ticket:
        ticket = self.decided()
        with self.sessions.begin() as session:
            results.submit(
                session, self.technician, sample_id=ticket.sample_id, comment="Bonjour", now=self.now
            )
            results.sign(
                session, self.second, sample_id=ticket.sample_id, password_checked=True, now=self.now
            )
            results.release(session, self.second, sample_id=ticket.sample_id, now=self.now)
        return ticket


def found_laboratory(sessions: sessionmaker[Session], settings: Settings, now: datetime) -> Laboratory:
    """Two sites and six people in an empty database."""
    with sessions.begin() as session:
        site = staff.create_site(session, "Paris", "12 rue du Test", "Île-de-France", now=now)
        elsewhere = staff.create_site(session, "Lyon", "1 place du Test", "ARA", now=now)

        def person(name: str, role: Role, site_id: int | None) -> Actor:
            return staff.create_user(session, f"{name}@xbt.example", name, PASSWORD, role, site_id, now=now)

        return Laboratory(
            sessions=sessions,
            settings=settings,
            now=now,
            site=site,
            elsewhere=elsewhere,
            worker=person("wanda", Role.WORKER, site.id),
            technician=person("tara", Role.TECHNICIAN, site.id),
            second=person("tom", Role.TECHNICIAN, None),
            stranger=person("stan", Role.TECHNICIAN, elsewhere.id),
            coordinator=person("cleo", Role.COORDINATOR, None),
            manager=person("mia", Role.MANAGER, elsewhere.id),
        )


def make_secrets(settings: Settings) -> None:
    settings.pepper_file.parent.mkdir(parents=True, exist_ok=True)
    settings.pepper_file.write_bytes(b"p" * 32)
    settings.secret_key_file.write_bytes(b"s" * 64)
