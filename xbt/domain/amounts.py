"""How much of a substance there is: value, unit, basis, uncertainty and method, always together.

Promises: what was not measured against a calibration of the same substance is an estimate and says so; what
lies below the limit of quantification is "less than" that limit, never a figure. An amount keeps the form
(base or salt) of the standard it was measured against; another form is worked out where it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import isfinite

from xbt.domain.errors import InvalidAmount


class Unit(StrEnum):
    """Of an amount; the value is stable."""

    PERCENT = "percent_by_mass"
    MILLIGRAM_PER_UNIT = "mg_per_unit"
    MILLIGRAM_PER_MILLILITRE = "mg_per_ml"


class Basis(StrEnum):
    """What the value counts; the value is stable."""

    BASE = "base"
    SALT = "salt"  # which one stands beside it


class Kind(StrEnum):
    """How much the value is worth; the value is stable."""

    MEASURED = "measured"  # against a calibration of this substance
    LESS_THAN = "less_than"  # there, and below the limit of quantification, which is the value
    ESTIMATED = "estimated"  # infrared, area percent, response of another substance: a range, no more


class EstimatedBy(StrEnum):
    """Why an amount is an estimate only; the value is stable."""

    AREA_PERCENT = "area_percent"
    INFRARED = "ftir"
    OTHER_RESPONSE = "other_response"  # the curve of another substance


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of one substance.

    Parameters
    ----------
    value : in ``unit``; for ``LESS_THAN`` the limit.
    low, high : the interval that holds the amount with about 95 %: value ∓ U (not below 0), or the range of
        an estimate.
    coverage_factor : k of U = k·u; 2, or more where few measurements tell the scatter.
    basis, salt : the form that is counted, by a code of `library.salts` for a salt.
    kind, technique, method : how sure, by what (a code such as "lc"), and what the laboratory calls it.
    calibration : SHA-256 of the stored calibration, "" for an estimate.
    estimated_by : set for estimates only.
    """

    value: float
    low: float
    high: float
    unit: Unit
    basis: Basis
    kind: Kind
    technique: str
    method: str
    salt: str = ""
    calibration: str = ""
    estimated_by: EstimatedBy | None = None
    coverage_factor: float = 2.0

    def __post_init__(self) -> None:
        if not all(map(isfinite, (self.value, self.low, self.high))) or self.value < 0:
            raise InvalidAmount("not_a_number", value=str(self.value))
        if not self.low <= self.value <= self.high:
            raise InvalidAmount("outside_its_interval", value=str(self.value))
        if (self.kind is Kind.ESTIMATED) != (self.estimated_by is not None):
            raise InvalidAmount("estimate_unnamed", kind=self.kind.value)
        if (self.kind is Kind.ESTIMATED) == bool(self.calibration):
            raise InvalidAmount("calibration_unnamed", kind=self.kind.value)
        if (self.basis is Basis.SALT) != bool(self.salt):
            raise InvalidAmount("salt_unnamed", basis=self.basis.value)

    @property
    def expanded_uncertainty(self) -> float:
        """U = k·u; the lower end of the interval may be cut at nothing, the upper one is not."""
        return self.high - self.value

    def times(self, factor: float) -> tuple[float, float, float]:
        """Value and interval as another form, by the ratio of the molar masses."""
        return self.value * factor, self.low * factor, self.high * factor


@dataclass(frozen=True, slots=True)
class Quantified:
    """An amount as it was put on record; ``substance`` is a key as findings have them."""

    substance: str
    quantity: Quantity
    at: datetime


def preferred(recorded: Iterable[Quantified]) -> dict[str, Quantity]:
    """The amount that counts per substance: measured before estimated, then the latest."""
    ordered = sorted(recorded, key=lambda one: (one.quantity.kind is not Kind.ESTIMATED, one.at))
    return {one.substance: one.quantity for one in ordered}
