"""Shimadzu LabSolutions and GCMSsolution text exports: sections in brackets, each with keys and a table.

Reads every section of a chromatogram as a trace (times in s, the multiplier of intensity applied), the
three-dimensional section of a diode array, and mass spectra as scans without a time. Sections that hold
results, not measurements (peak tables, compounds), are named in one warning. Refuses an export of results
alone, telling what to export, and a chromatogram with fewer points than it announces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import NO_SCANS, DiodeArray, Floats, Metadata, Run, ScanTable, Technique, Trace
from spectra.readers.columns import Columns, decode, read_columns
from spectra.readers.scans import scan_table

name = "shimadzu_text"
formats = ("Shimadzu LabSolutions and GCMSsolution text",)

_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[[A-Za-z][^\]\r\n]{2,60}\][^\S\r\n]*[\r\n]")
_WORDS = re.compile(rb"Data File Name|LabSolutions|GCMSsolution|\[File Information\]|\[Sample Information\]")
_SECTION = re.compile(r"^\[([^\]\r\n]{2,100})\]\s*$", re.MULTILINE)
_QUANTITIES = re.compile(rb"(?:\xef\xbb\xbf)?ID#\t\d+\r?\n(?:Name|Type)\t")
_INFORMATION = ("Header", "File Information", "Sample Information", "Original Files", "Configuration")
_FREE = ("File Description",)
_HELP = (
    "Export it again with the chromatogram (in LabSolutions: File, Export Data, and tick the chromatogram)."
)
_MAX_SECTIONS = 20_000


@dataclass(slots=True)
class _Found:
    traces: list[Trace] = field(default_factory=list)
    arrays: list[DiodeArray] = field(default_factory=list)
    spectra: list[tuple[str, Floats]] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """A text that begins with a section in brackets, or with the compounds of a quantitative browser."""
    if _QUANTITIES.match(head):
        return True
    return _START.match(head) is not None and _WORDS.search(head) is not None


def read(path: Path) -> Run:
    """The chromatograms, the diode array, the spectra. Raises `UnreadableFile`."""
    data = path.read_bytes()
    if _QUANTITIES.match(data[:4096]):
        raise _only_results("a table of compounds by sample")
    found = _Found()
    for title, body in _sections(decode(data)):
        _take(found, title, body)
    if not (found.traces or found.arrays or found.spectra):
        raise _only_results(", ".join(found.left[:5]) or "no section of a chromatogram")
    if found.left:
        found.warnings.append(f"These sections hold results and were not read: {', '.join(found.left[:20])}.")
    scans = _scans(found)
    return Run(
        _metadata(found),
        scans,
        tuple(found.traces),
        tuple(title for title, _ in found.spectra),
        tuple(found.warnings),
        diode_arrays=tuple(found.arrays),
    )


def _sections(text: str) -> Iterable[tuple[str, str]]:
    parts = _SECTION.split(text)
    if len(parts) // 2 > _MAX_SECTIONS:
        raise UnreadableFile(Fault.TOO_LARGE, expected=f"at most {_MAX_SECTIONS} sections")
    return zip(parts[1::2], parts[2::2], strict=True)


def _take(found: _Found, title: str, body: str) -> None:
    if title in _INFORMATION:
        found.told |= _keys(body.splitlines())
    elif title in _FREE:
        found.told["description"] = " ".join(body.split())
    elif "MS Spectrum" in title or title.startswith("Spectrum"):
        _take_spectrum(found, body)
    elif "Chromatogram" in title or title.startswith("PDA 3D"):
        _take_chromatogram(found, title, body)
    else:
        found.left.append(title)


def _keys(lines: Iterable[str]) -> dict[str, str]:
    """Key and value of each line, parted by a tab, a semicolon or a comma."""
    told: dict[str, str] = {}
    for line in lines:
        key, _, value = next((line.partition(mark) for mark in "\t;," if mark in line), (line, "", ""))
        if key.strip() and value.strip():
            told.setdefault(key.strip(), value.strip().strip('"'))
    return told


def _take_chromatogram(found: _Found, title: str, body: str) -> None:
    try:
        table = read_columns(body)
    except UnreadableFile:
        found.warnings.append(f"The section {title} holds no table of figures; it was left out.")
        return
    told = _keys(table.header_lines)
    if title.startswith("PDA 3D") or _number(told, "Wavelength Axis Points") > 1:
        _take_array(found, title, table)
        return
    _check_points(title, told, table)
    seconds = 1.0 if table.names and re.search(r"\(s(?:ec)?\)", table.names[0]) else 60.0
    multiplier = _number(told, "Intensity Multiplier") or 1.0
    column = _column(table.names)
    wavelength = told.get("Wavelength(nm)", "")
    label = f"{title}, {wavelength} nm" if wavelength else title
    values = table.values[:, column] * multiplier
    whole = np.isfinite(values)
    unit = told.get("Intensity Units", "")
    found.traces.append(Trace(label, table.values[whole, 0] * seconds, values[whole], unit))
    found.told |= {
        f"{title}: {key}": told[key] for key in ("Wavelength(nm)", "Bandwidth(nm)", "m/z") if key in told
    }
    if table.problems:
        found.warnings += [f"{title}: {problem}" for problem in table.problems]


def _column(names: tuple[str, ...]) -> int:
    """The absolute intensity, where there are several columns."""
    return next((k for k, label in enumerate(names) if k and "intensity" in label.lower()), 1)


def _check_points(title: str, told: dict[str, str], table: Columns) -> None:
    announced = _number(told, "# of Points")
    if announced > len(table.values):
        raise UnreadableFile(
            Fault.TRUNCATED,
            where=f"section {title}",
            expected=f"{announced:.0f} points, as it says; it has {len(table.values)}",
            remedy="Export the file again.",
        )


def _take_array(found: _Found, title: str, table: Columns) -> None:
    line = next((line for line in reversed(table.header_lines) if line.strip()), "")
    cells = [cell.replace(",", ".") for cell in re.split(r"[\t;]|,(?=\s|$)", line.strip())]
    width = table.values.shape[1] - 1
    try:
        wavelengths = np.array(cells[-width:], np.float64)
    except ValueError:
        wavelengths = np.empty(0)
    if len(wavelengths) and wavelengths.min() > 1200:
        wavelengths = wavelengths / 100  # some versions write hundredths of nm
    if len(wavelengths) != width or not bool(np.all(np.diff(wavelengths) > 0)):
        found.warnings.append(f"The section {title} names no wavelength for each column; it was left out.")
        return
    whole = np.isfinite(table.values).all(axis=1)
    times, values = table.values[whole, 0] * 60, table.values[whole, 1:]
    found.arrays.append(
        DiodeArray(title, times, wavelengths, values, _keys(table.header_lines).get("Intensity Units", ""))
    )


def _take_spectrum(found: _Found, body: str) -> None:
    try:
        table = read_columns(body)
    except UnreadableFile:
        found.warnings.append(f"Spectrum {len(found.spectra) + 1} holds no peaks; it was left out.")
        return
    told = _keys(table.header_lines)
    label = told.get("Raw Spectrum") or told.get("Spectrum") or f"spectrum {len(found.spectra) + 1}"
    found.spectra.append((label, table.values[:, :2]))


def _scans(found: _Found) -> ScanTable:
    if not found.spectra:
        return NO_SCANS
    peaks = [pairs for _, pairs in found.spectra]
    flat = np.concatenate(peaks)
    counts = [len(pairs) for pairs in peaks]
    nowhere = np.full(len(peaks), np.nan)
    return scan_table(nowhere, counts, flat[:, 0], flat[:, 1], warnings=found.warnings, any_order=True)


def _metadata(found: _Found) -> Metadata:
    told = found.told
    instrument = " ".join(filter(None, (told.get("Instrument Name", ""), told.get("Detector Name", ""))))
    return Metadata(
        format="Shimadzu text export",
        reader=name,
        technique=_technique(found),
        instrument=instrument,
        acquired_at=told.get("Acquired", "") or told.get("Generated", ""),
        sample_name=told.get("Sample Name", ""),
        details={key: value[:500] for key, value in list(told.items())[:300]},
    )


def _technique(found: _Found) -> Technique:
    told = found.told
    said = " ".join(
        (told.get("Instrument Name", ""), told.get("Data File", ""), told.get("Data File Name", ""))
    )
    gas = ".gcd" in said.lower() or ".qgd" in said.lower() or "GC" in said
    titles = " ".join(trace.name for trace in found.traces)
    if found.spectra:
        return Technique.GC_MS if gas else Technique.LC_MS if ".lcd" in said.lower() else Technique.MS
    if gas:
        return Technique.GC
    liquid = ".lcd" in said.lower() or "LC" in said or "PDA" in titles or bool(found.arrays)
    return Technique.LC if liquid else Technique.UNKNOWN


def _number(told: dict[str, str], key: str) -> float:
    try:
        value = float(told.get(key, "0").replace(",", "."))
    except ValueError:
        return 0.0
    return value if np.isfinite(value) else 0.0


def _only_results(held: str) -> UnreadableFile:
    expected = f"a chromatogram or a spectrum; this export holds {held}"
    return UnreadableFile(Fault.NO_SIGNAL, where="sections", expected=expected, remedy=_HELP)
