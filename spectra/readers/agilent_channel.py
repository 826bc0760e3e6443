"""One detector channel of Agilent ChemStation or OpenLab: the bytes of a ``.ch`` or ``.it`` file as a trace.

Reads versions 8, 30, 81, 130, 179 and 181, with the file's own scale, and instrument traces (``.it``: pairs
of time and value). A file that holds fewer values than its time range and rate of sampling ask for is
refused as truncated: the times lie evenly between the first and the last one the header states, so that
reading on would stretch the rest over the whole run, as rainbow-api does. That, its reading of ``.it`` as
plain values, and versions 8 and 81, which it does not read, are why this reader is our own; its results are
checked against rainbow's.

Layout as the rainbow, chromConverter and Chromatography Toolbox projects document it: big-endian header;
values as differences (8, 30, 130), differences of differences (81, 181) or little-endian doubles (179).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spectra.errors import Fault, UnreadableFile
from spectra.model import Floats, Technique, Trace
from spectra.readers.scans import MAX_POINTS

_Words = NDArray[np.int64]

_OLD_TEXTS = {
    "type": 4, "sample": 24, "description": 86, "operator": 148, "date": 178, "inlet": 208,
    "instrument": 218, "method": 228, "software": 322, "unit": 580, "signal": 596,
}  # fmt: skip
_NEW_TEXTS = {
    "type": 347, "sample": 858, "description": 1369, "operator": 1880, "date": 2391, "inlet": 2492,
    "instrument": 2533, "method": 2574, "software": 3089, "vial": 4054, "unit": 4172, "signal": 4213,
}  # fmt: skip
_NONE: Mapping[int, float] = MappingProxyType({})
_GAS = ("FID", "TCD", "ECD", "NPD", "FPD", "SCD", "FRONT SIGNAL", "BACK SIGNAL")
_LIQUID = ("DAD", "MWD", "VWD", "RID", "FLD", "ELS", "ADC", "PMP", "THM", "CAD")
_TOLERANCE = 2  # values; headers round the last time


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where a version keeps what; offsets in bytes."""

    coding: str  # "delta", "double delta" or "doubles"
    float_times: bool
    intercept: int
    rate: int
    variant: int
    fixed: Mapping[int, float] = field(default_factory=lambda: _NONE)  # scale of old variants

    @property
    def wide(self) -> bool:
        """Whether its texts are two bytes a character."""
        return self.intercept > 0x1000


