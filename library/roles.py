"""What a substance probably is in a product: what was wanted, what it was cut with, or what came along.

Promises: a proposal only, from a table that says why; nothing that acts on people is called a by-product
unless what it comes from was found beside it. Refuses to propose anything for a substance it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from library.substances import load_substances
from library.tables import rows

_CUT = "cut"  # class of the substance table
_PRECURSOR = "precursor"  # family of it


class Role(StrEnum):
    """Of a substance in a product; the value is stable."""

    ACTIVE = "active"
    CUT = "cut"
    PRECURSOR = "precursor"
    BY_PRODUCT = "by_product"  # of plant, synthesis or storage
    METABOLITE = "metabolite"
    ARTEFACT = "artefact"  # made by the instrument
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Companion:
    """A substance that comes along with any of ``beside``, and why."""

    substance: str
    role: Role
    beside: frozenset[str]
    because: str


@cache
def companions() -> dict[str, Companion]:
    """The table by substance key.

    Raises
    ------
    ValueError : a row names a substance or a role that is not known.
    """
    return {row["substance"]: _companion(row) for row in rows("roles.tsv")}


def role_of(substance: str, others: Iterable[str]) -> Role:
    """The role proposed for a substance beside the others of a sample.

    Parameters
    ----------
    substance, others : keys as findings have them: InChIKeys, keys of the substance table, or names.
    """
    known = load_substances()
    found = known.by_key(substance) or known.by_inchikey(substance)
    if found is None:
        return Role.UNKNOWN
    there = (known.by_key(one) or known.by_inchikey(one) for one in others)
    beside = frozenset(one.key for one in there if one is not None)
    companion = companions().get(found.key)
    if companion is not None and companion.beside & beside:
        return companion.role
    if found.family == _PRECURSOR:
        return Role.PRECURSOR
    return Role.CUT if found.cls == _CUT else Role.ACTIVE


def _companion(row: dict[str, str]) -> Companion:
    beside = frozenset(row["beside"].split("|"))
    missing = [key for key in (row["substance"], *beside) if load_substances().by_key(key) is None]
    if missing:
        raise ValueError(f"{', '.join(missing)}: not in the substance table")
    return Companion(row["substance"], Role(row["role"]), beside, row["because"])
