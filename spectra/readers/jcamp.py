"""JCAMP-DX: mass spectra and GC-MS runs, infrared, Raman, ultraviolet and other spectra, alone or linked.

Reads mass spectra as tables of pairs, alone, linked or as pages with a time each, and curves of any kind
(infrared, NMR, EPR, ion mobility …) in all forms of the format (plain, packed, squeezed, difference,
duplicate), as pairs, linked, or in NTUPLES, whose real and imaginary parts become a spectrum each. Every
label of the block goes into the metadata: the conventions of SWGDRUG, ENFSI, NIST and Coblentz differ in
labels of their own only. Beside spectra, what is none of these is left out with a warning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import compress
from pathlib import Path

from spectra.errors import Fault, UnreadableFile
from spectra.model import NO_SCANS, Axis, Metadata, OpticalSpectrum, Run, ScanTable, Technique, Trace
from spectra.readers.jcamp_blocks import Blocks, Table, number, read_blocks
from spectra.readers.jcamp_mass import is_mass, mass_scans
from spectra.readers.jcamp_optical import is_optical, optical_of, other_technique
from spectra.readers.optical import technique
from spectra.readers.scans import MAX_POINTS

name = "jcamp"
formats = (
    "JCAMP-DX mass spectra",
    "JCAMP-DX infrared, Raman and UV spectra (AFFN, PAC, SQZ, DIF, DUP, XYPOINTS, NTUPLES, LINK)",
    "JCAMP-DX NMR, EPR, ion mobility and other curves; interferograms",
)

_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*##\s*(?:TITLE|JCAMP-?DX)\s*=", re.IGNORECASE)
_CHROMATOGRAM = re.compile("CHROMATOGRAM", re.IGNORECASE)
_FORMAL_WORDS = """
TITLE JCAMPDX DATATYPE DATACLASS BLOCKS BLOCKID END PAGE XUNITS YUNITS XFACTOR YFACTOR FIRSTX LASTX FIRSTY
LASTY MAXX MINX MAXY MINY NPOINTS DELTAX XYDATA XYPOINTS PEAKTABLE DATATABLE SYMBOL VARNAME VARTYPE VARFORM
VARDIM UNITS FIRST LAST MIN MAX FACTOR DATE TIME LONGDATE SPECTROMETERDATASYSTEM SPECTROMETERSYSTEM NTUPLES
ENDNTUPLES XVARNAME YVARNAME
"""
_FORMAL = frozenset(_FORMAL_WORDS.split())
_MAX_DETAILS = 300
_FREE_POINTS, _POINTS_PER_BYTE = 1_000_000, 50
_REMEDY = "Export the spectrum as a table of its points, mass spectra as a peak table (XY..XY), or mzML."


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """The first label is TITLE (or, in sloppy files, JCAMP-DX)."""
    return _START.match(head) is not None


def read(path: Path) -> Run:
    """The spectra or the run; times in s, transmittance as a share. Raises `UnreadableFile`."""
    warnings: list[str] = []
    blocks = read_blocks(path)
    mass = [table for table in blocks.tables if is_mass(table, warnings)]
    taken = {table.line for table in mass}  # comparing tables would compare all their lines
    light = [table for table in blocks.tables if table.line not in taken and _is_curve(table)]
    if not mass and not light:
        raise _unsupported(blocks)
    _note_others(blocks, [*mass, *light], warnings)
    scans = mass_scans(mass, warnings) if mass else NO_SCANS
    optical = _optical(blocks, light, _most_points(path), warnings)
    _check_last(blocks, _found(blocks.tables[-1], light, scans, optical))
    timed = scans.has_time
    titles = () if timed or not mass else tuple(table.labels.get("TITLE", "") for table in mass)
    found = _mass_technique(mass[0], timed=timed) if mass else _light_technique(light, optical)
    metadata = _metadata(blocks, mass or light, found)
    traces, curves = _parted(light, optical)
    return Run(metadata, scans, traces, titles, warnings=tuple(warnings), optical=curves)


def _is_curve(table: Table) -> bool:
    return "MASS" not in table.labels.get("DATATYPE", "").upper()


def _most_points(path: Path) -> int:
    """A count of duplicates makes many points of few bytes: no more than a real curve would need."""
    return min(MAX_POINTS, _FREE_POINTS + _POINTS_PER_BYTE * path.stat().st_size)


def _optical(
    blocks: Blocks, light: Sequence[Table], most: int, warnings: list[str]
) -> tuple[OpticalSpectrum, ...]:
    optical: list[OpticalSpectrum] = []
    points = 0
    for table in light:
        optical.append(_curve(blocks, table, warnings))
        points += len(optical[-1].x)
        if points > most:
            expected = f"at most {most} points in a file of its size"
            raise UnreadableFile(Fault.TOO_LARGE, where=f"table at line {table.line}", expected=expected)
    return tuple(optical)


def _parted(
    light: Sequence[Table], optical: Sequence[OpticalSpectrum]
) -> tuple[tuple[Trace, ...], tuple[OpticalSpectrum, ...]]:
    """What the file calls a chromatogram, over its time; and the spectra."""
    timed = [
        _CHROMATOGRAM.search(table.labels.get("DATATYPE", "")) is not None and one.axis is Axis.TIME
        for table, one in zip(light, optical, strict=True)
    ]
    traces = (Trace(one.title or "signal", one.x, one.y, one.y_unit) for one in compress(optical, timed))
    spectra = (one for one, is_trace in zip(optical, timed, strict=True) if not is_trace)
    return tuple(traces), tuple(spectra)


def _curve(blocks: Blocks, table: Table, warnings: list[str]) -> OpticalSpectrum:
    try:
        return optical_of(table, warnings)
    except UnreadableFile as error:
        cut = table is blocks.tables[-1] and "END" not in blocks.labels[-1]
        if error.fault is Fault.MALFORMED and cut:
            raise _truncated(table, 0) from error
        raise


def _note_others(blocks: Blocks, taken: Sequence[Table], warnings: list[str]) -> None:
    lines = {table.line for table in taken}
    for table in blocks.tables:
        kind = table.labels.get("DATATYPE", "")
        if table.line not in lines and "MASS" not in kind.upper():
            warnings.append(f"The table at line {table.line} ({kind[:60] or 'no data type'}) was left out.")


def _check_last(blocks: Blocks, points: int) -> None:
    """Cut off: the last block has no END although others have, or none has and the last table is short."""
    if "END" in blocks.labels[-1]:
        return
    table = blocks.tables[-1]
    ended = any("END" in labels for labels in blocks.labels)
    if not ended and points >= number(table.labels, "NPOINTS", 0):
        return
    raise _truncated(table, points)


def _found(table: Table, light: Sequence[Table], scans: ScanTable, optical: Sequence[OpticalSpectrum]) -> int:
    """The number of points of the last table."""
    if light and light[-1] is table:
        return len(optical[-1].x)
    return int(scans.offset[-1] - scans.offset[-2]) if len(scans) else 0


def _mass_technique(table: Table, *, timed: bool) -> Technique:
    if not timed:
        return Technique.MS
    labels = table.labels
    electron = "EI" in (labels.get(".IONIZATIONMODE", "") + labels.get("IONIZATIONMODE", "")).upper()
    return Technique.GC_MS if electron else Technique.UNKNOWN


def _light_technique(light: Sequence[Table], optical: Sequence[OpticalSpectrum]) -> Technique:
    """By what the file says it is, since an infrared spectrum may stand in an ordinate of its own."""
    kind = light[0].labels.get("DATATYPE", "").upper()
    if "RAMAN" in kind:
        return Technique.RAMAN
    if re.search(r"INFRARED|\bN?IR\b|FT-?IR", kind):
        return Technique.FTIR
    if re.search(r"\bUV|\bVIS|ULTRAVIOLET", kind):
        return Technique.UV
    told = Technique.UNKNOWN if is_optical(light[0]) else other_technique(light[0])
    by_axis = technique(optical)
    return by_axis if told is Technique.UNKNOWN else told


def _metadata(blocks: Blocks, tables: Sequence[Table], found: Technique) -> Metadata:
    labels, outer = tables[0].labels, blocks.labels[0]
    several = len(tables) > 1 and bool(outer.get("TITLE"))
    return Metadata(
        format="JCAMP-DX",
        reader=name,
        technique=found,
        instrument=labels.get("SPECTROMETERDATASYSTEM", "") or labels.get("SPECTROMETERSYSTEM", ""),
        acquired_at=_moment(labels),
        sample_name=outer["TITLE"] if several else labels.get("TITLE", "") or outer.get("TITLE", ""),
        details=_details(blocks, tables),
    )


def _details(blocks: Blocks, tables: Sequence[Table]) -> dict[str, str]:
    """Labels that all tables share, or the file has at its head, and with its number what one block has."""
    told = [_told(table.labels) for table in tables[:_MAX_DETAILS]]
    first = told[0]
    shared = {key: value for key, value in first.items() if all(one.get(key) == value for one in told)}
    own = [
        (f"{place}.{key}", value)
        for place, one in enumerate(told, start=1)
        for key, value in one.items()
        if key not in shared
    ]
    return dict([*(_told(blocks.labels[0]) | shared).items(), *own][:_MAX_DETAILS])


def _told(labels: dict[str, str]) -> dict[str, str]:
    known = ((key, value) for key, value in labels.items() if value and key and key not in _FORMAL)
    return {key.strip(".").lower(): value[:500] for key, value in known}


def _moment(labels: dict[str, str]) -> str:
    date = labels.get("LONGDATE", "") or labels.get("DATE", "")
    return date if ":" in date else f"{date} {labels.get('TIME', '')}".strip()


def _truncated(table: Table, points: int) -> UnreadableFile:
    count = f"; it has {points}" if points else ""
    return UnreadableFile(
        Fault.TRUNCATED,
        where=f"table at line {table.line}",
        expected=f"{table.labels.get('NPOINTS', 'all')} peaks and ##END={count}",
        remedy="Copy or export the file again.",
    )


def _unsupported(blocks: Blocks) -> UnreadableFile:
    kinds = sorted({labels.get("DATATYPE", "") for labels in blocks.labels} - {"", "LINK"})
    found = f"; this file holds {', '.join(kinds)[:100]}" if kinds else ""
    expected = f"a spectrum, or mass spectra as tables of peaks{found}"
    return UnreadableFile(Fault.UNSUPPORTED, where="header", expected=expected, remedy=_REMEDY)
