"""UV spectra beside a standard's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.errors import InvalidMeasurement
from spectra.model import Floats
from spectra.similarity.ultraviolet import compare, retention_agrees

GRID = np.arange(200.0, 401.0, 2.0)


def _bands(*bands: tuple[float, float], grid: Floats = GRID) -> Floats:
    """Gaussian bands of 12 nm: (centre, height)."""
    return np.asarray(sum(height * np.exp(-(((grid - at) / 12.0) ** 2)) for at, height in bands), np.float64)


# MDMA has maxima near 234 and 285 nm, cocaine near 233 and 275.
MDMA, COCAINE = _bands((236, 1.0), (286, 0.9)), _bands((233, 1.0), (275, 0.09))


@given(st.floats(1e-3, 1e3), st.floats(0.5, 3.0))
def test_scale_and_spacing_change_nothing(scale: float, step: float) -> None:
    grid = np.arange(205.0, 390.0, step)
    found = compare(grid, scale * _bands((236, 1.0), (286, 0.9), grid=grid), GRID, MDMA)
    assert found.correlation > 0.999
    assert found.same


def test_another_chromophore_is_told_by_what_differs() -> None:
    found = compare(GRID, COCAINE, GRID, MDMA)
    assert not found.same
    assert found.greatest_difference > 0.5
    assert found.greatest_shift == float("inf")


def test_a_maximum_that_lies_elsewhere_is_another_one() -> None:
    found = compare(GRID, _bands((240, 1.0), (290, 0.9)), GRID, MDMA)
    assert found.greatest_shift == pytest.approx(4, abs=1)
    assert not found.same


def test_what_lies_below_220_nm_is_not_compared() -> None:
    found = compare(GRID, MDMA + _bands((205, 3.0)) * (GRID < 215), GRID, MDMA)
    assert found.same
    assert found.low == 220


@pytest.mark.parametrize(
    ("wavelength", "absorbance", "says"),
    [
        ([200, 210], [1.0, 1.0], "in common"),
        (GRID, np.zeros(len(GRID)), "no absorbance"),
        (GRID[::-1], MDMA, "ascending"),
        (GRID, MDMA[:-1], "one absorbance"),
        (GRID, np.full(len(GRID), np.nan), "finite"),
    ],
)
def test_a_spectrum_that_tells_nothing_is_refused(wavelength: Floats, absorbance: Floats, says: str) -> None:
    with pytest.raises(InvalidMeasurement, match=says):
        compare(wavelength, absorbance, GRID, MDMA)


@pytest.mark.parametrize(
    ("retention", "agrees"), [(10.0, True), (10.25, True), (10.26, False), (9.75, True), (9.7, False)]
)
def test_retention_agrees_within_its_tolerance(retention: float, agrees: bool) -> None:
    assert retention_agrees(retention, 10.0) is agrees


def test_a_retention_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidMeasurement):
        retention_agrees(0.0, 10.0)
