"""Calibration curves against certified and published values, and how often their intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.chromatography.calibration import (
    Place,
    Shape,
    Weight,
    best_weight,
    calibrate,
    limits_from_blanks,
    standard_addition,
)
from spectra.errors import InvalidMeasurement

# Fluorescein in pg/mL and its fluorescence: Miller & Miller, example of chapter 5.
FLUORESCEIN = ([0, 2, 4, 6, 8, 10, 12], [2.1, 5.0, 9.0, 12.6, 17.3, 21.0, 24.7])
# NIST Statistical Reference Data, Pontius: load cell, 1994, with certified values of a parabola.
PONTIUS = (
    np.tile(np.arange(150_000, 3_000_001, 150_000), 2),
    np.fromstring(
        ".11019 .21956 .32949 .43899 .54803 .65694 .76562 .87487 .98292 1.09146 1.20001 1.30822 1.41599 "
        "1.52399 1.63194 1.73947 1.84646 1.95392 2.06128 2.16844 .11052 .22018 .32939 .43886 .54798 .65739 "
        ".76596 .87474 .98300 1.09150 1.20004 1.30818 1.41613 1.52408 1.63159 1.73965 1.84696 1.95445 "
        "2.06177 2.16829",
        sep=" ",
    ),
)


def test_a_straight_line_is_the_published_one() -> None:
    curve = calibrate(*FLUORESCEIN)
    assert curve.coefficient == pytest.approx([1.5179, 1.9304], abs=5e-5)
    assert curve.scatter == pytest.approx(0.4328, abs=5e-5)
    assert np.sqrt(np.diag(curve.covariance)) == pytest.approx([0.2949, 0.0409], abs=5e-5)


@pytest.mark.parametrize(
    ("response", "value", "uncertainty"), [(2.9, 0.72, 0.26), (13.5, 6.21, 0.24), (23.0, 11.13, 0.26)]
)
def test_amounts_and_their_uncertainty_are_the_published_ones(
    response: float, value: float, uncertainty: float
) -> None:
    amount = calibrate(*FLUORESCEIN).amount_of(response)
    assert amount.value == pytest.approx(value, abs=0.005)
    assert amount.standard_uncertainty == pytest.approx(uncertainty, abs=0.005)


def test_a_parabola_has_the_certified_coefficients() -> None:
    curve = calibrate(*PONTIUS, shape=Shape.QUADRATIC)
    certified = [0.673565789473684e-03, 0.732059160401003e-06, -0.316081871345029e-14]
    assert curve.coefficient == pytest.approx(certified, rel=1e-9)
    assert curve.scatter == pytest.approx(0.205177424076185e-03, rel=1e-9)
    deviations = [0.107938612033077e-03, 0.157817399981659e-09, 0.486652849992036e-16]
    assert np.sqrt(np.diag(curve.covariance)) == pytest.approx(deviations, rel=1e-7)


def test_standard_addition_is_the_published_one() -> None:
    """Seven additions of a standard: Miller & Miller, chapter 5."""
    amount = standard_addition([0, 5, 10, 15, 20, 25, 30], [0.32, 0.41, 0.52, 0.60, 0.70, 0.77, 0.89])
    assert amount.value == pytest.approx(17.26, abs=0.005)
    assert amount.standard_uncertainty == pytest.approx(0.749, abs=0.002)


def test_limits_are_multiples_of_scatter_over_slope() -> None:
    curve = calibrate(*FLUORESCEIN)
    assert curve.detection_limit == pytest.approx(3.3 * 0.432848 / 1.930357, rel=1e-5)
    assert curve.quantification_limit == pytest.approx(10 * 0.432848 / 1.930357, rel=1e-5)
    assert limits_from_blanks([1.0, 2.0, 3.0], slope=2.0) == pytest.approx((1.65, 5.0))


def test_places() -> None:
    curve = calibrate(*FLUORESCEIN)
    told = [curve.amount_of(y).place for y in (1.6, 4.0, 13.5, 60.0)]
    assert told == [Place.BELOW_DETECTION, Place.BELOW_RANGE, Place.INSIDE, Place.ABOVE_RANGE]


def test_replicates_narrow_the_interval() -> None:
    curve = calibrate(*FLUORESCEIN)
    assert (
        curve.amount_of([13.4, 13.5, 13.6]).standard_uncertainty < curve.amount_of(13.5).standard_uncertainty
    )


@given(
    slope=st.floats(0.01, 1e6),
    intercept=st.floats(0, 1e3),
    bend=st.floats(-0.02, 0.02),
    shape=st.sampled_from(Shape),
    weight=st.sampled_from(Weight),
)
def test_a_curve_without_scatter_gives_its_levels_back(
    slope: float, intercept: float, bend: float, shape: Shape, weight: Weight
) -> None:
    x = np.array([1.0, 2, 5, 10, 20])
    curved = bend * slope * x**2 if shape is Shape.QUADRATIC else 0.0
    curve = calibrate(x, intercept + slope * x + curved, shape=shape, weight=weight)
    assert curve.back_calculated == pytest.approx(x, rel=1e-6, abs=1e-6 * (1 + intercept / slope))


@pytest.mark.parametrize("weight", Weight)
def test_intervals_hold_the_truth_as_often_as_they_say(weight: Weight) -> None:
    """4,000 simulated calibrations; the band is ± 4.4 standard deviations of the count around 95 %."""
    rng = np.random.default_rng(20260101)
    x, truth, power = np.repeat([1.0, 2, 5, 10, 20, 50], 2), 12.0, list(Weight).index(weight) / 2
    inside = 0
    for _ in range(4000):
        level = 3 * x + rng.normal(0, 0.05 * 3 * x**power)
        measured = 3 * truth + rng.normal(0, 0.05 * 3 * truth**power, 2)
        low, high = calibrate(x, level, weight=weight).amount_of(measured).interval()
        inside += low <= truth <= high
    assert 0.935 <= inside / 4000 <= 0.965


def test_the_weight_that_fits_the_scatter_is_chosen() -> None:
    rng = np.random.default_rng(5)
    x = np.repeat([1.0, 3, 10, 30, 100], 3)
    curve = best_weight(x, 2 * x * rng.normal(1, 0.05, len(x)))
    assert curve.weight is not Weight.EQUAL


@pytest.mark.parametrize(
    ("amount", "response", "shape", "says"),
    [
        ([1, 2], [1, 2], Shape.LINEAR, "measure more standards"),
        ([1, 1, 1, 2, 2], [1, 1, 1, 2, 2], Shape.LINEAR, "measure more standards"),
        ([1, 2, 3], [3, 2, 1], Shape.LINEAR, "falls as the amount rises"),
        ([1, 2, 3, 4, 5], [10, 18, 22, 21, 16], Shape.QUADRATIC, "bends back"),
        ([1, 2, -3], [1, 2, 3], Shape.LINEAR, "cannot be negative"),
        ([1, 2, 3], [1, 2, float("nan")], Shape.LINEAR, "must be finite"),
        ([1, 2, 3], [1, 2], Shape.LINEAR, "one amount and one response"),
    ],
)
def test_a_curve_that_gives_no_amount_is_refused(
    amount: list[float], response: list[float], shape: Shape, says: str
) -> None:
    with pytest.raises(InvalidMeasurement, match=says):
        calibrate(amount, response, shape=shape)
