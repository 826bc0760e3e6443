"""Text with columns of figures, whatever the delimiter and the decimal sign: for every reader of exports.

`read_columns` finds the one table of figures and keeps what stands before it. It promises that a decimal
comma is taken for one only where that reading fits the whole table better, that an empty or unmeasured cell
("n.a.", "-") is NaN and not a shift of the row, and that lines after the table are counted in ``problems``.
It refuses text without at least three rows of two or more figures. It names no unit and decides no
technique: the reader does, from ``names`` and ``header_lines``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Floats
from spectra.readers.scans import MAX_POINTS

LEAST_ROWS = 3
MAX_COLUMNS = 2_000
MAX_HEADER_LINES = 2_000

_FORMS = (("\t", "."), ("\t", ","), (";", "."), (";", ","), (",", "."), (" ", "."), (" ", ","), ("|", "."))
_NUMBER = {
    ".": re.compile(r"[-+]?(?:\d+(?:[.]\d*)?|[.]\d+)(?:[eE][-+]?\d+)?"),
    ",": re.compile(r"[-+]?\d*(?:\d|,\d+)(?:[eE][-+]?\d+)?"),  # never at the end: there it parts cells
}
_MISSING = frozenset({"", "-", "--", "---", "-----", "n.a.", "n/a", "na", "nan", "null", "none"})
_BLANK = " \t\r\n\x0b\x0c\x1a\0"  # Ctrl-Z ended text files under DOS
_FIGURES = "0123456789+-.eE \n"
_UNICODE_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A table of figures in a text.

    Parameters
    ----------
    header_lines : the lines before the table, stripped of line ends; blank ones kept.
    names : one per column from the last line before the table, or () where that names no columns.
    values : (rows, columns) float64, rows ≥ 3, columns ≥ 2; NaN where a cell is empty.
    decimal, delimiter : as found; the delimiter " " stands for any blanks.
    problems : what was not understood, as sentences.
    """

    header_lines: tuple[str, ...]
    names: tuple[str, ...]
    values: Floats
    decimal: str
    delimiter: str
    problems: tuple[str, ...] = ()


def decode(data: bytes) -> str:
    """Text of a file: by its byte order mark, else UTF-8, else Windows Latin-1."""
    for mark, encoding in _UNICODE_MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def looks_like_columns(head: bytes) -> bool:
    """Whether the beginning of a file is text in which a table of figures begins."""
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    lines = decode(head).splitlines()[:-1]  # the last may be cut
    return any(_start(lines, *form) is not None for form in _FORMS)


def read_columns(text: str) -> Columns:
    """The table of figures in ``text``.

    Raises
    ------
    UnreadableFile : no table within the first 2,000 lines, or more than 2,000 columns or 20,000,000 figures.
    """
    lines = text.splitlines()
    found = [(start, form) for form in _FORMS if (start := _start(lines, *form)) is not None]
    tables = [_table(lines, start, *form) for start, form in found]
    if not tables:
        raise UnreadableFile(
            Fault.NO_SIGNAL,
            where="text",
            expected="a table of at least three rows of figures in two or more columns",
        )
    return max(tables, key=lambda table: table.values.shape[0])  # the first of equals


def _cells(line: str, delimiter: str) -> list[str]:
    cells = line.split() if delimiter == " " else line.split(delimiter)
    return [cell.strip().strip('"').strip() for cell in cells]


def _start(lines: Sequence[str], delimiter: str, decimal: str) -> int | None:
    """The first of three rows in a line with the same number of columns; the place of the table."""
    widths: list[int] = []
    for index, line in enumerate(lines[:MAX_HEADER_LINES]):
        row = _row(_cells(line, delimiter), decimal)
        widths = [*widths, len(row)][-LEAST_ROWS:] if row else []
        if len(widths) == LEAST_ROWS and len(set(widths)) == 1:
            return index - LEAST_ROWS + 1
    return None


