"""The worker: takes jobs one after the other and keeps its lease alive meanwhile.

Promises to say that it lives (the heartbeat file), to survive whatever a handler raises, and to stop
between two jobs when asked to.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import entry_points
from threading import Event

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from spectra.errors import UnreadableFile
from xbt.config import Settings
from xbt.db.session import make_engine, session_factory
from xbt.jobs.context import GiveUp, Handler, JobContext
from xbt.jobs.queue import Claim, claim, fail, keep, succeed, tell
from xbt.storage import FolderStore

log = logging.getLogger("xbt.jobs")

GROUP = "xbt.jobs"
_IDLE_SECONDS = 0.5
_BEAT_SECONDS = 5.0
_ABANDONED_SECONDS = 24 * 3600.0  # no upload lasts a day


def run_worker(
    settings: Settings,
    *,
    once: bool = False,
    stop: Event | None = None,
    handlers: dict[str, Handler] | None = None,
) -> int:
    """Work until ``stop`` is set, or with ``once`` until nothing is due. Returns how many jobs ended.

    ``handlers`` by kind of job replace those found through the entry points ``xbt.jobs``.
    """
    engine = make_engine(settings.database_url)
    sessions = session_factory(engine)
    name = f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(4)}"
    stopped, ended = stop or Event(), 0
    FolderStore(settings.blobs_dir).sweep(time.time() - _ABANDONED_SECONDS)
    try:
        with _beating(settings):
            while not stopped.is_set():
                worked = _turn(settings, sessions, name, handlers)
                if worked is not None:
                    ended += worked
                elif once:
                    break
                else:
                    stopped.wait(_IDLE_SECONDS)
    finally:
        engine.dispose()
    return ended


def handler_of(kind: str) -> Handler:
    """The installed handler of a kind of job.

    Raises
    ------
    GiveUp : code ``no_handler``.
    """
    for entry in entry_points(group=GROUP, name=kind):
        handler: Handler = entry.load()
        return handler
    raise GiveUp("no_handler", kind=kind)


def _turn(
    settings: Settings,
    sessions: sessionmaker[Session],
    name: str,
    handlers: dict[str, Handler] | None,
) -> bool | None:
    """Take one job and work on it: whether it ended; None if there was none."""
    try:
        with sessions.begin() as session:
            taken = claim(session, name, now=_now(), lease=_lease(settings))
        return None if taken is None else _work(settings, sessions, taken, handlers)
    except OperationalError:  # the database is away: wait as for an empty queue; a lease brings the job back
        log.warning("the job table cannot be used; trying again")
        return None


def _work(
    settings: Settings,
    sessions: sessionmaker[Session],
    held: Claim,
    handlers: dict[str, Handler] | None,
) -> bool:
    """Run one job to its end or back into the queue; True if it ended here."""
    retry, error = _run(settings, sessions, held, handlers)
    with sessions.begin() as session:
        if error is None:
            return succeed(session, held, now=_now())
        return fail(session, held, error, now=_now(), retry=retry) and not retry


def _run(
    settings: Settings,
    sessions: sessionmaker[Session],
    held: Claim,
    handlers: dict[str, Handler] | None,
) -> tuple[bool, dict[str, str] | None]:
    """(whether to try again, the error's fields or None)."""

    def progress(fraction: float, text_code: str) -> None:
        with sessions.begin() as session:
            tell(session, held, fraction, text_code)

    store = FolderStore(settings.blobs_dir)
    context = JobContext(held.id, settings, sessions, store, progress, _now)
    try:
        handler = handlers[held.kind] if handlers is not None else handler_of(held.kind)
        with _kept(settings, sessions, held):
            handler(context, held.payload)
    except UnreadableFile as error:
        return False, error.to_dict()
    except GiveUp as error:
        return False, {"fault": error.code, **error.fields}
    except Exception as error:
        log.exception("job %d (%s), attempt %d", held.id, held.kind, held.attempt)
        return True, {"fault": "unexpected", "kind": type(error).__name__}
    return False, None


@contextmanager
def _kept(settings: Settings, sessions: sessionmaker[Session], held: Claim) -> Iterator[None]:
    """Keep the lease alive from another thread while the body runs."""

    def renew() -> None:
        with sessions.begin() as session:
            keep(session, held, now=_now(), lease=_lease(settings))

    with _every(settings.lease_seconds / 3, renew):
        yield


@contextmanager
def _beating(settings: Settings) -> Iterator[None]:
    """Touch the heartbeat file while the body runs."""
    file = settings.heartbeat_file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    with _every(_BEAT_SECONDS, file.touch):
        yield


@contextmanager
def _every(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    done = Event()

    def loop() -> None:
        while not done.wait(seconds):
            try:
                action()
            except (OperationalError, OSError):
                log.warning("a sign of life could not be written; trying again")

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _lease(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.lease_seconds)


def _now() -> datetime:
    return datetime.now(UTC)
