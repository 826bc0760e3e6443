"""Digits that an uncertainty leaves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.rounding import round_to_uncertainty, significant


@pytest.mark.parametrize(
    ("value", "uncertainty", "told"),
    [
        (82.347, 2.61, ("82", "3")),
        (0.09876, 0.0034, ("0.099", "0.003")),
        (1234.0, 56.0, ("1230", "60")),
        (5.0, 0.96, ("5", "1")),  # one digit of 0.96 is 1, not 1.0
        (5.0, 0.094, ("5.00", "0.09")),
        (0.2, 1.5, ("0", "2")),
        (9.9996, 0.00005, ("9.99960", "0.00005")),
        (1e-7, 3e-9, ("0.000000100", "0.000000003")),
    ],
)
def test_the_value_ends_where_the_uncertainty_begins(
    value: float, uncertainty: float, told: tuple[str, str]
) -> None:
    assert round_to_uncertainty(value, uncertainty) == told


@given(value=st.floats(0, 1e6), uncertainty=st.floats(1e-6, 1e5))
def test_rounding_moves_a_value_by_half_a_place_at_most(value: float, uncertainty: float) -> None:
    shown, spread = (float(text) for text in round_to_uncertainty(value, uncertainty))
    assert 2 / 3 * uncertainty <= spread * (1 + 1e-12) <= 1.5 * uncertainty * (1 + 2e-12) + 1e-15
    assert abs(shown - value) <= spread / 2 * (1 + 1e-9)


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (12.345, "12"), (0.04567, "0.046"), (995.0, "1000")])
def test_significant_digits(value: float, text: str) -> None:
    assert significant(value) == text


@pytest.mark.parametrize("uncertainty", [0.0, -1.0, float("nan"), float("inf")])
def test_an_uncertainty_that_says_nothing_is_refused(uncertainty: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        round_to_uncertainty(1.0, uncertainty)