def _row(cells: list[str], decimal: str) -> list[float]:
    """The figures of a row, [] if it is none: it begins with a figure, holds two, and nothing but figures."""
    if not 2 <= len(cells) <= MAX_COLUMNS or not _NUMBER[decimal].fullmatch(cells[0]):
        return []
    row = [_figure(cell, decimal) for cell in cells]
    figures = sum(value is not None and value == value for value in row)  # noqa: PLR0124
    return [] if None in row or figures < 2 else [value for value in row if value is not None]


def _figure(cell: str, decimal: str) -> float | None:
    """NaN for an empty cell or a figure beyond any number, None for a word."""
    if _NUMBER[decimal].fullmatch(cell):
        value = float(cell.replace(",", "."))
        return value if np.isfinite(value) else float("nan")
    return float("nan") if cell.lower() in _MISSING else None


def _table(lines: list[str], start: int, delimiter: str, decimal: str) -> Columns:
    width = len(_cells(lines[start], delimiter))
    limit = MAX_POINTS // width
    rows = list(takewhile(lambda line: _width(line, delimiter) == width, lines[start : start + limit + 1]))
    if len(rows) > limit:
        raise UnreadableFile(Fault.TOO_LARGE, where="table", expected=f"at most {MAX_POINTS} figures")
    values = _quick(rows, width, delimiter, decimal)
    if values is None:
        values = _slow(rows, delimiter, decimal)
    while values.shape[1] > 2 and np.isnan(values[:, -1]).all():  # a delimiter at the end of each line
        values = values[:, :-1]
    names = _names(lines[:start], delimiter)
    names = names[: values.shape[1]] if len(names) in (width, values.shape[1]) else ()
    problems = _problems(lines, start, len(values), named=bool(names))
    return Columns(tuple(lines[:start]), names, values, decimal, delimiter, problems)


def _problems(lines: list[str], start: int, rows: int, *, named: bool) -> tuple[str, ...]:
    told = []
    before = lines[start - 1].strip() if start else ""
    if before[:1].isdigit() and not named:
        told.append(f"Line {start} is no row of the table that follows it: {before[:60]!r}.")
    rest = sum(bool(line.strip(_BLANK)) for line in lines[start + rows :])
    if rest:
        told.append(f"{rest} lines after the table of figures were not read.")
    return tuple(told)


def _width(line: str, delimiter: str) -> int:
    return len(line.split()) if delimiter == " " else line.count(delimiter) + 1


def _quick(rows: list[str], width: int, delimiter: str, decimal: str) -> Floats | None:
    """The table where it is nothing but figures, else None."""
    text = "\n".join(rows).replace(delimiter, " ").replace('"', "").replace("\t", " ")
    text = text.replace(",", ".") if decimal == "," else text
    if text.strip(_FIGURES):
        return None
    tokens = text.split()
    if len(tokens) != len(rows) * width:
        return None
    try:
        values = np.array(tokens, np.float64).reshape(-1, width)
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def _slow(rows: list[str], delimiter: str, decimal: str) -> Floats:
    parsed = (_row(_cells(line, delimiter), decimal) for line in rows)
    return np.array(list(takewhile(bool, parsed)), np.float64)


def _names(header: list[str], delimiter: str) -> tuple[str, ...]:
    """The cells of the last line before the table that says something."""
    line = next((line for line in reversed(header) if line.strip()), "").lstrip("#")
    parted = line.split() if delimiter == " " else next(csv.reader([line], delimiter=delimiter), [])
    cells = tuple(cell.strip().strip('"').strip() for cell in parted)
    begins_with_figure = line.strip()[:1].isdigit()
    return cells if not begins_with_figure or _are_words(cells) else ()


def _are_words(cells: Sequence[str]) -> bool:
    """Whether every cell says something: "1/cm" and "2theta" do, a row that was cut does not."""
    figure = _NUMBER["."]
    return all(any(map(str.isalpha, cell)) and not figure.fullmatch(cell) for cell in cells)
