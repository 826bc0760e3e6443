"""Jobs run at least once and end once, whatever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from spectra.errors import Fault, UnreadableFile
from xbt.config import Settings
from xbt.db.models import JobRow
from xbt.domain.work import JobState
from xbt.jobs import GiveUp, JobContext, enqueue, run_worker
from xbt.jobs.queue import MAX_ATTEMPTS, claim, fail, keep, succeed, tell
from xbt.services.samples import job_view

LEASE = timedelta(seconds=60)

# A worker whose job hangs after its first line, until it is killed.
HANGING_WORKER = """
import sys, time
from pathlib import Path
from xbt.config import Settings
from xbt.jobs import run_worker

def handler(context, payload):
    with Path(payload["log"]).open("a") as log:
        log.write("started\\n")
    context.progress(0.5, "reading")
    time.sleep(60)

run_worker(Settings(data_dir=Path(sys.argv[1]), lease_seconds=2), handlers={"test": handler})
"""


def _enqueue(sessions: sessionmaker[Session], now: datetime, **payload: Any) -> int:
    with sessions.begin() as session:
        return enqueue(session, "test", payload, now=now)


def _job(sessions: sessionmaker[Session], number: int) -> JobRow:
    with sessions() as session:
        job = session.get(JobRow, number)
        assert job is not None
        return job


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_job_whose_worker_is_killed_is_taken_up_again_and_ends_once(
    settings: Settings, sessions: sessionmaker[Session], now: datetime, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    number = _enqueue(sessions, now, log=str(log))
    worker = subprocess.Popen([sys.executable, "-c", HANGING_WORKER, str(settings.data_dir)])
    _wait_for(lambda: _job(sessions, number).progress == 0.5)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    killed = _job(sessions, number)
    assert (killed.state, killed.attempts) == (JobState.RUNNING, 1)

    def handler(context: JobContext, payload: dict[str, Any]) -> None:
        with log.open("a") as lines:
            lines.write("done\n")

    short = Settings(data_dir=settings.data_dir, lease_seconds=2)
    stop = Event()
    second = Thread(target=run_worker, args=(short,), kwargs={"stop": stop, "handlers": {"test": handler}})
    second.start()
    _wait_for(lambda: _job(sessions, number).state is JobState.DONE)
    stop.set()
    second.join()
    ended = _job(sessions, number)
    assert (ended.attempts, ended.progress, ended.error) == (2, 1.0, {})
    assert log.read_text() == "started\ndone\n"


def test_a_long_job_keeps_its_lease(
    settings: Settings, sessions: sessionmaker[Session], now: datetime
) -> None:
    number = _enqueue(sessions, now)
    short = Settings(data_dir=settings.data_dir, lease_seconds=1)
    runs = []

    def handler(context: JobContext, payload: dict[str, Any]) -> None:
        runs.append(context.job_id)
        time.sleep(2.0)

    workers = [
        Thread(target=run_worker, args=(short,), kwargs={"once": True, "handlers": {"test": handler}})
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
        time.sleep(1.2)
    for worker in workers:
        worker.join()
    assert runs == [number]
    assert _job(sessions, number).state is JobState.DONE


def test_a_file_that_cannot_be_read_fails_at_once_and_says_why(
    settings: Settings, sessions: sessionmaker[Session], now: datetime
) -> None:
    number = _enqueue(sessions, now)
    error = UnreadableFile(Fault.TRUNCATED, file="a.mzML", where="scan 17", remedy="export it again")

    def handler(context: JobContext, payload: dict[str, Any]) -> None:
        raise error

    assert run_worker(settings, once=True, handlers={"test": handler}) == 1
    view = job_view(_job(sessions, number))
    assert (view.state, view.attempts, view.error) == (JobState.FAILED, 1, error.to_dict())


def test_what_cannot_succeed_is_given_up(
    settings: Settings, sessions: sessionmaker[Session], now: datetime
) -> None:
    given_up = _enqueue(sessions, now)

    def handler(context: JobContext, payload: dict[str, Any]) -> None:
        raise GiveUp("no_file", id="7")

    run_worker(settings, once=True, handlers={"test": handler})
    assert _job(sessions, given_up).error == {"fault": "no_file", "id": "7"}
    with sessions.begin() as session:
        unknown = enqueue(session, "no such kind", {}, now=now)
    run_worker(settings, once=True)
    assert _job(sessions, unknown).error["fault"] == "no_handler"


def test_an_unexpected_error_is_tried_five_times_with_growing_pauses(
    sessions: sessionmaker[Session], now: datetime
) -> None:
    number, at, pauses = _enqueue(sessions, now), now, []
    for _ in range(MAX_ATTEMPTS):
        with sessions.begin() as session:
            held = claim(session, "w", now=at, lease=LEASE)
            assert held is not None
            assert fail(session, held, {"fault": "unexpected"}, now=at, retry=True)
        with sessions.begin() as session:
            assert claim(session, "w", now=at, lease=LEASE) is None
        pauses.append((_job(sessions, number).due_at - at).total_seconds())
        at = max(at, _job(sessions, number).due_at)
    assert pauses[:4] == [2, 4, 8, 16]
    assert _job(sessions, number).state is JobState.FAILED


def test_a_job_that_kills_every_worker_is_given_up(sessions: sessionmaker[Session], now: datetime) -> None:
    number, at = _enqueue(sessions, now), now
    for _ in range(MAX_ATTEMPTS):
        with sessions.begin() as session:
            assert claim(session, "w", now=at, lease=LEASE) is not None
        at += 2 * LEASE
    with sessions.begin() as session:
        assert claim(session, "w", now=at, lease=LEASE) is None
    assert _job(sessions, number).error == {"fault": "worker_died"}


def test_who_lost_the_job_cannot_end_it(sessions: sessionmaker[Session], now: datetime) -> None:
    number = _enqueue(sessions, now)
    with sessions.begin() as session:
        slow = claim(session, "slow", now=now, lease=LEASE)
    later = now + 2 * LEASE
    with sessions.begin() as session:
        quick = claim(session, "quick", now=later, lease=LEASE)
    assert slow is not None
    assert quick is not None
    with sessions.begin() as session:
        assert not keep(session, slow, now=later, lease=LEASE)
        assert not tell(session, slow, 0.9, "late")
        assert not succeed(session, slow, now=later)
        assert not fail(session, slow, {"fault": "late"}, now=later, retry=False)
        assert succeed(session, quick, now=later)
    assert (_job(sessions, number).state, _job(sessions, number).error) == (JobState.DONE, {})


def test_two_claims_never_meet(sessions: sessionmaker[Session], now: datetime) -> None:
    numbers = {_enqueue(sessions, now) for _ in range(12)}
    taken: list[int] = []

    def take(name: str) -> None:
        while True:
            with sessions.begin() as session:
                held = claim(session, name, now=now, lease=LEASE)
            if held is None:
                return
            taken.append(held.id)

    threads = [Thread(target=take, args=(f"w{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(numbers)


def test_the_worker_says_that_it_lives(settings: Settings, sessions: sessionmaker[Session]) -> None:
    run_worker(settings, once=True)
    assert time.time() - settings.heartbeat_file.stat().st_mtime < 10


def _wait_for(condition: Any, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "nothing happened in time"
        time.sleep(0.1)
