"""What a ticket opens.

Promises that an unknown code, a wrong secret and an expired ticket look alike and cost the same, and that
no look-up leaves a trace of the code. Shows a released result only; who worked on it is never shown.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from xbt.db.models import ResultRow, Sample, TicketRow
from xbt.domain.lookup import PublicResult, PublicState
from xbt.domain.states import SampleState
from xbt.security.codes import normalise, verify
from xbt.services.guards import last_released
from xbt.services.snapshots import content_of


def look_up(session: Session, code_text: str, *, now: datetime, pepper: bytes) -> PublicResult | None:
    """The result behind a code; None if the code is unknown, wrong or expired.

    Raises
    ------
    BadCode : not a code at all (told without asking the database).
    Busy : too many look-ups at once.
    """
    code = normalise(code_text)
    ticket = session.scalar(select(TicketRow).where(TicketRow.locator == code.locator))
    right = verify(ticket.secret_hash if ticket else None, code.secret, pepper)
    if ticket is None or not right or ticket.expires_at <= now:
        return None
    return public_result(ticket.sample)


def public_result(sample: Sample) -> PublicResult:
    """What the holder of the ticket may read of a sample; for services only."""
    released = last_released(sample)
    if released is None:
        return _told(sample, PublicState.NOT_READY)
    if released.withdrawn_at is not None:
        return _told(sample, PublicState.WITHDRAWN, released)
    return _released(sample, released)


def _released(sample: Sample, row: ResultRow) -> PublicResult:
    content = content_of(row)
    return PublicResult(
        state=PublicState.RELEASED,
        reference=sample.reference or "",
        site_name=sample.site.name,
        site_contact=sample.site.contact,
        sold_as_text=sample.sold_as_text,
        sold_as=sample.sold_as,
        version=row.version,
        released_on=row.released_at.date() if row.released_at else None,
        findings=content.findings,
        methods=content.methods,
        unexplained_share=content.unexplained_share,
        comment=content.comment,
        amends=row.reason,
        being_corrected=sample.state is not SampleState.RELEASED,
        simulated=row.simulated,
        readings=content.readings,
    )


def _told(sample: Sample, state: PublicState, row: ResultRow | None = None) -> PublicResult:
    """A result of which only the state is told."""
    return PublicResult(
        state=state,
        reference=sample.reference or "",
        site_name=sample.site.name,
        site_contact=sample.site.contact,
        sold_as_text=sample.sold_as_text,
        sold_as=sample.sold_as,
        version=row.version if row else 0,
        being_corrected=row is not None and sample.state is not SampleState.WITHDRAWN,
        simulated=row.simulated if row else False,
    )
