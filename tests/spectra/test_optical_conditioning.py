"""What a measured spectrum is good for: bands, or an empty crystal, noise, a saturated or an inverted one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.errors import InvalidMeasurement
from spectra.model import Axis, Floats, OpticalSpectrum, Ordinate
from spectra.optical.air import CARBON_DIOXIDE, VAPOUR
from spectra.optical.conditioning import (
    State,
    baseline,
    condition,
    strength,
)
from spectra.similarity.optical import INFRARED, RAMAN, Profile, profile

X = np.arange(600.0, 3800.0, 1.0)


def bands(seed: int = 1, height: float = 0.5) -> Floats:
    rng = np.random.default_rng(seed)
    places, widths = rng.uniform(700, 3600, 12), rng.uniform(5, 15, 12)
    y = np.exp(-0.5 * ((X[:, None] - places) / widths) ** 2).sum(axis=1)
    return height * y / y.max()


def measured(
    y: Floats, ordinate: Ordinate = Ordinate.ABSORBANCE, axis: Axis = Axis.WAVENUMBER
) -> OpticalSpectrum:
    return OpticalSpectrum(axis, ordinate, X, y)


def noise(deviation: float, seed: int = 2) -> Floats:
    return np.random.default_rng(seed).normal(0, deviation, len(X))


def test_bands_are_measured_and_stand_above_a_curved_baseline() -> None:
    beneath = 0.2 + 0.1 * (X / 4000) ** 2
    ready = condition(measured(bands() + beneath + noise(0.0005)), INFRARED)
    assert ready.state is State.MEASURED
    flat = profile(measured(bands()), INFRARED).y
    assert np.abs(ready.signal - flat).max() < 0.02
    assert ready.noise == pytest.approx(0.0005 / np.sqrt(2), rel=0.3)  # two places make one


@pytest.mark.parametrize("deviation", [0.0, 1e-5, 1e-4, 1e-3])
def test_an_empty_crystal_is_recognised(deviation: float) -> None:
    drift = 0.05 + 0.01 * X / 4000
    assert condition(measured(drift + noise(deviation)), INFRARED).state is State.EMPTY
    light = measured(1 + noise(deviation), Ordinate.TRANSMITTANCE)
    assert condition(light, INFRARED).state is State.EMPTY


def test_noise_alone_is_weak_saturated_and_inverted_are_told() -> None:
    assert condition(measured(noise(0.05)), INFRARED).state is State.WEAK
    assert condition(measured(np.minimum(40 * bands(), 3.5)), INFRARED).state is State.SATURATED
    assert condition(measured(1 - bands() + noise(0.0005)), INFRARED).state is State.INVERTED


def test_raman_counts_have_no_least_height_and_no_lines_of_the_air() -> None:
    counts = measured(1e-4 * bands() + 1.0, Ordinate.INTENSITY, Axis.RAMAN_SHIFT)
    ready = condition(counts, RAMAN)
    assert ready.state is State.MEASURED
    assert not ready.vapour
    assert ready.keep[(RAMAN.x > CARBON_DIOXIDE[0]) & (RAMAN.x < CARBON_DIOXIDE[1])].all()


def test_water_vapour_is_seen() -> None:
    lines = np.exp(-0.5 * ((X[:, None] - np.array(VAPOUR)) / 1.5) ** 2).sum(axis=1)
    dry, damp = (condition(measured(bands() + each + noise(2e-4)), INFRARED) for each in (0.0, 0.02 * lines))
    assert not dry.vapour
    assert damp.vapour


def test_carbon_dioxide_and_the_ends_of_regions_do_not_count() -> None:
    keep = condition(measured(bands()), INFRARED).keep
    assert not keep[(INFRARED.x > CARBON_DIOXIDE[0]) & (INFRARED.x < CARBON_DIOXIDE[1])].any()
    assert not keep[0]
    assert not keep[-1]


@given(st.floats(0.01, 100.0), st.floats(-1.0, 1.0))
def test_strength_grows_with_the_spectrum_and_not_with_its_offset(factor: float, offset: float) -> None:
    one = profile(measured(bands()), INFRARED)
    other = Profile(factor * one.y + offset, one.first, one.last)
    assert strength(other, INFRARED) == pytest.approx(factor * strength(one, INFRARED), rel=0.02)


@pytest.mark.parametrize("y", [np.zeros(3), np.ones(3)])
def test_short_or_flat_pieces_are_their_own_baseline(y: Floats) -> None:
    values = np.zeros(len(INFRARED))
    values[:3] = y
    assert baseline(Profile(values, 0, 3), INFRARED)[:3] == pytest.approx(y)


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InvalidMeasurement, match="single beam"):
        condition(measured(bands(), Ordinate.SINGLE_BEAM), INFRARED)
    with pytest.raises(InvalidMeasurement, match="finite"):
        measured(np.where(X > 2000, np.nan, bands()))
    short = OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, X[:300], bands()[:300])
    with pytest.raises(InvalidMeasurement, match="too little"):
        condition(short, INFRARED)
    two = OpticalSpectrum(
        Axis.WAVENUMBER, Ordinate.ABSORBANCE, np.array([700.0, 720.0]), np.array([0.0, 1.0])
    )
    with pytest.raises(InvalidMeasurement, match="too little"):
        condition(two, INFRARED)
