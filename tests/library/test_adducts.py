"""Ions of whole molecules: their masses, and one name for each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.adducts import (
    DIRECT,
    USUAL,
    BadAdduct,
    ion_mz,
    ions_of,
    parse_adduct,
    precursor_error_ppm,
)
from library.formula import BadFormula
from library.substances import load_substances


@pytest.mark.parametrize(
    ("formula", "adduct", "expected"),
    [
        ("C22H28N2O", "[M+H]+", 337.22744),  # fentanyl
        ("C17H21NO4", "[M+H]+", 304.15433),  # cocaine
        ("C17H21NO4", "[M+Na]+", 326.13628),
        ("C8H9NO2", "[M-H]-", 150.05605),  # paracetamol
        ("C4H8O3", "[M+NH4]+", 122.08117),  # GHB
        ("C4H8O3", "[2M+H]+", 209.10196),
        ("C8H10N4O2", "[M+2H]2+", 98.04746),  # caffeine
        ("C12H22O11", "[M+Cl]-", 377.08561),  # sucrose
        ("C12H22O11", "[M+HCOO]-", 387.11441),
    ],
)
def test_masses_are_those_of_the_tables(formula: str, adduct: str, expected: float) -> None:
    assert ion_mz(formula, adduct) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("[M-H2O+H]+", "[M+H-H2O]+"),
        ("[M+H-H2O]+", "[M+H-H2O]+"),
        ("[M+HCOOH-H]-", "[M+HCOO]-"),
        ("[M+FA-H]-", "[M+HCOO]-"),
        ("[M+CH3COOH-H]-", "[M+CH3COO]-"),
        ("[M+Hac-H]-", "[M+CH3COO]-"),
        ("[M+H]1+", "[M+H]+"),
        ("[M+H]+1", "[M+H]+"),
        ("[M]+*", "[M]+"),
        ("M+H", "[M+H]+"),
        ("M-H", "[M-H]-"),
        ("2M+H", "[2M+H]+"),
        ("[M+ACN+H]+", "[M+ACN+H]+"),
        ("[M + NH4]+", "[M+NH4]+"),
    ],
)
def test_one_adduct_has_one_name(written: str, name: str) -> None:
    assert parse_adduct(written).name == name


@pytest.mark.parametrize(
    "text", ["", "M", "[M+H]", "[M+Xx]+", "protonated", "[0M+H]+", "[M+H]0+", "[M+H]2+2"]
)
def test_what_is_no_adduct_is_refused(text: str) -> None:
    with pytest.raises(BadAdduct, match=r"adduct|ion"):
        parse_adduct(text)


def test_a_molecule_cannot_lose_what_it_has_not_got() -> None:
    assert "[M+H-H2O]+" not in ions_of("C10H15N")
    assert "[M+H-H2O]+" in ions_of("C10H15NO")
    with pytest.raises(BadAdduct, match="cannot make"):
        ion_mz("C10H15N", "[M+H-H2O]+")
    with pytest.raises(BadFormula):
        ions_of("C10(H15)N")


def test_every_substance_has_its_ions() -> None:
    for substance in load_substances():
        ions = ions_of(substance.formula)
        assert ions["[M+H]+"] == pytest.approx(substance.exact_mass + 1.007276, abs=1e-5)
        assert set(ions) <= {*USUAL}


def test_a_wrong_precursor_shows() -> None:
    assert abs(precursor_error_ppm("C22H28N2O", "[M+H]+", 337.2274)) < 1
    assert precursor_error_ppm("C22H28N2O", "[M+H]+", 338.2274) > 2000


@given(st.floats(50, 2000), st.sampled_from([*USUAL, *DIRECT]))
def test_mass_undoes_mz(mass: float, name: str) -> None:
    ion = parse_adduct(name)
    assert ion.mass(ion.mz(mass)) == pytest.approx(mass, abs=1e-9)
