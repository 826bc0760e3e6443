"""How colours, strips and plates join what the analyses found."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xbt.domain.evidence import CandidateSeen, Choice, ComponentSeen, Evidence, Proposal, findings_of
from xbt.domain.findings import Amount, Certainty
from xbt.domain.indications import Indication, Named
from xbt.domain.witnesses import Stance, SubstanceLine, substance_lines

YES, NO = Choice(True, 1), Choice(False, 0)


def analysis(*groups: str, technique: str = "gc_ms", choice: Choice = YES, share: float = 0.3) -> Evidence:
    components = tuple(
        ComponentSeen(n, None, share, "identified", (CandidateSeen(1, tuple(group), tuple(group), 950.0),))
        for n, group in enumerate(groups, 1)
    )
    return Evidence(1, technique, Proposal(components, 0.0), {one.number: choice for one in components})


def read(technique: str, *groups: str, **more: object) -> Indication:
    named = tuple(Named(tuple(group), tuple(group.upper())) for group in groups)
    return Indication((7,), (technique,), named, **more)  # type: ignore[arg-type]


def sees_all(technique: str, substances: tuple[str, ...], share: float) -> str:
    return "" if share >= 0.05 else "little"


def lines(evidence: list[Evidence], *indications: Indication) -> tuple[SubstanceLine, ...]:
    return substance_lines(
        evidence,
        could_see=sees_all,
        role_of=lambda key, others: "active",
        details={},
        indications=indications,
    )


def stances(line: SubstanceLine) -> list[Stance]:
    return [one.stance for one in line.witnesses]


def test_a_colour_alone_is_shown_and_names_nothing() -> None:
    assert findings_of([], [read("colour", "abc")]) == ()
    (line,) = lines([], read("colour", "abc"))
    assert (line.hint, line.certainty) == (True, Certainty.PRESUMPTIVE)


def test_a_strip_alone_is_a_first_indication_without_an_amount() -> None:
    (finding,) = findings_of([], [read("strip", "abc")])
    (line,) = lines([], read("strip", "abc"))
    assert not line.hint
    assert finding.certainty is Certainty.PRESUMPTIVE
    assert finding.substances == ("a", "b", "c")
    assert (finding.amount, finding.analysis_id, finding.readings) == (Amount.NOT_TOLD, 0, (7,))


@given(st.lists(st.sampled_from(["strip", "colour"]), min_size=1, max_size=6))
def test_however_many_indications_never_identify(techniques: list[str]) -> None:
    found = findings_of([], [read(one, "a") for one in techniques])
    assert {one.certainty for one in found} <= {Certainty.PRESUMPTIVE}


def test_an_indication_never_narrows_a_group() -> None:
    (line,) = lines([analysis("ab")], read("colour", "a"))
    assert line.substances == ("a", "b")
    assert stances(line) == [Stance.ACCEPTED, Stance.AGREES]


def test_an_indication_that_fits_one_finding_alone_confirms_it() -> None:
    (finding,) = findings_of([analysis("a")], [read("colour", "axyz")])
    assert (finding.certainty, finding.techniques) == (Certainty.CONFIRMED, ("colour", "gc_ms"))
    assert finding.readings == (7,)


def test_an_indication_that_fits_two_findings_confirms_neither() -> None:
    found = findings_of([analysis("a", "b")], [read("strip", "ab")])
    assert {one.certainty for one in found} == {Certainty.IDENTIFIED}
    assert all(stances(line)[1] is Stance.AGREES for line in lines([analysis("a", "b")], read("strip", "ab")))


def test_a_strip_that_something_found_makes_positive_confirms_nothing() -> None:
    strip = read("strip", "a", also_from=frozenset("b"), why={"b": "cross_reacts"})
    assert {one.certainty for one in findings_of([analysis("a", "b")], [strip])} == {Certainty.IDENTIFIED}
    crossing = lines([analysis("a", "b")], strip)[1].witnesses[1]
    assert (crossing.stance, crossing.why) == (Stance.COULD_NOT_SEE, "cross_reacts")


def test_a_strip_for_traces_stays_a_finding_where_a_plate_is_denied() -> None:
    strip, plate = read("strip", "x"), read("tlc", "x")
    assert [one.substances for one in findings_of([analysis("a")], [strip], sees_all)] == [("a",), ("x",)]
    assert [one.substances for one in findings_of([analysis("a")], [plate], sees_all)] == [("a",)]
    denied = lines([analysis("a")], plate)[1]
    assert stances(denied) == [Stance.NOT_SEEN, Stance.AGREES]
    assert denied.conflict


def test_a_rejected_component_denies_what_a_plate_alone_would_say() -> None:
    rejected = analysis("x", choice=NO)
    assert findings_of([rejected], [read("tlc", "x")], sees_all) == ()


def test_another_colour_than_published_is_a_conflict_unless_something_found_explains_it() -> None:
    alone = lines([analysis("a")], read("colour", otherwise=frozenset("a")))[0]
    assert stances(alone) == [Stance.ACCEPTED, Stance.OTHERWISE]
    assert alone.conflict
    _, masked = lines([analysis("b", "a")], read("colour", "a", otherwise=frozenset("b")))
    assert (masked.witnesses[1].stance, masked.witnesses[1].why) == (Stance.COULD_NOT_SEE, "masked")
    assert not masked.conflict


def test_a_negative_strip_speaks_only_against_much_of_what_it_was_shown_to_detect() -> None:
    strip = read("strip", elsewhere=frozenset("a"), limits={"a": 0.002}, why={"c": "strip_blind"})
    assert stances(lines([analysis("a")], strip)[0])[1] is Stance.NOT_SEEN
    little = lines([analysis("a", share=0.01)], strip)[0].witnesses[1]
    assert (little.stance, little.why) == (Stance.COULD_NOT_SEE, "little")
    blind = lines([analysis("c")], strip)[0].witnesses[1]
    assert (blind.stance, blind.why) == (Stance.COULD_NOT_SEE, "strip_blind")


def test_a_plate_narrows_a_group_only_by_standards_that_ran_on_it() -> None:
    (wide,) = findings_of([analysis("ab")], [read("tlc", "a")])
    assert (wide.substances, wide.certainty) == (("a", "b"), Certainty.CONFIRMED)
    (narrow,) = findings_of([analysis("ab")], [read("tlc", "a", elsewhere=frozenset("b"))])
    assert (narrow.substances, narrow.certainty) == (("a",), Certainty.IDENTIFIED)


def test_a_plate_alone_indicates_and_two_separations_with_a_colour_identify() -> None:
    plate, liquid, colour = (
        read("tlc", "a"),
        Indication((8,), ("lc", "uv"), (Named("a", "A"),)),
        read("colour", "a"),
    )
    assert findings_of([], [plate])[0].certainty is Certainty.PRESUMPTIVE
    (finding,) = findings_of([], [plate, liquid, colour])
    assert finding.certainty is Certainty.IDENTIFIED
    (line,) = lines([], plate, liquid, colour)
    assert line.certainty is finding.certainty


def test_an_open_decision_is_not_settled_by_a_reading() -> None:
    pending = Evidence(1, "gc_ms", analysis("a").proposal, {})
    (line,) = lines([pending], read("tlc", "a"))
    assert line.certainty is None
