"""From an amount in a measured solution to the content of what was handed in, with its uncertainty budget.

Promises: every factor that was stated stands in the budget with its share of the variance; an estimate from a
response factor of another substance says so by its interval. Refuses factors that are not positive.

The content is a product of factors, c = Π factorᵉˣᵖᵒⁿᵉⁿᵗ: amount from the curve, volume, dilution, mass of
the aliquot, content of the standard, recovery, homogeneity. Uncertainties combine to first order (GUM, JCGM
100:2008, 5.1.2) by the package ``uncertainties``. U = k·u holds about 95 %: k is 2, and more where few
measurements tell the scatter (effective degrees of freedom after Welch & Satterthwaite, GUM annex G.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from uncertainties import nominal_value, ufloat
from uncertainties.core import AffineScalarFunc

from spectra.errors import InvalidMeasurement

PROBABILITY = (
    0.9544997361036416  # of two standard deviations of a normal distribution: k = 2 (EA-4/02, annex E)
)

# Relative response of two drugs without a calibration, as a factor either way at 95 %: areas of total ion
# chromatograms and flame ionisation differ by up to 2, electrospray and DART by up to 100.
UNKNOWN_RESPONSE = {"gc": 2.0, "gc_ms": 2.0, "lc": 5.0, "lc_ms": 100.0, "ms": 100.0}


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of a content.

    Parameters
    ----------
    name : as the budget shows it.
    value : > 0, in its own unit.
    standard_uncertainty : ≥ 0, same unit.
    exponent : 1 for a factor, −1 for a divisor.
    degrees_of_freedom : > 0, of the standard uncertainty; infinite where it comes from a certificate.
    """

    name: str
    value: float
    standard_uncertainty: float = 0.0
    exponent: int = 1
    degrees_of_freedom: float = np.inf


@dataclass(frozen=True, slots=True)
class Measured:
    """What a balance, a pipette or a certificate says, with its standard uncertainty in the same unit."""

    value: float
    standard_uncertainty: float = 0.0

    def factor(self, name: str, exponent: int = 1) -> Factor:
        """As a factor of a content."""
        return Factor(name, self.value, self.standard_uncertainty, exponent)


ONE = Measured(1.0)


@dataclass(frozen=True, slots=True)
class Preparation:
    """What was done between the item handed in and the solution that was measured.

    Parameters
    ----------
    volume_ml : mL of solvent the portion was dissolved in.
    aliquot_mg : mg of the portion; None where a whole unit (a blotter) was dissolved.
    unit_mg : mg of the whole unit, None where it is not one.
    dilution : factor ≥ 1 from that solution to the one measured.
    standard_purity : content of the reference substance, as a fraction.
    recovery : part of the substance that reached the solution, as a fraction.
    homogeneity : relative standard deviation between portions of the item; see `homogeneity`.
    precision : relative standard deviation of the whole procedure beside what the curve tells.
    """

    volume_ml: Measured
    aliquot_mg: Measured | None = None
    unit_mg: Measured | None = None
    dilution: Measured = ONE
    standard_purity: Measured = ONE
    recovery: Measured = ONE
    homogeneity: float = 0.0
    precision: float = 0.0


@dataclass(frozen=True, slots=True)
class Contribution:
    """Share (0..1) that one factor has in the variance of a content."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Content:
    """A content and how sure it is.

    Parameters
    ----------
    value, standard_uncertainty : in the unit that the factors multiply to.
    budget : one entry per factor, the largest share first.
    degrees_of_freedom : effective ones of ``standard_uncertainty``.
    """

    value: float
    standard_uncertainty: float
    budget: tuple[Contribution, ...]
    degrees_of_freedom: float = np.inf

    @property
    def coverage_factor(self) -> float:
        """The factor k by Student's t: 2 for many degrees of freedom, 2.87 for four."""
        return float(stats.t.ppf((1 + PROBABILITY) / 2, self.degrees_of_freedom))

    @property
    def expanded_uncertainty(self) -> float:
        """U = k·u."""
        return self.coverage_factor * self.standard_uncertainty

    def times(self, factor: float) -> Content:
        """In another unit, or as another form (base for salt): an exact factor changes no share."""
        scaled = self.value * factor, self.standard_uncertainty * factor
        return Content(*scaled, self.budget, self.degrees_of_freedom)


@dataclass(frozen=True, slots=True)
class Estimate:
    """An amount known to a factor only: ``low`` and ``high`` enclose it with 95 % probability."""

    value: float
    low: float
    high: float


def content(factors: Sequence[Factor]) -> Content:
    """The product of the factors and its uncertainty budget.

    Raises
    ------
    InvalidMeasurement : no factor, a value that is not finite and positive, a negative uncertainty, or one
        name twice.
    """
    if not factors or len({factor.name for factor in factors}) != len(factors):
        raise InvalidMeasurement("a content needs factors, each under a name of its own")
    product: float | AffineScalarFunc = 1.0
    for factor in factors:
        product = product * _quantity(factor) ** factor.exponent
    parts = (
        {one.tag: part**2 for one, part in product.error_components().items()}
        if isinstance(product, AffineScalarFunc)
        else {}
    )
    variance = sum(parts.values())
    shares = [
        Contribution(factor.name, parts.get(factor.name, 0.0) / variance if variance else 0.0)
        for factor in factors
    ]
    budget = tuple(sorted(shares, key=lambda one: -one.share))
    told = {factor.name: factor.degrees_of_freedom for factor in factors}
    lost = sum(part**2 / told[name] for name, part in parts.items())
    freedom = variance**2 / lost if lost else np.inf
    return Content(float(nominal_value(product)), float(np.sqrt(variance)), budget, float(freedom))


