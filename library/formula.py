"""Molecular formulas: reading one, the mass of its lightest-isotope molecule, and its molar mass.

Refuses: anything that is not a plain run of element symbols and counts (no brackets, charges or dots).
"""

from __future__ import annotations

import re
from functools import lru_cache

# Mass of the most abundant isotope in u: AME2020 (Wang et al., Chinese Physics C 45, 030003, 2021).
MASSES = {
    "H": 1.00782503190,
    "D": 2.01410177784,
    "B": 11.00930517,
    "C": 12.0,
    "N": 14.00307400425,
    "O": 15.99491461926,
    "F": 18.99840316207,
    "Na": 22.98976928195,
    "Si": 27.97692653442,
    "P": 30.97376199768,
    "S": 31.97207117354,
    "Cl": 34.968852694,
    "K": 38.96370648482,
    "Ca": 39.962590851,
    "Br": 78.9183376,
    "I": 126.9044726,
}

# Standard atomic weights in g/mol, abridged: IUPAC 2021 (Prohaska et al., Pure Appl. Chem. 94:573, 2022).
# D is the mass of the nuclide.
ATOMIC_WEIGHTS = {
    "H": 1.008,
    "D": 2.0141,
    "B": 10.81,
    "C": 12.011,
    "N": 14.007,
    "O": 15.999,
    "F": 18.998,
    "Na": 22.990,
    "Si": 28.085,
    "P": 30.974,
    "S": 32.06,
    "Cl": 35.45,
    "K": 39.098,
    "Ca": 40.078,
    "Br": 79.904,
    "I": 126.90,
}

_PART = re.compile(r"([A-Z][a-z]?)(\d*)")


class BadFormula(ValueError):
    """The text is not a formula of elements this module knows."""


@lru_cache(maxsize=4096)
def parse_formula(text: str) -> tuple[tuple[str, int], ...]:
    """Elements with their counts, alphabetically; D is deuterium, counted apart from H.

    Raises
    ------
    BadFormula : empty, with other characters, or with an element that is not in ``MASSES``.
    """
    parts = _PART.findall(text)
    if not parts or "".join(element + count for element, count in parts) != text:
        raise BadFormula(text)
    counts: dict[str, int] = {}
    for element, count in parts:
        if element not in MASSES:
            raise BadFormula(text)
        counts[element] = counts.get(element, 0) + int(count or 1)
    return tuple(sorted(counts.items()))


def monoisotopic_mass(text: str) -> float:
    """Mass in u of the molecule made of each element's most abundant isotope.

    Raises
    ------
    BadFormula : see ``parse_formula``.
    """
    return sum(MASSES[element] * count for element, count in parse_formula(text))


def nominal_mass(text: str) -> int:
    """Mass as the sum of mass numbers: where a unit-mass spectrum shows the molecular ion.

    Raises
    ------
    BadFormula : see ``parse_formula``.
    """
    return sum(round(MASSES[element]) * count for element, count in parse_formula(text))


def molar_mass(text: str) -> float:
    """Mass of one mole in g, of the isotopes as they occur: what a balance weighs.

    Raises
    ------
    BadFormula : see ``parse_formula``.
    """
    return sum(ATOMIC_WEIGHTS[element] * count for element, count in parse_formula(text))
