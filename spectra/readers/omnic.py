"""Thermo OMNIC spectra: one (.SPA) or a group (.SPG).

Reads every spectrum, or interferogram, that the file's directory lists, with its units, title, comment and
history. Interferograms that OMNIC may store beside a spectrum are left out with a warning; a series (.SRS) is
refused by name. No kept library reads these files (spectrochempy does, and is heavy); the layout is the one
it and others have published:

byte 294 the number of entries (uint16), byte 296 the time in s since 1899-12-31 (uint32), from byte 304
entries of 16 bytes (kind uint16, place uint32, length uint32, index uint16). Kind 2 describes a spectrum:
points at +4 (uint32), x and y unit at +8 and +12 (bytes), first and last x at +16 and +20 (float32), scans
at +36, background scans at +52 (uint32). Kind 3 holds its float32 values, evenly spaced.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Axis, Metadata, OpticalSpectrum, Ordinate, Run, Technique
from spectra.readers.optical import XUnit, YUnit, optical_spectrum, technique
from spectra.readers.scans import check_limits

name = "omnic"
formats = ("Thermo OMNIC spectrum (.SPA)", "Thermo OMNIC group of spectra (.SPG)")

_MAGIC, _SERIES = b"Spectral Data File", b"Spectral Exte File"
_ENTRIES, _ENTRY_SIZE = 304, 16
_DESCRIPTION, _VALUES, _COMMENT, _HISTORY, _TITLE = 2, 3, 4, 27, 107
_INTERFEROGRAMS = (102, 103)
_EPOCH = datetime(1899, 12, 31)  # noqa: DTZ001  the instrument's own clock: no zone is invented
_DATAPOINTS = 2
_X = {
    _DATAPOINTS: XUnit(Axis.POINT),
    1: XUnit(Axis.WAVENUMBER),
    3: XUnit(Axis.WAVELENGTH),
    4: XUnit(Axis.WAVENUMBER, micrometres=True),
    32: XUnit(Axis.RAMAN_SHIFT),
}
_Y = {
    11: YUnit(Ordinate.REFLECTANCE, percent=True),
    12: YUnit(Ordinate.ABSORBANCE, remark="The ordinate is log(1/R): an apparent absorbance."),
    15: YUnit(Ordinate.SINGLE_BEAM),
    16: YUnit(Ordinate.TRANSMITTANCE, percent=True),
    17: YUnit(Ordinate.ABSORBANCE),
    20: YUnit(Ordinate.INTENSITY, remark="The ordinate is Kubelka-Munk; it was kept as it is."),
    21: YUnit(Ordinate.REFLECTANCE),
    26: YUnit(Ordinate.INTENSITY, remark="The ordinate is a photoacoustic signal; it was kept as it is."),
    31: YUnit(Ordinate.INTENSITY),
}
_REMEDY = "Copy the file again from the instrument, or export JCAMP-DX from OMNIC."


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: int
    start: int
    size: int


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """The file's first words."""
    return head.startswith((_MAGIC, _SERIES))


def read(path: Path) -> Run:
    """The spectra of the file; transmittance and reflectance as shares. Raises `UnreadableFile`."""
    data = path.read_bytes()
    if data.startswith(_SERIES):
        raise UnreadableFile(
            Fault.UNSUPPORTED,
            where="byte 0",
            expected="a spectrum or a group; this is an OMNIC series (.SRS)",
            remedy="Split the series in OMNIC and hand in the spectra (.SPA, .SPG).",
        )
    entries = _directory(data)
    warnings: list[str] = []
    title = _text(data[30:286])
    optical = _spectra(data, entries, title, warnings)
    stored = sum(entry.kind in _INTERFEROGRAMS for entry in entries)
    if stored:
        warnings.append(f"{stored} interferograms that lie beside the spectrum were left out.")
    metadata = _metadata(data, entries, title, technique(optical))
    return Run(metadata, optical=optical, warnings=tuple(warnings))


