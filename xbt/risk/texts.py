"""The written words of the risk notes and sentences, read once.

Promises a text for every language asked for: English where there is none. Refuses to start with a file that
lacks a language or names an effect or a note that does not exist.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("en", "fr")


class Severity(StrEnum):
    """How urgent a note is; the order of the members is the order of urgency."""

    DANGER = "danger"
    WARNING = "warning"
    ADVICE = "advice"
    INFORMATION = "information"

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Effect:
    """Who has an effect: whole classes and families, named substances, and the exceptions among them."""

    classes: frozenset[str]
    families: frozenset[str]
    substances: tuple[str, ...]
    exceptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoteText:
    """A note as written; ``place`` is its position in the file, ``when`` is empty where a rule decides."""

    code: str
    severity: Severity
    place: int
    title: dict[str, str]
    text: dict[str, str]
    when: tuple[str, ...]
    instead_of: frozenset[str]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything in notes.toml."""

    effects: dict[str, Effect]
    notes: dict[str, NoteText]


@cache
def catalogue() -> Catalogue:
    """The notes of this release.

    Raises
    ------
    KeyError, ValueError : the file is incomplete.
    """
    data = _load("notes.toml")
    effects = {
        name: Effect(
            frozenset(entry["classes"]),
            frozenset(entry["families"]),
            tuple(entry["substances"]),
            tuple(entry["except"]),
        )
        for name, entry in data["effect"].items()
    }
    notes = {entry["code"]: _note(entry, place) for place, entry in enumerate(data["note"])}
    _check(effects, notes)
    return Catalogue(effects, notes)


@cache
def sentences(language: str) -> dict[str, Any]:
    """The sentences in a language, English where it is not known."""
    data = _load("sentences.toml")
    found: dict[str, Any] = data[spoken(language)]
    return found


def spoken(language: str) -> str:
    """The language the texts exist in: "fr_CA" is "fr", an unknown one is "en"."""
    base = language.replace("-", "_").partition("_")[0].lower()
    return base if base in LANGUAGES else "en"


def in_a_sentence(name: str) -> str:
    """Small initial where the capital is only that of a heading: "cocaine", but "LSD" and "3-MMC"."""
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(files("xbt.risk").joinpath(name).read_text("utf-8"))


def _note(entry: dict[str, Any], place: int) -> NoteText:
    return NoteText(
        code=entry["code"],
        severity=Severity(entry["severity"]),
        place=place,
        title={language: entry[language]["title"] for language in LANGUAGES},
        text={language: entry[language]["text"] for language in LANGUAGES},
        when=tuple(entry["when"]),
        instead_of=frozenset(entry["instead_of"]),
    )


def _check(effects: dict[str, Effect], notes: dict[str, NoteText]) -> None:
    for note in notes.values():
        if not (set(note.when) <= set(effects) and note.instead_of <= set(notes) and len(note.when) <= 2):
            raise ValueError(f"note {note.code} names an effect or a note that is not there")
