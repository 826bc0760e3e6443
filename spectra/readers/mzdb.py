"""mzDB 0.7: runs as an SQLite database of bounding boxes, read with the standard library.

A reader of our own: no Python library of the format is kept. The database is opened read-only, only plain
tables are asked, and a query that runs away is stopped. Peaks of boxes are put together by spectrum and
checked against the number that the spectrum's row announces. Refuses compressed boxes, and other databases
(Bruker TDF …) by name.

Layout of a box: for each spectrum number u32, peaks u32, then peaks of m/z and height, 8 or 4 bytes each as
``data_encoding`` tells, and two half-widths of 4 bytes where its mode is "fitted".
"""

from __future__ import annotations

import re
import sqlite3
import struct
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Metadata, Run, ScanTable, Technique
from spectra.readers.scans import check_limits, scan_table

name = "mzdb"
formats = ("mzDB",)

_MAGIC = b"SQLite format 3\0"
_NEEDED = {"mzdb", "spectrum", "bounding_box", "data_encoding"}
_OTHERS = {"GlobalMetadata": "a Bruker TDF or TSF file", "Frames": "a Bruker TDF or TSF file"}
_BOX_HEAD = struct.Struct("<II")  # number of a spectrum, number of peaks
_STEPS, _MAX_CALLS = 1_000_000, 500
_PRECISION = {32: "f4", 64: "f8"}
_POLARITIES = (("MS:1000130", 1), ("MS:1000129", -1))
_ENERGY = re.compile(
    r"""accession\s*=\s*"MS:1000045"[^>]{0,300}?value\s*=\s*"([\d.]{1,20})"|"""
    r"""value\s*=\s*"([\d.]{1,20})"[^>]{0,300}?accession\s*=\s*"MS:1000045\""""
)
_SPECTRA = (
    "SELECT id, time, ms_level, main_precursor_mz, data_points_count, param_tree, precursor_list,"
    " data_encoding_id FROM spectrum ORDER BY id"
)
_REMEDY = "Convert the run to mzML with ProteoWizard's msconvert."


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """Any SQLite database."""
    return head.startswith(_MAGIC)


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as base:
            return _read(base)
    except sqlite3.DatabaseError as error:
        fault = Fault.TIMED_OUT if "interrupted" in str(error) else Fault.MALFORMED
        raise UnreadableFile(fault, expected="a whole mzDB database", remedy=_REMEDY) from error


def _read(base: sqlite3.Connection) -> Run:
    calls = iter(range(_MAX_CALLS))
    base.set_progress_handler(lambda: next(calls, None) is None, _STEPS)
    base.execute("PRAGMA trusted_schema=OFF")
    _check_tables(base)
    spectra = base.execute(_SPECTRA).fetchall()
    check_limits([_whole(row[4]) for row in spectra])
    points = _points(base, {_whole(row[0]): _whole(row[7]) for row in spectra})
    warnings: list[str] = []
    table = _table(spectra, points, _profiles(base), warnings)
    return Run(_metadata(base), table, warnings=tuple(warnings))


def _check_tables(base: sqlite3.Connection) -> None:
    kinds = dict(base.execute("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"))
    what = next((text for table, text in _OTHERS.items() if table in kinds), "an SQLite database")
    if any(kinds.get(table) != "table" for table in _NEEDED):
        expected = f"a format that is read; this is {what}"
        raise UnreadableFile(Fault.UNSUPPORTED, where="byte 0", expected=expected, remedy=_REMEDY)


