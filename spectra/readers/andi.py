"""ANDI/AIA mass spectrometry in classic netCDF (ASTM E2077), as every GC-MS software exports it.

Reads all scans with their scale factors; times in the unit the file names, seconds by default as the
standard has it; the polarity of the run, and the names of a library's entries. Continuum scans are reduced to
peaks. Refuses netCDF files of other kinds, and netCDF-4. A count in the header that the file cannot hold is a
truncation, noticed before anything of its size is allocated.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectra.errors import Fault, InvalidMeasurement, UnreadableFile
from spectra.model import Floats, Metadata, Run, ScanTable, Technique, Trace
from spectra.readers.netcdf import CLASSIC, FILL, open_classic, scaled, text
from spectra.readers.scans import check_limits, scan_table

name = "andi"
formats = ("ANDI/AIA mass spectrometry (netCDF-3)",)

_OTHERS = {b"CDF\x05": "netCDF with 64-bit data"}
_EXPORT = "Export the run as ANDI/AIA mass spectrometry or as mzML from the instrument's software."
_SAMPLE = (
    "sample_name",
    "sample_internal_id",
    "sample_external_id",
    "experiment_title",
    "administrative_comments",
)
_POLARITY = {"Positive Polarity": 1, "Negative Polarity": -1}
_NO_NUMBER = -9999
_LEAST_POINTS, _LARGEST_STEP = 5, 0.5  # of a scan that samples a continuum; Th
_INSTRUMENT = ("instrument_mfr", "instrument_name", "instrument_model")


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """Any netCDF file but netCDF-4, which is HDF5."""
    return head.startswith((*CLASSIC, *_OTHERS))


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    data = path.read_bytes()
    if not data.startswith(CLASSIC):
        raise _unsupported(f"a classic netCDF file; this is {_OTHERS[data[:4]]}")
    content = open_classic(data)
    _check_kind(content.variables)
    warnings: list[str] = []
    texts = {key: _written(value) for key, value in content._attributes.items()}
    table = _table(content, texts, warnings)
    return Run(
        _metadata(texts, content.variables),
        table,
        _stored_tic(content, table),
        _titles(content.variables, table),
        tuple(warnings),
    )


def _written(value: Any) -> str:
    """A text, or a number unless it stands for none."""
    if isinstance(value, bytes):
        return text(value)
    return str(value) if np.ndim(value) == 0 and value != _NO_NUMBER else ""


def _check_kind(variables: dict[str, Any]) -> None:
    if {"mass_values", "intensity_values", "scan_index"} <= variables.keys():
        return
    raise _unsupported("the variables mass_values, intensity_values and scan_index of ANDI mass spectrometry")


def _table(content: Any, texts: dict[str, str], warnings: list[str]) -> ScanTable:
    variables = content.variables
    mz, intensity = scaled(variables["mass_values"]), scaled(variables["intensity_values"])
    index = np.asarray(variables["scan_index"].data, np.int64).ravel()
    count = _point_count(variables, index, len(mz))
    check_limits(count)
    over = np.flatnonzero((count > 0) & ((index < 0) | (index + count > min(len(mz), len(intensity)))))
    if len(over):
        k = int(over[0])
        expected = f"points among the {len(mz)} of the file, not {index[k]} to {index[k] + count[k]}"
        raise UnreadableFile(Fault.MALFORMED, where=f"scan {k + 1}", expected=expected)
    points = np.repeat(index - np.cumsum(count) + count, count) + np.arange(count.sum())
    mz = mz[points]
    return scan_table(
        _times(content, len(index)),
        count,
        mz,
        intensity[points],
        warnings=warnings,
        polarity=np.full(len(count), _POLARITY.get(texts.get("test_ionization_polarity", ""), 0)),
        profile=_profile(texts, count, mz, warnings),
    )


def _profile(
    texts: dict[str, str], count: NDArray[np.int64], mz: Floats, warnings: list[str]
) -> NDArray[np.bool_]:
    """Scans of a file that says continuum, but for points that stand apart (selected ions, sparse scans)."""
    if not texts.get("experiment_type", "").startswith("Continuum"):
        return np.zeros(len(count), np.bool_)
    ends = np.cumsum(count)
    scans = (mz[end - n : end] for n, end in zip(count, ends, strict=True))
    dense = np.array([len(one) >= _LEAST_POINTS and np.median(np.diff(one)) < _LARGEST_STEP for one in scans])
    apart = int((~dense & (count > 0)).sum())
    if apart:
        warnings.append(
            f"{apart} scans call themselves continuum, but their points stand apart; all were kept."
        )
    return dense


def _point_count(variables: dict[str, Any], index: NDArray[np.int64], points: int) -> NDArray[np.int64]:
    if "point_count" not in variables:
        return np.maximum(np.diff(index, append=points), 0)
    count = np.asarray(variables["point_count"].data, np.int64).ravel()
    if len(count) != len(index):
        raise UnreadableFile(
            Fault.MALFORMED, where="point_count", expected=f"one entry for each of {len(index)} scans"
        )
    return np.maximum(count, 0)


def _times(content: Any, scans: int) -> Floats:
    variable = content.variables.get("scan_acquisition_time")
    if variable is None or variable.data.size != scans:
        return np.full(scans, np.nan)
    unit = text(getattr(variable, "units", b"") or getattr(content, "units", b"")).lower()
    seconds = scaled(variable) * (60.0 if unit.startswith("min") else 1.0)
    return np.where((seconds < 0) | (np.abs(seconds) > FILL), np.nan, seconds)


def _stored_tic(content: Any, table: ScanTable) -> tuple[Trace, ...]:
    """The total ion current the software wrote, where it is whole."""
    variable = content.variables.get("total_intensity")
    if variable is None or variable.data.size != len(table) or not table.has_time:
        return ()
    value = scaled(variable)
    if np.any(value < 0) or np.any(value > FILL):
        return ()
    try:
        return (Trace("TIC as stored", table.rt_s, value, text(getattr(variable, "units", b""))),)
    except InvalidMeasurement:
        return ()


def _titles(variables: dict[str, Any], table: ScanTable) -> tuple[str, ...]:
    """The names of a library's entries."""
    names = variables.get("entry_name")
    if names is None or table.has_time or names.data.ndim != 2 or len(names.data) != len(table):
        return ()
    return tuple(text(row.tobytes())[:200] for row in names.data)


