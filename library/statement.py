"""From evidence to the one thing that may be said: identified, a group, a family, or unknown.

Promises: the same rule for every technique, with thresholds of its own; nothing is named on a poor match or
on too few ions, however sure the model is; a family is only ever a hint. What each threshold was chosen on
stands in docs/identification.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from library.answer import Decision
from library.confidence import Chances
from library.record import SpectrumKind


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What has to be reached to say something.

    Parameters
    ----------
    least_score : 0..1000 of the best candidate, below which nothing is named.
    least_ions : ions in common, below which nothing is named.
    identified : 0..1, chance that the one member of a group is right. Below it, that one is still a group:
        it, or an isomer that the libraries do not hold.
    grouped : 0..1, chance that the right substance is in the group.
    hint_score, hint_share : 0..1000 and 0..1: see `library.families.hint`.
    alone_score : 0..1000 of the best candidate, from which one substance is named where no chance is known.
    unknowns : 0..1, share of what is asked that no library holds: what the chances assume.
    blur : 0..1 of the base peak, by which ions may be wrong; beyond it nothing is named.
    """

    least_score: float
    least_ions: int
    identified: float
    grouped: float
    hint_score: float
    hint_share: float
    alone_score: float
    unknowns: float = 0.2
    blur: float = 0.2


THRESHOLDS: Mapping[SpectrumKind, Thresholds] = {
    SpectrumKind.EI: Thresholds(600.0, 5, 0.97, 0.4, 500.0, 0.4, 1000.0),
    SpectrumKind.MSMS: Thresholds(750.0, 3, 0.95, 0.5, 500.0, 0.4, 900.0),
    SpectrumKind.IN_SOURCE: Thresholds(700.0, 3, 0.9, 0.5, 500.0, 0.4, 950.0),
    SpectrumKind.INFRARED: Thresholds(820.0, 0, 0.9, 0.5, 500.0, 0.4, 920.0),
    SpectrumKind.RAMAN: Thresholds(820.0, 0, 0.9, 0.5, 500.0, 0.4, 920.0),
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a search found, in the terms of every technique.

    Parameters
    ----------
    score : 0..1000 of the best candidate, 0 if there is none. ions : matched by it.
    group : substances the technique cannot tell from it, itself included.
    chances : None where the technique has no calibration: scores and ions then decide alone.
    family : whether a family was agreed on.
    blur : 0..1, by which share of the base peak most ions may be wrong.
    """

    score: float
    ions: int
    group: int
    chances: Chances | None
    family: bool
    blur: float = 0.0


def decide(found: Evidence, thresholds: Thresholds) -> Decision:
    """What may be said."""
    otherwise = Decision.FAMILY if found.family else Decision.UNKNOWN
    if found.score < thresholds.least_score or found.ions < thresholds.least_ions:
        return otherwise
    if found.blur > thresholds.blur:
        return otherwise
    if found.chances is None:
        sure, grouped = found.score >= thresholds.alone_score, True
    else:
        sure = found.chances.compound >= thresholds.identified
        grouped = found.chances.group >= thresholds.grouped
    if sure and found.group == 1:
        return Decision.IDENTIFIED
    return Decision.GROUP if grouped else otherwise
