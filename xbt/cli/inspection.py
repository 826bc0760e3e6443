"""What a file holds, as values that print as text or as JSON (docs/formats.md describes the fields)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from spectra.errors import UnreadableFile
from spectra.figures import strongest_scan
from spectra.model import FALLING_AXES, Axis, DiodeArray, Floats, OpticalSpectrum, Run, ScanTable, Trace
from xbt.cli.sketch import sketch

SCHEMA = "xbt.inspection/1"
_POLARITY = {1: "positive", -1: "negative", 0: "not told"}
_NAMED = 20  # titles and items that are listed one by one

Span = tuple[float, float]


class Scans(msgspec.Struct, frozen=True):
    """The mass scans: counts by MS level and polarity, and where they lie."""

    count: int
    points: int
    levels: dict[str, int]
    polarity: dict[str, int]
    mz: Span | None
    time_s: Span | None
    precursors: int
    collision_ev: list[float]
    titles: list[str]


class Signal(msgspec.Struct, frozen=True):
    """A trace, an optical spectrum or a diode array."""

    kind: str
    name: str
    unit: str
    points: int
    time_s: Span | None = None
    x: Span | None = None
    x_unit: str = ""
    value: Span | None = None


class Inspection(msgspec.Struct, frozen=True):
    """One file that was read."""

    path: str
    format: str
    reader: str
    technique: str
    instrument: str
    acquired_at: str
    sample_name: str
    simulated: bool
    details: dict[str, str]
    scans: Scans | None
    signals: list[Signal]
    warnings: list[str]


class Refusal(msgspec.Struct, frozen=True):
    """One file that was not."""

    path: str
    fault: str
    message: str
    where: str
    expected: str
    remedy: str


class Report(msgspec.Struct, frozen=True):
    """Everything asked for, in order."""

    files: list[Inspection]
    refused: list[Refusal]
    schema: str = SCHEMA


def inspection_of(run: Run, path: str) -> Inspection:
    """What the run holds."""
    known = run.metadata
    signals = [
        *map(_optical, run.optical),
        *map(_array, run.diode_arrays),
        *map(_trace, run.traces),  # last, since some files hold dozens
    ]
    return Inspection(
        path=path,
        format=known.format,
        reader=known.reader,
        technique=known.technique.value,
        instrument=known.instrument,
        acquired_at=known.acquired_at,
        sample_name=known.sample_name,
        simulated=known.simulated,
        details=dict(known.details),
        scans=_scans(run.scans, run.titles) if len(run.scans) else None,
        signals=signals,
        warnings=list(run.warnings),
    )


def refusal_of(error: UnreadableFile, path: str) -> Refusal:
    """Why a file was not read."""
    return Refusal(path, error.fault.value, str(error), error.where, error.expected, error.remedy)


def missing(path: str) -> Refusal:
    """There is nothing at the place."""
    message = f"{path}: no such file. Check the name, or drag the file into the terminal."
    return Refusal(path, "missing", message, "", "a file", "Check the name.")


def plain(text: str) -> str:
    """A text out of a file, in one line and without what a terminal would obey."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def picture(run: Run) -> list[str]:
    """The first of what a run holds as a small drawing: scans over time, a spectrum, a trace."""
    if len(run.scans) > 1 and run.scans.has_time:
        first = run.scans.level(int(run.scans.ms_level.min()))
        return sketch(first.rt_s, first.total_ion_current())
    if len(run.scans.mz):
        spectrum = run.scans.spectrum(strongest_scan(run.scans))
        return sketch(spectrum.mz, spectrum.intensity, sticks=True) if len(spectrum) else []
    if run.optical and len(run.optical[0].x):
        one = run.optical[0]
        return sketch(one.x, one.y, falling=one.axis in FALLING_AXES)
    if run.diode_arrays and run.diode_arrays[0].value.size:
        array = run.diode_arrays[0]
        return sketch(array.time_s, array.value.max(axis=1))
    trace = next((trace for trace in run.traces if len(trace.value)), None)
    return sketch(trace.time_s, trace.value) if trace else []


def in_short(found: Inspection) -> str:
    """What a file holds, in a line: "621 scans 2.0–15.3 min, m/z 35–300; TIC as stored"."""
    return plain("; ".join([*_scan_line(found), *_signal_lines(found, 3)]))


