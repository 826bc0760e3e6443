"""What every analysis of a sample says of every substance: for it, against it, or nothing.

Promises: an analysis that did not find a substance speaks against it only where it could have seen it; a
contradiction is shown, never resolved by a rule. Refuses to count what a person rejected as found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from xbt.domain.evidence import CandidateSeen, ComponentSeen, Evidence
from xbt.domain.findings import TECHNIQUE_CATEGORY, Category, Certainty
from xbt.domain.grouping import Together, together


class Stance(StrEnum):
    """What an analysis says of a substance; the value is stable."""

    ACCEPTED = "accepted"  # a person accepted it
    PENDING = "pending"  # the best candidate of a component that awaits a decision
    REJECTED = "rejected"  # a person rejected it
    NOT_SEEN = "not_seen"  # not among what it found, and it could have been
    COULD_NOT_SEE = "could_not_see"


AGAINST = frozenset({Stance.REJECTED, Stance.NOT_SEEN})


@dataclass(frozen=True, slots=True)
class Comparison:
    """A measurement held against a tolerance; ``what`` is what was compared."""

    what: str
    passes: bool


@dataclass(frozen=True, slots=True)
class Detail:
    """What stands beside a candidate: chance (0..1) that it, or its group, is right; ratios and the like."""

    probability: float | None = None
    compared: tuple[Comparison, ...] = ()


@dataclass(frozen=True, slots=True)
class Witness:
    """One analysis on one substance.

    Parameters
    ----------
    names : of everything it cannot tell from the substance, empty where it did not see it.
    share : 0..1 of its signal; 0 where it did not see it.
    score : match factor 0..1000, None where it did not see it.
    why : code why it could not see it, "" otherwise.
    """

    analysis_id: int
    technique: str
    category: Category
    stance: Stance
    names: tuple[str, ...] = ()
    share: float = 0.0
    score: float | None = None
    detail: Detail = Detail()
    why: str = ""


@dataclass(frozen=True, slots=True)
class SubstanceLine:
    """One line of a sample's list: a substance or a group, with every analysis.

    Parameters
    ----------
    certainty : None as long as nothing was accepted.
    role : code of the role proposed.
    """

    substances: tuple[str, ...]
    names: tuple[str, ...]
    certainty: Certainty | None
    role: str
    witnesses: tuple[Witness, ...]

    @property
    def conflict(self) -> bool:
        """Whether an analysis speaks against what another one found."""
        return any(one.stance in AGAINST for one in self.witnesses)


# (technique, substance keys, share elsewhere) -> "" if it could have been seen, else the code why not.
CouldSee = Callable[[str, tuple[str, ...], float], str]
# (substance key, keys of the other substances) -> code of a role.
RoleOf = Callable[[str, tuple[str, ...]], str]
# (analysis, component number, rank of the candidate) -> what stands beside it.
Details = Mapping[tuple[int, int, int], Detail]


@dataclass(frozen=True, slots=True)
class _Sighting:
    analysis_id: int
    technique: str
    stance: Stance
    candidate: CandidateSeen
    component: ComponentSeen

    @property
    def substances(self) -> tuple[str, ...]:
        return self.candidate.substances

    @property
    def techniques(self) -> tuple[str, ...]:
        return (self.technique,)


def substance_lines(
    evidence: Sequence[Evidence], *, could_see: CouldSee, role_of: RoleOf, details: Details
) -> tuple[SubstanceLine, ...]:
    """Every substance that any analysis found, accepted or awaiting a decision, the greatest share first."""
    sightings = [one for analysis in evidence for one in _sightings(analysis)]
    rejected = [one for one in sightings if one.stance is Stance.REJECTED]
    groups = together(one for one in sightings if one.stance is not Stance.REJECTED)
    groups.sort(key=lambda one: (-_share(one.members), sorted(one.substances)))
    keys = [_ordered(group) for group in groups]
    lines = []
    for group, (substances, names) in zip(groups, keys, strict=True):
        others = tuple(key for other, _ in keys if other != substances for key in other)
        lines.append(
            SubstanceLine(
                substances=substances,
                names=names,
                certainty=_certainty(group),
                role=_role(substances, others, role_of),
                witnesses=tuple(
                    _witness(analysis, group, substances, rejected, could_see, details)
                    for analysis in evidence
                ),
            )
        )
    return tuple(lines)


def _sightings(evidence: Evidence) -> Iterable[_Sighting]:
    """One for each component that was decided on or awaits it; what is rejected is its best candidate."""
    for component in evidence.proposal.components:
        choice = evidence.choices.get(component.number)
        if choice is None:
            stance = Stance.PENDING if component.needs_decision else None
        else:
            stance = Stance.ACCEPTED if choice.accepted else Stance.REJECTED
        rank = choice.candidate if choice is not None and choice.accepted else 1
        candidate = next((one for one in component.candidates if one.rank == rank), None)
        if stance is not None and candidate is not None:
            yield _Sighting(evidence.analysis_id, evidence.technique, stance, candidate, component)


def _ordered(group: Together[_Sighting]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys and names left possible, in the order of the best match."""
    best = max(group.members, key=lambda one: one.candidate.match_factor).candidate
    pairs = zip(best.substances, best.names, strict=True)
    kept = {key: name for key, name in pairs if key in group.substances}
    return tuple(kept), tuple(kept.values())


