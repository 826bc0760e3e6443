"""ANDI/AIA chromatography in classic netCDF (ASTM E1947): one detector trace with what was said about it.

Times are the delay plus the number of the sample times the interval, or the file's own list where sampling
was uneven; in seconds unless the file says minutes. The peaks the software integrated are kept as text
("name @ s: area"). Refuses a file without values, and one with neither an interval nor a list of times.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Floats, Metadata, Run, Technique, Trace
from spectra.readers.netcdf import CLASSIC, FILL, open_classic, scaled, text, texts
from spectra.readers.scans import MAX_POINTS

name = "andi_chromatography"
formats = ("ANDI/AIA chromatography (netCDF-3)",)

_NAMES_OF_VARIABLES = 1 << 16  # bytes of the header in which a variable's name is looked for
_DETECTOR = ("detector_name", "detection_method_comments", "detector_method_comments")
_SAMPLE = ("sample_name", "sample_id", "experiment_title", "source_file_reference")
_EMPTY = ("", "none", "unknown")
_GAS = re.compile(r"\bgas\b|\bgc\b|flame|fid\b|\btcd\b|\becd\b", re.IGNORECASE)
_LIQUID = re.compile(r"liquid|lc\b|\bdad|\buv|\bvwd|\bmwd|\brid", re.IGNORECASE)
_MAX_PEAKS = 100
_DIFFERENT = 0.05  # of the length of the run


def recognises(head: bytes, path: Path) -> bool:
    """A classic netCDF file with values of one detector and without masses."""
    if not head.startswith(CLASSIC) or not path.is_file():
        return False
    with path.open("rb") as stream:
        names = stream.read(_NAMES_OF_VARIABLES)
    return b"ordinate_values" in names and b"mass_values" not in names


def read(path: Path) -> Run:
    """The trace; times in s, values in the unit the file names. Raises `UnreadableFile`."""
    content = open_classic(path.read_bytes())
    warnings: list[str] = []
    told = texts(content)
    value = _values(content.variables)
    seconds = 60.0 if _told(told, "retention_unit", "retention_units").lower().startswith("min") else 1.0
    time = _times(content, len(value), told, warnings) * seconds
    usable = np.isfinite(value) & (np.abs(value) < FILL) & np.isfinite(time)
    if not usable.all():
        warnings.append(f"{int((~usable).sum())} points without a usable time or value were left out.")
        time, value = time[usable], value[usable]
    if np.any(np.diff(time) < 0):
        warnings.append("The points were not in the order of time; they were sorted.")
        order = np.argsort(time, kind="stable")
        time, value = time[order], value[order]
    label = _told(told, *_DETECTOR) or "detector"
    trace = Trace(label, time, value, _told(told, "detector_unit", "detector_units"))
    metadata = _metadata(told, label, _peaks(content.variables, seconds))
    return Run(metadata, traces=(trace,), warnings=tuple(warnings))


def _values(variables: dict[str, Any]) -> Floats:
    value = scaled(variables["ordinate_values"])
    if not len(value):
        raise UnreadableFile(Fault.NO_SIGNAL, where="ordinate_values", expected="at least one value")
    if len(value) > MAX_POINTS:
        raise UnreadableFile(Fault.TOO_LARGE, expected=f"at most {MAX_POINTS} values")
    return value


def _times(content: Any, count: int, told: dict[str, str], warnings: list[str]) -> Floats:
    """(count,) in the file's unit."""
    listed = content.variables.get("raw_data_retention")
    if listed is not None and listed.data.size == count:
        return scaled(listed)
    interval = _scalar(content, "actual_sampling_interval", told)
    delay = _scalar(content, "actual_delay_time", told)
    length = _scalar(content, "actual_run_time_length", told)
    if not np.isfinite(interval) or interval <= 0:
        if not np.isfinite(length) or length <= 0:
            expected = "the time between two values"
            raise UnreadableFile(Fault.MALFORMED, where="actual_sampling_interval", expected=expected)
        interval = length / max(count - 1, 1)
        warnings.append("The file states no interval of sampling; it was taken from the length of the run.")
    elif length > 0 and abs(interval * count / length - 1) > _DIFFERENT:
        covered = f"the values cover {interval * count:g}"
        warnings.append(f"The file states a run of {length:g}, but {covered} in the same unit.")
    start = delay if np.isfinite(delay) and abs(delay) < FILL else 0.0
    return start + interval * np.arange(count, dtype=np.float64)


def _scalar(content: Any, key: str, told: dict[str, str]) -> float:
    """A single figure, which some software writes as a variable and some as an attribute; NaN if none."""
    variable = content.variables.get(key)
    if variable is not None and np.size(variable.data):
        return float(np.ravel(variable.data)[0])
    try:
        return float(told.get(key, "nan"))
    except ValueError:
        return float("nan")


def _peaks(variables: dict[str, Any], seconds: float) -> str:
    """What the software integrated, one peak after another."""
    time, area = variables.get("peak_retention_time"), variables.get("peak_area")
    if time is None or area is None or np.size(time.data) != np.size(area.data):
        return ""
    labels = variables.get("peak_name")
    found = []
    for k, (at, size) in enumerate(zip(scaled(time)[:_MAX_PEAKS] * seconds, scaled(area), strict=False)):
        label = text(labels.data[k].tobytes()) if labels is not None and k < len(labels.data) else ""
        found.append(f"{label} @ {at:.1f} s: {size:.6g}".strip())
    return "; ".join(found)


def _metadata(told: dict[str, str], label: str, peaks: str) -> Metadata:
    details = {key: value[:500] for key, value in told.items() if value.lower() not in _EMPTY}
    return Metadata(
        format="ANDI/AIA chromatography",
        reader=name,
        technique=_technique(f"{told.get('separation_experiment_type', '')} {label}"),
        instrument=_told(told, "instrument_name", "dataset_origin"),
        acquired_at=_told(told, "injection_date_time_stamp", "dataset_date_time_stamp", "HP_injection_time"),
        sample_name=_told(told, *_SAMPLE),
        details=details | ({"peaks": peaks[:4000]} if peaks else {}),
    )


def _technique(said: str) -> Technique:
    said = said.replace("_", " ")
    if _LIQUID.search(said) and "gas liquid" not in said.lower():
        return Technique.LC
    return Technique.GC if _GAS.search(said) else Technique.UNKNOWN


def _told(told: dict[str, str], *keys: str) -> str:
    """The first of ``keys`` that says something."""
    return next((told[key] for key in keys if told.get(key, "").lower() not in _EMPTY), "")
