"""Lines of the air in the beam: water vapour and carbon dioxide.

Promises: lines of water vapour are recognised by standing where they must; their slopes are given, so that a
fit can be made without them; a reference is freed of them before it is moved, for the air does not move with
the sample. Narrow as they are, they would otherwise hold its shift where they lie.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spectra.errors import InvalidMeasurement
from spectra.model import Axis, Floats, OpticalSpectrum
from spectra.similarity.optical import CommonAxis, Profile, derivative, pieces, profile

Mask = NDArray[np.bool_]

CARBON_DIOXIDE = (655.0, 680.0)  # cm⁻¹, bending band
# Strong lines of water vapour where samples absorb too, cm⁻¹ (positions as HITRAN lists them, rounded).
VAPOUR = (
    1456.9, 1473.5, 1489.8, 1507.1, 1521.3, 1540.0, 1558.5, 1569.8, 1576.2, 1616.7, 1635.7, 1646.0, 1652.5,
    1662.8, 1669.4, 1684.8, 1695.9, 1699.9, 1717.4, 1734.0, 1739.8, 1749.5, 1761.8, 1772.6, 1792.6,
    3566.0, 3587.1, 3628.7, 3648.9, 3669.8, 3674.8, 3688.5,
)  # fmt: skip
SEEN = 5.0  # mean curvature at the lines over its standard error
BESIDE = 3  # places from a line where there is none
WIDTHS = (1.0, 4.0)  # cm⁻¹, of lines as instruments show them
REACH = 3.0  # cm⁻¹ on either side of a line that are bridged in a reference
_FINE = np.linspace(-0.5, 0.5, 21)  # of a step, over which a place is averaged


def vapour_seen(one: Profile, axis: CommonAxis) -> bool:
    """Whether the curvature of a profile is at the lines of water vapour and not beside them."""
    bent, known = np.zeros(len(axis)), np.zeros(len(axis), bool)
    for piece in pieces(one, axis):
        bent[piece][1:-1] = -np.diff(one.y[piece], 2)
        known[piece][BESIDE + 1 : -BESIDE - 1] = True
    away = np.abs(axis.x[:, None] - np.array(VAPOUR)).min(axis=1)
    lines = np.flatnonzero((away <= axis.step / 2) & known)
    if len(lines) < len(VAPOUR) // 2:
        return False
    here, error = float(bent[lines].mean()), float(bent[lines].std()) / np.sqrt(len(lines))
    beside = max(abs(float(bent[lines + k].mean())) for k in (-BESIDE, BESIDE))
    return abs(here) > SEEN * error and abs(here) > 2 * beside


def vapour_slopes(axis: CommonAxis, window: int) -> Floats:
    """(curves, n) float64: derivatives over ``window`` points of each line, narrow and wide."""
    places = axis.x[:, None] + axis.step * _FINE
    lines = [
        (1 / (1 + ((places - line) / (width / 2)) ** 2)).mean(axis=1) for width in WIDTHS for line in VAPOUR
    ]
    return np.array([derivative(Profile(line, 0, len(axis)), axis, window).y for line in lines])


def dried(spectrum: OpticalSpectrum, axis: CommonAxis) -> OpticalSpectrum:
    """An infrared spectrum with its lines of water vapour bridged by straight lines, where they are seen."""
    try:
        damp = spectrum.axis is Axis.WAVENUMBER and vapour_seen(profile(spectrum, axis), axis)
    except InvalidMeasurement:
        return spectrum
    x = spectrum.x
    inside = np.abs(x[:, None] - np.array(VAPOUR)).min(axis=1) <= REACH
    if not damp or inside.all():
        return spectrum
    y = np.where(inside, np.interp(x, x[~inside], spectrum.y[~inside]), spectrum.y)
    return OpticalSpectrum(spectrum.axis, spectrum.ordinate, x, y, spectrum.title, y_unit=spectrum.y_unit)
