"""The story of the demonstration, told through the same services, queue and sandbox as real work.

Promises that every step looks at what is there before it acts: a demonstration stopped anywhere goes on
from there, and nothing is made twice. Once told to the end, it is left as its visitors left it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

import alerts.services as alerting
from alerts.lifecycle import AlertState
from spectra.model import MassSpectrum
from web.demo.instrument import references, write_file
from web.demo.place import Access
from web.demo.scenario import FileKind, SamplePlan, Scenario, Until
from xbt.config import Settings
from xbt.db.models import JobRow, StaffUser
from xbt.db.session import make_engine, session_factory
from xbt.domain.people import Actor, Role
from xbt.domain.samples import Intake, Ticket
from xbt.domain.states import SampleState, Step
from xbt.domain.work import JobState
from xbt.jobs import run_worker
from xbt.services import acquisitions, analyses, intake, results, samples, staff
from xbt.services.setup import initialise
from xbt.storage import FolderStore

Progress = Callable[[str, float], None]  # what is being done, and how much of the whole is (0..1)

_POLL_SECONDS = 0.2
_LANGUAGES = ("fr", "en")


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything a step needs."""

    settings: Settings
    scenario: Scenario
    access: Access
    sessions: sessionmaker[Session]
    store: FolderStore
    clock: Callable[[], datetime]
    team: Mapping[Role, Actor]
    sites: Mapping[str, int]  # ids by key


@contextmanager
def stage(
    settings: Settings, scenario: Scenario, access: Access, clock: Callable[[], datetime]
) -> Iterator[Stage]:
    """The installation of the demonstration with its sites and people, made where they are missing."""
    initialise(settings)
    engine = make_engine(settings.database_url)
    sessions = session_factory(engine)
    try:
        with sessions.begin() as session:
            sites = _sites(session, scenario)
            team = _team(session, scenario, access)
        store = FolderStore(settings.blobs_dir)
        yield Stage(settings, scenario, access, sessions, store, clock, team, sites)
    finally:
        engine.dispose()


def tickets(told: Stage) -> dict[str, Ticket]:
    """The ticket of every sample by its key; the samples are taken in where they are not yet."""
    return {plan.key: _take_in(told, plan) for plan in told.scenario.sample}


def play(told: Stage, given: Mapping[str, Ticket], progress: Progress) -> None:
    """The whole story, from the first file to the published alert."""
    progress("Simulating instrument files", 0.05)
    _upload(told, given, progress)
    _work(told, "Reading and identifying", progress, 0.25, 0.85)
    progress("Deciding, signing, releasing", 0.87)
    for plan in told.scenario.sample:
        _carry(told, plan, given[plan.key].sample_id)
    _work(told, "Looking for signals", progress, 0.90, 0.96)
    progress("Publishing an alert", 0.97)
    publish_alert(told)
    progress("Done", 1.0)


def publish_alert(told: Stage) -> None:
    """See that the gravest signal has a published alert: drafted by one person, approved by another."""
    while (step := _next_alert_step(told)) is not None:
        with told.sessions.begin() as session:
            step(session)


def _sites(session: Session, scenario: Scenario) -> dict[str, int]:
    there = {site.name: site.id for site in staff.sites(session)}
    for plan in scenario.site:
        if plan.name not in there:
            made = staff.create_site(session, plan.name, plan.contact, plan.region)
            there[plan.name] = made.id
    return {plan.key: there[plan.name] for plan in scenario.site}


def _team(session: Session, scenario: Scenario, access: Access) -> dict[Role, Actor]:
    """One actor per role; each reaches every site, as in a network with one laboratory and a mobile team."""
    team = {}
    for plan in scenario.account:
        known = session.scalar(select(StaffUser.id).where(StaffUser.email == plan.email))
        if known is None:
            password = access.passwords[plan.email]
            team[plan.role] = staff.create_user(session, plan.email, plan.name, password, plan.role, None)
        else:
            team[plan.role] = staff.actor_of(session, known)
    return team


def _take_in(told: Stage, plan: SamplePlan) -> Ticket:
    words = Intake(
        sold_as_text=plan.sold_as,
        sold_as="",  # recognised by the intake, as at a counter
        form=plan.form,
        colour=plan.colour,
        use=plan.use,
        reason=plan.reason,
        note=plan.note,
    )
    with told.sessions.begin() as session:
        return intake.take_in(
            session,
            told.team[Role.WORKER],
            site_id=told.sites[plan.site],
            intake=words,
            now=told.clock() - timedelta(days=plan.days_ago),
            settings=told.settings,
            idempotency_key=told.access.ticket_keys[plan.key],
        )


def _upload(told: Stage, given: Mapping[str, Ticket], progress: Progress) -> None:
    spectra = references()
    wanted = [plan for plan in told.scenario.sample if plan.file is not FileKind.NONE]
    for number, plan in enumerate(wanted):
        progress(f"Simulating {plan.file_name}", 0.05 + 0.20 * number / len(wanted))
        _receive(told, plan, given[plan.key].sample_id, spectra)


def _receive(told: Stage, plan: SamplePlan, sample_id: int, spectra: Mapping[str, MassSpectrum]) -> None:
    technician = told.team[Role.TECHNICIAN]
    with told.sessions() as session:
        if samples.view(session, technician, sample_id).acquisitions:
            return
    acquired = told.clock() - timedelta(days=plan.days_ago)
    file = write_file(plan, spectra, told.settings.data_dir / "files", acquired)
    with file.open("rb") as stream, told.sessions.begin() as session:
        acquisitions.receive(
            session,
            technician,
            sample_id=sample_id,
            stream=stream,
            file_name=file.name,
            store=told.store,
            settings=told.settings,
            now=told.clock(),
        )


