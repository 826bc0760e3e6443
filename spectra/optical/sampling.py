"""How light met a sample: through it, or reflected inside a crystal it lies on (ATR).

Promises: what a file says about it is understood where the words are usual; a transmission spectrum can be
made to look like an ATR spectrum and the other way round. Refuses to guess: silence is `UNKNOWN`.

In ATR the wave enters the sample to a depth in proportion to its wavelength (Harrick 1967, Internal
Reflection Spectroscopy: d = λ / (2π n₁ √(sin²θ − (n₂/n₁)²))), so that a band is weaker in proportion to
1 / wavenumber. That the sample's refractive index changes across a strong band (anomalous dispersion) besides
moves it down by some cm⁻¹: polystyrene on diamond lies 1.5 to 2.5 cm⁻¹ below its film, which the shift that
every part is given takes up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

from spectra.model import Axis, Floats, OpticalSpectrum, Ordinate
from spectra.similarity.optical import absorbance

EQUAL_CM1 = 1000.0  # wavenumber at which both are taken to be equally strong


class Sampling(StrEnum):
    """How a spectrum was measured."""

    TRANSMISSION = "transmission"
    ATR = "atr"
    UNKNOWN = "unknown"


_ATR = re.compile(
    r"\batr\b|_atr_|attenuated|golden ?gate|smart (?:orbit|itr|itx)|durasampl|universal atr|dia(?:mond|mant)",
    re.IGNORECASE,
)
_THROUGH = re.compile(
    r"\btrans(?:mission|missionen)?\b|\bkbr\b|\bnujol\b|\bgas\b|\bvapou?r\b|\bneat\b|\bpellet\b|\bfilm\b",
    re.IGNORECASE,
)


def sampling_of(words: Iterable[str]) -> Sampling:
    """What texts about accessory, procedure or state say; `UNKNOWN` where they say nothing or both."""
    text = " | ".join(words)
    reflected, through = bool(_ATR.search(text)), bool(_THROUGH.search(text))
    if reflected == through:
        return Sampling.UNKNOWN
    return Sampling.ATR if reflected else Sampling.TRANSMISSION


def power(found: Sampling, wanted: Sampling) -> int:
    """The power of the wavenumber that brings a spectrum from one way to another: 1, 0 or −1.

    0 too where either is unknown.
    """
    ways = {Sampling.TRANSMISSION: 0, Sampling.ATR: -1}
    return ways[wanted] - ways[found] if found in ways and wanted in ways else 0


def scale(x: Floats, power: int) -> Floats:
    """What absorbance at ``x`` cm⁻¹ is multiplied by; > 0 for x > 0."""
    return (x / EQUAL_CM1) ** power


def converted(spectrum: OpticalSpectrum, power: int) -> OpticalSpectrum:
    """The spectrum as absorbance, as if measured the other way; itself for power 0.

    Raises
    ------
    InvalidMeasurement : a single beam.
    """
    if not power:
        return spectrum
    y = absorbance(spectrum) * scale(spectrum.x, power)
    return OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, spectrum.x, y, spectrum.title)
