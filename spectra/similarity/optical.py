"""Likeness of infrared or Raman spectra, on one common axis whatever instrument measured them.

Promises: spectra are brought to absorbance (infrared) and to fixed regions that leave out where carbon
dioxide and a diamond crystal absorb; a place outside the measured range is unknown, not zero; correlation
does not see an offset or a scale, its derivative form does not see a sloping baseline either. Refuses: a
single beam, a wavelength axis, and a spectrum that covers less than half of the regions.

Formulas: hit quality indices as spectroscopic search programs define them (correlation, first derivative,
Euclidean distance); smoothing derivative after Savitzky & Golay 1964, doi 10.1021/ac60214a047.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from spectra.errors import InvalidMeasurement
from spectra.model import Axis, Floats, OpticalSpectrum, Ordinate

PERFECT = 1000.0
LEAST_SHARE = 0.5  # of the regions that two spectra must have in common
LEAST_TRANSMITTED = 1e-3  # detectors do not tell less light from none
WINDOWS = (9, 21)  # points of the smoothing derivative, narrowest first
CLEAR = 5.0  # signal to noise that a derivative needs

_ORDER = 2
_THIRD_DIFFERENCE = np.sqrt(20.0)  # standard deviation of the third difference of white noise
_MAD = 1.4826
_ROUNDING = 1e-12


@dataclass(frozen=True)
class CommonAxis:
    """Where spectra are compared: evenly spaced places within regions.

    Parameters
    ----------
    regions : (low, high) in cm⁻¹, ascending, apart.
    step : cm⁻¹ between places.
    """

    regions: tuple[tuple[float, float], ...]
    step: float

    @cached_property
    def x(self) -> Floats:
        """(n,) float64, cm⁻¹, ascending."""
        return np.concatenate([self._places(low, high) for low, high in self.regions])

    @cached_property
    def parts(self) -> tuple[slice, ...]:
        """Where each region lies in `x`."""
        ends = np.cumsum([0, *(len(self._places(low, high)) for low, high in self.regions)])
        return tuple(slice(int(a), int(b)) for a, b in pairwise(ends))

    def __len__(self) -> int:
        return len(self.x)

    def _places(self, low: float, high: float) -> Floats:
        return np.asarray(low + self.step * np.arange(round((high - low) / self.step) + 1), np.float64)


# Between them lie carbon dioxide (2280 to 2400) and diamond (1900 to 2300): nothing an ATR spectrum tells.
INFRARED = CommonAxis(((650.0, 1800.0), (2700.0, 3700.0)), 2.0)
RAMAN = CommonAxis(((200.0, 1800.0), (2700.0, 3200.0)), 2.0)


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """A spectrum on a common axis.

    Parameters
    ----------
    y : (n,) float64; 0 where not measured.
    first, last : it was measured in ``y[first:last]``.
    """

    y: Floats
    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first


def absorbance(spectrum: OpticalSpectrum) -> Floats:
    """(n,) float64: −log₁₀ of what was transmitted or reflected; others as they are.

    An infrared ordinate that its file does not name is taken for a transmittance if its median lies nearer
    its greatest value than its least (bands are narrow: most of a spectrum is baseline), and for percent if
    it exceeds 2.

    Raises
    ------
    InvalidMeasurement : a single beam.
    """
    y, ordinate = spectrum.y, spectrum.ordinate
    if ordinate is Ordinate.SINGLE_BEAM:
        raise InvalidMeasurement("a single beam is no spectrum: export it ratioed against its background")
    if ordinate is Ordinate.INTENSITY and spectrum.axis is Axis.WAVENUMBER and _hangs(y):
        return _logarithm(y / 100 if y.max() > 2 else y)
    if ordinate in (Ordinate.TRANSMITTANCE, Ordinate.REFLECTANCE):
        return _logarithm(y)
    return y


def profile(spectrum: OpticalSpectrum, axis: CommonAxis, *, shift: float = 0.0) -> Profile:
    """The spectrum on a common axis: averaged over each step where finer, interpolated where coarser.

    Parameters
    ----------
    shift : cm⁻¹ that its bands lie too high; they are moved down by it.

    Raises
    ------
    InvalidMeasurement : a single beam; an axis in nm; fewer than 2 points; less than half of the regions.
    """
    if spectrum.axis is Axis.WAVELENGTH:
        raise InvalidMeasurement("expected wavenumbers or Raman shifts in cm⁻¹, found wavelengths in nm")
    y, x = absorbance(spectrum), spectrum.x - shift
    first, last = np.searchsorted(axis.x, (x[0], np.nextafter(x[-1], np.inf))) if len(x) > 1 else (0, 0)
    if last - first < LEAST_SHARE * len(axis):
        low, high = axis.x[0], axis.x[-1]
        msg = f"the spectrum covers too little of {low:g} to {high:g} cm⁻¹ to be compared"
        raise InvalidMeasurement(msg)
    values = np.zeros(len(axis))
    values[first:last] = _sampled(x, y, axis.x[first:last], axis.step)
    return Profile(values, int(first), int(last))


def derivative(one: Profile, axis: CommonAxis, window: int) -> Profile:
    """First derivative per cm⁻¹ of a profile: Savitzky-Golay, second order, ``window`` points (odd, ≥ 3).

    Each region is taken for itself; a measured piece of one that is shorter than the window counts as flat.
    """
    values = np.zeros(len(axis))
    for piece in pieces(one, axis):
        if piece.stop - piece.start >= window:
            values[piece] = _slopes(one.y[piece], window) / axis.step
    rounding = _ROUNDING * float(np.abs(one.y).max(initial=0.0)) / axis.step
    return Profile(np.where(np.abs(values) > rounding, values, 0.0), one.first, one.last)


def noise(one: Profile, axis: CommonAxis) -> float:
    """Standard deviation of the noise of a profile, in its unit, from third differences of neighbours.

    Their median is used, so that bands, which fill the lesser part of a spectrum, do not count as noise.
    """
    differences = np.concatenate([np.empty(0), *(np.diff(one.y[piece], 3) for piece in pieces(one, axis))])
    return float(_MAD * np.median(np.abs(differences)) / _THIRD_DIFFERENCE) if len(differences) else 0.0


def window_for(one: Profile, axis: CommonAxis) -> int:
    """The narrowest of `WINDOWS` whose derivative stands `CLEAR` times above its noise, else the widest.

    White noise of deviation s leaves s·√(12 / (w (w² − 1))) per step in a derivative over w points.
    """
    s = noise(one, axis) / axis.step
    for window in WINDOWS[:-1]:
        left = s * np.sqrt(12 / (window * (window**2 - 1)))
        if np.std(derivative(one, axis, window).y[one.first : one.last]) >= CLEAR * left:
            return window
    return WINDOWS[-1]


def correlation_hqi(query: ArrayLike, reference: ArrayLike) -> float:
    """1000·r², r the correlation of two ordinates (or derivatives); 0 where r < 0 or one is flat.

    HQI = 1000 (x·y)² / (x·x · y·y), x and y centred on their means. Range 0..1000, 1000 for equal shapes. An
    offset or a positive factor changes nothing. A negative correlation is no likeness, so its square is not
    given.

    Raises
    ------
    InvalidMeasurement : lengths differ.
    """
    x, y = _pair(query, reference)
    x, y = x - x.mean(), y - y.mean()
    norm = float((x @ x) * (y @ y))
    product = float(x @ y)
    return PERFECT * product**2 / norm if product > 0 and norm > 0 else 0.0


def euclidean_hqi(query: ArrayLike, reference: ArrayLike) -> float:
    """1000·(1 − √(1 − cos)), cos = x·y / (|x||y|) of ordinates as they are, not below 0.

    The distance of the two unit vectors is √(2 − 2 cos), at most √2 for ordinates that are not negative; it
    is given as its share of √2, turned round so that 1000 is equality. Baseline and offset count.

    Raises
    ------
    InvalidMeasurement : lengths differ.
    """
    x, y = _pair(query, reference)
    norm = float(np.sqrt((x @ x) * (y @ y)))
    cosine = min(max(float(x @ y) / norm, 0.0), 1.0) if norm > 0 else 0.0
    return PERFECT * (1 - float(np.sqrt(1 - cosine)))


@lru_cache(maxsize=16)
def _slopes_of_fit(window: int) -> Floats:
    """(window, window) float64: row k times ``window`` values is the slope of their parabola at place k."""
    place = np.arange(window) - window // 2
    fit = np.linalg.pinv(np.vander(place, _ORDER + 1, increasing=True).astype(np.float64))
    return np.asarray(fit[1] + 2 * place[:, None] * fit[2], np.float64)


def _slopes(y: Floats, window: int) -> Floats:
    """Slope per place of the parabola around each place; at the ends, of the first and the last one."""
    fit, half = _slopes_of_fit(window), window // 2
    inner = np.correlate(y, fit[half], "valid")
    return np.concatenate((fit[:half] @ y[:window], inner, fit[half + 1 :] @ y[-window:]))


def _pair(query: ArrayLike, reference: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(query, np.float64), np.asarray(reference, np.float64)
    if x.ndim != 1 or x.shape != y.shape or not len(x):
        raise InvalidMeasurement("two spectra on one axis need the same length")
    return x, y


def _hangs(y: Floats) -> bool:
    """Whether bands point downwards, as in transmittance."""
    middle = float(np.median(y))
    return float(y.max()) - middle < middle - float(y.min())


def _logarithm(share: Floats) -> Floats:
    return np.asarray(-np.log10(np.maximum(share, LEAST_TRANSMITTED)), np.float64)


def _sampled(x: Floats, y: Floats, places: Floats, step: float) -> Floats:
    """``y`` at ``places``: the mean over a step if the spectrum is finer, so that no noise is aliased."""
    if np.median(np.diff(x)) > step / 2:
        return np.asarray(np.interp(places, x, y), np.float64)
    area = np.concatenate(([0.0], np.cumsum(np.diff(x) * (y[1:] + y[:-1]) / 2)))
    low, high = np.maximum(places - step / 2, x[0]), np.minimum(places + step / 2, x[-1])
    return np.asarray((np.interp(high, x, area) - np.interp(low, x, area)) / (high - low), np.float64)


def pieces(one: Profile, axis: CommonAxis) -> Iterator[slice]:
    """Where a profile was measured, region by region."""
    for part in axis.parts:
        start, stop = max(part.start, one.first), min(part.stop, one.last)
        if start < stop:
            yield slice(start, stop)
