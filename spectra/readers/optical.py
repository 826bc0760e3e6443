"""What readers of infrared, Raman, ultraviolet and other spectra share: units by words, a valid spectrum.

`optical_spectrum` promises ascending x in the unit of its axis and shares instead of percent; what it changes
beyond turning a descending axis round stands in ``warnings``. An ordinate that no word explains stays
INTENSITY, with a warning that quotes it; nothing is guessed from the shape of a curve.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from spectra.errors import Fault, UnreadableFile
from spectra.model import POSITIVE_AXES, Axis, Floats, OpticalSpectrum, Ordinate, Technique
from spectra.readers.scans import MAX_SCAN_POINTS

_REMEDY = "Copy or export the file again from the instrument's software."
_MOST_SHARE = 2.0  # detector noise lifts a share above 1, never to 2


@dataclass(frozen=True, slots=True)
class XUnit:
    """An x axis as written: what it is, and whether it needs micrometres turned into wavenumbers.

    ``name`` : what the file calls it, for `Axis.OTHER`.
    """

    axis: Axis
    factor: float = 1.0
    micrometres: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class YUnit:
    """An ordinate as written: what it is, whether in percent, and what to say about it ("" for nothing).

    ``unit`` : what the file calls it, for an INTENSITY.
    """

    ordinate: Ordinate
    percent: bool = False
    remark: str = ""
    unit: str = ""


_X_WORDS: tuple[tuple[str, XUnit], ...] = (
    (
        r"raman.?shift|^raman$|verschiebung|décalage|(?:rel|delta|Δ)\w*[ _.-]*(?:wave ?number|cm)",
        XUnit(Axis.RAMAN_SHIFT),
    ),
    (
        r"wave ?nu|wellenzahl|nombres? d.onde|n[uú]mero de onda|numero d.onda|\bkayser|\bwn\b|\bcm1\b",
        XUnit(Axis.WAVENUMBER),
    ),
    (r"\bcm *(?:\^|\*\*)? *[-−⁻/] *[1¹]|\b1 ?/ ?cm", XUnit(Axis.WAVENUMBER)),
    (r"micro ?met|\bum\b|µm|μm|\bmicrons?\b|\bwl\b *\( *u", XUnit(Axis.WAVENUMBER, micrometres=True)),
    (
        r"nano ?met|\bnm\b|wave ?length|wellenl|longueurs? d.onde|longitud de onda|lunghezza d.onda",
        XUnit(Axis.WAVELENGTH),
    ),
    (r"[aå]ngstr", XUnit(Axis.WAVELENGTH, factor=0.1)),
)
_APPARENT = "The ordinate is log(1/R): an apparent absorbance, of reflected light."
_Y_WORDS: tuple[tuple[str, YUnit], ...] = (
    (r"interferogram", YUnit(Ordinate.INTERFEROGRAM)),
    (r"single ?beam|\bsingle-beam", YUnit(Ordinate.SINGLE_BEAM)),
    (r"log *\(? *1 */ *r", YUnit(Ordinate.ABSORBANCE, remark=_APPARENT)),
    (r"absorptiv|micromol|kubelka|\bk-?m\b|photo ?acoustic", YUnit(Ordinate.INTENSITY, remark="?")),
    (
        r"absorban|absorvan|assorban|^abs\b|extin[ck]tion|^a$|^au$|^a\.u\.c\.$|optical density",
        YUnit(Ordinate.ABSORBANCE),
    ),
    (r"trans|durchl[aä]ss", YUnit(Ordinate.TRANSMITTANCE)),
    (r"^% ?t\b|^t ?\[?\(?%|^%tr", YUnit(Ordinate.TRANSMITTANCE, percent=True)),
    (r"^% ?r\b|^r ?\[?\(?%", YUnit(Ordinate.REFLECTANCE, percent=True)),
    (r"reflec|reflex", YUnit(Ordinate.REFLECTANCE)),
    (r"intens|count|\bcps\b|emission|fluoresc|lumines", YUnit(Ordinate.INTENSITY)),
)
_NOT_OPTICAL = re.compile(
    r"\bhz\b|\bppm\b|m/z|\bmin(?:utes?)?\b|second|gauss|tesla|\bvolts?\b|theta", re.IGNORECASE
)
_FURTHER_X: tuple[tuple[str, XUnit], ...] = (
    (r"\bppm\b|parts per million|chemical ?shift", XUnit(Axis.CHEMICAL_SHIFT)),
    (r"\bk(?:ilo)? ?hz|kilo ?hertz", XUnit(Axis.FREQUENCY, 1e3)),
    (r"\bm(?:ega)? ?hz|mega ?hertz", XUnit(Axis.FREQUENCY, 1e6)),
    (r"\bg(?:iga)? ?hz|giga ?hertz", XUnit(Axis.FREQUENCY, 1e9)),
    (r"\bhz\b|hertz", XUnit(Axis.FREQUENCY)),
    (r"milli ?sec|\bms(?:ec)?\b", XUnit(Axis.TIME, 1e-3)),
    (r"micro ?sec|[uµμ]s(?:ec)?\b", XUnit(Axis.TIME, 1e-6)),
    (r"nano ?sec|\bns(?:ec)?\b", XUnit(Axis.TIME, 1e-9)),
    (r"second|\bsec\b|^s$|\(s\)", XUnit(Axis.TIME)),
    (r"minute|\bmin\b", XUnit(Axis.TIME, 60.0)),
    (r"milli ?tesla|\bmt\b", XUnit(Axis.MAGNETIC_FIELD)),
    (r"gauss|^g$", XUnit(Axis.MAGNETIC_FIELD, 0.1)),
    (r"tesla", XUnit(Axis.MAGNETIC_FIELD, 1e3)),
    (r"milli ?volt|\bmv\b", XUnit(Axis.POTENTIAL, 1e-3)),
    (r"\bvolts?\b|^v$|\(v\)", XUnit(Axis.POTENTIAL)),
    (r"^(?:data ?)?points?$|^pnt$", XUnit(Axis.POINT)),
)
_LIGHT = frozenset({Axis.WAVENUMBER, Axis.RAMAN_SHIFT, Axis.WAVELENGTH})
_NOT_SEARCHED = {
    Technique.NMR: "Nuclear magnetic resonance",
    Technique.EPR: "Electron paramagnetic resonance",
    Technique.IMS: "An ion mobility spectrum",
    Technique.OTHER: "A measurement of this kind",
}
_BY_AXIS = {Axis.CHEMICAL_SHIFT: Technique.NMR, Axis.MAGNETIC_FIELD: Technique.EPR}


def x_unit(text: str) -> XUnit | None:
    """The x axis that words such as "1/CM", "Wavenumber (cm-1)", "nm" or "MICROMETERS" name, else None."""
    if _NOT_OPTICAL.search(text):
        return None
    return next((unit for pattern, unit in _X_WORDS if re.search(pattern, text.strip(), re.IGNORECASE)), None)


def any_x_unit(text: str) -> XUnit:
    """The x axis that words name, optical or not; `Axis.OTHER` under the file's own words where none fits."""
    words = text.strip()
    further = (unit for pattern, unit in _FURTHER_X if re.search(pattern, words, re.IGNORECASE))
    return x_unit(words) or next(further, XUnit(Axis.OTHER, name=words[:60]))


