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
from xbt.domain.indications import (
    NAMES_NOTHING,
    SHOWN_FROM,
    CouldSee,
    Indication,
    Named,
    alone,
    silence,
    supporting,
    widened,
)


class Stance(StrEnum):
    """What an analysis or a reading says of a substance; the value is stable."""

    ACCEPTED = "accepted"  # a person accepted it
    PENDING = "pending"  # the best candidate of a component that awaits a decision
    REJECTED = "rejected"  # a person rejected it
    AGREES = "agrees"  # a reading fits it
    OTHERWISE = "otherwise"  # a reading looks otherwise than this substance should
    NOT_SEEN = "not_seen"  # not among what it found, and it could have been
    COULD_NOT_SEE = "could_not_see"


AGAINST = frozenset({Stance.REJECTED, Stance.OTHERWISE, Stance.NOT_SEEN})
_FOR = frozenset({Stance.ACCEPTED, Stance.AGREES})


@dataclass(frozen=True, slots=True)
class Comparison:
    """A measurement held against a tolerance; ``what`` is what was compared, ``rule`` whose tolerance."""

    what: str
    passes: bool
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Detail:
    """What stands beside a candidate.

    Parameters
    ----------
    probability : 0..1 that it, or its group, is right.
    compared : ion ratios, by the rules of one or several guidelines.
    retention_index, reference_index : measured, and that of its reference; None where not known.
    precursor_ppm : measured less expected m/z of its ion, parts per million.
    """

    probability: float | None = None
    compared: tuple[Comparison, ...] = ()
    retention_index: float | None = None
    reference_index: float | None = None
    precursor_ppm: float | None = None

    @property
    def rules(self) -> tuple[str, ...]:
        """The guidelines whose tolerances were asked, each once."""
        return tuple(dict.fromkeys(one.rule for one in self.compared))


@dataclass(frozen=True, slots=True)
class Witness:
    """One analysis, or the readings of one kind, on one substance.

    Parameters
    ----------
    analysis_id : 0 for readings, whose ids are ``readings``.
    what : reagents, strip or eluent of the readings.
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
    readings: tuple[int, ...] = ()
    what: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubstanceLine:
    """One line of a sample's list: a substance or a group, with every analysis.

    Parameters
    ----------
    certainty : None as long as nothing was accepted.
    role : code of the role proposed.
    hint : only a colour speaks for it, which is no finding.
    """

    substances: tuple[str, ...]
    names: tuple[str, ...]
    certainty: Certainty | None
    role: str
    witnesses: tuple[Witness, ...]
    hint: bool = False

    @property
    def conflict(self) -> bool:
        """Whether an analysis speaks against what another one found."""
        return any(one.stance in AGAINST for one in self.witnesses)


# (substance key, keys of the other substances) -> code of a role.
RoleOf = Callable[[str, tuple[str, ...]], str]
# (analysis, component number, rank of the candidate) -> what stands beside it.
Details = Mapping[tuple[int, int, int], Detail]


@dataclass(frozen=True, slots=True)
class _Sighting:
    """Of an analysis (with the place of its candidate, for details) or of readings."""

    source: tuple[str, int]
    techniques: tuple[str, ...]
    stance: Stance
    substances: tuple[str, ...]
    names: tuple[str, ...]
    share: float = 0.0
    score: float = 0.0
    place: tuple[int, int, int] = (0, 0, 0)


def substance_lines(
    evidence: Sequence[Evidence],
    *,
    could_see: CouldSee,
    role_of: RoleOf,
    details: Details,
    indications: Sequence[Indication] = (),
) -> tuple[SubstanceLine, ...]:
    """Every substance that any analysis or reading found, accepted or awaiting a decision, the greatest share
    first."""
    sightings = [one for analysis in evidence for one in _sightings(analysis)]
    rejected = [one for one in sightings if one.stance is Stance.REJECTED]
    groups = _groups([one for one in sightings if one.stance is not Stance.REJECTED], indications)
    lone = [
        Together(frozenset(named.substances), [_read(one, named)])
        for one, named in alone(groups, indications)
    ]
    ordered = sorted([*groups, *lone], key=lambda one: (-_share(one.members), sorted(one.substances)))
    keys = [_ordered(group) for group in ordered]

    def line(
        group: Together[_Sighting], substances: tuple[str, ...], names: tuple[str, ...]
    ) -> SubstanceLine:
        others = tuple(key for other, _ in keys if other != substances for key in other)
        told = [_witness(one, group, substances, rejected, could_see, details) for one in evidence]
        read = [_heard(one, group, groups, substances, could_see) for one in indications]
        return SubstanceLine(
            substances=substances,
            names=names,
            certainty=_certainty(group, supporting(group, groups, indications)),
            role=_role(substances, others, role_of),
            witnesses=(*told, *read),
            hint=all(set(one.techniques) <= NAMES_NOTHING for one in group.members),
        )

    return tuple(line(group, *named) for group, named in zip(ordered, keys, strict=True))


def _groups(measured: Sequence[_Sighting], indications: Sequence[Indication]) -> list[Together[_Sighting]]:
    """What the analyses saw, put together with what plates and chromatograms beside a standard say of it."""
    found = [Named(one.substances, one.names) for one in measured]
    beside = [
        _read(one, named) for one in indications if not one.only_indicates for named in widened(one, found)
    ]
    return together([*measured, *beside])


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
            yield _sighting(evidence, stance, candidate, component)


def _sighting(
    evidence: Evidence, stance: Stance, candidate: CandidateSeen, component: ComponentSeen
) -> _Sighting:
    return _Sighting(
        source=("analysis", evidence.analysis_id),
        techniques=(evidence.technique,),
        stance=stance,
        substances=candidate.substances,
        names=candidate.names,
        share=component.area_share,
        score=candidate.match_factor,
        place=(evidence.analysis_id, component.number, candidate.rank),
    )


def _read(one: Indication, named: Named) -> _Sighting:
    source = ("reading", one.readings[0])
    return _Sighting(source, one.techniques, Stance.AGREES, named.substances, named.names)


def _ordered(group: Together[_Sighting]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys and names left possible, in the order of the best match."""
    best = max(group.members, key=lambda one: one.score)
    pairs = zip(best.substances, best.names, strict=True)
    kept = {key: name for key, name in pairs if key in group.substances}
    return tuple(kept), tuple(kept.values())


