"""What a run holds as comma-separated tables, one table a kind, every figure exact.

Times are in s, m/z in Th, x in the unit of its axis (cm⁻¹, nm, ppm …), shares as shares; the heading of a
column says so. A run of several kinds becomes several files beside each other. Text cells that a spreadsheet
would take for a formula get an apostrophe in front. What has no place is told by `lost_in_csv`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spectra.errors import InvalidMeasurement
from spectra.model import DiodeArray, Floats, OpticalSpectrum, Run, ScanTable, Trace

_SCAN_HEADINGS = (
    "scan", "time_s", "ms_level", "polarity", "precursor_mz", "collision_ev", "title", "mz", "intensity",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what it holds ("scans", "traces", "spectra", "diode-array"), and its rows, heading first."""

    kind: str
    rows: Iterable[Sequence[object]]


def tables(run: Run) -> tuple[Table, ...]:
    """The tables of a run; traces, and optical spectra, that share their axis stand side by side in one.

    Raises
    ------
    InvalidMeasurement : the run holds nothing.
    """
    found = [Table("scans", _scan_rows(run.scans, run.titles))] if len(run.scans.mz) else []
    found += [Table("traces", _trace_rows(group)) for group in _grouped_traces(run.traces)]
    found += [Table("spectra", _optical_rows(group)) for group in _grouped_spectra(run.optical)]
    found += [Table("diode-array", _array_rows(one)) for one in run.diode_arrays]
    if not found:
        raise InvalidMeasurement("a table needs at least one point")
    return tuple(found)


def write_table(table: Table, path: Path) -> None:
    """Write one table as UTF-8 with a heading. Raises OSError."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(table.rows)


def lost_in_csv(run: Run) -> tuple[str, ...]:
    """What the tables have no place for, in plain words."""
    known = run.metadata
    told = (known.instrument, known.sample_name, known.acquired_at, known.details)
    return ("what the file tells about instrument, sample and date",) if any(told) else ()


def _scan_rows(scans: ScanTable, titles: Sequence[str]) -> Iterator[Sequence[object]]:
    yield _SCAN_HEADINGS
    for scan in range(len(scans)):
        points = slice(int(scans.offset[scan]), int(scans.offset[scan + 1]))
        told = (
            scan + 1,
            _cell(scans.rt_s[scan]),
            int(scans.ms_level[scan]),
            int(scans.polarity[scan]),
            _cell(scans.precursor_mz[scan]),
            _cell(scans.collision_ev[scan]),
            _text(titles[scan]) if titles else "",
        )
        for mz, intensity in zip(scans.mz[points].tolist(), scans.intensity[points].tolist(), strict=True):
            yield (*told, mz, intensity)


def _grouped_traces(traces: Sequence[Trace]) -> list[list[Trace]]:
    groups: dict[bytes, list[Trace]] = {}
    for trace in traces:
        groups.setdefault(trace.time_s.tobytes(), []).append(trace)
    return list(groups.values())


def _grouped_spectra(spectra: Sequence[OpticalSpectrum]) -> list[list[OpticalSpectrum]]:
    groups: dict[tuple[str, bytes], list[OpticalSpectrum]] = {}
    for one in spectra:
        groups.setdefault((_x_heading(one), one.x.tobytes()), []).append(one)
    return list(groups.values())


def _trace_rows(group: Sequence[Trace]) -> Iterator[Sequence[object]]:
    names = [f"{one.name} ({one.unit})" if one.unit else one.name for one in group]
    yield ["time (s)", *map(_text, names)]
    yield from _columns(group[0].time_s, [one.value for one in group])


def _optical_rows(group: Sequence[OpticalSpectrum]) -> Iterator[Sequence[object]]:
    yield [_text(_x_heading(group[0])), *(_text(_y_heading(one)) for one in group)]
    yield from _columns(group[0].x, [one.y for one in group])


def _x_heading(one: OpticalSpectrum) -> str:
    unit = one.unit_of_x.replace("⁻¹", "-1")
    return f"{one.axis.label} ({unit})" if unit else one.axis.label


def _y_heading(one: OpticalSpectrum) -> str:
    heading = f"{one.title} {one.ordinate.value}".strip()
    return f"{heading} ({one.y_unit})" if one.y_unit else heading


def _array_rows(array: DiodeArray) -> Iterator[Sequence[object]]:
    yield ["time (s)", *array.wavelength_nm.tolist()]
    yield from _columns(array.time_s, list(array.value.T))


def _columns(first: Floats, others: Sequence[Floats]) -> Iterator[Sequence[object]]:
    yield from np.column_stack([first, *others]).tolist()


def _cell(value: float) -> object:
    return "" if np.isnan(value) else float(value)


def _text(text: str) -> str:
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    line = " ".join(printable.split())  # a heading of several lines would end the table for most programs
    return f"'{line}" if line.startswith(_FORMULA) else line
