"""Migrations equal the models, go up and down, and keep what is there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, delete, inspect, text, update
from sqlalchemy.exc import DatabaseError

from xbt.db import downgrade, head_revision, require_head, revision_at, upgrade
from xbt.db.models import AuditRow, Base, CalibrationRow, ReadingRow, Sample, Site
from xbt.db.session import make_engine, session_factory
from xbt.domain.errors import NotInitialised
from xbt.domain.people import SYSTEM
from xbt.domain.samples import Form
from xbt.security import audit


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'record.sqlite3'}"


def _engine(url: str) -> Engine:
    return make_engine(url)


def test_migrations_equal_the_models(url: str) -> None:
    upgrade(url)
    engine = _engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_upgrade_again_changes_nothing_and_keeps_the_data(url: str) -> None:
    upgrade(url)
    engine = _engine(url)
    with session_factory(engine).begin() as session:
        session.add(Site(name="Lyon", contact="tel", region="ARA"))
    engine.dispose()
    upgrade(url)
    engine = _engine(url)
    with session_factory(engine)() as session:
        assert session.query(Site).one().name == "Lyon"
    engine.dispose()
    assert revision_at(url) == head_revision()
    require_head(url)


def test_down_to_nothing_with_data_and_up_again(url: str) -> None:
    upgrade(url)
    engine = _engine(url)
    with session_factory(engine).begin() as session:
        session.add(Site(name="Lyon", contact="tel", region="ARA"))
        audit.append(session, SYSTEM, "test", "site:1", now=datetime(2026, 1, 1, tzinfo=UTC))
    engine.dispose()
    downgrade(url, "base")
    engine = _engine(url)
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    engine.dispose()
    with pytest.raises(NotInitialised) as refused:
        require_head(url)
    assert refused.value.code == "database_missing"
    upgrade(url)


def test_a_database_of_the_first_revision_keeps_its_data_both_ways(url: str) -> None:
    upgrade(url, "0001")
    engine = _engine(url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO site (name, contact, region) VALUES ('Lyon', 'tel', 'ARA')"))
    upgrade(url)
    with session_factory(engine).begin() as session:
        session.add(
            CalibrationRow(
                sha256="0" * 64,
                substance="x",
                technique="lc",
                accepted=True,
                content={},
                made_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
        )
    downgrade(url, "0001")
    assert not {"calibration", "quantity"} & set(inspect(engine).get_table_names())
    upgrade(url)
    with session_factory(engine)() as session:
        assert session.query(Site).one().name == "Lyon"
        assert session.query(CalibrationRow).count() == 0
    engine.dispose()


def test_looking_for_a_database_does_not_make_one(url: str, tmp_path: Path) -> None:
    assert revision_at(url) is None
    assert list(tmp_path.iterdir()) == []


def test_the_database_itself_refuses_to_rewrite_the_trail(url: str) -> None:
    upgrade(url)
    engine = _engine(url)
    sessions = session_factory(engine)
    with sessions.begin() as session:
        audit.append(session, SYSTEM, "test", "site:1", now=datetime(2026, 1, 1, tzinfo=UTC))
    for statement in (update(AuditRow).values(action="else"), delete(AuditRow)):
        with pytest.raises(DatabaseError, match="append-only"), sessions.begin() as session:
            session.execute(statement)
    engine.dispose()


def test_readings_are_never_rewritten_and_the_second_revision_keeps_its_data(url: str) -> None:
    upgrade(url, "0002")
    engine = _engine(url)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO site (name, contact, region) VALUES ('Lyon', 'tel', 'ARA')"))
    upgrade(url)
    sessions = session_factory(engine)
    with sessions.begin() as session:
        sample = Sample(site_id=1, sold_as_text="x", form=Form.POWDER, received_on=at.date())
        sample.readings.append(ReadingRow(kind="strip", content={}, recorded_at=at))
        session.add(sample)
    for statement in (update(ReadingRow).values(kind="else"), delete(ReadingRow)):
        with pytest.raises(DatabaseError, match="append-only"), sessions.begin() as session:
            session.execute(statement)
    downgrade(url, "0002")
    assert "reading" not in inspect(engine).get_table_names()
    with sessions() as session:
        assert session.query(Site).one().name == "Lyon"
    engine.dispose()


def test_sqlite_is_opened_durable_and_forgetful(url: str) -> None:
    engine = _engine(url)
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    with engine.connect() as connection:
        for pragma, value in expected.items():
            assert connection.execute(text(f"PRAGMA {pragma}")).scalar() == value
    engine.dispose()
