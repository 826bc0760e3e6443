"""A small laboratory that every test of the record may use: real database file, real secrets, real store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from tests.xbt.laboratory import Laboratory, found_laboratory, make_secrets
from xbt.config import Settings
from xbt.db import upgrade
from xbt.db.session import checkpoint, make_engine, session_factory

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, made once and copied for every test."""
    file = tmp_path_factory.mktemp("empty") / "xbt.sqlite3"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory, empty: Path) -> Laboratory:
    """A laboratory with its people, made once (password hashes are slow on purpose)."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("founded"))
    shutil.copy(empty, settings.data_dir)
    engine = make_engine(settings.database_url)
    laboratory = found_laboratory(session_factory(engine), settings, NOW)
    checkpoint(engine)
    engine.dispose()
    return laboratory


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path / "var")
    make_secrets(settings)
    return settings


@pytest.fixture
def engine(settings: Settings, empty: Path) -> Iterator[Engine]:
    shutil.copy(empty, settings.data_dir)
    engine = make_engine(settings.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    return session_factory(engine)


@pytest.fixture
def laboratory(founded: Laboratory, sessions: sessionmaker[Session], settings: Settings) -> Laboratory:
    shutil.copy(founded.settings.data_dir / "xbt.sqlite3", settings.data_dir)
    return replace(founded, sessions=sessions, settings=settings)