def _metadata(texts: dict[str, str], variables: dict[str, Any]) -> Metadata:
    instrument = " ".join(filter(None, (_characters(variables.get(key)) for key in _INSTRUMENT)))
    return Metadata(
        format="ANDI/AIA mass spectrometry",
        reader=name,
        technique=_technique(texts),
        instrument=instrument or texts.get("source_file_format", ""),
        acquired_at=texts.get("experiment_date_time_stamp", ""),
        sample_name=next((texts[key] for key in _SAMPLE if texts.get(key)), ""),
        details={key: value[:500] for key, value in texts.items() if value},
    )


def _technique(texts: dict[str, str]) -> Technique:
    separation = texts.get("test_separation_type", "").lower()
    if "gas" in separation:
        return Technique.GC_MS
    if "liquid" in separation:
        return Technique.LC_MS
    if texts.get("experiment_type", "").startswith("Library"):
        return Technique.MS
    electron = texts.get("test_ionization_mode", "").lower().startswith("electron impact")
    capillary = texts.get("test_ms_inlet", "").lower().startswith("capillary")
    return Technique.GC_MS if electron and capillary else Technique.UNKNOWN


def _characters(variable: Any) -> str:
    return "" if variable is None else text(variable.data.tobytes())


def _unsupported(expected: str) -> UnreadableFile:
    return UnreadableFile(Fault.UNSUPPORTED, where="header", expected=expected, remedy=_EXPORT)
