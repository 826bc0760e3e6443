"""What may be said of a whole electron-ionisation spectrum, from its hits and their isomer groups.

Promises: the answer of `library.statement.decide` on the evidence of `library.evidence`, with the group of
every candidate shown; where nothing can be named, the family that hits and analogues agree on. By default
nothing below `LEAST_SHOWN` is a candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from library.answer import Decision
from library.confidence import Chances, calibration, chances
from library.evidence import COMPARED, evidence
from library.families import FamilyHint, Likeness, hint, meaning_of
from library.groups import isomer_groups
from library.record import SpectrumKind
from library.release import Reference, Release
from library.search.ei import Hit, unit_spectra
from library.search.hybrid import hybrid, plausible_masses
from library.statement import THRESHOLDS, Evidence, decide
from spectra.model import spectrum_from_peaks
from spectra.similarity.mass import FULL_SCALE, UnitSpectrum

__all__ = ["COMPARED", "EI", "LEAST_SHOWN", "Statement", "state"]

EI = THRESHOLDS[SpectrumKind.EI]
SURE_SHARE = 0.6  # of the votes of hits: no analogue has to agree
LEAST_SHOWN = 500.0  # below, a candidate has nothing to tell and is not listed


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """What may be said, and why.

    Parameters
    ----------
    hits, groups : candidates worth showing, best first, and what each cannot be told from, itself first.
    chances, family : None where there is no candidate, where the query has fewer than ``EI.least_ions`` ions,
        and where no family is agreed on.
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
    groups = tuple(isomer_groups(releases, near, query))
    if not near or len(query.mass) < EI.least_ions:
        return Statement(Decision.UNKNOWN, near, groups, None, None)
    sure = chances(calibration("ei"), evidence(query, hits, groups[0]), unknowns=EI.unknowns)
    found = Evidence(
        near[0].match_factor, near[0].matched_ions, len(groups[0]), sure, family=False, blur=_blur(query)
    )
    decision = decide(found, EI)
    family = _agreed([Likeness(hit.reference, hit.match_factor) for hit in hits])
    if decision is Decision.UNKNOWN and family:
        confirmed = _confirmed(query, family, releases)
        family = confirmed or (family if family.share >= SURE_SHARE else None)
        decision = Decision.FAMILY if family else Decision.UNKNOWN
    return Statement(decision, near, groups, sure, family)


def _blur(query: UnitSpectrum) -> float:
    """0..1: by which share of the base peak half of the ions may be wrong."""
    known = np.empty(0) if query.floor is None else query.floor[query.floor > 0]
    return float(np.median(known)) / FULL_SCALE if len(known) else 0.0


def _agreed(likenesses: Sequence[Likeness]) -> FamilyHint | None:
    return hint(likenesses, least_score=EI.hint_score, least_share=EI.hint_share)


def _confirmed(query: UnitSpectrum, family: FamilyHint, releases: Sequence[Release]) -> FamilyHint | None:
    """The same family told by analogues, with what the query is heavier by than the nearest; else None.

    Of 39 SWGDRUG compounds without family and without entry, match factors alone hint at one for 15 %,
    analogues for 21 %, both for 5 %, both or `SURE_SHARE` of the votes for 10 %; of 51 with a family, for 84,
    86, 78 and 80 %.
    """
    heaviest = plausible_masses(query, 1)
    if not heaviest:
        return None
    asked = spectrum_from_peaks(query.mass.astype(np.float64), query.intensity.astype(np.float64))
    (near,) = hybrid(releases, [asked], heaviest, top=COMPARED, mz_low=float(query.start))
    found = _agreed(
        [Likeness(one.reference, one.score, _heavier(heaviest[0], one.reference)) for one in near]
    )
    return found if found and found.family == family.family else None


def _heavier(mass: int, reference: Reference) -> int | None:
    """By how much the heaviest ions of a query and a reference differ, None where that is no usual change.

    Relatives lose the same on the way to their heaviest ion, which need not be the molecule: right for 27 of
    28 SWGDRUG compounds with a usual change (of 40 hinted; all 40: 78 %; masses of molecules: 44 %).
    """
    (spectrum,) = unit_spectra([reference.spectrum], reference.mz_low)
    own = plausible_masses(spectrum, 1)
    difference = mass - own[0] if own else None
    return difference if difference is not None and meaning_of(difference) else None
