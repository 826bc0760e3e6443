"""Which calibrations a rule lets through."""

from __future__ import annotations

import numpy as np
import pytest

from spectra.chromatography.acceptance import RULES, Shortcoming, judge
from spectra.chromatography.calibration import Weight, calibrate, internal_standard_ratios
from spectra.errors import InvalidMeasurement

X = np.array([1.0, 2, 5, 10, 20, 50])


def test_a_good_curve_is_accepted_and_every_level_is_told() -> None:
    told = judge(
        calibrate(X, 3 * X * np.array([1.05, 0.97, 1.01, 0.99, 1.02, 0.98]), weight=Weight.INVERSE_SQUARE)
    )
    assert told.accepted
    assert [level.amount for level in told.levels] == X.tolist()
    assert [level.tolerance for level in told.levels] == [0.20, *[0.15] * 5]


def test_five_levels_are_too_few() -> None:
    told = judge(calibrate(X[:5], 3 * X[:5]))
    assert told.shortcomings == (Shortcoming.TOO_FEW_LEVELS,)


def test_a_blank_is_no_level() -> None:
    told = judge(calibrate([0, *X[:5]], 3 * np.array([0, *X[:5]])))
    assert Shortcoming.TOO_FEW_LEVELS in told.shortcomings


def test_a_level_passes_with_half_of_its_replicates() -> None:
    x = np.repeat(X, 2)
    response = 3 * x
    response[4] *= 1.4  # one of the two at 5
    told = judge(calibrate(x, response, weight=Weight.INVERSE_SQUARE))
    assert told.accepted
    assert [abs(error) > 0.15 for error in told.levels[2].relative_errors] == [True, False]


def test_a_quarter_of_the_standards_may_miss_and_not_more() -> None:
    x = np.repeat(X, 4)
    response = 3 * x
    response[::2] *= 1.5  # half of the replicates of every level
    told = judge(calibrate(x, response, weight=Weight.INVERSE_SQUARE))
    assert Shortcoming.TOO_FEW_STANDARDS in told.shortcomings


def test_a_curve_of_scatter_alone_quantifies_nothing() -> None:
    rng = np.random.default_rng(1)
    told = judge(calibrate(X, 100 + 0.5 * X + rng.normal(0, 20, len(X)) * 0.5))
    assert Shortcoming.NO_SLOPE_IN_RANGE in told.shortcomings


def test_rules_name_their_source() -> None:
    assert all(rule.source and code == rule.code for code, rule in RULES.items())


def test_ratios_take_away_what_the_injection_did() -> None:
    injected = np.array([0.8, 1.1, 0.95, 1.0, 1.2, 0.7])
    ratios = internal_standard_ratios(30 * X * injected, 500 * injected)
    assert ratios == pytest.approx(30 * X / 500)


@pytest.mark.parametrize("beside", [[1.0, 0.0], [1.0], [1.0, float("nan")]])
def test_an_internal_standard_that_is_missing_is_refused(beside: list[float]) -> None:
    with pytest.raises(InvalidMeasurement, match="internal standard"):
        internal_standard_ratios([1.0, 2.0], beside)
