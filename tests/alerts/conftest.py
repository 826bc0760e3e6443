"""A small network with a real database, people, and results released through the real services' tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from library import vocabulary
from library.substances import load_substances
from xbt.db.models import Base, ResultRow, Sample, Site, StaffRole, StaffUser
from xbt.db.session import make_engine, session_factory
from xbt.domain.findings import Amount, Certainty, Finding
from xbt.domain.people import Actor, Role
from xbt.domain.samples import Form, Reason
from xbt.domain.states import SampleState
from xbt.services.snapshots import Content, digest, to_json

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SITE = "Le Fil d’Ariane"

Release = Callable[..., Sample]


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[sessionmaker[Session]]:
    engine = make_engine(f"sqlite:///{tmp_path / 'xbt.sqlite3'}")
    Base.metadata.create_all(engine)
    yield session_factory(engine)
    engine.dispose()


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as opened:
        yield opened


@pytest.fixture
def people(session: Session) -> dict[str, Actor]:
    """Two coordinators, a manager and a worker."""
    site = Site(name=SITE, contact="", region="Occitanie")
    roles = {role: StaffRole(name=role.value) for role in Role}
    wanted = {
        "ana": Role.COORDINATOR,
        "bo": Role.COORDINATOR,
        "mia": Role.MANAGER,
        "wim": Role.WORKER,
    }
    rows = {
        name: StaffUser(
            email=f"{name}@example.org",
            password="x",
            fs_uniquifier=name,
            name=name,
            site=site,
            roles=[roles[role]],
        )
        for name, role in wanted.items()
    }
    session.add_all([site, *roles.values(), *rows.values()])
    session.flush()
    return {
        name: Actor(row.id, row.name, frozenset({wanted[name]}), row.site_id) for name, row in rows.items()
    }


def _content(*names: str) -> dict[str, Any]:
    """A result that finds these; ``"3-MMC|4-MMC"`` is a group."""
    findings = tuple(_finding(number, text) for number, text in enumerate(names))
    return to_json(Content(findings, (), 0.0, ""))


def _finding(number: int, text: str) -> Finding:
    names = tuple(text.split("|"))
    known = [load_substances().resolve(name) for name in names]
    keys = tuple((one.inchikey if one else "") or name for one, name in zip(known, names, strict=True))
    return Finding(keys, names, Amount.MAIN, 0.5, Certainty.IDENTIFIED, ("gc_ms",), 1, number, 900.0)


@pytest.fixture
def release(session: Session, people: dict[str, Actor]) -> Release:
    """Put a released result on record: ``release("Cocaine", "Cocaine", "Caffeine", day=3)``."""
    numbers = count(1)

    def put(
        sold_as: str,
        *found: str,
        day: int = 0,
        reason: Reason = Reason.CHECK,
        simulated: bool = False,
    ) -> Sample:
        sample = Sample(
            reference=f"26-{next(numbers):05d}",
            site_id=people["wim"].site_id,
            state=SampleState.RELEASED,
            sold_as_text=sold_as,
            sold_as=vocabulary.sold_as(sold_as),
            form=Form.POWDER,
            reason=reason,
            received_on=NOW.date(),
        )
        session.add(sample)
        _add_version(session, people, sample, *found, at=NOW + timedelta(days=day), simulated=simulated)
        return sample

    return put


@pytest.fixture
def correct(session: Session, people: dict[str, Actor]) -> Callable[..., ResultRow]:
    """Release a corrected version: ``correct(sample, "Ketamine", at=...)``."""
    return partial(_add_version, session, people)


def _add_version(
    session: Session,
    people: dict[str, Actor],
    sample: Sample,
    *found: str,
    at: datetime,
    simulated: bool = False,
) -> ResultRow:
    """The next released version of a sample's result."""
    made = _content(*found)
    row = ResultRow(
        sample=sample,
        version=len(sample.results) + 1,
        content=made,
        content_sha256=digest(made),
        simulated=simulated,
        submitted_by=people["ana"].id,
        submitted_at=at,
        signed_by=people["bo"].id,
        signed_at=at,
        released_at=at,
    )
    session.add(row)
    session.flush()
    session.refresh(sample)
    return row
