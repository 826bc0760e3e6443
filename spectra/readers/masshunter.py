"""Agilent MassHunter ``.D`` folders: mass spectra, diode array and detector channels of ``AcqData``.

Records of scans are laid out by the folder's own ``MSScan.xsd``. Peak lists (``MSPeak.bin``) are taken where
a scan has one, else the peaks of its profile (``MSProfile.bin``, picked some scans at a time, so that memory
stays small). The calibration of time-of-flight axes, the run-length coding and the diode arrays are
rainbow-api's; what stands around them is ours, because rainbow keeps every profile as one dense table, sees
neither polarity nor precursor nor collision energy, parses the folder's XML without a guard, and needs a
package without wheels for LZF. Plasma spectrometers' isotope channels are traces, as rainbow reads them.

Every XML file of the folder that is parsed is refused if it holds a DTD or an entity.
"""

from __future__ import annotations

import struct
import warnings as heard
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
from defusedxml import ElementTree
from numpy.typing import NDArray

from spectra.errors import Fault, InvalidMeasurement, UnreadableFile
from spectra.model import NO_SCANS, DiodeArray, Floats, Metadata, Run, ScanTable, Technique, Trace
from spectra.readers.centroid import PICKED, pick_peaks
from spectra.readers.scans import MAX_SCAN_POINTS, MAX_SCANS, check_limits, scan_table
from spectra.readers.xml_text import refuse_declarations

name = "masshunter"
formats = ("Agilent MassHunter .D folder",)

_TYPES = {"byte": "i1", "short": "<i2", "int": "<i4", "long": "<i8", "float": "<f4", "double": "<f8"}
_PARSED = {
    *("msscan.xsd", "msts.xml", "defaultmasscal.xml", "msts_xspecific.xml", "msts_xaddition.xml"),
    *("sample_info.xml", "devices.xml", "contents.xml"),
}
_PEAKS = {8: ("<f4", "<f4"), 12: ("<f8", "<f4"), 16: ("<f8", "<f8")}
_RECORDS_PLACE = 0x58
_PICKED_TOGETHER = 500_000  # points
_MAX_BLOCKS, _MAX_FIELDS, _MAX_XML = 8, 200, 8 * 2**20
_CALIBRATION_START, _CALIBRATION_BYTES = 0x4C, 84
_POLARITY = {0: 1, 1: -1}
_IONISATIONS = {2: Technique.GC_MS, 4: Technique.GC_MS} | dict.fromkeys(
    (16, 32, 64, 128, 512, 2048), Technique.LC_MS
)
_REMEDY = "Copy the whole folder again, or export the run as mzML or ANDI netCDF from MassHunter."
_SAMPLE = {"Sample Name": "", "Sample ID": "", "InstrumentName": "", "AcqTime": "", "Acquisition Time": ""}

_Records = NDArray[np.void]
_Pair = tuple[Floats, Floats]  # m/z and intensities of a scan


@dataclass(frozen=True)
class _Scans:
    """One record a scan, and the spectrum blocks of each: (scans, blocks)."""

    records: _Records
    blocks: _Records

    def column(self, field: str) -> Floats | None:
        names = self.records.dtype.names or ()
        return self.records[field].astype(np.float64) if field in names else None


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """A folder with MassHunter's subfolder, or that subfolder itself."""
    return path.is_dir() and (_acquired(path) is not None)


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    folder = _acquired(path) or path
    files = {entry.name.lower(): entry for entry in folder.iterdir() if _is_plain(entry)}
    for entry in (*files.values(), *path.iterdir()):
        if entry.name.lower() in _PARSED and _is_plain(entry):
            _xml(entry)
    warnings: list[str] = []
    traces, arrays = _detectors(folder, warnings)
    table, technique = NO_SCANS, Technique.LC if arrays else Technique.UNKNOWN
    if "msscan_xspecific.bin" in files:
        traces += _isotopes(folder)
    else:
        table, technique = _spectra(files, technique, warnings)
    metadata = _metadata(files, technique)
    return Run(metadata, table, tuple(traces), warnings=tuple(warnings), diode_arrays=tuple(arrays))


def _acquired(path: Path) -> Path | None:
    if any(entry.name.lower() == "msscan.bin" for entry in path.iterdir()):
        return path
    inner = (entry for entry in path.iterdir() if entry.name.lower() == "acqdata")
    return next((entry for entry in inner if entry.is_dir() and not entry.is_symlink()), None)


def _is_plain(entry: Path) -> bool:
    return entry.is_file() and not entry.is_symlink()


