"""From standards and responses to an amount on record: the calculation, without any database.

Promises the same amount for the same standards, responses and preparation, whoever asks. Refuses an amount
above the calibrated range (dilute), one by a calibration that its rule does not accept, and anything a
substance or salt is needed for that is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from library.salts import SALTS
from library.substances import load_substances
from spectra.chromatography.acceptance import RULES, Acceptance, judge
from spectra.chromatography.calibration import (
    Amount,
    Calibration,
    Place,
    Shape,
    Weight,
    best_weight,
    calibrate,
    limits_from_blanks,
)
from spectra.chromatography.quantitation import (
    Content,
    Contribution,
    Factor,
    Preparation,
    milligrams_per_unit,
    percent_by_mass,
)
from xbt.domain.amounts import Basis, Kind, Quantity, Unit
from xbt.domain.errors import InvalidAmount

_INCHIKEY = 27  # characters


class Concentration(StrEnum):
    """Unit of the standards; the value is stable."""

    MILLIGRAM = "mg/mL"
    MICROGRAM = "ug/mL"
    NANOGRAM = "ng/mL"

    @property
    def milligrams(self) -> float:
        """mg/mL in one of this unit."""
        return {"mg/mL": 1.0, "ug/mL": 1e-3, "ng/mL": 1e-6}[self.value]


@dataclass(frozen=True, slots=True)
class Standards:
    """What a calibration is made from.

    Parameters
    ----------
    substance : key as findings have it; see `substance_key`.
    salt : the form that the amounts of the standards count, a code of `library.salts`; "" for the base.
    technique, method, instrument : a code such as "lc", and what the laboratory calls the other two.
    amount, response : one entry per injection, in ``unit`` and in counts, or as ratios to the internal
        standard.
    internal_standard : its name, "" without one.
    blanks : responses of blanks; the limits then come from their scatter, else from that of the lowest level.
    weight : None chooses the one with the smallest relative errors.
    rule : key of `spectra.chromatography.acceptance.RULES`.
    """

    substance: str
    technique: str
    method: str
    instrument: str
    unit: Concentration
    amount: tuple[float, ...]
    response: tuple[float, ...]
    salt: str = ""
    internal_standard: str = ""
    blanks: tuple[float, ...] = ()
    shape: Shape = Shape.LINEAR
    weight: Weight | None = None
    rule: str = "ich_m10"


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Standards with their curve and what the rule says of it."""

    standards: Standards
    curve: Calibration
    acceptance: Acceptance


@dataclass(frozen=True, slots=True)
class WorkedOut:
    """An amount with how it came about; ``read`` is in the unit of the standards."""

    quantity: Quantity
    budget: tuple[Contribution, ...]
    read: Amount


def fit(standards: Standards) -> Fitted:
    """The curve of the standards, and whether it may be used.

    Raises
    ------
    InvalidMeasurement : no curve can be made; the sentence says why and what to do.
    InvalidAmount : ``no_salt`` or ``no_rule``; the code is not known.
    """
    if standards.salt and standards.salt not in SALTS:
        raise InvalidAmount("no_salt", salt=standards.salt, known=", ".join(SALTS))
    if standards.rule not in RULES:
        raise InvalidAmount("no_rule", rule=standards.rule, known=", ".join(RULES))
    levels = (standards.amount, standards.response)
    if standards.weight is None:
        curve = best_weight(*levels, shape=standards.shape)
    else:
        curve = calibrate(*levels, shape=standards.shape, weight=standards.weight)
    if standards.blanks:
        detection, quantification = limits_from_blanks(standards.blanks, float(curve.coefficient[1]))
        curve = replace(curve, detection_limit=detection, quantification_limit=quantification)
    return Fitted(standards, curve, judge(curve, RULES[standards.rule]))


def work_out(
    fitted: Fitted, responses: Sequence[float], preparation: Preparation, unit: Unit, calibration: str
) -> WorkedOut:
    """The amount in the item handed in.

    Parameters
    ----------
    responses : of one sample, replicates; with an internal standard, ratios to it.
    calibration : SHA-256 the amount will name.

    Raises
    ------
    InvalidAmount : ``not_accepted`` (field ``because``), ``above_range`` (fields ``highest``, ``unit``), or
        ``no_such_unit``.
    InvalidMeasurement : a response, mass or volume means nothing.
    """
    if not fitted.acceptance.accepted:
        raise InvalidAmount("not_accepted", because=", ".join(fitted.acceptance.shortcomings))
    read = fitted.curve.amount_of(responses)
    if read.place is Place.ABOVE_RANGE:
        highest = f"{fitted.curve.range[1]:g}"
        raise InvalidAmount("above_range", highest=highest, unit=fitted.standards.unit.value, remedy="dilute")
    if read.place is Place.INSIDE:
        found = _content(fitted, read, preparation, unit)
        spread = found.expanded_uncertainty
        interval = (found.value, max(0.0, found.value - spread), found.value + spread)
        told = _quantity(fitted, interval, unit, Kind.MEASURED, calibration)
        return WorkedOut(replace(told, coverage_factor=found.coverage_factor), found.budget, read)
    limit = max(fitted.curve.range[0], fitted.curve.quantification_limit)
    most = _content(fitted, replace(read, value=limit, standard_uncertainty=0.0), preparation, unit)
    interval = (most.value, 0.0, most.value)
    return WorkedOut(_quantity(fitted, interval, unit, Kind.LESS_THAN, calibration), most.budget, read)


def substance_key(text: str) -> str:
    """The key that findings have for what ``text`` names: its InChIKey where there is one.

    Raises
    ------
    InvalidAmount : ``no_substance``; the table does not know it and it is no InChIKey.
    """
    known = load_substances()
    found = known.by_key(text) or known.by_inchikey(text) or known.resolve(text)
    if found is not None:
        return found.inchikey or found.key
    if len(text) == _INCHIKEY and text.count("-") == 2:
        return text
    raise InvalidAmount("no_substance", name=text)


def _content(fitted: Fitted, read: Amount, preparation: Preparation, unit: Unit) -> Content:
    scale = fitted.standards.unit.milligrams
    curve = Factor(
        "calibration curve",
        read.value * scale,
        read.standard_uncertainty * scale,
        degrees_of_freedom=read.degrees_of_freedom,
    )
    if unit is Unit.PERCENT:
        return percent_by_mass(curve, preparation)
    if unit is Unit.MILLIGRAM_PER_UNIT:
        return milligrams_per_unit(curve, preparation)
    raise InvalidAmount("no_such_unit", unit=unit.value)


def _quantity(
    fitted: Fitted, interval: tuple[float, float, float], unit: Unit, kind: Kind, calibration: str
) -> Quantity:
    standards = fitted.standards
    return Quantity(
        *interval,
        unit=unit,
        basis=Basis.SALT if standards.salt else Basis.BASE,
        kind=kind,
        technique=standards.technique,
        method=standards.method,
        salt=standards.salt,
        calibration=calibration,
    )
