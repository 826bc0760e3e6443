"""What was handed in, and what was told about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Form(StrEnum):
    POWDER = "powder"
    TABLET = "tablet"
    CRYSTAL = "crystal"
    CAPSULE = "capsule"
    LIQUID = "liquid"
    BLOTTER = "blotter"
    PLANT = "plant"
    RESIDUE = "residue"
    OTHER = "other"


class Use(StrEnum):
    """Whether the person has already taken it."""

    NOT_YET = "not_yet"
    TAKEN = "taken"
    NOT_SAID = "not_said"


class Reason(StrEnum):
    """Why it is handed in."""

    CHECK = "check"  # wants to know before use
    UNEXPECTED_EFFECT = "unexpected_effect"
    ADVERSE_EVENT = "adverse_event"  # somebody was unwell
    NEW_PRODUCT = "new_product"
    NOT_SAID = "not_said"


@dataclass(frozen=True, slots=True)
class Intake:
    """What was told. ``sold_as`` is a substance key or a vocabulary code, "" if the words were not recognised."""

    sold_as_text: str
    sold_as: str
    form: Form
    colour: str = ""
    use: Use = Use.NOT_SAID
    reason: Reason = Reason.NOT_SAID
    note: str = ""  # ≤ 500 characters, never leaves the site


@dataclass(frozen=True, slots=True)
class Ticket:
    """Given once, at intake: the code is shown and printed, never stored."""

    sample_id: int
    reference: str  # the laboratory's own number; opens nothing
    code: str  # XXXX-XXXX-XXXX-X
    expires_at: datetime
