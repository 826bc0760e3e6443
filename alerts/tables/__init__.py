"""The lists the rules read: data with reasons, loaded once and checked, never code.

Names are turned into substance keys by a function the caller passes, so that the lists may be written with
the names people use. A name the substance list does not know is kept as it is written (lower case): the
measurement libraries know more substances than the list.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any


class Severity(StrEnum):
    """Three plain levels, the same for a signal and for a published alert."""

    INFORMATION = "information"
    CAUTION = "caution"
    WARNING = "warning"

    @property
    def rank(self) -> int:
        """0 for information … 2 for warning."""
        return list(Severity).index(self)

    def raised(self) -> Severity:
        """One level up; a warning stays one."""
        return list(Severity)[min(self.rank + 1, 2)]

    def lowered(self) -> Severity:
        """One level down; information stays."""
        return list(Severity)[max(self.rank - 1, 0)]


class WhenExpected(StrEnum):
    """What a watch-listed substance raises in a product that was sold as it."""

    LOWER = "lower"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class WatchEntry:
    """One line of the watch list; keys of substances, and pieces of names in lower case."""

    code: str
    families: frozenset[str]
    substances: frozenset[str]
    name_contains: tuple[str, ...]
    name_excludes: tuple[str, ...]
    severity: Severity
    when_expected: WhenExpected
    ignore_trace: bool
    advice: str

    def covers(self, key: str, family: str, name: str) -> bool:
        """Whether a substance stands on this line; by name only for what the substance list does not know."""
        if key in self.substances or family in self.families:
            return True
        if family:
            return False
        lower = name.casefold()
        return any(piece in lower for piece in self.name_contains) and not any(
            piece in lower for piece in self.name_excludes
        )


@dataclass(frozen=True, slots=True)
class Product:
    """What counts as finding a product, and what comes along with it."""

    seen_as: frozenset[str] = frozenset()
    companions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Kind:
    """What a word of sale may mean that is not one substance: keys, and classes or families."""

    contains: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything the rules know; keys are substance keys."""

    watch_list: tuple[WatchEntry, ...]
    products: Mapping[str, Product]
    kinds: Mapping[str, Kind]
    established: frozenset[str]
    inactive: frozenset[str]
    inactive_classes: frozenset[str]
    warning_classes: frozenset[str]

    def watched(self, key: str, family: str, name: str) -> WatchEntry | None:
        """The first line of the watch list that fits, if any."""
        return next((entry for entry in self.watch_list if entry.covers(key, family, name)), None)


def load_tables(key_of: Callable[[str], str | None]) -> Tables:
    """The shipped lists, with names turned into substance keys by ``key_of`` (None: not a known name).

    Raises
    ------
    KeyError, ValueError : a list is malformed.
    """
    keys = _resolver(key_of)
    actives = _read("actives.toml")
    sold = _read("products.toml")
    return Tables(
        watch_list=tuple(_watch_entry(row, keys) for row in _read("watch_list.toml")["entry"]),
        products={key: _product(row, keys) for row in sold["product"] for key in keys([row["product"]])},
        kinds={row["kind"]: _kind(row, keys) for row in sold["kind"]},
        established=keys(_read("established.toml")["established"]),
        inactive=keys(actives["inactive"]),
        inactive_classes=frozenset(actives["inactive_classes"]),
        warning_classes=frozenset(actives["warning_classes"]),
    )


def _resolver(key_of: Callable[[str], str | None]) -> Callable[[list[str]], frozenset[str]]:
    def keys(names: list[str]) -> frozenset[str]:
        return frozenset(key_of(name) or name.casefold() for name in names)

    return keys


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _watch_entry(row: Mapping[str, Any], keys: Callable[[list[str]], frozenset[str]]) -> WatchEntry:
    return WatchEntry(
        code=row["code"],
        families=frozenset(row.get("families", ())),
        substances=keys(row.get("substances", [])),
        name_contains=tuple(row["name_contains"]),
        name_excludes=tuple(row.get("name_excludes", ())),
        severity=Severity(row["severity"]),
        when_expected=WhenExpected(row["when_expected"]),
        ignore_trace=row["ignore_trace"],
        advice=row["advice"],
    )


def _product(row: Mapping[str, Any], keys: Callable[[list[str]], frozenset[str]]) -> Product:
    return Product(seen_as=keys(row.get("seen_as", [])), companions=keys(row.get("companions", [])))


def _kind(row: Mapping[str, Any], keys: Callable[[list[str]], frozenset[str]]) -> Kind:
    return Kind(contains=keys(row.get("contains", [])), kinds=frozenset(row.get("kinds", ())))
