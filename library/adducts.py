"""Ions that a molecule makes without breaking: what an adduct adds, and the m/z it shows at.

Promises: one value for an adduct however it is written ("[M-H2O+H]+" is "[M+H-H2O]+"); the mass of the
electrons is counted. Refuses: terms that are neither a formula nor a usual abbreviation, an ion without
charge, and a loss of atoms the molecule has not got.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache

from library.formula import MASSES, BadFormula, monoisotopic_mass, parse_formula

ELECTRON = 5.48579909065e-4  # u, CODATA 2018

_ION = re.compile(r"\[(\d*)M((?:[+-]\d*[A-Za-z][A-Za-z0-9]*)*)\](\d*)([+-])(\d*)[*•.]?")
_TERM = re.compile(r"([+-])(\d*)([A-Za-z][A-Za-z0-9]*)")
_BARE = re.compile(r"\d*M(?:[+-]\d*[A-Za-z][A-Za-z0-9]*)*")
_ABBREVIATED = {
    "acn": "C2H3N",
    "meoh": "CH4O",
    "fa": "CH2O2",
    "hac": "C2H4O2",
    "ac": "C2H3O2",
    "tfa": "C2HF3O2",
    "dmso": "C2H6OS",
    "isoprop": "C3H8O",
}


class BadAdduct(ValueError):
    """The text is not an adduct this module understands, or the molecule cannot make it."""


@dataclass(frozen=True, slots=True)
class Adduct:
    """What happens to a molecule on its way to an ion.

    Parameters
    ----------
    name : as usually written, such as "[M+H]+".
    molecules : of M in the ion, ≥ 1.
    change : elements added (> 0) and lost (< 0), alphabetically.
    charge : signed, never 0.
    """

    name: str
    molecules: int
    change: tuple[tuple[str, int], ...]
    charge: int

    @property
    def polarity(self) -> int:
        """+1 or −1."""
        return 1 if self.charge > 0 else -1

    def mz(self, mass: float) -> float:
        """m/z in Th of the ion of a molecule of ``mass`` u."""
        added = sum(MASSES[element] * count for element, count in self.change)
        return (self.molecules * mass + added - self.charge * ELECTRON) / abs(self.charge)

    def mass(self, mz: float) -> float:
        """Mass in u of the molecule whose ion shows at ``mz``."""
        added = sum(MASSES[element] * count for element, count in self.change)
        return (mz * abs(self.charge) + self.charge * ELECTRON - added) / self.molecules

    def possible(self, formula: str) -> bool:
        """Whether the molecule has the atoms the ion loses.

        Raises
        ------
        BadFormula : see ``library.formula.parse_formula``.
        """
        atoms = dict(parse_formula(formula))
        return all(self.molecules * atoms.get(element, 0) + count >= 0 for element, count in self.change)


# In the order of how often they are met; losses and clusters after the plain ions.
USUAL = (
    "[M+H]+",
    "[M+Na]+",
    "[M+NH4]+",
    "[M+K]+",
    "[M+H-H2O]+",
    "[M+H-NH3]+",
    "[2M+H]+",
    "[2M+Na]+",
    "[M+ACN+H]+",
    "[M+2H]2+",
    "[M]+",
    "[M-H]-",
    "[M+Cl]-",
    "[M+HCOO]-",
    "[M+CH3COO]-",
    "[M-H-H2O]-",
    "[2M-H]-",
    "[M]-",
)
DIRECT = ("[M+H]+", "[2M+H]+", "[M+NH4]+", "[M+H-H2O]+")  # of direct ionisation in air (DART)


@lru_cache(maxsize=1024)
def parse_adduct(text: str) -> Adduct:
    """An adduct as libraries write it: brackets, then the charge; a bare "M+H" or "M-H" is taken too.

    Raises
    ------
    BadAdduct : the text follows no such pattern, names an unknown term, or says no charge.
    """
    written = _read(text)
    return next((usual for usual in _usual() if _same(usual, written)), written)


def ion_mz(formula: str, adduct: str | Adduct) -> float:
    """m/z in Th of the monoisotopic ion that a molecule makes.

    Raises
    ------
    BadAdduct : see ``parse_adduct``; or the molecule lacks atoms the ion loses.
    BadFormula : see ``library.formula.parse_formula``.
    """
    ion = adduct if isinstance(adduct, Adduct) else parse_adduct(adduct)
    if not ion.possible(formula):
        msg = f"{formula} cannot make {ion.name}"
        raise BadAdduct(msg)
    return ion.mz(monoisotopic_mass(formula))


def ions_of(formula: str, adducts: tuple[str, ...] = USUAL) -> dict[str, float]:
    """m/z in Th by adduct name of the ions a molecule can make, in the order of ``adducts``.

    Raises
    ------
    BadAdduct, BadFormula : see ``parse_adduct`` and ``library.formula.parse_formula``.
    """
    ions = [parse_adduct(text) for text in adducts]
    mass = monoisotopic_mass(formula)
    return {ion.name: ion.mz(mass) for ion in ions if ion.possible(formula)}


def precursor_error_ppm(formula: str, adduct: str, precursor_mz: float) -> float:
    """How far a stated precursor lies from what formula and adduct make it, ppm, positive if too heavy.

    Raises
    ------
    BadAdduct, BadFormula : see ``ion_mz``.
    """
    expected = ion_mz(formula, adduct)
    return (precursor_mz - expected) / expected * 1e6


def _read(text: str) -> Adduct:
    squeezed = text.replace(" ", "")
    found = _ION.fullmatch(_bracketed(squeezed))
    if not found or (found[3] and found[5]):
        msg = f"{text!r} is no adduct: expected something like [M+H]+ or [2M-H]-"
        raise BadAdduct(msg)
    charge = int(found[3] or found[5] or 1) * (1 if found[4] == "+" else -1)
    molecules = int(found[1] or 1)
    if not charge or not molecules:
        msg = f"{text!r} is no ion: it needs a molecule and a charge"
        raise BadAdduct(msg)
    return Adduct(squeezed, molecules, _change(found[2], text), charge)


def _bracketed(text: str) -> str:
    """A bare "M+H" with its brackets; its charge is that of the last term."""
    if not _BARE.fullmatch(text) or text.strip("0123456789") == "M":
        return text
    return f"[{text}]{'-' if text.rstrip('0123456789').endswith('-H') else '+'}"


def _change(terms: str, text: str) -> tuple[tuple[str, int], ...]:
    change: Counter[str] = Counter()
    for sign, count, term in _TERM.findall(terms):
        times = int(count or 1) * (1 if sign == "+" else -1)
        try:
            parts = parse_formula(_ABBREVIATED.get(term.lower(), term))
        except BadFormula:
            msg = f"{text!r} is no adduct this program knows: {term!r} is not a formula"
            raise BadAdduct(msg) from None
        for element, number in parts:
            change[element] += times * number
    return tuple(sorted((element, number) for element, number in change.items() if number))


@cache
def _usual() -> tuple[Adduct, ...]:
    return tuple(_read(text) for text in USUAL)


def _same(one: Adduct, other: Adduct) -> bool:
    return (one.molecules, one.change, one.charge) == (other.molecules, other.change, other.charge)
