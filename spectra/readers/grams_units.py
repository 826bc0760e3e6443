"""The codes by which GRAMS, and others after it, name the axes of a spectrum."""

from __future__ import annotations

from spectra.model import Axis, Ordinate
from spectra.readers.optical import XUnit, YUnit

X_UNITS = {
    1: XUnit(Axis.WAVENUMBER),
    2: XUnit(Axis.WAVENUMBER, micrometres=True),
    3: XUnit(Axis.WAVELENGTH),
    13: XUnit(Axis.RAMAN_SHIFT),
}
OTHER_X_UNITS = {
    0: "an arbitrary axis",
    4: "seconds (a chromatogram or a decay)",
    5: "minutes (a chromatogram)",
    6: "frequencies",
    7: "frequencies",
    8: "frequencies",
    9: "m/z",
    10: "parts per million (NMR)",
    11: "days",
    14: "electronvolts",
    16: "diode numbers",
    17: "channels",
    18: "degrees",
    255: "a double interferogram",
}
SECONDS = {4: 1.0, 5: 60.0, 11: 86400.0, 23: 1e-3, 24: 1e-6, 25: 1e-9, 30: 3600.0}

_KEPT = "The ordinate is {}; it was kept as it is."
_Y_UNITS = {
    0: YUnit(Ordinate.INTENSITY, remark=_KEPT.format("in arbitrary units")),
    1: YUnit(Ordinate.INTENSITY, remark="interferogram"),
    2: YUnit(Ordinate.ABSORBANCE),
    3: YUnit(Ordinate.INTENSITY, remark=_KEPT.format("Kubelka-Munk")),
    4: YUnit(Ordinate.INTENSITY),  # counts
    10: YUnit(Ordinate.ABSORBANCE, remark="The ordinate is log(1/R): an apparent absorbance."),
    11: YUnit(Ordinate.INTENSITY, remark=_KEPT.format("in percent of something not said")),
    12: YUnit(Ordinate.INTENSITY),
    13: YUnit(Ordinate.INTENSITY),
    128: YUnit(Ordinate.TRANSMITTANCE),
    129: YUnit(Ordinate.REFLECTANCE),
    130: YUnit(Ordinate.SINGLE_BEAM),
    131: YUnit(Ordinate.INTENSITY),  # emission
}


def y_of_code(code: int) -> YUnit:
    """The ordinate of a GRAMS code; INTENSITY with a remark for one that is not optical or not known."""
    return _Y_UNITS.get(code, YUnit(Ordinate.INTENSITY, remark=_KEPT.format(f"of code {code}")))
