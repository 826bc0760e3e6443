"""What may be done with signals and alerts: the one door for pages, commands and jobs.

Everything takes ``(session, actor, …)``, gives frozen values of `alerts.values`, and leaves the commit to
the caller. What goes wrong is one of `xbt.domain.errors.Refused`: `AlertRefused`, `InvalidAlert`,
`NotAllowed`, `NotFound`.
"""

from __future__ import annotations

from alerts.checks import InvalidAlert
from alerts.editorial import (
    alert,
    alerts,
    approve,
    discard,
    draft,
    edit,
    publish,
    revise,
    withdraw,
)
from alerts.lifecycle import AlertRefused, AlertState, AlertStep, SignalState, default_expiry
from alerts.publication import published, published_one
from alerts.signals import detect_since, dismiss, handle_detect, signal, signals
from alerts.tables import Severity
from alerts.values import (
    AlertView,
    PublicState,
    PublishedAlert,
    SignalView,
    Substances,
    Wording,
)
from alerts.wording import propose as propose_text

__all__ = [
    "AlertRefused",
    "AlertState",
    "AlertStep",
    "AlertView",
    "InvalidAlert",
    "PublicState",
    "PublishedAlert",
    "Severity",
    "SignalState",
    "SignalView",
    "Substances",
    "Wording",
    "alert",
    "alerts",
    "approve",
    "default_expiry",
    "detect_since",
    "discard",
    "dismiss",
    "draft",
    "edit",
    "handle_detect",
    "propose_text",
    "publish",
    "published",
    "published_one",
    "revise",
    "signal",
    "signals",
    "withdraw",
]
