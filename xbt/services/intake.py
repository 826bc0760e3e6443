"""Taking a sample in: what was told is kept, a ticket is given once.

Promises that the same request sent twice makes one sample and one ticket, although the code is never
stored. Refuses anything that could name the person: there is no field for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from library import vocabulary
from xbt.config import Settings
from xbt.db.models import Sample, Site, TicketRow
from xbt.domain.errors import NotFound
from xbt.domain.people import Actor
from xbt.domain.samples import Intake, Ticket
from xbt.domain.states import SampleState
from xbt.security import audit
from xbt.security.codes import Code, derived_codes, hash_secret, new_code
from xbt.security.policy import Permission, require, sees_site

MIN_KEY = 16  # characters; a shorter key could be guessed, and the ticket with it
_TRIES = 64  # a million locators: even half full, 64 in a row are never all taken


def take_in(
    session: Session,
    actor: Actor,
    *,
    site_id: int,
    intake: Intake,
    now: datetime,
    settings: Settings,
    idempotency_key: str = "",
) -> Ticket:
    """Record a sample and give its ticket. The words it was sold under are looked up unless a key is given.

    Parameters
    ----------
    idempotency_key : random text of ≥ 16 characters made by the caller for this one intake; the same key
        again returns the same sample and the same code. "" for a request that cannot be repeated.

    Raises
    ------
    NotAllowed : the actor may not take samples in.
    NotFound : no such site, or not one of the actor's.
    ValueError : the key is too short to be random.
    """
    require(actor, Permission.TAKE_IN)
    site = session.get(Site, site_id)
    if site is None or not sees_site(actor, site_id):
        raise NotFound("no_site", id=str(site_id))
    if 0 < len(idempotency_key) < MIN_KEY:
        raise ValueError(f"an idempotency key needs at least {MIN_KEY} random characters")
    codes = _codes(idempotency_key, settings.pepper())
    if (known := _already(session, idempotency_key)) is not None:
        return _ticket(known, _matching(known, codes))
    sample = _sample(actor, site, _recognised(intake), now, idempotency_key)
    session.add(sample)
    session.flush()
    sample.reference = f"{now:%y}-{sample.id:05d}"
    code = _free(session, codes)
    sample.ticket = TicketRow(
        locator=code.locator,
        secret_hash=hash_secret(code.secret, settings.pepper()),
        expires_at=now + timedelta(days=settings.ticket_days),
    )
    audit.append(session, actor, "sample_taken_in", f"sample:{sample.id}", now=now, site=site_id)
    return _ticket(sample, code)


def _sample(actor: Actor, site: Site, intake: Intake, now: datetime, key: str) -> Sample:
    return Sample(
        site=site,
        state=SampleState.RECEIVED,
        sold_as_text=intake.sold_as_text.strip(),
        sold_as=intake.sold_as,
        form=intake.form,
        colour=intake.colour,
        use=intake.use,
        reason=intake.reason,
        note=intake.note,
        received_on=now.date(),
        taken_in_by=actor.id,
        idempotency=_digest(key) if key else None,
    )


def _recognised(intake: Intake) -> Intake:
    return intake if intake.sold_as else replace(intake, sold_as=vocabulary.sold_as(intake.sold_as_text))


def _already(session: Session, key: str) -> Sample | None:
    return session.scalar(select(Sample).where(Sample.idempotency == _digest(key))) if key else None


def _codes(key: str, pepper: bytes) -> Iterator[Code]:
    if key:
        return derived_codes(pepper, key)
    return iter(new_code, None)


def _free(session: Session, codes: Iterator[Code]) -> Code:
    for code in islice(codes, _TRIES):
        if session.scalar(select(TicketRow.id).where(TicketRow.locator == code.locator)) is None:
            return code
    raise RuntimeError("every ticket locator tried is taken: expired tickets must be purged")


def _matching(sample: Sample, codes: Iterator[Code]) -> Code:
    for code in islice(codes, _TRIES):
        if sample.ticket is not None and code.locator == sample.ticket.locator:
            return code
    raise NotFound("ticket_expired", reference=sample.reference or "")


def _ticket(sample: Sample, code: Code) -> Ticket:
    if sample.ticket is None:  # pragma: no cover  (both callers have just seen it)
        raise NotFound("ticket_expired", reference=sample.reference or "")
    return Ticket(sample.id, sample.reference or "", code.text(), sample.ticket.expires_at)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
