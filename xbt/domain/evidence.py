"""From decisions on components to findings.

*Amount* is by share of the detected signal, because an uncalibrated run knows no other: at least 10 % is
*main*, at least 1 % *minor*, below that *trace*. *Certainty* is by the techniques that agree on the same
substance or the same group of isomers; a group that no technique could separate stays a group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from xbt.domain.amounts import Quantity
from xbt.domain.findings import TECHNIQUE_CATEGORY, Amount, Category, Finding, certainty_of
from xbt.domain.grouping import Together, together
from xbt.domain.indications import (
    NAMES_NOTHING,
    SHOWN_FROM,
    CouldSee,
    Indication,
    Named,
    alone,
    never_denies,
    supporting,
    widened,
)

MAIN_SHARE: Final = 0.10
MINOR_SHARE: Final = 0.01

# Components with these outcomes of the identification need a person's decision before a result.
NEEDS_DECISION: Final = frozenset({"identified", "group"})
UNEXPLAINED: Final = frozenset({"unknown", "family"})


@dataclass(frozen=True, slots=True)
class CandidateSeen:
    """One reference a component resembles, with everything the technique cannot tell from it."""

    rank: int
    substances: tuple[str, ...]  # substance keys, this one first
    names: tuple[str, ...]  # English, same order
    match_factor: float  # 0..1000


@dataclass(frozen=True, slots=True)
class ComponentSeen:
    """One component as it is decided upon."""

    number: int
    rt_min: float | None
    area_share: float  # 0..1
    outcome: str  # a value of library.identify.Decision
    candidates: tuple[CandidateSeen, ...]

    @property
    def needs_decision(self) -> bool:
        return self.outcome in NEEDS_DECISION


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one analysis found, without its spectra."""

    components: tuple[ComponentSeen, ...]
    unexplained_share: float  # 0..1

    @property
    def names_nothing(self) -> bool:
        """Whether something was measured and nothing of it could be compared or named: such an analysis, as
        one for which no library is installed, speaks against nothing. A blank run has no components."""
        return bool(self.components) and not any(one.candidates for one in self.components)


@dataclass(frozen=True, slots=True)
class Choice:
    """The decision that counts for one component; ``candidate`` is a rank, 0 for none."""

    accepted: bool
    candidate: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """One analysis with its decisions by component number."""

    analysis_id: int
    technique: str
    proposal: Proposal
    choices: dict[int, Choice]


def amount_of(area_share: float) -> Amount:
    """Amount class of a share of the detected signal (0..1)."""
    if area_share >= MAIN_SHARE:
        return Amount.MAIN
    return Amount.MINOR if area_share >= MINOR_SHARE else Amount.TRACE


def undecided(evidence: Evidence) -> tuple[int, ...]:
    """Numbers of the components that a person still has to decide on."""
    return tuple(
        component.number
        for component in evidence.proposal.components
        if component.needs_decision and component.number not in evidence.choices
    )


def unexplained_share(evidence: Evidence) -> float:
    """Share (0..1) of the signal that stays unexplained once the decisions are taken: what was rejected
    is added to what the identification left over, what was accepted beyond it is taken off."""
    share = evidence.proposal.unexplained_share
    for component in evidence.proposal.components:
        accepted = _accepted(evidence, component) is not None
        if component.needs_decision and not accepted:
            share += component.area_share
        elif accepted and component.outcome in UNEXPLAINED:
            share -= component.area_share
    return min(1.0, max(0.0, share))


def findings_of(
    evidence: Sequence[Evidence],
    indications: Sequence[Indication] = (),
    could_see: CouldSee = never_denies,
) -> tuple[Finding, ...]:
    """The accepted substances over all analyses, greatest share first, then what readings alone indicate.

    The same substance, or a group and the member of it that another technique names, is one finding
    (`xbt.domain.grouping`): its share is the sum within an analysis and the greatest over the analyses; the
    match shown is the best one. How readings join: `xbt.domain.indications`.

    Parameters
    ----------
    could_see : decides whether an analysis speaks against what readings alone indicate; without it none does.
    """
    measured = [finding for one in evidence for finding in _findings_of_one(one)]
    beside = [
        _read(one, named)
        for one in indications
        if not one.only_indicates
        for named in widened(one, [Named(found.substances, found.names) for found in measured])
    ]
    groups = together([*measured, *beside])
    findings = [_merge(group, supporting(group, groups, indications)) for group in groups]
    findings += [
        _read(one, named) for one, named in alone(groups, indications) if one.technique not in NAMES_NOTHING
    ]
    kept = (one for one in findings if one.analysis_id or not _denied(one, evidence, could_see))
    return tuple(sorted(kept, key=lambda finding: (-finding.area_share, finding.names)))


