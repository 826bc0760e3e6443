"""Arrays on disk that grow while they are written and are mapped when they are read.

Promises: an array of any length is written in bounded memory, as a plain ``.npy`` file that numpy reads;
texts are two arrays, all UTF-8 bytes and how many each row has. Refuses pickled data.
"""

from __future__ import annotations

import hashlib
import mmap
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from spectra.model import Ints

Array = NDArray[Any]

_HEADER = 128  # bytes; room for every dtype and length used here
_MAGIC = b"\x93NUMPY\x01\x00"
_TOLD = re.compile(
    re.escape(_MAGIC)
    + rb"..\{'descr': '([<|][biuf]\d)', 'fortran_order': False, 'shape': \(([\d, ]{1,60})\)\} *\n",
    re.DOTALL,
)
IONS_AT_ONCE = 2_000_000


class Columns:
    """Growing arrays of a folder, by name; each gets its dtype and row shape with its first rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, BinaryIO] = {}
        self._made: dict[str, tuple[np.dtype[Any], tuple[int, ...], int]] = {}

    def append(self, name: str, rows: ArrayLike, dtype: DTypeLike | None = None) -> None:
        """Add rows at the end of array ``name``."""
        array = np.ascontiguousarray(rows, dtype)
        if name not in self._files:
            self._files[name] = self.path(name).open("wb")
            self._files[name].write(bytes(_HEADER))
            self._made[name] = array.dtype, array.shape[1:], 0
        dtype_, shape, length = self._made[name]
        self._files[name].write(np.ascontiguousarray(array, dtype_).tobytes())
        self._made[name] = dtype_, shape, length + len(array)

    def append_texts(self, name: str, values: Sequence[str]) -> None:
        """Add a text for each row: its bytes to ``<name>_text``, their number to ``<name>_size``."""
        encoded = [value.encode("utf-8", errors="replace") for value in values]
        self.append(f"{name}_text", np.frombuffer(b"".join(encoded), np.uint8))
        self.append(f"{name}_size", [len(one) for one in encoded], np.int64)

    def length(self, name: str) -> int:
        """Rows of array ``name`` so far."""
        return self._made[name][2] if name in self._made else 0

    def path(self, name: str) -> Path:
        """Where array ``name`` lies."""
        return self.folder / f"{name}.npy"

    def close(self) -> dict[str, Path]:
        """Finish all arrays; their files by name."""
        for name, file in self._files.items():
            dtype, shape, length = self._made[name]
            file.seek(0)
            file.write(_header(dtype, (length, *shape)))
            file.close()
        done, self._files = {name: self.path(name) for name in self._files}, {}
        return done


def load(path: Path) -> Array:
    """The array of a file that `Columns` wrote, mapped and read-only.

    `numpy.load` takes ten times as long, and `numpy.memmap` pays for being its own class at every index.

    Raises
    ------
    ValueError : no such file, cut short, or of a type other than numbers.
    """
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    found = _TOLD.match(content[:_HEADER])
    if not found:
        msg = f"{path.name} is no array of a release"
        raise ValueError(msg)
    shape = tuple(int(length) for length in found[2].split(b",") if length.strip())
    return np.ndarray(shape, np.dtype(found[1].decode("ascii")), content, _HEADER)


def file_hash(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def offsets(sizes: ArrayLike) -> Ints:
    """(rows + 1,) int64 from the sizes of rows."""
    return np.concatenate(([0], np.cumsum(np.asarray(sizes, np.int64)))).astype(np.int64)


def blocks(offset: Ints, most: int = IONS_AT_ONCE) -> Iterator[tuple[int, int]]:
    """(first, last) of consecutive rows that hold about ``most`` values together, at least one row each."""
    first, rows = 0, len(offset) - 1
    while first < rows:
        last = int(np.searchsorted(offset, offset[first] + most, side="right")) - 1
        last = min(max(last, first + 1), rows)
        yield first, last
        first = last


def places(offset: Ints, rows: Ints) -> Ints:
    """Where the values of ``rows`` lie, row after row."""
    counts = offset[rows + 1] - offset[rows]
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) + np.repeat(offset[rows] - (ends - counts), counts), np.int64)


def _header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    told = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    room = _HEADER - len(_MAGIC) - 2
    text = repr(told).encode().ljust(room - 1) + b"\n"
    return _MAGIC + room.to_bytes(2, "little") + text