def homogeneity(contents: ArrayLike) -> Factor:
    """A factor 1 for how much portions of one item differ, from (n ≥ 2) contents of portions of equal size.

    Its uncertainty is the relative standard deviation of a single portion: what the next crumb holds.

    Raises
    ------
    InvalidMeasurement : fewer than two portions, or a mean that is not positive.
    """
    measured = np.asarray(contents, np.float64)
    if len(measured) < 2 or not np.isfinite(measured).all() or measured.mean() <= 0:
        raise InvalidMeasurement("homogeneity needs the contents of two portions at least")
    spread = float(measured.std(ddof=1) / measured.mean())
    return Factor("homogeneity", 1.0, spread, degrees_of_freedom=len(measured) - 1)


def single_point(
    response: float, standard_response: float, standard_amount: Factor, repeatability: float
) -> Content:
    """Amount by one standard of the same substance: standard amount × response / response of the standard.

    Parameters
    ----------
    repeatability : ≥ 0, relative standard deviation of one response.

    The straight line through zero that this takes for granted is not tested by it; `calibrate` tests it.

    Raises
    ------
    InvalidMeasurement : see `content`.
    """
    return content(
        [
            standard_amount,
            Factor("response of the sample", response, repeatability * response),
            Factor("response of the standard", standard_response, repeatability * standard_response, -1),
        ]
    )


def prepared(amount: Factor, preparation: Preparation) -> tuple[Factor, ...]:
    """The factors that lead from the amount in the measured solution to what was dissolved, in mg.

    Parameters
    ----------
    amount : concentration in the measured solution, mg/mL.
    """
    made = preparation
    every = (
        amount,
        made.volume_ml.factor("volume"),
        made.dilution.factor("dilution"),
        made.standard_purity.factor("content of the standard"),
        made.recovery.factor("recovery", -1),
        Factor("homogeneity", 1.0, made.homogeneity),
        Factor("precision", 1.0, made.precision),
    )
    return tuple(one for one in every if (one.value, one.standard_uncertainty) != (1.0, 0.0))


def percent_by_mass(amount: Factor, preparation: Preparation) -> Content:
    """Content in percent by mass of what was weighed in.

    Raises
    ------
    InvalidMeasurement : nothing was weighed in; see also `content`.
    """
    if preparation.aliquot_mg is None:
        raise InvalidMeasurement("a percentage by mass needs the mass of what was dissolved")
    weighed = preparation.aliquot_mg.factor("mass dissolved", -1)
    return content([*prepared(amount, preparation), weighed]).times(100.0)


def milligrams_per_unit(amount: Factor, preparation: Preparation) -> Content:
    """Content in mg of one unit: of the whole unit dissolved, or by its mass from the portion dissolved.

    Raises
    ------
    InvalidMeasurement : a portion was weighed but not the unit; see also `content`.
    """
    dissolved = prepared(amount, preparation)
    if preparation.aliquot_mg is None:
        return content(dissolved)
    if preparation.unit_mg is None:
        raise InvalidMeasurement("an amount per unit needs the mass of the whole unit")
    weighed = preparation.aliquot_mg.factor("mass dissolved", -1)
    return content([*dissolved, weighed, preparation.unit_mg.factor("mass of the unit")])


def by_relative_response(amount: float, technique: str) -> Estimate:
    """An amount by the curve of another substance: true to the factor by which responses differ.

    Parameters
    ----------
    technique : key of `UNKNOWN_RESPONSE`.

    Raises
    ------
    InvalidMeasurement : the technique has no such factor, or the amount is not positive.
    """
    if technique not in UNKNOWN_RESPONSE or not amount > 0:
        raise InvalidMeasurement(f"no amount can be estimated without a standard by {technique!r}")
    factor = UNKNOWN_RESPONSE[technique]
    return Estimate(amount, amount / factor, amount * factor)


def _quantity(factor: Factor) -> float | AffineScalarFunc:
    """A variable with its name, or a plain number where it is exact."""
    if not (np.isfinite(factor.value) and factor.value > 0):
        raise InvalidMeasurement(f"{factor.name}: a factor must be a positive number")
    if not (np.isfinite(factor.standard_uncertainty) and factor.standard_uncertainty >= 0):
        raise InvalidMeasurement(f"{factor.name}: an uncertainty cannot be negative")
    if not factor.degrees_of_freedom > 0:
        raise InvalidMeasurement(f"{factor.name}: degrees of freedom must be above zero")
    exact = factor.standard_uncertainty == 0
    return factor.value if exact else ufloat(factor.value, factor.standard_uncertainty, factor.name)
