"""Figures as they may be printed: no more digits than the uncertainty leaves.

Promises: the uncertainty has one significant digit, and the value ends at the same place. Refuses an
uncertainty that is zero or not finite: it says nothing about digits.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from math import isfinite


def round_to_uncertainty(value: float, uncertainty: float) -> tuple[str, str]:
    """(value, uncertainty) as text with a decimal point, rounded half up (ISO 80000-1, annex B, rule B).

    Parameters
    ----------
    uncertainty : > 0, expanded, same unit as ``value``.

    Raises
    ------
    ValueError : a figure is not finite, or the uncertainty is not positive.
    """
    if not (isfinite(value) and isfinite(uncertainty) and uncertainty > 0):
        raise ValueError("rounding needs a finite value and an uncertainty above zero")
    rounded = _significant(uncertainty, 1)
    place = Decimal(1).scaleb(rounded.adjusted())
    return _text(_at(value, place)), _text(rounded)


def significant(value: float, digits: int = 2) -> str:
    """A finite value with so many significant digits, as text with a decimal point."""
    return _text(_significant(value, digits)) if value else "0"


def _significant(value: float, digits: int) -> Decimal:
    """Twice, because rounding 0.96 to one digit makes it one place longer."""
    exact = Decimal(repr(value))
    once = _at(value, Decimal(1).scaleb(exact.adjusted() - digits + 1))
    return _at(value, Decimal(1).scaleb(once.adjusted() - digits + 1))


def _at(value: float, place: Decimal) -> Decimal:
    steps = (Decimal(repr(value)) / place).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return (steps * place).quantize(min(place, Decimal(1)))


def _text(value: Decimal) -> str:
    return format(value, "f")
