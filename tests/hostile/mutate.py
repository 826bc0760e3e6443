"""Changes to real files that keep enough of their structure to get deep into a reader."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable, Sequence

Mutator = Callable[[random.Random, bytes, Sequence[bytes]], bytes]

_NUMBERS = (
    *(b"0", b"-1", b"1", b"2147483647", b"2147483648", b"4294967296", b"-2147483649", b"10000000000"),
    *(b"1e308", b"-1e308", b"1e-320", b"nan", b"inf", b"-inf", b"", b"0x10", b"1,5", b"1.5.2", b"9" * 400),
)
_WORDS = (
    *(struct.pack(f"{order}{kind}", value) for order in "<>" for kind, value in (
        ("h", 0), ("h", -1), ("H", 0x8000), ("i", 0), ("i", -1), ("I", 0x80000000), ("i", 2**31 - 1),
        ("q", 0), ("q", -1), ("Q", 1 << 63), ("q", 10**10), ("f", float("nan")), ("f", float("inf")),
        ("f", -1e38), ("d", float("nan")), ("d", float("-inf")), ("d", 1e308), ("d", -1.0),
    )),
)  # fmt: skip
_NUMBER = re.compile(rb"(?<![A-Za-z0-9+/=])[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?(?![A-Za-z0-9+/=])")
_VALUE = re.compile(rb"""=\s*(["'])(.*?)\1""", re.DOTALL)
_ELEMENT = re.compile(rb"<([A-Za-z:]+)[^<>]*?/>|<([A-Za-z:]+)[^<>]*>[^<>]*</\2>")
_HEAD = 4096


def mutate(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """One to four changes that suit the content; ``others`` are files of the same family."""
    choices = mutators(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        data = rng.choice(choices)(rng, data, others)
    return data


def mutators(data: bytes) -> tuple[Mutator, ...]:
    """What suits XML, text, or anything else."""
    head = data[:_HEAD]
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return (value, value, value, number, number, element, element, flip, cut, splice)
    if head and sum(byte > 126 or byte < 9 for byte in head) < len(head) // 20:
        return (number, number, number, line, line, line, label, flip, cut, splice)
    return (word, word, word, word, word, flip, cut, splice, gap)


def value(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Another attribute value: a number, or that of another attribute."""
    found = _some(rng, _VALUE, data, 2)
    if found is None:
        return flip(rng, data, others)
    other = _some(rng, _VALUE, data, 2)
    new = rng.choice(_NUMBERS) if rng.random() < 0.7 or other is None else data[other[0] : other[1]]
    return data[: found[0]] + new + data[found[1] :]


def number(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Another number in the text."""
    found = _some(rng, _NUMBER, data, 0)
    return (
        flip(rng, data, others)
        if found is None
        else data[: found[0]] + rng.choice(_NUMBERS) + data[found[1] :]
    )


def element(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """An innermost element twice, or not at all, or in another place."""
    found = _some(rng, _ELEMENT, data, 0)
    if found is None:
        return flip(rng, data, others)
    start, end = found
    place = rng.choice((start, start, (_some(rng, _ELEMENT, data, 0) or found)[0]))
    piece, rest = data[start:end], data[:start] + data[end:]
    return rest if rng.random() < 0.5 else data[:place] + piece + data[place:]


def line(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """A line twice, not at all, shortened, or exchanged with another."""
    lines = data.splitlines(keepends=True)
    first, second = rng.randrange(len(lines) or 1), rng.randrange(len(lines) or 1)
    if not lines:
        return data
    deed = rng.randrange(4)
    if deed == 0:
        del lines[first]
    elif deed == 1:
        lines.insert(second, lines[first])
    elif deed == 2:
        lines[first] = lines[first][: rng.randrange(len(lines[first]) + 1)] + b"\n"
    else:
        lines[first], lines[second] = lines[second], lines[first]
    return b"".join(lines)


def label(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Nothing, or something else, behind a label (``##NPOINTS=``, ``Num Peaks:``)."""
    lines = data.splitlines(keepends=True)
    labelled = [n for n, text in enumerate(lines) if re.match(rb"\W*\w[^=:]{0,40}[=:]", text)]
    if not labelled:
        return line(rng, data, others)
    place = rng.choice(labelled)
    start = re.match(rb"\W*\w[^=:]{0,40}[=:]", lines[place])
    new = rng.choice((*_NUMBERS, b"\xff\xfe", b"A" * 5000, b"XYDATA", b"(X++(Y..Y))", b"\0"))
    lines[place] = (start[0] if start else b"") + b" " + new + b"\n"
    return b"".join(lines)


def word(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """A 2-, 4- or 8-byte number of great consequence, mostly where headers are."""
    reach = min(len(data), _HEAD if rng.random() < 0.6 else len(data))
    if rng.random() < 0.3:
        reach = min(reach, 512)
    place = rng.randrange(reach or 1)
    place -= place % rng.choice((1, 2, 4))
    new = rng.choice(_WORDS)
    return data[:place] + new + data[place + len(new) :]


def flip(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """A few bytes changed."""
    made = bytearray(data)
    for _ in range(rng.randrange(1, 9) if made else 0):
        made[rng.randrange(len(made))] = rng.randrange(256)
    return bytes(made)


def cut(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """The end missing."""
    return data[: rng.randrange(len(data) + 1)]


def gap(rng: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """A piece missing, or there twice."""
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + rng.choice((1, 2, 4, 8, 64, 512)))
    return data[:start] + data[end:] if rng.random() < 0.5 else data[:end] + data[start:]


def splice(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """The beginning of one file and the end of another."""
    other = rng.choice(others)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _some(rng: random.Random, pattern: re.Pattern[bytes], data: bytes, group: int) -> tuple[int, int] | None:
    """One of the first matches after a random place."""
    found = pattern.search(data, rng.randrange(len(data) + 1)) or pattern.search(data)
    return found.span(group) if found else None
