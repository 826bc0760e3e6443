"""Roles proposed, and what a technique could have seen."""

from __future__ import annotations

import pytest

from library.roles import Role, companions, role_of
from library.scopes import Blind, blind_to, scopes
from library.substances import load_substances

COCAINE = "ZPUCINDJVBIVPJ-LJISPDSOSA-N"


@pytest.mark.parametrize(
    ("substance", "others", "role"),
    [
        (COCAINE, [], Role.ACTIVE),
        ("levamisole", [COCAINE], Role.CUT),
        ("benzoylecgonine", [COCAINE], Role.BY_PRODUCT),
        ("benzoylecgonine", ["caffeine"], Role.ACTIVE),
        ("morphine", ["heroin"], Role.BY_PRODUCT),
        ("morphine", [COCAINE], Role.ACTIVE),
        ("4-anpp", ["fentanyl"], Role.PRECURSOR),
        ("mdp2p", [], Role.PRECURSOR),
        ("gabapentin-lactam", ["gabapentin"], Role.ARTEFACT),
        ("nordiazepam", ["diazepam"], Role.METABOLITE),
        ("something new", [COCAINE], Role.UNKNOWN),
    ],
)
def test_a_role_depends_on_what_stands_beside(substance: str, others: list[str], role: Role) -> None:
    assert role_of(substance, others) is role


def test_every_row_says_why() -> None:
    assert all(one.because for one in companions().values())


@pytest.mark.parametrize(
    ("technique", "substances", "share", "why"),
    [
        ("gc_ms", [COCAINE], 0.5, None),
        ("gc_ms", [COCAINE], 0.01, Blind.LITTLE),
        ("gc_ms", ["sucrose"], 0.9, Blind.KIND),
        ("gc_ms", ["lsd"], 0.9, Blind.KIND),
        ("ftir", ["sucrose"], 0.9, None),
        ("ftir", [COCAINE], 0.1, Blind.LITTLE),
        ("strip", [COCAINE], 0.9, Blind.TECHNIQUE),
        ("sniffing", [COCAINE], 0.9, Blind.TECHNIQUE),
        ("gc_ms", ["KEY-NOBODY-KNOWS"], 0.9, None),
    ],
)
def test_why_a_technique_could_not_have_seen_it(
    technique: str, substances: list[str], share: float, why: Blind | None
) -> None:
    assert blind_to(technique, substances, share) is why


def test_scopes_name_families_and_substances_of_the_table() -> None:
    known = load_substances()
    families = {one.family for one in known}
    for scope in scopes().values():
        assert scope.families <= families
        assert all(known.by_key(key) for key in scope.substances)
