"""Calibration curves: response against amount, and amount with its uncertainty from a response.

Promises: a curve that cannot give an amount (too few levels, falling, bending back inside its range) is
refused by name; an amount outside the calibrated range is marked and never silently extrapolated.
Refuses: a coefficient of determination as proof of anything; relative errors of the levels are given instead.

Formulas: weighted least squares and inverse prediction as in Miller & Miller, "Statistics and Chemometrics
for Analytical Chemistry", chapter 5; limits as in ICH Q2(R2).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from spectra.errors import InvalidMeasurement
from spectra.model import Floats

LEAST_LEVELS = {
    1: 3,
    2: 4,
}  # by degree: one more than there are coefficients, to judge by
CONFIDENCE = 0.95


class Shape(StrEnum):
    """Form of the curve; the value is stable."""

    LINEAR = "linear"
    QUADRATIC = "quadratic"


class Weight(StrEnum):
    """How much a level counts in the fit, by its amount x; the value is stable."""

    EQUAL = "1"
    INVERSE = "1/x"  # scatter grows as √x
    INVERSE_SQUARE = "1/x2"  # scatter grows as x: a constant relative error


class Place(StrEnum):
    """Where an amount lies; the value is stable."""

    BELOW_DETECTION = "below_detection"
    BELOW_RANGE = "below_range"  # detected, and less than the lowest level or the limit of quantification
    INSIDE = "inside"
    ABOVE_RANGE = "above_range"  # dilute and measure again


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount read from a curve.

    Parameters
    ----------
    value : in the unit of the levels; NaN where the curve never reaches the response.
    standard_uncertainty : of ``value``, same unit, from the curve and the scatter of the response.
    degrees_of_freedom : of the scatter.
    place : relative to detection limit and range.
    """

    value: float
    standard_uncertainty: float
    degrees_of_freedom: int
    place: Place

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Two-sided interval by Student's t."""
        half = float(stats.t.ppf((1 + confidence) / 2, self.degrees_of_freedom)) * self.standard_uncertainty
        return self.value - half, self.value + half


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A fitted curve, response = Σ coefficient[k] · amount^k.

    Parameters
    ----------
    amount, response : (n,) float64, the levels as measured, replicates apart; with an internal standard both
        are ratios to it.
    shape, weight : as asked for.
    coefficient : (2 or 3,) float64, constant term first.
    covariance : (k, k) float64 of the coefficients.
    scatter : weighted residual standard deviation s(y/x), in units of response at weight 1.
    back_calculated : (n,) float64, amount that the curve gives back for each response.
    relative_error : (n,) float64, (back-calculated − amount) / amount; NaN at amount 0.
    detection_limit, quantification_limit : 3.3 σ/S and 10 σ/S (ICH Q2) with σ the scatter at the lowest level
        and S the slope there.
    """

    amount: Floats
    response: Floats
    shape: Shape
    weight: Weight
    coefficient: Floats
    covariance: Floats
    scatter: float
    back_calculated: Floats
    relative_error: Floats
    detection_limit: float
    quantification_limit: float

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest level that is not zero."""
        return float(self.amount[self.amount > 0].min()), float(self.amount.max())

    @property
    def degrees_of_freedom(self) -> int:
        """Levels less coefficients."""
        return len(self.amount) - len(self.coefficient)

    def amount_of(self, response: ArrayLike) -> Amount:
        """The amount that gives ``response``: one value, or the (m,) replicates of one sample.

        With y₀ the mean of m replicates and x₀ its amount, u² = (s²/(w₀·m) + gᵀ·C·g) / S², where w₀ is the
        weight at x₀, C the covariance of the coefficients, g = (1, x₀, x₀²) and S the slope at x₀. For a
        straight line with equal weights this is the textbook s(x₀) of inverse prediction.

        Raises
        ------
        InvalidMeasurement : a response is not finite.
        """
        measured = np.atleast_1d(np.asarray(response, np.float64))
        if not len(measured) or not np.isfinite(measured).all():
            raise InvalidMeasurement("a response must be a finite number")
        value = float(_inverse(self.coefficient, np.array([measured.mean()]), self.range[1])[0])
        if not np.isfinite(value):
            return Amount(value, float("nan"), self.degrees_of_freedom, Place.ABOVE_RANGE)
        weight = _weights(np.array([max(value, self._least)]), self.weight)[0]
        spread = self.scatter**2 / (weight * len(measured))
        powers = value ** np.arange(len(self.coefficient))
        variance = (spread + powers @ self.covariance @ powers) / _slope(self.coefficient, value) ** 2
        return Amount(value, float(np.sqrt(variance)), self.degrees_of_freedom, self._place(value))

    @property
    def _least(self) -> float:
        """Weights 1/x and 1/x² have no value at 0: below the lowest level its weight holds."""
        return self.range[0]

    def _place(self, value: float) -> Place:
        low, high = self.range
        if value < self.detection_limit:
            return Place.BELOW_DETECTION
        if value < max(low, self.quantification_limit):
            return Place.BELOW_RANGE
        return Place.ABOVE_RANGE if value > high else Place.INSIDE


