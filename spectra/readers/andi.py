"""ANDI/AIA mass spectrometry in classic netCDF (ASTM E2077), as every GC-MS software exports it.

Reads all scans with their scale factors; times in the unit the file names, seconds by default as the
standard has it. Refuses ANDI chromatography (no mass spectra), other netCDF files, and netCDF-4. A count
in the header that the file cannot hold is a truncation, noticed before anything of its size is allocated.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectra.errors import Fault, InvalidMeasurement, UnreadableFile
from spectra.model import Floats, Metadata, Run, ScanTable, Technique, Trace
from spectra.readers.scans import check_limits, scan_table

name = "andi"
formats = ("ANDI/AIA mass spectrometry (netCDF-3)",)

_CLASSIC = (b"CDF\x01", b"CDF\x02")
_OTHERS = {b"CDF\x05": "netCDF with 64-bit data", b"\x89HDF": "HDF5 (netCDF-4, mzMLb)"}
_FILL = 9.0e36  # netCDF writes 9.97e36 where there is no value; ANDI writes -9999
_EXPORT = "Export the run as ANDI/AIA mass spectrometry or as mzML from the instrument's software."
_SAMPLE = (
    "sample_name",
    "sample_internal_id",
    "sample_external_id",
    "experiment_title",
    "administrative_comments",
)
_INSTRUMENT = ("instrument_mfr", "instrument_name", "instrument_model")


class _Whole(BytesIO):
    """Bytes that refuse to give less than was asked for, and never allocate for a lie."""

    def read(self, size: int | None = -1, /) -> bytes:
        got = super().read(size)
        if size is not None and len(got) < size:
            raise UnreadableFile(
                Fault.TRUNCATED,
                where=f"byte {self.tell()}",
                expected=f"{size - len(got)} bytes more, as the header says",
                remedy="Copy or export the file again.",
            )
        return got


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """Any netCDF or HDF5 file."""
    return head.startswith((*_CLASSIC, *_OTHERS))


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    from scipy.io import netcdf_file

    data = path.read_bytes()
    if not data.startswith(_CLASSIC):
        raise _unsupported(f"a classic netCDF file; this is {_OTHERS[data[:4]]}")
    content = netcdf_file(_Whole(data), "r", mmap=False)
    _check_kind(content.variables)
    warnings: list[str] = []
    table = _table(content, warnings)
    texts = {key: _text(value) for key, value in content._attributes.items() if isinstance(value, bytes)}
    if texts.get("experiment_type", "").startswith("Continuum"):
        warnings.append("The spectra are continuum (profile) data; peaks were not picked.")
    return Run(
        _metadata(texts, content.variables), table, _stored_tic(content, table), warnings=tuple(warnings)
    )


def _check_kind(variables: dict[str, Any]) -> None:
    if {"mass_values", "intensity_values", "scan_index"} <= variables.keys():
        return
    if "ordinate_values" in variables:
        raise _unsupported("mass spectra; this is ANDI chromatography, one trace without any spectrum")
    raise _unsupported("the variables mass_values, intensity_values and scan_index of ANDI mass spectrometry")


def _table(content: Any, warnings: list[str]) -> ScanTable:
    variables = content.variables
    mz, intensity = _scaled(variables["mass_values"]), _scaled(variables["intensity_values"])
    index = np.asarray(variables["scan_index"].data, np.int64).ravel()
    count = _point_count(variables, index, len(mz))
    check_limits(count)
    over = np.flatnonzero((count > 0) & ((index < 0) | (index + count > min(len(mz), len(intensity)))))
    if len(over):
        k = int(over[0])
        expected = f"points among the {len(mz)} of the file, not {index[k]} to {index[k] + count[k]}"
        raise UnreadableFile(Fault.MALFORMED, where=f"scan {k + 1}", expected=expected)
    points = np.repeat(index - np.cumsum(count) + count, count) + np.arange(count.sum())
    return scan_table(_times(content, len(index)), count, mz[points], intensity[points], warnings=warnings)


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
    unit = _text(getattr(variable, "units", b"") or getattr(content, "units", b"")).lower()
    seconds = _scaled(variable) * (60.0 if unit.startswith("min") else 1.0)
    return np.where((seconds < 0) | (np.abs(seconds) > _FILL), np.nan, seconds)


def _stored_tic(content: Any, table: ScanTable) -> tuple[Trace, ...]:
    """The total ion current the software wrote, where it is whole."""
    variable = content.variables.get("total_intensity")
    if variable is None or variable.data.size != len(table) or not table.has_time:
        return ()
    value = _scaled(variable)
    if np.any(value < 0) or np.any(value > _FILL):
        return ()
    try:
        return (Trace("TIC as stored", table.rt_s, value, _text(getattr(variable, "units", b""))),)
    except InvalidMeasurement:
        return ()


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
    electron = texts.get("test_ionization_mode", "").lower().startswith("electron impact")
    capillary = texts.get("test_ms_inlet", "").lower().startswith("capillary")
    return Technique.GC_MS if electron and capillary else Technique.UNKNOWN


def _scaled(variable: Any) -> Floats:
    values = np.asarray(variable.data, np.float64).ravel()
    scale, offset = getattr(variable, "scale_factor", 1.0), getattr(variable, "add_offset", 0.0)
    return values * float(scale) + float(offset)


def _characters(variable: Any) -> str:
    return "" if variable is None else _text(variable.data.tobytes())


def _text(raw: bytes) -> str:
    return " ".join(raw.decode("cp1252", "replace").replace("\0", " ").split())


def _unsupported(expected: str) -> UnreadableFile:
    return UnreadableFile(Fault.UNSUPPORTED, where="header", expected=expected, remedy=_EXPORT)
