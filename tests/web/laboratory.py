"""A whole small laboratory for the pages: real data folder, real accounts, a file the real worker reads."""

from __future__ import annotations

import io
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from library.record import SpectrumKind
from library.starter import starter_records
from library.substances import load_substances
from spectra.model import spectrum_from_peaks
from spectra.simulate import SimulatedPeak, simulate_run
from spectra.writers import write_mzml
from xbt.config import Settings
from xbt.db.models import AcquisitionRow, StaffUser
from xbt.db.session import make_engine, session_factory
from xbt.domain.people import Role
from xbt.domain.samples import Form, Intake
from xbt.jobs import run_worker
from xbt.services import acquisitions, analyses, intake, results, samples, staff
from xbt.services.setup import initialise
from xbt.storage import FolderStore

PASSWORD = "correct horse battery"
PEOPLE = {
    "worker": Role.WORKER,
    "technician": Role.TECHNICIAN,
    "second": Role.TECHNICIAN,
    "coordinator": Role.COORDINATOR,
    "manager": Role.MANAGER,
}
INTAKE = {
    "site": "1",
    "sold_as": "héroïne",
    "form": "powder",
    "colour": "brown",
    "use": "not_yet",
    "reason": "check",
    "note": "",
    "key": "k" * 32,
}
CONTENT = {"heroin": (8.0, 1.0), "caffeine": (5.0, 0.5), "fentanyl": (11.0, 0.3)}  # key: (min, height)


def make_laboratory(data_dir: Path) -> Settings:
    """Initialise ``data_dir``, with two sites and one account for each role."""
    settings = Settings(data_dir=data_dir)
    initialise(settings)
    engine = make_engine(settings.database_url)
    with session_factory(engine).begin() as session:
        home = staff.create_site(session, "Toulouse", "05 00 00 00 00", "Occitanie")
        away = staff.create_site(session, "Lyon", "04 00 00 00 00", "Auvergne-Rhône-Alpes")
        for name, role in PEOPLE.items():
            site = None if role in (Role.COORDINATOR, Role.MANAGER) else home.id
            staff.create_user(session, f"{name}@example.org", name.title(), PASSWORD, role, site)
        staff.create_user(session, "away@example.org", "Away", PASSWORD, Role.TECHNICIAN, away.id)
    engine.dispose()
    return settings


def write_run(path: Path, content: dict[str, tuple[float, float]] = CONTENT, seed: int = 7) -> Path:
    """A simulated GC-MS file holding ``content``."""
    substances = load_substances()
    spectra = {
        found.key: spectrum_from_peaks(record.mz, record.intensity)
        for record in starter_records(SpectrumKind.EI)
        if (found := substances.by_inchikey(record.inchikey)) is not None
    }
    peaks = [SimulatedPeak(spectra[key], rt * 60, height * 1e6) for key, (rt, height) in content.items()]
    run = simulate_run(peaks, rng=np.random.default_rng(seed), duration_s=780.0, sample_name="test")
    write_mzml(run, path)
    return path


def release_sample(settings: Settings, run_file: Path) -> str:
    """Take a sample in, analyse it, accept what was found, sign and release; its code."""
    now = datetime.now(UTC)
    engine = make_engine(settings.database_url)
    sessions, store = session_factory(engine), FolderStore(settings.blobs_dir)
    with sessions.begin() as session:
        staff_of = {
            user.name: staff.actor_of(session, user.id) for user in session.scalars(select(StaffUser))
        }
        told = Intake(sold_as_text="héroïne", sold_as="", form=Form.POWDER)
        ticket = intake.take_in(
            session, staff_of["Worker"], site_id=1, intake=told, now=now, settings=settings
        )
        with run_file.open("rb") as stream:
            acquisitions.receive(
                session,
                staff_of["Technician"],
                sample_id=ticket.sample_id,
                stream=stream,
                file_name=run_file.name,
                store=store,
                settings=settings,
                now=now,
            )
    _work_until_read(settings, sessions, ticket.sample_id)
    with sessions.begin() as session:
        actor, second = staff_of["Technician"], staff_of["Second"]
        (analysis,) = samples.view(session, actor, ticket.sample_id).analyses
        for number in analysis.undecided:
            analyses.decide(
                session, actor, analysis_id=analysis.id, component=number, accepted=True, candidate=1, now=now
            )
        results.submit(session, actor, sample_id=ticket.sample_id, comment="", now=now)
        results.sign(session, second, sample_id=ticket.sample_id, password_checked=True, now=now)
        results.release(session, second, sample_id=ticket.sample_id, now=now)
    run_worker(settings, once=True)
    engine.dispose()
    return ticket.code


def _work_until_read(settings: Settings, sessions: sessionmaker[Session], sample_id: int) -> None:
    """Work on what waits; where a server's own worker was quicker, wait for it."""
    for _ in range(240):
        run_worker(settings, once=True)
        with sessions() as session:
            files = select(AcquisitionRow).where(AcquisitionRow.sample_id == sample_id)
            if all(one.analyses for one in session.scalars(files)):
                return
        time.sleep(0.25)
    raise TimeoutError("the file was not read within a minute")


@dataclass
class Person:
    """Somebody at a browser."""

    client: FlaskClient

    @classmethod
    def at(cls, app: Flask) -> Person:
        client = app.test_client()
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
        return cls(client)

    def sign_in(self, name: str, password: str = PASSWORD) -> TestResponse:
        token = self.token("/staff/login")
        form = {"email": f"{name}@example.org", "password": password, "csrf_token": token}
        return self.client.post("/staff/login", data=form)

    def get(self, path: str) -> TestResponse:
        return self.client.get(path)

    def token(self, page: str) -> str:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.client.get(page).text)
        assert found, f"no form on {page}"
        return found.group(1)

    def post(self, path: str, *, page: str = "/staff/samples", **fields: object) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.token(page), **fields})

    def send_file(self, path: str, content: bytes, name: str, *, page: str) -> TestResponse:
        """Send a file as a browser does (the test client's own way leaves a temporary file open)."""
        file = FileStorage(io.BytesIO(content), filename=name)
        boundary, body = encode_multipart({"csrf_token": self.token(page), "files": file})
        return self.client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")

    def follow(self, answer: TestResponse) -> str:
        assert answer.status_code == 302, answer.text
        return self.client.get(answer.headers["Location"]).text


def code_on(page: str) -> str:
    """The ticket's code on a ticket page."""
    found = re.search(r'class="code"[^>]*>([^<]+)<', page)
    assert found, "no code on this page"
    return found.group(1)
