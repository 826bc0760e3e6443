"""GRAMS SPC files of mass spectra: one spectrum, or a GC-MS run with an m/z list of its own per scan.

Reads the new little-endian format (version byte 0x4B) with separate x and y per subfile (flag TXYXYS) and
an x axis of m/z; y as 16- or 32-bit integers under a power of two, or as 32-bit floats. Refuses the old
format, big-endian files, infrared, Raman and everything else whose x axis is not m/z, saying what it is.

Layout after the file format description Thermo Galactic published (header 512 bytes, subheader 32 bytes,
directory of 12 bytes a subfile at the offset that ``fnpts`` holds).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectra.errors import Fault, UnreadableFile
from spectra.model import Floats, Metadata, Run, Technique
from spectra.readers.scans import check_limits, scan_table

name = "spc"
formats = ("GRAMS SPC with mass spectra (GC-MS run or single spectrum)",)

_NEW, _NEW_BIG_ENDIAN, _OLD = 0x4B, 0x4C, 0x4D
_Y_16_BIT, _MULTIFILE, _OWN_X = 0x01, 0x04, 0x40
_FLOAT_EXPONENT = -128
_X_IS_MZ = 9
_SECONDS = {4: 1.0, 5: 60.0, 11: 86400.0, 23: 1e-3, 24: 1e-6, 25: 1e-9, 30: 3600.0}  # by unit code
_GAS, _LIQUID = 1, 3  # experiment codes
_HEADER_SIZE, _SUBHEADER_SIZE = 512, 32

_X_AXES = {
    0: "an arbitrary axis",
    1: "wavenumbers (infrared or Raman)",
    2: "micrometres",
    3: "nanometres (UV or visible)",
    4: "seconds (a chromatogram or a decay)",
    5: "minutes (a chromatogram)",
    6: "frequencies",
    10: "parts per million (NMR)",
    13: "Raman shifts",
    14: "electronvolts",
    16: "diode numbers",
    18: "degrees",
}

_HEADER_FIELDS = {  # name: (offset, type)
    "flags": (0, "u1"),
    "experiment": (2, "u1"),
    "exponent": (3, "i1"),
    "directory": (4, "<u4"),
    "subfiles": (24, "<u4"),
    "x_unit": (28, "i1"),
    "z_unit": (30, "i1"),
    "date": (32, "<u4"),
    "source": (45, "S9"),
    "memo": (88, "S130"),
    "log": (248, "<u4"),
    "method": (264, "S48"),
}
_SUBHEADER_FIELDS = {"exponent": (1, "i1"), "time": (4, "<f4"), "points": (16, "<u4")}
_DIRECTORY = np.dtype([("position", "<u4"), ("size", "<u4"), ("time", "<f4")])


def _record(fields: dict[str, tuple[int, str]], size: int) -> np.dtype[np.void]:
    return np.dtype(
        {
            "names": list(fields),
            "formats": [kind for _, kind in fields.values()],
            "offsets": [offset for offset, _ in fields.values()],
            "itemsize": size,
        }
    )


_HEADER = _record(_HEADER_FIELDS, _HEADER_SIZE)
_SUBHEADER = _record(_SUBHEADER_FIELDS, _SUBHEADER_SIZE)


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """A version byte of SPC after a flag byte, in what is not a text nor a ZIP archive."""
    if len(head) < 32 or head.startswith(b"PK") or (head[:32].isascii() and b"\0" not in head[:64]):
        return False
    if head[1] == _NEW:
        return head[28] <= 30 or head[28] == 255
    return head[1] in (_NEW_BIG_ENDIAN, _OLD) and len(head) >= 256 and b"\0" in head[:64]


def read(path: Path) -> Run:
    """The file as a run; times in s, intensities as counted. Raises `UnreadableFile`."""
    data = path.read_bytes()
    header = _header(data)
    warnings: list[str] = []
    positions = _positions(data, header)
    subheaders = _subheaders(data, positions)
    _check_extent(data, header, positions, subheaders)
    scans = [
        _subfile(data, header, int(position), sub)
        for position, sub in zip(positions, subheaders, strict=True)
    ]
    table = scan_table(
        _times(header, subheaders["time"], warnings),
        subheaders["points"],
        np.concatenate([mz for mz, _ in scans]),
        np.concatenate([y for _, y in scans]),
        warnings=warnings,
        any_order=True,  # GRAMS writes the greatest m/z first
    )
    title = _text(header["memo"])
    return Run(
        _metadata(data, header, title),
        table,
        titles=() if table.has_time else (title,) * len(table),
        warnings=tuple(warnings),
    )


def _header(data: bytes) -> Any:
    version = data[1]
    if version != _NEW:
        kind = "the old SPC format" if version == _OLD else "big-endian SPC"
        raise _unsupported(f"the new SPC format; this file is {kind}", "Open it in GRAMS and save it again.")
    if len(data) < _HEADER_SIZE:
        raise UnreadableFile(Fault.TRUNCATED, where=f"byte {len(data)}", expected="a header of 512 bytes")
    header = np.frombuffer(data, _HEADER, count=1)[0]
    unit = int(header["x_unit"])
    if unit != _X_IS_MZ:
        kind = _X_AXES.get(unit, f"an axis of code {unit}")
        raise _unsupported(
            f"mass spectra; the x axis of this file holds {kind}", "Of SPC files only mass spectra are read."
        )
    if not header["flags"] & _OWN_X:
        raise _unsupported(
            "an m/z list for each scan; this file has one shared m/z axis",
            "Save it with a separate x axis for each spectrum, or export mzML or netCDF.",
        )
    return header


def _positions(data: bytes, header: Any) -> NDArray[np.int64]:
    """Where each subfile begins: the directory's word, or right after the header for a single spectrum."""
    count, start = int(header["subfiles"]), int(header["directory"])
    if not header["flags"] & _MULTIFILE or start == 0:
        if count > 1:
            raise UnreadableFile(
                Fault.MALFORMED, where="byte 4", expected="the place of the subfile directory"
            )
        return np.array([_HEADER_SIZE], np.int64)
    if count == 0:
        raise UnreadableFile(Fault.NO_SIGNAL, where="byte 24", expected="at least one subfile")
    if start + count * _DIRECTORY.itemsize > len(data):
        raise _truncated(data, f"a directory of {count} subfiles at byte {start}")
    return np.frombuffer(data, _DIRECTORY, count, start)["position"].astype(np.int64)