def _certainty(group: Together[_Sighting]) -> Certainty | None:
    accepted = [one for one in group.members if one.stance is Stance.ACCEPTED]
    return Together(group.substances, accepted).certainty() if accepted else None


def _role(substances: tuple[str, ...], others: tuple[str, ...], role_of: RoleOf) -> str:
    """The role all members of a group share; that of the unknown where they differ."""
    roles = {role_of(key, others) for key in substances}
    return roles.pop() if len(roles) == 1 else "unknown"


def _witness(
    analysis: Evidence,
    group: Together[_Sighting],
    substances: tuple[str, ...],
    rejected: Sequence[_Sighting],
    could_see: CouldSee,
    details: Details,
) -> Witness:
    own = [one for one in group.members if one.analysis_id == analysis.analysis_id]
    if own:
        return _told(own, details)
    against = [
        one
        for one in rejected
        if one.analysis_id == analysis.analysis_id and set(one.substances) & set(substances)
    ]
    if against:
        return _told(against, details)
    why = could_see(analysis.technique, substances, _share(group.members))
    if not why and _named_at_all(analysis, substances):
        why = "other_candidate"
    category = TECHNIQUE_CATEGORY[analysis.technique]
    stance = Stance.COULD_NOT_SEE if why else Stance.NOT_SEEN
    return Witness(analysis.analysis_id, analysis.technique, category, stance, why=why)


def _named_at_all(analysis: Evidence, substances: tuple[str, ...]) -> bool:
    """Whether it stands among the candidates: then the analysis does not speak against it."""
    return any(
        set(candidate.substances) & set(substances)
        for component in analysis.proposal.components
        for candidate in component.candidates
    )


def _told(own: Sequence[_Sighting], details: Details) -> Witness:
    """Several components of one analysis are one witness: accepted before pending, then the best match."""
    order = (Stance.ACCEPTED, Stance.PENDING, Stance.REJECTED)
    best = min(own, key=lambda one: (order.index(one.stance), -one.candidate.match_factor))
    return Witness(
        analysis_id=best.analysis_id,
        technique=best.technique,
        category=TECHNIQUE_CATEGORY[best.technique],
        stance=best.stance,
        names=best.candidate.names,
        share=min(1.0, sum(one.component.area_share for one in own if one.stance is best.stance)),
        score=best.candidate.match_factor,
        detail=details.get((best.analysis_id, best.component.number, best.candidate.rank), Detail()),
    )


def _share(members: Sequence[_Sighting]) -> float:
    """Greatest share of the signal over the analyses."""
    shares: dict[int, float] = {}
    for one in members:
        shares[one.analysis_id] = shares.get(one.analysis_id, 0.0) + one.component.area_share
    return min(1.0, max(shares.values()))
