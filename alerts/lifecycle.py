"""The lives of a signal and of an alert, as tables of allowed steps.

An alert is *drafted*, *approved* by a second person, *published*, and ends by its own date, by being
*withdrawn*, or by being *superseded* by its next revision. Changing an approved text makes it a draft
again. Expiry is not a step: a published alert whose date has passed is expired for everyone who reads it,
whether or not anything ran.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from alerts.tables import Severity
from xbt.domain.errors import Refused


class SignalState(StrEnum):
    OPEN = "open"
    DRAFTED = "drafted"  # an alert was begun on it
    DISMISSED = "dismissed"
    SUPERSEDED = "superseded"  # a corrected result no longer shows it
    WITHDRAWN = "withdrawn"  # its result was withdrawn


class AlertState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    PUBLISHED = "published"
    EXPIRED = "expired"  # shown in place of published once the date has passed
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    DISCARDED = "discarded"


class AlertStep(StrEnum):
    EDIT = "edit"
    APPROVE = "approve"
    PUBLISH = "publish"
    REVISE = "revise"  # a new draft beside it; the published one stays until that one is published
    SUPERSEDE = "supersede"
    WITHDRAW = "withdraw"
    DISCARD = "discard"


class AlertRefused(Refused):
    """A step that this alert does not allow now, or not to this person."""


_A = AlertState
STEPS: dict[tuple[AlertState, AlertStep], AlertState] = {
    (_A.DRAFT, AlertStep.EDIT): _A.DRAFT,
    (_A.APPROVED, AlertStep.EDIT): _A.DRAFT,
    (_A.DRAFT, AlertStep.APPROVE): _A.APPROVED,
    (_A.APPROVED, AlertStep.PUBLISH): _A.PUBLISHED,
    (_A.PUBLISHED, AlertStep.REVISE): _A.PUBLISHED,
    (_A.EXPIRED, AlertStep.REVISE): _A.EXPIRED,
    (_A.PUBLISHED, AlertStep.SUPERSEDE): _A.SUPERSEDED,
    (_A.EXPIRED, AlertStep.SUPERSEDE): _A.SUPERSEDED,
    (_A.PUBLISHED, AlertStep.WITHDRAW): _A.WITHDRAWN,
    (_A.EXPIRED, AlertStep.WITHDRAW): _A.WITHDRAWN,
    (_A.DRAFT, AlertStep.DISCARD): _A.DISCARDED,
    (_A.APPROVED, AlertStep.DISCARD): _A.DISCARDED,
}

# A warning that nobody renews should not hang on walls for ever.
LASTS = {
    Severity.INFORMATION: timedelta(days=90),
    Severity.CAUTION: timedelta(days=56),
    Severity.WARNING: timedelta(days=28),
}
LONGEST = timedelta(days=180)


def after(state: AlertState, step: AlertStep) -> AlertState:
    """The state that follows.

    Raises
    ------
    AlertRefused : code ``not_now`` with fields ``state`` and ``step``.
    """
    try:
        return STEPS[state, step]
    except KeyError:
        raise AlertRefused("not_now", state=state.value, step=step.value) from None


def default_expiry(level: Severity, now: datetime) -> datetime:
    """When an alert of this level ends if nobody chooses another day: 90, 56 or 28 days from now."""
    return now + LASTS[level]


def seen_state(stored: AlertState, expires_at: datetime | None, now: datetime) -> AlertState:
    """The stored state, or ``EXPIRED`` for a published alert at or after its end."""
    if stored is AlertState.PUBLISHED and expires_at is not None and expires_at <= now:
        return AlertState.EXPIRED
    return stored
