"""Whether a technique that did not find a substance could have found it.

Promises: the answer names why not, so that a table can say "could not see it" in place of "not there".
Refuses to let a technique without a scope on record exclude anything.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

from library.substances import Substance, load_substances


class Blind(StrEnum):
    """Why a technique could not have seen a substance; the value is stable."""

    TECHNIQUE = "technique"  # its negatives say nothing
    KIND = "kind"  # not this kind of substance
    LITTLE = "little"  # not so little of it


@dataclass(frozen=True, slots=True)
class Scope:
    """What a technique shows; ``least_share`` (0..1) of the signal another technique has of a substance."""

    excludes: bool
    least_share: float
    families: frozenset[str]
    substances: frozenset[str]


@cache
def scopes() -> dict[str, Scope]:
    """By code of the technique.

    Raises
    ------
    KeyError : the table is incomplete.
    """
    text = resources.files("library").joinpath("data", "scopes.toml").read_text("utf-8")
    return {
        technique: Scope(
            True, entry["least_share"], frozenset(entry["families"]), frozenset(entry["substances"])
        )
        if entry.get("excludes", True)
        else Scope(False, 1.0, frozenset(), frozenset())
        for technique, entry in tomllib.loads(text).items()
    }


def blind_to(technique: str, substances: Iterable[str], share: float) -> Blind | None:
    """Why a technique could not see any of the substances; None if it could have.

    Parameters
    ----------
    substances : keys as findings have them; a group of which one is meant.
    share : 0..1 of the signal of the technique that found it.
    """
    scope = scopes().get(technique)
    if scope is None or not scope.excludes:
        return Blind.TECHNIQUE
    known = load_substances()
    found = [known.by_key(key) or known.by_inchikey(key) for key in substances]
    if any(one is not None and _outside(one, scope) for one in found):
        return Blind.KIND
    return Blind.LITTLE if share < scope.least_share else None


def _outside(substance: Substance, scope: Scope) -> bool:
    return substance.family in scope.families or substance.key in scope.substances
