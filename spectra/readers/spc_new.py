"""GRAMS SPC files of the new format (version byte 0x4B, or 0x4C with the greater byte first) to plain arrays.

`read_new` promises that every announced byte lies in the file before an array is made of it. It knows
nothing of what the axes mean.

The header has 512 bytes, a subfile 32 of its own, then its own x (flag TXYXYS) and y. An x axis of unequal
steps that all subfiles share (flag TXVALS) follows the header. A directory of 12 bytes a subfile lies at the
offset that ``fnpts`` holds in files with x of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Floats
from spectra.readers.scans import check_limits
from spectra.readers.spc_layout import (
    MULTIFILE,
    OWN_X,
    REMEDY,
    SHARED_X,
    SUBHEADER,
    SUBHEADER_SIZE,
    Container,
    Header,
    Subfile,
    full_year,
    labels_of,
    plain_text,
    record,
    text_of,
    truncated,
    values,
    width_of,
)

_HEADER_SIZE = 512
_HEADER_FIELDS = {  # name: (offset, type)
    "flags": (0, "u1"),
    "experiment": (2, "u1"),
    "exponent": (3, "i1"),
    "points": (4, "<u4"),  # or the place of the directory
    "first": (8, "<f8"),
    "last": (16, "<f8"),
    "subfiles": (24, "<u4"),
    "x_unit": (28, "u1"),
    "y_unit": (29, "u1"),
    "z_unit": (30, "u1"),
    "date": (32, "<u4"),
    "resolution": (36, "S9"),
    "source": (45, "S9"),
    "memo": (88, "S130"),
    "labels": (218, "V30"),
    "log": (248, "<u4"),
    "method": (264, "S48"),
    "z_step": (312, "<f4"),
}
_DIRECTORY = np.dtype([("position", "<u4"), ("size", "<u4"), ("z", "<f4")])
_HEADER = record(_HEADER_FIELDS, _HEADER_SIZE)


def read_new(data: bytes, *, order: str) -> Container:
    """The header and the curves of a file whose numbers begin with the lesser ("<") or greater (">") byte.

    Raises
    ------
    UnreadableFile : cut short, contradicting itself, or beyond the limits of size.
    """
    if len(data) < _HEADER_SIZE:
        raise UnreadableFile(Fault.TRUNCATED, where=f"byte {len(data)}", expected="a header of 512 bytes")
    raw = np.frombuffer(data, _HEADER.newbyteorder(order), count=1)[0]  # type: ignore[arg-type]
    header = _new_header(data, raw, order)
    own = bool(header.flags & OWN_X)
    starts = _directory(data, raw, order) if own else _in_a_row(data, raw)
    subheaders = _subheaders(data, starts, order)
    points = np.asarray(subheaders["points"] if own else np.full(len(starts), raw["points"]), np.int64)
    _check_extent(data, starts, points, width_of(header.flags) + (4 if own else 0))
    check_limits(points)
    shared = None if own else _shared_x(data, raw, order)
    curves = (
        _curve(data, raw, header, int(start), int(n), subheaders[k], shared, order)
        for k, (start, n) in enumerate(zip(starts, points, strict=True))
    )
    return Container(header, _with_z(curves, float(raw["z_step"]) if header.is_multifile else 0.0))


def _new_header(data: bytes, raw: Any, order: str) -> Header:
    flags, log = int(raw["flags"]), int(raw["log"])
    byte_order: Any = "little" if order == "<" else "big"
    cut = log > len(data) - 4 or (log and log + int.from_bytes(data[log : log + 4], byte_order) > len(data))
    return Header(
        flags=flags,
        experiment=int(raw["experiment"]),
        x_unit=int(raw["x_unit"]),
        y_unit=int(raw["y_unit"]),
        z_unit=int(raw["z_unit"]),
        date=_date(int(raw["date"])),
        source=text_of(raw["source"]),
        memo=text_of(raw["memo"]),
        method=text_of(raw["method"]),
        resolution=plain_text(raw["resolution"]),
        log=_log(data, log, byte_order),
        log_is_cut=bool(cut),
        labels=labels_of(flags, raw["labels"]),
    )


def _directory(data: bytes, raw: Any, order: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Where each subfile begins: the directory's word, or right after the header for a single spectrum."""
    count, start = int(raw["subfiles"]), int(raw["points"])
    if not raw["flags"] & MULTIFILE or start == 0:
        if count > 1:
            expected = "the place of the subfile directory"
            raise UnreadableFile(Fault.MALFORMED, where="byte 4", expected=expected)
        return np.array([_HEADER_SIZE], np.int64)
    _check_count(count)
    if start + count * _DIRECTORY.itemsize > len(data):
        raise truncated(data, f"a directory of {count} subfiles at byte {start}")
    entries = np.frombuffer(data, _DIRECTORY.newbyteorder(order), count, start)  # type: ignore[arg-type]
    return np.asarray(entries["position"], np.int64)