def y_unit(text: str) -> YUnit:
    """The ordinate that words such as "%T", "Absorbance" or "log(1/R)" name; INTENSITY with a remark else."""
    words = text.strip()
    for pattern, unit in _Y_WORDS:
        if re.search(pattern, words, re.IGNORECASE):
            share = unit.ordinate in (Ordinate.TRANSMITTANCE, Ordinate.REFLECTANCE)
            percent = unit.percent or (share and ("%" in words or "percent" in words.lower()))
            remark = f"The ordinate {words[:60]!r} was kept as it is." if unit.remark == "?" else unit.remark
            return YUnit(unit.ordinate, percent, remark, kept_unit(words).unit)
    said = f"The ordinate {words[:60]!r}" if words else "The ordinate, which the file does not name,"
    remark = f"{said} was not understood; it was kept as an intensity."
    return YUnit(Ordinate.INTENSITY, remark=remark, unit=kept_unit(words).unit)


def kept_unit(text: str) -> YUnit:
    """The ordinate of a curve that is not optical: an intensity, under the file's own words."""
    words = text.strip()[:60]
    return YUnit(Ordinate.INTENSITY, unit="" if words.lower() == "intensity" else words)


def optical_spectrum(
    x: ArrayLike, y: ArrayLike, x_is: XUnit, y_is: YUnit, *, title: str = "", warnings: list[str]
) -> OpticalSpectrum:
    """A valid spectrum from two columns of a file; every repair is added to ``warnings``.

    Parameters
    ----------
    x, y : (n,) as written, in the units of ``x_is`` and ``y_is``.

    Raises
    ------
    UnreadableFile : x and y of different length, or more than 2,000,000 points.
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    _check(xs, ys)
    _remark(y_is.remark, warnings)
    if y_is.ordinate is Ordinate.INTERFEROGRAM and x_is.axis in _LIGHT:
        _remark("An interferogram has no wavenumbers or wavelengths: its points were numbered.", warnings)
        xs, x_is = np.arange(len(xs), dtype=np.float64), XUnit(Axis.POINT)
    xs, ys = _usable(xs * x_is.factor, ys, x_is, warnings)
    if x_is.micrometres and len(xs):
        _remark("The x axis was in micrometres; it was converted to wavenumbers.", warnings)
        xs = 1e4 / xs
    xs, ys = _ascending(xs, ys, warnings)
    unit = y_is.unit if y_is.ordinate is Ordinate.INTENSITY else ""
    shares = _share(ys, y_is, warnings)
    return OpticalSpectrum(x_is.axis, y_is.ordinate, xs, shares, title, x_is.name, unit)


def technique(spectra: Iterable[OpticalSpectrum]) -> Technique:
    """The technique that axis and ordinate of the first spectrum tell; UNKNOWN for emission and the like."""
    first = next(iter(spectra), None)
    if first is None:
        return Technique.UNKNOWN
    if first.axis is Axis.RAMAN_SHIFT:
        return Technique.RAMAN
    if first.ordinate is Ordinate.INTERFEROGRAM:
        return Technique.FTIR
    if first.ordinate is Ordinate.INTENSITY or first.axis not in _LIGHT:
        return _BY_AXIS.get(first.axis, Technique.UNKNOWN)
    return Technique.UV if first.axis is Axis.WAVELENGTH else Technique.FTIR


def not_compared(found: Technique, spectra: Iterable[OpticalSpectrum]) -> str:
    """What a person is told where the file holds no curve that a library search knows; "" where it does."""
    curves = tuple(spectra)
    known = [c for c in curves if c.axis in _LIGHT and c.ordinate is not Ordinate.INTERFEROGRAM]
    if not curves or (known and found not in _NOT_SEARCHED):
        return ""
    what = _NOT_SEARCHED.get(found, "Such a curve")
    return f"{what} is read, drawn and converted; no library search compares it."


def _check(x: Floats, y: Floats) -> None:
    if x.shape != y.shape:
        expected = f"as many x as y; there are {len(x)} and {len(y)}"
        raise UnreadableFile(Fault.MALFORMED, where="table", expected=expected, remedy=_REMEDY)
    if len(x) > MAX_SCAN_POINTS:
        raise UnreadableFile(
            Fault.TOO_LARGE, where=f"{len(x)} points", expected=f"at most {MAX_SCAN_POINTS} points a spectrum"
        )


def _remark(text: str, warnings: list[str]) -> None:
    if text and text not in warnings:
        warnings.append(text)


def _usable(x: Floats, y: Floats, x_is: XUnit, warnings: list[str]) -> tuple[Floats, Floats]:
    good = np.isfinite(x) & np.isfinite(y)
    if not good.all():
        warnings.append(f"{int((~good).sum())} points without a usable figure were left out.")
    if x_is.axis in POSITIVE_AXES:
        below = good & (x <= 0)
        if below.any():
            warnings.append(f"{int(below.sum())} points at or below zero on the x axis were left out.")
        good &= ~below
    return x[good], y[good]


def _ascending(x: Floats, y: Floats, warnings: list[str]) -> tuple[Floats, Floats]:
    step = np.diff(x)
    if np.all(step > 0):
        return x, y
    if np.all(step < 0):
        return x[::-1], y[::-1]
    if not (np.all(step >= 0) or np.all(step <= 0)):
        warnings.append("The points were not in the order of x; they were sorted.")
    places, where = np.unique(x, return_inverse=True)
    if len(places) < len(x):
        warnings.append(f"{len(x) - len(places)} points at a place already taken were averaged.")
    return places, np.bincount(where, weights=y) / np.bincount(where)


def _share(y: Floats, y_is: YUnit, warnings: list[str]) -> Floats:
    if y_is.percent:
        return y / 100.0
    share = y_is.ordinate in (Ordinate.TRANSMITTANCE, Ordinate.REFLECTANCE)
    if share and len(y) and float(np.median(y)) > _MOST_SHARE:
        _remark(f"The {y_is.ordinate.value} exceeds 1 by far; it was taken as percent.", warnings)
        return y / 100.0
    return y
