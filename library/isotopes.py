"""Isotope patterns of formulas, and whether a measured one can be that of a formula.

Promises: the intensities of M, M + 1 and M + 2 by the abundances of the elements, peaks of one nominal mass
summed, as an instrument that does not resolve them shows them. Refuses formulas that `library.formula` does.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from library.formula import parse_formula
from spectra.model import Floats

# Abundances of the isotopes 0, 1 and 2 u above the lightest, relative to it:
# IUPAC 2013 representative compositions (Meija et al., Pure Appl. Chem. 88:293, 2016).
_HEAVIER = {
    "H": (0.000115, 0.0),
    "D": (0.0, 0.0),
    "B": (0.0, 0.0),  # ¹¹B is the lightest here; what ¹⁰B shows lies below M
    "C": (0.010816, 0.0),
    "N": (0.003653, 0.0),
    "O": (0.000381, 0.002055),
    "F": (0.0, 0.0),
    "Na": (0.0, 0.0),
    "Si": (0.050778, 0.033473),
    "P": (0.0, 0.0),
    "S": (0.007895, 0.044726),
    "Cl": (0.0, 0.319961),
    "K": (0.000125, 0.072168),
    "Ca": (0.0, 0.006674),
    "Br": (0.0, 0.972776),
    "I": (0.0, 0.0),
}
LEAST_OF_EXPECTED = 0.4  # weak isotopes fall below the threshold of many instruments
OFFSET = 0.03  # of M: chemical noise, and what a weak isotope loses


@lru_cache(maxsize=4096)
def pattern(formula: str) -> tuple[float, float, float]:
    """Intensities of M, M + 1 and M + 2, M = 1.

    Raises
    ------
    BadFormula : see `library.formula.parse_formula`.
    """
    made = np.array([1.0, 0.0, 0.0])
    for element, count in parse_formula(formula):
        made = np.convolve(made, _of(element, count))[:3]
    return float(made[0]), float(made[1]), float(made[2])


def fits(formula: str, measured: Floats) -> bool:
    """Whether a measured pattern can be the formula's: no isotope that must be there is missing.

    More than expected is forgiven up to twice, for other ions may share the place; much more is not.

    Parameters
    ----------
    measured : (3,) float64, M = 1.

    Raises
    ------
    BadFormula : see `library.formula.parse_formula`.
    """
    for expected, seen in zip(pattern(formula)[1:], measured[1:].tolist(), strict=True):
        if not expected * LEAST_OF_EXPECTED - OFFSET <= seen <= 2 * expected + 5 * OFFSET:
            return False
    return True


def _of(element: str, count: int) -> Floats:
    """Pattern of ``count`` atoms, by the first terms of the binomial series."""
    one, two = _HEAVIER[element]
    return np.array([1.0, count * one, count * two + count * (count - 1) / 2 * one**2])
