"""From an identification to what is decided upon: substances under their own name and key.

A salt or a derivative is a form of a substance: it is shown as that substance. A labelled one is not (it is
an internal standard), and a reference that the substance table does not know keeps its own InChIKey and name.
A candidate of which nothing but the mass is known is not decided upon.
"""

from __future__ import annotations

from library.answer import Candidate, Component, Identification
from library.forms import FormKind
from library.substances import classify_form, load_substances
from xbt.domain.evidence import CandidateSeen, ComponentSeen, Proposal


def proposal_of(answer: Identification) -> Proposal:
    """The components of an identification without their spectra."""
    return Proposal(tuple(_component(one) for one in answer.components), answer.unexplained_share)


def _component(component: Component) -> ComponentSeen:
    return ComponentSeen(
        number=component.number,
        rt_min=component.rt_min,
        area_share=component.area_share,
        outcome=component.decision.value,
        candidates=tuple(
            _candidate(candidate) for candidate in component.candidates if not candidate.mass_only
        ),
    )


def _candidate(candidate: Candidate) -> CandidateSeen:
    """A candidate and its isomer group, each substance once, the candidate's own first."""
    own = _identity(candidate.name, candidate.inchikey, candidate.formula)
    group = zip(candidate.isomer_group, candidate.isomer_group_inchikeys, strict=True)
    named = dict([own])
    for key, shown in (_identity(name, inchikey) for name, inchikey in group):
        named.setdefault(key, shown)
    return CandidateSeen(candidate.rank, tuple(named), tuple(named.values()), candidate.match_factor)


def _identity(name: str, inchikey: str, formula: str = "") -> tuple[str, str]:
    """(key, English name) of the substance a reference is a form of: its InChIKey where known."""
    form = classify_form(name, formula, inchikey)
    found = None if form.kind is FormKind.ISOTOPOLOGUE else load_substances().by_key(form.parent)
    if found is None:
        return inchikey or name, name
    return found.inchikey or found.key, found.name_en
