"""The codes by which GRAMS, and others after it, name the axes of a spectrum."""

from __future__ import annotations

from spectra.model import Axis, Ordinate
from spectra.readers.optical import XUnit, YUnit

X_UNITS = {
    1: XUnit(Axis.WAVENUMBER),
    2: XUnit(Axis.WAVENUMBER, micrometres=True),
    3: XUnit(Axis.WAVELENGTH),
    6: XUnit(Axis.FREQUENCY),
    7: XUnit(Axis.FREQUENCY, 1e3),
    8: XUnit(Axis.FREQUENCY, 1e6),
    10: XUnit(Axis.CHEMICAL_SHIFT),
    12: XUnit(Axis.OTHER, name="years"),
    13: XUnit(Axis.RAMAN_SHIFT),
    14: XUnit(Axis.OTHER, name="eV"),
    16: XUnit(Axis.OTHER, name="diode number"),
    17: XUnit(Axis.OTHER, name="channel"),
    18: XUnit(Axis.OTHER, name="degrees"),
    19: XUnit(Axis.OTHER, name="°F"),
    20: XUnit(Axis.OTHER, name="°C"),
    21: XUnit(Axis.OTHER, name="K"),
    22: XUnit(Axis.POINT),
    26: XUnit(Axis.FREQUENCY, 1e9),
    27: XUnit(Axis.OTHER, name="cm"),
    28: XUnit(Axis.OTHER, name="m"),
    29: XUnit(Axis.OTHER, name="mm"),
    255: XUnit(Axis.POINT),  # of a double interferogram
}
SECONDS = {4: 1.0, 5: 60.0, 11: 86400.0, 23: 1e-3, 24: 1e-6, 25: 1e-9, 30: 3600.0}

_KEPT = "The ordinate is {}; it was kept as it is."
_Y_UNITS = {
    0: YUnit(Ordinate.INTENSITY, remark=_KEPT.format("in arbitrary units")),
    1: YUnit(Ordinate.INTERFEROGRAM),
    2: YUnit(Ordinate.ABSORBANCE),
    3: YUnit(Ordinate.INTENSITY, remark=_KEPT.format("Kubelka-Munk")),
    4: YUnit(Ordinate.INTENSITY, unit="counts"),
    5: YUnit(Ordinate.INTENSITY, unit="V"),
    6: YUnit(Ordinate.INTENSITY, unit="degrees"),
    7: YUnit(Ordinate.INTENSITY, unit="mA"),
    8: YUnit(Ordinate.INTENSITY, unit="mm"),
    9: YUnit(Ordinate.INTENSITY, unit="mV"),
    10: YUnit(Ordinate.ABSORBANCE, remark="The ordinate is log(1/R): an apparent absorbance."),
    11: YUnit(Ordinate.INTENSITY, remark=_KEPT.format("in percent of something not said")),
    12: YUnit(Ordinate.INTENSITY),
    13: YUnit(Ordinate.INTENSITY),
    24: YUnit(Ordinate.INTENSITY, unit="real"),
    25: YUnit(Ordinate.INTENSITY, unit="imaginary"),
    128: YUnit(Ordinate.TRANSMITTANCE),
    129: YUnit(Ordinate.REFLECTANCE),
    130: YUnit(Ordinate.SINGLE_BEAM),
    131: YUnit(Ordinate.INTENSITY),  # emission
}


def y_of_code(code: int) -> YUnit:
    """The ordinate of a GRAMS code; INTENSITY with a remark for one that is not optical or not known."""
    return _Y_UNITS.get(code, YUnit(Ordinate.INTENSITY, remark=_KEPT.format(f"of code {code}")))