def calibrate(
    amount: ArrayLike, response: ArrayLike, *, shape: Shape = Shape.LINEAR, weight: Weight = Weight.EQUAL
) -> Calibration:
    """Fit a curve to measured levels.

    Parameters
    ----------
    amount : (n,) ≥ 0, amounts (or ratios to the internal standard), replicates as separate entries.
    response : (n,), areas (or ratios to the internal standard's).

    Raises
    ------
    InvalidMeasurement : lengths differ, a value is not finite or an amount negative, too few different
        levels, the curve falls, or it bends back inside its range. The sentence says which, and what to do.
    """
    x, y = np.asarray(amount, np.float64), np.asarray(response, np.float64)
    degree = 1 if shape is Shape.LINEAR else 2
    _check(x, y, degree, weight)
    least = x[x > 0].min()
    w = _weights(np.maximum(x, least), weight)
    coefficient, covariance, scatter = _fit(x, y, w, degree)
    _check_rise(coefficient, float(x.max()))
    back = _inverse(coefficient, y, float(x.max()))
    sigma = scatter / np.sqrt(_weights(np.array([least]), weight)[0])
    slope = _slope(coefficient, float(least))
    return Calibration(
        amount=x,
        response=y,
        shape=shape,
        weight=weight,
        coefficient=coefficient,
        covariance=covariance,
        scatter=scatter,
        back_calculated=back,
        relative_error=np.divide(back - x, x, out=np.full(len(x), np.nan), where=x > 0),
        detection_limit=3.3 * sigma / slope,
        quantification_limit=10 * sigma / slope,
    )


def best_weight(amount: ArrayLike, response: ArrayLike, *, shape: Shape = Shape.LINEAR) -> Calibration:
    """Of the three weights, the curve whose levels come back with the smallest sum of relative errors.

    Almeida, Castel-Branco & Falcão 2002, J. Chromatogr. B 774:215. Equal sums go to the plainer weight.

    Raises
    ------
    InvalidMeasurement : as `calibrate`.
    """
    curves = [calibrate(amount, response, shape=shape, weight=weight) for weight in Weight]
    return min(curves, key=lambda curve: float(np.nansum(np.abs(curve.relative_error))))


def internal_standard_ratios(response: ArrayLike, internal_standard: ArrayLike) -> Floats:
    """(n,) float64: responses over those of the internal standard in the same injections.

    Raises
    ------
    InvalidMeasurement : lengths differ, or a response of the internal standard is not above zero.
    """
    measured = np.asarray(response, np.float64)
    beside = np.asarray(internal_standard, np.float64)
    if measured.shape != beside.shape:
        raise InvalidMeasurement("each response needs one response of the internal standard")
    if not (np.isfinite(beside).all() and (beside > 0).all()):
        raise InvalidMeasurement("the internal standard must have a response above zero in every injection")
    return np.asarray(measured / beside, np.float64)


def limits_from_blanks(blanks: ArrayLike, slope: float) -> tuple[float, float]:
    """Limits of detection and quantification, 3.3 s/S and 10 s/S, from (n ≥ 3) responses of blanks.

    Raises
    ------
    InvalidMeasurement : fewer than three blanks, or a slope that is not positive.
    """
    measured = np.asarray(blanks, np.float64)
    if len(measured) < 3 or not np.isfinite(measured).all():
        raise InvalidMeasurement("limits from blanks need at least three finite blank responses")
    if not slope > 0:
        raise InvalidMeasurement("limits need a rising calibration curve")
    deviation = float(measured.std(ddof=1))
    return 3.3 * deviation / slope, 10 * deviation / slope


