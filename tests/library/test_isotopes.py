"""Isotope patterns against pyOpenMS, and which measured ones a formula can make."""

from __future__ import annotations

import numpy as np
import pytest

from library.formula import BadFormula
from library.isotopes import fits, pattern


@pytest.mark.parametrize(
    "formula", ["C17H21NO4", "C13H16ClNO", "C18H22BrNO3", "C6H12O6", "C4H8O2S", "C20H23Cl2N"]
)
def test_patterns_are_those_of_pyopenms(formula: str) -> None:
    import pyopenms

    made = pyopenms.EmpiricalFormula(formula).getIsotopeDistribution(
        pyopenms.CoarseIsotopePatternGenerator(3)
    )
    theirs = np.array([peak.getIntensity() for peak in made.getContainer()])
    assert pattern(formula) == pytest.approx(theirs / theirs[0], rel=0.01, abs=3e-4)


def test_a_pattern_fits_unless_an_isotope_is_missing_or_far_too_strong() -> None:
    assert fits("C13H16ClNO", np.array([1, 0.14, 0.33]))
    assert fits("C13H16ClNO", np.array([1, 0.10, 0.25]))
    assert not fits("C13H16ClNO", np.array([1, 0.14, 0.01]))  # the chlorine is not there
    assert not fits("C17H21NO4", np.array([1, 0.19, 0.97]))  # a bromine is
    with pytest.raises(BadFormula):
        pattern("Xx2")
