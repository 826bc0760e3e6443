"""What readers of infrared, Raman or ultraviolet files share: units by their words, and a valid spectrum.

`optical_spectrum` promises ascending x in cm⁻¹ or nm and shares instead of percent; what it changes beyond
turning a descending axis round stands in ``warnings``. An ordinate that no word explains stays INTENSITY,
with a warning that quotes it; nothing is guessed from the shape of a curve.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from spectra.errors import Fault, UnreadableFile
from spectra.model import Axis, Floats, OpticalSpectrum, Ordinate, Technique
from spectra.readers.scans import MAX_SCAN_POINTS

_REMEDY = "Copy or export the file again from the instrument's software."
_MOST_SHARE = 2.0  # detector noise lifts a share above 1, never to 2


@dataclass(frozen=True, slots=True)
class XUnit:
    """An x axis as written: what it is, and whether it needs micrometres turned into wavenumbers."""

    axis: Axis
    factor: float = 1.0
    micrometres: bool = False


@dataclass(frozen=True, slots=True)
class YUnit:
    """An ordinate as written: what it is, whether in percent, and what to say about it ("" for nothing)."""

    ordinate: Ordinate
    percent: bool = False
    remark: str = ""


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
    (r"interferogram|\bphase\b", YUnit(Ordinate.INTENSITY, remark="interferogram")),
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
    r"\bhz\b|\bppm\b|m/z|\bmin(?:utes?)?\b|second|gauss|\bvolts?\b|theta", re.IGNORECASE
)


def x_unit(text: str) -> XUnit | None:
    """The x axis that words such as "1/CM", "Wavenumber (cm-1)", "nm" or "MICROMETERS" name, else None."""
    if _NOT_OPTICAL.search(text):
        return None
    return next((unit for pattern, unit in _X_WORDS if re.search(pattern, text.strip(), re.IGNORECASE)), None)


def y_unit(text: str) -> YUnit:
    """The ordinate that words such as "%T", "Absorbance" or "log(1/R)" name; INTENSITY with a remark else."""
    words = text.strip()
    for pattern, unit in _Y_WORDS:
        if re.search(pattern, words, re.IGNORECASE):
            share = unit.ordinate in (Ordinate.TRANSMITTANCE, Ordinate.REFLECTANCE)
            percent = unit.percent or (share and ("%" in words or "percent" in words.lower()))
            remark = f"The ordinate {words[:60]!r} was kept as it is." if unit.remark == "?" else unit.remark
            return YUnit(unit.ordinate, percent, remark)
    said = f"The ordinate {words[:60]!r}" if words else "The ordinate, which the file does not name,"
    return YUnit(Ordinate.INTENSITY, remark=f"{said} was not understood; it was kept as an intensity.")


def optical_spectrum(
    x: ArrayLike, y: ArrayLike, x_is: XUnit, y_is: YUnit, *, title: str = "", warnings: list[str]
) -> OpticalSpectrum:
    """A valid spectrum from two columns of a file; every repair is added to ``warnings``.

    Parameters
    ----------
    x, y : (n,) as written, in the units of ``x_is`` and ``y_is``.

    Raises
    ------
    UnreadableFile : an interferogram, x and y of different length, or more than 2,000,000 points.
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    _check(xs, ys, y_is)
    _remark(y_is.remark, warnings)
    xs, ys = _usable(xs * x_is.factor, ys, x_is, warnings)
    if x_is.micrometres and len(xs):
        _remark("The x axis was in micrometres; it was converted to wavenumbers.", warnings)
        xs = 1e4 / xs
    xs, ys = _ascending(xs, ys, warnings)
    return OpticalSpectrum(x_is.axis, y_is.ordinate, xs, _share(ys, y_is, warnings), title)


def technique(spectra: Iterable[OpticalSpectrum]) -> Technique:
    """The technique that axis and ordinate of the first spectrum tell; UNKNOWN for emission and the like."""
    first = next(iter(spectra), None)
    if first is None:
        return Technique.UNKNOWN
    if first.axis is Axis.RAMAN_SHIFT:
        return Technique.RAMAN
    if first.ordinate is Ordinate.INTENSITY:
        return Technique.UNKNOWN
    return Technique.UV if first.axis is Axis.WAVELENGTH else Technique.FTIR


def refuse_interferogram() -> UnreadableFile:
    """The refusal of what is not yet a spectrum."""
    return UnreadableFile(
        Fault.UNSUPPORTED,
        where="ordinate",
        expected="a spectrum; this is an interferogram",
        remedy="Transform it in the instrument's software and hand in the spectrum.",
    )


def _check(x: Floats, y: Floats, y_is: YUnit) -> None:
    if y_is.remark == "interferogram":
        raise refuse_interferogram()
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
    if x_is.axis is not Axis.RAMAN_SHIFT:
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
