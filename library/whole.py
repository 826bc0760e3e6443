"""What may be said of a whole electron-ionisation spectrum, from its hits and their isomer groups.

Promises: the answer of `library.statement.decide` on the evidence of `library.evidence`, with the group of
every candidate shown. By default nothing below `LEAST_SHOWN` is a candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from library.answer import Decision
from library.confidence import Chances, calibration, chances
from library.evidence import COMPARED, evidence
from library.families import FamilyHint, Likeness, hint
from library.groups import isomer_group
from library.record import SpectrumKind
from library.release import Reference, Release
from library.search.ei import Hit
from library.statement import THRESHOLDS, Evidence, decide
from spectra.similarity.mass import UnitSpectrum

__all__ = ["COMPARED", "EI", "LEAST_SHOWN", "Statement", "state"]

EI = THRESHOLDS[SpectrumKind.EI]
LEAST_SHOWN = 500.0  # below, a candidate has nothing to tell and is not listed


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """What may be said, and why.

    Parameters
    ----------
    hits, groups : candidates worth showing, best first, and what each cannot be told from, itself first.
    chances, family : None where there is no candidate, and where no family is agreed on.
    """

    decision: Decision
    hits: tuple[Hit, ...]
    groups: tuple[tuple[Reference, ...], ...]
    chances: Chances | None
    family: FamilyHint | None


def state(
    query: UnitSpectrum,
    hits: Sequence[Hit],
    releases: Sequence[Release],
    *,
    shown: int,
    least: float = LEAST_SHOWN,
) -> Statement:
    """The statement on ``query``.

    Parameters
    ----------
    hits : of `library.search.ei.search` with ``top`` of `COMPARED` or more.
    releases : those that were searched; isomers are looked for there.
    shown, least : candidates to keep at most, and the match factor (0..1000) they need.
    """
    near = tuple(hit for hit in hits[:shown] if hit.match_factor >= least)
    if not near:
        return Statement(Decision.UNKNOWN, (), (), None, None)
    groups = tuple(isomer_group(releases, hit, query) for hit in near)
    sure = chances(calibration("ei"), evidence(query, hits, groups[0]))
    family = hint(
        [Likeness(hit.reference, hit.match_factor) for hit in hits],
        least_score=EI.hint_score,
        least_share=EI.hint_share,
    )
    found = Evidence(near[0].match_factor, near[0].matched_ions, len(groups[0]), sure, family is not None)
    return Statement(decide(found, EI), near, groups, sure, family)
