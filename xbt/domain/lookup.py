"""What the ticket opens: the only values the public pages, the report and the alert rules ever see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from xbt.domain.findings import Finding, MethodStatement, ReadingTold


class PublicState(StrEnum):
    NOT_READY = "not_ready"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class PublicResult:
    """A released (or not yet released, or withdrawn) result without anything that points to a person.

    For anything but ``RELEASED``, findings, methods, readings and comment are empty.
    """

    state: PublicState
    reference: str
    site_name: str
    site_contact: str
    sold_as_text: str
    sold_as: str
    version: int = 0
    released_on: date | None = None
    findings: tuple[Finding, ...] = ()
    methods: tuple[MethodStatement, ...] = ()
    unexplained_share: float = 0.0
    comment: str = ""
    amends: str = ""  # why this version replaces the one before, "" for a first version
    being_corrected: bool = False
    simulated: bool = False
    readings: tuple[ReadingTold, ...] = ()
