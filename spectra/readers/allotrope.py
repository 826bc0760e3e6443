"""Allotrope Simple Model JSON: the chromatograms and diode arrays of any of its techniques.

Finds every data cube whose first dimension is a time, wherever its document keeps it; times in s, values in
the unit of the measure. Names what it leaves out (cubes of other dimensions, measures of another length).
Warns where the peaks of the file lie after the end of its chromatogram, as they do where times are minutes
under the name of seconds. Refuses JSON of other kinds, and a file without such a cube.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import Fault, InvalidMeasurement, UnreadableFile
from spectra.model import DiodeArray, Floats, Metadata, Run, Technique, Trace
from spectra.readers.scans import MAX_POINTS

name = "allotrope"
formats = ("Allotrope ASM JSON",)

_SIGN = re.compile(rb'\s*(?:\xef\xbb\xbf)?\{.{0,300}"\$asm\.manifest"', re.DOTALL)
_SECONDS = {"s": 1.0, "second": 1.0, "ms": 1e-3, "min": 60.0, "minute": 60.0, "h": 3600.0, "hour": 3600.0}
_MAX_DEPTH = 40
_SAMPLE = ("written name", "sample identifier", "sample name")
_WHEN = ("injection time", "measurement time", "data acquisition time")
_DEVICE = ("model number", "equipment serial number", "asset management identifier", "device identifier")
_DETAILS = (
    "device method identifier", "submitter", "analyst", "description", "detection type", "device type",
    "product manufacturer", "chromatography column part number", "injection identifier", "sampling type",
    "software name", "software version", "data system instance identifier", "file name",
)  # fmt: skip


@dataclass(slots=True)
class _Found:
    traces: list[Trace] = field(default_factory=list)
    arrays: list[DiodeArray] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    peaks_s: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """A JSON object that begins with the manifest of an Allotrope model."""
    return _SIGN.match(head) is not None


def read(path: Path) -> Run:
    """The chromatograms and diode arrays; times in s. Raises `UnreadableFile`."""
    import msgspec

    data = path.read_bytes()
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        cut = "truncated" in str(error)
        place = f"byte {len(data)}" if cut else str(error).rpartition("(")[2].rstrip(")")[:60]
        fault = Fault.TRUNCATED if cut else Fault.MALFORMED
        remedy = "Export or copy the file again."
        raise UnreadableFile(fault, where=place, expected="well-formed JSON", remedy=remedy) from error
    if not isinstance(document, dict):
        raise UnreadableFile(Fault.MALFORMED, expected="a JSON object")
    found = _Found()
    for key, value in _walk(document, 0):
        _take(found, key, value)
    if not (found.traces or found.arrays):
        expected = "a data cube with times; this file holds none"
        raise UnreadableFile(Fault.NO_SIGNAL, expected=expected)
    _note_peaks(found)
    return Run(
        _metadata(document, found),
        traces=tuple(found.traces),
        warnings=tuple(found.warnings),
        diode_arrays=tuple(found.arrays),
    )


def _walk(value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Every key of the document with its value, in the document's order; cubes are not entered."""
    if depth > _MAX_DEPTH:
        raise UnreadableFile(Fault.TOO_LARGE, expected=f"at most {_MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            if not _is_cube(inner):
                yield from _walk(inner, depth + 1)
    elif isinstance(value, list) and value and isinstance(value[0], dict | list):
        for inner in value:
            yield from _walk(inner, depth + 1)


def _is_cube(value: Any) -> bool:
    return isinstance(value, dict) and "cube-structure" in value and "data" in value


def _take(found: _Found, key: str, value: Any) -> None:
    if _is_cube(value):
        _take_cube(found, key, value)
    elif isinstance(value, list) and value and all(map(_is_cube, value)):
        return  # its members come by themselves
    elif key == "retention time" and isinstance(value, dict):
        _note_peak(found, value)
    elif isinstance(value, str) and value:
        found.texts.setdefault(key, value)


def _take_cube(found: _Found, key: str, cube: dict[str, Any]) -> None:
    label = str(cube.get("label") or key.removesuffix(" data cube"))[:200]
    try:
        axes, axis_values = _described(cube, "dimensions")
        measures, values = _described(cube, "measures")
        if not axes or not measures or "time" not in axes[0][0]:
            found.warnings.append(f"The data cube {label!r} has no axis of time; it was left out.")
        elif len(axes) == 1:
            found.traces += _traces(label, axes[0][1], axis_values[0], measures, values, found.warnings)
        elif len(axes) == 2 and "wavelength" in axes[1][0]:
            found.arrays.append(_array(label, axes[0][1], axis_values, measures[0], values[0]))
        else:
            found.warnings.append(f"The data cube {label!r} has {len(axes)} axes; it was left out.")
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, UnreadableFile | InvalidMeasurement):
            raise
        found.warnings.append(f"The data cube {label!r} could not be understood; it was left out.")


