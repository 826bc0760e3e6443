"""The job rows: put in, claimed under a lease, kept alive, ended once.

A claim is good until ``lease_until``; whoever holds it moves that time on while working. A worker that was
killed stops doing so, and the next worker claims the job again. Ending a job needs the claim, so that a
worker that was only slow cannot end a job that another has taken over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, and_, or_, select, update
from sqlalchemy.orm import Session

from xbt.db.models import JobRow
from xbt.domain.work import JobState

MAX_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a job. ``attempt`` counts from 1."""

    id: int
    kind: str
    payload: dict[str, Any]
    worker: str
    attempt: int


def enqueue(session: Session, kind: str, payload: dict[str, Any], *, now: datetime) -> int:
    """Add a job in the caller's transaction; it exists only if that commits. Returns its id."""
    job = JobRow(kind=kind, payload=payload, created_at=now, due_at=now, state=JobState.QUEUED)
    session.add(job)
    session.flush()
    return job.id


def claim(session: Session, worker: str, *, now: datetime, lease: timedelta) -> Claim | None:
    """Take the oldest job that is due, or whose holder has gone silent; None if there is nothing to do."""
    due = and_(JobRow.state == JobState.QUEUED, JobRow.due_at <= now)
    silent = and_(JobRow.state == JobState.RUNNING, JobRow.lease_until < now)
    query = select(JobRow).where(or_(due, silent)).order_by(JobRow.id).limit(1)
    job = session.scalar(query.with_for_update(skip_locked=True))
    if job is None:
        return None
    if job.attempts >= MAX_ATTEMPTS:  # every worker that took it died
        _end(job, JobState.FAILED, now, error={"fault": "worker_died"})
        return claim(session, worker, now=now, lease=lease)
    job.state, job.worker, job.lease_until = JobState.RUNNING, worker, now + lease
    job.attempts += 1
    session.flush()
    return Claim(job.id, job.kind, dict(job.payload), worker, job.attempts)


def keep(session: Session, held: Claim, *, now: datetime, lease: timedelta) -> bool:
    """Move the lease on; False if the job is no longer ours."""
    return _update_held(session, held, lease_until=now + lease)


def tell(session: Session, held: Claim, fraction: float, text_code: str) -> bool:
    """Record progress (0..1); False if the job is no longer ours."""
    return _update_held(session, held, progress=min(1.0, max(0.0, fraction)), text_code=text_code)


def succeed(session: Session, held: Claim, *, now: datetime) -> bool:
    """End a job as done; False if it is no longer ours."""
    job = _held(session, held)
    if job is not None:
        job.progress = 1.0
        _end(job, JobState.DONE, now, error={})
    return job is not None


def fail(session: Session, held: Claim, error: dict[str, str], *, now: datetime, retry: bool) -> bool:
    """End a job as failed, or put it back to be tried later (2, 4, 8 … s) while attempts are left;
    False if it is no longer ours."""
    job = _held(session, held)
    if job is None:
        return False
    if retry and held.attempt < MAX_ATTEMPTS:
        job.state, job.lease_until, job.worker, job.error = JobState.QUEUED, None, "", error
        job.due_at = now + timedelta(seconds=2**held.attempt)
    else:
        _end(job, JobState.FAILED, now, error=error)
    return True


def _end(job: JobRow, state: JobState, now: datetime, *, error: dict[str, str]) -> None:
    job.state, job.error, job.ended_at, job.lease_until = state, error, now, None


def _held(session: Session, held: Claim) -> JobRow | None:
    return session.scalar(select(JobRow).where(*_ours(held)).with_for_update())


def _update_held(session: Session, held: Claim, **values: object) -> bool:
    result = session.execute(update(JobRow).where(*_ours(held)).values(**values))
    return cast("CursorResult[Any]", result).rowcount == 1


def _ours(held: Claim) -> tuple[Any, ...]:
    return (
        JobRow.id == held.id,
        JobRow.state == JobState.RUNNING,
        JobRow.worker == held.worker,
        JobRow.attempts == held.attempt,
    )
