"""Amounts as base and as salt, by molar masses."""

from __future__ import annotations

import pytest

from library.formula import ATOMIC_WEIGHTS, MASSES, BadFormula, molar_mass
from library.salts import SALTS, UnknownSalt, base_fraction


@pytest.mark.parametrize(
    ("formula", "mass"),
    [  # molecular weights as PubChem prints them
        ("C17H21NO4", 303.36),
        ("C11H15NO2", 193.24),
        ("C22H28N2O", 336.50),
        ("C6H8O7", 192.12),
    ],
)
def test_molar_masses_are_the_published_ones(formula: str, mass: float) -> None:
    assert molar_mass(formula) == pytest.approx(mass, abs=0.03)


def test_every_element_has_both_masses() -> None:
    assert ATOMIC_WEIGHTS.keys() == MASSES.keys()


@pytest.mark.parametrize(
    ("formula", "salt", "fraction"),
    [
        ("C11H15NO2", "hydrochloride", 0.841),  # MDMA
        ("C17H21NO4", "hydrochloride", 0.893),  # cocaine
        ("C22H28N2O", "hydrochloride", 0.902),  # fentanyl
        ("C22H28N2O", "citrate", 0.6366),
        ("C9H13N", "sulfate", 0.7339),  # amphetamine, two molecules to one of the acid: 270.4 of 368.5
        ("C21H23NO5", "hydrochloride_monohydrate", 0.871),  # heroin: 369.4 of 423.9
        ("C4H8O3", "sodium", 0.8257),  # GHB: 104.1 of 126.1
    ],
)
def test_the_share_of_the_base_is_the_ratio_of_molar_masses(formula: str, salt: str, fraction: float) -> None:
    assert base_fraction(formula, salt) == pytest.approx(fraction, abs=5e-4)


def test_the_base_is_all_of_itself_and_less_than_any_salt() -> None:
    assert base_fraction("C17H21NO4", "") == 1.0
    assert all(0.3 < base_fraction("C17H21NO4", salt) < 1.0 for salt in SALTS)


def test_an_unknown_salt_and_a_bad_formula_are_refused() -> None:
    with pytest.raises(UnknownSalt):
        base_fraction("C17H21NO4", "pikrate")
    with pytest.raises(BadFormula):
        base_fraction("C17H21NO4.HCl", "hydrochloride")