def standard_addition(added: ArrayLike, response: ArrayLike) -> Amount:
    """Amount in the sample itself from responses after adding known amounts to equal portions.

    x = a/b of the straight line, s(x) = s(y/x)/b · √(1/n + ȳ² / (b²·Σ(x − x̄)²)) (Miller & Miller, chapter 5).

    Parameters
    ----------
    added : (n ≥ 3,) ≥ 0, amounts added, 0 for the sample alone.
    response : (n,).

    Raises
    ------
    InvalidMeasurement : as `calibrate`.
    """
    x, y = np.asarray(added, np.float64), np.asarray(response, np.float64)
    _check(x, y, 1, Weight.EQUAL)
    coefficient, _, scatter = _fit(x, y, np.ones(len(x)), 1)
    _check_rise(coefficient, float(x.max()))
    intercept, slope = coefficient
    spread = slope**2 * float(((x - x.mean()) ** 2).sum())
    uncertainty = scatter / slope * np.sqrt(1 / len(x) + y.mean() ** 2 / spread)
    place = Place.INSIDE if intercept > 0 else Place.BELOW_DETECTION
    return Amount(float(intercept / slope), float(uncertainty), len(x) - 2, place)


def _check(x: Floats, y: Floats, degree: int, weight: Weight) -> None:
    if x.ndim != 1 or x.shape != y.shape:
        raise InvalidMeasurement("each level needs one amount and one response")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InvalidMeasurement("amounts and responses must be finite; leave out what was not measured")
    if (x < 0).any():
        raise InvalidMeasurement("an amount cannot be negative")
    levels, needed = len(np.unique(x)), LEAST_LEVELS[degree]
    if levels < needed or len(x) <= degree + 1:
        raise InvalidMeasurement(
            f"{levels} different levels: this curve needs at least {needed}; measure more standards"
        )
    if weight is not Weight.EQUAL and len(np.unique(x[x > 0])) < needed - 1:
        raise InvalidMeasurement(f"weights {weight.value} need levels above zero; measure more standards")


def _check_rise(coefficient: Floats, highest: float) -> None:
    slopes = [_slope(coefficient, at) for at in (0.0, highest)]
    if slopes[0] <= 0 or (len(coefficient) == 2 and slopes[1] <= 0):
        raise InvalidMeasurement(
            "the response falls as the amount rises: check the order of the standards and the integration"
        )
    if slopes[1] <= 0:
        raise InvalidMeasurement(
            "the curve bends back inside its range (saturation): leave out the highest levels, or dilute"
        )


def _weights(x: Floats, weight: Weight) -> Floats:
    power = {Weight.EQUAL: 0, Weight.INVERSE: 1, Weight.INVERSE_SQUARE: 2}[weight]
    return np.asarray(1.0 / x**power, np.float64)


def _fit(x: Floats, y: Floats, w: Floats, degree: int) -> tuple[Floats, Floats, float]:
    """Coefficients, their covariance and the scatter, by QR of the scaled design."""
    scale = x.max() ** np.arange(degree + 1)
    design = np.vander(x, degree + 1, increasing=True) / scale
    root = np.sqrt(w)
    q, r = np.linalg.qr(design * root[:, None])
    scaled = np.linalg.solve(r, q.T @ (y * root))
    residual = (y - design @ scaled) * root
    scatter = float(np.sqrt((residual**2).sum() / (len(x) - degree - 1)))
    inverse = np.linalg.inv(r)
    covariance = scatter**2 * (inverse @ inverse.T) / np.outer(scale, scale)
    return scaled / scale, covariance, scatter


def _slope(coefficient: Floats, at: float) -> float:
    curve = coefficient[2] if len(coefficient) == 3 else 0.0
    return float(coefficient[1] + 2 * curve * at)


def _inverse(coefficient: Floats, response: Floats, highest: float) -> Floats:
    """Amounts on the rising branch; NaN where a falling parabola never reaches the response."""
    constant = coefficient[0] - response
    slope, curve = coefficient[1], coefficient[2] if len(coefficient) == 3 else 0.0
    if abs(curve) * highest <= 1e-12 * slope:
        return np.asarray(-constant / slope, np.float64)
    inside = slope**2 - 4 * curve * constant
    root = np.sqrt(np.where(inside >= 0, inside, np.nan))
    # The form without cancellation: c / q in place of (−b + √…) / 2a.
    return np.asarray(-2 * constant / (slope + root), np.float64)