_OLD_FID = MappingProxyType(dict.fromkeys((1, 2, 3), 1.33321110047553))
_OLD_LC = MappingProxyType({1: 1.0, 2: 0.00240841663372301})
_LAYOUTS = {
    "8": _Layout("delta", False, 636, 530, 542, _OLD_FID),
    "30": _Layout("delta", False, 636, 530, 542, _OLD_LC),
    "81": _Layout("double delta", True, 636, 530, 542),
    "130": _Layout("delta", False, 4724, 4122, 4134, _OLD_LC),
    "179": _Layout("doubles", True, 4724, 4122, 4134),
    "181": _Layout("double delta", True, 4724, 4122, 4134),
}
_HEADER_SIZE = {False: 0x400, True: 0x1800}


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as read, with the texts of its header (type, sample, date, signal …; "" where empty)."""

    trace: Trace
    texts: Mapping[str, str]
    technique: Technique


def version(head: bytes) -> str:
    """The version a channel file begins with, or "" if this is none."""
    text = head[1 : 1 + head[0]].decode("ascii", "replace") if head and head[0] in (1, 2, 3) else ""
    return text if text in _LAYOUTS else ""


def read_channel(data: bytes, name: str, *, pairs: bool = False) -> Channel:
    """The channel in ``data``; times in s, values in the file's unit.

    Parameters
    ----------
    name : names the trace where the file does not. pairs : an instrument trace, of times and values.

    Raises
    ------
    UnreadableFile : no channel, a layout that is not read, or fewer values than the header announces.
    """
    kind = version(data)
    if not kind:
        raise UnreadableFile(Fault.MALFORMED, where="byte 0", expected="the version of an Agilent channel")
    layout = _LAYOUTS[kind]
    if len(data) < _HEADER_SIZE[layout.wide]:
        raise truncated(data, f"a header of {_HEADER_SIZE[layout.wide]} bytes")
    if len(data) // 2 > MAX_POINTS:
        raise UnreadableFile(Fault.TOO_LARGE, expected=f"at most {MAX_POINTS} values")
    texts = header_texts(data, _NEW_TEXTS if layout.wide else _OLD_TEXTS, wide=layout.wide)
    values = _values(data, layout)
    if pairs:
        time_ms, values = values[0::2], values[1::2]
        time_ms = time_ms[: len(values)]
    else:
        time_ms = _times(data, layout, len(values))
    scale, offset = _scale(data, layout)
    trace = Trace(texts["signal"] or name, time_ms / 1000, values * scale + offset, texts["unit"])
    return Channel(trace, texts, technique(texts))


def header_texts(data: bytes, places: Mapping[str, int], *, wide: bool) -> dict[str, str]:
    """The strings at ``places``, each behind its length byte; two bytes a character if ``wide``."""
    found = {}
    for key, place in places.items():
        length = data[place] * (2 if wide else 1) if place < len(data) else 0
        raw = data[place + 1 : place + 1 + length]
        text = raw.decode("utf-16-le" if wide else "cp1252", "replace")
        found[key] = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return found


def technique(texts: Mapping[str, str]) -> Technique:
    """Gas or liquid chromatography: by the type of file, else by the detector the signal names."""
    kind, signal = texts["type"].upper(), texts.get("signal", "").upper()
    if kind.startswith("GC") or signal.startswith(_GAS):
        return Technique.GC
    if kind.startswith("LC") or signal.startswith(_LIQUID):
        return Technique.LC
    return Technique.UNKNOWN


def truncated(data: bytes, expected: str) -> UnreadableFile:
    """The error for a file that ends before ``expected``."""
    remedy = "Copy the file again from the instrument."
    return UnreadableFile(Fault.TRUNCATED, where=f"byte {len(data)}", expected=expected, remedy=remedy)


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Words as what they stand for: differences of 16 bits, and values of 32 bits in between.

    Parameters
    ----------
    step : (n,) int64, a difference each, 0 for a 32-bit value. begin : (parts,) the first of each part, n or
    the next part's where it has none. wide : which of the n are 32-bit values. level : their values.
    """

    step: _Words
    begin: _Words
    wide: _Words
    level: _Words

    def values(self, resets: _Words) -> Floats:
        """(n,) sums of the differences, from 0 at the first and at each of ``resets``."""
        total = np.cumsum(self.step)
        places = np.concatenate(([0], resets, self.wide))
        bases = np.concatenate(([0], self.step[resets] - total[resets], self.level - total[self.wide]))
        order = np.argsort(places, kind="stable")  # a 32-bit value overrides a reset at its place
        spans = np.diff(np.append(places[order], len(total)))
        found: Floats = (total + np.repeat(bases[order], spans)).astype(np.float64)
        return found


def decoded(words: _Words, starts: _Words, *, low_first: bool) -> Coded:
    """What the words stand for; −32768 announces a value in the two words behind it.

    Parameters
    ----------
    words : (n,) int64, each a signed 16-bit word. starts : (parts,) the first word of each part, ascending;
    an announced value that its part cuts ends the part. low_first : low word of 32 bits first.
    """
    mark = np.flatnonzero(words == -0x8000)
    end = np.append(starts[1:], len(words))[np.searchsorted(starts, mark, side="right") - 1]
    if np.any(np.diff(mark) <= 2):  # what looks like a mark may be half of a value
        real = _marks(mark, end)
        mark, end = mark[real], end[real]
    whole = mark + 3 <= end
    is_step = np.ones(len(words), np.bool_)
    for first, last in zip(mark[~whole].tolist(), end[~whole].tolist(), strict=True):
        is_step[first:last] = False
    mark = mark[whole]
    is_step[mark + 1] = is_step[mark + 2] = False
    one, two = (words[mark + 2], words[mark + 1]) if low_first else (words[mark + 1], words[mark + 2])
    before = np.concatenate(([0], np.cumsum(is_step)))
    step = words[is_step]
    step[before[mark]] = 0
    return Coded(step, before[starts], before[mark], one << 16 | two & 0xFFFF)


def _marks(mark: _Words, end: _Words) -> NDArray[np.bool_]:
    """Which of them are not within the value that one before them announces, each part for itself."""
    real = np.ones(len(mark), np.bool_)
    for k in (np.flatnonzero(np.diff(mark) <= 2) + 1).tolist():
        near = slice(max(k - 2, 0), k)
        real[k] = not np.any(real[near] & (mark[k] - mark[near] <= 2) & (end[near] == end[k]))
    return real


