"""GRAMS SPC files of the old format (version byte 0x4D) to plain arrays.

`read_old` promises that every announced byte lies in the file before an array is made of it. The header has
224 bytes; subfiles of equal length follow to the end of the file. 32-bit integers have their halves
exchanged. Year and z unit share a word.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Floats
from spectra.readers.scans import check_limits
from spectra.readers.spc_layout import (
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

_HEADER_SIZE = 224
_HEADER_FIELDS = {
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
_HEADER = record(_HEADER_FIELDS, _HEADER_SIZE)


def read_old(data: bytes) -> Container:
    """The header and the curves of a file.

    Raises
    ------
    UnreadableFile : cut short, contradicting itself, or beyond the limits of size.
    """
    if len(data) < _HEADER_SIZE + SUBHEADER_SIZE:
        raise UnreadableFile(Fault.TRUNCATED, where=f"byte {len(data)}", expected="a header of 256 bytes")
    raw = np.frombuffer(data, _HEADER, count=1)[0]
    header = _header(raw)
    announced = float(raw["points"])
    if not (announced >= 1 and announced.is_integer()):
        raise UnreadableFile(Fault.MALFORMED, where="byte 4", expected="the number of points")
    check_limits([announced])
    points, width = int(announced), width_of(header.flags)
    step = SUBHEADER_SIZE + width * points
    count = (len(data) - _HEADER_SIZE) // step if header.is_multifile else 1
    if count == 0 or _HEADER_SIZE + count * step > len(data):
        raise truncated(data, f"{points} points, as the header says")
    if header.is_multifile and _HEADER_SIZE + count * step != len(data):
        raise truncated(data, f"subfiles of {step} bytes each; the last is cut")
    check_limits(np.full(count, points))
    x = np.linspace(float(raw["first"]), float(raw["last"]), points)
    starts = range(_HEADER_SIZE, _HEADER_SIZE + count * step, step)
    return Container(header, tuple(_curve(data, raw, header, start, x) for start in starts))


def _header(raw: Any) -> Header:
    flags, year = int(raw["flags"]), int(raw["year"]) & 0xFFF
    month, day, hour, minute = (int(part) for part in raw["moment"])
    written = f"{full_year(year):04d}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}"
    return Header(
        flags=flags,
        experiment=0,
        x_unit=int(raw["x_unit"]),
        y_unit=int(raw["y_unit"]),
        z_unit=int(raw["year"]) >> 12,
        date=written if year else "",
        source="",
        memo=text_of(raw["memo"]),
        method="",
        resolution=plain_text(raw["resolution"]),
        log="",
        log_is_cut=False,
        labels=labels_of(flags, raw["labels"]),
    )


def _curve(data: bytes, raw: Any, header: Header, start: int, x: Floats) -> Subfile:
    sub = np.frombuffer(data, SUBHEADER, 1, start)[0]
    exponent = int(sub["exponent"]) if header.is_multifile and sub["exponent"] else int(raw["exponent"])
    place, width = start + SUBHEADER_SIZE, width_of(header.flags)
    if width == 2:
        y = values(data, place, len(x), exponent, 2, "<")
    else:
        halves = np.frombuffer(data, "<u2", 2 * len(x), place).reshape(-1, 2).astype(np.int64)
        integers = (halves[:, 0] << 16 | halves[:, 1]).astype(np.uint32).view(np.int32)
        y = np.ldexp(integers.astype(np.float64), exponent - 32)
    return Subfile(float(sub["z"]), x, y)