def _in_a_row(data: bytes, raw: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Where each subfile begins if all have the same number of points: one after the other."""
    count = max(int(raw["subfiles"]), 1) if raw["flags"] & MULTIFILE else 1
    points, flags = int(raw["points"]), int(raw["flags"])
    start = _HEADER_SIZE + (4 * points if flags & SHARED_X else 0)
    step = SUBHEADER_SIZE + width_of(flags) * points
    if start + count * step > len(data):
        raise truncated(data, f"{count} subfiles of {points} points, as the header says")
    return start + step * np.arange(count, dtype=np.int64)


def _check_count(count: int) -> None:
    if count == 0:
        raise UnreadableFile(Fault.NO_SIGNAL, where="byte 24", expected="at least one subfile")


def _subheaders(data: bytes, starts: np.ndarray[Any, np.dtype[np.int64]], order: str) -> Any:
    beyond = np.flatnonzero((starts < _HEADER_SIZE) | (starts + SUBHEADER_SIZE > len(data)))
    if len(beyond):
        where, expected = f"subfile {beyond[0] + 1}", "a directory that points into the file"
        raise UnreadableFile(Fault.MALFORMED, where=where, expected=expected)
    raw = b"".join(data[start : start + SUBHEADER_SIZE] for start in starts)
    return np.frombuffer(raw, SUBHEADER.newbyteorder(order))  # type: ignore[arg-type]


def _check_extent(
    data: bytes,
    starts: np.ndarray[Any, np.dtype[np.int64]],
    points: np.ndarray[Any, np.dtype[np.int64]],
    width: int,
) -> None:
    over = np.flatnonzero(starts + SUBHEADER_SIZE + points * width > len(data))
    if len(over):
        k = int(over[0])
        raise UnreadableFile(
            Fault.TRUNCATED,
            where=f"subfile {k + 1} at byte {starts[k]}",
            expected=f"{points[k]} points, as its header says; the file ends before",
            remedy=REMEDY,
        )


def _shared_x(data: bytes, raw: Any, order: str) -> Floats:
    points = int(raw["points"])
    if raw["flags"] & SHARED_X:
        return np.frombuffer(data, f"{order}f4", points, _HEADER_SIZE).astype(np.float64)
    return np.linspace(float(raw["first"]), float(raw["last"]), points)


def _curve(
    data: bytes, raw: Any, header: Header, start: int, n: int, sub: Any, shared: Floats | None, order: str
) -> Subfile:
    place = start + SUBHEADER_SIZE
    if shared is None:
        x = np.frombuffer(data, f"{order}f4", n, place).astype(np.float64)
        place += 4 * n
    else:
        x = shared
    exponent = int(sub["exponent"] if header.is_multifile else raw["exponent"])
    return Subfile(float(sub["z"]), x, values(data, place, n, exponent, width_of(header.flags), order))


def _with_z(curves: Iterator[Subfile], step: float) -> tuple[Subfile, ...]:
    """Even steps of z may be written once in the header, and the subfiles left at zero."""
    found = tuple(curves)
    if step <= 0 or len(found) < 2 or any(curve.z for curve in found[1:]):
        return found
    return tuple(Subfile(found[0].z + k * step, curve.x, curve.y) for k, curve in enumerate(found))


def _date(packed: int) -> str:
    """Year in the upper 12 bits, then month 4, day 5, hour 5, minute 6; "" for none."""
    year, month, day = packed >> 20, packed >> 16 & 15, packed >> 11 & 31
    if not (year and month and day):
        return ""
    return f"{full_year(year):04d}-{month:02d}-{day:02d} {packed >> 6 & 31:02d}:{packed & 63:02d}"


def _log(data: bytes, start: int, order: Any) -> str:
    """The text of the log block, at most 2000 characters."""
    if not _HEADER_SIZE <= start <= len(data) - 64:
        return ""
    offset = int.from_bytes(data[start + 8 : start + 12], order)
    raw = data[start + offset : start + offset + 2000]
    return " ".join(raw.decode("cp1252", "replace").replace("\0", " ").split())
