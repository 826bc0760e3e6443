"""A run written as mzML, JCAMP-DX or CSV: under which names, and never over a file that is there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spectra.model import Run

SUFFIX = {"mzml": ".mzML", "jcamp": ".jdx", "csv": ".csv"}


@dataclass(frozen=True, slots=True)
class Converted:
    """The files written, and what the format had no place for."""

    written: tuple[Path, ...]
    lost: tuple[str, ...]


def convert_run(run: Run, target: str, source: Path, out: Path | None, *, force: bool) -> Converted:
    """Write ``run`` as ``target`` ("mzml", "jcamp" or "csv").

    Parameters
    ----------
    source : the file that was read; it is never overwritten. out : the file to write; None for one beside the
    source, with the suffix of the format. CSV of several kinds becomes several files, "-scans", "-traces" …
    before the suffix. force : overwrite what is there.

    Raises
    ------
    FileExistsError : with a sentence; nothing was written.
    InvalidMeasurement : the format can hold nothing of the run. OSError : the place cannot be written.
    """
    jobs, lost = _jobs(run, target, out or source.with_suffix(SUFFIX[target]))
    for place, _ in jobs:
        if place.exists() and place.samefile(source):
            raise FileExistsError(f"{place} is the file that was read; give another --out")
        if place.exists() and not force:
            raise FileExistsError(f"{place} is there already; give another --out, or --force to overwrite it")
    for place, write in jobs:
        _write(place, write)
    return Converted(tuple(place for place, _ in jobs), lost)


def _jobs(
    run: Run, target: str, path: Path
) -> tuple[list[tuple[Path, Callable[[Path], None]]], tuple[str, ...]]:
    if target == "mzml":
        from spectra.writers import lost_in_mzml, write_mzml

        return [(path, lambda place: write_mzml(run, place))], lost_in_mzml(run)
    if target == "jcamp":
        from spectra.writers_jcamp import lost_in_jcamp, write_jcamp

        return [(path, lambda place: write_jcamp(run, place))], lost_in_jcamp(run)
    return _tables(run, path)


def _tables(run: Run, path: Path) -> tuple[list[tuple[Path, Callable[[Path], None]]], tuple[str, ...]]:
    from spectra.writers_csv import Table, lost_in_csv, tables, write_table

    found = tables(run)
    kinds = [table.kind for table in found]

    def place(number: int, table: Table) -> Path:
        if len(found) == 1:
            return path
        earlier = kinds[:number].count(table.kind)
        return path.with_stem(f"{path.stem}-{table.kind}{f'-{earlier + 1}' if earlier else ''}")

    def job(table: Table) -> Callable[[Path], None]:
        return lambda where: write_table(table, where)

    return [(place(number, table), job(table)) for number, table in enumerate(found)], lost_in_csv(run)


def _write(place: Path, write: Callable[[Path], None]) -> None:
    """Whole or not at all: written beside the place, then moved there."""
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".xbt-") as folder:
        part = Path(folder) / place.name
        write(part)
        os.replace(part, place)
