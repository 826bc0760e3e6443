"""A run as bytes between the confined child and its parent.

Layout: 8 bytes of magic, 8 bytes little-endian length of the header, the header as JSON, then the arrays one
after the other, 8-byte little-endian numbers, in the order and with the lengths the header gives. Never
pickle. The header is filled up with spaces so that the arrays are aligned; large ones in sealed memory are
used where they lie.

Promises: nothing is allocated before the lengths were compared with the limits and with the size of the
file, and a `Run` is rebuilt only through the checks of `spectra.model`.
Refuses everything that does not fit, as `UnreadableFile` MALFORMED (or TOO_LARGE above the limits).
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence
from typing import IO

import msgspec
import numpy as np
from numpy.typing import NDArray

from spectra.errors import Fault, InvalidMeasurement, UnreadableFile, error_from_dict
from spectra.model import Axis, DiodeArray, Metadata, OpticalSpectrum, Ordinate, Run, ScanTable, Trace

MAGIC = b"XBTRUN2\n"
MAX_HEADER = 16 * 1024 * 1024
MAX_TEXT = 10_000
MAX_PARTS = 10_000  # traces, optical spectra and diode arrays, each
MAX_SCANS = 2_000_000
MAX_POINTS = 20_000_000
MAX_NUMBERS = 3 * MAX_POINTS
MAX_SPECTRUM_POINTS = 2_000_000
MAPPED_BYTES = 8_000_000  # below this a copy costs less than a mapping, which holds a descriptor
_FLOAT, _INT = np.dtype("<f8"), np.dtype("<i8")


class _TraceHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    unit: str
    points: int


class _OpticalHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    axis: Axis
    ordinate: Ordinate
    title: str
    points: int
    x_unit: str = ""
    y_unit: str = ""


class _DiodeHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    unit: str
    times: int
    wavelengths: int


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exactly one of ``error``, ``unpacked`` and ``metadata`` is given."""

    error: dict[str, str] | None = None
    unpacked: str | None = None
    metadata: Metadata | None = None
    scans: int = 0
    points: int = 0
    traces: list[_TraceHead] = []
    optical: list[_OpticalHead] = []
    diode_arrays: list[_DiodeHead] = []
    titles: list[str] = []
    warnings: list[str] = []


def check_size(run: Run) -> None:
    """Refuse a run beyond the limits of one file.

    Raises
    ------
    UnreadableFile : TOO_LARGE.
    """
    scans = run.scans
    widest = int(np.diff(scans.offset).max(initial=0))
    _within(len(scans), MAX_SCANS, "scans")
    _within(widest, MAX_SPECTRUM_POINTS, "points in a scan")
    _within(sum(len(array) for array in _arrays(run)), MAX_NUMBERS, "numbers in a file")
    _within(len(scans.mz), MAX_POINTS, "points in a file")
    for parts in (run.traces, run.optical, run.diode_arrays):
        _within(len(parts), MAX_PARTS, "curves in a file")


def write_run(run: Run, stream: IO[bytes]) -> None:
    """Write a run whose size was checked; texts are cut at `MAX_TEXT` characters."""
    header = _Header(
        metadata=_cut(run.metadata),
        scans=len(run.scans),
        points=len(run.scans.mz),
        traces=[_TraceHead(t.name[:MAX_TEXT], t.unit[:MAX_TEXT], len(t.time_s)) for t in run.traces],
        optical=[
            _OpticalHead(
                o.axis, o.ordinate, o.title[:MAX_TEXT], len(o.x), o.x_unit[:MAX_TEXT], o.y_unit[:MAX_TEXT]
            )
            for o in run.optical
        ],
        diode_arrays=[
            _DiodeHead(d.name[:MAX_TEXT], d.unit[:MAX_TEXT], *d.value.shape) for d in run.diode_arrays
        ],
        titles=[title[:MAX_TEXT] for title in run.titles],
        warnings=[warning[:MAX_TEXT] for warning in run.warnings],
    )
    _write(header, _arrays(run), stream)


def write_error(error: UnreadableFile, stream: IO[bytes]) -> None:
    """Write why there is no run."""
    _write(_Header(error={key: text[:MAX_TEXT] for key, text in error.to_dict().items()}), (), stream)


def write_unpacked(place: str, stream: IO[bytes]) -> None:
    """Write where, in its working folder, the content of an archive lies; "" where it was not unpacked."""
    _write(_Header(unpacked=place), (), stream)


def read_unpacked(stream: IO[bytes]) -> str:
    """Read what `write_unpacked` wrote; a path without steps upwards.

    Raises
    ------
    UnreadableFile : as `read_run`.
    """
    header, left = _read_header(stream)
    if header.error is not None:
        raise _error(header.error)
    place = header.unpacked
    if place is None or left or place.startswith("/") or "\0" in place or ".." in place.split("/"):
        raise _malformed("an answer of the reading process")
    return place


def read_run(stream: IO[bytes], *, sealed: bool = False) -> Run:
    """Read what the child wrote. ``sealed``: nobody can change it any more.

    Raises
    ------
    UnreadableFile : the error it wrote, or MALFORMED / TOO_LARGE for an answer that cannot be right.
    """
    header, left = _read_header(stream)
    if header.error is not None:
        raise _error(header.error)
    lengths = _lengths(header)
    if header.metadata is None or left != 8 * sum(lengths):
        raise _malformed("as many numbers as its header announces")
    if sealed and left > MAPPED_BYTES:
        arrays = _mapped_arrays(stream, lengths)
    else:
        arrays = [_read_array(stream, length) for length in lengths]
    try:
        return _rebuild(header, header.metadata, arrays)
    except InvalidMeasurement as problem:
        raise _malformed(f"a measurement: {problem}") from None


