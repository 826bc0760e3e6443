"""Agilent ChemStation: a ``.D`` folder with its mass spectra and detector channels, or its bare ``DATA.MS``.

Reads every ion as stored: m/z on the file's grid of 1/20 Th, intensity with the file's own 14 significant
bits (``8^head · tail``), times to the millisecond. Nothing is binned, so nothing is summed. Refuses folders
that hold neither an ``.MS`` file nor a detector channel (MassHunter's ``AcqData``), naming the way out.

Layout as documented by the rainbow project (ms format), checked against its results: big-endian; a record
a scan, of ``words`` u16, time in ms u32, 6 bytes, count u16, 4 bytes, count · (m/z u16, intensity u16),
10 bytes.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Floats, Metadata, Run, Technique
from spectra.readers.agilent_detector import detector_files, read_files, run_of
from spectra.readers.scans import check_limits, scan_table

name = "chemstation"
formats = ("Agilent ChemStation .D folder", "Agilent ChemStation DATA.MS")

_MAGIC = b"\x01\x32\x00\x00"
_HEADER_SIZE = 0x2F2
_RECORD = struct.Struct(">HI6xH4x")
_RECORD_TAIL = 10
_TEXTS = {"type": 0x04, "sample": 0x18, "operator": 0x94, "date": 0xB2, "instrument": 0xD0, "method": 0xE4}
_INLET = 0xDA
_DATA_START, _SCAN_COUNT = 0x10A, 0x116
_TECHNIQUES = {"GC": Technique.GC_MS, "LC": Technique.LC_MS}


def recognises(head: bytes, path: Path) -> bool:
    """The file's magic number, or a folder with a file or subfolder that only Agilent writes."""
    if head.startswith(_MAGIC):
        return True
    return path.is_dir() and any(_is_agilent(entry) for entry in path.iterdir())


def read(path: Path) -> Run:
    """The run; times in s, intensities in counts. Raises `UnreadableFile`."""
    warnings: list[str] = []
    files = detector_files(path) if path.is_dir() else []
    if files and not _ms_files(path):
        return run_of(read_files(files), "Agilent ChemStation .D folder", name)
    data = (_ms_file(path, warnings) if path.is_dir() else path).read_bytes()
    header = _header(data)
    signals = read_files(files)
    time_ms, counts, pairs = _records(data)
    mz, intensity = pairs[:, 0] / 20, _counts(pairs[:, 1])
    table = scan_table(time_ms / 1000, counts, mz, intensity, warnings=warnings, any_order=True)
    return Run(
        _metadata(header, data),
        table,
        tuple(signals.traces),
        warnings=(*warnings, *signals.warnings),
        diode_arrays=tuple(signals.diode_arrays),
    )


def _is_agilent(entry: Path) -> bool:
    return entry.suffix.lower() in (".ms", ".ch", ".uv") or entry.name.lower() == "acqdata"


def _ms_file(folder: Path, warnings: list[str]) -> Path:
    found = _ms_files(folder)
    if not found:
        acquired = any(entry.name.lower() == "acqdata" for entry in folder.iterdir())
        kind = "a MassHunter folder" if acquired else "a folder without measurements"
        raise UnreadableFile(
            Fault.UNSUPPORTED,
            expected=f"a DATA.MS file in the folder; this is {kind}",
            remedy="Export the run as mzML or ANDI netCDF from the Agilent software.",
        )
    data = [entry for entry in found if entry.name.lower() == "data.ms"]
    chosen, *others = data + [entry for entry in found if entry not in data]
    if others:
        warnings.append(f"Only {chosen.name} was read; the folder also holds {others[0].name}.")
    return chosen


def _ms_files(folder: Path) -> list[Path]:
    return sorted(
        entry for entry in folder.iterdir() if entry.suffix.lower() == ".ms" and _is_plain_file(entry)
    )


def _is_plain_file(entry: Path) -> bool:
    return entry.is_file() and not entry.is_symlink()


def _header(data: bytes) -> dict[str, str]:
    if not data:
        raise UnreadableFile(Fault.EMPTY, remedy="Copy the folder again from the instrument.")
    if not data.startswith(_MAGIC):
        raise UnreadableFile(
            Fault.MALFORMED, where="byte 0", expected="the magic number 01 32 00 00 of DATA.MS"
        )
    if len(data) < _HEADER_SIZE:
        raise _truncated(len(data), f"a header of {_HEADER_SIZE} bytes")
    return {key: _text(data, offset) for key, offset in _TEXTS.items()}


def _records(data: bytes) -> tuple[Floats, Floats, np.ndarray[tuple[int, int], np.dtype[np.uint16]]]:
    """Time in ms and ion count per scan, and all (m/z, intensity) words in file order."""
    (start,) = struct.unpack_from(">H", data, _DATA_START)
    (scans,) = struct.unpack_from(">I", data, _SCAN_COUNT)
    position = start * 2 - 2
    if scans * (_RECORD.size + _RECORD_TAIL) > len(data) - position:
        raise _truncated(len(data), f"{scans} scans, as the header says")
    heads, chunks = np.empty((scans, 2)), []
    for scan in range(scans):
        words, time, count = _record(data, position, scan)
        heads[scan] = time, count
        chunks.append(data[position + _RECORD.size : position + _RECORD.size + 4 * count])
        position += 2 * words
    check_limits(heads[:, 1])
    return heads[:, 0], heads[:, 1], np.frombuffer(b"".join(chunks), ">u2").reshape(-1, 2)


def _record(data: bytes, position: int, scan: int) -> tuple[int, int, int]:
    if position < 0 or position + _RECORD.size > len(data):
        raise _truncated(len(data), f"scan {scan + 1}")
    words, time, count = _RECORD.unpack_from(data, position)
    length = _RECORD.size + 4 * count + _RECORD_TAIL
    if 2 * words < length:
        raise UnreadableFile(
            Fault.MALFORMED,
            where=f"scan {scan + 1} at byte {position}",
            expected=f"a record of {length} bytes",
        )
    if position + length > len(data):
        raise _truncated(len(data), f"{count} ions in scan {scan + 1}")
    return words, time, count


def _counts(words: np.ndarray[tuple[int], np.dtype[np.uint16]]) -> Floats:
    """The two top bits are a power of eight, the other fourteen its factor."""
    return np.ldexp((words & 0x3FFF).astype(np.float64), 3 * (words >> 14).astype(np.int64))


def _metadata(header: dict[str, str], data: bytes) -> Metadata:
    details = {key: header[key] for key in ("type", "operator", "method") if header[key]}
    return Metadata(
        format="Agilent ChemStation MS",
        reader=name,
        technique=_TECHNIQUES.get(_text(data, _INLET), Technique.UNKNOWN),
        instrument=header["instrument"],
        acquired_at=header["date"],
        sample_name=header["sample"],
        details=details | {"m/z grid": "0.05", "intensity": "14 significant bits"},
    )


def _text(data: bytes, offset: int) -> str:
    """A string behind its length byte."""
    raw = data[offset + 1 : offset + 1 + data[offset]]
    return " ".join(raw.decode("cp1252", "replace").replace("\0", " ").split())


def _truncated(size: int, expected: str) -> UnreadableFile:
    remedy = "Copy the file again from the instrument."
    return UnreadableFile(Fault.TRUNCATED, where=f"byte {size}", expected=expected, remedy=remedy)
