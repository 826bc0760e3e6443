"""Likeness of optical spectra: what changes it, and what must not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import savgol_filter

from spectra.errors import InvalidMeasurement
from spectra.model import Axis, Floats, OpticalSpectrum, Ordinate
from spectra.similarity.optical import (
    INFRARED,
    RAMAN,
    WINDOWS,
    Profile,
    absorbance,
    correlation_hqi,
    derivative,
    euclidean_hqi,
    noise,
    profile,
    window_for,
)

X = np.arange(400.0, 4000.5, 1.0)


def bands(*places: float, x: Floats = X, width: float = 15.0) -> Floats:
    return np.asarray(sum(np.exp(-0.5 * ((x - place) / width) ** 2) for place in places), np.float64)


def infrared(y: Floats, ordinate: Ordinate = Ordinate.ABSORBANCE, x: Floats = X) -> OpticalSpectrum:
    return OpticalSpectrum(Axis.WAVENUMBER, ordinate, x, y)


def test_the_axis_leaves_out_carbon_dioxide_and_diamond() -> None:
    assert not np.any((INFRARED.x > 1900) & (INFRARED.x < 2400))
    assert len(INFRARED) == sum(part.stop - part.start for part in INFRARED.parts) == 1077
    assert np.all(np.diff(RAMAN.x) > 0)


def test_every_ordinate_becomes_the_same_absorbance() -> None:
    a = bands(900, 1700)
    share = 10**-a
    for spectrum in (
        infrared(share, Ordinate.TRANSMITTANCE),
        infrared(share, Ordinate.REFLECTANCE),
        infrared(share, Ordinate.INTENSITY),  # an unnamed column that hangs
        infrared(100 * share, Ordinate.INTENSITY),
        infrared(a, Ordinate.INTENSITY),
        infrared(a),
    ):
        assert absorbance(spectrum) == pytest.approx(a, abs=1e-9)


def test_no_light_is_no_infinity() -> None:
    assert absorbance(infrared(np.zeros(len(X)), Ordinate.TRANSMITTANCE)).max() == 3


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InvalidMeasurement, match="single beam"):
        profile(infrared(bands(900), Ordinate.SINGLE_BEAM), INFRARED)
    with pytest.raises(InvalidMeasurement, match="wavelengths"):
        profile(OpticalSpectrum(Axis.WAVELENGTH, Ordinate.ABSORBANCE, X, bands(900)), INFRARED)
    short = X[:400]
    with pytest.raises(InvalidMeasurement, match="too little"):
        profile(infrared(bands(500, x=short), x=short), INFRARED)
    with pytest.raises(InvalidMeasurement, match="too little"):
        profile(infrared(np.ones(1), x=np.array([1000.0])), INFRARED)


def test_outside_the_measured_range_nothing_is_known() -> None:
    part = X[(X >= 800) & (X <= 3200)]
    one = profile(infrared(bands(900, x=part), x=part), INFRARED)
    assert INFRARED.x[one.first] == 800
    assert INFRARED.x[one.last - 1] == 3200
    assert not one.y[: one.first].any()
    assert not one.y[one.last :].any()


@pytest.mark.parametrize("step", [0.2, 0.97, 1.93, 3.9])
def test_instruments_of_any_spacing_agree(step: float) -> None:
    x = np.arange(500.0, 3999.0, step)
    other = profile(infrared(bands(900, 1700, 2900, x=x), x=x), INFRARED)
    assert other.y == pytest.approx(profile(infrared(bands(900, 1700, 2900)), INFRARED).y, abs=0.01)


def test_averaging_over_the_step_keeps_noise_from_being_aliased() -> None:
    x = np.arange(600.0, 3800.0, 0.1)
    fine = np.random.default_rng(1).normal(0, 1, len(x))
    assert np.std(profile(infrared(fine, x=x), INFRARED).y) < 0.3


def test_a_shift_is_taken_back() -> None:
    moved = infrared(bands(903, 1703))
    assert profile(moved, INFRARED, shift=3.0).y == pytest.approx(
        profile(infrared(bands(900, 1700)), INFRARED).y, abs=0.02
    )


def test_noise_is_measured_beside_bands() -> None:
    rng = np.random.default_rng(2)
    x = np.arange(600.0, 3800.0, 2.0)
    y = bands(900, 1100, 1700, 2900, x=x) + rng.normal(0, 0.02, len(x))
    assert noise(profile(infrared(y, x=x), INFRARED), INFRARED) == pytest.approx(0.02, rel=0.3)
    assert noise(profile(infrared(bands(900, 1100)), INFRARED), INFRARED) < 1e-4


def test_a_noisy_spectrum_gets_the_wider_window() -> None:
    rng = np.random.default_rng(3)
    clean = bands(900, 1700)
    assert window_for(profile(infrared(clean), INFRARED), INFRARED) == WINDOWS[0]
    noisy = infrared(clean + rng.normal(0, 0.3, len(X)))
    assert window_for(profile(noisy, INFRARED), INFRARED) == WINDOWS[-1]


@pytest.mark.parametrize("window", [3, 9, 21])
def test_the_derivative_is_that_of_savitzky_and_golay(window: int) -> None:
    y = np.random.default_rng(6).normal(0, 1, len(INFRARED))
    found = derivative(Profile(y, 0, len(y)), INFRARED, window).y
    expected = np.concatenate(
        [savgol_filter(y[part], window, 2, deriv=1, delta=INFRARED.step) for part in INFRARED.parts]
    )
    assert found == pytest.approx(expected, abs=1e-9)


def test_the_derivative_does_not_see_a_sloping_baseline() -> None:
    plain = profile(infrared(bands(900, 1700)), INFRARED)
    tilted = profile(infrared(bands(900, 1700) + X / 1000), INFRARED)
    one, other = (derivative(each, INFRARED, 9).y for each in (plain, tilted))
    assert correlation_hqi(one, other) > 999.9
    assert correlation_hqi(plain.y, tilted.y) < 900


@given(st.floats(0.01, 100), st.floats(-10, 10))
def test_scale_and_offset_change_nothing(factor: float, offset: float) -> None:
    y = bands(900, 1700)
    assert correlation_hqi(y, factor * y + offset) == pytest.approx(1000, abs=1e-3)
    assert euclidean_hqi(y, factor * y) == pytest.approx(1000, abs=1e-3)


def test_the_opposite_is_no_likeness() -> None:
    y = bands(900, 1700)
    assert correlation_hqi(y, -y) == 0
    assert euclidean_hqi(y, -y) == 0
    assert correlation_hqi(y, np.ones(len(y))) == 0
    with pytest.raises(InvalidMeasurement):
        correlation_hqi(y, y[1:])


def test_euclidean_value_is_that_of_its_formula() -> None:
    assert euclidean_hqi([1.0, 0.0], [1.0, 1.0]) == pytest.approx(1000 * (1 - np.sqrt(1 - np.sqrt(0.5))))