def lines(found: Inspection) -> Iterator[str]:
    """What a file holds, a line each."""
    for label, text in (
        ("read as", f"{found.format} (reader {found.reader})"),
        ("technique", found.technique),
        ("instrument", found.instrument),
        ("sample", found.sample_name),
        ("acquired", found.acquired_at),
    ):
        if text:
            yield _row(label, text)
    for line in _scan_line(found):
        yield _row("scans", line)
    if found.scans:
        yield from (_row(label, text) for label, text in _scan_details(found.scans) if text)
    for line in _signal_lines(found, _NAMED):
        yield _row("signal", line)
    for key, value in found.details.items():
        yield _row(key[:24], value[:110])
    for warning in found.warnings:
        yield _row("note", warning)


def _row(label: str, text: str) -> str:
    return f"{plain(label):>24}  {plain(text)}"


def _scan_line(found: Inspection) -> list[str]:
    scans = found.scans
    if not scans:
        return []
    when = f" {_minutes(scans.time_s)}" if scans.time_s else ""
    where = f", m/z {_span(scans.mz)}" if scans.mz else ""
    return [f"{scans.count} scans{when}{where}, {scans.points} ions"]


def _scan_details(scans: Scans) -> Iterator[tuple[str, str]]:
    yield "MS levels", ", ".join(f"MS{level}: {count}" for level, count in scans.levels.items())
    told = scans.polarity.keys() != {_POLARITY[0]}
    yield "polarity", ", ".join(f"{sign}: {n}" for sign, n in scans.polarity.items()) if told else ""
    yield "precursors", str(scans.precursors or "")
    energies = ", ".join(f"{ev:g}" for ev in scans.collision_ev)
    yield "collision energy", f"{energies} eV" if energies else ""
    yield "spectra of", ", ".join(filter(None, scans.titles))[:110]


def _signal_lines(found: Inspection, most: int) -> list[str]:
    told = [_signal_line(one) for one in found.signals[:most]]
    more = len(found.signals) - most
    return [*told, f"and {more} more"] if more > 0 else told


def _signal_line(one: Signal) -> str:
    when = f", {_minutes(one.time_s)}" if one.time_s else ""
    where = f", {_span(one.x)} {one.x_unit}" if one.x else ""
    unit = f" ({one.unit})" if one.unit else ""
    return f"{one.kind} {one.name}{unit}: {one.points} points{where}{when}".replace(" :", ":")


def _minutes(span: Span) -> str:
    return f"{span[0] / 60:.2f}–{span[1] / 60:.2f} min"


def _span(span: Span | None) -> str:
    return f"{span[0]:.6g}–{span[1]:.6g}" if span else ""


def _extent(values: Floats) -> Span | None:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else None


def _scans(scans: ScanTable, titles: tuple[str, ...]) -> Scans:
    energies = scans.collision_ev[np.isfinite(scans.collision_ev)]
    return Scans(
        count=len(scans),
        points=len(scans.mz),
        levels={str(level): count for level, count in _counted(scans.ms_level)},
        polarity={_POLARITY[sign]: count for sign, count in _counted(scans.polarity)},
        mz=_extent(scans.mz),
        time_s=_extent(scans.rt_s),
        precursors=len(np.unique(scans.precursor_mz[np.isfinite(scans.precursor_mz)])),
        collision_ev=np.unique(energies)[:_NAMED].tolist(),
        titles=list(titles[:_NAMED]),
    )


def _counted(values: np.ndarray) -> list[tuple[int, int]]:
    found, counts = np.unique(values, return_counts=True)
    return list(zip(found.tolist(), counts.tolist(), strict=True))


def _trace(one: Trace) -> Signal:
    return Signal(
        "trace", one.name, one.unit, len(one.value), time_s=_extent(one.time_s), value=_extent(one.value)
    )


def _optical(one: OpticalSpectrum) -> Signal:
    return Signal(
        "spectrum",
        one.title,
        one.y_unit or one.ordinate.value,
        len(one.x),
        x=_extent(one.x),
        x_unit=_x_unit(one),
        value=_extent(one.y),
    )


def _x_unit(one: OpticalSpectrum) -> str:
    """The unit, and the name of the axis where the unit does not tell it."""
    told = {Axis.RAMAN_SHIFT: "cm⁻¹ Raman shift", Axis.POINT: "points"}
    return told.get(one.axis) or one.unit_of_x or "(not told)"


def _array(one: DiodeArray) -> Signal:
    return Signal(
        "diode array",
        one.name,
        one.unit,
        one.value.size,
        time_s=_extent(one.time_s),
        x=_extent(one.wavelength_nm),
        x_unit="nm",
        value=_extent(one.value),
    )