def _directory(data: bytes) -> list[_Entry]:
    if len(data) < _ENTRIES:
        raise _truncated(data, f"a header of {_ENTRIES} bytes")
    count = struct.unpack_from("<H", data, 294)[0]
    if _ENTRIES + count * _ENTRY_SIZE > len(data):
        raise _truncated(data, f"a directory of {count} entries at byte {_ENTRIES}")
    entries = [
        _Entry(*struct.unpack_from("<HII", data, _ENTRIES + k * _ENTRY_SIZE)[:3]) for k in range(count)
    ]
    over = [entry for entry in entries if entry.kind and entry.start + entry.size > len(data)]
    if over:
        raise _truncated(data, f"a block of {over[0].size} bytes at byte {over[0].start}")
    return entries


def _spectra(
    data: bytes, entries: Sequence[_Entry], title: str, warnings: list[str]
) -> tuple[OpticalSpectrum, ...]:
    descriptions = [entry for entry in entries if entry.kind == _DESCRIPTION]
    values = [entry for entry in entries if entry.kind == _VALUES]
    titles = [_text(data[e.start : e.start + min(e.size, 256)]) for e in entries if e.kind == _TITLE]
    if not descriptions or len(descriptions) != len(values):
        expected = f"a description for each spectrum; there are {len(descriptions)} for {len(values)}"
        raise UnreadableFile(Fault.MALFORMED, where="directory", expected=expected, remedy=_REMEDY)
    check_limits([entry.size // 4 for entry in values])
    if len(titles) != len(values):
        titles = [title] * len(values)
    return tuple(
        _spectrum(data, about, block, label, warnings)
        for about, block, label in zip(descriptions, values, titles, strict=True)
    )


def _spectrum(data: bytes, about: _Entry, block: _Entry, title: str, warnings: list[str]) -> OpticalSpectrum:
    if about.size < 56:
        raise UnreadableFile(Fault.MALFORMED, where=f"byte {about.start}", expected="a longer description")
    points, x_code, y_code = struct.unpack_from("<IB3xB", data, about.start + 4)
    first, last = struct.unpack_from("<ff", data, about.start + 16)
    if x_code not in _X:
        expected = f"wavenumbers, wavelengths or Raman shifts; the x unit has code {x_code}"
        raise UnreadableFile(Fault.UNSUPPORTED, where=f"byte {about.start + 8}", expected=expected)
    if points * 4 != block.size:
        expected = f"{points} values, as the description says; there are {block.size // 4}"
        raise UnreadableFile(Fault.MALFORMED, where=f"byte {block.start}", expected=expected, remedy=_REMEDY)
    unknown = f"The ordinate of code {y_code} is not known; it was kept as an intensity."
    y_is = _Y.get(y_code, YUnit(Ordinate.INTENSITY, remark=unknown))
    if x_code == _DATAPOINTS:
        y_is = YUnit(Ordinate.INTERFEROGRAM)
    y = np.frombuffer(data, "<f4", points, block.start)
    return optical_spectrum(
        np.linspace(first, last, points), y, _X[x_code], y_is, title=title, warnings=warnings
    )


def _metadata(data: bytes, entries: Sequence[_Entry], title: str, found: Technique) -> Metadata:
    about = next(entry for entry in entries if entry.kind == _DESCRIPTION)
    scans = struct.unpack_from("<I", data, about.start + 36)[0]
    background = struct.unpack_from("<I", data, about.start + 52)[0] if about.size >= 56 else 0
    details = {
        "comment": _first_text(data, entries, _COMMENT),
        "history": _first_text(data, entries, _HISTORY),
        "scans": str(scans) if 0 < scans < 1_000_000 else "",
        "background_scans": str(background) if 0 < background < 1_000_000 else "",
    }
    return Metadata(
        format="Thermo OMNIC",
        reader=name,
        technique=found,
        acquired_at=_date(struct.unpack_from("<I", data, 296)[0]),
        sample_name=title,
        details={key: value for key, value in details.items() if value},
    )


def _date(seconds: int) -> str:
    return str(_EPOCH + timedelta(seconds=seconds)) if seconds else ""


def _first_text(data: bytes, entries: Sequence[_Entry], kind: int) -> str:
    found = next((entry for entry in entries if entry.kind == kind), None)
    return _text(data[found.start : found.start + min(found.size, 4000)]) if found else ""


def _text(raw: bytes) -> str:
    return " ".join(raw.partition(b"\0")[0].decode("cp1252", "replace").split())


def _truncated(data: bytes, expected: str) -> UnreadableFile:
    return UnreadableFile(Fault.TRUNCATED, where=f"byte {len(data)}", expected=expected, remedy=_REMEDY)
