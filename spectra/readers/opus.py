"""Bruker OPUS spectra: results first, then single beams; every parameter a laboratory record needs.

Reads absorbance, transmittance, reflectance, ATR, Raman and the like, and the single-beam spectra of sample
and reference; interferograms where the file holds nothing else. Beside spectra these are left out with a
warning, as phases, traces, series and match curves always are; a file of nothing but the latter is refused.
The library brukeropus (1.4.3) reads the same numbers, and the tests compare with it; it is not used to read
because it loops for ever on a parameter of negative length and takes memory for the number of points before
it looks whether they are there.

Layout as opusreader2 and brukeropus have published it: after the magic a version (float64), the place of the
directory, its greatest and its true number of blocks (int32 each); a block of the directory is type, length
in words and place (int32). A parameter is three letters, a type and a length in shorts, and its value.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Axis, Metadata, OpticalSpectrum, Ordinate, Run
from spectra.readers.optical import XUnit, YUnit, optical_spectrum, technique
from spectra.readers.scans import check_limits

name = "opus"
formats = ("Bruker OPUS spectrum",)

_MAGIC = b"\x0a\x0a\xfe\xfe"
_HEADER_SIZE, _MAX_BLOCKS = 24, 10_000
_STATUS, _SAMPLE, _REFERENCE = 1, 1, 2
_SPECTRUM, _INTERFEROGRAM, _RAMAN, _DIRECTORY = 1, 2, 10, 13
_SERIES, _COMPACT, _REPORT = 2, 4, 5
_KEPT = "The ordinate is {}; it was kept as it is."
_ORDINATES = {
    4: YUnit(Ordinate.ABSORBANCE),
    5: YUnit(Ordinate.TRANSMITTANCE),
    6: YUnit(Ordinate.INTENSITY, remark=_KEPT.format("Kubelka-Munk")),
    10: YUnit(Ordinate.INTENSITY),
    11: YUnit(Ordinate.INTENSITY, remark=_KEPT.format("emission")),
    12: YUnit(Ordinate.REFLECTANCE),
    15: YUnit(Ordinate.ABSORBANCE, remark="The ordinate is log(1/R): an apparent absorbance."),
    16: YUnit(Ordinate.ABSORBANCE, remark="The ordinate is in ATR units: an absorbance corrected for depth."),
    17: YUnit(Ordinate.INTENSITY, remark=_KEPT.format("a photoacoustic signal")),
    18: YUnit(Ordinate.TRANSMITTANCE, remark="The spectrum is the result of arithmetic."),
    19: YUnit(Ordinate.ABSORBANCE, remark="The spectrum is the result of arithmetic."),
}
_X = {
    "WN": XUnit(Axis.WAVENUMBER),
    "MI": XUnit(Axis.WAVENUMBER, micrometres=True),
    "PNT": XUnit(Axis.POINT),
}
_DETAILS = {
    "form": "SFM",
    "operator": "CNM",
    "experiment": "EXP",
    "resolution_cm-1": "RES",
    "scans": "NSS",
    "background_scans": "NSR",
    "source": "SRC",
    "detector": "DTC",
    "beam_splitter": "BMS",
    "aperture": "APT",
    "accessory": "ACC",
    "apodisation": "APF",
    "serial_number": "SRN",
    "software": "VSN",
}
_REMEDY = "Copy the file again from the instrument, or export JCAMP-DX or a data point table from OPUS."


@dataclass(frozen=True, slots=True)
class _Block:
    """A block of the directory; the type's bit fields are those that OPUS names."""

    part: int  # real, imaginary, amplitude
    origin: int  # sample, reference, ratio
    parameters: int  # 0 for data
    kind: int  # spectrum, interferogram, absorbance …
    derivative: int
    extra: int  # series, compact, report …
    start: int
    size: int

    @property
    def curve(self) -> tuple[int, ...]:
        """What a curve and the parameters that describe it have in common."""
        return (self.part, self.origin, self.kind, self.derivative, self.extra)


Value = int | float | str


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """The magic of OPUS."""
    return head.startswith(_MAGIC)


def read(path: Path) -> Run:
    """The spectra of the file, results before single beams. Raises `UnreadableFile`."""
    data = path.read_bytes()
    blocks = _directory(data)
    warnings: list[str] = []
    curves = sorted(_curves(data, blocks, warnings), key=lambda pair: pair[0].kind == _SPECTRUM)
    if not curves:
        raise UnreadableFile(Fault.NO_SIGNAL, where="directory", expected="at least one spectrum")
    optical = tuple(_spectrum(data, block, status, warnings) for block, status in curves)
    return Run(_metadata(data, blocks, curves[0][1], optical), optical=optical, warnings=tuple(warnings))


def _directory(data: bytes) -> list[_Block]:
    if len(data) < _HEADER_SIZE:
        raise _truncated(data, f"a header of {_HEADER_SIZE} bytes")
    start, _, count = struct.unpack_from("<iii", data, 12)
    if not 0 < count <= _MAX_BLOCKS or start < _HEADER_SIZE:
        raise UnreadableFile(Fault.MALFORMED, where="byte 12", expected="a directory of blocks")
    if start + 12 * count > len(data):
        raise _truncated(data, f"a directory of {count} blocks at byte {start}")
    found = (struct.unpack_from("<Iii", data, start + 12 * k) for k in range(count))
    blocks = [_block(*entry) for entry in found if entry[2] > 0]
    over = [block for block in blocks if block.size < 0 or block.start + block.size > len(data)]
    if over:
        raise _truncated(data, f"a block of {over[0].size} bytes at byte {over[0].start}")
    return blocks


