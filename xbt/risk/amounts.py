"""Amounts in words: never a figure without its uncertainty, its unit and the form it counts.

Promises digits that the uncertainty allows and no more, and that an estimate is called one. The other form
(base for a salt) is worked out here, where it is shown; what is on record stays as it was measured.
"""

from __future__ import annotations

from library.salts import base_fraction
from spectra.rounding import round_to_uncertainty, significant
from xbt.domain.amounts import Basis, Kind, Quantity
from xbt.risk.texts import sentences, spoken


def amount_text(quantity: Quantity, language: str) -> str:
    """An amount in a few words: "82 ± 3 % by weight, counted as hydrochloride"."""
    words = sentences(language)
    told: str = words["amount"][quantity.kind.value]
    return told.format(
        **_figures(quantity.value, quantity.low, quantity.high, language),
        unit=words["unit"][quantity.unit.value],
        form=words["form"][quantity.salt or Basis.BASE.value],
    )


def amount_sentence(quantity: Quantity, name: str, formula: str, language: str) -> str:
    """How much of ``name`` there is and how that is known.

    Parameters
    ----------
    formula : of the substance without its salt, "" where not known: the other form is then left out.
    """
    words = sentences(language)
    told: str = words["amount"][f"{quantity.kind.value}_sentence"]
    by = quantity.estimated_by
    return told.format(
        name=name,
        amount=amount_text(quantity, language),
        also=_as_base(quantity, formula, language),
        method=words["technique"].get(quantity.technique, quantity.method),
        how=words["estimate"][by.value] if by else "",
    )


def _as_base(quantity: Quantity, formula: str, language: str) -> str:
    """The amount of a salt without its salt, in brackets; "" where there is nothing to work out."""
    if quantity.basis is Basis.BASE or quantity.kind is not Kind.MEASURED or not formula:
        return ""
    words = sentences(language)
    figures = _figures(*quantity.times(base_fraction(formula, quantity.salt)), language)
    told: str = words["amount"]["also_base"]
    return told.format(
        **figures, unit=words["unit"][quantity.unit.value], form=words["form"][Basis.BASE.value]
    )


def _figures(value: float, low: float, high: float, language: str) -> dict[str, str]:
    spread, limit = high - value, significant(value)
    shown, about = round_to_uncertainty(value, spread) if 0 < spread < value else (limit, significant(spread))
    figures = {"value": shown, "spread": about, "low": significant(low), "high": significant(high)}
    comma = spoken(language) == "fr"
    return {name: text.replace(".", ",") if comma else text for name, text in figures.items()}
