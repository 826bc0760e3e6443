"""How readings by eye join what the analyses found.

A plate or a chromatogram beside a standard (category B) is a sighting like that of an analysis. A colour or a
strip (category C) never names and never narrows: it speaks for every substance found that it fits, and
raises the certainty of one only where it fits no other and nothing found here is known to give the same
answer. Where it fits nothing that was found, a strip stands alone, as a first indication of its target; a
colour does not: what was never published gives colours too, so it is told as seen and names nothing. What
readings alone say is no finding where an analysis of category A could have seen it and did not; the
contradiction is shown all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from xbt.domain.findings import TECHNIQUE_CATEGORY, Category

# Share of the sample from which a reading alone usually shows something: what it saw was no less. A strip
# shows traces, so no other technique's silence speaks against it.
SHOWN_FROM: Mapping[str, float] = {"colour": 0.20, "tlc": 0.10, "lc": 0.05, "strip": 0.0}
NAMES_NOTHING = frozenset({"colour"})  # alone; a strip is made for one family, a colour is nobody's own
MARGIN = 10.0  # shares of a signal are no shares by weight: a limit counts from so many times above it


@dataclass(frozen=True, slots=True)
class Named:
    """One substance, or several that the reading cannot tell apart: keys and English names, same order."""

    substances: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Indication:
    """What the readings of one kind say together.

    Parameters
    ----------
    readings : their ids.
    techniques : codes of `xbt.domain.findings.TECHNIQUE_CATEGORY`, the one it is named by first.
    sightings : what they speak for.
    otherwise : compared, and it looks otherwise than it should.
    elsewhere : compared, and it is not there; where there are ``limits``, only if more than that share (0..1
        by weight) is there.
    also_from : other substances known to give the same answer.
    why : why it says nothing of a substance, by key; ``why_not`` of all others.
    what : codes of the reagents or the strip; the eluent.
    """

    readings: tuple[int, ...]
    techniques: tuple[str, ...]
    sightings: tuple[Named, ...] = ()
    otherwise: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    limits: Mapping[str, float] = field(default_factory=dict)
    also_from: frozenset[str] = frozenset()
    why: Mapping[str, str] = field(default_factory=dict)
    why_not: str = "not_compared"
    what: tuple[str, ...] = ()

    @property
    def technique(self) -> str:
        return self.techniques[0]

    @property
    def only_indicates(self) -> bool:
        return TECHNIQUE_CATEGORY[self.technique] is Category.C

    def fits(self, substances: Iterable[str]) -> bool:
        """Whether one of the substances is what it speaks for."""
        wanted = set(substances)
        return any(wanted & set(one.substances) for one in self.sightings)


class Group(Protocol):
    """What may be one substance: `xbt.domain.grouping.Together` is one."""

    @property
    def substances(self) -> frozenset[str]: ...


# (technique, substance keys, share elsewhere) -> "" if it could have been seen, else the code why not.
CouldSee = Callable[[str, tuple[str, ...], float], str]


def never_denies(technique: str, substances: tuple[str, ...], share: float) -> str:  # noqa: ARG001
    """A `CouldSee` for analyses whose silence says nothing."""
    return "technique"


def widened(one: Indication, found: Iterable[Named]) -> tuple[Named, ...]:
    """The sightings, each with the members of a group found by others that were never compared with it.

    A spot beside a standard of 4-MMC does not exclude 3-MMC unless that ran on the plate too.
    """
    compared = one.otherwise | one.elsewhere
    groups = list(found)
    return tuple(_widened(named, groups, compared) for named in one.sightings)


def supporting(group: Group, groups: Sequence[Group], indications: Iterable[Indication]) -> list[Indication]:
    """The indications that speak for this group and for no other, and that nothing else found explains."""
    return [
        one
        for one in indications
        if one.only_indicates
        and one.fits(group.substances)
        and not any(
            other is not group and (one.fits(other.substances) or one.also_from & other.substances)
            for other in groups
        )
    ]


def alone(groups: Sequence[Group], indications: Iterable[Indication]) -> list[tuple[Indication, Named]]:
    """What colours and strips speak for that nothing else found."""
    return [
        (one, named)
        for one in indications
        if one.only_indicates
        for named in one.sightings
        if not any(set(named.substances) & group.substances for group in groups)
    ]


def silence(one: Indication, substances: tuple[str, ...], share: float, could_see: CouldSee) -> str | None:
    """Of substances it does not speak for: "" if it speaks against them, a code why it says nothing, None if
    they look otherwise than they should."""
    keys = set(substances)
    if keys <= one.otherwise:
        return None
    if not keys <= one.elsewhere:
        return next((one.why[key] for key in substances if key in one.why), one.why_not)
    if one.limits:
        limit = max(one.limits.get(key, 1.0) for key in substances)
        return "little" if share < MARGIN * limit else ""
    return could_see(one.technique, substances, share)


def _widened(named: Named, groups: Sequence[Named], compared: frozenset[str]) -> Named:
    own = dict(zip(named.substances, named.names, strict=True))
    more = {
        key: name
        for group in groups
        if own.keys() & set(group.substances)
        for key, name in zip(group.substances, group.names, strict=True)
        if key not in compared
    }
    both = own | {key: name for key, name in more.items() if key not in own}
    return Named(tuple(both), tuple(both.values()))
