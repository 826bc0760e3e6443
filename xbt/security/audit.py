"""The audit trail: who did what to which thing, chained by hashes.

Each entry's hash covers the entry and the hash before it, so that an edited, swapped, inserted or deleted
entry shows. A cut tail shows only against a head kept elsewhere (`head`). Holds no network address, no
ticket code and no whole objects: only the fields that changed.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from xbt.db.models import AuditRow
from xbt.domain.people import Actor

GENESIS = "0" * 64
_CHAIN_LOCK = 0x58425401  # any constant: every writer of the chain asks PostgreSQL for the same one


def append(
    session: Session, actor: Actor, action: str, subject: str, *, now: datetime, **changes: object
) -> None:
    """Add one entry in the caller's transaction. ``changes`` must be plain JSON values."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHAIN_LOCK})
    session.flush()
    row = AuditRow(
        at=now, actor_id=actor.id, action=action, subject=subject, changes=changes, previous=head(session)
    )
    row.hash = _hash(row)
    session.add(row)
    session.flush()


def head(session: Session) -> str:
    """The hash of the last entry: what has to be kept elsewhere to notice a cut tail."""
    return session.scalar(select(AuditRow.hash).order_by(AuditRow.id.desc()).limit(1)) or GENESIS


def broken_link(session: Session, *, expected_head: str | None = None) -> int | None:
    """The id of the first entry that does not fit, 0 if only the head differs, None if all is whole."""
    previous = GENESIS
    for row in session.scalars(select(AuditRow).order_by(AuditRow.id).execution_options(yield_per=1000)):
        if row.previous != previous or row.hash != _hash(row):
            return row.id
        previous = row.hash
    return 0 if expected_head not in (None, previous) else None


def _hash(row: AuditRow) -> str:
    entry: list[Any] = [
        row.previous,
        row.at.timestamp(),
        row.actor_id,
        row.action,
        row.subject,
        row.changes,
    ]
    canonical = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
