"""Optical spectra as columns of text: Bruker ``.dpt``, and CSV of any instrument, decimal comma or point.

The first column is x, every further one a spectrum of its own. What they are is told by the heading or by
the lines before it: wavenumber, Raman shift, wavelength; absorbance, transmittance and so on. Without any
such word two things are told by figures alone: evenly spaced figures that fall, or that end, where
mid-infrared spectra end (about 4000 to about 600) are taken for wavenumbers, and such that rise over all of
the near infrared (about 1100 to 2500) for wavelengths, with a warning; the ordinate then stays an intensity.
Anything else is refused with the question what the columns are, since a
chromatogram, a mass spectrum and a spectrum look alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Axis, Floats, Metadata, OpticalSpectrum, Ordinate, Run, Technique
from spectra.readers.chromatogram_text import header_fields
from spectra.readers.columns import Columns, decode, looks_like_columns, read_columns
from spectra.readers.optical import XUnit, YUnit, any_x_unit, optical_spectrum, technique, x_unit, y_unit
from spectra.readers.scans import check_limits

name = "optical-text"
formats = (
    "Bruker .dpt",
    "CSV and text spectra (wavenumber, Raman shift or wavelength; one value or several)",
)

_LOW, _HIGH = (150.0, 1200.0), (3300.0, 13_000.0)  # where infrared spectra begin and end, cm⁻¹
_NEAR_LOW, _NEAR_HIGH = (1000.0, 1400.0), (2400.0, 2600.0)  # and the near infrared, nm
_NEAR_STEP = 4.0
_FALLING_HIGH = 1_750.0  # figures that fall to the fingerprint may begin lower
_EVEN = 0.05  # of a step
_LEAST_POINTS = 100
_X_LIKE = re.compile(r"^x$|^x[ _-]|x-?axis|xunits|abscissa", re.IGNORECASE)
_Y_LIKE = re.compile(r"^\W*y\b|^\W*y[ _-]|y-?axis|yunits|ordinate|data ?format|final format", re.IGNORECASE)
_COUNT = re.compile(r"pixel|index|point|no\.?$|#$", re.IGNORECASE)
_UNIT_DIGITS = re.compile(r"cm *\^? *[-−⁻] *[1¹]|1 ?/ ?cm", re.IGNORECASE)
_EXCITING = re.compile(r"laser|excit", re.IGNORECASE)
_SAMPLE = (
    "sample name",
    "sample",
    "sample id",
    "title",
    "name",
    "échantillon",
    "probe",
    "sample description",
)
_INSTRUMENT = ("instrument", "spectrometer", "instrument model", "device", "model")
_DATE = ("date", "date acquired", "acquired", "measured", "longdate", "date/time")
_QUESTION = "a heading that says what the columns are (wavenumber, Raman shift, wavelength, time or m/z)"
_REMEDY = "Write it as first line, for instance 'wavenumber (cm-1);absorbance', and hand the file in again."


def recognises(head: bytes, path: Path) -> bool:
    """Text in which a table of figures begins; asked after every reader that knows its own text."""
    markup = head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"{", b"##"))
    return path.is_file() and not markup and looks_like_columns(head)


def read(path: Path) -> Run:
    """The spectra of the table; transmittance and reflectance as shares. Raises `UnreadableFile`."""
    table = read_columns(decode(path.read_bytes()))
    warnings = list(table.problems)
    x, curves = _columns(table)
    x_is = _x_unit(table, x, warnings)
    check_limits([len(table.values)] * len(curves))
    optical = tuple(_spectrum(table, x, column, x_is, warnings) for column in curves)
    optical = tuple(one for one in optical if len(one.x))  # an empty column
    return Run(_metadata(table, optical), optical=optical, warnings=tuple(warnings))


def _columns(table: Columns) -> tuple[int, list[int]]:
    """The column of x, and those of the spectra: some count pixels first, or give x in several units."""
    units = [None if _names_ordinate(name) else x_unit(name) for name in table.names]
    axes = [place for place, unit in enumerate(units) if unit is not None]
    shifts = [place for place in axes if units[place] == XUnit(Axis.RAMAN_SHIFT)]
    x = (shifts or axes or [0])[0]
    counted = [place for place, name in enumerate(table.names) if _COUNT.match(name)]
    curves = [place for place in range(table.values.shape[1]) if place not in {x, *axes, *counted}]
    return x, curves


def _x_unit(table: Columns, column: int, warnings: list[str]) -> XUnit:
    words = table.names[column] if table.names else ""
    x = table.values[:, column]
    found = x_unit(words)
    if found is None and (not words or _X_LIKE.search(words)):
        told = (x_unit(line) for line in table.header_lines if _tells(line, _X_LIKE))
        found = next((unit for unit in told if unit is not None), None)
    if found is None and words:
        other = any_x_unit(words)
        found = None if other.axis is Axis.OTHER else other
    if found is None and not words:
        found = _by_figures(x)
        if found is not None:
            taken = f"from {x[0]:g} to {x[-1]:g} it was taken as {found.axis.value}s"
            warnings.append(f"The file does not say what x is; {taken}.")
    if found is None:
        said = f"; the first column is headed {words[:40]!r}" if words else ""
        raise UnreadableFile(
            Fault.UNSUPPORTED, where="heading", expected=f"{_QUESTION}{said}", remedy=_REMEDY
        )
    return found


def _tells(line: str, axis: re.Pattern[str]) -> bool:
    """A line speaks of an axis if it says so, or is nothing but a unit: not "Laser wavelength: 785 nm"."""
    bare = not any(sign.isdigit() or sign in ":=" for sign in _UNIT_DIGITS.sub("", line))
    return axis.search(line) is not None or (bare and len(line.split()) <= 3 and not _EXCITING.search(line))


def _by_figures(x: Floats) -> XUnit | None:
    """What evenly spaced figures over the whole of a range can only be; times begin near 0 and never fall.

    Raman shifts begin below 1000, mid-infrared spectra do not end at 2500, and m/z have no even steps.
    """
    step = np.diff(x)
    if len(x) < _LEAST_POINTS or not np.isfinite(step).all():
        return None
    usual = float(np.median(step))
    if np.abs(step - usual).max() > _EVEN * abs(usual):
        return None
    low, high = float(x.min()), float(x.max())
    if _LOW[0] <= low <= _LOW[1] and (_FALLING_HIGH if usual < 0 else _HIGH[0]) <= high <= _HIGH[1]:
        return XUnit(Axis.WAVENUMBER)
    near = _NEAR_LOW[0] <= low <= _NEAR_LOW[1] and _NEAR_HIGH[0] <= high <= _NEAR_HIGH[1]
    return XUnit(Axis.WAVELENGTH) if near and 0 < usual <= _NEAR_STEP else None


def _spectrum(table: Columns, axis: int, column: int, x_is: XUnit, warnings: list[str]) -> OpticalSpectrum:
    x, y = table.values[:, axis], table.values[:, column]
    missing = np.isnan(x) | np.isnan(y)
    heading = table.names[column] if table.names else ""
    found: list[str] = []
    spectrum = optical_spectrum(
        x[~missing], y[~missing], x_is, _y_unit(table, heading), title=_title(heading), warnings=found
    )
    warnings.extend(note for note in found if note not in warnings)
    return spectrum


def _y_unit(table: Columns, heading: str) -> YUnit:
    """By the column's heading, else by the first line that names an ordinate, else unknown."""
    texts = [heading, *(line for line in table.header_lines if _tells(line, _Y_LIKE))]
    known = (y_unit(text) for text in texts if text.strip() and _names_ordinate(text))
    return next(known, y_unit(heading if len(heading) < 60 else ""))