def _arrays(run: Run) -> Iterator[NDArray[np.float64] | NDArray[np.int64]]:
    s = run.scans
    yield from (s.rt_s, s.offset, s.mz, s.intensity, s.ms_level, s.precursor_mz, s.polarity, s.collision_ev)
    for trace in run.traces:
        yield from (trace.time_s, trace.value)
    for spectrum in run.optical:
        yield from (spectrum.x, spectrum.y)
    for diodes in run.diode_arrays:
        yield from (diodes.time_s, diodes.wavelength_nm, diodes.value.ravel())


def _lengths(header: _Header) -> list[int]:
    """Length of each array in the order of `_arrays`, all within the limits."""
    for heads in (header.traces, header.optical, header.diode_arrays):
        _within(len(heads), MAX_PARTS, "curves in a file")
    _within(header.scans, MAX_SCANS, "scans")
    _within(header.points, MAX_POINTS, "points in a file")
    scans, points = header.scans, header.points
    lengths = [scans, scans + 1, points, points, scans, scans, scans, scans]
    pairs = [head.points for head in header.traces] + [head.points for head in header.optical]
    lengths += [points for points in pairs for _ in range(2)]
    for diodes in header.diode_arrays:
        lengths += [diodes.times, diodes.wavelengths, diodes.times * diodes.wavelengths]
    for length in lengths:
        _within(length, MAX_NUMBERS, "numbers in a curve")
    _within(sum(lengths), MAX_NUMBERS, "numbers in a file")
    return lengths


def _rebuild(header: _Header, metadata: Metadata, arrays: Sequence[NDArray[np.int64]]) -> Run:
    left = iter(arrays)

    def floats() -> NDArray[np.float64]:
        return next(left).view(_FLOAT)

    rt_s, offset, mz, intensity = floats(), next(left), floats(), floats()
    level, precursor, polarity, collision = next(left), floats(), next(left), floats()
    run = Run(
        metadata=metadata,
        scans=ScanTable(rt_s, offset, mz, intensity, level, precursor, polarity, collision),
        traces=tuple(Trace(head.name, floats(), floats(), head.unit) for head in header.traces),
        optical=tuple(
            OpticalSpectrum(
                head.axis, head.ordinate, floats(), floats(), head.title, head.x_unit, head.y_unit
            )
            for head in header.optical
        ),
        diode_arrays=tuple(
            DiodeArray(
                head.name, floats(), floats(), floats().reshape(head.times, head.wavelengths), head.unit
            )
            for head in header.diode_arrays
        ),
        titles=tuple(header.titles),
        warnings=tuple(header.warnings),
    )
    check_size(run)
    return run


def _write(
    header: _Header, arrays: Iterator[NDArray[np.float64] | NDArray[np.int64]] | tuple[()], stream: IO[bytes]
) -> None:
    text = msgspec.json.encode(header)
    text += b" " * (-len(text) % 8)
    _within(len(text), MAX_HEADER, "bytes of text")
    stream.write(MAGIC + len(text).to_bytes(8, "little") + text)
    for array in arrays:
        kind = _INT if array.dtype.kind == "i" else _FLOAT
        stream.write(np.ascontiguousarray(array, kind).data)


def _read_header(stream: IO[bytes]) -> tuple[_Header, int]:
    """The header, and the number of bytes after it."""
    total = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    start = stream.read(16)
    length = int.from_bytes(start[8:], "little")
    if start[:8] != MAGIC or len(start) < 16 or length > min(MAX_HEADER, total - 16):
        raise _malformed("an answer of the reading process")
    try:
        return msgspec.json.decode(stream.read(length), type=_Header), total - 16 - length
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _malformed("an answer of the reading process") from None


def _mapped_arrays(stream: IO[bytes], lengths: Sequence[int]) -> list[NDArray[np.int64]]:
    """The arrays where they lie; the mapping lives as long as one of them."""
    start = stream.tell()
    whole = np.frombuffer(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), np.uint8, offset=start)
    ends = 8 * np.cumsum(lengths)
    return [whole[end - 8 * length : end].view(_INT) for end, length in zip(ends, lengths, strict=True)]


def _read_array(stream: IO[bytes], length: int) -> NDArray[np.int64]:
    array = np.empty(length, _INT)
    view = array.view(np.uint8).data
    filled = 0
    while filled < len(view):
        filled += _some(stream.readinto(view[filled:]))  # type: ignore[attr-defined]
    return array


def _some(count: int | None) -> int:
    if not count:
        raise _malformed("as many numbers as its header announces")
    return count


def _cut(metadata: Metadata) -> Metadata:
    return Metadata(
        format=metadata.format[:MAX_TEXT],
        reader=metadata.reader[:MAX_TEXT],
        technique=metadata.technique,
        instrument=metadata.instrument[:MAX_TEXT],
        acquired_at=metadata.acquired_at[:MAX_TEXT],
        sample_name=metadata.sample_name[:MAX_TEXT],
        simulated=metadata.simulated,
        details={key[:MAX_TEXT]: text[:MAX_TEXT] for key, text in list(metadata.details.items())[:1000]},
    )


def _error(fields: dict[str, str]) -> UnreadableFile:
    try:
        return error_from_dict(fields)
    except (KeyError, ValueError):
        return _malformed("an answer of the reading process")


def _within(value: int, limit: int, what: str) -> None:
    if not 0 <= value <= limit:
        raise UnreadableFile(
            Fault.TOO_LARGE if value > limit else Fault.MALFORMED, expected=f"at most {limit} {what}"
        )


def _malformed(expected: str) -> UnreadableFile:
    return UnreadableFile(Fault.MALFORMED, expected=expected, remedy="export the file again")
