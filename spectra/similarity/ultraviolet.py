"""Likeness of ultraviolet spectra from diode arrays, and of retention beside a standard.

Promises: spectra are compared on one grid over the range both were measured in; the verdict of the European
criteria names what differs (a maximum, or the height somewhere). Refuses a common range too short to tell
anything, and spectra without absorbance. A UV spectrum alone tells a chromophore, not a substance.

Criteria: Commission Decision 2002/657/EC, 2.3.5 (LC with full-scan UV/VIS detection): maxima within 2 nm, and
above 220 nm no point differs by more than 10 % where the relative absorbance is 10 % or more; relative
retention within 2.5 % (LC).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import argrelmax

from spectra.errors import InvalidMeasurement
from spectra.model import Floats

STEP = 1.0  # nm
LEAST_RANGE = 60.0  # nm in common
LEAST_WAVELENGTH = 220.0  # nm; below it the eluent absorbs
SHIFT = 2.0  # nm
HEIGHT = 0.10  # of the greatest absorbance of the standard
VISIBLE = 0.10  # relative absorbance from which a spectrum is compared
RETENTION = 0.025  # relative, LC


@dataclass(frozen=True, slots=True)
class UvComparison:
    """Two spectra side by side.

    Parameters
    ----------
    correlation : −1..1, over the common range.
    greatest_difference : between the spectra scaled to their greatest absorbance, where one is visible.
    greatest_shift : nm between corresponding maxima; infinite where a maximum has no partner.
    low, high : nm, the range compared.
    """

    correlation: float
    greatest_difference: float
    greatest_shift: float
    low: float
    high: float

    @property
    def same(self) -> bool:
        """Whether the European criteria are met."""
        return self.greatest_difference <= HEIGHT and self.greatest_shift <= SHIFT


def compare(
    wavelength: ArrayLike, absorbance: ArrayLike, standard_wavelength: ArrayLike, standard: ArrayLike
) -> UvComparison:
    """Compare a spectrum with that of a standard.

    Parameters
    ----------
    wavelength, standard_wavelength : (n,) and (m,) nm, ascending.
    absorbance, standard : (n,) and (m,), any scale above the baseline.

    Raises
    ------
    InvalidMeasurement : unequal lengths, values not finite or not ascending, less than `LEAST_RANGE` in
        common above `LEAST_WAVELENGTH`, or no absorbance there.
    """
    one, other = _checked(wavelength, absorbance), _checked(standard_wavelength, standard)
    low = max(one[0][0], other[0][0], LEAST_WAVELENGTH)
    high = min(one[0][-1], other[0][-1])
    if high - low < LEAST_RANGE:
        raise InvalidMeasurement(
            f"two spectra need {LEAST_RANGE:g} nm in common above {LEAST_WAVELENGTH:g} nm"
        )
    grid = np.arange(low, high + STEP / 2, STEP)
    a, b = (_scaled(np.interp(grid, *spectrum)) for spectrum in (one, other))
    visible = (a >= VISIBLE) | (b >= VISIBLE)
    return UvComparison(
        correlation=float(np.corrcoef(a, b)[0, 1]),
        greatest_difference=float(np.abs(a - b)[visible].max()),
        greatest_shift=_shift(_maxima(grid, a), _maxima(grid, b)),
        low=float(low),
        high=float(grid[-1]),
    )


def retention_agrees(retention: float, standard: float, tolerance: float = RETENTION) -> bool:
    """Whether a retention time or ratio lies within ``tolerance`` (relative) of the standard's.

    Raises
    ------
    InvalidMeasurement : a retention is not above zero.
    """
    if not (retention > 0 and standard > 0):
        raise InvalidMeasurement("a retention must be above zero")
    return abs(retention - standard) <= tolerance * standard * (1 + 1e-12)


def _checked(wavelength: ArrayLike, absorbance: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(wavelength, np.float64), np.asarray(absorbance, np.float64)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2:
        raise InvalidMeasurement("a UV spectrum needs one absorbance for each of its wavelengths")
    if not (np.isfinite(x).all() and np.isfinite(y).all() and (np.diff(x) > 0).all()):
        raise InvalidMeasurement("a UV spectrum needs finite values at ascending wavelengths")
    return x, y


def _scaled(absorbance: Floats) -> Floats:
    greatest = float(absorbance.max())
    if greatest <= 0 or float(np.ptp(absorbance)) == 0:
        raise InvalidMeasurement("the spectrum shows no absorbance above 220 nm: inject more")
    return np.asarray(absorbance / greatest, np.float64)


def _maxima(grid: Floats, scaled: Floats) -> Floats:
    """Wavelengths of the maxima that stand out by `VISIBLE`; a flat top counts once."""
    at = argrelmax(scaled, order=5, mode="clip")[0]
    return np.asarray(grid[at[scaled[at] >= VISIBLE]], np.float64)


def _shift(one: Floats, other: Floats) -> float:
    """Greatest distance (nm) from a maximum to its partner; infinite where their numbers differ."""
    if len(one) != len(other):
        return float("inf")
    return float(np.abs(one - other).max(initial=0.0))