def _work(told: Stage, doing: str, progress: Progress, start: float, end: float) -> None:
    """Run a worker beside this thread until no job is left, telling how far it is."""
    stop = Event()
    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(run_worker, told.settings, stop=stop)
        try:
            while (left := _unfinished(told)) and not worker.done():
                done, total = _jobs_done(told)
                progress(f"{doing} ({left} left)", start + (end - start) * done / total)
                stop.wait(_POLL_SECONDS)
        finally:
            stop.set()
        worker.result()


_ENDED = (JobState.DONE, JobState.FAILED)


def _unfinished(told: Stage) -> int:
    with told.sessions() as session:
        query = select(func.count()).select_from(JobRow).where(JobRow.state.not_in(_ENDED))
        return session.scalar(query) or 0


def _jobs_done(told: Stage) -> tuple[float, int]:
    """(jobs ended, with the part done of those under way; all jobs)."""
    with told.sessions() as session:
        rows = session.execute(select(JobRow.state, JobRow.progress)).all()
    return sum(1.0 if state in _ENDED else done for state, done in rows), max(len(rows), 1)


def _carry(told: Stage, plan: SamplePlan, sample_id: int) -> None:
    """Take every step that the story has for this sample, one transaction each."""
    while True:
        with told.sessions() as session:
            view = samples.view(session, told.team[Role.TECHNICIAN], sample_id)
        step = next_step(plan, view)
        if step is None:
            return
        with told.sessions.begin() as session:
            _take_step(told, session, plan, view, step)


def next_step(plan: SamplePlan, view: samples.SampleView) -> Step | None:
    """What the story does next with a sample as it stands; None at its end or after an unreadable file."""
    state = view.state
    if plan.until in (Until.RECEIVED, Until.ANALYSED):
        return None
    if state in (SampleState.IN_ANALYSIS, SampleState.AMENDING):
        return Step.SUBMIT if view.analyses else None
    if plan.until is Until.SUBMITTED:
        return None
    if state is SampleState.RELEASED and plan.amend is not None and len(view.results) == 1:
        return Step.AMEND
    return {SampleState.PROPOSED: Step.SIGN, SampleState.SIGNED: Step.RELEASE}.get(state)


def _take_step(told: Stage, session: Session, plan: SamplePlan, view: samples.SampleView, step: Step) -> None:
    technician, manager = told.team[Role.TECHNICIAN], told.team[Role.MANAGER]
    about: dict[str, Any] = {"sample_id": view.id, "now": told.clock()}
    if step is Step.SUBMIT:
        _decide(told, session, view)
        results.submit(session, technician, comment=_comment(plan, view), **about)
    elif step is Step.SIGN:
        checked = _password_checked(told, session, manager)
        results.sign(session, manager, password_checked=checked, **about)
    elif step is Step.RELEASE:
        results.release(session, manager, ticket_days=told.settings.ticket_days, **about)
    elif plan.amend is not None:
        results.amend(session, technician, reason=plan.amend.reason, **about)


def _decide(told: Stage, session: Session, view: samples.SampleView) -> None:
    """The technician accepts the best candidate of whatever the pipeline named."""
    for analysis in view.analyses:
        for component in analysis.undecided if analysis.newest else ():
            analyses.decide(
                session,
                told.team[Role.TECHNICIAN],
                analysis_id=analysis.id,
                component=component,
                accepted=True,
                candidate=1,
                now=told.clock(),
            )


def _comment(plan: SamplePlan, view: samples.SampleView) -> str:
    return plan.amend.comment if plan.amend is not None and view.results else plan.comment


def _password_checked(told: Stage, session: Session, signer: Actor) -> bool:
    email = next(one.email for one in told.scenario.account if one.role in signer.roles)
    return signer.id is not None and staff.check_password(session, signer.id, told.access.passwords[email])


def _next_alert_step(told: Stage) -> Callable[[Session], object] | None:
    coordinator, manager = told.team[Role.COORDINATOR], told.team[Role.MANAGER]
    now = told.clock()
    with told.sessions() as session:
        written = alerting.alerts(session, coordinator, now)
        noticed = alerting.signals(session, coordinator, alerting.SignalState.OPEN)
    if not written:
        return None if not noticed else lambda session: _draft(told, session, noticed[0])
    first = written[-1]
    if first.state is AlertState.DRAFT:
        return lambda session: alerting.approve(session, manager, alert_id=first.id, now=now)
    if first.state is AlertState.APPROVED:
        return lambda session: alerting.publish(session, manager, alert_id=first.id, now=now)
    return None


def _draft(told: Stage, session: Session, signal: alerting.SignalView) -> None:
    now = told.clock()
    alerting.draft(
        session,
        told.team[Role.COORDINATOR],
        signal_id=signal.id,
        texts={language: alerting.propose_text(signal, language) for language in _LANGUAGES},
        level=signal.severity,
        region=signal.region,
        expires_at=alerting.default_expiry(signal.severity, now),
        now=now,
    )


def played(access: Access) -> Access:
    """The access file of a story told to its end."""
    return msgspec.structs.replace(access, played=True)
