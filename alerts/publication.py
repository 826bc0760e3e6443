"""What anyone may read: published alerts until their end, and what came of them.

Promises that nothing shows a moment after its end, that a withdrawn alert shows its withdrawal and not its
words, and that a revision shows under the number and the first date of the alert it replaces.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.checks import InvalidAlert
from alerts.lifecycle import AlertRefused, AlertState, AlertStep, seen_state
from alerts.signals import substances_of
from alerts.tables import Severity
from alerts.values import PublicState, PublishedAlert, Wording
from xbt.db.models import AlertRow

_LIVING = (AlertState.PUBLISHED.value, AlertState.WITHDRAWN.value)
_PUBLIC = {
    AlertState.PUBLISHED: PublicState.CURRENT,
    AlertState.EXPIRED: PublicState.EXPIRED,
    AlertState.WITHDRAWN: PublicState.WITHDRAWN,
}


def published(session: Session, now: datetime, include_ended: bool = False) -> tuple[PublishedAlert, ...]:
    """What anyone may read at ``now``, the latest change first; with ``include_ended`` also what has ended
    or was withdrawn, marked as such. Needs no actor."""
    rows = session.scalars(select(AlertRow).where(AlertRow.state.in_(_LIVING)))
    shown = [_published(session, row, now) for row in rows]
    kept = [one for one in shown if include_ended or one.state is PublicState.CURRENT]
    return tuple(sorted(kept, key=lambda one: (one.updated_at, one.number), reverse=True))


def published_one(session: Session, number: int, now: datetime) -> PublishedAlert | None:
    """The alert of a public address, ended or withdrawn ones included; None if there is none."""
    query = select(AlertRow).where(AlertRow.state.in_(_LIVING))
    row = session.scalar(query.where((AlertRow.id == number) & AlertRow.series_id.is_(None))) or (
        session.scalar(query.where(AlertRow.series_id == number))
    )
    return None if row is None else _published(session, row, now)


def number_of(row: AlertRow) -> int:
    """The number all revisions share."""
    return row.series_id or row.id


def series_of(session: Session, row: AlertRow) -> list[AlertRow]:
    """Every revision, the first one first."""
    number = number_of(row)
    query = select(AlertRow).where((AlertRow.id == number) | (AlertRow.series_id == number))
    return list(session.scalars(query.order_by(AlertRow.revision)))


def end_of(row: AlertRow) -> datetime:
    """When it ends; an alert without an end is over."""
    if row.expires_at is None:
        raise InvalidAlert("already_over")
    return row.expires_at


def seen(row: AlertRow, now: datetime) -> AlertState:
    """Its state as it looks at ``now``."""
    return seen_state(AlertState(row.state), row.expires_at, now)


def texts_of(row: AlertRow) -> dict[str, Wording]:
    """Its words by language."""
    return {one.language: Wording(one.title, one.body, one.advice) for one in row.texts}


def _published(session: Session, row: AlertRow, now: datetime) -> PublishedAlert:
    first = session.get_one(AlertRow, number_of(row))
    if row.published_at is None or first.published_at is None:
        raise AlertRefused("not_now", state=row.state, step=AlertStep.PUBLISH.value)
    return PublishedAlert(
        number=number_of(row),
        revision=row.revision,
        state=_PUBLIC[seen(row, now)],
        level=Severity(row.level),
        region=row.region,
        substances=substances_of(row.substances),
        texts=texts_of(row),
        simulated=row.simulated,
        published_at=first.published_at,
        updated_at=row.withdrawn_at or row.published_at,
        expires_at=end_of(row),
        withdraw_reason=row.withdraw_reason,
    )
