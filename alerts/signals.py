"""Signals: what the rules noticed, kept for people to look at.

Promises: running a job twice, or re-reading the whole record, makes no signal twice: one per rule, result
and substances, and a corrected result moves the signals it still supports. What it no longer supports, or
a withdrawn result, marks them; nothing is deleted.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import cache, partial
from typing import Any

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from alerts.lifecycle import AlertRefused, SignalState
from alerts.released import history_of, key_of, newest_release
from alerts.rules import History, Likelihood, Rule, Trigger, evaluate, noteworthy
from alerts.tables import Severity, Tables, load_tables
from alerts.values import SignalView, Substances
from library.substances import load_substances
from xbt.db.models import AlertRow, ResultRow, Sample, SignalRow
from xbt.domain.errors import NotFound
from xbt.domain.people import SYSTEM, Actor
from xbt.jobs import JobContext
from xbt.security import audit
from xbt.security.policy import Permission, require

LISTED = 500  # rows; a coordinator with more open signals has another problem
_ALIVE = {SignalState.OPEN, SignalState.DRAFTED}
_GONE = {SignalState.SUPERSEDED, SignalState.WITHDRAWN}


def handle_detect(context: JobContext, payload: Mapping[str, Any]) -> None:
    """Job "detect": look at one released, corrected or withdrawn result. Safe to run again.

    ``payload["sample_id"]`` names the sample; its newest released result counts, whichever caused the job.
    """
    with context.session_factory.begin() as session:
        sample = session.get(Sample, payload["sample_id"])
        if sample is not None:
            detect(session, sample, now=context.now())


def detect(session: Session, sample: Sample, *, now: datetime, history: History | None = None) -> int:
    """Bring a sample's signals in line with its newest released result; the number of new signals.

    ``history`` is read from the record unless the caller has it.
    """
    signals = {(row.rule, row.subject): row for row in _signals_of(session, sample)}
    released = newest_release(sample, load_substances(), _tables())
    if released is None:
        _end(session, signals.values(), SignalState.WITHDRAWN, now)
        return 0
    if history is None:
        history = history_of(session, load_substances(), noteworthy(released, _tables()))
    triggers = {_key(one): one for one in evaluate(released, history, _tables())}
    _end(
        session,
        (row for key, row in signals.items() if key not in triggers),
        SignalState.SUPERSEDED,
        now,
    )
    for key, trigger in triggers.items():
        row = signals.get(key) or _new_row(session, sample, released.result_id, trigger, now)
        _describe(row, trigger, released.result_id, simulated=released.simulated)
    return len(triggers.keys() - signals.keys())


def detect_since(session: Session, since: date, *, now: datetime) -> tuple[int, int]:
    """Read every result released on or after ``since`` again: (samples read, new signals)."""
    history = history_of(session, load_substances())
    start = datetime(since.year, since.month, since.day, tzinfo=now.tzinfo)
    query = select(Sample).where(Sample.results.any(ResultRow.released_at >= start)).order_by(Sample.id)
    made = [detect(session, sample, now=now, history=history) for sample in session.scalars(query).all()]
    return len(made), sum(made)


def signals(session: Session, actor: Actor, state: SignalState | None = None) -> tuple[SignalView, ...]:
    """The newest signals, the most severe first; only those in ``state`` if one is given.

    Raises
    ------
    NotAllowed : the actor may not see signals.
    """
    require(actor, Permission.SEE_SIGNALS)
    query = _QUERY.where(_in_state(state)).order_by(SignalRow.id.desc()).limit(LISTED)
    rows = session.execute(query).all()
    alerts = _alerts_of(session, [row.id for row, _, _ in rows])
    views = _with_repeats([_view(*row, alerts) for row in rows])
    return tuple(sorted(views, key=lambda view: (-view.severity.rank, -view.id)))


def signal(session: Session, actor: Actor, signal_id: int) -> SignalView:
    """One signal.

    Raises
    ------
    NotAllowed : the actor may not see signals.
    NotFound : there is no such signal.
    """
    require(actor, Permission.SEE_SIGNALS)
    found = session.execute(_QUERY.where(SignalRow.id == signal_id)).one_or_none()
    if found is None:
        raise NotFound("no_signal", id=str(signal_id))
    return _view(*found, _alerts_of(session, [signal_id]))


def still_stands(session: Session, row: SignalRow) -> bool:
    """Whether the newest result of its sample still shows what the signal says."""
    return _seen_state(row, session.get_one(ResultRow, row.result_id)) not in _GONE


def dismiss(session: Session, actor: Actor, *, signal_id: int, reason: str, now: datetime) -> SignalView:
    """Put an open signal aside, with a reason.

    Raises
    ------
    NotAllowed, NotFound : as `signal`.
    AlertRefused : ``not_now`` (the signal is not open) or ``reason_needed``.
    """
    require(actor, Permission.DRAFT_ALERT)
    seen = signal(session, actor, signal_id)
    if seen.state is not SignalState.OPEN:
        raise AlertRefused("not_now", state=seen.state.value, step="dismiss")
    if not reason.strip():
        raise AlertRefused("reason_needed")
    row = session.get_one(SignalRow, signal_id)
    row.state = SignalState.DISMISSED.value
    row.fields = {**row.fields, "dismissed": reason.strip()}
    audit.append(session, actor, "signal_dismissed", f"signal:{row.id}", now=now, reason=reason.strip())
    return signal(session, actor, signal_id)


def substances_of(stored: Iterable[Mapping[str, list[str]]]) -> tuple[Substances, ...]:
    """Substances as they are stored on a signal or an alert."""
    return tuple(Substances(tuple(one["keys"]), tuple(one["names"])) for one in stored)


@cache
def _tables() -> Tables:
    return load_tables(partial(key_of, load_substances()))


def _signals_of(session: Session, sample: Sample) -> tuple[SignalRow, ...]:
    return tuple(session.scalars(select(SignalRow).where(SignalRow.sample_id == sample.id)))


def _key(trigger: Trigger) -> tuple[str, str]:
    subject = "; ".join(trigger.substances)
    return trigger.rule.value, subject if len(subject) <= 255 else hashlib.sha256(
        subject.encode()
    ).hexdigest()


def _new_row(session: Session, sample: Sample, result_id: int, trigger: Trigger, now: datetime) -> SignalRow:
    rule, subject = _key(trigger)
    row = SignalRow(
        rule=rule,
        subject=subject,
        severity=trigger.severity.value,
        substances=[],
        sample_id=sample.id,
        result_id=result_id,
        region=sample.site.region,
        state=SignalState.OPEN.value,
        created_at=now,
    )
    session.add(row)
    session.flush()
    audit.append(session, SYSTEM, "signal_raised", f"signal:{row.id}", now=now, rule=rule, result=result_id)
    return row


def _describe(row: SignalRow, trigger: Trigger, result_id: int, *, simulated: bool) -> None:
    row.result_id = result_id
    row.severity = trigger.severity.value
    row.simulated = simulated
    row.substances = [
        {"keys": [m.key for m in found.members], "names": [m.name for m in found.members]}
        for found in trigger.found
    ]
    row.fields = {
        **row.fields,
        "certainty": trigger.certainty.value,
        "also": [rule.value for rule in trigger.also],
        "because": dict(trigger.because),
    }
    if SignalState(row.state) in _GONE:
        row.state = SignalState.OPEN.value


def _end(session: Session, rows: Iterable[SignalRow], state: SignalState, now: datetime) -> None:
    for row in rows:
        if SignalState(row.state) in _ALIVE:
            row.state = state.value
            audit.append(session, SYSTEM, f"signal_{state.value}", f"signal:{row.id}", now=now)


_QUERY = (
    select(SignalRow, ResultRow, Sample.sold_as)
    .join(ResultRow, ResultRow.id == SignalRow.result_id)
    .join(Sample, Sample.id == SignalRow.sample_id)
)


def _in_state(state: SignalState | None) -> ColumnElement[bool]:
    """Signals that look like ``state``, see `_seen_state`."""
    if state is None:
        return true()
    lost = ResultRow.withdrawn_at.is_not(None) & SignalRow.state.in_([one.value for one in _ALIVE])
    if state is SignalState.WITHDRAWN:
        return (SignalRow.state == state.value) | lost
    return (SignalRow.state == state.value) & ~lost


def _alerts_of(session: Session, signal_ids: list[int]) -> dict[int, tuple[int, ...]]:
    """Ids of the alerts begun on each signal, the oldest first."""
    query = select(AlertRow.signal_id, AlertRow.id).where(AlertRow.signal_id.in_(signal_ids))
    made: dict[int, tuple[int, ...]] = {}
    for signal_id, alert_id in session.execute(query.order_by(AlertRow.id)):
        if signal_id is not None:
            made[signal_id] = (*made.get(signal_id, ()), alert_id)
    return made


def _view(
    row: SignalRow, result: ResultRow, sold_as: str, alerts: Mapping[int, tuple[int, ...]]
) -> SignalView:
    return SignalView(
        id=row.id,
        rule=Rule(row.rule),
        also=tuple(Rule(rule) for rule in row.fields["also"]),
        severity=Severity(row.severity),
        certainty=Likelihood(row.fields["certainty"]),
        substances=substances_of(row.substances),
        sold_as=sold_as,
        region=row.region,
        state=_seen_state(row, result),
        because=row.fields["because"],
        sample_id=row.sample_id,
        result_id=row.result_id,
        released_at=result.released_at or row.created_at,
        created_at=row.created_at,
        simulated=row.simulated,
        alert_ids=alerts.get(row.id, ()),
        dismissed_because=row.fields.get("dismissed", ""),
    )


def _seen_state(row: SignalRow, result: ResultRow) -> SignalState:
    """A withdrawn result ends its signals at once, whether or not the job has run."""
    state = SignalState(row.state)
    return SignalState.WITHDRAWN if result.withdrawn_at is not None and state in _ALIVE else state


def _with_repeats(views: list[SignalView]) -> list[SignalView]:
    """Newest first in; each told how many older open ones say the same."""
    older: Counter[tuple[object, ...]] = Counter()
    told = []
    for view in reversed(views):
        alike = (view.rule, view.sold_as, view.substances)
        told.append(replace(view, repeats=older[alike]))
        older[alike] += view.state is SignalState.OPEN
    return told
