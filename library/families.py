"""To which family a substance belongs, and what an unknown one may be a relative of.

Promises: a family is told from the substance table, else from a name's stem (non-proprietary and chemical
names end alike within a family, `library/data/family_names.tsv`); a hint names the family that most of what
resembles the query belongs to, its nearest member, and what the difference in mass would mean.
Refuses to name a substance, and to hint where the resemblances disagree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from library.formula import monoisotopic_mass
from library.release import Reference
from library.substances import load_substances
from library.tables import rows

VOTERS = 10
VOTE_SCALE = 60.0  # match factor over which a vote falls to 1/e of the best one's


@dataclass(frozen=True, slots=True)
class Likeness:
    """One reference that resembles the query, in any search: how much, and by which mass it differs.

    Parameters
    ----------
    score : 0..1000.
    mass_difference : query − reference in Th, None where the query's molecular mass is not known.
    """

    reference: Reference
    score: float
    mass_difference: float | None = None


@dataclass(frozen=True, slots=True)
class FamilyHint:
    """What an unknown may be.

    Parameters
    ----------
    family, cls : codes of the substance table ("fentanyl", "opioid").
    share : 0..1 of the votes; ``strength`` 0..1000, the best score among them.
    relative : the nearest member of the family.
    mass_difference, meaning : query − relative in Th and what it stands for ("+CH2"), None and "" if unknown.
    """

    family: str
    cls: str
    share: float
    strength: float
    relative: Reference
    mass_difference: float | None = None
    meaning: str = ""


# Changes of formula that most often stand between relatives, by whole Th, the usual one first.
MEANINGS = {
    14: "+CH2", 28: "+C2H4 or +CO", 42: "+C3H6 or +C2H2O", 56: "+C4H8",
    16: "+O or +CH4", 2: "+H2", 12: "+C", 15: "+NH", 18: "+F −H or +H2O", 30: "+CH2O or +NO −H",
    34: "+Cl −H", 78: "+Br −H", 126: "+I −H", 32: "+CH3OH or +S", 44: "+C2H4O or +CO2", 45: "+NO2 −H",
    68: "+CF3 −H", 46: "+NO2 or +CH3S −H", 26: "+C2H2", 40: "+C3H4", 54: "+C4H6", 76: "+C6H4",
}  # fmt: skip
WHOLE = 0.5  # Th: unit mass cannot tell CO from C2H4 or CH4 from O


def meaning_of(difference: float, within: float = WHOLE) -> str:
    """How a difference of mass to a relative reads as a change of formula; "" if it is no usual one.

    Parameters
    ----------
    difference : Th, whole where masses are.
    within : Th, how far it may lie from the exact mass of a change; an accurate mass tells CO from C2H4.
    """
    if abs(difference) <= within:
        return "an isomer"
    near = [
        reading
        for reading in MEANINGS.get(round(abs(difference)), "").split(" or ")
        if reading and abs(_mass_of(reading) - abs(difference)) <= within
    ]
    return " or ".join(near) if difference > 0 else " or ".join(near).translate(_SWAPPED)


_SWAPPED = str.maketrans("+−", "−+")


@cache
def _mass_of(reading: str) -> float:
    """Exact mass, Th, of a change such as "+F −H"."""
    return sum(monoisotopic_mass(change[1:]) * (1 if change[0] == "+" else -1) for change in reading.split())


def family_of(reference: Reference) -> str:
    """Family code of a reference, "" where neither table nor name tells."""
    known = load_substances().by_key(reference.parent) if reference.parent else None
    return known.family if known else family_named(reference.name)


@cache
def family_named(name: str) -> str:
    """Family code that a name's stem tells, "" if none does."""
    plain = name.casefold()
    return next((family for family, pattern in _stems() if pattern.search(plain)), "")


def family_label(family: str, language: str) -> str:
    """What to call a family in ``language`` ("fr" or "en"); the code itself where it is not known."""
    return _labels().get(family, {}).get("label_fr" if language == "fr" else "label_en", family)


@cache
def class_of(family: str) -> str:
    """Class code of a family ("opioid" of "fentanyl"), "" if no substance has it."""
    return next((one.cls for one in load_substances() if one.family == family), "")


def hint(
    likenesses: Sequence[Likeness], *, least_score: float, least_share: float, within: float = WHOLE
) -> FamilyHint | None:
    """The family that what resembles the query agrees on, or None.

    Parameters
    ----------
    likenesses : in any order, one per compound; the best `VOTERS` vote, each e^((score − best)/`VOTE_SCALE`).
    least_score : 0..1000 that the best member of the family reaches.
    least_share : 0..1 of all votes, those without a family included, that the family gets.
    within : Th, how surely differences of mass are known (`meaning_of`).
    """
    voters = sorted(likenesses, key=lambda one: -one.score)[:VOTERS]
    if not voters:
        return None
    weights = np.exp((np.array([one.score for one in voters]) - voters[0].score) / VOTE_SCALE)
    families = [family_of(one.reference) for one in voters]
    votes = {name: float(weights[[f == name for f in families]].sum()) for name in families if name}
    if not votes:
        return None
    family = max(votes, key=lambda name: votes[name])
    share = votes[family] / float(weights.sum())
    best = next(one for one, name in zip(voters, families, strict=True) if name == family)
    if share < least_share or best.score < least_score:
        return None
    difference = best.mass_difference
    meaning = "" if difference is None else meaning_of(difference, within)
    return FamilyHint(family, class_of(family), share, best.score, best.reference, difference, meaning)


@cache
def _stems() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((row["family"], re.compile(row["pattern"])) for row in rows("family_names.tsv"))


@cache
def _labels() -> dict[str, dict[str, str]]:
    return {row["family"]: row for row in rows("families.tsv")}
