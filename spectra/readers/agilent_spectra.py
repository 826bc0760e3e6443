"""The diode array of Agilent ChemStation or OpenLab: the bytes of a ``.uv`` file as spectra over time.

Reads versions 31 and 131, in differences or in doubles (OpenLab). A file that ends before the number of
spectra it announces is refused; one that announces none, as a run that was cut short leaves it, is read to
its last whole spectrum, with a warning. Refuses a file whose wavelengths change from spectrum to spectrum.
Our own because rainbow-api reads on behind the end of a file without a word; checked against its results.

Layout as the rainbow project documents it: little-endian records of tag, length, time in ms, first, last
and step of the wavelength in 1/20 nm, eight bytes, values.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import DiodeArray, Floats, Technique
from spectra.readers.agilent_channel import decoded, header_texts, technique, too_few, truncated
from spectra.readers.scans import MAX_POINTS

_RECORD = struct.Struct("<HHIHHH8x")
_DOUBLES = 70  # the tag of records of doubles
_FIXED_POINT = 2.0**-17  # doubles of OpenLab are shifted by 17 bits
_HIGHEST = 1e5  # mAU; no detector measures 100 absorbance units, so more is the shift
_OLD_TEXTS = {
    "type": 4, "sample": 24, "description": 86, "operator": 148, "date": 178, "inlet": 208,
    "instrument": 218, "method": 228, "unit": 326,
}  # fmt: skip
_NEW_TEXTS = {
    "type": 347, "sample": 858, "description": 1369, "operator": 1880, "date": 2391, "inlet": 2492,
    "instrument": 2533, "method": 2574, "unit": 3093, "signal": 3136, "vial": 4055,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Layout:
    start: int
    scale: int
    texts: Mapping[str, int]
    wide: bool


_LAYOUTS = {
    b"\x0231\0": _Layout(0x200, 0x13E, _OLD_TEXTS, False),
    b"\x03131": _Layout(0x1000, 0xC0D, _NEW_TEXTS, True),
}


@dataclass(frozen=True, slots=True)
class Spectra:
    """A diode array as read, with the texts of its header and what had to be told."""

    array: DiodeArray
    texts: Mapping[str, str]
    technique: Technique
    warnings: tuple[str, ...] = ()


def is_spectra(head: bytes) -> bool:
    """Whether the file begins as a diode array does."""
    return head[:4] in _LAYOUTS


def read_spectra(data: bytes, name: str) -> Spectra:
    """The diode array in ``data``; times in s, wavelengths in nm, values in the file's unit.

    Raises
    ------
    UnreadableFile : not a diode array, truncated, too large, or of changing wavelengths.
    """
    layout = _LAYOUTS.get(data[:4])
    if layout is None:
        raise UnreadableFile(
            Fault.MALFORMED, where="byte 0", expected="the version of an Agilent diode array"
        )
    if len(data) < layout.start + _RECORD.size:
        raise truncated(data, "a header and one spectrum")
    warnings: list[str] = []
    wavelengths = _wavelengths(data, layout.start)
    starts, times = _records(data, layout.start, len(wavelengths), warnings)
    (scale,) = struct.unpack_from(">d", data, layout.scale)
    if not np.isfinite(scale) or scale == 0:
        raise UnreadableFile(Fault.MALFORMED, where=f"byte {layout.scale}", expected="a scale")
    values = _values(data, starts, len(wavelengths)) * scale
    if data[layout.start] == _DOUBLES and np.abs(values).max(initial=0) > _HIGHEST:
        values *= _FIXED_POINT
    texts = header_texts(data, layout.texts, wide=layout.wide)
    array = DiodeArray(texts.get("signal") or name, times / 1000, wavelengths, values, texts["unit"])
    return Spectra(array, texts, technique(texts), tuple(warnings))


def _wavelengths(data: bytes, place: int) -> Floats:
    *_, first, last, step = _RECORD.unpack_from(data, place)
    if not 0 < first <= last or (step == 0 and last > first):
        raise UnreadableFile(Fault.MALFORMED, where=f"byte {place + 8}", expected="a range of wavelengths")
    return np.arange(first, last + 1, step or 1) / 20.0


def _records(data: bytes, place: int, width: int, warnings: list[str]) -> tuple[list[int], Floats]:
    """Where each spectrum begins, and its time in ms."""
    (announced,) = struct.unpack_from(">I", data, 0x116)
    if not announced:
        warnings.append("The file does not say how many spectra it holds; all whole ones were read.")
    elif announced * (_RECORD.size + 2 * width) > len(data) - place:
        raise truncated(data, f"{announced} spectra, as the header says")
    first_tag, _, _, *first = _RECORD.unpack_from(data, place)
    starts: list[int] = []
    times: list[int] = []
    while len(starts) < (announced or MAX_POINTS) and place + _RECORD.size <= len(data):
        tag, length, time, *axis = _RECORD.unpack_from(data, place)
        if tag != first_tag or length < _RECORD.size + 2 * width or place + length > len(data):
            break  # behind the spectra lies an index of them
        if axis != first:
            raise UnreadableFile(
                Fault.UNSUPPORTED,
                where=f"spectrum {len(starts) + 1}",
                expected="the wavelengths of the first",
            )
        if (len(starts) + 1) * width > MAX_POINTS:
            raise UnreadableFile(Fault.TOO_LARGE, expected=f"at most {MAX_POINTS} values")
        starts.append(place)
        times.append(time)
        place += length
    if len(starts) < announced:
        raise truncated(data, f"{announced} spectra, as the header says; it holds {len(starts)}")
    return starts, np.array(times, np.float64)


def _values(data: bytes, starts: list[int], width: int) -> Floats:
    """(spectra, width): doubles, or differences that begin at 0 in each spectrum."""
    if not starts:
        return np.empty((0, width))
    lengths = [_RECORD.unpack_from(data, place)[1] - _RECORD.size for place in starts]
    bodies = [place + _RECORD.size for place in starts]
    if _RECORD.unpack_from(data, starts[0])[0] == _DOUBLES:
        wrong = next((k for k, length in enumerate(lengths) if length != 8 * width), None)
        if wrong is not None:
            where = f"byte {starts[wrong] + 2}"
            raise UnreadableFile(Fault.MALFORMED, where=where, expected=f"{width} doubles")
        return np.array([np.frombuffer(data, "<f8", width, body) for body in bodies])
    parts = [
        np.frombuffer(data, "<i2", length // 2, body) for body, length in zip(bodies, lengths, strict=True)
    ]
    begins = np.concatenate(([0], np.cumsum([len(part) for part in parts])[:-1]))
    coded = decoded(np.concatenate(parts).astype(np.int64), begins, low_first=True)
    held = np.diff(np.append(coded.begin, len(coded.step)))
    if held.min() < width:
        raise too_few(width, int(held[held < width][0]))
    rows: Floats = coded.values(coded.begin)[coded.begin[:, None] + np.arange(width)]
    return rows
