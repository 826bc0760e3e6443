"""What the new and the old layout of GRAMS SPC files have in common: values, numbers and texts.

y are 16- or 32-bit integers under a power of two, or, where the exponent is −128, floats. After the file
format description Thermo Galactic published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Floats

NEW, NEW_BIG_ENDIAN, OLD = 0x4B, 0x4C, 0x4D
SUBHEADER_SIZE = 32
MULTIFILE, OWN_X, SHARED_X = 0x04, 0x40, 0x80
REMEDY = "Copy the file again from the instrument."
_Y_16_BIT, _LABELS = 0x01, 0x20
_FLOAT_EXPONENT = -128
_SUBHEADER_FIELDS = {"exponent": (1, "i1"), "z": (4, "<f4"), "points": (16, "<u4")}


def record(fields: dict[str, tuple[int, str]], size: int) -> np.dtype[np.void]:
    return np.dtype(
        {
            "names": list(fields),
            "formats": [kind for _, kind in fields.values()],
            "offsets": [offset for offset, _ in fields.values()],
            "itemsize": size,
        }
    )


SUBHEADER = record(_SUBHEADER_FIELDS, SUBHEADER_SIZE)


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


def values(data: bytes, start: int, n: int, exponent: int, width: int, order: str) -> Floats:
    """y = integer · 2^(exponent − bits), or the float itself where the exponent says so."""
    if exponent == _FLOAT_EXPONENT and width == 4:
        return np.frombuffer(data, f"{order}f4", n, start).astype(np.float64)
    integers = np.frombuffer(data, f"{order}i{width}", n, start).astype(np.float64)
    return np.ldexp(integers, exponent - 8 * width)


def width_of(flags: int) -> int:
    return 2 if flags & _Y_16_BIT else 4


def labels_of(flags: int, raw: Any) -> tuple[str, str, str]:
    words = bytes(raw).split(b"\0") if flags & _LABELS else []
    x, y, z = ([text_of(word) for word in words] + ["", "", ""])[:3]
    return x, y, z


def full_year(year: int) -> int:
    """Some programs count years from 1900."""
    return year + 1900 if year < 1000 else year


def text_of(raw: bytes) -> str:
    """Up to the first NUL: what follows is what lay in the memory of the writing program."""
    return " ".join(bytes(raw).partition(b"\0")[0].decode("cp1252", "replace").split())


def plain_text(raw: bytes) -> str:
    """As `text_of`, "" where it is no text at all."""
    text = text_of(raw)
    return text if text.isascii() and text.isprintable() and any(sign.isdigit() for sign in text) else ""


def truncated(data: bytes, expected: str) -> UnreadableFile:
    return UnreadableFile(Fault.TRUNCATED, where=f"byte {len(data)}", expected=expected, remedy=REMEDY)
