"""The byte layout of GRAMS SPC files: new (0x4B), new big-endian (0x4C) and old (0x4D) to plain arrays.

`read_container` promises that every announced byte lies in the file before an array is made of it. It
knows nothing of what the axes mean.

Layout after the file format description Thermo Galactic published: a new header has 512 bytes, an old one
224; a subfile 32 bytes of header, then its own x (flag TXYXYS) and y. An x axis of unequal steps that all
subfiles share (flag TXVALS) follows the header. y are 16- or 32-bit integers under a power of two, or, where
the exponent is −128, floats; old files keep 32-bit integers with their halves exchanged. A directory of 12
bytes a subfile lies at the offset that ``fnpts`` holds in files with x of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Floats
from spectra.readers.scans import check_limits

NEW, NEW_BIG_ENDIAN, OLD = 0x4B, 0x4C, 0x4D
HEADER_SIZE, OLD_HEADER_SIZE, SUBHEADER_SIZE = 512, 224, 32
MULTIFILE = 0x04
_Y_16_BIT, _LABELS, _OWN_X, _SHARED_X = 0x01, 0x20, 0x40, 0x80
_FLOAT_EXPONENT = -128
_REMEDY = "Copy the file again from the instrument."

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
_OLD_FIELDS = {
    "flags": (0, "u1"),
    "exponent": (2, "<i2"),
    "points": (4, "<f4"),
    "first": (8, "<f4"),
    "last": (12, "<f4"),
    "x_unit": (16, "u1"),
    "y_unit": (17, "u1"),
    "year": (18, "<u2"),  # its upper four bits hold the z unit
    "moment": (20, "4u1"),
    "resolution": (24, "S8"),
    "memo": (64, "S130"),
    "labels": (194, "V30"),
}
_SUBHEADER_FIELDS = {"exponent": (1, "i1"), "z": (4, "<f4"), "points": (16, "<u4")}
_DIRECTORY = np.dtype([("position", "<u4"), ("size", "<u4"), ("z", "<f4")])


def _record(fields: dict[str, tuple[int, str]], size: int) -> np.dtype[np.void]:
    return np.dtype(
        {
            "names": list(fields),
            "formats": [kind for _, kind in fields.values()],
            "offsets": [offset for offset, _ in fields.values()],
            "itemsize": size,
        }
    )


_HEADER = _record(_HEADER_FIELDS, HEADER_SIZE)
_OLD_HEADER = _record(_OLD_FIELDS, OLD_HEADER_SIZE)
_SUBHEADER = _record(_SUBHEADER_FIELDS, SUBHEADER_SIZE)


@dataclass(frozen=True, slots=True)
class Header:
    """What both formats say about a file; ``labels`` are the custom words for x, y and z, or ""."""

    flags: int
    experiment: int
    x_unit: int
    y_unit: int
    z_unit: int
    date: str
    source: str
    memo: str
    method: str
    resolution: str
    log: str
    log_is_cut: bool
    labels: tuple[str, str, str]

    @property
    def is_multifile(self) -> bool:
        """Whether several subfiles may follow."""
        return bool(self.flags & MULTIFILE)


@dataclass(frozen=True, slots=True, eq=False)
class Subfile:
    """One curve: its place on the z axis, (n,) x and (n,) y as written."""

    z: float
    x: Floats
    y: Floats


@dataclass(frozen=True, slots=True)
class Container:
    """A file as arrays, at least one subfile."""

    header: Header
    subfiles: tuple[Subfile, ...]


def read_container(data: bytes) -> Container:
    """The file's header and curves.

    Raises
    ------
    UnreadableFile : cut short, contradicting itself, or beyond the limits of size.
    """
    return _old(data) if data[1] == OLD else _new(data, ">" if data[1] == NEW_BIG_ENDIAN else "<")


def _new(data: bytes, order: str) -> Container:
    if len(data) < HEADER_SIZE:
        raise UnreadableFile(Fault.TRUNCATED, where=f"byte {len(data)}", expected="a header of 512 bytes")
    raw = np.frombuffer(data, _HEADER.newbyteorder(order), count=1)[0]  # type: ignore[arg-type]
    header = _new_header(data, raw, order)
    own = bool(header.flags & _OWN_X)
    starts = _directory(data, raw, order) if own else _in_a_row(data, raw)
    subheaders = _subheaders(data, starts, order)
    points = np.asarray(subheaders["points"] if own else np.full(len(starts), raw["points"]), np.int64)
    _check_extent(data, starts, points, _width(header.flags) + (4 if own else 0))
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
        source=_text(raw["source"]),
        memo=_text(raw["memo"]),
        method=_text(raw["method"]),
        resolution=_plain(raw["resolution"]),
        log=_log(data, log, byte_order),
        log_is_cut=bool(cut),
        labels=_labels(flags, raw["labels"]),
    )


def _directory(data: bytes, raw: Any, order: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Where each subfile begins: the directory's word, or right after the header for a single spectrum."""
    count, start = int(raw["subfiles"]), int(raw["points"])
    if not raw["flags"] & MULTIFILE or start == 0:
        if count > 1:
            expected = "the place of the subfile directory"
            raise UnreadableFile(Fault.MALFORMED, where="byte 4", expected=expected)
        return np.array([HEADER_SIZE], np.int64)
    _check_count(count)
    if start + count * _DIRECTORY.itemsize > len(data):
        raise _truncated(data, f"a directory of {count} subfiles at byte {start}")
    entries = np.frombuffer(data, _DIRECTORY.newbyteorder(order), count, start)  # type: ignore[arg-type]
    return np.asarray(entries["position"], np.int64)