def _subheaders(data: bytes, positions: NDArray[np.int64]) -> Any:
    beyond = np.flatnonzero((positions < _HEADER_SIZE) | (positions + _SUBHEADER_SIZE > len(data)))
    if len(beyond):
        raise UnreadableFile(
            Fault.MALFORMED,
            where=f"subfile {beyond[0] + 1}",
            expected="a directory that points into the file",
        )
    raw = b"".join(data[position : position + _SUBHEADER_SIZE] for position in positions)
    return np.frombuffer(raw, _SUBHEADER)


def _check_extent(data: bytes, header: Any, positions: NDArray[np.int64], subheaders: Any) -> None:
    size = len(data)
    points = subheaders["points"].astype(np.int64)
    end = positions + _SUBHEADER_SIZE + points * (4 + _y_width(header))
    over = np.flatnonzero(end > size)
    if len(over):
        k = int(over[0])
        raise UnreadableFile(
            Fault.TRUNCATED,
            where=f"subfile {k + 1} at byte {positions[k]}",
            expected=f"{points[k]} points, as its header says; the file ends before",
            remedy="Copy the file again from the instrument.",
        )
    check_limits(points)
    log = int(header["log"])
    if log > size - 4 or (log and log + int.from_bytes(data[log : log + 4], "little") > size):
        raise _truncated(data, f"a log at byte {log}, as the header says")


def _y_width(header: Any) -> int:
    return 2 if header["flags"] & _Y_16_BIT else 4


def _subfile(data: bytes, header: Any, position: int, sub: Any) -> tuple[Floats, Floats]:
    points, start = int(sub["points"]), position + _SUBHEADER_SIZE
    mz = np.frombuffer(data, "<f4", points, start).astype(np.float64)
    exponent = int(sub["exponent"] if header["flags"] & _MULTIFILE else header["exponent"])
    y = _intensity(data, start + 4 * points, points, exponent, _y_width(header))
    return mz, y


def _intensity(data: bytes, start: int, points: int, exponent: int, width: int) -> Floats:
    """y = integer · 2^(exponent − bits), or the float itself where the exponent says so."""
    if exponent == _FLOAT_EXPONENT and width == 4:
        return np.frombuffer(data, "<f4", points, start).astype(np.float64)
    integers = np.frombuffer(data, f"<i{width}", points, start).astype(np.float64)
    return np.ldexp(integers, exponent - 8 * width)


def _times(header: Any, z: NDArray[np.float32], warnings: list[str]) -> Floats:
    if not header["flags"] & _MULTIFILE:
        return np.full(len(z), np.nan)
    seconds = _SECONDS.get(int(header["z_unit"]))
    if seconds is None:
        warnings.append(
            "The file does not say that its scans lie on a time axis; they are shown without one."
        )
        return np.full(len(z), np.nan)
    return z.astype(np.float64) * seconds


def _metadata(data: bytes, header: Any, title: str) -> Metadata:
    log = _log(data, int(header["log"]))
    details = {"memo": title, "method": _text(header["method"]), "log": log}
    return Metadata(
        format="GRAMS SPC",
        reader=name,
        technique=_technique(header),
        instrument=_text(header["source"]),
        acquired_at=_date(int(header["date"])),
        sample_name=title,
        details={key: value for key, value in details.items() if value},
    )


def _technique(header: Any) -> Technique:
    if not header["flags"] & _MULTIFILE:
        return Technique.MS
    if header["experiment"] == _GAS or _text(header["source"]).startswith("MS_59"):
        return Technique.GC_MS  # HP 5970, 5971 … are mass detectors of gas chromatographs
    return Technique.LC_MS if header["experiment"] == _LIQUID else Technique.UNKNOWN


def _date(packed: int) -> str:
    """Year in the upper 12 bits, then month 4, day 5, hour 5, minute 6; "" for none."""
    if packed == 0:
        return ""
    year, month, day = packed >> 20, packed >> 16 & 15, packed >> 11 & 31
    return f"{year:04d}-{month:02d}-{day:02d} {packed >> 6 & 31:02d}:{packed & 63:02d}"


def _log(data: bytes, start: int) -> str:
    """The text of the log block, at most 2000 characters."""
    if not _HEADER_SIZE <= start <= len(data) - 64:
        return ""
    offset = int.from_bytes(data[start + 8 : start + 12], "little")
    return _text(data[start + offset : start + offset + 2000])


def _text(raw: bytes) -> str:
    return " ".join(bytes(raw).decode("cp1252", "replace").replace("\0", " ").split())


def _unsupported(expected: str, remedy: str) -> UnreadableFile:
    return UnreadableFile(Fault.UNSUPPORTED, where="header", expected=expected, remedy=remedy)


def _truncated(data: bytes, expected: str) -> UnreadableFile:
    remedy = "Copy the file again from the instrument."
    return UnreadableFile(Fault.TRUNCATED, where=f"byte {len(data)}", expected=expected, remedy=remedy)
