"""PerkinElmer infrared spectra (.sp): blocks within blocks, evenly spaced points.

Reads the second-generation files ("PEPE2D constant interval") with their units, title, instrument and date.
Refuses the other members of the family (images, time series) by name. No kept library reads them; the
layout is the one published with PerkinElmer's own examples: a signature of 4 bytes and 40 of description,
then blocks of an id (uint16) and a length (int32), whose values begin with a type code (uint16) of their own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Metadata, OpticalSpectrum, Run
from spectra.readers.optical import optical_spectrum, technique, x_unit, y_unit
from spectra.readers.scans import check_limits

name = "perkinelmer"
formats = ("PerkinElmer infrared spectrum (.sp)",)

_MAGIC, _CONSTANT = b"PEPE", b"PEPE2D constant interval"
_START, _BLOCK = 44, 6
_DATASET, _HISTORY = 120, 35711
_ABSCISSA, _INTERVAL, _POINTS = 35698, 35700, 35701
_X_LABEL, _Y_LABEL, _VALUES, _TITLE, _ALIAS = 35703, 35704, 35708, 35713, 35702
_CONTAINERS = frozenset({120, 121, 122, 123, 124, _HISTORY, 35705, 35703})
_HISTORY_DATE, _HISTORY_INSTRUMENT, _HISTORY_SERIAL = 35700, 35837, 35838
_MAX_DEPTH = 12
_REMEDY = "Copy the file again from the instrument, or export JCAMP-DX or ASCII."


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """The signature of the family."""
    return head.startswith(_MAGIC) and len(head) >= _START


def read(path: Path) -> Run:
    """The spectrum of the file; transmittance and reflectance as shares. Raises `UnreadableFile`."""
    data = path.read_bytes()
    if not data.startswith(_CONSTANT):
        found = data[:_START].decode("latin-1").partition("\0")[0]
        raise UnreadableFile(
            Fault.UNSUPPORTED,
            where="byte 0",
            expected=f"a single spectrum (PEPE2D constant interval); this is {found!r}",
            remedy="Hand in the spectrum (.sp), or export JCAMP-DX or ASCII.",
        )
    blocks = _dataset(data)
    warnings: list[str] = []
    spectrum = _spectrum(blocks, warnings)
    return Run(_metadata(blocks, spectrum), optical=(spectrum,), warnings=tuple(warnings))


def _dataset(data: bytes) -> dict[int, bytes]:
    outer = next(_blocks(data, _START), None)
    if outer is None or outer[0] != _DATASET:
        raise _malformed("a data set", f"byte {_START}")
    return dict(_blocks(outer[1], 0))


def _blocks(data: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Every block of a level: id and content."""
    while start + _BLOCK <= len(data):
        kind, size = struct.unpack_from("<Hi", data, start)
        start += _BLOCK
        if size < 0 or start + size > len(data):
            raise UnreadableFile(
                Fault.TRUNCATED,
                where=f"block {kind}",
                expected=f"{size} bytes; the file ends before",
                remedy=_REMEDY,
            )
        yield kind, data[start : start + size]
        start += size


def _spectrum(blocks: dict[int, bytes], warnings: list[str]) -> OpticalSpectrum:
    missing = {_ABSCISSA, _POINTS, _VALUES} - set(blocks)
    if missing:
        raise _malformed("the range, the number of points and the values", f"blocks {sorted(missing)}")
    first, last = _unpack("<dd", blocks[_ABSCISSA])
    points, size = int(_unpack("<i", blocks[_POINTS])[0]), int(_unpack("<i", blocks[_VALUES])[0])
    check_limits([max(points, 0)])
    if points < 0 or size != points * 8 or len(blocks[_VALUES]) < 6 + size:
        raise _malformed(f"{points} values of 8 bytes", f"block {_VALUES}")
    x_label = _text(blocks.get(_X_LABEL, b""))
    x_is = x_unit(x_label)
    if x_is is None:
        raise UnreadableFile(
            Fault.UNSUPPORTED,
            where="x label",
            expected=f"wavenumbers or wavelengths; the label is {x_label[:40]!r}",
        )
    return optical_spectrum(
        np.linspace(first, last, points),
        np.frombuffer(blocks[_VALUES], "<f8", points, 6),
        x_is,
        y_unit(_text(blocks.get(_Y_LABEL, b""))),
        title=_text(blocks.get(_TITLE, b"")),
        warnings=warnings,
    )


def _metadata(blocks: dict[int, bytes], spectrum: OpticalSpectrum) -> Metadata:
    past = list(_deep(blocks.get(_HISTORY, b""), 0))

    def found(kind: int) -> str:
        return next((text for block, content in past if block == kind and (text := _text(content))), "")

    details = {
        "serial_number": found(_HISTORY_SERIAL),
        "detector": found(35841),
        "beam_splitter": found(35843),
        "accessory": found(35854),
        "apodisation": found(35845),
        "comment": found(_ALIAS),
    }
    return Metadata(
        format="PerkinElmer SP",
        reader=name,
        technique=technique((spectrum,)),
        instrument=found(_HISTORY_INSTRUMENT),
        acquired_at=found(_HISTORY_DATE),
        sample_name=spectrum.title,
        details={key: value for key, value in details.items() if value},
    )


def _deep(data: bytes, depth: int) -> Iterator[tuple[int, bytes]]:
    """The blocks of the history, those inside others too; what does not parse is a value, not a block."""
    try:
        blocks = list(_blocks(data, 0))
    except UnreadableFile:
        return
    for kind, content in blocks:
        yield kind, content
        if kind in _CONTAINERS and depth < _MAX_DEPTH:
            yield from _deep(content, depth + 1)


def _unpack(layout: str, content: bytes) -> tuple[float, ...]:
    """The value after its type code."""
    if len(content) < 2 + struct.calcsize(layout):
        raise _malformed("a longer value", "data set")
    return struct.unpack_from(layout, content, 2)


def _text(content: bytes) -> str:
    """A text block: type code, length (uint16), characters; "" for a block of another type."""
    if len(content) < 4 or content[:2] != b"#u":
        return ""
    size = struct.unpack_from("<H", content, 2)[0]
    return " ".join(content[4 : 4 + size].decode("cp1252", "replace").replace("\0", " ").split())


def _malformed(expected: str, where: str) -> UnreadableFile:
    return UnreadableFile(Fault.MALFORMED, where=where, expected=expected, remedy=_REMEDY)
