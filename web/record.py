"""What a request needs of the laboratory's record: settings, sessions, the blob store.

Promises that everything is made once per process, at start, so that a missing secret or folder stops the
server there and not in front of a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from flask import Flask, current_app
from sqlalchemy.orm import Session, sessionmaker

from xbt.config import Settings
from xbt.db.session import make_engine, session_factory
from xbt.storage import BlobStore, FolderStore

EXTENSION = "xbt"


@dataclass(frozen=True, slots=True)
class Record:
    """The open record. Ask `reading` for pages and `writing` for use cases that change something."""

    settings: Settings
    reading: sessionmaker[Session]
    writing: sessionmaker[Session]
    store: BlobStore
    pepper: bytes


def open_record(app: Flask, settings: Settings) -> Record:
    """Open database and store for ``app``.

    Raises
    ------
    NotInitialised : ``xbt init`` was never run on this data folder.
    """
    engine = make_engine(settings.database_url)
    opened = Record(
        settings=settings,
        reading=session_factory(engine, read_only=True),
        writing=session_factory(engine),
        store=FolderStore(settings.blobs_dir),
        pepper=settings.pepper(),
    )
    app.extensions[EXTENSION] = opened
    return opened


def record() -> Record:
    """The record of the application that answers this request."""
    return cast(Record, current_app.extensions[EXTENSION])


def now() -> datetime:
    """The present moment, in UTC: the one clock of the web layer, handed to every use case."""
    return datetime.now(UTC)