def too_few(count: int, found: int) -> UnreadableFile:
    """The error for a record of ``count`` values that holds ``found``."""
    return UnreadableFile(
        Fault.TRUNCATED,
        where=f"value {found + 1}",
        expected=f"{count - found} values more in this record",
        remedy="Copy the file again from the instrument.",
    )


def _values(data: bytes, layout: _Layout) -> Floats:
    start = (struct.unpack_from(">I", data, 0x108)[0] - 1) * 512
    if not 0x200 <= start <= len(data):
        raise truncated(data, f"values from byte {start}, as the header says")
    if layout.coding == "doubles":
        return np.frombuffer(data, "<f8", (len(data) - 0x1800) // 8, 0x1800)
    words = np.frombuffer(data, ">i2", (len(data) - start) // 2, start).astype(np.int64)
    return _differences(words) if layout.coding == "delta" else _double_differences(words)


def _differences(words: _Words) -> Floats:
    """Records of a word (1 in its upper four bits, the number of values below), then the values."""
    coded = decoded(words, np.zeros(1, np.int64), low_first=False)
    steps = coded.step.tolist()
    heads, place = [], 0
    while place < len(steps) and steps[place] >> 12 == 1:
        heads.append(place)
        place += 1 + (steps[place] & 0xFFF)
    if not heads:
        raise UnreadableFile(Fault.NO_SIGNAL, where="first record", expected="at least one value")
    if place > len(steps):
        raise too_few(steps[heads[-1]] & 0xFFF, len(steps) - heads[-1] - 1)
    coded.step[heads] = 0
    return np.delete(coded.values(np.empty(0, np.int64))[:place], heads)


def _double_differences(words: _Words) -> Floats:
    """Second differences; 32767 announces a value of 48 bits after which the slope is 0."""
    marks = np.flatnonzero(words == 0x7FFF)
    parts: list[Floats] = []
    place, level, slope = 0, 0, 0
    while place < len(words):
        after = int(np.searchsorted(marks, place))
        stop = int(marks[after]) if after < len(marks) else len(words)
        slopes = slope + np.cumsum(words[place:stop])
        sums = level + np.cumsum(slopes)
        parts.append(sums.astype(np.float64))
        level = int(sums[-1]) if len(sums) else level
        slope = int(slopes[-1]) if len(slopes) else slope
        if stop + 4 > len(words):
            break
        high, middle, low = (int(word) for word in words[stop + 1 : stop + 4])
        level, slope, place = high << 32 | (middle & 0xFFFF) << 16 | low & 0xFFFF, 0, stop + 4
        parts.append(np.array([float(level)]))
    return np.concatenate(parts) if parts else np.empty(0)


def _times(data: bytes, layout: _Layout, count: int) -> Floats:
    """Evenly from the first to the last time of the header, ms."""
    first, last = struct.unpack_from(">ff" if layout.float_times else ">ii", data, 0x11A)
    if not (np.isfinite(first) and np.isfinite(last) and first <= last):
        expected = "a first and a last time"
        raise UnreadableFile(Fault.MALFORMED, where="byte 282", expected=expected)
    per, rate = struct.unpack_from(">HH", data, layout.rate)
    expected_count = (last - first) / 1000 * rate / per + 1 if per and rate else 0
    if count + _TOLERANCE < expected_count * 0.999:
        raise truncated(data, f"{expected_count:.0f} values, as its times and rate say; it holds {count}")
    if not count:
        raise UnreadableFile(Fault.NO_SIGNAL, where="values", expected="at least one value")
    return np.linspace(float(first), float(last), count)


def _scale(data: bytes, layout: _Layout) -> tuple[float, float]:
    (variant,) = struct.unpack_from(">i", data, layout.variant)
    if variant in layout.fixed:
        return layout.fixed[variant], 0.0
    offset, scale = struct.unpack_from(">dd", data, layout.intercept)
    tiny = not np.isfinite(offset) or abs(offset) < 1e-30
    if not np.isfinite(scale) or scale == 0:
        raise UnreadableFile(Fault.MALFORMED, where=f"byte {layout.intercept + 8}", expected="a scale")
    return float(scale), 0.0 if tiny else float(offset)