def _names_ordinate(text: str) -> bool:
    found = y_unit(text)
    return found.ordinate is not Ordinate.INTENSITY or "not understood" not in found.remark


def _title(heading: str) -> str:
    """The heading of a column, where it says more than the kind of ordinate."""
    return "" if _names_ordinate(heading) else heading[:200]


def _metadata(table: Columns, optical: Sequence[OpticalSpectrum]) -> Metadata:
    lines = [line for line in table.header_lines if line.strip()]
    told = header_fields(lines[:-1] if table.names else lines)
    return Metadata(
        format="text",
        reader=name,
        technique=_technique(optical),
        instrument=_first(told, _INSTRUMENT),
        acquired_at=_first(told, _DATE),
        sample_name=_first(told, _SAMPLE),
        details={key[:60]: value[:500] for key, value in list(told.items())[:60]},
    )


def _technique(optical: Sequence[OpticalSpectrum]) -> Technique:
    """As the units tell; wavenumbers up to the near infrared are infrared whatever the ordinate."""
    found = technique(optical)
    infrared = optical and optical[0].axis is Axis.WAVENUMBER and optical[0].x[-1] <= _HIGH[1]
    return Technique.FTIR if found is Technique.UNKNOWN and infrared else found


def _first(told: dict[str, str], keys: Sequence[str]) -> str:
    return next((told[key] for key in keys if told.get(key)), "")
