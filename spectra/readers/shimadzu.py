"""Shimadzu LabSolutions and GCMSsolution files (compound files, OLE2): ``.gcd``, ``.qgd``, ``.lcd``.

Reads the chromatograms of gas chromatography (64-bit numbers behind a header of 24 bytes; unit, delay and
detector from the description beside them, checked against the software's own text export), and the mass
spectra of GC-MS (``.qgd``) and of single-quadrupole LC-MS (``.lcd``) through openmassspec-io. Refuses, with
the way out, what that library itself calls wrong or unproven: m/z of LCMS-9030 and of IT-TOF, and triple
quadrupoles, which it does not decode; and compound files of other programs. Chromatograms in other codings
are named in a warning.
"""

from __future__ import annotations

import re
import shutil
import struct
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import Fault, InvalidMeasurement, UnreadableFile
from spectra.model import Floats, Metadata, Run, Technique, Trace
from spectra.readers.openmassspec import read_vendor
from spectra.readers.scans import check_limits

name = "shimadzu"
formats = ("Shimadzu .gcd chromatograms", "Shimadzu .qgd GC-MS", "Shimadzu .lcd single-quadrupole LC-MS")

_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_EXPORT = "Export the run as mzML, ANDI netCDF or text (File, Export Data) from LabSolutions."
_SPECTRA = {"GCMS Raw Data": ".qgd", "Mass Raw Data": ".lcd"}
_REFUSED = {
    "QTFL RawData": "an LCMS-9030 file, whose m/z is not known to be decoded rightly",
    "TTFL Raw Data": "an IT-TOF file, whose m/z is not known to be decoded rightly",
    "TLM Raw Data": "a triple-quadrupole file, whose coding is not known",
}
_OTHERS = {
    "WordDocument": "a Word document",
    "Workbook": "an Excel workbook",
    "SampleTable": "a SCIEX WIFF file",
}
_CHROMATOGRAMS = ("LSS Raw Data", "LC Raw Data", "GC Raw Data")
_HEADER = struct.Struct("<2sxxIII8x")
_MAX_TEXT = 2**20
_LEAST_MARK = 0xFFFFFFFA  # above are marks, not sectors


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """The magic number of compound files."""
    return head.startswith(_MAGIC)


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    import olefile

    try:
        with olefile.OleFileIO(str(path)) as content:
            _check_whole(content, path)
            return _read(content, path)
    except (OSError, struct.error, ValueError, IndexError) as error:
        raise UnreadableFile(
            Fault.TRUNCATED, expected="a whole compound file", remedy="Copy the file again."
        ) from error


def _check_whole(content: Any, path: Path) -> None:
    """The library reads short streams without a word; no chain of sectors may lead beyond the file."""
    links = np.asarray(content.fat, np.uint32)
    starts = [
        entry.isectStart for entry in content.direntries if entry and entry.size >= content.minisectorcutoff
    ]
    linked = np.concatenate((links, np.asarray(starts, np.uint32)))
    if np.any((linked < _LEAST_MARK) & (linked >= len(links))):
        where = f"byte {path.stat().st_size}"
        raise UnreadableFile(
            Fault.TRUNCATED, where=where, expected="a whole compound file", remedy="Copy the file again."
        )


def _read(content: Any, path: Path) -> Run:
    storages = {entry[0] for entry in content.listdir()}
    _refuse(storages)
    warnings: list[str] = []
    traces = _traces(content, warnings)
    metadata = _metadata(content)
    suffix = next((suffix for storage, suffix in _SPECTRA.items() if storage in storages), "")
    if not suffix:
        return Run(metadata, traces=traces, warnings=tuple(warnings))
    run = _spectra(path, suffix)
    technique = Technique.GC_MS if suffix == ".qgd" else Technique.LC_MS
    merged = replace(metadata, format=f"Shimadzu {suffix}", technique=technique)
    return replace(run, metadata=merged, traces=(*run.traces, *traces), warnings=(*run.warnings, *warnings))


def _refuse(storages: set[str]) -> None:
    what = next((text for storage, text in {**_REFUSED, **_OTHERS}.items() if storage in storages), "")
    known = storages & {*_SPECTRA, *_CHROMATOGRAMS}
    if what or not known:
        what = what or "a compound file of another program"
        expected = f"a format that is read; this is {what}"
        raise UnreadableFile(Fault.UNSUPPORTED, where="byte 0", expected=expected, remedy=_EXPORT)


def _spectra(path: Path, suffix: str) -> Run:
    """The library goes by the name; content has decided already, so the name is made to fit."""
    with tempfile.TemporaryDirectory(prefix="xbt-") as folder:
        named = Path(folder) / f"run{suffix}"
        shutil.copyfile(path, named)  # a reader in confinement may not link
        return read_vendor(named, reader=name, format=f"Shimadzu {suffix}")


