"""The substances of a sample with all that its analyses and readings say of each: the list to decide by.

Promises that nothing is stored: the list follows from the analyses, the decisions, the readings and the
tables as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy.orm import Session

from library.answer import Candidate, Component, Identification
from library.roles import role_of
from library.scopes import blind_to
from library.tolerances import guidelines, ion_ratios
from xbt.domain.amounts import Quantity
from xbt.domain.evidence import Evidence
from xbt.domain.people import Actor
from xbt.domain.witnesses import Comparison, Detail, SubstanceLine, substance_lines
from xbt.services import meanings
from xbt.services.guards import evidence_of, newest_analyses
from xbt.services.quantitation import amounts_of
from xbt.services.readings import counting
from xbt.services.samples import visible

GUIDELINES = ("eu_2002_657", "wada_td2010idcr")  # whose classes of ion ratios are shown
_ELECTRON_IONISATION = frozenset({"gc_ms", "ms"})
_WITH_IONS = _ELECTRON_IONISATION | {"lc_ms"}


def of_sample(
    session: Session, actor: Actor, sample_id: int, answers: Mapping[int, Identification]
) -> tuple[SubstanceLine, ...]:
    """One line for each substance or group that an analysis or a reading found.

    Parameters
    ----------
    answers : by analysis, as `xbt.services.analyses.load` gives them; without one there are no chances and
        ratios.

    Raises
    ------
    NotFound, NotAllowed : the sample is not the actor's to see.
    """
    sample = visible(session, actor, sample_id)
    evidence = [evidence_of(row) for row in newest_analyses(sample)]
    details = {
        (one.analysis_id, number, rank): detail
        for one in evidence
        if one.analysis_id in answers
        for number, rank, detail in _details(one, answers[one.analysis_id])
    }
    return substance_lines(
        evidence,
        could_see=could_see,
        role_of=_role_of,
        details=details,
        indications=meanings.indications(counting(sample)),
    )


def amounts(session: Session, actor: Actor, sample_id: int) -> dict[str, Quantity]:
    """The amount that counts per substance key.

    Raises
    ------
    NotFound, NotAllowed : the sample is not the actor's to see.
    """
    return amounts_of(visible(session, actor, sample_id))


def _details(evidence: Evidence, answer: Identification) -> Iterator[tuple[int, int, Detail]]:
    """For each component, of its best candidate and of the one that was chosen."""
    for component in answer.components:
        choice = evidence.choices.get(component.number)
        for rank in {1, choice.candidate if choice else 1}:
            detail = _detail(component, rank, evidence.technique)
            if detail is not None:
                yield component.number, rank, detail


def _detail(component: Component, rank: int, technique: str) -> Detail | None:
    candidate = next((one for one in component.candidates if one.rank == rank), None)
    if candidate is None:
        return None
    index = component.retention_index
    apart = candidate.retention_index_error
    return Detail(
        probability=_chance(component) if rank == 1 else None,
        compared=tuple(_ratios(component, candidate, technique)),
        retention_index=index,
        reference_index=None if index is None or apart is None else index - apart,
        precursor_ppm=candidate.precursor_error_ppm,
    )


def _ratios(component: Component, candidate: Candidate, technique: str) -> Iterator[Comparison]:
    """The strongest ions of the reference, by each guideline."""
    if technique in _WITH_IONS:
        ei = technique in _ELECTRON_IONISATION
        for code in GUIDELINES:
            for one in ion_ratios(guidelines()[code], candidate, component.spectrum, ei=ei):
                yield Comparison(one.what, one.passes, code)


def _chance(component: Component) -> float | None:
    """Of the statement the best candidate makes: this substance, or one of its group."""
    sure = component.confidence
    if sure is None:
        return None
    return sure.group if len(component.candidates[0].isomer_group) > 1 else sure.compound


def could_see(technique: str, substances: tuple[str, ...], share: float) -> str:
    """ "" if a technique could have seen what another has this share (0..1) of, else the code why not."""
    why = blind_to(technique, substances, share)
    return "" if why is None else why.value


def _role_of(substance: str, others: tuple[str, ...]) -> str:
    return role_of(substance, others).value
