"""The list of a sample's substances, from its analyses on record."""

from __future__ import annotations

import pytest

from library.answer import (
    SCHEMA,
    Candidate,
    Component,
    Confidence,
    Curve,
    Decision,
    Identification,
    Peaks,
    Source,
)
from tests.xbt.laboratory import COCAINE, MMC, Laboratory
from xbt.domain.errors import NotFound
from xbt.domain.evidence import CandidateSeen, ComponentSeen, Proposal
from xbt.domain.findings import Certainty
from xbt.domain.witnesses import Stance
from xbt.services import witnesses

LEVAMISOLE = CandidateSeen(1, ("levamisole",), ("Levamisole",), 900.0)
FTIR = Proposal((ComponentSeen(1, None, 0.9, "identified", (COCAINE,)),), 0.1)


def _answer() -> Identification:
    """What GC-MS said of component 1: cocaine, two ion ratios like the reference's and one not."""
    reference, measured = (
        Peaks([82, 83, 94, 182], [90, 40, 30, 100]),
        Peaks([82, 83, 94, 182], [88, 60, 29, 100]),
    )
    candidate = Candidate(
        rank=1,
        name="Cocaine",
        inchikey=COCAINE.substances[0],
        formula="C17H21NO4",
        match_factor=951.0,
        reverse_match_factor=951.0,
        matched_ions=4,
        isomer_group=["Cocaine"],
        isomer_group_inchikeys=[COCAINE.substances[0]],
        library="starter",
        reference=1,
        spectrum=reference,
    )
    component = Component(
        number=1,
        rt_min=12.5,
        rt_start_min=12.4,
        rt_end_min=12.6,
        area=1.0,
        area_share=0.62,
        purity=1.0,
        spectrum=measured,
        decision=Decision.IDENTIFIED,
        artefact="",
        candidates=[candidate],
        confidence=Confidence(compound=0.9, group=0.95, absent=0.02),
    )
    return Identification(
        schema=SCHEMA,
        software="xbt",
        file=Source("run", "0" * 64, "mzML", "mzml", "gc_ms", "", "", "", False),
        parameters={},
        libraries=[],
        components=[component],
        explained_share=0.7,
        unexplained_share=0.3,
        tic=Curve([], []),
        warnings=[],
    )


def test_two_techniques_are_shown_with_what_speaks_for_and_against(laboratory: Laboratory) -> None:
    ticket = laboratory.take_in()
    gc = laboratory.analysed(laboratory.upload(ticket.sample_id))
    ftir = laboratory.analysed(
        laboratory.upload(ticket.sample_id, b"other", "spectrum.spa"), FTIR, technique="ftir"
    )
    laboratory.decide(gc, 1, accepted=True)
    laboratory.decide(ftir, 1, accepted=True)
    with laboratory.sessions() as session:
        lines = witnesses.of_sample(session, laboratory.worker, ticket.sample_id, {gc: _answer()})
    cocaine, mmc = lines
    assert (cocaine.names, cocaine.role, cocaine.certainty) == (("Cocaine",), "active", Certainty.CONFIRMED)
    first, second = cocaine.witnesses
    assert (first.analysis_id, first.detail.probability) == (gc, 0.9)
    eu, wada = first.detail.rules
    for rule in (eu, wada):
        assert [one.passes for one in first.detail.compared if one.rule == rule] == [True, False, True]
    assert (second.technique, second.detail.compared) == ("ftir", ())
    assert not cocaine.conflict
    assert (mmc.names, mmc.certainty) == (MMC.names, None)
    assert [one.stance for one in mmc.witnesses] == [Stance.PENDING, Stance.COULD_NOT_SEE]
    assert mmc.witnesses[1].why == "little"


def test_what_infrared_should_have_seen_is_a_conflict(laboratory: Laboratory) -> None:
    ticket = laboratory.take_in()
    gc = laboratory.analysed(laboratory.upload(ticket.sample_id))
    cut = Proposal((ComponentSeen(1, None, 0.9, "identified", (LEVAMISOLE,)),), 0.1)
    laboratory.analysed(laboratory.upload(ticket.sample_id, b"other", "spectrum.spa"), cut, technique="ftir")
    laboratory.decide(gc, 1, accepted=True)
    with laboratory.sessions() as session:
        lines = witnesses.of_sample(session, laboratory.worker, ticket.sample_id, {})
    told = {line.names[0]: line for line in lines}
    assert told["Cocaine"].conflict
    assert told["Levamisole"].conflict
    assert told["Levamisole"].role == "cut"


def test_a_sample_of_another_site_is_not_found(laboratory: Laboratory) -> None:
    ticket = laboratory.take_in()
    with laboratory.sessions() as session, pytest.raises(NotFound):
        witnesses.of_sample(session, laboratory.stranger, ticket.sample_id, {})
