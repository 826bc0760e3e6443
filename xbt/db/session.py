"""Engines and sessions.

Promises on SQLite: nothing committed is lost to a power cut (WAL, ``synchronous=FULL``), deleted secrets
are overwritten, foreign keys hold, and a transaction that may write takes its lock at the start, so that
it waits for another writer instead of failing half-way. Sessions made with ``read_only=True`` do not take
that lock.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session, sessionmaker

READ_ONLY = "xbt_read_only"
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "busy_timeout=15000",
)


def make_engine(url: str) -> Engine:
    """An engine for ``url`` (SQLite or PostgreSQL) with the promises of this module."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
    return engine


def session_factory(engine: Engine, *, read_only: bool = False) -> sessionmaker[Session]:
    """Sessions on ``engine``; values read before a commit stay readable after it."""
    bind = engine.execution_options(**{READ_ONLY: True}) if read_only else engine
    return sessionmaker(bind, expire_on_commit=False)


def checkpoint(engine: Engine) -> None:
    """Fold SQLite's write-ahead log into the file, so that deleted secrets leave the disk."""
    if engine.dialect.name == "sqlite":
        raw = engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            raw.close()


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not open transactions of its own
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN DEFERRED" if read_only else "BEGIN IMMEDIATE")
