"""The blocks, labels and tables of a JCAMP-DX file, whatever they are about.

`read_blocks` promises every table with the labels of its block that stand before it, labels spelt in one
way (capitals, without blanks, slashes, hyphens and underlines), and text that goes on over several lines as
one. It interprets no figure; comments after ``$$`` are dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.readers.msp import text_lines
from spectra.readers.scans import MAX_POINTS, MAX_SCANS

_LABEL = re.compile(r"\s*##([^=]{0,60})(?:=(.*))?$", re.DOTALL)
_IGNORED = re.compile(r"[\s/_-]")
_TABLES = ("PEAKTABLE", "XYDATA", "XYPOINTS", "DATATABLE", "PEAKASSIGNMENTS", "RADATA")
_MAX_LINE, _MAX_TEXT = 100_000, 2_000
_PER_VARIABLE = ("FIRST", "LAST", "FACTOR", "UNITS", "VARNAME")
_PAIRS = re.compile(r"\(?([A-Z])([A-Z])\.\.\1\2", re.IGNORECASE)
_ASSIGNED = re.compile(r"\(XY?[WMA]*A\)", re.IGNORECASE)
_FORM = re.compile(r"\(\s*([A-Z])\s*(?:\+\+\s*\(\s*|)([A-Z])\s*\.\.", re.IGNORECASE)


@dataclass(slots=True)
class Table:
    """A data table: the labels of its block that stand before it, its form, page, and lines as text."""

    labels: dict[str, str]
    form: str
    page: str
    line: int
    lines: list[str] = field(default_factory=list)

    @property
    def is_pairs(self) -> bool:
        """Whether it lists x and y in turn, not y alone."""
        return _PAIRS.search(self.form.replace(" ", "")) is not None

    @property
    def is_assigned(self) -> bool:
        """Whether it lists peaks in brackets with what they are assigned to, as (XYMA) does."""
        return _ASSIGNED.match(self.form.strip()) is not None


@dataclass(frozen=True, slots=True)
class Blocks:
    """The tables of a file in their order, and the labels of every block."""

    tables: tuple[Table, ...]
    labels: tuple[dict[str, str], ...]


def read_blocks(path: Path) -> Blocks:
    """Every table and block of the file.

    Raises
    ------
    UnreadableFile : more than 1,000,000 tables or 20,000,000 lines of figures.
    """
    blocks: list[dict[str, str]] = []
    labels: dict[str, str] = {}
    tables: list[Table] = []
    table: Table | None = None
    key, lines = "", 0
    for number_, raw in enumerate(text_lines(path), start=1):
        line = raw.partition("$$")[0]
        found = _LABEL.match(line[:_MAX_LINE])
        if found is None:
            lines += 1
            if table is not None:
                table.lines.append(line)
            elif key:
                labels[key] = f"{labels[key]} {line.strip()}".strip()[:_MAX_TEXT]
            continue
        table, key, value = None, _IGNORED.sub("", found[1]).upper(), (found[2] or "").strip()
        if key == "TITLE":
            labels = {}
            blocks.append(labels)
        labels[key] = value
        if key in _TABLES:
            table = Table(_with_variables(labels, value), value, labels.get("PAGE", ""), number_)
            tables.append(table)
        if lines > MAX_POINTS or len(tables) > MAX_SCANS:
            expected = f"at most {MAX_SCANS} spectra"
            raise UnreadableFile(Fault.TOO_LARGE, where=f"line {number_}", expected=expected)
    return Blocks(tuple(tables), tuple(blocks))


def number(labels: dict[str, str], key: str, default: float) -> float:
    """The finite figure of a label, a decimal comma allowed; ``default`` where there is none."""
    try:
        value = float(labels.get(key, "").replace(",", "."))
    except ValueError:
        return default
    return value if np.isfinite(value) else default


def _with_variables(labels: dict[str, str], form: str) -> dict[str, str]:
    """The labels as they hold for one table: NTUPLES list FIRST, FACTOR, UNITS … once for all variables."""
    symbols = [symbol.strip().upper() for symbol in labels.get("SYMBOL", "").split(",")]
    used = _FORM.search(form)
    if used is None or not labels.get("SYMBOL"):
        return dict(labels)
    own: dict[str, str] = {}
    for axis, symbol in zip("XY", used.groups(), strict=True):
        if symbol.upper() not in symbols:
            continue
        place = symbols.index(symbol.upper())
        for label in _PER_VARIABLE:
            values = labels.get(label, "").split(",")
            if place < len(values) and values[place].strip():
                own[_plain_label(label, axis)] = values[place].strip()
        dimensions = labels.get("VARDIM", "").split(",")
        if axis == "X" and place < len(dimensions):
            own["NPOINTS"] = dimensions[place].strip()
    return {**own, **labels}


def _plain_label(label: str, axis: str) -> str:
    return f"{axis}{label}" if label in ("FACTOR", "UNITS", "VARNAME") else f"{label}{axis}"
