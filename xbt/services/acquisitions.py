"""Receiving instrument files: streamed to the store, never parsed here; and giving them back as they came.

Promises that the same bytes again for the same sample change nothing, that a file too large or a disk too
full is refused before the record is touched, and that the original stays whatever becomes of its reading.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, BinaryIO

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from xbt.config import Settings
from xbt.db.models import AcquisitionRow, Sample
from xbt.domain.errors import NotFound, StepRefused, UploadRefused
from xbt.domain.people import Actor
from xbt.domain.states import Step, after
from xbt.jobs import enqueue
from xbt.security import audit
from xbt.security.policy import Permission, require
from xbt.services.drops import is_packed_here
from xbt.services.guards import is_working, require_step
from xbt.services.samples import AcquisitionView, acquisition_view, visible
from xbt.storage import Blob, BlobStore, BlobTooLarge

_DAY = timedelta(days=1)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def receive(
    session: Session,
    actor: Actor,
    *,
    sample_id: int,
    stream: IO[bytes],
    file_name: str,
    store: BlobStore,
    settings: Settings,
    now: datetime,
) -> AcquisitionView:
    """Store a file of a sample and queue its analysis.

    Raises
    ------
    NotFound, NotAllowed, StepRefused : the sample is not the actor's to analyse now.
    UploadRefused : ``empty``, ``too_large`` (fields ``limit_mb``), ``disk_full``, or ``quota_user`` and
        ``quota_site`` (files or bytes within 24 hours); nothing is kept.
    """
    sample = visible(session, actor, sample_id)
    require_step(actor, sample, Step.ANALYSE)
    name = shown_name(file_name)
    room = min(_room_of_user(session, actor, settings, now), _room_of_site(session, sample, settings, now))
    blob = _stored(stream, name, store, settings, room)
    known = session.scalar(
        select(AcquisitionRow).where(
            AcquisitionRow.sample_id == sample.id, AcquisitionRow.sha256 == blob.sha256
        )
    )
    if known is not None:
        return acquisition_view(session, known, duplicate=True)
    row = _row(sample, blob, name, actor, now)
    session.add(row)
    sample.state = after(sample.state, Step.ANALYSE)
    session.flush()
    row.job_id = enqueue(session, "analyse", {"acquisition_id": row.id}, now=now)
    session.flush()
    session.refresh(row)
    audit.append(
        session, actor, "file_received", f"sample:{sample.id}", now=now, sha256=blob.sha256, size=blob.size
    )
    return acquisition_view(session, row)


def analyse_again(session: Session, actor: Actor, *, acquisition_id: int, now: datetime) -> AcquisitionView:
    """Queue a new analysis of a stored file, e.g. with newer libraries; earlier analyses stay.

    Raises
    ------
    NotFound, NotAllowed, StepRefused : as `receive`; also ``still_working``, it is being read now.
    """
    row = _visible(session, actor, acquisition_id)
    sample = row.sample
    require_step(actor, sample, Step.ANALYSE)
    if is_working(row.job):
        raise StepRefused("still_working", step=Step.ANALYSE.value, state=sample.state.value)
    row.job_id = enqueue(session, "analyse", {"acquisition_id": row.id}, now=now)
    session.flush()
    session.refresh(row)
    audit.append(session, actor, "analysis_repeated", f"sample:{sample.id}", now=now, acquisition=row.id)
    return acquisition_view(session, row)


def original(
    session: Session, actor: Actor, store: BlobStore, *, acquisition_id: int
) -> tuple[AcquisitionView, BinaryIO]:
    """A stored file and its bytes as they were received; a folder is the zip it was packed into, and then
    ``file_name`` ends with ".zip".

    Raises
    ------
    NotFound : no such file within the actor's sites, or its bytes are gone.
    NotAllowed : the actor may not see samples.
    """
    row = _visible(session, actor, acquisition_id)
    if not store.exists(row.sha256):
        raise NotFound("no_file", id=str(acquisition_id))
    view, stream = acquisition_view(session, row), store.open(row.sha256)
    if is_packed_here(stream):
        view = replace(view, file_name=view.file_name + ".zip")
    stream.seek(0)
    return view, stream


def shown_name(file_name: str) -> str:
    """The last part of a file name, without control and direction characters, at most 255 characters long.
    It is shown to people and never used as a path."""
    last = re.split(r"[/\\]", file_name)[-1]
    return _UNPRINTABLE.sub("", last).strip()[-255:] or "file"


def disk_space(settings: Settings) -> tuple[int, int]:
    """(free bytes, bytes below which no file is taken): a share of the disk, but never more than a fixed
    amount, so that a large disk is not called full while much is free."""
    usage = shutil.disk_usage(_existing(settings.blobs_dir))
    return usage.free, int(min(settings.min_free_share * usage.total, settings.min_free_gb * 2**30))


def is_full(settings: Settings, coming: int = 0) -> UploadRefused | None:
    """The refusal ``disk_full`` if the disk has no room for so many bytes more."""
    free, needed = disk_space(settings)
    if free - coming >= needed:
        return None
    return UploadRefused("disk_full", free_mb=str(free // 2**20), needed_mb=str(needed // 2**20))


def _visible(session: Session, actor: Actor, acquisition_id: int) -> AcquisitionRow:
    row = session.get(AcquisitionRow, acquisition_id)
    if row is None:
        require(actor, Permission.SEE_SAMPLES)
        raise NotFound("no_file", id=str(acquisition_id))
    visible(session, actor, row.sample_id)
    return row


def _existing(folder: Path) -> Path:
    return next(level for level in (folder, *folder.absolute().parents) if level.exists())


@dataclass(frozen=True, slots=True, order=True)
class _Room:
    """How many bytes may still come, and the refusal when more do."""

    left: int
    code: str


def _room_of_user(session: Session, actor: Actor, settings: Settings, now: datetime) -> _Room:
    sent = select(func.count(), func.coalesce(func.sum(AcquisitionRow.size), 0)).where(
        AcquisitionRow.uploaded_by == actor.id, AcquisitionRow.uploaded_at > now - _DAY
    )
    return _room(session, sent, settings.daily_files_user, settings.daily_gb_user, "quota_user")


def _room_of_site(session: Session, sample: Sample, settings: Settings, now: datetime) -> _Room:
    sent = (
        select(func.count(), func.coalesce(func.sum(AcquisitionRow.size), 0))
        .join(AcquisitionRow.sample)
        .where(Sample.site_id == sample.site_id, AcquisitionRow.uploaded_at > now - _DAY)
    )
    return _room(session, sent, settings.daily_files_site, settings.daily_gb_site, "quota_site")


def _room(session: Session, sent: Select[int, int], files: int, gigabytes: float, code: str) -> _Room:
    count, size = session.execute(sent).one()
    left = int(gigabytes * 2**30) - size
    if count >= files or left <= 0:
        raise UploadRefused(code, files=str(files), gigabytes=f"{gigabytes:g}")
    return _Room(left, code)


def _stored(stream: IO[bytes], name: str, store: BlobStore, settings: Settings, room: _Room) -> Blob:
    full = is_full(settings)
    if full is not None:
        raise full
    limit = settings.max_upload_mb * 2**20
    try:
        blob = store.put(stream, limit=min(limit, room.left))
    except BlobTooLarge:
        if room.left < limit:
            raise UploadRefused(room.code, file=name) from None
        raise UploadRefused("too_large", file=name, limit_mb=str(settings.max_upload_mb)) from None
    if blob.size == 0:
        raise UploadRefused("empty", file=name)
    return blob


def _row(sample: Sample, blob: Blob, name: str, actor: Actor, now: datetime) -> AcquisitionRow:
    return AcquisitionRow(
        sample=sample,
        sha256=blob.sha256,
        size=blob.size,
        file_name=name,
        uploaded_by=actor.id,
        uploaded_at=now,
    )
