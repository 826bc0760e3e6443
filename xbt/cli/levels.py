"""Reading the tables of `xbt quantify`: comma, semicolon or tab between cells, a decimal point in figures.

Promises that a cell which is no number is named by line and column, with what to do. Refuses to guess what a
decimal comma separates.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import click

LARGEST = 2**20  # bytes; a table of levels has a few lines
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+\s*$")
_UNCERTAIN = re.compile(r"\s*(?:±|\+-|\+/-)\s*")


@dataclass(frozen=True, slots=True)
class Injections:
    """Rows of a table: ``name`` is the amount of a level as text, or the sample."""

    name: tuple[str, ...]
    response: tuple[float, ...]
    internal_standard: tuple[float, ...]  # as long as response, or empty


def levels(path: Path, column: str = "amount") -> tuple[tuple[float, ...], Injections]:
    """Amounts and injections of a table with ``column``, response and, if used, internal_standard."""
    rows = list(_rows(path, (column, "response")))
    amounts = tuple(_number(path, line, column, row[column]) for line, row in rows)
    return amounts, _injections(path, rows, column)


def samples(path: Path) -> dict[str, Injections]:
    """Injections per sample, of a table with the columns sample, response and, if used, internal_standard."""
    rows: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for line, row in _rows(path, ("sample", "response")):
        rows.setdefault(row["sample"], []).append((line, row))
    return {name: _injections(path, own, "sample") for name, own in rows.items()}


def uncertain(_ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[float, float] | None:
    """An option's number with its standard uncertainty: ``10``, ``10+-0.02`` or ``10±0.02``.

    Raises
    ------
    click.BadParameter : it is something else.
    """
    if value is None:
        return None
    parts = [part.strip() for part in _UNCERTAIN.split(value)]
    if any(_DECIMAL_COMMA.match(part) for part in parts):
        raise click.BadParameter(
            f"{value!r} has a decimal comma; write {value.replace(',', '.')}", param=param
        )
    try:
        figures = [float(part) for part in parts]
    except ValueError:
        figures = []
    if len(figures) not in (1, 2) or not all(map(isfinite, figures)):
        raise click.BadParameter(f"{value!r} is no number; write 10, or 10+-0.02", param=param)
    return figures[0], figures[1] if len(figures) == 2 else 0.0


def _injections(path: Path, rows: list[tuple[int, dict[str, str]]], name: str) -> Injections:
    with_standard = bool(rows) and "internal_standard" in rows[0][1]
    return Injections(
        tuple(row[name] for _, row in rows),
        tuple(_number(path, line, "response", row["response"]) for line, row in rows),
        tuple(_number(path, line, "internal_standard", row["internal_standard"]) for line, row in rows)
        if with_standard
        else (),
    )


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines of the table with their numbers; empty ones are passed over."""
    text = _text(path)
    lines = csv.reader(io.StringIO(text), delimiter=_delimiter(text))
    header = [cell.strip().lower().replace(" ", "_") for cell in next(lines, [])]
    missing = [name for name in needed if name not in header]
    if missing:
        wanted = ",".join(needed)
        raise click.ClickException(
            f"{path.name}, line 1: no column {' or '.join(missing)}; the first line must name them: {wanted}"
        )
    found = False
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise click.ClickException(
                f"{path.name}, line {lines.line_num}: {len(cells)} cells under {len(header)} column names; "
                "if figures have a decimal comma, write a point"
            )
        found = True
        yield lines.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))
    if not found:
        raise click.ClickException(f"{path.name}: no measurements under the column names")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise click.ClickException(f"{path.name}: larger than 1 MB; this is no table of levels")
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise click.ClickException(f"{path.name}: no plain text; save the table as CSV (UTF-8)") from None
    except OSError as error:
        raise click.ClickException(f"{path.name}: cannot be read ({error.strerror})") from None


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _number(path: Path, line: int, column: str, cell: str) -> float:
    place = f"{path.name}, line {line}, column {column}"
    if _DECIMAL_COMMA.match(cell):
        raise click.ClickException(f"{place}: {cell!r} has a decimal comma; write {cell.replace(',', '.')}")
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise click.ClickException(
            f"{place}: {cell!r} is no number; leave the line out if it was not measured"
        )
    return value
