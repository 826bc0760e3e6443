"""Refusals: one class per broken promise, each with a stable code and named fields.

The sentence a person reads is made from ``code`` and ``fields`` in that person's language, never from
``str(exc)``.
"""

from __future__ import annotations


class Refused(Exception):
    """Something asked for is not done; ``code`` is stable, ``fields`` say what and why."""

    def __init__(self, code: str, **fields: str) -> None:
        super().__init__(code, fields)
        self.code = code
        self.fields = fields

    def __str__(self) -> str:
        told = ", ".join(f"{name} {value}" for name, value in self.fields.items() if value)
        return self.code.replace("_", " ") + (f" ({told})" if told else "")


class StepRefused(Refused):
    """A step that this sample does not allow now, or not to this person."""


class NotAllowed(Refused):
    """The actor's roles do not include the permission."""


class NotFound(Refused):
    """No such thing, or not one this actor may know of (the two look the same on purpose)."""


class InvalidIntake(Refused):
    """What was told at intake breaks a limit."""


class InvalidAmount(Refused):
    """An amount, or what it is to be worked out from, that means nothing."""


class InvalidReading(Refused):
    """Something that cannot have been seen, or of which too little was noted; ``field`` says where."""


class InvalidAccount(Refused):
    """A staff account that cannot be made: password too short, address taken."""


class BadCode(Refused):
    """Not a ticket code: wrong length, a foreign symbol, or a check symbol that does not fit."""


class UploadRefused(Refused):
    """The bytes are not taken: empty, too large, or the disk is nearly full."""


class Busy(Refused):
    """Too many slow verifications at once; try again in a moment."""


class NotInitialised(Refused):
    """The data folder or one of its secrets is missing; ``xbt init`` makes them."""
