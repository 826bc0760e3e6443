"""How much of a salt is the substance itself: amounts as base and as salt, by molar masses.

Promises: the two amounts differ by an exact factor, so that a result may be kept in one and shown in both.
Refuses a salt it has no composition for: a wrong counter-ion is a wrong amount.
"""

from __future__ import annotations

from dataclasses import dataclass

from library.formula import molar_mass


@dataclass(frozen=True, slots=True)
class Salt:
    """What stands beside the substance in the solid.

    Parameters
    ----------
    added, removed : formulas of what is added to ``molecules`` of the substance, and taken from them.
    molecules : of the substance per formula unit.
    """

    added: str
    removed: str = ""
    molecules: int = 1


# By stable code. Where one acid makes two salts, the code says which.
SALTS = {
    "hydrochloride": Salt("HCl"),
    "hydrochloride_monohydrate": Salt("HClH2O"),
    "hydrobromide": Salt("HBr"),
    "sulfate": Salt("H2SO4", molecules=2),
    "hydrogen_sulfate": Salt("H2SO4"),
    "phosphate": Salt("H3PO4"),
    "acetate": Salt("C2H4O2"),
    "mesylate": Salt("CH4O3S"),
    "citrate": Salt("C6H8O7"),
    "tartrate": Salt("C4H6O6", molecules=2),
    "hydrogen_tartrate": Salt("C4H6O6"),
    "fumarate": Salt("C4H4O4", molecules=2),
    "hydrogen_fumarate": Salt("C4H4O4"),
    "maleate": Salt("C4H4O4"),
    "sodium": Salt("Na", removed="H"),
}


class UnknownSalt(ValueError):
    """No composition is on record for this salt."""


def base_fraction(formula: str, salt: str) -> float:
    """Mass of the substance in a unit mass of its salt, 0..1; 1 for the substance itself (salt ``""``).

    Parameters
    ----------
    formula : of the substance without its salt.
    salt : key of ``SALTS``, or "".

    Raises
    ------
    UnknownSalt : the salt is not in ``SALTS``.
    BadFormula : the formula is not understood.
    """
    if not salt:
        return 1.0
    if salt not in SALTS:
        raise UnknownSalt(salt)
    own, kind = molar_mass(formula), SALTS[salt]
    beside = molar_mass(kind.added) - (molar_mass(kind.removed) * kind.molecules if kind.removed else 0.0)
    return own / (own + beside / kind.molecules)
