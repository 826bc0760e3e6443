"""Migrations, run from Python: no configuration file, no working folder to be in.

Promises that an upgrade is all or nothing where the database can (SQLite and PostgreSQL both do).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, make_url

from xbt.db.session import READ_ONLY, make_engine
from xbt.domain.errors import NotInitialised

_SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at ``url`` up to ``revision``; an empty one is filled with tables."""
    _with_connection(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str) -> None:
    """Take the database back to ``revision`` ("base": no tables). Data of later tables are lost."""
    _with_connection(url, lambda config: command.downgrade(config, revision))


def current_revision(engine: Engine) -> str | None:
    """The revision the database is at; None for one that was never upgraded."""
    with engine.execution_options(**{READ_ONLY: True}).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def revision_at(url: str) -> str | None:
    """The revision of the database at ``url``; None if it has none or is not there. Looking creates nothing.

    Raises
    ------
    sqlalchemy.exc.SQLAlchemyError : it is there but cannot be opened.
    """
    file = make_url(url).database if url.startswith("sqlite") else None
    if file is not None and not Path(file).is_file():
        return None
    engine = make_engine(url)
    try:
        return current_revision(engine)
    finally:
        engine.dispose()


def head_revision() -> str:
    """The newest revision this version of the program knows."""
    head = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    if head is None:  # pragma: no cover  (the package ships its migrations)
        raise RuntimeError("no migrations are installed")
    return head


def require_head(url: str) -> None:
    """Return if the database is at the revision of this program.

    Raises
    ------
    NotInitialised : ``database_missing`` or ``database_old``, with field ``remedy``.
    """
    found = revision_at(url)
    if found is None:
        raise NotInitialised("database_missing", remedy="run: xbt init")
    if found != head_revision():
        raise NotInitialised("database_old", found=found, needed=head_revision(), remedy="run: xbt upgrade")


def _with_connection(url: str, work: Callable[[Config], None]) -> None:
    engine = make_engine(url)
    try:
        with engine.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
            config.attributes["connection"] = connection
            work(config)
    finally:
        engine.dispose()
