"""Which sightings, from one analysis or several, are of the same substance.

The same substance, or the same group of isomers in any order, belongs together. A group that one technique
could not separate is narrowed by another one that could: "3-MMC or 4-MMC" and "3-MMC" are 3-MMC. It stays a
group where narrowing would guess: if more than one substance of it was seen elsewhere, if its own analysis
shows such a group twice (it may hold two of the members), or if only the same technique, or an indication
(category C), speaks for the member.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from xbt.domain.findings import TECHNIQUE_CATEGORY, Category, Certainty, certainty_of


class Sighting(Protocol):
    """Anything that says "one of these was seen"; ``source`` is the analysis or reading that saw it."""

    @property
    def substances(self) -> tuple[str, ...]: ...
    @property
    def source(self) -> tuple[str, int]: ...
    @property
    def techniques(self) -> tuple[str, ...]: ...


Seen = TypeVar("Seen", bound=Sighting)


@dataclass(slots=True)
class Together(Generic[Seen]):
    """Sightings of one substance, or of one group; ``substances`` is what all of them leave possible."""

    substances: frozenset[str]
    members: list[Seen]

    def certainty(self, also: frozenset[str] = frozenset()) -> Certainty:
        """By all techniques; where no structural one names just this, no more than *identified*.

        Parameters
        ----------
        also : techniques that only indicate (category C) and speak for this and nothing else.
        """
        techniques = {technique for one in self.members for technique in one.techniques}
        by_all = certainty_of(frozenset(techniques) | also)
        own = {t for one in self.members if set(one.substances) <= self.substances for t in one.techniques}
        structural = any(TECHNIQUE_CATEGORY[technique] is Category.A for technique in own)
        return Certainty.IDENTIFIED if by_all is Certainty.CONFIRMED and not structural else by_all


def together(sightings: Iterable[Seen]) -> list[Together[Seen]]:
    """The sightings put together, the narrowest first; the order they come in does not matter."""
    ordered = sorted(sightings, key=lambda one: (len(set(one.substances)), sorted(one.substances)))
    found: list[Together[Seen]] = []
    for group, same in _same(ordered):
        home = _home(found, group, same)
        if home is None:
            found.append(Together(group, same))
        else:
            home.substances &= group
            home.members += same
    return found


def _same(ordered: Sequence[Seen]) -> list[tuple[frozenset[str], list[Seen]]]:
    """Sightings with the very same group, in the order given."""
    groups: dict[frozenset[str], list[Seen]] = {}
    for one in ordered:
        groups.setdefault(frozenset(one.substances), []).append(one)
    return list(groups.items())


def _home(
    found: Sequence[Together[Seen]], group: frozenset[str], same: Sequence[Seen]
) -> Together[Seen] | None:
    """The one narrower sighting from elsewhere that this group holds; None for none, or where in doubt."""
    overlapping = [one for one in found if one.substances & group]
    own = [one.source for one in same]
    if len(overlapping) != 1 or len(own) != len(set(own)):
        return None
    home = overlapping[0]
    if set(own) & {one.source for one in home.members}:
        return None
    used = {technique for one in same for technique in one.techniques}
    others = {technique for one in home.members for technique in one.techniques} - used
    return home if any(TECHNIQUE_CATEGORY[technique] is not Category.C for technique in others) else None