def _xml(entry: Path) -> bytes:
    if entry.stat().st_size > _MAX_XML:
        limit = f"at most {_MAX_XML // 2**20} MiB of XML"
        raise UnreadableFile(Fault.TOO_LARGE, where=entry.name, expected=limit, remedy=_REMEDY)
    text = entry.read_bytes()
    wide = text.startswith((b"\xff\xfe", b"\xfe\xff"))  # without its zeros, UTF-16 is as good as ASCII
    plain = text[2:].replace(b"\0", b"") if wide else text.removeprefix(b"\xef\xbb\xbf")
    refuse_declarations(plain, entry.name, also=(b"utf-16",) if wide else ())
    return text


def _spectra(
    files: dict[str, Path], technique: Technique, warnings: list[str]
) -> tuple[ScanTable, Technique]:
    """The scans, and the technique that their kind of ionisation tells."""
    if "msscan.bin" not in files:
        return NO_SCANS, technique
    if not {"mspeak.bin", "msprofile.bin"} & files.keys():
        warnings.append("MSScan.bin lists mass spectra, but MSPeak.bin and MSProfile.bin are missing.")
        return NO_SCANS, technique
    if "msscan.xsd" not in files:
        warnings.append("MSScan.xsd is missing, without which the mass spectra cannot be read.")
        return NO_SCANS, technique
    scans = _scan_records(files["msscan.bin"].read_bytes(), _xml(files["msscan.xsd"]), warnings)
    peaks = files["mspeak.bin"].read_bytes() if "mspeak.bin" in files else b""
    profile = files["msprofile.bin"].read_bytes() if "msprofile.bin" in files else b""
    calibration = _Calibration(files, scans)
    found: dict[int, _Pair] = {}
    profiles = _Profiles()
    for k in range(len(scans.records)):
        pair = _peak_list(scans.blocks[k], peaks)
        if pair is not None:
            found[k] = _usable(calibration.mz(pair[0], k), pair[1]) if calibration.exists else pair
            check_limits([len(found[k][0])])
            continue
        pair = _profile_points(scans.blocks[k], profile, calibration, k)
        if pair is not None:
            profiles.add(k, pair)
    picked = profiles.picked()
    if picked:
        warnings.append(f"{len(picked)} scans were continuum (profile) data; {PICKED}.")
    missing = len(scans.records) - len(found) - len(picked)
    if missing:
        warnings.append(f"{missing} scans have no spectrum in the file (an interrupted acquisition?).")
    found |= picked
    mode = int(_or_unknown(scans, "IonMode")[0])
    nothing = np.empty(0), np.empty(0)
    pairs = [found.get(k, nothing) for k in range(len(scans.records))]
    return _table(scans, pairs, warnings), _IONISATIONS.get(mode, technique)


class _Profiles:
    """Continuum scans on their way to peaks, picked together whenever there are many points."""

    def __init__(self) -> None:
        self._waiting: dict[int, _Pair] = {}
        self._points = 0
        self._picked: dict[int, _Pair] = {}

    def add(self, scan: int, pair: _Pair) -> None:
        self._waiting[scan] = pair
        self._points += len(pair[0])
        if self._points > _PICKED_TOGETHER:
            self._pick()

    def picked(self) -> dict[int, _Pair]:
        """m/z and heights of the peaks of every scan that was added."""
        self._pick()
        return self._picked

    def _pick(self) -> None:
        if not self._waiting:
            return
        numbers, pairs = list(self._waiting), list(self._waiting.values())
        offset = np.concatenate(([0], np.cumsum([len(mz) for mz, _ in pairs])))
        offset, mz, heights = pick_peaks(
            offset,
            np.concatenate([mz for mz, _ in pairs]),
            np.concatenate([intensity for _, intensity in pairs]),
            np.ones(len(pairs), np.bool_),
        )
        for number, first, last in zip(numbers, offset[:-1].tolist(), offset[1:].tolist(), strict=True):
            self._picked[number] = mz[first:last], heights[first:last]
        self._waiting, self._points = {}, 0


def _table(scans: _Scans, found: list[_Pair], warnings: list[str]) -> ScanTable:
    counts = [len(mz) for mz, _ in found]
    check_limits(counts)
    level = scans.column("MSLevel")
    levels = np.ones(len(found)) if level is None else np.clip(level.astype(np.int64) & 0xFFFF, 1, 10)
    return scan_table(
        scans.records["ScanTime"] * 60,
        counts,
        np.concatenate([mz for mz, _ in found]) if found else (),
        np.concatenate([intensity for _, intensity in found]) if found else (),
        warnings=warnings,
        ms_level=levels,
        precursor_mz=_of_tandem(scans.column("MzOfInterest"), levels),
        polarity=[_POLARITY.get(int(one), 0) for one in _or_unknown(scans, "IonPolarity")],
        collision_ev=_of_tandem(scans.column("CollisionEnergy"), levels),
        any_order=True,
    )


