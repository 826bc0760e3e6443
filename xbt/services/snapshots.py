"""Results as they are stored: written once as JSON, read back as values, bound to the signature by hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import msgspec

from xbt.db.models import ResultRow, StaffUser
from xbt.domain.findings import Finding, MethodStatement, ReadingTold, ResultVersion


@dataclass(frozen=True, slots=True)
class Content:
    """What a result says."""

    findings: tuple[Finding, ...]
    methods: tuple[MethodStatement, ...]
    unexplained_share: float
    comment: str
    readings: tuple[ReadingTold, ...] = ()


def to_json(content: Content) -> dict[str, Any]:
    """The content as plain JSON values."""
    built: dict[str, Any] = msgspec.to_builtins(content)
    return built


def digest(content: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON: what a signature is bound to."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def content_of(row: ResultRow) -> Content:
    """Read a stored result back.

    Raises
    ------
    ValueError : the stored content is not what was submitted.
    """
    if digest(row.content) != row.content_sha256:
        raise ValueError(f"result {row.id} does not match its own hash")
    return msgspec.convert(row.content, Content)


def version_of(row: ResultRow) -> ResultVersion:
    """A stored result as the value that pages show."""
    content = content_of(row)
    return ResultVersion(
        id=row.id,
        sample_id=row.sample_id,
        version=row.version,
        findings=content.findings,
        methods=content.methods,
        unexplained_share=content.unexplained_share,
        comment=content.comment,
        submitted_by=_name(row.submitter) or "system",
        submitted_at=row.submitted_at,
        signed_by=_name(row.signer),
        signed_at=row.signed_at,
        released_at=row.released_at,
        withdrawn_at=row.withdrawn_at,
        reason=row.withdraw_reason if row.withdrawn_at else row.reason,
        simulated=row.simulated,
        returned_at=row.returned_at,
        return_reason=row.return_reason,
        readings=content.readings,
    )


def _name(user: StaffUser | None) -> str | None:
    return None if user is None else user.name
