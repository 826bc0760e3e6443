"""Which sightings belong together, and how sure they make each other."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xbt.domain.findings import TECHNIQUE_CATEGORY, Certainty
from xbt.domain.grouping import together


@dataclass(frozen=True, slots=True)
class Seen:
    substances: tuple[str, ...]
    analysis_id: int
    techniques: tuple[str, ...]

    @property
    def source(self) -> tuple[str, int]:
        return ("analysis", self.analysis_id)


def seen(group: str, analysis: int = 1, technique: str = "gc_ms") -> Seen:
    return Seen(tuple(group), analysis, (technique,))


def groups(*sightings: Seen) -> list[str]:
    return sorted("".join(sorted(one.substances)) for one in together(sightings))


TECHNIQUES = sorted(TECHNIQUE_CATEGORY)
SIGHTINGS = st.lists(
    st.builds(
        lambda group, analysis: Seen(
            tuple(sorted(group)), analysis, (TECHNIQUES[analysis % len(TECHNIQUES)],)
        ),
        st.sets(st.sampled_from("abcd"), min_size=1, max_size=3),
        st.integers(0, 12),
    ),
    max_size=8,
)


def test_another_technique_narrows_a_group() -> None:
    (one,) = together([seen("ab"), seen("a", 2, "ftir")])
    assert one.substances == {"a"}
    assert one.certainty() is Certainty.CONFIRMED


@pytest.mark.parametrize(
    "sightings",
    [
        (seen("ab"), seen("a", 2, "gc_ms")),  # the same technique cannot do better the second time
        (seen("ab"), seen("a", 2, "strip")),  # an indication
        (seen("ab"), seen("a", 1)),  # the run itself keeps them apart
    ],
)
def test_what_cannot_narrow_leaves_the_group(sightings: tuple[Seen, ...]) -> None:
    assert groups(*sightings) == ["a", "ab"]


def test_a_run_that_shows_a_group_twice_may_hold_both_members() -> None:
    assert groups(seen("ab"), seen("ab"), seen("a", 2, "ftir")) == ["a", "ab"]


def test_two_members_seen_elsewhere_leave_the_group() -> None:
    assert groups(seen("ab"), seen("a", 2, "ftir"), seen("b", 2, "ftir")) == ["a", "ab", "b"]


def test_groups_that_share_one_member_leave_that_one_and_confirm_nothing() -> None:
    (one,) = together([seen("ab"), seen("bc", 2, "ftir")])
    assert one.substances == {"b"}
    assert one.certainty() is Certainty.IDENTIFIED


def test_a_separation_that_names_the_isomer_identifies_it_and_does_not_confirm() -> None:
    (one,) = together([seen("ab"), seen("a", 2, "tlc")])
    assert one.certainty() is Certainty.IDENTIFIED


@given(SIGHTINGS, st.randoms())
def test_the_order_of_sightings_does_not_matter(sightings: list[Seen], random: object) -> None:
    shuffled = list(sightings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert groups(*sightings) == groups(*shuffled)


@given(SIGHTINGS)
def test_nothing_is_lost_and_no_sighting_is_contradicted(sightings: list[Seen]) -> None:
    found = together(sightings)
    members = [member for one in found for member in one.members]
    assert sorted(members, key=repr) == sorted(sightings, key=repr)
    for one in found:
        assert one.substances
        assert all(one.substances <= set(member.substances) for member in one.members)


@given(SIGHTINGS, st.integers(20, 30))
def test_one_more_technique_on_the_same_substance_never_makes_it_less_certain(
    sightings: list[Seen], analysis: int
) -> None:
    order = list(Certainty)
    for one in together(sightings):
        group = tuple(sorted(one.substances))
        for technique in TECHNIQUES:
            more = [*one.members, Seen(group, analysis, (technique,))]
            raised = type(one)(one.substances, more).certainty()
            assert order.index(raised) >= order.index(one.certainty())


@given(st.sets(st.sampled_from(["strip", "colour", "unknown", "epr", "other"]), min_size=1))
def test_indications_alone_stay_presumptive(techniques: set[str]) -> None:
    (one,) = together(seen("a", i, technique) for i, technique in enumerate(techniques))
    assert one.certainty() is Certainty.PRESUMPTIVE