def _or_unknown(scans: _Scans, field: str) -> Floats:
    column = scans.column(field)
    return np.full(len(scans.records), -1.0) if column is None else column


def _of_tandem(column: Floats | None, levels: Floats) -> Floats:
    """A value of scans beyond the first level; zero means none."""
    if column is None:
        return np.full(len(levels), np.nan)
    return np.where((levels > 1) & np.isfinite(column) & (column > 0), column, np.nan)


def _scan_records(data: bytes, schema: bytes, warnings: list[str]) -> _Scans:
    """Records are as long as the fields of the schema and one to eight spectrum blocks; the file decides."""
    scan, block = _dtypes(schema)
    if len(data) < _RECORDS_PLACE + 4:
        raise _truncated("MSScan.bin", "its header")
    (start,) = struct.unpack_from("<I", data, _RECORDS_PLACE)
    body = len(data) - start
    if body <= 0:
        raise _truncated("MSScan.bin", f"records from byte {start}")
    layouts = [np.dtype([("scan", scan), ("blocks", block, (n,))]) for n in range(1, _MAX_BLOCKS + 1)]
    layouts.sort(key=lambda layout: body % layout.itemsize != 0)  # those that fill the file come first
    found = (np.frombuffer(data, layout, body // layout.itemsize, start) for layout in layouts)
    records = next((one for one in found if _is_sane(one["scan"])), None)
    if records is None:
        raise _truncated("MSScan.bin", "whole records")
    if len(records) > MAX_SCANS:
        raise UnreadableFile(Fault.TOO_LARGE, where="MSScan.bin", expected=f"at most {MAX_SCANS} scans")
    if body % records.itemsize:
        warnings.append("MSScan.bin ends within a record; the scans before it were read.")
    return _Scans(records["scan"], records["blocks"])


def _is_sane(scans: _Records) -> bool:
    """Numbers of scans ascend and times do not fall, which a wrong length of record does not give."""
    time = scans["ScanTime"]
    numbers = (
        scans["ScanID"].astype(np.int64) if "ScanID" in (scans.dtype.names or ()) else np.arange(len(time))
    )
    sane = np.isfinite(time).all() and np.all(time >= 0) and np.all(np.diff(time) >= 0)
    return bool(len(time) and sane and np.all(np.diff(numbers) > 0))


def _dtypes(schema: bytes) -> tuple[np.dtype[Any], np.dtype[Any]]:
    """Of the fields of a scan and of a spectrum block."""
    try:
        root = ElementTree.fromstring(schema)
    except ParseError as error:
        raise UnreadableFile(Fault.MALFORMED, where="MSScan.xsd", expected="a schema") from error
    kinds = {
        str(kind.get("name")): [
            (str(one.get("name")), str(one.get("type")).rpartition(":")[2])
            for one in kind.iter()
            if one.tag.endswith("}element")
        ]
        for kind in root
        if kind.tag.endswith("}complexType")
    }
    fields = _flat(kinds, "ScanRecordType", 0)
    block = _flat(kinds, "SpectrumParamsType", 0)
    needed = {"SpectrumOffset", "ByteCount", "PointCount"} - {field for field, _ in block}
    if needed or "ScanTime" not in {field for field, _ in fields}:
        raise UnreadableFile(Fault.UNSUPPORTED, where="MSScan.xsd", expected="the fields of a scan")
    return np.dtype(fields), np.dtype(block)


def _flat(kinds: dict[str, list[tuple[str, str]]], kind: str, depth: int) -> list[tuple[str, str]]:
    """Fields of a type with those of the types in it, but for the spectrum blocks at the end."""
    fields: list[tuple[str, str]] = []
    for field, of in kinds.get(kind, []):
        if of == "SpectrumParamsType":
            continue
        inner = (
            [(field, _TYPES[of])]
            if of in _TYPES
            else [(f"{field}.{one}", code) for one, code in _flat(kinds, of, depth + 1)]
            if depth < 3
            else []
        )
        fields += inner
        if len(fields) > _MAX_FIELDS:
            raise UnreadableFile(
                Fault.FORBIDDEN, where="MSScan.xsd", expected=f"at most {_MAX_FIELDS} fields"
            )
    return fields


class _Calibration:
    """From times of flight to m/z, scan by scan; absent where the file holds m/z."""

    def __init__(self, files: dict[str, Path], scans: _Scans) -> None:
        from rainbow.agilent import masshunter as rainbow

        self._rainbow = rainbow
        ids = scans.column("CalibrationID")
        self._ids = np.zeros(len(scans.records)) if ids is None else ids
        default = files.get("defaultmasscal.xml")
        try:
            self._flags = rainbow.parse_default_masscal(str(default)) if default else {}
            self._rows = self._per_scan(files) or self._by_id(default)
        except (SyntaxError, ValueError, TypeError, AttributeError) as error:
            raise UnreadableFile(
                Fault.MALFORMED, where="DefaultMassCal.xml", expected="calibrations", remedy=_REMEDY
            ) from error

    @property
    def exists(self) -> bool:
        return self._rows is not None

    def mz(self, flight_times: Floats, scan: int) -> Floats:
        row = (self._rows or [])[scan]
        result: Floats = self._rainbow.calibrate_mz(flight_times, row, self._flags.get(int(self._ids[scan])))
        return result

    def _per_scan(self, files: dict[str, Path]) -> list[Floats] | None:
        if "msmasscal.bin" not in files:
            return None
        data = files["msmasscal.bin"].read_bytes()
        if len(data) < _CALIBRATION_START + _CALIBRATION_BYTES * len(self._ids) - 4:
            raise _truncated("MSMassCal.bin", f"{len(self._ids)} calibrations")
        return list(
            np.ndarray((len(self._ids), 10), "<f8", data, _CALIBRATION_START, (_CALIBRATION_BYTES, 8))
        )

    def _by_id(self, default: Path | None) -> list[Floats] | None:
        rows = self._rainbow.read_default_masscal_rows(str(default)) if default else {}
        if not rows:
            return None
        first = next(iter(rows.values()))
        return [np.asarray(rows.get(int(one), first), np.float64) for one in self._ids]


def _peak_list(blocks: _Records, data: bytes) -> tuple[Floats, Floats] | None:
    """The peaks of the block whose size is that of a peak list, all places first, then all heights."""
    for block in blocks:
        count, size, place = (int(block[field]) for field in ("PointCount", "ByteCount", "SpectrumOffset"))
        if count <= 0 or size % count or size // count not in _PEAKS:
            continue
        if place < 0 or place + size > len(data):
            continue
        places, heights = (np.dtype(code) for code in _PEAKS[size // count])
        x = np.frombuffer(data, places, count, place).astype(np.float64)
        return x, np.frombuffer(data, heights, count, place + count * places.itemsize).astype(np.float64)
    return None


def _profile_points(blocks: _Records, data: bytes, calibration: _Calibration, scan: int) -> _Pair | None:
    block = blocks[0]
    count, size, place = (int(block[field]) for field in ("PointCount", "ByteCount", "SpectrumOffset"))
    if not data or count <= 0 or size < 16 or place < 0 or place + size > len(data):
        return None
    if count > MAX_SCAN_POINTS:
        check_limits([count])
    if not calibration.exists:
        raise UnreadableFile(
            Fault.UNSUPPORTED, where="MSProfile.bin", expected="the calibration MSMassCal.bin", remedy=_REMEDY
        )
    start, step, intensity = _profile(data[place : place + size], count, scan)
    mz, intensity = _usable(
        calibration.mz(np.asarray(start + step * np.arange(count), np.float64), scan), intensity
    )
    order = np.argsort(mz, kind="stable")
    return mz[order], intensity[order]


def _usable(mz: Floats, intensity: Floats) -> tuple[Floats, Floats]:
    good = np.isfinite(mz) & (mz > 0)
    return mz[good], intensity[good]


def _profile(packed: bytes, count: int, scan: int) -> tuple[float, float, Floats]:
    """First time of flight, step, and intensities, of either coding."""
    from rainbow.agilent import masshunter as rainbow

    try:
        if rainbow.segment_is_rle(packed, count):
            start, step = struct.unpack_from("<dd", packed)
            coder = getattr(rainbow, "_msprofile_fast", None) or rainbow  # compiled where it was built
            intensity = coder.decompress_inten_list(memoryview(packed)[16:], count)
            return start, step, np.asarray(intensity, np.float64)
        plain = unpack_lzf(packed, 16 + 4 * count)
    except (ValueError, IndexError) as error:
        where = f"scan {scan + 1} of MSProfile.bin"
        raise UnreadableFile(Fault.MALFORMED, where=where, expected="a spectrum", remedy=_REMEDY) from error
    start, step = struct.unpack_from("<dd", plain)
    return start, step, np.frombuffer(plain, "<u4", count, 16).astype(np.float64)


def unpack_lzf(packed: bytes, size: int) -> bytes:
    """LZF as of Marc Lehmann's description: literal runs of up to 32 bytes, and references back.

    Raises
    ------
    ValueError : a reference before the start, or not exactly ``size`` bytes. IndexError : cut short.
    """
    plain, place = bytearray(), 0
    while place < len(packed) and len(plain) < size:
        head = packed[place]
        place += 1
        if head < 32:
            plain += packed[place : place + head + 1]
            place += head + 1
            continue
        length, back = head >> 5, (head & 31) << 8
        if length == 7:
            length += packed[place]
            place += 1
        back += packed[place] + 1
        place += 1
        begin, length = len(plain) - back, length + 2
        if begin < 0:
            raise ValueError("a reference before the start")
        piece = plain[begin : begin + length]
        plain += (piece * (length // len(piece) + 1))[:length]
    if len(plain) != size:
        raise ValueError("a length other than announced")
    return bytes(plain)


def _detectors(folder: Path, warnings: list[str]) -> tuple[list[Trace], list[DiodeArray]]:
    """Channels and diode arrays, as rainbow reads them."""
    from rainbow.agilent import masshunter as rainbow

    traces: list[Trace] = []
    arrays: list[DiodeArray] = []
    try:
        with heard.catch_warnings(record=True) as said:
            heard.simplefilter("always")
            found = rainbow.parse_dadfiles(str(folder), True)
        warnings += [str(one.message)[:300] for one in said]
    except (OSError, ValueError, struct.error, IndexError, TypeError) as error:
        warnings.append(f"The detector channels could not be read ({type(error).__name__}).")
        return traces, arrays
    for one in found:
        label = str(one.metadata.get("signal") or one.name)[:200]
        unit = str(one.metadata.get("unit") or "")
        try:
            if one.data.shape[1] > 1:
                arrays.append(DiodeArray(label, one.xlabels * 60, one.ylabels.astype(float), one.data, unit))
            else:
                traces.append(Trace(label, one.xlabels * 60, one.data[:, 0], unit))
        except InvalidMeasurement:
            warnings.append(f"{label} is not a valid signal; it was left out.")
    return traces, arrays


def _isotopes(folder: Path) -> list[Trace]:
    from rainbow.agilent import masshunter as rainbow

    try:
        found = rainbow.parse_icpmsdata(str(folder))
    except (OSError, ValueError, struct.error, IndexError, AttributeError) as error:
        raise UnreadableFile(
            Fault.MALFORMED, where="MSProfile.bin", expected="isotope channels", remedy=_REMEDY
        ) from error
    check_limits([found.data.size])
    return [
        Trace(f"m/z {mz:g}", found.xlabels * 60, column)
        for mz, column in zip(found.ylabels, found.data.T, strict=True)
    ]


def _metadata(files: dict[str, Path], technique: Technique) -> Metadata:
    fields: dict[str, str] = {}
    for file in ("sample_info.xml", "devices.xml", "contents.xml"):
        if file in files:
            fields |= {key: value for key, value in _fields(_xml(files[file])).items() if key not in fields}
    details = {key: value[:500] for key, value in fields.items() if value and key != "Sample Name"}
    return Metadata(
        format="Agilent MassHunter .D folder",
        reader=name,
        technique=technique,
        instrument=fields.get("InstrumentName", "") or fields.get("ModelNumber", ""),
        acquired_at=fields.get("AcqTime", "") or fields.get("AcquiredTime", ""),
        sample_name=fields.get("Sample Name", ""),
        details=dict(list(details.items())[:60]),
    )


def _fields(text: bytes) -> dict[str, str]:
    """Pairs of Name and Value, and elements with a text of their own."""
    try:
        root = ElementTree.fromstring(text)
    except ParseError:
        return {}
    found: dict[str, str] = {}
    for field in root.iter("Field"):
        found[(field.findtext("Name") or "").strip()] = (field.findtext("Value") or "").strip()
    for one in root.iter():
        if (
            len(one) == 0
            and one.text
            and one.tag in ("InstrumentName", "AcquiredTime", "AcqTime", "ModelNumber")
        ):
            found.setdefault(one.tag, one.text.strip())
    return found


def _truncated(where: str, expected: str) -> UnreadableFile:
    return UnreadableFile(Fault.TRUNCATED, where=where, expected=expected, remedy=_REMEDY)
