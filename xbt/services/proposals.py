"""From an identification to what is decided upon: substances under their own name and key.

A salt, an isotopologue or a derivative is a form of a substance: it is shown as that substance. A reference
that the substance table does not know keeps its InChIKey, or its name where it has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from library.answer import Candidate, Component, Identification
from xbt.domain.evidence import CandidateSeen, ComponentSeen, Proposal

if TYPE_CHECKING:
    from library.substances import Substances


def proposal_of(answer: Identification, substances: Substances) -> Proposal:
    """The components of an identification without their spectra."""
    components = tuple(_component(component, substances) for component in answer.components)
    return Proposal(components, answer.unexplained_share)


def _component(component: Component, substances: Substances) -> ComponentSeen:
    return ComponentSeen(
        number=component.number,
        rt_min=component.rt_min,
        area_share=component.area_share,
        outcome=component.decision.value,
        candidates=tuple(_candidate(candidate, substances) for candidate in component.candidates),
    )


def _candidate(candidate: Candidate, substances: Substances) -> CandidateSeen:
    """A candidate and its isomer group, each substance once."""
    group = zip(candidate.isomer_group, candidate.isomer_group_inchikeys, strict=True)
    named: dict[str, str] = {}
    for name, inchikey in [(candidate.name, candidate.inchikey), *group]:
        key, shown = _identity(name, inchikey, substances)
        named.setdefault(key, shown)
    return CandidateSeen(candidate.rank, tuple(named), tuple(named.values()), candidate.match_factor)


def _identity(name: str, inchikey: str, substances: Substances) -> tuple[str, str]:
    """(key, English name) of the substance a reference is a form of."""
    found = substances.by_inchikey(inchikey) if inchikey else substances.resolve(name)
    if found is None:
        return inchikey or name, name
    return found.inchikey or found.key, found.name_en
