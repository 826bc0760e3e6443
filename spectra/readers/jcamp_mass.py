"""The mass spectra of a JCAMP-DX file: tables of pairs, alone, linked, or as pages with a time each."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Floats, ScanTable
from spectra.readers.jcamp_blocks import Table, number
from spectra.readers.scans import check_limits, scan_table

_TIME = re.compile(r"T\s*=\s*([-+\d.eE]+)")


def is_mass(table: Table, warnings: list[str]) -> bool:
    """Whether the table is a mass spectrum that is read; one that is not is put into ``warnings``."""
    kind = table.labels.get("DATATYPE", "").upper()
    if not ("MASS" in kind or (not kind and table.page and table.is_pairs)):
        return False
    if table.is_pairs:
        return True
    warnings.append(f"The table at line {table.line} is not a list of peaks; it was left out.")
    return False


def mass_scans(tables: Sequence[Table], warnings: list[str]) -> ScanTable:
    """The tables as scans; times in s. Raises `UnreadableFile`."""
    peaks = [pairs(table, warnings) for table in tables]
    _note_chromatograms(tables, peaks, warnings)
    counts = [len(one) for one in peaks]
    check_limits(counts)
    flat = np.concatenate(peaks)
    return scan_table(_times(tables, warnings), counts, flat[:, 0], flat[:, 1], warnings=warnings)


def pairs(table: Table, warnings: list[str]) -> Floats:
    """(n, 2) x and y of a table of pairs, factors applied. Raises `UnreadableFile`."""
    tokens = " ".join(table.lines).replace(",", " ").replace(";", " ").split()
    try:
        values = np.array(tokens, np.float64)
    except ValueError as error:
        raise UnreadableFile(
            Fault.MALFORMED, where=f"table at line {table.line}", expected="pairs of figures"
        ) from error
    if len(values) % 2:
        warnings.append(f"The last peak of the table at line {table.line} has no intensity; it was left out.")
    found = values[: len(values) // 2 * 2].reshape(-1, 2)
    note_count(table, len(found), warnings)
    return found * (number(table.labels, "XFACTOR", 1) or 1, number(table.labels, "YFACTOR", 1) or 1)


def note_count(table: Table, found: int, warnings: list[str]) -> None:
    """Compare the announced number of points with the real one; beyond every limit it is a refusal."""
    announced = number(table.labels, "NPOINTS", 0)
    check_limits([announced])
    if announced and announced != found:
        warnings.append(f"The table at line {table.line} announces {announced:.0f} peaks and has {found}.")


def _note_chromatograms(tables: Sequence[Table], peaks: Sequence[Floats], warnings: list[str]) -> None:
    for table, one in zip(tables, peaks, strict=True):
        if len(one) > 1000 and one[:, 0].max() < 50:
            warnings.append(
                f"The table at line {table.line} is labelled a mass spectrum but looks like a chromatogram."
            )


def _times(tables: Sequence[Table], warnings: list[str]) -> Floats:
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
