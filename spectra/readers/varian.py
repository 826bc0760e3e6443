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
from itertools import pairwise
from pathlib import Path

import numpy as np

from spectra.errors import Fault, InvalidMeasurement, UnreadableFile
from spectra.model import Floats, Ints, Metadata, Run, ScanTable, Technique, Trace
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
_BATCH_BYTES = 2**18
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
    for some in _batches(scans):
        mz, intensity, count = _ions(scans[some], ions)
        _check(scans[some], intensity, count)
        steps.append(mz)
        heights.append(intensity)
        counts.append(count)
        check_limits(np.concatenate(counts))
    return scan_table(
        scans["time"] * 60,
        np.concatenate(counts) if counts else (),
        np.concatenate(steps) / factor if steps else (),
        np.concatenate(heights) if heights else (),
        warnings=warnings,
    )


def _batches(scans: np.ndarray) -> list[slice]:
    """Runs of scans of about 256 KiB of ions, so that memory stays small."""
    batch = np.cumsum(scans["size"], dtype=np.int64) // _BATCH_BYTES
    edges = [*np.flatnonzero(np.diff(batch, prepend=-1)).tolist(), len(scans)]
    return [slice(first, last) for first, last in pairwise(edges)]


def _ions(scans: np.ndarray, packed: bytes) -> tuple[Floats, Floats, Ints]:
    """m/z in steps and intensities of some scans, one after the other, and how many each has."""
    sizes = scans["size"].astype(np.int64)
    of = np.repeat(np.arange(len(scans)), sizes)
    begins = np.cumsum(sizes) - sizes
    last = np.repeat(begins + sizes, sizes)
    place = np.arange(len(of)) + np.repeat(scans["place"].astype(np.int64) - begins, sizes)
    data = np.frombuffer(packed, np.uint8)[place].astype(np.int64)
    after = np.minimum(np.arange(len(of)) + 1 + (data >> 6), last)
    at = _reached(begins[sizes > 0], after, last)
    value = data[at] & 0x3F
    for k in range(1, 4):
        more = at + k < after[at]
        value[more] = value[more] << 8 | data[at[more] + k]
    scan = of[at]
    rank = np.arange(len(at)) - np.searchsorted(scan, scan)  # of a value within its scan
    intensity = np.flatnonzero(rank % 2 == 1)
    total = np.cumsum(np.where(rank % 2 == 0, value, 0))
    before = np.concatenate(([0], total))[np.searchsorted(scan, scan[intensity])]
    ion = value[intensity] > 0
    mz = (total[intensity] - before)[ion].astype(np.float64)
    counts = np.bincount(scan[intensity][ion], minlength=len(scans))
    return mz, value[intensity][ion].astype(np.float64), counts


def _reached(begins: Ints, after: Ints, last: Ints) -> Ints:
    """Where the values begin, ascending: ``begins`` and all that follow by ``after``, up to ``last``.

    Each round doubles how far is looked, so that a scan of n values takes log n rounds.
    """
    end = len(after)
    is_value = np.zeros(end + 1, np.bool_)
    is_value[begins] = True
    jump = np.append(np.where(after < last, after, end), end)
    while True:
        found = jump[np.flatnonzero(is_value)]
        if is_value[found[found < end]].all():
            return np.flatnonzero(is_value[:end])
        is_value[found] = True
        is_value[end] = False
        jump = jump[jump]


def _check(scans: np.ndarray, intensity: Floats, counts: Ints) -> None:
    """Refuse ions that do not add up to the total, or do not reach the base peak, of their scan."""
    scan = np.repeat(np.arange(len(scans)), counts)
    base = np.zeros(len(scans))
    np.maximum.at(base, scan, intensity)
    total = np.bincount(scan, intensity, len(scans))
    wrong = np.flatnonzero((total != scans["total"]) | (base != scans["base"]))
    if len(wrong):
        raise UnreadableFile(
            Fault.MALFORMED,
            where=f"scan {int(scans['scan'][wrong[0]])}",
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
