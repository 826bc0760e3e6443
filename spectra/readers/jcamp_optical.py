"""The infrared, Raman, ultraviolet and other spectra of a JCAMP-DX file: curves in every form, and pairs.

Every check that the format offers is made, and a failure is a warning: the number of points, the x of each
line, the value repeated in difference form, the first value. Where the x of the lines contradict the header,
the lines are believed, since they stand beside the values.
"""

from __future__ import annotations

import re

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Axis, Floats, OpticalSpectrum, Ordinate, Technique
from spectra.readers.jcamp_asdf import Curve, decode
from spectra.readers.jcamp_blocks import Table, number
from spectra.readers.jcamp_mass import note_count, pairs
from spectra.readers.optical import XUnit, YUnit, any_x_unit, kept_unit, optical_spectrum, x_unit, y_unit

_LIGHT = re.compile(
    r"INFRARED|\bN?IR\b|FT-?IR|RAMAN|\bUV|\bVIS|ULTRAVIOLET|FLUORESC|ABSORPTION", re.IGNORECASE
)
_OTHERS = (
    (Technique.GC, re.compile(r"\bGAS CHROMATOGRAM|\bGC\b", re.IGNORECASE)),
    (Technique.LC, re.compile(r"\bLIQUID CHROMATOGRAM|\bHPLC\b|\bLC\b", re.IGNORECASE)),
    (Technique.NMR, re.compile(r"\bNMR\b|NUCLEAR MAG|\bFID\b", re.IGNORECASE)),
    (Technique.EPR, re.compile(r"\bE[PS]R\b|ELECTRON (?:PARAMAG|SPIN)", re.IGNORECASE)),
    (Technique.IMS, re.compile(r"\bIMS\b|ION MOBILITY", re.IGNORECASE)),
)
_PARTS = re.compile(r"\b(REAL|IMAG)", re.IGNORECASE)
_BRACKET = re.compile(r"\(\s*([-+\d.eE]+)\s*(?:,\s*([-+\d.eE]*))?")
_INFRARED_CM = (50.0, 16_000.0)
_ROUNDING = 0.75  # of a step: the x of a line may be cut to whole numbers
_NEXT_POINT = 1.1  # of a step: some programs write the x of the point after the repeated one


def is_optical(table: Table) -> bool:
    """Whether the table belongs to an optical spectrum, by its data type, or by its x unit without one."""
    kind = table.labels.get("DATATYPE", "")
    if kind:
        return _LIGHT.search(kind) is not None
    return x_unit(table.labels.get("XUNITS", "")) is not None


def other_technique(table: Table) -> Technique:
    """What a table that is not optical says it is; UNKNOWN where it says nothing."""
    kind = table.labels.get("DATATYPE", "")
    found = next((technique for technique, words in _OTHERS if words.search(kind)), Technique.OTHER)
    return found if kind else Technique.UNKNOWN


def optical_of(table: Table, warnings: list[str]) -> OpticalSpectrum:
    """The spectrum of a table; transmittance and reflectance as shares. Raises `UnreadableFile`."""
    x, y = _points(table, warnings)
    x_is = _axis(table, x, warnings)
    found: list[str] = []
    spectrum = optical_spectrum(x, y, x_is, _ordinate(table), title=_title(table), warnings=found)
    warnings.extend(note for note in found if note not in warnings)
    return spectrum


def _title(table: Table) -> str:
    """The block's, or which part of a complex signal the table is."""
    part = _PARTS.search(table.labels.get("YVARNAME", ""))
    if part is None:
        return table.labels.get("TITLE", "")
    return "real" if part[1].upper() == "REAL" else "imaginary"


def _ordinate(table: Table) -> YUnit:
    if "INTERFEROGRAM" in table.labels.get("DATATYPE", "").upper():
        return YUnit(Ordinate.INTERFEROGRAM)
    words = _y_words(table)
    return y_unit(words) if is_optical(table) else kept_unit(words)


def _y_words(table: Table) -> str:
    words = table.labels.get("YUNITS", "")
    return words or table.labels.get("YLABEL", "")


def _axis(table: Table, x: Floats, warnings: list[str]) -> XUnit:
    words = table.labels.get("XUNITS", "")
    kind = table.labels.get("DATATYPE", "").upper()
    unit = any_x_unit(words)
    low, high = _INFRARED_CM
    infrared = "INFRARED" in kind or "RAMAN" in kind
    if infrared and not words and len(x) and low <= x.min() and x.max() <= high:
        warnings.append("The file does not state the unit of x; it was taken as wavenumbers by its range.")
        unit = XUnit(Axis.WAVENUMBER)
    if unit.axis is Axis.OTHER:
        said = f"names x {unit.name!r}, which is not known: it was kept" if unit.name else "does not name x"
        warnings.append(f"The table at line {table.line} {said}.")
    raman = "RAMAN" in kind and unit.axis is Axis.WAVENUMBER
    return XUnit(Axis.RAMAN_SHIFT) if raman else unit


