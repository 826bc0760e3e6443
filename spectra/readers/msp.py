"""MSP and MSL text libraries: blocks of headers and peaks, in every dialect met in the wild.

`parse_msp` promises to lose nothing silently: what a block says that could not be understood stands in
its ``problems``. It accepts several pairs a line; blanks, tabs, ``,`` ``;`` ``:`` and parentheses as
separators; quoted or bare remarks after a peak; a decimal comma where only that reading fits; a missing,
wrong or oddly spelt peak count; blocks parted by blank lines or only by the next ``Name:``. It refuses to
guess a peak from half a pair.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spectra.errors import Fault, UnreadableFile

Floats = NDArray[np.float64]

MAX_PEAK_LINES = 2_000_000

_BLANK = " \t\r\n\x0b\x0c\x1a\0"  # Ctrl-Z ended text files under DOS

_HEADER = re.compile(r"\s*([A-Za-z][^:=\"]{0,60}?)\s*:(?!//)\s*(.*?)\s*$")
_COUNT = re.compile(r"\s*num(?:ber)?[\s._]*(?:of)?[\s._]*peaks?\s*[:=]?\s*(.*?)\s*$", re.IGNORECASE)
_PEAK_START = re.compile(r"\s*[(\[]?\s*[-+]?[.]?\d")
_SECOND_NUMBER = re.compile(r"(.*?);\s*([A-Za-z]+#)\s*:\s*(.*)")
_QUOTED = re.compile(r'"[^"]*"')
_NUMBER = re.compile(r"[-+]?(?:\d+[.]?\d*|[.]\d+)(?:[eE][-+]?\d+)?")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_AS_BLANK = str.maketrans({"(": " ", "[": " ", ":": " ", ")": ";", "]": ";"})


@dataclass(frozen=True, slots=True, eq=False)
class MspBlock:
    """One record of an MSP or MSL text.

    Parameters
    ----------
    line : number of its first line, from 1.
    headers : (key in lower case, value) in file order; keys may repeat; the peak count is ``num peaks``.
    mz, intensity : (n,) float64 in file order, m/z > 0, intensity ≥ 0; equal m/z may occur.
    problems : what was not understood or left out, in plain words; empty for a clean block.
    """

    line: int
    headers: tuple[tuple[str, str], ...]
    mz: Floats
    intensity: Floats
    problems: tuple[str, ...] = ()

    def get(self, *keys: str) -> str:
        """First value that is not empty among the headers named ``keys`` (tried in order), or ""."""
        return next((value for key in keys for name, value in self.headers if name == key and value), "")


@dataclass(slots=True)
class _Draft:
    line: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    peak_lines: list[tuple[int, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    in_peaks: bool = False
    gap: bool = False  # a blank line came since the last line of this block

    def has(self, key: str) -> bool:
        return any(name == key for name, _ in self.headers)

    def ends_before(self, key: str) -> bool:
        """Whether a header line named ``key`` belongs to the next block."""
        if key == "name" and (self.in_peaks or self.has("name")):
            return True
        return (self.in_peaks and self.gap) or ((self.in_peaks or self.gap) and self.has(key))


def text_lines(path: Path) -> Iterator[str]:
    """Lines of a text file: UTF-8 with or without byte order mark, else (line by line) Windows Latin-1."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline=None) as text:
        for line in text:
            yield line if line.isascii() else _repaired(line)


def parse_msp(lines: Iterable[str]) -> Iterator[MspBlock]:
    """Blocks of an MSP or MSL text, one by one, in constant memory but for the block at hand.

    Raises
    ------
    UnreadableFile : a block has more than 2,000,000 lines of peaks (`Fault.TOO_LARGE`).
    """
    draft: _Draft | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip(_BLANK):
            if draft:
                draft.gap = True
            continue
        if line.lstrip().startswith("#"):
            continue
        pairs = _header_pairs(line)
        if draft and pairs and draft.ends_before(pairs[0][0]):
            yield _finished(draft)
            draft = None
        draft = draft or _Draft(number)
        _take(draft, number, line, pairs)
    if draft:
        yield _finished(draft)


def _take(draft: _Draft, number: int, line: str, pairs: list[tuple[str, str]]) -> None:
    draft.gap = False
    if pairs:
        draft.headers += pairs
        draft.in_peaks = draft.in_peaks or pairs[0][0] == "num peaks"
    elif _PEAK_START.match(line) and (draft.in_peaks or _all_pairs(line)):
        draft.in_peaks = True
        draft.peak_lines.append((number, line))
        if len(draft.peak_lines) > MAX_PEAK_LINES:
            raise UnreadableFile(
                Fault.TOO_LARGE,
                where=f"line {number}",
                expected=f"at most {MAX_PEAK_LINES} lines of peaks a spectrum",
            )
    elif draft.headers and not draft.in_peaks:
        key, value = draft.headers[-1]  # a header broken over lines
        draft.headers[-1] = (key, f"{value} {line.strip()}")
    else:
        draft.problems.append(f"line {number} is neither a header nor a peak: {line.strip()[:60]!r}")


