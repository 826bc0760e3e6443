"""In which form a reference holds a substance: as itself, as a salt, labelled, or derivatised.

Promises: a substance of its own is never taken for a derivative because of a word in its name
("acetylcodeine", "6-monoacetylmorphine"); the word "derivative" or a reagent's own letters have to be there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from library.formula import BadFormula, parse_formula


class FormKind(StrEnum):
    """What a reference is a spectrum of; the value is stable."""

    BASE = "base"
    SALT = "salt"
    ISOTOPOLOGUE = "isotopologue"
    DERIVATIVE = "derivative"


@dataclass(frozen=True, slots=True)
class Form:
    """The form, and the key of the substance it is a form of ("" where it is not in the table)."""

    kind: FormKind
    parent: str


# Reagents and the groups they leave: TMS (BSTFA, MSTFA, BSA), TBDMS, TFA (TFAA, MBTFA), PFP, HFB, TPC, MSTFA.
_REAGENT = (
    r"(?:TMS|TBDMS|TFA|MBTFA|PFP|PFPA|HFB|HFBA|TPC|BSTFA|MSTFA|BSA"
    r"|trimethylsilyl|heptafluorobutyr\w*|trifluoroacet\w*)"
)
_COUNTED = r"(?:(?:mono|bis|tris|di|tri|tetra|penta|octa|\d+)[\s-]?)?"
_DERIVATIVE = re.compile(
    rf"[\s,-]+(?:(?:[NO],?\s?)*-?)?{_COUNTED}(?i:{_REAGENT})\b(?:[\s-]*deriv\w*\.?)?.*$"
    r"|[\s,-]+(?:(?:di)?(?i:acetyl|acetate))\s+(?i:deriv\w*)\.?.*$"
    r"|^(?i:N|N,O|O)-(?i:trifluoroacet[yi]+l|trifluoracetyl|heptafluorobutyryl|trimethylsilyl|trichloroacetyl)-?",
)
_LABEL = re.compile(r"[\s-]*(?:\(?[-\s]?[dD]\d{1,2}\)?)(?:\s*\([^)]*\))*\s*$|[\s-]*13C\d*\b.*$")
_SALT = re.compile(
    r"[\s,-]+(?:mono|di)?(?:hydrochloride|hydrobromide|hcl|hbr|sulph?ate|phosphate|tartrate|bitartrate|citrate|maleate"
    r"|fumarate|mesylate|besylate|succinate|oxalate|sodium|potassium|chlorhydrate|bromhydrate)"
    r"(?:\s+(?:salt|(?:mono|di)?hydrate))?\s*$",
    re.IGNORECASE,
)
_NOT_CERTIFIED = re.compile(r"\s*\(not certified by nist\)\s*$", re.IGNORECASE)


def form_of(name: str, formula: str, inchikey: str, find: Callable[[str, str], str]) -> Form:
    """Form of a reference from what its record tells.

    Parameters
    ----------
    name, formula, inchikey : of the record; "" where it does not tell.
    find : (name, inchikey) -> substance key or "".
    """
    plain = _NOT_CERTIFIED.sub("", name.strip())
    if _has_deuterium(formula) or _LABEL.search(plain):
        bare = _LABEL.sub("", plain)
        return Form(FormKind.ISOTOPOLOGUE, find(bare, inchikey))
    if _DERIVATIVE.search(plain):
        return Form(FormKind.DERIVATIVE, find(_DERIVATIVE.sub("", plain), ""))
    if _SALT.search(plain) and (parent := find(_SALT.sub("", plain), "")):
        return Form(FormKind.SALT, parent)
    return Form(FormKind.BASE, find(plain, inchikey))


def _has_deuterium(formula: str) -> bool:
    try:
        return any(element == "D" for element, _ in parse_formula(formula))
    except BadFormula:
        return False