def with_amounts(findings: Iterable[Finding], amounts: Mapping[str, Quantity]) -> tuple[Finding, ...]:
    """The findings with the amount of their substance; a group gets none: nobody knows of which member."""
    return tuple(
        replace(
            finding, quantity=amounts.get(finding.substances[0]) if len(finding.substances) == 1 else None
        )
        for finding in findings
    )


def _findings_of_one(evidence: Evidence) -> Iterable[Finding]:
    for component in evidence.proposal.components:
        candidate = _accepted(evidence, component)
        if candidate is not None:
            yield Finding(
                substances=candidate.substances,
                names=candidate.names,
                amount=amount_of(component.area_share),
                area_share=component.area_share,
                certainty=certainty_of(frozenset({evidence.technique})),
                techniques=(evidence.technique,),
                analysis_id=evidence.analysis_id,
                component=component.number,
                match_factor=candidate.match_factor,
            )


def _accepted(evidence: Evidence, component: ComponentSeen) -> CandidateSeen | None:
    choice = evidence.choices.get(component.number)
    if choice is None or not choice.accepted:
        return None
    return next((one for one in component.candidates if one.rank == choice.candidate), None)


def _read(one: Indication, named: Named) -> Finding:
    """What readings indicate, as a finding without a share of any signal."""
    return Finding(
        substances=named.substances,
        names=named.names,
        amount=Amount.NOT_TOLD,
        area_share=0.0,
        certainty=certainty_of(frozenset(one.techniques)),
        techniques=one.techniques,
        analysis_id=0,
        component=0,
        match_factor=0.0,
        readings=one.readings,
    )


def _denied(finding: Finding, evidence: Sequence[Evidence], could_see: CouldSee) -> bool:
    """Whether a structural technique could have seen what readings alone indicate, and did not."""
    share = max(SHOWN_FROM.get(technique, 0.0) for technique in finding.techniques)
    return any(
        TECHNIQUE_CATEGORY[one.technique] is Category.A
        and not one.proposal.names_nothing
        and not could_see(one.technique, finding.substances, share)
        and not _left_open(one, finding.substances)
        for one in evidence
    )


def _left_open(evidence: Evidence, substances: tuple[str, ...]) -> bool:
    """Whether a substance stands among the candidates of a component that was not rejected as a whole."""
    return any(
        set(candidate.substances) & set(substances)
        for component in evidence.proposal.components
        if (choice := evidence.choices.get(component.number)) is None or choice.accepted
        for candidate in component.candidates
    )


def _merge(group: Together[Finding], support: Sequence[Indication]) -> Finding:
    same = group.members
    best = max(same, key=lambda finding: finding.match_factor)
    share_of: dict[int, float] = {}
    for finding in same:
        share_of[finding.analysis_id] = share_of.get(finding.analysis_id, 0.0) + finding.area_share
    share = min(1.0, max(share_of.values()))
    also = frozenset(one.technique for one in support)
    techniques = also.union(*(finding.techniques for finding in same))
    readings = {number for finding in same for number in finding.readings}
    readings.update(number for one in support for number in one.readings)
    left = {
        key: name for key, name in zip(best.substances, best.names, strict=True) if key in group.substances
    }
    return Finding(
        substances=tuple(left),
        names=tuple(left.values()),
        amount=amount_of(share) if best.analysis_id else Amount.NOT_TOLD,
        area_share=share,
        certainty=group.certainty(also),
        techniques=tuple(sorted(techniques)),
        analysis_id=best.analysis_id,
        component=best.component,
        match_factor=best.match_factor,
        readings=tuple(sorted(readings)),
    )
