"""Varian (Bruker) Saturn ion-trap GC-MS runs: ``.SMS`` of MS Workstation.

A reader of our own: no Python library reads the format. The coding of the numbers is the one that the
chromConverter project describes; the tables around it were worked out on real files, where every scan's
ions add up to the total and reach the base peak that the file stores beside them. That check is made for
every scan read: a file that fails it is refused rather than half understood.

Layout, little-endian: entries of 50 bytes from byte 38 (start u32, end u32, number u16, two times u32,
name), counted at byte 30. Section ``MSData``: m/z steps per Th u16 at 12, time u32 at 16, scans u32 at 30,
place of the scan table u32 at 50, place of the ions u32 at 58. Scan table, 39 bytes: size u32, place u32,
scan u32, time in min f64, ion time in µs u16, total u32, three m/z u16, base peak u32, segment u8, two
unknown bytes. Ions: pairs of step in m/z and intensity, big-endian, of 1 to 4 bytes as the two top bits
say, then two zeros.

MS/MS experiments are not told from full scans in what is understood; every scan is given as MS level 1.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from spectra.errors import Fault, InvalidMeasurement, UnreadableFile
from spectra.model import Floats, Metadata, Run, ScanTable, Technique, Trace
from spectra.readers.scans import check_limits, scan_table

name = "varian"
formats = ("Varian Saturn .SMS",)

_MAGIC = b"SATURNWS"
_ENTRY = struct.Struct("<II10x32s")
_FIRST_ENTRY, _ENTRY_COUNT = 38, 30
_SCAN = np.dtype(
    [
        *(("size", "<u4"), ("place", "<u4"), ("scan", "<u4"), ("time", "<f8"), ("ion_time", "<u2")),
        *(("total", "<u4"), ("mz", "<u2", 3), ("base", "<u4"), ("segment", "u1"), ("rest", "V2")),
    ]
)
_HEADER_BYTES = 66
_TEXTS = {"sample": 6, "instrument": 196}
_REMEDY = "Copy the file again, or export the run as ANDI netCDF from MS Workstation."


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """The program's name at byte 8."""
    return head[8:16] == _MAGIC


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    data = path.read_bytes()
    sections = _sections(data)
    if "MSData" not in sections:
        raise UnreadableFile(Fault.NO_SIGNAL, expected="a section MSData", remedy=_REMEDY)
    begin, end = sections["MSData"]
    scans, factor, ions = _scan_table(data, begin, end)
    warnings: list[str] = []
    table = _table(scans, data[ions:end], factor, warnings)
    return Run(
        _metadata(data, sections, begin), table, _stored_tic(scans, warnings), warnings=tuple(warnings)
    )


def _sections(data: bytes) -> dict[str, tuple[int, int]]:
    """Start and end by name; a section beyond the end of the file is a truncation."""
    count = int.from_bytes(data[_ENTRY_COUNT : _ENTRY_COUNT + 4], "little")
    if _FIRST_ENTRY + count * _ENTRY.size > len(data):
        raise _truncated(len(data), f"{count} sections")
    found = {}
    for k in range(count):
        start, end, raw = _ENTRY.unpack_from(data, _FIRST_ENTRY + k * _ENTRY.size)
        title = raw.split(b"\0")[0].decode("cp1252", "replace")
        if start > end or (title == "MSData" and end > len(data)):
            raise _truncated(len(data), f"section {title} up to byte {end}")
        found[title] = (start, end)
    return found


def _scan_table(data: bytes, begin: int, end: int) -> tuple[np.ndarray, int, int]:
    """The records of the scans, the m/z steps per Th, and where the ions begin."""
    if end - begin < _HEADER_BYTES:
        raise _truncated(len(data), "the header of MSData")
    factor, count = struct.unpack_from("<12xH16xI", data, begin)
    table, ions = (begin + place for place in struct.unpack_from("<50xI4xI", data, begin))
    if table + count * _SCAN.itemsize > end or ions > end:
        raise _truncated(len(data), f"{count} scans")
    if not factor:
        raise UnreadableFile(Fault.MALFORMED, where=f"byte {begin + 12}", expected="steps of m/z per Th")
    return np.frombuffer(data, _SCAN, count, table), factor, ions


def _table(scans: np.ndarray, ions: bytes, factor: int, warnings: list[str]) -> ScanTable:
    over = np.flatnonzero(scans["place"].astype(np.int64) + scans["size"] > len(ions))
    if len(over):
        raise _truncated(len(ions), f"the ions of scan {int(scans['scan'][over[0]])}")
    steps, heights, counts = [], [], []
    for scan in scans:
        mz, intensity = _ions(ions[scan["place"] : scan["place"] + scan["size"]])
        _check(scan, intensity)
        steps.append(mz)
        heights.append(intensity)
        counts.append(len(mz))
        check_limits(counts[-1:])
    check_limits(counts)
    return scan_table(
        scans["time"] * 60,
        counts,
        np.concatenate(steps) / factor if steps else (),
        np.concatenate(heights) if heights else (),
        warnings=warnings,
    )


def _ions(packed: bytes) -> tuple[Floats, Floats]:
    """m/z in steps, and intensities, of one scan."""
    values, place, size = [], 0, len(packed)
    while place < size:
        more = packed[place] >> 6
        value = packed[place] & 0x3F
        for byte in packed[place + 1 : place + 1 + more]:
            value = value << 8 | byte
        values.append(value)
        place += 1 + more
    pairs = np.asarray(values[: len(values) // 2 * 2], np.float64).reshape(-1, 2)
    ions = pairs[:, 1] > 0
    return np.cumsum(pairs[:, 0])[ions], pairs[ions, 1]


def _check(scan: np.ndarray, intensity: Floats) -> None:
    if intensity.sum() != scan["total"] or intensity.max(initial=0) != scan["base"]:
        raise UnreadableFile(
            Fault.MALFORMED,
            where=f"scan {int(scan['scan'])}",
            expected="ions that add up to the total stored beside them",
            remedy=_REMEDY,
        )


def _stored_tic(scans: np.ndarray, warnings: list[str]) -> tuple[Trace, ...]:
    try:
        return (Trace("TIC as stored", scans["time"] * 60, scans["total"].astype(np.float64)),)
    except InvalidMeasurement:
        warnings.append("The stored total ion current is not a valid trace; it was left out.")
        return ()


def _metadata(data: bytes, sections: dict[str, tuple[int, int]], begin: int) -> Metadata:
    log = data[slice(*sections.get("InjectionLog", (0, 0)))]
    texts = {key: _text(log, place) for key, place in _TEXTS.items()}
    started = int.from_bytes(data[begin + 16 : begin + 20], "little")
    method = next((part for part in log.split(b"\0") if part.lower().endswith(b".mth")), b"")
    details = {"method": _text(method, 0), "intensity": "counts", "file": "MS Workstation"}
    return Metadata(
        format="Varian Saturn SMS",
        reader=name,
        technique=Technique.GC_MS,
        instrument=texts["instrument"],
        acquired_at=datetime.fromtimestamp(started, UTC).strftime("%Y-%m-%d %H:%M:%S") if started else "",
        sample_name=texts["sample"],
        details={key: value[:500] for key, value in details.items() if value},
    )


def _text(raw: bytes, place: int) -> str:
    """A text that ends with a zero; what is not printable is no text."""
    text = raw[place : place + 255].split(b"\0")[0].decode("cp1252", "replace").strip()
    return text if text.isprintable() else ""


def _truncated(size: int, expected: str) -> UnreadableFile:
    return UnreadableFile(Fault.TRUNCATED, where=f"byte {size}", expected=expected, remedy=_REMEDY)
