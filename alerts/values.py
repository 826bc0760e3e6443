"""What the pages, the feed and the command see of signals and alerts: frozen values, no rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from alerts.lifecycle import AlertState, SignalState
from alerts.rules import Likelihood, Rule
from alerts.tables import Severity


@dataclass(frozen=True, slots=True)
class Substances:
    """One finding: a substance, or isomers of which it is one. English ``names`` in the order of keys."""

    keys: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wording:
    """An alert in one language; plain text, paragraphs separated by an empty line."""

    title: str  # ≤ 160 characters
    body: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class SignalView:
    """Something a rule noticed, for coordinators. ``because`` holds codes, see `alerts.rules`."""

    id: int
    rule: Rule
    also: tuple[Rule, ...]
    severity: Severity
    certainty: Likelihood
    substances: tuple[Substances, ...]
    sold_as: str  # a code, "" if unknown
    region: str
    state: SignalState
    because: Mapping[str, str]
    sample_id: int
    result_id: int
    released_at: datetime
    created_at: datetime
    simulated: bool
    repeats: int = 0  # older open signals of the same rule, sale and substances
    alert_ids: tuple[int, ...] = ()
    dismissed_because: str = ""


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert at work, for the people who write and approve it."""

    id: int
    number: int  # the same for every revision: what the public address and the feed carry
    revision: int
    state: AlertState
    level: Severity
    region: str
    substances: tuple[Substances, ...]
    texts: Mapping[str, Wording]
    simulated: bool
    signal_id: int | None
    evidence_changed: bool  # the result behind it was corrected or withdrawn
    drafted_by: str
    drafted_at: datetime
    approved_by: str
    approved_at: datetime | None
    published_at: datetime | None
    expires_at: datetime
    withdrawn_at: datetime | None
    withdraw_reason: str = ""
    may: Mapping[str, str] = field(default_factory=dict)  # step -> "" or the code of why not


class PublicState(StrEnum):
    CURRENT = "current"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class PublishedAlert:
    """An alert as anyone may read it: a region, never a site; no sample, no reference, no author."""

    number: int
    revision: int
    state: PublicState
    level: Severity
    region: str
    substances: tuple[Substances, ...]
    texts: Mapping[str, Wording]
    simulated: bool
    published_at: datetime  # of the first revision
    updated_at: datetime  # of this revision, or of its withdrawal
    expires_at: datetime
    withdraw_reason: str = ""

    def text(self, language: str) -> tuple[str, Wording]:
        """The language shown and its words: the one asked for, else French, else whatever there is."""
        shown = next((code for code in (language, "fr") if code in self.texts), None)
        shown = shown or min(self.texts)
        return shown, self.texts[shown]