def _certainty(group: Together[_Sighting], support: Sequence[Indication]) -> Certainty | None:
    """None as long as a decision is open and none was taken."""
    accepted = [one for one in group.members if one.stance in _FOR]
    stances = {one.stance for one in group.members}
    if not accepted or (Stance.PENDING in stances and Stance.ACCEPTED not in stances):
        return None
    return Together(group.substances, accepted).certainty(frozenset(one.technique for one in support))


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
    source = ("analysis", analysis.analysis_id)
    own = [one for one in group.members if one.source == source]
    if own:
        return _told(own, details)
    against = [one for one in rejected if one.source == source and set(one.substances) & set(substances)]
    if against:
        return _told(against, details)
    why = could_see(analysis.technique, substances, _shown(group))
    if not why and analysis.proposal.names_nothing:
        why = "names_nothing"
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


def _heard(
    one: Indication,
    group: Together[_Sighting],
    groups: Sequence[Together[_Sighting]],
    substances: tuple[str, ...],
    could_see: CouldSee,
) -> Witness:
    """What readings of one kind say of a line."""
    stance, why = Stance.AGREES, ""
    if not one.fits(substances):
        told = silence(one, substances, _share(group.members), could_see)
        if told is None and one.only_indicates and any(one.fits(other.substances) for other in groups):
            told = "masked"
        stance = {None: Stance.OTHERWISE, "": Stance.NOT_SEEN}.get(told, Stance.COULD_NOT_SEE)
        why = told or ""
    return Witness(
        analysis_id=0,
        technique=one.technique,
        category=TECHNIQUE_CATEGORY[one.technique],
        stance=stance,
        why=why,
        readings=one.readings,
        what=one.what,
    )


def _told(own: Sequence[_Sighting], details: Details) -> Witness:
    """Several components of one analysis are one witness: accepted before pending, then the best match."""
    order = (Stance.ACCEPTED, Stance.PENDING, Stance.REJECTED)
    best = min(own, key=lambda one: (order.index(one.stance), -one.score))
    return Witness(
        analysis_id=best.source[1],
        technique=best.techniques[0],
        category=TECHNIQUE_CATEGORY[best.techniques[0]],
        stance=best.stance,
        names=best.names,
        share=min(1.0, sum(one.share for one in own if one.stance is best.stance)),
        score=best.score,
        detail=details.get(best.place, Detail()),
    )


def _share(members: Sequence[_Sighting]) -> float:
    """Greatest share of the signal over the analyses; 0 where only readings speak."""
    shares: dict[tuple[str, int], float] = {}
    for one in members:
        shares[one.source] = shares.get(one.source, 0.0) + one.share
    return min(1.0, max(shares.values()))


def _shown(group: Together[_Sighting]) -> float:
    """The share from which another technique is asked whether it could have seen the group."""
    least = (SHOWN_FROM.get(technique, 0.0) for one in group.members for technique in one.techniques)
    measured = any(one.source[0] == "analysis" for one in group.members)
    return _share(group.members) if measured else max(least)
