"""What a result may mean for the person who reads it: notes, and sentences that say what was found.

Texts are data (`notes.toml`, `sentences.toml`), rules are code. Nothing here knows an amount: a note never
says how much is too much, and no text calls anything harmless.
"""

from __future__ import annotations

from xbt.risk.notes import RiskNote, Severity, notes
from xbt.risk.sentences import found_names, sold_as_name, statements, substance_name

__all__ = [
    "RiskNote",
    "Severity",
    "found_names",
    "notes",
    "sold_as_name",
    "statements",
    "substance_name",
]
