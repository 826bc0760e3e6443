"""JCAMP-DX mass spectra: single, several in a file, linked blocks, or a run of pages with a time each.

Reads tables of pairs ``(XY..XY)`` in plain figures (AFFN), as the mass spectrometry conventions of IUPAC
ask for, with their factors. Refuses other data types (infrared, NMR, ultraviolet …) by name, and mass
spectra in the compressed forms meant for continuous curves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Floats, Metadata, Run, Technique
from spectra.readers.msp import text_lines
from spectra.readers.scans import MAX_POINTS, MAX_SCANS, check_limits, scan_table

name = "jcamp"
formats = ("JCAMP-DX mass spectra",)

_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*##\s*(?:TITLE|JCAMP-?DX)\s*=", re.IGNORECASE)
_LABEL = re.compile(r"\s*##([^=]{0,60})(?:=(.*))?$", re.DOTALL)
_IGNORED = re.compile(r"[\s/_-]")
_TIME = re.compile(r"T\s*=\s*([-+\d.eE]+)")
_TABLES = ("PEAKTABLE", "XYDATA", "XYPOINTS", "DATATABLE")
_MAX_LINE = 100_000
_REMEDY = "Export mass spectra as a peak table (XY..XY), or the run as mzML or ANDI netCDF."


@dataclass(slots=True)
class _Table:
    labels: dict[str, str]  # those of its block that stand before it
    form: str
    page: str
    line: int
    lines: list[str] = field(default_factory=list)


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """The first label is TITLE (or, in sloppy files, JCAMP-DX)."""
    return _START.match(head) is not None


def read(path: Path) -> Run:
    """The spectra or the run; times in s. Raises `UnreadableFile`."""
    warnings: list[str] = []
    blocks: list[dict[str, str]] = []
    tables = [table for table in _tables(path, blocks) if _is_mass(table, warnings)]
    if not tables:
        raise _unsupported(blocks)
    pairs = [_pairs(table, warnings) for table in tables]
    _check_last(tables[-1], len(pairs[-1]), blocks)
    check_limits([len(peaks) for peaks in pairs])
    flat = np.concatenate(pairs)
    times = _times(tables, warnings)
    counts = [len(peaks) for peaks in pairs]
    scans = scan_table(times, counts, flat[:, 0], flat[:, 1], warnings=warnings)
    titles = () if scans.has_time else tuple(table.labels.get("TITLE", "") for table in tables)
    return Run(
        _metadata(tables[0].labels, timed=scans.has_time), scans, titles=titles, warnings=tuple(warnings)
    )


def _tables(path: Path, blocks: list[dict[str, str]]) -> Iterator[_Table]:
    """Every data table with the labels of its block; ``blocks`` collects the labels of all blocks."""
    labels: dict[str, str] = {}
    table: _Table | None = None
    points = tables = 0
    for number, raw in enumerate(text_lines(path), start=1):
        line = raw.partition("$$")[0]
        found = _LABEL.match(line[:_MAX_LINE])
        if found is None:
            if table is not None:
                table.lines.append(line)
                points += 1
            continue
        if table is not None:
            yield table
            table = None
        key, value = _IGNORED.sub("", found[1]).upper(), (found[2] or "").strip()
        if key == "TITLE":
            labels = {}
            blocks.append(labels)
        labels[key] = value
        if key in _TABLES:
            table, tables = _Table(dict(labels), value, labels.get("PAGE", ""), number), tables + 1
        if points > MAX_POINTS or tables > MAX_SCANS:
            raise UnreadableFile(
                Fault.TOO_LARGE, where=f"line {number}", expected=f"at most {MAX_SCANS} spectra"
            )
    if table is not None:
        yield table


def _is_mass(table: _Table, warnings: list[str]) -> bool:
    kind = table.labels.get("DATATYPE", "").upper()
    if not ("MASS" in kind or (not kind and table.page)):
        return False
    if "XY..XY" in table.form.replace(" ", "").upper():
        return True
    warnings.append(f"The table at line {table.line} is not a list of peaks; it was left out.")
    return False


def _pairs(table: _Table, warnings: list[str]) -> Floats:
    """(n, 2) m/z and intensity, factors applied."""
    tokens = " ".join(table.lines).replace(",", " ").replace(";", " ").split()
    try:
        values = np.array(tokens, np.float64)
    except ValueError as error:
        raise UnreadableFile(
            Fault.MALFORMED, where=f"table at line {table.line}", expected="pairs of figures"
        ) from error
    if len(values) % 2:
        warnings.append(f"The last peak of the table at line {table.line} has no intensity; it was left out.")
    pairs = values[: len(values) // 2 * 2].reshape(-1, 2)
    announced = _number(table.labels, "NPOINTS", 0)
    if announced and announced != len(pairs):
        warnings.append(
            f"The table at line {table.line} announces {announced:.0f} peaks and has {len(pairs)}."
        )
    if len(pairs) > 1000 and pairs[:, 0].max() < 50:
        warnings.append(
            f"The table at line {table.line} is labelled a mass spectrum but looks like a chromatogram."
        )
    return pairs * (_number(table.labels, "XFACTOR", 1) or 1, _number(table.labels, "YFACTOR", 1) or 1)


def _check_last(table: _Table, points: int, blocks: list[dict[str, str]]) -> None:
    """Cut off: the last block has no END although others have, or none has and the last table is short."""
    if "END" in blocks[-1]:
        return
    if not any("END" in labels for labels in blocks) and points >= _number(table.labels, "NPOINTS", 0):
        return
    raise UnreadableFile(
        Fault.TRUNCATED,
        where=f"table at line {table.line}",
        expected=f"{table.labels.get('NPOINTS', 'all')} peaks and ##END=; it has {points}",
        remedy="Copy or export the file again.",
    )


def _times(tables: list[_Table], warnings: list[str]) -> Floats:
    found = [_TIME.search(table.page.upper()) for table in tables]
    times = np.array([float(match[1]) if match else np.nan for match in found])
    if np.isnan(times).all():
        return times
    unit = _time_unit(tables[0].labels)
    if not unit:
        warnings.append("The file does not state the unit of its times; they were taken as seconds.")
    return times * (60.0 if unit.startswith("MIN") else 1.0)


def _time_unit(labels: dict[str, str]) -> str:
    symbols = [symbol.strip().upper() for symbol in labels.get("SYMBOL", "").split(",")]
    units = [unit.strip().upper() for unit in labels.get("UNITS", "").split(",")]
    return dict(zip(symbols, units, strict=False)).get("T", "")


def _metadata(labels: dict[str, str], *, timed: bool) -> Metadata:
    wanted = (
        "ORIGIN",
        "OWNER",
        "CASREGISTRYNO",
        "MOLFORM",
        ".IONIZATIONMODE",
        "IONIZATIONMODE",
        "DESCRIPTION",
    )
    electron = "EI" in (labels.get(".IONIZATIONMODE", "") + labels.get("IONIZATIONMODE", "")).upper()
    timed_technique = Technique.GC_MS if electron else Technique.UNKNOWN
    return Metadata(
        format="JCAMP-DX",
        reader=name,
        technique=timed_technique if timed else Technique.MS,
        instrument=labels.get("SPECTROMETERDATASYSTEM", "") or labels.get("SPECTROMETERSYSTEM", ""),
        acquired_at=labels.get("LONGDATE", "")
        or f"{labels.get('DATE', '')} {labels.get('TIME', '')}".strip(),
        sample_name=labels.get("TITLE", ""),
        details={key.strip(".").lower(): labels[key][:500] for key in wanted if labels.get(key)},
    )


def _number(labels: dict[str, str], key: str, default: float) -> float:
    try:
        value = float(labels.get(key, default))
    except ValueError:
        return default
    return value if np.isfinite(value) else default


def _unsupported(blocks: list[dict[str, str]]) -> UnreadableFile:
    kinds = sorted({labels.get("DATATYPE", "") for labels in blocks} - {"", "LINK"})
    found = f"; this file holds {', '.join(kinds)[:100]}" if kinds else ""
    return UnreadableFile(
        Fault.UNSUPPORTED, where="header", expected=f"mass spectra as tables of peaks{found}", remedy=_REMEDY
    )