def _traces(content: Any, warnings: list[str]) -> tuple[Trace, ...]:
    kept = []
    for entry in content.listdir():
        channel = re.fullmatch(r"Chromatogram Ch(\d{1,3})", entry[-1])
        if not channel or entry[0] not in _CHROMATOGRAMS or not content.get_size(entry):
            continue
        values = _values(content, entry)
        if values is None:
            warnings.append(f"Channel {channel[1]} is coded in a way that is not read; export it as text.")
            continue
        kept.append(
            _trace(int(channel[1]), values, _description(content, entry[0], int(channel[1])), warnings)
        )
    if any(
        entry == ["PDA 3D Raw Data", "3D Raw Data"] and content.get_size(entry) for entry in content.listdir()
    ):
        warnings.append("The diode array of the file is not read; export it as text.")
    return tuple(trace for trace in kept if trace is not None)


def _values(content: Any, entry: list[str]) -> tuple[float, Floats] | None:
    """Interval in s and the values, or None where the stream is coded otherwise."""
    size = content.get_size(entry)
    if size < _HEADER.size:
        return None
    data = content.openstream(entry).read()
    mark, interval_ms, count, _ = _HEADER.unpack_from(data)
    if mark != b"RC" or _HEADER.size + 8 * count != len(data):
        return None
    check_limits([count])
    return interval_ms / 1000, np.frombuffer(data, "<f8", count, _HEADER.size)


def _trace(
    channel: int, found: tuple[float, Floats], described: dict[str, str], warnings: list[str]
) -> Trace | None:
    interval, values = found
    delay = _double(described.get("DLT", "")) / 1000
    label = " ".join(filter(None, (described.get("DETN", ""), described.get("DSN", ""))))
    try:
        return Trace(
            f"{label or 'detector'} (Ch{channel})",
            np.asarray(delay + interval * np.arange(len(values)), np.float64),
            values,
            described.get("Unit", ""),
        )
    except InvalidMeasurement:
        warnings.append(f"Channel {channel} is not a valid trace; it was left out.")
        return None


def _description(content: Any, storage: str, channel: int) -> dict[str, str]:
    """The fields of a channel; numbers are written as the hexadecimal of their bytes."""
    for item in re.findall(r"<DII\b.*?</DII>", _stream(content, [storage, "2D Data Item"]), re.DOTALL):
        fields = dict(reversed(re.findall(r"<(\w{1,20})>([^<]{1,200})</", item)))  # the first of a name stays
        if fields.get("CCID") == str(channel):
            return fields
    return {}


def _double(text: str) -> float:
    return struct.unpack("<d", bytes.fromhex(text))[0] if re.fullmatch(r"[0-9A-F]{16}", text) else 0.0


def _stream(content: Any, entry: list[str]) -> str:
    if not content.exists(entry):
        return ""
    return str(content.openstream(entry).read(_MAX_TEXT).decode("cp1252", "replace"))


def _metadata(content: Any) -> Metadata:
    fields = dict(re.findall(r"<(\w{1,40})>([^<]{1,4000})</", _stream(content, ["File Property"])))
    texts = {key: _stored(value) for key, value in fields.items()}
    system = _stream(content, ["GUMM_Information", "GUMMSubStg", "SystemInformation"]).replace("\0", "")
    instrument = re.search(r"<IN>([^<]{1,100})</IN>", system)
    details = {
        "operator": texts.get("operator_name", ""),
        "sample id": texts.get("smpl_id", ""),
        "method": texts.get("methodfile", ""),
        "vial": texts.get("vial_num", ""),
        "software version": texts.get("szVersion", ""),
        "comment": _stream(content, ["File Comment"]).strip("\0 "),
    }
    return Metadata(
        format="Shimadzu .gcd",
        reader=name,
        technique=Technique.GC if content.exists("GUMM_Information/ShimadzuGC.1") else Technique.UNKNOWN,
        instrument=instrument[1] if instrument else "",
        acquired_at=_acquired(fields),
        sample_name=texts.get("smpl_name", ""),
        details={key: value[:500] for key, value in details.items() if value},
    )


def _stored(value: str) -> str:
    """Texts are written as the hexadecimal of their bytes behind a mark."""
    mark, digits = value[:6], value[6:]
    if mark != "@StoX@" or not re.fullmatch(r"(?:[0-9A-F]{2})*", digits):
        return value
    return bytes.fromhex(digits).decode("cp1252", "replace").strip("\0 ")


def _acquired(fields: dict[str, str]) -> str:
    """Hundred-nanosecond steps since 1601, universal time."""
    try:
        low, high = int(fields["dwLowDateTime"]) % 2**32, int(fields["dwHighDateTime"]) % 2**32
        moment = datetime(1601, 1, 1) + timedelta(microseconds=(high << 32 | low) // 10)  # noqa: DTZ001
    except (KeyError, ValueError, OverflowError):
        return ""
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if high else ""
