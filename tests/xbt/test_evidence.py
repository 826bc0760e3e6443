"""From decisions to findings: merged, classed by share, as sure as the techniques allow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.xbt.laboratory import COCAINE, MMC, PROPOSAL
from xbt.domain.evidence import (
    CandidateSeen,
    Choice,
    ComponentSeen,
    Evidence,
    Proposal,
    amount_of,
    findings_of,
    undecided,
    unexplained_share,
)
from xbt.domain.findings import TECHNIQUE_CATEGORY, Amount, Certainty, certainty_of

YES, NO = Choice(True, 1), Choice(False, 0)


def _evidence(technique: str = "gc_ms", analysis_id: int = 1, **choices: Choice) -> Evidence:
    return Evidence(analysis_id, technique, PROPOSAL, {int(key[1:]): value for key, value in choices.items()})


@pytest.mark.parametrize(
    ("share", "amount"),
    [
        (1.0, Amount.MAIN),
        (0.10, Amount.MAIN),
        (0.0999, Amount.MINOR),
        (0.01, Amount.MINOR),
        (0.0099, Amount.TRACE),
    ],
)
def test_amount_goes_by_share(share: float, amount: Amount) -> None:
    assert amount_of(share) is amount


def test_only_named_components_need_a_decision() -> None:
    assert undecided(_evidence()) == (1, 2)
    assert undecided(_evidence(c1=YES, c2=NO)) == ()


def test_gc_ms_alone_identifies_and_does_not_confirm() -> None:
    cocaine, group = findings_of([_evidence(c1=YES, c2=YES)])
    assert (cocaine.names, cocaine.amount, cocaine.certainty) == (
        ("Cocaine",),
        Amount.MAIN,
        Certainty.IDENTIFIED,
    )
    assert (group.names, group.amount) == (("3-MMC", "4-MMC"), Amount.MINOR)
    assert cocaine.techniques == ("gc_ms",)


def test_a_second_technique_confirms_and_is_merged() -> None:
    gc, ftir = _evidence(c1=YES, c2=NO), _evidence("ftir", 2, c1=YES, c2=NO)
    (finding,) = findings_of([gc, ftir])
    assert finding.certainty is Certainty.CONFIRMED
    assert finding.techniques == ("ftir", "gc_ms")


def test_two_runs_of_one_technique_confirm_nothing() -> None:
    (finding,) = findings_of([_evidence(c1=YES, c2=NO), _evidence("gc_ms", 2, c1=YES, c2=NO)])
    assert finding.certainty is Certainty.IDENTIFIED
    assert finding.area_share == pytest.approx(0.62)


def test_the_same_substance_twice_in_a_run_is_one_finding_with_the_sum() -> None:
    other = CandidateSeen(1, COCAINE.substances, COCAINE.names, 990.0)
    proposal = Proposal(
        (
            ComponentSeen(1, 1.0, 0.06, "identified", (COCAINE,)),
            ComponentSeen(2, 2.0, 0.05, "identified", (other,)),
        ),
        0.0,
    )
    (finding,) = findings_of([Evidence(1, "gc_ms", proposal, {1: YES, 2: YES})])
    assert finding.area_share == pytest.approx(0.11)
    assert (finding.amount, finding.match_factor, finding.component) == (Amount.MAIN, 990.0, 2)


def test_a_group_is_the_same_group_in_any_order() -> None:
    turned = replace(MMC, substances=MMC.substances[::-1], names=MMC.names[::-1])
    proposal = Proposal((ComponentSeen(2, 1.0, 0.05, "group", (turned,)),), 0.0)
    findings = findings_of([_evidence(c1=NO, c2=YES), Evidence(2, "lc_ms", proposal, {2: YES})])
    assert len(findings) == 1


def test_what_is_rejected_counts_as_unexplained_and_what_is_recognised_does_not() -> None:
    assert unexplained_share(_evidence(c1=YES, c2=YES)) == pytest.approx(0.30)
    assert unexplained_share(_evidence(c1=NO, c2=YES)) == pytest.approx(0.92)
    seen = replace(PROPOSAL.components[3], candidates=(COCAINE,))
    proposal = replace(PROPOSAL, components=(*PROPOSAL.components[:3], seen))
    recognised = Evidence(1, "gc_ms", proposal, {1: YES, 2: YES, 4: YES})
    assert unexplained_share(recognised) == pytest.approx(0.10)


@given(st.sets(st.sampled_from(sorted(TECHNIQUE_CATEGORY)), min_size=1))
def test_another_technique_never_makes_a_substance_less_certain(techniques: set[str]) -> None:
    order = list(Certainty)
    for more in TECHNIQUE_CATEGORY:
        with_more = certainty_of(frozenset({*techniques, more}))
        assert order.index(with_more) >= order.index(certainty_of(frozenset(techniques)))


@pytest.mark.parametrize(
    ("techniques", "certainty"),
    [
        ({"strip"}, Certainty.PRESUMPTIVE),
        ({"strip", "colour"}, Certainty.PRESUMPTIVE),
        ({"unknown"}, Certainty.PRESUMPTIVE),
        ({"tlc", "gc", "colour"}, Certainty.IDENTIFIED),
        ({"gc_ms"}, Certainty.IDENTIFIED),
        ({"gc_ms", "colour"}, Certainty.CONFIRMED),
    ],
)
def test_certainty_follows_the_categories(techniques: set[str], certainty: Certainty) -> None:
    assert certainty_of(frozenset(techniques)) is certainty
