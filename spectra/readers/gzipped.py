"""A measurement packed with gzip (``.mzML.gz``): unpacked within bounds, then read by what is inside.

Unpacks into a temporary folder that is removed again. Refuses more than 512 MiB, more than 50 times the
packed size beyond 64 MiB, a damaged or cut stream, and a packed file inside the packed file.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from spectra.errors import Fault, UnreadableFile
from spectra.model import Run

name = "gzip"
formats = ("any of these packed with gzip",)

MAX_BYTES = 512 * 2**20
FREE_BYTES = 64 * 2**20
MAX_RATIO = 50
_MAGIC = b"\x1f\x8b"
_CHUNK = 2**18
_AGAIN = "Copy or pack the file again."
_GZIP = zlib.MAX_WBITS | 16


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """The magic number of gzip."""
    return head.startswith(_MAGIC)


def read(path: Path) -> Run:
    """What is inside, as its own reader gives it. Raises `UnreadableFile`."""
    with tempfile.TemporaryDirectory(prefix="xbt-") as folder:
        inside = Path(folder) / "unpacked"
        with path.open("rb") as packed, inside.open("wb") as plain:
            unpack(packed, plain)
        with inside.open("rb") as plain:
            if plain.read(2) == _MAGIC:
                raise UnreadableFile(Fault.FORBIDDEN, expected="a file packed once, not twice")
        from spectra.readers import read as read_any  # the registry holds this module too

        return read_any(inside, name=path.name)


def unpack(packed: BinaryIO, plain: BinaryIO) -> None:
    """Every member of a gzip stream, one after the other.

    Raises
    ------
    UnreadableFile : TOO_LARGE, FORBIDDEN (ratio), TRUNCATED, MALFORMED.
    """
    taken = given = 0
    for taken, out in _pieces(packed):
        given += len(out)
        _check(taken, given)
        plain.write(out)


def _pieces(packed: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """How much was read so far, and the next piece it gave."""
    taken, stream = 0, zlib.decompressobj(_GZIP)
    while chunk := packed.read(_CHUNK):
        taken += len(chunk)
        while chunk:
            if stream.eof:  # a further member, or zeros that some tools pad with
                stream, chunk = zlib.decompressobj(_GZIP), chunk.lstrip(b"\0")
                if not chunk:
                    return
            yield taken, _step(stream, chunk, taken)
            chunk = stream.unconsumed_tail or stream.unused_data
    while not stream.eof and (out := _step(stream, b"", taken)):
        yield taken, out
    if not stream.eof:
        where = f"byte {taken}"
        raise UnreadableFile(
            Fault.TRUNCATED, where=where, expected="the end of the gzip stream", remedy=_AGAIN
        )


def _step(stream: zlib._Decompress, data: bytes, taken: int) -> bytes:
    try:
        return stream.decompress(data, _CHUNK)
    except zlib.error as error:
        where = f"byte {taken}"
        raise UnreadableFile(Fault.MALFORMED, where=where, expected="a gzip stream", remedy=_AGAIN) from error


def _check(taken: int, given: int) -> None:
    if given > MAX_BYTES:
        limit = f"at most {MAX_BYTES // 2**20} MiB unpacked"
        raise UnreadableFile(Fault.TOO_LARGE, expected=limit, remedy="Export a shorter run.")
    if given > max(FREE_BYTES, MAX_RATIO * taken):
        raise UnreadableFile(
            Fault.FORBIDDEN,
            where=f"byte {taken}",
            expected=f"at most {MAX_RATIO} times its packed size",
            remedy="Hand in the file unpacked.",
        )