def _all_pairs(line: str) -> bool:
    """Whether a line met before any peak count can be nothing but peaks."""
    return not _pairs([(0, line)], None)[1]


def _header_pairs(line: str) -> list[tuple[str, str]]:
    """The headers a line holds: none, one, or two for NIST's ``CAS#: 50-36-2;  NIST#: 1234``."""
    count = _COUNT.match(line)
    if count:
        return [("num peaks", count[1])]
    header = _HEADER.match(line)
    if not header:
        return []
    key, value = header[1].lower(), header[2].replace("\0", "")
    second = _SECOND_NUMBER.fullmatch(value) if key.endswith("#") else None
    if second:
        return [(key, second[1].strip()), (second[2].lower(), second[3].strip())]
    return [(key, value)]


def _finished(draft: _Draft) -> MspBlock:
    declared = _declared(draft)
    pairs, problems = _pairs(draft.peak_lines, declared)
    draft.problems += problems
    if declared is None and draft.peak_lines:
        draft.problems.append("the number of peaks is not stated")
    elif declared is not None and declared != len(pairs):
        draft.problems.append(f"{declared} peaks announced, {len(pairs)} found")
    good = (pairs[:, 0] > 0) & (pairs[:, 1] >= 0)
    if not good.all():
        draft.problems.append(f"{int((~good).sum())} peaks with m/z ≤ 0 or negative intensity left out")
    pairs = pairs[good]
    if not draft.has("name"):
        draft.problems.append("no name")
    if not len(pairs):
        draft.problems.append("no peaks")
    return MspBlock(draft.line, tuple(draft.headers), pairs[:, 0], pairs[:, 1], tuple(draft.problems))


def _declared(draft: _Draft) -> int | None:
    text = next((value for key, value in draft.headers if key == "num peaks"), "")
    digits = re.match(r"\d{1,9}", text)
    return int(digits[0]) if digits else None


def _pairs(lines: list[tuple[int, str]], declared: int | None) -> tuple[Floats, list[str]]:
    """(n, 2) float64 and the problems met."""
    texts = [_QUOTED.sub(" ", line).translate(_AS_BLANK) for _, line in lines]
    quick = _all_numbers(texts, declared)
    if quick is not None:
        return quick, []
    numbered = [(number, text) for (number, _), text in zip(lines, texts, strict=True)]
    apart, problems = _slow_pairs(numbered)
    if not _may_be_decimal_comma(texts) or (not problems and declared in (None, len(apart))):
        return apart, problems
    decimal, fewer = _slow_pairs(
        [(number, re.sub(r"(?<=\d),(?=\d)", ".", text)) for number, text in numbered]
    )
    better = len(fewer) < len(problems) or (len(fewer) == len(problems) and len(decimal) == declared)
    return (decimal, fewer) if better else (apart, problems)


def _all_numbers(texts: list[str], declared: int | None) -> Floats | None:
    """The fast way for the usual block: nothing but numbers, and exactly as many as announced."""
    tokens = " ".join(texts).replace(";", " ").replace(",", " ").split()
    if declared is None or len(tokens) != 2 * declared:
        return None
    try:
        values = np.array(tokens, dtype=np.float64).reshape(-1, 2)
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def _may_be_decimal_comma(texts: list[str]) -> bool:
    return not any("." in text for text in texts) and any(map(_DECIMAL_COMMA.search, texts))


def _slow_pairs(lines: list[tuple[int, str]]) -> tuple[Floats, list[str]]:
    found: list[tuple[float, float]] = []
    problems: list[str] = []
    for number, text in lines:
        for chunk in filter(str.strip, text.split(";")):
            pairs = _chunk_pairs(chunk.replace(",", " ").split())
            found += pairs
            if not pairs:
                problems.append(f"line {number}: {chunk.strip()[:40]!r} is no peak")
    values = np.array(found, dtype=np.float64).reshape(-1, 2)
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        problems.append(f"{int((~finite).sum())} peaks beyond any number left out")
    return values[finite], problems


def _chunk_pairs(tokens: list[str]) -> list[tuple[float, float]]:
    """Pairs of a chunk: all numbers and even → all pairs; numbers then words → the first pair; else none."""
    numeric = [bool(_NUMBER.fullmatch(token)) for token in tokens]
    if all(numeric) and len(tokens) % 2 == 0:
        values = [float(token) for token in tokens]
        return list(zip(values[::2], values[1::2], strict=True))
    if len(tokens) > 2 and numeric[0] and numeric[1] and not numeric[2]:
        return [(float(tokens[0]), float(tokens[1]))]
    return []


def _repaired(line: str) -> str:
    raw = line.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
