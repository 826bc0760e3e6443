"""What a sample contains, how sure that is, and by which method."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from xbt.domain.amounts import Quantity


class Certainty(StrEnum):
    """Computed from the techniques used (SWGDRUG categories A, B, C), never typed in."""

    PRESUMPTIVE = "presumptive"
    IDENTIFIED = "identified"
    CONFIRMED = "confirmed"


class Amount(StrEnum):
    """How much of the detected signal, where no calibrated amount exists. Not a percentage by weight."""

    MAIN = "main"
    MINOR = "minor"
    TRACE = "trace"
    NOT_TOLD = "not_told"  # by readings only: a colour, a strip or a spot has no share of a signal


class Category(StrEnum):
    """SWGDRUG category of a technique: A structural, B separation, C indication."""

    A = "A"
    B = "B"
    C = "C"


# GC-MS is two uncorrelated techniques in one run: retention (B) and mass spectrum (A). The retention time
# counts only where it was compared with a reference measured on the same method.
TECHNIQUE_CATEGORY = {
    "gc_ms": Category.A,
    "lc_ms": Category.A,
    "ms": Category.A,
    "ftir": Category.A,
    "raman": Category.A,
    "gc": Category.B,
    "lc": Category.B,
    "tlc": Category.B,
    "uv": Category.B,
    "nmr": Category.A,
    "ims": Category.B,
    "epr": Category.C,
    "other": Category.C,
    "strip": Category.C,
    "colour": Category.C,
    "unknown": Category.C,  # the file does not say how it was measured: no more than an indication
}

# Techniques that compare with what somebody thought of, and do not search.
COMPARES_ONLY = frozenset({"strip", "colour", "tlc", "lc", "uv"})


def certainty_of(techniques: frozenset[str]) -> Certainty:
    """Certainty that a set of techniques supports for one substance.

    A structural technique alone identifies; with any second technique it confirms; without one, three
    techniques of which two are separations identify; everything else is presumptive
    (SWGDRUG recommendations 8.1, part III B; UNODC: two uncorrelated parameters, one structural).

    Raises
    ------
    KeyError : a technique is not in `TECHNIQUE_CATEGORY`.
    """
    categories = [TECHNIQUE_CATEGORY[technique] for technique in techniques]
    if Category.A in categories:
        return Certainty.CONFIRMED if len(categories) > 1 else Certainty.IDENTIFIED
    if len(categories) >= 3 and categories.count(Category.B) >= 2:
        return Certainty.IDENTIFIED
    return Certainty.PRESUMPTIVE


@dataclass(frozen=True, slots=True)
class Finding:
    """One substance, or one group of isomers the technique cannot separate.

    ``substances`` holds substance keys (standard InChIKeys where known, else the reference's name); more
    than one means "one of these". ``names`` are the English names, in the same order.
    """

    substances: tuple[str, ...]
    names: tuple[str, ...]
    amount: Amount
    area_share: float  # 0..1, share of the detected signal
    certainty: Certainty
    techniques: tuple[str, ...]
    analysis_id: int  # 0 where only readings speak for it
    component: int
    match_factor: float  # 0..1000
    quantity: Quantity | None = None  # only of a substance that stands alone: a group has no calibration
    readings: tuple[int, ...] = ()  # that speak for it

    @property
    def source(self) -> tuple[str, int]:
        """What saw it; see `xbt.domain.grouping`."""
        return ("analysis", self.analysis_id) if self.analysis_id else ("reading", self.readings[0])


@dataclass(frozen=True, slots=True)
class MethodStatement:
    """How it was looked for and what that cannot see; printed with every result."""

    technique: str
    name: str
    limit: str  # code of a sentence in the risk texts, e.g. "gcms_limit"
    libraries: tuple[str, ...]  # "name version"


def looked_for_all(methods: Iterable[MethodStatement]) -> bool:
    """Whether one of the methods searches for everything it can see: readings answer one question each, and
    what they do not name may well be there."""
    techniques = {one.technique for one in methods}
    return not techniques or not techniques <= COMPARES_ONLY


@dataclass(frozen=True, slots=True)
class ReadingTold:
    """A colour test or a strip as the result tells it; plates and chromatograms speak through findings.

    Parameters
    ----------
    technique : "colour" or "strip".
    what : code of the strip; codes of the reagents, sorted.
    positive : of a strip; None for colours.
    colours : seen, one tuple for each reagent, same order.
    substances : a strip's target, or what the colours fit; keys as findings have them.
    also : what else is known to make the strip positive, or partly fits the colours.
    missed : what the strip was shown not to detect.
    limit : 0..1 by weight, below which a negative strip shows nothing even of what it is best at; None if no
        study tells.
    near_limit : a test line was there, but faint.
    """

    technique: str
    what: tuple[str, ...]
    substances: tuple[str, ...]
    positive: bool | None = None
    colours: tuple[tuple[str, ...], ...] = ()
    also: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    limit: float | None = None
    near_limit: bool = False


@dataclass(frozen=True, slots=True)
class ResultVersion:
    """A set of findings as submitted; immutable. A correction is the next version."""

    id: int
    sample_id: int
    version: int
    findings: tuple[Finding, ...]
    methods: tuple[MethodStatement, ...]
    unexplained_share: float
    comment: str  # of the laboratory to the reader; plain text
    submitted_by: str
    submitted_at: datetime
    signed_by: str | None = None
    signed_at: datetime | None = None
    released_at: datetime | None = None
    withdrawn_at: datetime | None = None
    reason: str = ""  # why it amends the version before, or why it was withdrawn
    simulated: bool = False
    returned_at: datetime | None = None  # sent back to the technician
    return_reason: str = ""
    readings: tuple[ReadingTold, ...] = ()