def _whole(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**32:
        raise UnreadableFile(Fault.MALFORMED, where="table spectrum", expected="whole numbers")
    return value


def _encodings(base: sqlite3.Connection) -> dict[int, np.dtype[Any]]:
    """The layout of a peak by the number of its encoding."""
    found = {}
    rows = base.execute(
        "SELECT id, mode, compression, byte_order, mz_precision, intensity_precision FROM data_encoding"
    )
    for number, mode, compression, order, mz, intensity in rows:
        if (compression or "none") != "none" or mz not in _PRECISION or intensity not in _PRECISION:
            expected = "boxes without compression"
            raise UnreadableFile(
                Fault.UNSUPPORTED, where="table data_encoding", expected=expected, remedy=_REMEDY
            )
        sign = ">" if str(order).startswith("big") else "<"
        fields = [("mz", sign + _PRECISION[mz]), ("intensity", sign + _PRECISION[intensity])]
        found[number] = np.dtype(fields + ([("widths", "V8")] if mode == "fitted" else []))
    return found


def _profiles(base: sqlite3.Connection) -> set[int]:
    return {number for (number,) in base.execute("SELECT id FROM data_encoding WHERE mode = 'profile'")}


def _points(base: sqlite3.Connection, encoding: dict[int, int]) -> dict[int, list[Any]]:
    """Chunks of peaks by spectrum, in no order."""
    layouts = _encodings(base)
    found: dict[int, list[Any]] = defaultdict(list)
    for number, box in base.execute("SELECT id, data FROM bounding_box"):
        place = 0
        while place < len(box):
            spectrum, count = _BOX_HEAD.unpack_from(box, place) if place + 8 <= len(box) else (-1, 0)
            layout = layouts.get(encoding.get(spectrum, -1))
            if layout is None or place + 8 + count * layout.itemsize > len(box):
                where = f"bounding box {number}"
                raise UnreadableFile(Fault.MALFORMED, where=where, expected="peaks of known spectra")
            found[spectrum].append(np.frombuffer(box, layout, count, place + 8))
            place += 8 + count * layout.itemsize
    return found


def _table(
    spectra: list[Any], points: dict[int, list[Any]], profiles: set[int], warnings: list[str]
) -> ScanTable:
    for row in spectra:
        held = sum(len(chunk) for chunk in points.get(row[0], ()))
        if held != row[4]:
            expected = f"{row[4]} peaks, not {held}"
            raise UnreadableFile(
                Fault.TRUNCATED, where=f"spectrum {row[0]}", expected=expected, remedy=_REMEDY
            )
    chunks = [chunk for row in spectra for chunk in points.get(row[0], ())]
    return scan_table(
        [_number(row[1]) for row in spectra],
        [row[4] for row in spectra],
        np.concatenate([chunk["mz"] for chunk in chunks]) if chunks else (),
        np.concatenate([chunk["intensity"] for chunk in chunks]) if chunks else (),
        warnings=warnings,
        ms_level=[max(_whole(row[2]), 1) for row in spectra],
        precursor_mz=[_number(row[3]) for row in spectra],
        polarity=[next((sign for code, sign in _POLARITIES if code in str(row[5])), 0) for row in spectra],
        collision_ev=[_energy(str(row[6] or "")) for row in spectra],
        profile=[row[7] in profiles for row in spectra],
        any_order=True,
    )


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else np.nan


def _energy(text: str) -> float:
    found = _ENERGY.search(text)
    try:
        return float(found[1] or found[2]) if found else np.nan
    except ValueError:
        return np.nan


def _metadata(base: sqlite3.Connection) -> Metadata:
    run, started = (base.execute("SELECT name, start_timestamp FROM run LIMIT 1").fetchone() or ("", ""))[:2]
    (sample,) = base.execute("SELECT name FROM sample LIMIT 1").fetchone() or ("",)
    (parts,) = base.execute("SELECT component_list FROM instrument_configuration LIMIT 1").fetchone() or ("",)
    (software,) = base.execute("SELECT group_concat(name || ' ' || version, ', ') FROM software").fetchone()
    electrospray = re.search(r"MS:10000(?:73|70)\b", str(parts))  # electrospray, chemical at atmosphere
    details = {"run": run, "software": software}
    return Metadata(
        format="mzDB",
        reader=name,
        technique=Technique.LC_MS if electrospray else Technique.UNKNOWN,
        acquired_at=str(started or ""),
        sample_name=str(sample or ""),
        details={key: str(value)[:500] for key, value in details.items() if value},
    )
