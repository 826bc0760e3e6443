"""What was handed in, and what was told about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from xbt.domain.errors import InvalidIntake


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


# Characters; short, because free text is where identities leak.
TEXT_LIMITS = {"sold_as_text": 120, "sold_as": 120, "colour": 60, "note": 500}


@dataclass(frozen=True, slots=True)
class Intake:
    """What was told. ``sold_as`` is a substance key or vocabulary code, "" if its words are not known."""

    sold_as_text: str
    sold_as: str
    form: Form
    colour: str = ""
    use: Use = Use.NOT_SAID
    reason: Reason = Reason.NOT_SAID
    note: str = ""  # never leaves the site

    def __post_init__(self) -> None:
        for name, limit in TEXT_LIMITS.items():
            if len(getattr(self, name)) > limit:
                raise InvalidIntake("text_long", field=name, limit=str(limit))
        if not self.sold_as_text.strip():
            raise InvalidIntake("text_missing", field="sold_as_text")


@dataclass(frozen=True, slots=True)
class Ticket:
    """Given once, at intake: the code is shown and printed, never stored."""

    sample_id: int
    reference: str  # the laboratory's own number; opens nothing
    code: str = field(repr=False)  # XXXX-XXXX-XXXX-C
    expires_at: datetime