def _described(cube: dict[str, Any], part: str) -> tuple[list[tuple[str, str]], list[Any]]:
    """(concept, unit) and figures of the dimensions or the measures of a cube."""
    described = [
        (str(one["concept"]).lower(), str(one.get("unit", ""))) for one in cube["cube-structure"][part]
    ]
    figures = list(cube["data"].get(part) or [])
    if len(figures) != len(described):
        raise ValueError(part)
    return described, figures


def _floats(figures: Any) -> Floats:
    """(n,) float64, NaN for null."""
    if len(figures) > MAX_POINTS:
        raise UnreadableFile(Fault.TOO_LARGE, expected=f"at most {MAX_POINTS} values")
    return np.array(figures, dtype=np.float64)


def _traces(
    label: str, unit: str, axis: Any, measures: list[tuple[str, str]], values: list[Any], warnings: list[str]
) -> list[Trace]:
    found = []
    times = _floats(axis) * _seconds(unit, label, warnings)
    for (concept, value_unit), figures in zip(measures, values, strict=True):
        value = _floats(figures)
        if len(value) != len(times):
            warnings.append(f"{label!r} has {len(times)} times and {len(value)} values; it was left out.")
            continue
        whole = np.isfinite(times) & np.isfinite(value)
        if not whole.all():
            warnings.append(f"{int((~whole).sum())} points of {label!r} without a value were left out.")
        title = label if len(measures) == 1 else f"{label}, {concept}"
        order = np.argsort(times[whole], kind="stable")
        found.append(Trace(title, times[whole][order], value[whole][order], value_unit))
    return found


def _array(label: str, unit: str, axes: list[Any], measure: tuple[str, str], figures: Any) -> DiodeArray:
    """A cube of time and wavelength, its values row by row or in one list."""
    times, wavelengths = _floats(axes[0]), _floats(axes[1])
    values = _floats([one for row in figures for one in row] if isinstance(figures[0], list) else figures)
    if len(times) == len(wavelengths) == len(values):  # one row for each value
        times, wavelengths = np.unique(times), np.unique(wavelengths)
    values = values.reshape(len(times), len(wavelengths))
    return DiodeArray(label, times * _seconds(unit, label, []), wavelengths, values, measure[1])


def _seconds(unit: str, label: str, warnings: list[str]) -> float:
    factor = _SECONDS.get(unit.strip().lower())
    if factor is None:
        warnings.append(f"The times of {label!r} have the unit {unit[:20]!r}; they were taken as seconds.")
    return factor or 1.0


def _note_peak(found: _Found, value: dict[str, Any]) -> None:
    at, unit = value.get("value"), str(value.get("unit", "")).strip().lower()
    if isinstance(at, int | float) and unit in _SECONDS:
        found.peaks_s.append(float(at) * _SECONDS[unit])


def _note_peaks(found: _Found) -> None:
    ends = [trace.time_s[-1] for trace in found.traces if len(trace.time_s)]
    beyond = [at for at in found.peaks_s if ends and at > max(ends)]
    if beyond:
        found.warnings.append(
            f"{len(beyond)} of {len(found.peaks_s)} peaks of the file lie after the end of its chromatogram "
            f"({max(ends):.6g} s); its times may be minutes, or the peaks of another run."
        )


def _metadata(document: dict[str, Any], found: _Found) -> Metadata:
    texts = found.texts
    kept = {key: texts[key][:500] for key in _DETAILS if key in texts}
    manifest = str(document.get("$asm.manifest", ""))[:500]
    peaks = {"peaks": f"{len(found.peaks_s)} in the file's own list"} if found.peaks_s else {}
    return Metadata(
        format="Allotrope ASM JSON",
        reader=name,
        technique=_technique(manifest),
        instrument=_told(texts, _DEVICE),
        acquired_at=_told(texts, _WHEN),
        sample_name=_told(texts, _SAMPLE),
        details=kept | peaks | {"manifest": manifest},
    )


def _told(texts: dict[str, str], keys: tuple[str, ...]) -> str:
    return next((texts[key][:500] for key in keys if key in texts), "")


def _technique(manifest: str) -> Technique:
    if "gas-chromatography" in manifest:
        return Technique.GC
    return Technique.LC if "liquid-chromatography" in manifest else Technique.UNKNOWN
