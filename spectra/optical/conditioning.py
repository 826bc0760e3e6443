"""A measured infrared or Raman spectrum made ready to be taken apart, or refused with a reason.

Promises: absorbance on the common axis, its baseline beside it, and which places tell of the sample; an
empty crystal, a spectrum lost in its noise, a saturated one and one whose bands hang downwards are
recognised before anything is searched. Refuses what `spectra.similarity.optical.profile` refuses.

Carbon dioxide near 2350 cm⁻¹ and diamond (1900 to 2300) lie between the regions of the common axis; its
bending band at 667 is left out here, and lines of water vapour are recognised (`spectra.optical.air`).
Baseline: arPLS, Baek et al. 2015, doi 10.1039/C4AN01061B, as pybaselines computes it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from spectra.model import Axis, Floats, OpticalSpectrum, Ordinate
from spectra.optical.air import CARBON_DIOXIDE, vapour_seen
from spectra.similarity.optical import (
    CommonAxis,
    Profile,
    derivative,
    noise,
    pieces,
    profile,
    window_for,
)

Mask = NDArray[np.bool_]

STIFFNESS = 1e6  # of the baseline: at 2 cm⁻¹ a step it follows what is wider than about 150 cm⁻¹
LEAST_ABSORBANCE = 0.005  # strongest band of something that lies on the crystal
LEAST_CLEAR = 4.0  # strongest band over noise
MEDIAN_CM1 = 200.0  # of the running median from which bands rise
# How much further down than up: 1.0 at most in 30 materials of many instruments, above 1.25 in nearly all of
# them when they are turned over (the half of tests/benchmarks/bench_infrared.py that serves for choosing).
HANGING = 1.25
SATURATED = 2.5  # absorbance; less than 0.3 % of the light is left, and the detector's error rules
MOST_SATURATED = 0.05  # share of the places
EDGE = 3  # places next to the end of a region, where a shifted reference is not known


class State(StrEnum):
    """What a spectrum is good for; only a measured one is taken apart."""

    MEASURED = "measured"
    EMPTY = "empty"  # nothing lies on the crystal, or the background was measured twice
    WEAK = "weak"  # bands, if any, drown in the noise
    SATURATED = "saturated"  # too thick: the strongest bands are cut off
    INVERTED = "inverted"  # bands hang downwards: called by the wrong name, or sample in the background


@dataclass(frozen=True, slots=True, eq=False)
class Conditioned:
    """A spectrum on the common axis.

    Parameters
    ----------
    profile : absorbance (Raman: counts) as measured, 0 where not measured.
    baseline : (n,) float64, in its unit.
    slope : (n,) float64, its first derivative per cm⁻¹ over ``window`` points.
    keep : (n,) bool, places that tell of the sample.
    noise : standard deviation at one place, in the profile's unit.
    vapour : whether lines of water vapour were seen; they do not tell of the sample either.
    """

    profile: Profile
    baseline: Floats
    slope: Floats
    keep: Mask
    window: int
    noise: float
    state: State
    vapour: bool

    @property
    def signal(self) -> Floats:
        """(n,) float64: what stands above the baseline."""
        return self.profile.y - self.baseline


def condition(spectrum: OpticalSpectrum, axis: CommonAxis) -> Conditioned:
    """The spectrum made ready, and what it is good for.

    Raises
    ------
    InvalidMeasurement : see `spectra.similarity.optical.profile`.
    """
    one = profile(spectrum, axis)
    beneath, spread = baseline(one, axis), noise(one, axis)
    window = window_for(one, axis)
    absorbing = spectrum.axis is Axis.WAVENUMBER
    cut = absorbing & (one.y > SATURATED) & (spectrum.ordinate is not Ordinate.INTENSITY)
    vapour = absorbing and vapour_seen(one, axis)
    keep = _inside(one, axis) & ~_near(cut, window // 2)
    if absorbing:
        keep &= ~_near((axis.x > CARBON_DIOXIDE[0]) & (axis.x < CARBON_DIOXIDE[1]), 1)
    signal = (one.y - beneath)[one.first : one.last]
    known = spectrum.ordinate is not Ordinate.INTENSITY and absorbing
    state = _state(signal, spread, known, float(cut.sum() / max(len(one), 1)), hangs=_hangs(one, axis))
    slope = derivative(one, axis, window).y
    return Conditioned(one, beneath, slope, keep, window, spread, state, vapour)


def baseline(one: Profile, axis: CommonAxis) -> Floats:
    """(n,) float64: the slowly varying part of a profile under its bands, region by region; 0 outside."""
    from pybaselines import Baseline  # loading it takes longer than most answers
    from pybaselines.utils import ParameterWarning

    below = np.zeros(len(axis))
    with warnings.catch_warnings():
        # It warns when a spectrum without noise lets no point be baseline; what it has then is what we want.
        warnings.simplefilter("ignore", ParameterWarning)
        for piece in pieces(one, axis):
            y = one.y[piece]
            scale = float(np.ptp(y))
            if len(y) < 2 * EDGE or scale <= 0:
                below[piece] = y
                continue
            low = y.min()
            fitted, _ = Baseline(axis.x[piece]).arpls((y - low) / scale, lam=STIFFNESS)
            below[piece] = low + scale * fitted
    return below


def strength(one: Profile, axis: CommonAxis) -> float:
    """Area of the bands of a profile above its baseline, in its unit times cm⁻¹; not below 0.

    Shares of a mixture are shares of this: of the absorbance over all places of the axis. It stands for an
    amount as far as materials absorb alike, which they do within a factor of about three.
    """
    return max(0.0, axis.step * float((one.y - baseline(one, axis)).sum()))


def _state(signal: Floats, spread: float, known: bool, saturated: float, *, hangs: bool) -> State:
    most = float(np.abs(np.percentile(signal, (0.5, 99.5))).max())
    if most <= 0 or (known and most < LEAST_ABSORBANCE):
        return State.EMPTY
    if most < LEAST_CLEAR * spread:
        return State.WEAK
    if saturated > MOST_SATURATED:
        return State.SATURATED
    return State.INVERTED if hangs else State.MEASURED


def _hangs(one: Profile, axis: CommonAxis) -> bool:
    """Whether a profile goes further down from its running median than up: bands fill the lesser part."""
    width = round(MEDIAN_CM1 / axis.step) | 1
    away = [one.y[piece] - median_filter(one.y[piece], width, mode="nearest") for piece in pieces(one, axis)]
    low, high = np.percentile(np.concatenate(away), (1, 99)) if away else (0.0, 0.0)
    return bool(-low > HANGING * high)


def _inside(one: Profile, axis: CommonAxis) -> Mask:
    inside = np.zeros(len(axis), bool)
    for piece in pieces(one, axis):
        inside[piece.start + EDGE : max(piece.start + EDGE, piece.stop - EDGE)] = True
    return inside


def _near(places: Mask, distance: int) -> Mask:
    """The places and ``distance`` more on either side."""
    return np.convolve(places, np.ones(2 * distance + 1), "same") > 0
