"""The curves of JCAMP-DX: tables (X++(Y..Y)) in plain, packed, squeezed, difference and duplicate form.

`decode` promises the values of every line and counts the checks that fail: in difference form each line
repeats the last value of the line before. It refuses what is no figure of these forms, and expansions beyond
the limit before they are made. Forms after McDonald and Wilks, Applied Spectroscopy 42 (1988) 151.

The library jcamp (1.3.2) reads the same curves; it is not used because it lets failed checks pass without a
word, raises whatever Python raises, and expands a count of duplicates without a limit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from spectra.errors import Fault, UnreadableFile
from spectra.readers.scans import MAX_SCAN_POINTS

_LEADING = {sign: value for value, sign in enumerate("@ABCDEFGHI")}
_LEADING |= {sign: -value for value, sign in enumerate("abcdefghi", start=1)}
_DIFFERENCE = {sign: value for value, sign in enumerate("%JKLMNOPQR")}
_DIFFERENCE |= {sign: -value for value, sign in enumerate("jklmnopqr", start=1)}
_DUPLICATE = {sign: value for value, sign in enumerate("STUVWXYZs", start=1)}
_MISSING = "?"
_BETWEEN = re.compile(r"[\s,;\x1a\0]")  # Ctrl-Z ended text files under DOS
_PLAIN = re.compile(r"\?|[-+]?(?:\d+\.\d*(?:[eE][-+]?\d+)?|\.?\d+(?:[eE][-+]\d+)?)")
_PACKED = re.compile(r"\?|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]\d+)?|[@%A-Za-s]\d*(?:\.\d*)?")


@dataclass(slots=True)
class Curve:
    """The values of a table, and for each line its x and how many values stand before it.

    ``failed`` lists the lines (from 1, within the table) whose check value is not the last value before.
    """

    y: list[float] = field(default_factory=list)
    line_x: list[float] = field(default_factory=list)
    line_start: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)


def decode(lines: list[str], *, line: int) -> Curve:
    """The curve of a table that begins at ``line`` of the file; "?" becomes NaN.

    Raises
    ------
    UnreadableFile : a sign that belongs to no form, or more than 2,000,000 values.
    """
    curve = Curve()
    pattern = _PLAIN if all(_tokens(_PLAIN, text) is not None for text in lines) else _PACKED
    in_differences = False
    for index, text in enumerate(lines, start=1):
        tokens = _tokens(pattern, text)
        if tokens is None:
            expected = "figures in one of the forms of JCAMP-DX"
            raise UnreadableFile(Fault.MALFORMED, where=f"line {line + index}", expected=expected)
        if not tokens:
            continue
        values, ends_in_difference = _values(tokens[1:], curve.y, line + index)
        if in_differences and values:
            if curve.y[-1] != values[0]:
                curve.failed.append(index)
            values = values[1:]
            curve.line_start.append(len(curve.y) - 1)
        else:
            curve.line_start.append(len(curve.y))
        curve.line_x.append(_figure(tokens[0], line + index))
        curve.y.extend(values)
        in_differences = ends_in_difference
    return curve


def _tokens(pattern: re.Pattern[str], text: str) -> list[str] | None:
    """The figures of a line, None if anything else stands in it."""
    tokens = pattern.findall(text)
    return tokens if sum(map(len, tokens)) == len(_BETWEEN.sub("", text)) else None


def _values(tokens: list[str], before: list[float], line: int) -> tuple[list[float], bool]:
    """The values of a line, and whether its last token is a difference (or a duplicate of one)."""
    values: list[float] = []
    step, differs = 0.0, False
    for token in tokens:
        sign = token[0]
        if sign in _DUPLICATE:
            times = _joined(_DUPLICATE[sign], token, line) - 1
            if len(before) + len(values) + times > MAX_SCAN_POINTS:
                _too_many(line)
            values.extend(_repeated(values, step if differs else 0.0, int(times), line))
            continue
        differs = sign in _DIFFERENCE
        if differs:
            step = _joined(_DIFFERENCE[sign], token, line)
            values.append(_last(values, line) + step)
        else:
            values.append(_figure(token, line))
    if len(before) + len(values) > MAX_SCAN_POINTS:
        _too_many(line)
    return values, differs


def _repeated(values: list[float], step: float, times: int, line: int) -> list[float]:
    last = _last(values, line)
    return [last + step * k for k in range(1, times + 1)]


def _last(values: list[float], line: int) -> float:
    if not values:
        expected = "a value before a difference or a duplicate"
        raise UnreadableFile(Fault.MALFORMED, where=f"line {line}", expected=expected)
    return values[-1]


def _figure(token: str, line: int) -> float:
    if token == _MISSING:
        return float("nan")
    if token[0] in _LEADING:
        return _joined(_LEADING[token[0]], token, line)
    try:
        return float(token)
    except ValueError as error:
        raise UnreadableFile(Fault.MALFORMED, where=f"line {line}", expected="a figure") from error


def _joined(leading: int, token: str, line: int) -> float:
    """The letter's digit before the others, its sign for all; digits 0 to 9 of either sign."""
    try:
        size = float(f"{abs(leading)}{token[1:]}")
    except (ValueError, OverflowError) as error:
        raise UnreadableFile(Fault.MALFORMED, where=f"line {line}", expected="a figure") from error
    return -size if leading < 0 else size


def _too_many(line: int) -> None:
    expected = f"at most {MAX_SCAN_POINTS} points a spectrum"
    raise UnreadableFile(Fault.TOO_LARGE, where=f"line {line}", expected=expected)