def _points(table: Table, warnings: list[str]) -> tuple[Floats, Floats]:
    if table.is_assigned:
        return _assigned(table, warnings)
    if table.is_pairs:
        found = pairs(table, warnings)
        _note_peaks(table, found[:, 0], warnings)
        return found[:, 0], found[:, 1]
    if "++" not in table.form:
        expected = f"a table (X++(Y..Y)) or (XY..XY); it is {table.form[:40]!r}"
        raise UnreadableFile(Fault.UNSUPPORTED, where=f"line {table.line}", expected=expected)
    curve = decode(table.lines, line=table.line)
    note_count(table, len(curve.y), warnings)
    _note_checks(table, curve, warnings)
    y = np.array(curve.y) * (number(table.labels, "YFACTOR", 1) or 1)
    _note_first(table, y, warnings)
    return _x_of(table, curve, warnings), y


def _assigned(table: Table, warnings: list[str]) -> tuple[Floats, Floats]:
    """x and y of the peaks, y 1 where the form has none; assignments have no place in a curve."""
    warnings.append(f"The table at line {table.line} lists peaks; what they are assigned to was left out.")
    has_y = "XY" in table.form.upper()
    found = _BRACKET.findall("\n".join(table.lines))
    try:
        values = np.array([(x, (has_y and y) or 1) for x, y in found], np.float64).reshape(-1, 2)
    except ValueError as error:
        raise UnreadableFile(
            Fault.MALFORMED, where=f"table at line {table.line}", expected="peaks as (x, y, <text>)"
        ) from error
    return values[:, 0], values[:, 1]


def _note_peaks(table: Table, x: Floats, warnings: list[str]) -> None:
    """A table of peaks is no curve, unless its steps are those of one."""
    step = np.abs(np.diff(x))
    labelled = "PEAK" in table.labels.get("DATACLASS", "").upper() or "PEAKTABLE" in table.labels
    if labelled and len(step) and step.max() > 2 * np.median(step):
        warnings.append(f"The table at line {table.line} lists peaks; it is no continuous curve.")


def _note_checks(table: Table, curve: Curve, warnings: list[str]) -> None:
    if curve.failed:
        first = table.line + curve.failed[0]
        warnings.append(
            f"{len(curve.failed)} lines of the table at line {table.line} do not begin with the value the "
            f"line before ends with (first at line {first}): the file is damaged or was altered there."
        )


def _note_first(table: Table, y: Floats, warnings: list[str]) -> None:
    announced = number(table.labels, "FIRSTY", np.nan)
    if len(y) and np.isfinite(announced) and np.isfinite(y[0]):
        spread = float(np.nanmax(y) - np.nanmin(y))
        if abs(y[0] - announced) > 0.02 * spread + 0.01 * abs(announced):
            warnings.append(
                f"The header announces {announced:g} as first value; the table at line {table.line} "
                f"begins with {y[0]:g}."
            )


def _x_of(table: Table, curve: Curve, warnings: list[str]) -> Floats:
    """x by the header, or by the lines where these contradict it or the header is silent."""
    labels, points = table.labels, len(curve.y)
    lines = np.array(curve.line_x) * (number(labels, "XFACTOR", 1) or 1)
    starts = np.array(curve.line_start, np.float64)
    first, last = number(labels, "FIRSTX", np.nan), number(labels, "LASTX", np.nan)
    announced = number(labels, "NPOINTS", points)
    step = (last - first) / max(announced - 1, 1)
    if not np.isfinite(step):
        return _x_of_lines(number(labels, "DELTAX", np.nan), lines, starts, points)
    off = np.abs(first + step * starts - lines)
    slack = _NEXT_POINT if announced == points else _ROUNDING
    scale = abs(number(labels, "XFACTOR", 1) or 1)
    allowed = slack * abs(step) + 0.51 * scale * _last_place(curve.line_x)
    wrong = int((off > max(allowed, 1e-4 * abs(last - first))).sum())
    if not wrong:
        return np.asarray(first + step * np.arange(points), np.float64)
    warnings.append(
        f"In {wrong} lines of the table at line {table.line} x is not where the header puts it; "
        "the x of the lines were taken."
    )
    return _x_of_lines(step, lines, starts, points)


def _x_of_lines(step: float, lines: Floats, starts: Floats, points: int) -> Floats:
    """Each line from its own x, by the header's step or, without one, by that of the lines."""
    counts = np.diff(np.append(starts, points))
    if len(lines) > 1:
        moved = float(np.median(np.diff(lines) / np.maximum(np.diff(starts), 1)))
        step = abs(step) * np.sign(moved) if np.isfinite(step) else moved
    step = step if np.isfinite(step) else 1.0
    within = np.arange(points) - np.repeat(starts, counts.astype(np.int64))
    return np.asarray(np.repeat(lines, counts.astype(np.int64)) + step * within, np.float64)


def _last_place(values: list[float]) -> float:
    """The unit of the last place that the x are written to: 1, 0.1, 0.01 …"""
    some = values[:50]
    return next((10.0**-k for k in range(7) if all(round(value, k) == value for value in some)), 1e-7)