def _in_a_row(data: bytes, raw: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Where each subfile begins if all have the same number of points: one after the other."""
    count = max(int(raw["subfiles"]), 1) if raw["flags"] & MULTIFILE else 1
    points, flags = int(raw["points"]), int(raw["flags"])
    start = HEADER_SIZE + (4 * points if flags & _SHARED_X else 0)
    step = SUBHEADER_SIZE + _width(flags) * points
    if start + count * step > len(data):
        raise _truncated(data, f"{count} subfiles of {points} points, as the header says")
    return start + step * np.arange(count, dtype=np.int64)


def _check_count(count: int) -> None:
    if count == 0:
        raise UnreadableFile(Fault.NO_SIGNAL, where="byte 24", expected="at least one subfile")


def _subheaders(data: bytes, starts: np.ndarray[Any, np.dtype[np.int64]], order: str) -> Any:
    beyond = np.flatnonzero((starts < HEADER_SIZE) | (starts + SUBHEADER_SIZE > len(data)))
    if len(beyond):
        where, expected = f"subfile {beyond[0] + 1}", "a directory that points into the file"
        raise UnreadableFile(Fault.MALFORMED, where=where, expected=expected)
    raw = b"".join(data[start : start + SUBHEADER_SIZE] for start in starts)
    return np.frombuffer(raw, _SUBHEADER.newbyteorder(order))  # type: ignore[arg-type]


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
            remedy=_REMEDY,
        )


def _shared_x(data: bytes, raw: Any, order: str) -> Floats:
    points = int(raw["points"])
    if raw["flags"] & _SHARED_X:
        return np.frombuffer(data, f"{order}f4", points, HEADER_SIZE).astype(np.float64)
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
    return Subfile(float(sub["z"]), x, _values(data, place, n, exponent, _width(header.flags), order))


def _values(data: bytes, start: int, n: int, exponent: int, width: int, order: str) -> Floats:
    """y = integer · 2^(exponent − bits), or the float itself where the exponent says so."""
    if exponent == _FLOAT_EXPONENT and width == 4:
        return np.frombuffer(data, f"{order}f4", n, start).astype(np.float64)
    integers = np.frombuffer(data, f"{order}i{width}", n, start).astype(np.float64)
    return np.ldexp(integers, exponent - 8 * width)


def _with_z(curves: Iterator[Subfile], step: float) -> tuple[Subfile, ...]:
    """Even steps of z may be written once in the header, and the subfiles left at zero."""
    found = tuple(curves)
    if step <= 0 or len(found) < 2 or any(curve.z for curve in found[1:]):
        return found
    return tuple(Subfile(found[0].z + k * step, curve.x, curve.y) for k, curve in enumerate(found))


def _old(data: bytes) -> Container:
    if len(data) < OLD_HEADER_SIZE + SUBHEADER_SIZE:
        raise UnreadableFile(Fault.TRUNCATED, where=f"byte {len(data)}", expected="a header of 256 bytes")
    raw = np.frombuffer(data, _OLD_HEADER, count=1)[0]
    header = _old_header(raw)
    announced = float(raw["points"])
    if not (announced >= 1 and announced.is_integer()):
        raise UnreadableFile(Fault.MALFORMED, where="byte 4", expected="the number of points")
    check_limits([announced])
    points, width = int(announced), _width(header.flags)
    step = SUBHEADER_SIZE + width * points
    count = (len(data) - OLD_HEADER_SIZE) // step if header.is_multifile else 1
    if count == 0 or OLD_HEADER_SIZE + count * step > len(data):
        raise _truncated(data, f"{points} points, as the header says")
    if header.is_multifile and OLD_HEADER_SIZE + count * step != len(data):
        raise _truncated(data, f"subfiles of {step} bytes each; the last is cut")
    check_limits(np.full(count, points))
    x = np.linspace(float(raw["first"]), float(raw["last"]), points)
    starts = range(OLD_HEADER_SIZE, OLD_HEADER_SIZE + count * step, step)
    return Container(header, tuple(_old_curve(data, raw, header, start, x) for start in starts))


def _old_header(raw: Any) -> Header:
    flags, year = int(raw["flags"]), int(raw["year"]) & 0xFFF
    month, day, hour, minute = (int(part) for part in raw["moment"])
    written = f"{_century(year):04d}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}"
    return Header(
        flags=flags,
        experiment=0,
        x_unit=int(raw["x_unit"]),
        y_unit=int(raw["y_unit"]),
        z_unit=int(raw["year"]) >> 12,
        date=written if year else "",
        source="",
        memo=_text(raw["memo"]),
        method="",
        resolution=_plain(raw["resolution"]),
        log="",
        log_is_cut=False,
        labels=_labels(flags, raw["labels"]),
    )


def _old_curve(data: bytes, raw: Any, header: Header, start: int, x: Floats) -> Subfile:
    sub = np.frombuffer(data, _SUBHEADER, 1, start)[0]
    exponent = int(sub["exponent"]) if header.is_multifile and sub["exponent"] else int(raw["exponent"])
    place, width = start + SUBHEADER_SIZE, _width(header.flags)
    if width == 2:
        y = _values(data, place, len(x), exponent, 2, "<")
    else:
        halves = np.frombuffer(data, "<u2", 2 * len(x), place).reshape(-1, 2).astype(np.int64)
        integers = (halves[:, 0] << 16 | halves[:, 1]).astype(np.uint32).view(np.int32)
        y = np.ldexp(integers.astype(np.float64), exponent - 32)
    return Subfile(float(sub["z"]), x, y)


def _width(flags: int) -> int:
    return 2 if flags & _Y_16_BIT else 4


def _labels(flags: int, raw: Any) -> tuple[str, str, str]:
    words = bytes(raw).split(b"\0") if flags & _LABELS else []
    x, y, z = ([_text(word) for word in words] + ["", "", ""])[:3]
    return x, y, z


def _date(packed: int) -> str:
    """Year in the upper 12 bits, then month 4, day 5, hour 5, minute 6; "" for none."""
    year, month, day = packed >> 20, packed >> 16 & 15, packed >> 11 & 31
    if not (year and month and day):
        return ""
    return f"{_century(year):04d}-{month:02d}-{day:02d} {packed >> 6 & 31:02d}:{packed & 63:02d}"


def _century(year: int) -> int:
    """Some programs count years from 1900."""
    return year + 1900 if year < 1000 else year


def _log(data: bytes, start: int, order: Any) -> str:
    """The text of the log block, at most 2000 characters."""
    if not HEADER_SIZE <= start <= len(data) - 64:
        return ""
    offset = int.from_bytes(data[start + 8 : start + 12], order)
    raw = data[start + offset : start + offset + 2000]
    return " ".join(raw.decode("cp1252", "replace").replace("\0", " ").split())


def _text(raw: bytes) -> str:
    """Up to the first NUL: what follows is what lay in the memory of the writing program."""
    return " ".join(bytes(raw).partition(b"\0")[0].decode("cp1252", "replace").split())


def _plain(raw: bytes) -> str:
    """As `_text`, "" where it is no text at all."""
    text = _text(raw)
    return text if text.isascii() and text.isprintable() and any(sign.isdigit() for sign in text) else ""


def _truncated(data: bytes, expected: str) -> UnreadableFile:
    return UnreadableFile(Fault.TRUNCATED, where=f"byte {len(data)}", expected=expected, remedy=_REMEDY)
