"""Water vapour: seen where it is, taken out of references, and no part of what a fit sees."""

from __future__ import annotations

import numpy as np
import pytest

from spectra.model import Axis, Floats, OpticalSpectrum, Ordinate
from spectra.optical.air import VAPOUR, dried, vapour_seen, vapour_slopes
from spectra.optical.grid import Grid
from spectra.similarity.optical import INFRARED, RAMAN, derivative, profile

X = np.arange(600.0, 3800.0, 1.0)
LINES = np.array(VAPOUR)


def bands(height: float = 0.5) -> Floats:
    rng = np.random.default_rng(1)
    places, widths = rng.uniform(700, 3600, 12), rng.uniform(8, 15, 12)
    y = np.exp(-0.5 * ((X[:, None] - places) / widths) ** 2).sum(axis=1)
    return height * y / y.max()


def vapour(width: float = 2.0, shift: float = 0.0) -> Floats:
    strengths = np.random.default_rng(2).uniform(0.3, 1.0, len(LINES))
    away = (X[:, None] - LINES - shift) / (width / 2)
    return np.asarray((strengths / (1 + away**2)).sum(axis=1), np.float64)


def measured(y: Floats, axis: Axis = Axis.WAVENUMBER) -> OpticalSpectrum:
    ordinate = Ordinate.ABSORBANCE if axis is Axis.WAVENUMBER else Ordinate.INTENSITY
    return OpticalSpectrum(axis, ordinate, X, y + np.random.default_rng(3).normal(0, 2e-4, len(X)))


@pytest.mark.parametrize("width", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("sign", [1, -1])  # more in the sample's beam, or in the background's
def test_vapour_is_seen_by_its_lines(width: float, sign: int) -> None:
    damp = bands() + sign * 0.02 * vapour(width)
    assert vapour_seen(profile(measured(damp), INFRARED), INFRARED)
    assert not vapour_seen(profile(measured(bands()), INFRARED), INFRARED)
    elsewhere = bands() + 0.02 * vapour(width, shift=4.0)
    assert not vapour_seen(profile(measured(elsewhere), INFRARED), INFRARED)


@pytest.mark.parametrize("width", [1.0, 2.0, 4.0])
def test_a_fit_is_blind_to_the_lines_and_not_to_bands(width: float) -> None:
    grid = Grid(INFRARED.parts, INFRARED.step, np.ones(len(INFRARED), bool), vapour_slopes(INFRARED, 9))

    def left(y: Floats) -> float:
        slope = derivative(profile(measured(y), INFRARED), INFRARED, 9).y
        return float(np.linalg.norm(grid.centred(slope)) / np.linalg.norm(slope))

    assert left(vapour(width)) < 0.15
    assert left(bands()) > 0.8


def test_lines_are_bridged_in_what_shows_them_only() -> None:
    dry, damp = measured(bands()), measured(bands() + 0.05 * vapour(1.0))
    assert dried(dry, INFRARED) is dry
    bridged = dried(damp, INFRARED)
    near = np.abs(X[:, None] - LINES).min(axis=1) < 1.5
    assert np.abs(bridged.y - bands())[near].max() < 0.3 * np.abs(damp.y - bands())[near].max()
    assert (bridged.y == damp.y)[np.abs(X[:, None] - LINES).min(axis=1) > 3.5].all()


def test_other_axes_and_short_spectra_are_left_alone() -> None:
    raman = measured(bands() + 0.05 * vapour(), Axis.RAMAN_SHIFT)
    assert dried(raman, RAMAN) is raman
    short = OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, X[:200], bands()[:200])
    assert dried(short, INFRARED) is short
