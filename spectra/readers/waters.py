"""Waters MassLynx ``.raw`` folders, and PerkinElmer TurboMass ones, which are alike.

A reader of our own for the unit-resolution instruments, because rainbow-api bins every m/z to a grid (1 Th by
default) and gives up on a folder when one function lacks its file; layouts as rainbow documents them, results
tested against it. Reads every function: scans with polarity and the file's own calibration of masses,
selected ions (SIR), transitions (MRM) as traces, diode arrays, and the analogue channels. Folders of
high-resolution instruments are read through openmassspec-io. What a function lacks is listed, not fatal.

Layout: ``_FUNCnnn.IDX``, 22 bytes a scan: offset u32, points u32 (low 22 bits), time in min f32 at 12;
``_FUNCnnn.DAT``, points of 2, 4, 6 or 8 bytes; ``_FUNCTNS.INF``, 416 bytes a function: type in the low five
bits of the first byte, up to 32 masses f32 at 160, second masses at 288; ``_CHROnnn.DAT``, pairs of f32 (time
in min, value) from byte 128.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spectra.errors import Fault, InvalidMeasurement, UnreadableFile
from spectra.model import DiodeArray, Floats, Ints, Metadata, Run, ScanTable, Technique, Trace
from spectra.readers import openmassspec
from spectra.readers.centroid import looks_continuous
from spectra.readers.scans import check_limits, scan_table

name = "waters"
formats = ("Waters .raw folder", "PerkinElmer TurboMass .raw folder")

_INDEX = np.dtype(
    {
        "names": ["offset", "count", "time"],
        "formats": ["<u4", "<u4", "<f4"],
        "offsets": [0, 4, 12],
        "itemsize": 22,
    }
)
_FUNCTION_BYTES = 416
_FIRST_MASSES, _SECOND_MASSES = 160, 288
_MRM, _DIODE_ARRAY = 9, 12
_KEPT = (
    *("Acquired Name", "User Name", "Job Code", "Bottle Number", "SampleID", "Conditions", "Inlet Method"),
    *("MS Method", "Tune Method", "Laboratory Name", "Submitter"),
)
_TANDEM = {5, 6, 7, 8}  # parent, daughter, neutral loss, neutral gain
_ANALOGUE_START = 128
_ANALOGUE_NAME = 85
_REMEDY = "Copy the whole folder again, or convert it to mzML with ProteoWizard's msconvert."
_POLARITY = re.compile(r"^\s*Polarity\s+\S*?([+-])\s*$", re.MULTILINE)
_SECTION = re.compile(r"^(?:Instrument Parameters - )?Function (\d{1,4})\b", re.MULTILINE)
_CALIBRATION = re.compile(r"^\$\$ Cal Function (\d{1,4}): ([^\r\n]*),T(\d)", re.MULTILINE)
_HIGH_RESOLUTION = re.compile(r"\bLteff\b")


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """A folder with a header or a function as MassLynx names them."""
    return path.is_dir() and any(
        re.fullmatch(r"_HEADER\.TXT|_FUNC\d{3}\.(?:DAT|IDX)", entry.name, re.IGNORECASE)
        for entry in path.iterdir()
    )


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    folder = _Folder(path)
    if _HIGH_RESOLUTION.search(folder.text("_extern.inf")):
        return openmassspec.read_vendor(path, reader=name, format="Waters .raw folder")
    warnings: list[str] = []
    functions = [_function(folder, number, warnings) for number in folder.numbers()]
    whole = [function for function in functions if function is not None]
    traces = [trace for function in whole for trace in function.transitions(warnings)]
    arrays = [array for function in whole for array in function.diode_array(warnings)]
    table = _table([function for function in whole if function.holds_scans], warnings)
    traces += _analogue(folder, warnings)
    metadata = _metadata(folder, len(table) > 0)
    return Run(metadata, table, tuple(traces), warnings=tuple(warnings), diode_arrays=tuple(arrays))


class _Folder:
    """Its plain files, found whatever the case of their names."""

    def __init__(self, path: Path) -> None:
        entries = [entry for entry in path.iterdir() if entry.is_file() and not entry.is_symlink()]
        self.files = {entry.name.upper(): entry for entry in entries}

    def content(self, file: str) -> bytes:
        entry = self.files.get(file.upper())
        return b"" if entry is None else entry.read_bytes()

    def text(self, file: str) -> str:
        return self.content(file).decode("cp1252", "replace")

    def numbers(self) -> list[int]:
        """Of the functions of which any file is there."""
        found = (re.fullmatch(r"_FUNC(\d{3})\.(?:DAT|IDX)", file) for file in self.files)
        return sorted({int(match[1]) for match in found if match})

    def kind(self, number: int) -> int | None:
        record = self.record(number)
        return record[0] & 0x1F if record else None

    def record(self, number: int) -> bytes:
        """What ``_FUNCTNS.INF`` tells of a function, b"" if nothing."""
        start = (number - 1) * _FUNCTION_BYTES
        record = self.content("_FUNCTNS.INF")[start : start + _FUNCTION_BYTES]
        return record if len(record) == _FUNCTION_BYTES else b""

    def masses(self, number: int, start: int) -> Floats:
        return np.frombuffer(self.record(number), "<f4", 32, start).astype(np.float64)


@dataclass(frozen=True)
class _Function:
    """One function as flat arrays; ``key`` is an m/z, or a wavelength of a diode array."""

    number: int
    kind: int | None
    polarity: int
    rt_s: Floats
    counts: Ints
    key: Floats
    value: Floats
    second: Floats  # second masses of a transition, as many as points in a scan

    @property
    def is_array(self) -> bool:
        return self.kind == _DIODE_ARRAY or (self.kind is None and self.polarity == 0)

    @property
    def holds_scans(self) -> bool:
        return not self.is_array and self.kind != _MRM

    def _square(self) -> tuple[Floats, Floats] | None:
        """Keys of the first scan and the values of all, if every scan has the same keys."""
        width = int(self.counts[0]) if len(self.counts) else 0
        if not width or np.any(self.counts != width):
            return None
        keys = self.key.reshape(-1, width)
        return (keys[0], self.value.reshape(-1, width)) if np.all(keys == keys[0]) else None

    def transitions(self, warnings: list[str]) -> list[Trace]:
        if self.kind != _MRM:
            return []
        square = self._square()
        if square is None:
            warnings.append(f"Function {self.number} (transitions) changes its channels; it was left out.")
            return []
        first, values = square
        sign = {1: "+", -1: "-"}.get(self.polarity, "")
        return [
            Trace(f"function {self.number}: {a:g}{sign} > {b:g}", self.rt_s, column)
            for a, b, column in zip(first, self.second, values.T, strict=True)
        ]

    def diode_array(self, warnings: list[str]) -> list[DiodeArray]:
        square = self._square() if self.is_array else None
        if self.is_array and square is None:
            warnings.append(f"Function {self.number} (diode array) changes its wavelengths; it was left out.")
        if square is None:
            return []
        try:
            return [DiodeArray(f"function {self.number}", self.rt_s, *square)]
        except InvalidMeasurement:
            warnings.append(f"Function {self.number} is not a valid diode array; it was left out.")
            return []


def _function(folder: _Folder, number: int, warnings: list[str]) -> _Function | None:
    index_bytes, data = (folder.content(f"_FUNC{number:03}.{end}") for end in ("IDX", "DAT"))
    index = np.frombuffer(index_bytes[: len(index_bytes) // 22 * 22], _INDEX)
    counts = (index["count"] & 0x3FFFFF).astype(np.int64)
    check_limits(counts)
    if not data or not counts.any():
        missing = "data file" if not data else "scans"
        warnings.append(f"Function {number} has no {missing}; it was left out.")
        return None
    width = _width(index["offset"], counts, data, number)
    keys, values = _points(folder, number, counts, width, data)
    kind = folder.kind(number)
    second = folder.masses(number, _SECOND_MASSES)[: int(counts[0])] if kind == _MRM else np.empty(0)
    rt_s = np.maximum.accumulate(index["time"].astype(np.float64)) * 60
    polarity = _polarities(folder).get(number, 0)
    return _Function(number, kind, polarity, rt_s, counts, keys, values, second)


def _width(offset: Ints, counts: Ints, data: bytes, number: int) -> int:
    """Bytes a point, from what is left for the last scan that has points."""
    last = int(np.flatnonzero(counts)[-1])
    width = (len(data) - int(offset[last])) // int(counts[last])
    if width not in (2, 4, 6, 8):
        fault = Fault.TRUNCATED if width < 2 else Fault.UNSUPPORTED
        expected = f"points of 2, 4, 6 or 8 bytes, not {width}"
        raise UnreadableFile(fault, where=f"function {number}", expected=expected, remedy=_REMEDY)
    if int(counts.sum()) * width > len(data):
        raise UnreadableFile(
            Fault.TRUNCATED, where=f"function {number}", expected=f"{counts.sum()} points", remedy=_REMEDY
        )
    return width


def _points(folder: _Folder, number: int, counts: Ints, width: int, data: bytes) -> tuple[Floats, Floats]:
    points = int(counts.sum())
    if width in (2, 4):
        masses = folder.masses(number, _FIRST_MASSES)[: int(counts.max())] if folder.record(number) else ()
        if len(masses) < int(counts.max()) or np.any(counts != counts[0]):
            raise UnreadableFile(
                Fault.UNSUPPORTED,
                where=f"function {number}",
                expected="the masses of its channels in _FUNCTNS.INF",
                remedy=_REMEDY,
            )
        return np.tile(masses, len(counts)), (_values_2 if width == 2 else _values_4)(data, points)
    keys, values = (_points_6 if width == 6 else _points_8)(data, points)
    if folder.kind(number) != _DIODE_ARRAY:
        keys = _calibrated(keys, folder, number)
    return keys, values


def _values_2(data: bytes, points: int) -> Floats:
    raw = np.frombuffer(data, "<u2", points)
    return np.ldexp((raw >> 3).astype(np.float64), 2 * (raw & 7).astype(np.int32))


def _values_4(data: bytes, points: int) -> Floats:
    raw = np.frombuffer(data, "<u4", points)
    return np.ldexp((raw & 0x1FFFFF).astype(np.float64), (raw >> 22).astype(np.int32) - 20)


def _points_6(data: bytes, points: int) -> tuple[Floats, Floats]:
    raw = np.frombuffer(data, np.dtype([("value", "<i2"), ("rest", "<u4")]), points)
    rest = raw["rest"]
    key = np.ldexp((rest >> 9).astype(np.float64), ((rest & 0x1F0) >> 4).astype(np.int32) - 23)
    return key, np.ldexp(raw["value"].astype(np.float64), 2 * (rest & 0xF).astype(np.int32))


def _points_8(data: bytes, points: int) -> tuple[Floats, Floats]:
    """Both numbers are a count of integer bits, then the bits of integer and fraction."""
    raw = np.frombuffer(data, "<u8", points)
    key_bits, value_bits = raw >> 28, raw & 0xFFFFFFF
    key = np.ldexp((key_bits & 0x7FFFFFFF).astype(np.float64), (key_bits >> 31).astype(np.int32) - 31)
    whole = (value_bits >> 22).astype(np.int32)
    return key, np.ldexp((value_bits & 0x1FFFFF).astype(np.float64), whole - 21)


def _calibrated(mz: Floats, folder: _Folder, number: int) -> Floats:
    """The polynomial of the header (kind T0), or of square roots (kind T1)."""
    found = next(
        (one for one in _CALIBRATION.findall(folder.text("_HEADER.TXT")) if int(one[0]) == number), None
    )
    if found is None:
        return mz
    try:
        factors = [float(part) for part in found[1].split(",") if part.strip()]
    except ValueError:
        return mz
    if not factors:
        return mz
    polynomial = np.polynomial.Polynomial(factors)
    calibrated: NDArray[np.float64] = polynomial(np.sqrt(mz)) ** 2 if found[2] == "1" else polynomial(mz)
    return calibrated


def _polarities(folder: _Folder) -> dict[int, int]:
    """+1 or −1 by the number of the function, as ``_extern.inf`` tells."""
    text = folder.text("_extern.inf")
    heads = list(_SECTION.finditer(text))
    found = {}
    for head, after in zip(heads, [*heads[1:], None], strict=True):
        sign = _POLARITY.search(text, head.end(), after.start() if after else len(text))
        if sign:
            found[int(head[1])] = 1 if sign[1] == "+" else -1
    return found


def _table(functions: list[_Function], warnings: list[str]) -> ScanTable:
    if not functions:
        return scan_table((), (), (), (), warnings=warnings)
    rt_s = np.concatenate([function.rt_s for function in functions])
    counts = np.concatenate([function.counts for function in functions])
    check_limits(counts)
    order = np.argsort(rt_s, kind="stable")
    start = np.cumsum(counts) - counts
    points = np.repeat(start[order] - np.cumsum(counts[order]) + counts[order], counts[order])
    points += np.arange(len(points))
    mz = np.concatenate([function.key for function in functions])[points]
    intensity = np.concatenate([function.value for function in functions])[points]
    return scan_table(
        rt_s[order],
        counts[order],
        mz,
        intensity,
        warnings=warnings,
        ms_level=_each(functions, [2 if function.kind in _TANDEM else 1 for function in functions])[order],
        polarity=_each(functions, [function.polarity for function in functions])[order],
        profile=_each(functions, [_is_profile(function) for function in functions])[order],
        any_order=True,
    )


def _each(functions: list[_Function], value: list[int] | list[bool]) -> Ints:
    return np.repeat(value, [len(function.counts) for function in functions])


def _is_profile(function: _Function) -> bool:
    """Its scan of most points tells."""
    k = int(np.argmax(function.counts))
    points = slice(int(function.counts[:k].sum()), int(function.counts[: k + 1].sum()))
    return looks_continuous(function.key[points], function.value[points])


def _analogue(folder: _Folder, warnings: list[str]) -> list[Trace]:
    """The channels of ``_CHROMS.INF`` that have a file."""
    listed = folder.content("_CHROMS.INF")[0x84:]
    traces = []
    for k in range(-(-len(listed) // _ANALOGUE_NAME)):
        line = listed[k * _ANALOGUE_NAME : (k + 1) * _ANALOGUE_NAME].decode("cp1252", "replace")
        title, *rest = re.sub(r"[\0-\x04]|\$CC\$|\(\d*\)", "", line).strip().split(",")
        data = folder.content(f"_CHRO{k + 1:03}.DAT")[_ANALOGUE_START:]
        pairs = np.frombuffer(data[: len(data) // 8 * 8], "<f4").reshape(-1, 2).astype(np.float64)
        if not len(pairs):
            continue
        try:
            traces.append(
                Trace(title.strip(), pairs[:, 0] * 60, pairs[:, 1], rest[4] if len(rest) > 4 else "")
            )
        except InvalidMeasurement:
            warnings.append(f"Channel {k + 1} ({title.strip()}) is not a valid trace; it was left out.")
    return traces


def _metadata(folder: _Folder, has_scans: bool) -> Metadata:
    fields = dict(
        re.findall(r"^\$\$ ([^:\r\n]{1,60}): *([^\r\n]*?)\s*$", folder.text("_HEADER.TXT"), re.MULTILINE)
    )
    return Metadata(
        format="Waters .raw folder",
        reader=name,
        technique=_technique(folder, has_scans),
        instrument=fields.get("Instrument", ""),
        acquired_at=f"{fields.get('Acquired Date', '')} {fields.get('Acquired Time', '')}".strip(),
        sample_name=fields.get("Sample Description", "") or fields.get("Acquired Name", ""),
        details={key.lower(): fields[key][:500] for key in _KEPT if fields.get(key)},
    )


def _technique(folder: _Folder, has_scans: bool) -> Technique:
    text = folder.text("_extern.inf")
    if re.search(r"\bEI[+-]", text):
        return Technique.GC_MS
    if re.search(r"\b(?:ES|AP|ESI|APCI)[+-]", text) and has_scans:
        return Technique.LC_MS
    return Technique.UNKNOWN
