"""Chromatograms as columns of text: Waters ``.arw``, Chromeleon, and any CSV with a column of times.

A table is taken for a chromatogram where its heading names a time, or where it has no heading and its first
column rises from about 0 to no more than 180, as minutes do and wavelengths and wavenumbers never do. Every
further column becomes a trace; columns headed by wavelengths make one diode array. Times are minutes or
seconds as the heading says; where it does not, minutes up to 180 and seconds beyond, with a warning.
What stands before the table is kept as details: pairs of key and value, or a line of keys above one of
values. Refuses a table whose times fall.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import DiodeArray, Floats, Metadata, Run, Technique, Trace
from spectra.readers.columns import Columns, decode, read_columns

name = "chromatogram_text"
formats = ("Waters .arw", "Thermo Chromeleon text", "CSV and text chromatograms (time, value …)")

_HEAD = 1 << 16  # bytes within which the table must begin
_LONGEST = 180.0  # minutes; beyond, a time without a unit is seconds
_TIME = re.compile(
    r"\b(?:time|temps|zeit|tiempo|tempo|tijd|rt|r\.?\s?t\.?|retention\w*|min|minutes?|sec|seconds?)\b|"
    r"r\.time|retentiontime|time[_\s(\[]",
    re.IGNORECASE,
)
_MINUTES, _MILLISECONDS = re.compile(r"\bmin", re.IGNORECASE), re.compile(r"\bms(?:ec)?\b", re.IGNORECASE)
_SECONDS = re.compile(r"\b(?:s|sec|secs|seconds?|secondes?|sekunden)\b", re.IGNORECASE)
_UNIT = re.compile(r"[(\[]([^()\[\]]{1,20})[)\]]\s*$")
_COUNTER = re.compile(  # a column that counts or gives the step of sampling, not a "Refractive Index Signal"
    r"(?:(?:scan|data|point|time|row)[ _]?)?(?:step|index|scan|points?|no|nr|number)\.?"
    r"(?: ?[(\[][^()\[\]]*[)\]])?|#",
    re.IGNORECASE,
)
_GAS = re.compile(r"\b(?:FID|TCD|ECD|NPD|FPD)\d?", re.IGNORECASE)
_LIQUID = re.compile(
    r"\bm?AU\b|nRIU|\bnC\b|µS|\bUV|DAD|PDA|FLD|RID|\bED_|CAD|ELSD|\b24(?:14|75|8[79])|\b299[68]\b|ex\d+|\d{3}\s?nm",
    re.IGNORECASE,
)
_KEYS = {
    "sample": ("sample name", "samplename", "injection", "injection name", "sample", "échantillon", "probe"),
    "instrument": ("instrument", "instrument name", "system name", "generating data system"),
    "day": ("injection date", "date acquired", "acquired", "acquisition date", "date"),
    "hour": ("injection time", "time acquired", "acquisition time"),
    "unit": ("signal unit", "unit", "units", "intensity units"),
    "channel": ("channel", "channel name", "detector", "signal"),
    "points": ("data points", "# of points", "points"),
}

_KNOWN = frozenset(key for keys in _KEYS.values() for key in keys)


def recognises(head: bytes, path: Path) -> bool:
    """Text in which a table of times begins within the first 64 KiB."""
    if b"\0" in head[2:] and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    if not path.is_file() or head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"{", b"##")):
        return False
    with path.open("rb") as stream:
        start = stream.read(_HEAD)
    text = decode(start)
    if len(start) == _HEAD:
        text = "\n".join(text.splitlines()[:-1])  # the last line may be cut
    try:
        return _has_times(read_columns(text))
    except UnreadableFile:
        return False


def read(path: Path) -> Run:
    """The traces or the diode array of the table; times in s. Raises `UnreadableFile`."""
    table = read_columns(decode(path.read_bytes()))
    told = header_fields(_before_names(table))
    warnings = list(table.problems)
    wavelengths = _wavelengths(table)
    heading = _heading(table)
    times = _seconds(table.values[:, 0], heading, warnings)
    rows = np.isfinite(times)
    if not rows.all():
        warnings.append(f"{int((~rows).sum())} rows without a time were left out.")
    if np.any(np.diff(times[rows]) < 0):
        raise UnreadableFile(Fault.MALFORMED, where="first column", expected="times that rise")
    _note_missing(told, len(times), warnings)
    metadata = _metadata(table, told)
    if len(wavelengths):
        array = _array(table, rows, times, wavelengths, _told(told, "unit"), warnings)
        return Run(metadata, diode_arrays=(array,), warnings=tuple(warnings))
    traces = _traces(table, times, told, warnings)
    return Run(metadata, traces=traces, warnings=tuple(warnings))


def header_fields(lines: Sequence[str]) -> dict[str, str]:
    """What the lines before a table tell: key and value in a line, or a line of keys over one of values.

    Keys are in lower case; of repeated ones the first is kept.
    """
    rows = [_split(line) for line in lines if line.strip()]
    told: dict[str, str] = {}
    place = 0
    while place < len(rows):
        row, below = rows[place], rows[place + 1] if place + 1 < len(rows) else []
        place += 1
        if len(row) == len(below) >= 2 and (len(row) > 2 or _KNOWN.issuperset(map(str.lower, row))):
            told |= {key.lower(): value for key, value in zip(row, below, strict=True) if key and value}
            place += 1
        elif len(row) == 2 and row[1] and len(row[0]) <= 60:
            told.setdefault(row[0].rstrip(":=").strip().lower(), row[1])
    return told


def _before_names(table: Columns) -> tuple[str, ...]:
    lines = tuple(line for line in table.header_lines if line.strip())
    return lines[:-1] if table.names else lines


def _split(line: str) -> list[str]:
    for delimiter in ("\t", ";", ","):
        if delimiter in line:
            return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [""])]
    key, colon, value = line.partition(":")
    return [key.strip().lstrip("#").strip(), value.strip()] if colon else [line.strip()]


def _has_times(table: Columns) -> bool:
    heading = _heading(table)
    if heading:
        return _TIME.search(heading) is not None
    told = header_fields(_before_names(table))
    x = table.values[:, 0]
    rises = bool(np.all(np.diff(x) > 0)) and -1 < x[0] < 5 and x[-1] <= _LONGEST
    return rises and (not table.header_lines or bool(told))


def _heading(table: Columns) -> str:
    """What names the first column: its own name, or the last line before the table alone."""
    if table.names:
        return table.names[0].replace("_", " ")
    line = next((line for line in reversed(table.header_lines) if line.strip()), "")
    return line.strip() if len(_split(line)) == 1 else ""


def _wavelengths(table: Columns) -> Floats:
    """(columns − 1,) nm, where the columns are headed by wavelengths; else empty."""
    width = table.values.shape[1]
    candidates = [table.names, *(tuple(_split(line)) for line in table.header_lines[-4:])]
    for cells in candidates:
        try:
            found = np.array([cell.replace(",", ".") for cell in cells[1:width]], np.float64)
        except ValueError:
            continue
        in_range = len(found) == width - 1 > 2 and bool(np.all((found >= 150) & (found <= 1200)))
        if in_range and bool(np.all(np.diff(found) > 0)):
            return found
    return np.empty(0)


def _seconds(times: Floats, heading: str, warnings: list[str]) -> Floats:
    if _MINUTES.search(heading):
        return times * 60
    if _MILLISECONDS.search(heading):
        return times / 1000
    if _SECONDS.search(heading):
        return times
    minutes = bool(np.nanmax(times) <= _LONGEST)
    unit = "minutes" if minutes else "seconds"
    warnings.append(f"The file does not state the unit of its times; they were taken as {unit}.")
    return times * 60 if minutes else times


def _traces(table: Columns, times: Floats, told: dict[str, str], warnings: list[str]) -> tuple[Trace, ...]:
    found = []
    names = table.names or ("time", *[""] * (table.values.shape[1] - 1))
    only = sum(not _COUNTER.fullmatch(label) for label in names[1:]) == 1
    for column, label in enumerate(names[1:], start=1):
        values = table.values[:, column]
        if _COUNTER.fullmatch(label):
            continue
        whole = np.isfinite(values) & np.isfinite(times)
        if not whole.any():
            continue
        if not whole.all() and column > 1:
            warnings.append(f"{int((~whole).sum())} empty cells of the column {label!r} were left out.")
        unit = _UNIT.search(label)
        title = (_told(told, "channel") if only else "") or label or f"column {column + 1}"
        found.append(Trace(title, times[whole], values[whole], unit[1] if unit else _told(told, "unit")))
    if not found:
        raise UnreadableFile(Fault.NO_SIGNAL, where="table", expected="a column of values beside the times")
    return tuple(found)


def _array(
    table: Columns, rows: np.ndarray, times: Floats, wavelengths: Floats, unit: str, warnings: list[str]
) -> DiodeArray:
    values = table.values[:, 1:]
    whole = rows & np.isfinite(values).all(axis=1)
    if not whole.all():
        warnings.append(f"{int((~whole).sum())} rows with empty cells were left out.")
    return DiodeArray("diode array", times[whole], wavelengths, values[whole], unit)


def _note_missing(told: dict[str, str], rows: int, warnings: list[str]) -> None:
    announced = _told(told, "points")
    if announced.isdigit() and int(announced) != rows:
        warnings.append(f"The file announces {announced} values and has {rows}.")


def _told(told: dict[str, str], what: str) -> str:
    return next((told[key] for key in _KEYS[what] if told.get(key)), "")


def _metadata(table: Columns, told: dict[str, str]) -> Metadata:
    said = " ".join((*table.names, *(told.get(key, "") for key in (*_KEYS["channel"], *_KEYS["unit"]))))
    day, hour = _told(told, "day"), _told(told, "hour")
    return Metadata(
        format="chromatogram as text",
        reader=name,
        technique=_technique(said),
        instrument=_told(told, "instrument"),
        acquired_at=f"{day} {hour}".strip() if day else "",
        sample_name=_told(told, "sample"),
        details={key: value[:500] for key, value in list(told.items())[:200]},
    )


def _technique(said: str) -> Technique:
    if _GAS.search(said):
        return Technique.GC
    return Technique.LC if _LIQUID.search(said) else Technique.UNKNOWN
