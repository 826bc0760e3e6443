"""Whether a calibration may be used: rules as data, and what each level said.

Promises: every standard and every level with its deviation, and each broken rule by a stable code. Refuses to
leave out a level to make the rest pass: that is a person's decision, with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from spectra.chromatography.calibration import Calibration


@dataclass(frozen=True, slots=True)
class Rule:
    """Limits of a guideline.

    Parameters
    ----------
    source : the guideline, for the record.
    least_levels : different amounts above zero that have to pass.
    tolerance, lowest_tolerance : |relative error| of a back-calculated standard, and at the lowest level.
    least_share : of all standards that have to be within their tolerance.
    level_share : of the replicates of a level that have to be, for the level to pass.
    """

    code: str
    source: str
    least_levels: int
    tolerance: float
    lowest_tolerance: float
    least_share: float
    level_share: float


RULES = {
    "ich_m10": Rule("ich_m10", "ICH M10 (2022), 3.2.4", 6, 0.15, 0.20, 0.75, 0.50),
}


class Shortcoming(StrEnum):
    """Why a calibration is not accepted; the value is stable."""

    TOO_FEW_LEVELS = "too_few_levels"  # that pass
    TOO_FEW_STANDARDS = "too_few_standards"  # share of all standards within tolerance
    NO_SLOPE_IN_RANGE = "quantification_limit_above_range"  # nothing in the range can be quantified


@dataclass(frozen=True, slots=True)
class Level:
    """One amount of the curve.

    Parameters
    ----------
    amount : as calibrated.
    relative_errors : of its replicates.
    tolerance : that holds here.
    passes : enough replicates are within it.
    """

    amount: float
    relative_errors: tuple[float, ...]
    tolerance: float
    passes: bool


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The verdict of a rule on a curve; accepted where nothing falls short."""

    rule: Rule
    levels: tuple[Level, ...]
    shortcomings: tuple[Shortcoming, ...]

    @property
    def accepted(self) -> bool:
        """Whether the calibration may be used."""
        return not self.shortcomings


def judge(curve: Calibration, rule: Rule = RULES["ich_m10"]) -> Acceptance:
    """What ``rule`` says of a curve. Levels of amount zero show the blank and are not counted."""
    amounts = np.unique(curve.amount[curve.amount > 0])
    levels = tuple(_level(curve, float(amount), rule) for amount in amounts)
    return Acceptance(rule, levels, tuple(_shortcomings(curve, levels, rule)))


def _level(curve: Calibration, amount: float, rule: Rule) -> Level:
    errors = curve.relative_error[curve.amount == amount]
    tolerance = rule.lowest_tolerance if amount == curve.range[0] else rule.tolerance
    share = float(np.mean(np.abs(errors) <= tolerance))
    return Level(amount, tuple(errors.tolist()), tolerance, share >= rule.level_share)


def _shortcomings(curve: Calibration, levels: tuple[Level, ...], rule: Rule) -> list[Shortcoming]:
    within = [abs(error) <= level.tolerance for level in levels for error in level.relative_errors]
    found = []
    if sum(level.passes for level in levels) < rule.least_levels:
        found.append(Shortcoming.TOO_FEW_LEVELS)
    if np.mean(within) < rule.least_share:
        found.append(Shortcoming.TOO_FEW_STANDARDS)
    if curve.quantification_limit >= curve.range[1]:
        found.append(Shortcoming.NO_SLOPE_IN_RANGE)
    return found
