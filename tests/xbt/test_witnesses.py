"""What the analyses of a sample say of each substance."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xbt.domain.evidence import CandidateSeen, Choice, ComponentSeen, Evidence, Proposal, findings_of
from xbt.domain.findings import Category, Certainty
from xbt.domain.witnesses import Comparison, Detail, Stance, SubstanceLine, substance_lines

YES, NO = Choice(True, 1), Choice(False, 0)


def component(number: int, group: str, share: float = 0.3, *more: str) -> ComponentSeen:
    candidates = [
        CandidateSeen(rank, tuple(one), tuple(key.upper() for key in one), 950.0 - rank)
        for rank, one in enumerate((group, *more), 1)
    ]
    return ComponentSeen(number, None, share, "identified", tuple(candidates))


def analysis(number: int, technique: str, *components: ComponentSeen, **choices: Choice) -> Evidence:
    made = {int(key[1:]): choice for key, choice in choices.items()}
    return Evidence(number, technique, Proposal(components, 0.0), made)


def sees_all(technique: str, substances: tuple[str, ...], share: float) -> str:
    return ""


def told(*evidence: Evidence, **more: object) -> tuple[SubstanceLine, ...]:
    settings = {"could_see": sees_all, "role_of": lambda key, others: "active", "details": {}}
    return substance_lines(evidence, **{**settings, **more})  # type: ignore[arg-type]


def stances(line: SubstanceLine) -> list[Stance]:
    return [one.stance for one in line.witnesses]


def test_two_techniques_that_agree_are_two_witnesses_of_one_line() -> None:
    detail = Detail(0.97, (Comparison("m/z 82", True),))
    (line,) = told(
        analysis(1, "gc_ms", component(1, "a"), c1=YES),
        analysis(2, "ftir", component(1, "a"), c1=YES),
        details={(1, 1, 1): detail},
    )
    assert (line.substances, line.names, line.certainty) == (("a",), ("A",), Certainty.CONFIRMED)
    assert stances(line) == [Stance.ACCEPTED, Stance.ACCEPTED]
    assert [one.category for one in line.witnesses] == [Category.A, Category.A]
    assert line.witnesses[0].detail == detail
    assert not line.conflict


def test_a_technique_that_could_see_it_and_does_not_is_a_conflict() -> None:
    (line,) = told(analysis(1, "gc_ms", component(1, "a"), c1=YES), analysis(2, "ftir"))
    assert stances(line) == [Stance.ACCEPTED, Stance.NOT_SEEN]
    assert line.conflict
    assert line.certainty is Certainty.IDENTIFIED


def test_a_technique_that_could_not_see_it_is_none() -> None:
    (line,) = told(
        analysis(1, "gc_ms", component(1, "a", 0.02), c1=YES),
        analysis(2, "ftir"),
        could_see=lambda technique, substances, share: "little" if share < 0.2 else "",
    )
    assert stances(line) == [Stance.ACCEPTED, Stance.COULD_NOT_SEE]
    assert line.witnesses[1].why == "little"
    assert not line.conflict


def test_an_analysis_that_could_name_nothing_speaks_against_nothing() -> None:
    unknown = ComponentSeen(1, None, 1.0, "unknown", ())
    (line,) = told(analysis(1, "gc_ms", component(1, "a"), c1=YES), analysis(2, "ftir", unknown))
    assert (line.witnesses[1].stance, line.witnesses[1].why) == (Stance.COULD_NOT_SEE, "names_nothing")
    assert not line.conflict


def test_a_rejection_speaks_against_what_another_analysis_found() -> None:
    first, second = (
        analysis(1, "gc_ms", component(1, "a"), c1=YES),
        analysis(2, "ms", component(1, "a"), c1=NO),
    )
    (line,) = told(first, second)
    assert stances(line) == [Stance.ACCEPTED, Stance.REJECTED]
    assert line.conflict


def test_what_was_rejected_alone_is_no_line() -> None:
    assert told(analysis(1, "gc_ms", component(1, "a"), c1=NO)) == ()


def test_a_lower_candidate_is_no_contradiction() -> None:
    (_, line) = told(
        analysis(1, "gc_ms", component(1, "b", 0.9, "a"), c1=YES),
        analysis(2, "ftir", component(1, "a", 0.4), c1=YES),
    )
    assert line.names == ("A",)
    assert stances(line) == [Stance.COULD_NOT_SEE, Stance.ACCEPTED]
    assert line.witnesses[0].why == "other_candidate"


def test_what_awaits_a_decision_is_listed_without_certainty() -> None:
    (line,) = told(analysis(1, "gc_ms", component(1, "ab")))
    assert (line.certainty, stances(line)) == (None, [Stance.PENDING])


def test_the_list_names_what_the_findings_name() -> None:
    evidence = (
        analysis(1, "gc_ms", component(1, "ab", 0.5), component(2, "c", 0.4), c1=YES, c2=YES),
        analysis(2, "ftir", component(1, "a", 0.5), c1=YES),
    )
    lines = told(*evidence)
    assert [line.substances for line in lines] == [one.substances for one in findings_of(evidence)]
    assert [line.certainty for line in lines] == [one.certainty for one in findings_of(evidence)]
    assert lines[0].witnesses[0].names == ("A", "B")


def test_a_group_has_a_role_only_if_all_its_members_have_it() -> None:
    def role(key: str, others: tuple[str, ...]) -> str:
        return "by_product" if key == "c" and "a" in others else "cut" if key == "b" else "active"

    group, other = told(
        analysis(1, "gc_ms", component(1, "ab", 0.5), component(2, "c", 0.2), c1=YES, c2=YES), role_of=role
    )
    assert (group.role, other.role) == ("unknown", "by_product")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["gc_ms", "ftir", "tlc", "strip", "lc"]),
            st.sampled_from(["a", "b", "ab", "bc"]),
            st.sampled_from([YES, NO, None]),
        ),
        max_size=5,
    )
)
def test_every_line_has_every_analysis_once_and_a_certainty_only_from_acceptance(
    rows: list[tuple[str, str, Choice | None]],
) -> None:
    evidence = [
        Evidence(i, technique, Proposal((component(1, group),), 0.0), {1: choice} if choice else {})
        for i, (technique, group, choice) in enumerate(rows)
    ]
    for line in told(*evidence):
        assert [one.analysis_id for one in line.witnesses] == [one.analysis_id for one in evidence]
        accepted = any(one.stance is Stance.ACCEPTED for one in line.witnesses)
        assert (line.certainty is not None) == accepted
        assert accepted or any(one.stance is Stance.PENDING for one in line.witnesses)
