"""What a colour or a strip may mean: published reactions, each with its source, none of them proof.

Promises: an answer names everything that the tables know to look the same, and what a strip was shown to
miss; a negative never says "absent". Refuses to conclude from a reaction that no table has: it is told as not
on record.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from library.substances import load_substances
from library.tables import rows


class Colour(StrEnum):
    """Coarse colours in which readings and tables are compared; the value is stable."""

    NONE = "none"
    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"
    PINK = "pink"
    PURPLE = "purple"
    BLUE = "blue"
    GREEN = "green"
    OLIVE = "olive"
    BROWN = "brown"
    GREY = "grey"
    BLACK = "black"


class Compared(StrEnum):
    """With what a row of the tables was compared after it was written down; the value is stable."""

    TEXT = "text"  # the text of its source, or the abstract of the study
    LISTING = "listing"  # a listing of its source by others
    NOT_COMPARED = "not compared"  # its source could not be read


class Says(StrEnum):
    """What a study said of a strip and a substance; the value is stable."""

    DETECTS = "detects"
    MISSES = "misses"
    CROSS_REACTS = "cross_reacts"


@dataclass(frozen=True, slots=True)
class Reaction:
    """A published colour: any of ``colours`` fits it; ``as_described`` are the words of the source."""

    reagent: str
    substance: str  # key of the substance table
    colours: frozenset[Colour]
    as_described: str
    source: str
    compared: Compared


@dataclass(frozen=True, slots=True)
class Statement:
    """What one study found of a strip; ``concentration`` in µg/mL, 0 where it was not told."""

    says: Says
    substances: tuple[str, ...]
    concentration: float
    source: str
    compared: Compared


@dataclass(frozen=True, slots=True)
class Performance:
    """Share of real samples told rightly, 0..1: with the target, and without it."""

    sensitivity: float
    specificity: float
    source: str


@dataclass(frozen=True, slots=True)
class Strip:
    """A test strip; ``families`` of the substance table are what it is made for."""

    code: str
    families: tuple[str, ...]
    tested: str
    statements: tuple[Statement, ...]
    performance: Performance | None

    def substances(self, says: Says) -> tuple[str, ...]:
        """Keys of the substances that studies say this of."""
        return tuple(key for one in self.statements if one.says is says for key in one.substances)


@dataclass(frozen=True, slots=True)
class ColourAnswer:
    """What colours may mean.

    Parameters
    ----------
    fitting : substances with a published reaction to every reagent read, each of them as seen.
    partly : substances that fit where something is published, with reagents for which nothing is.
    contradicted : substances whose published reaction to a reagent is another colour.
    unknown_reagents : read, and not in the table.
    """

    fitting: tuple[str, ...]
    partly: tuple[str, ...]
    contradicted: tuple[str, ...]
    unknown_reagents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StripAnswer:
    """What a strip may mean: substances of its families, others that make it positive, what it may miss."""

    positive: bool
    target: tuple[str, ...]
    also_possible: tuple[str, ...]
    not_excluded: tuple[str, ...]


@cache
def reactions() -> tuple[Reaction, ...]:
    """The published colours.

    Raises
    ------
    ValueError : a row names a colour or a substance that is not known, no source, or not with what it was
        compared.
    """
    return tuple(_reaction(row) for row in rows("colour_tests.tsv"))


@cache
def strips() -> dict[str, Strip]:
    """The strips by code.

    Raises
    ------
    KeyError, ValueError : the table is incomplete or names a substance that is not known.
    """
    text = resources.files("library").joinpath("data", "strips.toml").read_text("utf-8")
    return {entry["code"]: _strip(entry) for entry in tomllib.loads(text)["strip"]}


def reagents() -> tuple[str, ...]:
    """Codes of the reagents with published colours, sorted."""
    return tuple(sorted({one.reagent for one in reactions()}))


def colours_mean(readings: Mapping[str, Iterable[Colour]]) -> ColourAnswer:
    """What the colours of one portion with several reagents may mean.

    Parameters
    ----------
    readings : colours seen by reagent; more than one where it changed or lies between two.
    """
    seen = {reagent: frozenset(colours) for reagent, colours in readings.items()}
    known = [reagent for reagent in seen if reagent in reagents()]
    fits: dict[str, set[str]] = {}
    contradicted: set[str] = set()
    for one in reactions():
        if one.reagent not in known:
            continue
        if one.colours & seen[one.reagent]:
            fits.setdefault(one.substance, set()).add(one.reagent)
        else:
            contradicted.add(one.substance)
    left = {substance: found for substance, found in fits.items() if substance not in contradicted}
    return ColourAnswer(
        fitting=tuple(sorted(one for one, found in left.items() if len(found) == len(known))),
        partly=tuple(sorted(one for one, found in left.items() if len(found) < len(known))),
        contradicted=tuple(sorted(contradicted)),
        unknown_reagents=tuple(sorted(set(seen) - set(known))),
    )


def strip_means(code: str, *, positive: bool, concentration: float) -> StripAnswer:
    """What the reading of a strip may mean.

    Parameters
    ----------
    concentration : µg/mL of sample in the solution the strip was dipped in: a substance that needs more to
        interfere cannot have done so.

    Raises
    ------
    KeyError : no such strip.
    ValueError : the concentration is not above zero.
    """
    if not concentration > 0:
        raise ValueError("the solution needs a concentration above zero")
    strip = strips()[code]
    target = tuple(sorted(one.key for one in load_substances() if one.family in strip.families))
    if not positive:
        return StripAnswer(positive, (), (), target)
    others = {
        key
        for one in strip.statements
        if one.says is Says.CROSS_REACTS and concentration >= one.concentration
        for key in one.substances
    }
    missed = strip.substances(Says.MISSES)
    likely = tuple(key for key in target if key not in missed)
    return StripAnswer(positive, likely, tuple(sorted(others - set(likely))), missed)


def _reaction(row: dict[str, str]) -> Reaction:
    _require(row["substance"])
    if not row["source"]:
        raise ValueError(f"{row['reagent']} with {row['substance']}: a colour needs a source")
    colours = frozenset(Colour(colour) for colour in row["colours"].split("|"))
    return Reaction(
        row["reagent"],
        row["substance"],
        colours,
        row["as_described"],
        row["source"],
        Compared(row["compared"]),
    )


def _strip(entry: dict[str, Any]) -> Strip:
    performance = entry.get("performance")
    return Strip(
        code=entry["code"],
        families=tuple(entry["target"]),
        tested=entry["tested"],
        statements=tuple(_statement(one) for one in entry.get("statement", [])),
        performance=Performance(**performance) if performance else None,
    )


def _statement(entry: dict[str, Any]) -> Statement:
    for key in entry["substances"]:
        _require(key)
    return Statement(
        Says(entry["kind"]),
        tuple(entry["substances"]),
        entry["from"],
        entry["source"],
        Compared(entry["compared"]),
    )


def _require(key: str) -> None:
    if load_substances().by_key(key) is None:
        raise ValueError(f"{key!r} is not in the substance table")