def _block(kind: int, words: int, start: int) -> _Block:
    return _Block(
        kind & 3,
        kind >> 2 & 3,
        kind >> 4 & 63,
        kind >> 10 & 127,
        kind >> 17 & 3,
        kind >> 19 & 7,
        start,
        4 * words,
    )


def _curves(
    data: bytes, blocks: Sequence[_Block], warnings: list[str]
) -> Iterator[tuple[_Block, dict[str, Value]]]:
    """Every curve that is a spectrum, with the parameters that describe it."""
    described: dict[tuple[int, ...], list[_Block]] = defaultdict(list)
    for block in blocks:
        if block.parameters == _STATUS:
            described[block.curve].append(block)
    left_out = 0
    curves = [b for b in blocks if not (b.parameters or b.kind in (0, _DIRECTORY) or b.extra == _REPORT)]
    taken = _is_spectrum if any(map(_is_spectrum, curves)) else _is_interferogram
    for block in curves:
        if not taken(block):
            left_out += 1
        elif not described[block.curve]:
            warnings.append(f"The curve at byte {block.start} has no description; it was left out.")
        else:
            yield block, dict(_parameters(data, described[block.curve].pop(0)))
    if left_out:
        warnings.append(f"{left_out} curves that are no spectra (interferograms and the like) were left out.")


def _is_spectrum(block: _Block) -> bool:
    beam = block.kind == _SPECTRUM and block.origin in (_SAMPLE, _REFERENCE)
    return (beam or block.kind in _ORDINATES) and block.extra in (0, _COMPACT)


def _is_interferogram(block: _Block) -> bool:
    return block.kind == _INTERFEROGRAM and block.extra in (0, _COMPACT)


def _parameters(data: bytes, block: _Block) -> Iterator[tuple[str, Value]]:
    place, end = block.start, block.start + block.size
    while place + 8 <= end:
        key = data[place : place + 3].decode("latin-1")
        kind, shorts = struct.unpack_from("<HH", data, place + 4)  # unsigned: always onwards
        place += 8
        if key == "END" or place + 2 * shorts > end:
            return
        yield key, _value(kind, data[place : place + 2 * shorts])
        place += 2 * shorts


def _value(kind: int, raw: bytes) -> Value:
    if kind == 0 and len(raw) >= 4:
        return int(struct.unpack_from("<i", raw)[0])
    if kind == 1 and len(raw) >= 8:
        return float(struct.unpack_from("<d", raw)[0])
    return " ".join(raw.partition(b"\0")[0].decode("cp1252", "replace").split())


def _spectrum(data: bytes, block: _Block, status: dict[str, Value], warnings: list[str]) -> OpticalSpectrum:
    points = int(_number(status, "NPT"))
    form = int(_number(status, "DPF", 1))
    if points < 0 or points * 4 > block.size or form not in (1, 2):
        expected = f"{points} values of 4 bytes; the block has {block.size}"
        raise UnreadableFile(Fault.MALFORMED, where=f"byte {block.start}", expected=expected, remedy=_REMEDY)
    check_limits([points])
    start = block.start + (block.size - 4 * points if block.extra == _COMPACT else 0)
    y = np.frombuffer(data, "<f4" if form == 1 else "<i4", points, start).astype(np.float64)
    x = np.linspace(_number(status, "FXV"), _number(status, "LXV"), points)
    return optical_spectrum(
        x,
        y * _number(status, "CSF", 1.0),
        _axis(block, status),
        _ordinate(block),
        title=_title(block),
        warnings=warnings,
    )


def _axis(block: _Block, status: dict[str, Value]) -> XUnit:
    unit = str(status.get("DXU", ""))
    if unit not in _X:
        expected = f"wavenumbers or micrometres; the x unit is {unit!r}"
        raise UnreadableFile(
            Fault.UNSUPPORTED, where=f"byte {block.start}", expected=expected, remedy=_REMEDY
        )
    return XUnit(Axis.RAMAN_SHIFT) if block.kind == _RAMAN and unit == "WN" else _X[unit]


def _ordinate(block: _Block) -> YUnit:
    if block.kind == _INTERFEROGRAM:
        return YUnit(Ordinate.INTERFEROGRAM)
    if block.derivative:
        return YUnit(Ordinate.INTENSITY, remark="The spectrum is a derivative; it was kept as it is.")
    return YUnit(Ordinate.SINGLE_BEAM) if block.kind == _SPECTRUM else _ORDINATES[block.kind]


def _title(block: _Block) -> str:
    if block.kind not in (_SPECTRUM, _INTERFEROGRAM):
        return ""
    return "sample" if block.origin == _SAMPLE else "reference"


def _metadata(
    data: bytes, blocks: Sequence[_Block], status: dict[str, Value], optical: tuple[OpticalSpectrum, ...]
) -> Metadata:
    general = [block for block in blocks if block.parameters > _STATUS and block.origin != _REFERENCE]
    known = {key: value for block in general for key, value in _parameters(data, block)}
    known |= {key: value for key, value in status.items() if key in ("DAT", "TIM")}
    texts = {key: f"{value:g}" if isinstance(value, float) else str(value) for key, value in known.items()}
    return Metadata(
        format="Bruker OPUS",
        reader=name,
        technique=technique(optical),
        instrument=texts.get("INS", ""),
        acquired_at=f"{texts.get('DAT', '')} {texts.get('TIM', '')}".strip(),
        sample_name=texts.get("SNM", ""),
        details={label: texts[key][:500] for label, key in _DETAILS.items() if texts.get(key)},
    )


def _number(status: dict[str, Value], key: str, default: float = -1.0) -> float:
    value = status.get(key, default)
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else default


def _truncated(data: bytes, expected: str) -> UnreadableFile:
    return UnreadableFile(Fault.TRUNCATED, where=f"byte {len(data)}", expected=expected, remedy=_REMEDY)
