"""Tolerances as their guidelines print them."""

from __future__ import annotations

import pytest

from library.answer import Candidate, Peaks
from library.tolerances import guidelines, ion_ratios, mass_check, ratio_check, retention_check

EU = guidelines()["eu_2002_657"]


def _candidate(partial: bool = False) -> Candidate:
    return Candidate(
        rank=1,
        name="Cocaine",
        inchikey="",
        formula="C17H21NO4",
        match_factor=900,
        reverse_match_factor=900,
        matched_ions=4,
        isomer_group=["Cocaine"],
        isomer_group_inchikeys=[""],
        library="starter",
        reference=1,
        spectrum=Peaks([82, 83, 94, 182, 303], [90, 40, 30, 100, 20]),
        partial=partial,
    )


@pytest.mark.parametrize(
    ("code", "ei", "expected", "allowed"),
    [
        ("eu_2002_657", True, 0.80, 0.08),
        ("eu_2002_657", True, 0.50, 0.075),
        ("eu_2002_657", True, 0.15, 0.03),
        ("eu_2002_657", True, 0.10, 0.05),
        ("eu_2002_657", False, 0.80, 0.16),
        ("eu_2021_808", False, 0.30, 0.12),
        ("sante_11312_2021", True, 0.50, 0.15),
        ("wada_td2010idcr", True, 0.60, 0.10),
        ("wada_td2010idcr", True, 0.40, 0.08),
        ("wada_td2010idcr", False, 0.10, 0.10),
    ],
)
def test_a_ratio_has_the_tolerance_of_its_class(code: str, ei: bool, expected: float, allowed: float) -> None:
    check = ratio_check(guidelines()[code], "m/z 82", expected, expected + allowed, ei=ei)
    assert check.allowed == pytest.approx(allowed)
    assert check.passes
    assert not ratio_check(guidelines()[code], "m/z 82", expected, expected + 1.01 * allowed, ei=ei).passes


def test_retention_and_mass_are_checked_where_there_is_a_tolerance() -> None:
    within, beyond = retention_check(EU, "gc", 10.0, 10.05), retention_check(EU, "gc", 10.0, 10.06)
    assert within is not None
    assert within.passes
    assert beyond is not None
    assert not beyond.passes
    assert retention_check(guidelines()["wada_td2010idcr"], "gc", 10.0, 10.0) is None
    assert mass_check(EU, 304.1543, 304.1543) is None
    regulation = guidelines()["eu_2021_808"]
    heavy, light = mass_check(regulation, 304.1543, 304.1559), mass_check(regulation, 150.1277, 150.1286)
    assert heavy is not None
    assert not heavy.passes
    assert light is not None
    assert light.passes


def test_the_strongest_ions_of_the_reference_are_compared() -> None:
    measured = Peaks([82, 83, 94, 182, 250], [88, 55, 29, 100, 100])
    checks = ion_ratios(EU, _candidate(), measured, ei=True)
    assert [(one.what, one.passes) for one in checks] == [
        ("m/z 82", True),
        ("m/z 83", False),
        ("m/z 94", True),
    ]


def test_what_cannot_be_compared_is_left_out() -> None:
    assert ion_ratios(EU, _candidate(partial=True), Peaks([182], [100]), ei=True) == ()
    assert ion_ratios(EU, _candidate(), Peaks([50], [100]), ei=True) == ()


def test_every_guideline_names_its_source_and_covers_all_ratios() -> None:
    for one in guidelines().values():
        assert one.source
        for classes in (one.ei, one.other):
            assert classes[-1].above == 0
            assert [c.above for c in classes] == sorted((c.above for c in classes), reverse=True)
            assert all((c.relative is None) != (c.absolute is None) for c in classes)


def test_every_class_says_with_what_it_was_compared() -> None:
    told = {code: one.compared for code, one in guidelines().items()}
    assert all(one.keys() == {"ei", "other"} for one in told.values())
    assert {value for one in told.values() for value in one.values()} == {"listing", "not compared"}
