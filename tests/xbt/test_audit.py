"""The trail: whole when untouched, and every kind of tampering shows."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from xbt.config import Settings
from xbt.domain.people import SYSTEM
from xbt.security import audit

ENTRIES = 8


def _edit(rows: sqlite3.Connection, chance: random.Random) -> None:
    column = chance.choice(["action", "subject", "at", "changes", "actor_id", "hash", "previous"])
    value = {"at": "2001-01-01 00:00:00.000000", "changes": "{}", "actor_id": 77}.get(column, "x")
    rows.execute(f"UPDATE audit SET {column} = ? WHERE id = ?", (value, chance.randint(1, ENTRIES)))  # noqa: S608


def _delete(rows: sqlite3.Connection, chance: random.Random) -> None:
    rows.execute("DELETE FROM audit WHERE id = ?", (chance.randint(1, ENTRIES - 1),))


def _swap(rows: sqlite3.Connection, chance: random.Random) -> None:
    one, other = chance.sample(range(1, ENTRIES + 1), 2)
    for before, after in ((one, -1), (other, one), (-1, other)):
        rows.execute("UPDATE audit SET id = ? WHERE id = ?", (after, before))


def _insert(rows: sqlite3.Connection, chance: random.Random) -> None:
    rows.execute(
        "INSERT INTO audit (id, at, action, subject, changes, previous, hash)"
        " SELECT ?, at, action, subject, changes, 'p', 'h' FROM audit WHERE id = ?",
        (ENTRIES + 1, chance.randint(1, ENTRIES)),
    )


def _cut(rows: sqlite3.Connection, chance: random.Random) -> None:
    rows.execute("DELETE FROM audit WHERE id > ?", (chance.randint(1, ENTRIES - 1),))


@pytest.fixture
def head(sessions: sessionmaker[Session], now: datetime) -> str:
    with sessions.begin() as session:
        for number in range(ENTRIES):
            audit.append(
                session,
                SYSTEM,
                "test",
                f"sample:{number}",
                now=now + timedelta(seconds=number, microseconds=number),
                share=number / 7,
                text="é",
            )
        return audit.head(session)


def test_an_untouched_trail_is_whole(sessions: sessionmaker[Session], head: str) -> None:
    with sessions() as session:
        assert audit.broken_link(session, expected_head=head) is None


@pytest.mark.parametrize("tamper", [_edit, _delete, _swap, _insert, _cut])
@pytest.mark.parametrize("seed", range(4))
def test_every_tampering_shows(
    settings: Settings,
    engine: Engine,
    sessions: sessionmaker[Session],
    head: str,
    tamper: Callable[[sqlite3.Connection, random.Random], None],
    seed: int,
) -> None:
    rows = sqlite3.connect(settings.data_dir / "xbt.sqlite3")
    for trigger in ("audit_no_update", "audit_no_delete"):
        rows.execute(f"DROP TRIGGER {trigger}")
    tamper(rows, random.Random(seed))
    rows.commit()
    rows.close()
    with sessions() as session:
        assert audit.broken_link(session, expected_head=head) is not None


def test_writers_at_the_same_time_make_one_chain(sessions: sessionmaker[Session], now: datetime) -> None:
    def write(writer: int) -> None:
        for number in range(10):
            with sessions.begin() as session:
                audit.append(session, SYSTEM, "test", f"writer:{writer}", now=now, number=number)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sessions() as session:
        assert audit.broken_link(session) is None
        assert session.connection().exec_driver_sql("SELECT count(*) FROM audit").scalar() == 40
