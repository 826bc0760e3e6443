"""Alerts from draft to end.

Promises: what is public was written by one person and approved by another, in exactly the words approved
(changing them makes a draft again); it shows until its date and not a moment longer; each revision is kept
as it was published. Refuses words that promise or judge, the name of a site, the number of a sample, and
an alert without an end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.checks import TEXT_LIMIT, check, check_discreet
from alerts.lifecycle import AlertRefused, AlertState, AlertStep, SignalState, after
from alerts.publication import end_of, number_of, seen, series_of, texts_of
from alerts.signals import signal, still_stands, substances_of
from alerts.tables import Severity
from alerts.values import AlertView, Substances, Wording
from xbt.db.models import AlertRow, AlertText, SignalRow, StaffUser
from xbt.domain.errors import NotAllowed, NotFound
from xbt.domain.people import Actor
from xbt.security import audit
from xbt.security.policy import Permission, allows, require

_PENDING = (AlertState.DRAFT.value, AlertState.APPROVED.value)

STEP_PERMISSION = {
    AlertStep.EDIT: Permission.DRAFT_ALERT,
    AlertStep.REVISE: Permission.DRAFT_ALERT,
    AlertStep.DISCARD: Permission.DRAFT_ALERT,
    AlertStep.APPROVE: Permission.APPROVE_ALERT,
    AlertStep.PUBLISH: Permission.PUBLISH_ALERT,
    AlertStep.WITHDRAW: Permission.WITHDRAW_ALERT,
}


def draft(
    session: Session,
    actor: Actor,
    *,
    signal_id: int | None,
    texts: Mapping[str, Wording],
    level: Severity,
    region: str,
    expires_at: datetime,
    now: datetime,
    substances: Sequence[Substances] = (),
) -> AlertView:
    """Begin an alert, on a signal or without one (``substances`` is then what it is about).

    Raises
    ------
    NotAllowed : the actor may not draft, or is not a person.
    NotFound : there is no such signal.
    AlertRefused : ``not_now``: the signal was dismissed, or its result no longer stands.
    InvalidAlert : see `check`.
    """
    _require_person(actor, Permission.DRAFT_ALERT)
    row = AlertRow(state=AlertState.DRAFT.value, revision=1, substances=_stored(substances))
    if signal_id is not None:
        _take_up(session, actor, row, signal_id)
    _write(session, actor, row, texts, level, region, expires_at, now)
    session.add(row)
    session.flush()
    _log(session, actor, row, "drafted", now)
    return _view(session, actor, row, now)


def edit(
    session: Session,
    actor: Actor,
    *,
    alert_id: int,
    texts: Mapping[str, Wording],
    level: Severity,
    region: str,
    expires_at: datetime,
    now: datetime,
) -> AlertView:
    """Change a draft, or an approved alert, which then needs approval again.

    Raises
    ------
    NotAllowed, NotFound, AlertRefused, InvalidAlert : as `draft`.
    """
    row = _open(session, actor, alert_id, AlertStep.EDIT, now)
    row.state = after(AlertState(row.state), AlertStep.EDIT).value
    row.approved_by, row.approved_at = None, None
    _write(session, actor, row, texts, level, region, expires_at, now)
    session.flush()
    _log(session, actor, row, "edited", now)
    return _view(session, actor, row, now)


def approve(session: Session, actor: Actor, *, alert_id: int, now: datetime) -> AlertView:
    """Stand for the words of another person.

    Raises
    ------
    NotAllowed, NotFound : the actor may not approve, or there is no such alert.
    AlertRefused : ``same_person`` (the actor wrote the words), ``evidence_changed`` or ``not_now``.
    InvalidAlert : the words or the dates no longer pass `check`.
    """
    row = _open(session, actor, alert_id, AlertStep.APPROVE, now)
    check(session, texts_of(row), end_of(row), now)
    row.state = after(AlertState(row.state), AlertStep.APPROVE).value
    row.approved_by, row.approved_at = actor.id, now
    session.flush()
    _log(session, actor, row, "approved", now)
    return _view(session, actor, row, now)


def publish(session: Session, actor: Actor, *, alert_id: int, now: datetime) -> AlertView:
    """Make an approved alert public; a revision takes the place of the one before in the same moment.

    Raises
    ------
    NotAllowed, NotFound : the actor may not publish, or there is no such alert.
    AlertRefused : ``not_now``, ``evidence_changed`` (its result was corrected or withdrawn).
    InvalidAlert : ``already_over`` and other reasons of `check`.
    """
    row = _open(session, actor, alert_id, AlertStep.PUBLISH, now)
    check(session, texts_of(row), end_of(row), now)
    for earlier in series_of(session, row):
        if earlier.state == AlertState.PUBLISHED.value:
            earlier.state = after(AlertState(earlier.state), AlertStep.SUPERSEDE).value
    row.state = after(AlertState(row.state), AlertStep.PUBLISH).value
    row.published_at = now
    session.flush()
    _log(session, actor, row, "published", now)
    return _view(session, actor, row, now)


def revise(
    session: Session,
    actor: Actor,
    *,
    alert_id: int,
    texts: Mapping[str, Wording],
    level: Severity,
    region: str,
    expires_at: datetime,
    now: datetime,
) -> AlertView:
    """Begin the next revision of a published or ended alert, which stays as it is until that is published.

    Raises
    ------
    NotAllowed, NotFound, InvalidAlert : as `draft`.
    AlertRefused : ``not_now``, or ``revision_open``: there is one under way (field ``alert``).
    """
    before = _open(session, actor, alert_id, AlertStep.REVISE, now)
    series = series_of(session, before)
    under_way = [row for row in series if row.state in _PENDING]
    if under_way:
        raise AlertRefused("revision_open", alert=str(under_way[0].id))
    row = AlertRow(
        state=AlertState.DRAFT.value,
        series_id=number_of(before),
        revision=1 + max(one.revision for one in series),
        signal_id=before.signal_id,
        substances=before.substances,
        simulated=before.simulated,
    )
    _write(session, actor, row, texts, level, region, expires_at, now)
    session.add(row)
    session.flush()
    _log(session, actor, row, "revised", now)
    return _view(session, actor, row, now)


def withdraw(session: Session, actor: Actor, *, alert_id: int, reason: str, now: datetime) -> AlertView:
    """Take a published alert back. The reason is shown in its place; a revision under way is dropped.

    Raises
    ------
    NotAllowed, NotFound : the actor may not withdraw, or there is no such alert.
    AlertRefused : ``not_now`` or ``reason_needed``.
    InvalidAlert : the reason names a site or a sample.
    """
    row = _open(session, actor, alert_id, AlertStep.WITHDRAW, now)
    if not reason.strip():
        raise AlertRefused("reason_needed")
    check_discreet(session, [reason])
    row.state = after(AlertState(row.state), AlertStep.WITHDRAW).value
    row.withdrawn_at, row.withdraw_reason = now, reason.strip()[:TEXT_LIMIT]
    for pending in series_of(session, row):
        if pending.state in _PENDING:
            pending.state = after(AlertState(pending.state), AlertStep.DISCARD).value
    session.flush()
    _log(session, actor, row, "withdrawn", now)
    return _view(session, actor, row, now)


def discard(session: Session, actor: Actor, *, alert_id: int, now: datetime) -> AlertView:
    """Drop an alert that was not published; it stays on record, its signal is open again.

    Raises
    ------
    NotAllowed, NotFound, AlertRefused : as `edit`.
    """
    row = _open(session, actor, alert_id, AlertStep.DISCARD, now)
    row.state = after(AlertState(row.state), AlertStep.DISCARD).value
    if row.signal is not None and row.series_id is None and row.signal.state == SignalState.DRAFTED.value:
        row.signal.state = SignalState.OPEN.value
    session.flush()
    _log(session, actor, row, "discarded", now)
    return _view(session, actor, row, now)


def alerts(session: Session, actor: Actor, now: datetime) -> tuple[AlertView, ...]:
    """Every alert and revision, the newest first, for those who work on them.

    Raises
    ------
    NotAllowed : the actor may not see signals.
    """
    require(actor, Permission.SEE_SIGNALS)
    rows = session.scalars(select(AlertRow).order_by(AlertRow.id.desc()).limit(500))
    return tuple(_view(session, actor, row, now) for row in rows)


def alert(session: Session, actor: Actor, alert_id: int, now: datetime) -> AlertView:
    """One alert at work.

    Raises
    ------
    NotAllowed, NotFound : the actor may not see it, or there is none.
    """
    require(actor, Permission.SEE_SIGNALS)
    return _view(session, actor, _row(session, alert_id), now)


def _take_up(session: Session, actor: Actor, row: AlertRow, signal_id: int) -> None:
    noticed = signal(session, actor, signal_id)
    if noticed.state not in {SignalState.OPEN, SignalState.DRAFTED}:
        raise AlertRefused("not_now", state=noticed.state.value, step="draft")
    source = session.get_one(SignalRow, signal_id)
    source.state = SignalState.DRAFTED.value
    row.signal, row.substances, row.simulated = source, source.substances, source.simulated


def _write(
    session: Session,
    actor: Actor,
    row: AlertRow,
    texts: Mapping[str, Wording],
    level: Severity,
    region: str,
    expires_at: datetime,
    now: datetime,
) -> None:
    check(session, texts, expires_at, now)
    row.level, row.region, row.expires_at = level.value, region.strip(), expires_at
    row.drafted_by, row.drafted_at = actor.id, now
    row.texts = [
        AlertText(language=language, title=words.title.strip(), body=words.body, advice=words.advice)
        for language, words in sorted(texts.items())
    ]


def _open(session: Session, actor: Actor, alert_id: int, step: AlertStep, now: datetime) -> AlertRow:
    """The row, if this actor may take this step on it now."""
    _require_person(actor, STEP_PERMISSION[step])
    row = _row(session, alert_id)
    code = _refusal(session, actor, row, step, now)
    if code:
        raise AlertRefused(code, step=step.value, state=seen(row, now).value)
    return row


def _refusal(session: Session, actor: Actor, row: AlertRow, step: AlertStep, now: datetime) -> str:
    """ "" if the actor may take the step now, else why not."""
    if actor.id is None or not allows(actor, STEP_PERMISSION[step]):
        return "not_allowed"
    try:
        after(seen(row, now), step)
    except AlertRefused as refused:
        return refused.code
    if step is AlertStep.APPROVE and row.drafted_by == actor.id:
        return "same_person"
    if step in {AlertStep.APPROVE, AlertStep.PUBLISH} and _evidence_changed(session, row):
        return "evidence_changed"
    return ""


def _require_person(actor: Actor, permission: Permission) -> None:
    require(actor, permission)
    if actor.id is None:
        raise NotAllowed("person_needed", permission=permission.value)


def _row(session: Session, alert_id: int) -> AlertRow:
    row = session.get(AlertRow, alert_id)
    if row is None:
        raise NotFound("no_alert", id=str(alert_id))
    return row


def _evidence_changed(session: Session, row: AlertRow) -> bool:
    return row.signal is not None and not still_stands(session, row.signal)


def _stored(substances: Sequence[Substances]) -> list[dict[str, list[str]]]:
    return [{"keys": list(one.keys), "names": list(one.names)} for one in substances]


def _log(session: Session, actor: Actor, row: AlertRow, action: str, now: datetime) -> None:
    subject = f"alert:{number_of(row)}"
    audit.append(session, actor, f"alert_{action}", subject, now=now, revision=row.revision, level=row.level)


def _view(session: Session, actor: Actor, row: AlertRow, now: datetime) -> AlertView:
    return AlertView(
        id=row.id,
        number=number_of(row),
        revision=row.revision,
        state=seen(row, now),
        level=Severity(row.level),
        region=row.region,
        substances=substances_of(row.substances),
        texts=texts_of(row),
        simulated=row.simulated,
        signal_id=row.signal_id,
        evidence_changed=_evidence_changed(session, row),
        drafted_by=_name(session, row.drafted_by),
        drafted_at=row.drafted_at,
        approved_by=_name(session, row.approved_by),
        approved_at=row.approved_at,
        published_at=row.published_at,
        expires_at=end_of(row),
        withdrawn_at=row.withdrawn_at,
        withdraw_reason=row.withdraw_reason,
        may={step.value: _refusal(session, actor, row, step, now) for step in STEP_PERMISSION},
    )


def _name(session: Session, user_id: int | None) -> str:
    user = None if user_id is None else session.get(StaffUser, user_id)
    return "" if user is None else user.name
