"""Agilent infrared images of a focal-plane array: the spectra of one tile (.dat) with the axis in its .bsp.

Reads the tile of a folder, or a .dat file beside its .bsp, as one spectrum a pixel. Refuses a .dat or .seq
file alone, since neither says at which wavenumbers it was measured, and raw data (.seq) in any case, naming
the files that are needed. The ordinate is stated nowhere that is understood: it stays an intensity.

Layout as agilent-ir-formats and orange-spectroscopy have published it: in the .bsp the step of the axis
(float64 at byte 2216), its first and its number of points (int32 at 2228 and 2236); in the .dat, after 255
words, one float32 image after the other. Its own header repeats the number of points (uint32 at byte 9) and
the width and height (uint16 at 24 and 26).
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Axis, Floats, Metadata, Ordinate, Run, Technique
from spectra.readers.optical import XUnit, YUnit, optical_spectrum
from spectra.readers.scans import check_limits

name = "agilent-image"
formats = ("Agilent infrared image of one tile (.dat with .bsp)",)

_MAGIC = re.compile(rb"\0rG\0{6}.{4}\0{11}.{4}", re.DOTALL)
_PREAMBLE = 255 * 4
_STEP, _FIRST, _POINTS, _AXIS_END = 2216, 2228, 2236, 2240
_REMEDY = (
    "Hand in the whole folder as a zip (.bsp and .dat of one name), or export the spectra as .asp, .spc or "
    "JCAMP-DX from Resolutions Pro."
)
_UNKNOWN = YUnit(
    Ordinate.INTENSITY, remark="The file does not say what the ordinate is; it was kept as an intensity."
)


def recognises(head: bytes, path: Path) -> bool:
    """The header of a tile, or a folder with one .bsp file and the tile beside it."""
    if path.is_dir():
        return _tile_of(path) is not None
    return _MAGIC.match(head) is not None and len(head) >= 28


def read(path: Path) -> Run:
    """Every pixel of the tile as a spectrum. Raises `UnreadableFile`."""
    tile = _tile_of(path) if path.is_dir() else path
    axis = next((one for one in _axes(path) if tile and one.stem == tile.stem), None)
    if tile is None or axis is None or tile.suffix.lower() == ".seq":
        raise UnreadableFile(
            Fault.UNSUPPORTED,
            where="folder",
            expected="an Agilent image with its spectra (.dat) and its axis (.bsp); one of them is missing",
            remedy=_REMEDY,
        )
    x = _axis(axis.read_bytes())
    pixels = _pixels(tile.read_bytes(), len(x))
    warnings: list[str] = []
    height, width = pixels.shape[1:]
    optical = tuple(
        optical_spectrum(
            x,
            pixels[:, row, column],
            XUnit(Axis.WAVENUMBER),
            _UNKNOWN,
            title=f"pixel {row + 1}, {column + 1}",
            warnings=warnings,
        )
        for row in range(height)
        for column in range(width)
    )
    details = {"width": str(width), "height": str(height)}
    metadata = Metadata(format="Agilent image", reader=name, technique=Technique.FTIR, details=details)
    return Run(metadata, optical=optical, warnings=tuple(dict.fromkeys(warnings)))


def _axes(path: Path) -> list[Path]:
    folder = path if path.is_dir() else path.parent
    try:
        return sorted(one for one in folder.iterdir() if one.suffix.lower() == ".bsp")
    except PermissionError:  # a file that is read alone cannot see its neighbours
        return []


def _tile_of(folder: Path) -> Path | None:
    axes = {one.stem for one in _axes(folder)}
    files = sorted(folder.iterdir())
    return next((one for one in files if one.suffix.lower() == ".dat" and one.stem in axes), None)


def _axis(data: bytes) -> Floats:
    if len(data) < _AXIS_END:
        raise UnreadableFile(Fault.TRUNCATED, where="bsp file", expected=f"at least {_AXIS_END} bytes")
    step = struct.unpack_from("<d", data, _STEP)[0]
    first = struct.unpack_from("<i", data, _FIRST)[0]
    points = struct.unpack_from("<i", data, _POINTS)[0]
    check_limits([max(points, 0)])
    if not (0 < step < 1e3 and first > 0 and points > 1):
        raise UnreadableFile(Fault.MALFORMED, where="bsp file", expected="an axis of wavenumbers")
    return np.asarray(step * (first + np.arange(points)), np.float64)


def _pixels(data: bytes, points: int) -> Floats:
    """(points, rows, columns), as many rows as columns."""
    if len(data) < _PREAMBLE or _MAGIC.match(data) is None:
        raise UnreadableFile(Fault.MALFORMED, where="dat file", expected="the header of a tile")
    announced = struct.unpack_from("<I", data, 9)[0]
    width, height = struct.unpack_from("<HH", data, 24)
    if announced != points:
        expected = f"{points} points, as the bsp file says; the tile says {announced}"
        raise UnreadableFile(Fault.MALFORMED, where="dat file", expected=expected, remedy=_REMEDY)
    check_limits([points] * (width * height))
    size = _PREAMBLE + 4 * points * width * height
    if size != len(data) or not width * height:
        fault = Fault.TRUNCATED if size > len(data) else Fault.MALFORMED
        expected = f"{size} bytes for {points} images of {width} × {height}; there are {len(data)}"
        raise UnreadableFile(fault, where="dat file", expected=expected, remedy=_REMEDY)
    flat = np.frombuffer(data, "<f4", points * width * height, _PREAMBLE)
    return flat.reshape(points, height, width).astype(np.float64)
