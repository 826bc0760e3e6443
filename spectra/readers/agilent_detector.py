"""Agilent detectors without mass spectra: ``.ch`` and ``.uv`` files, alone or in a ``.D`` folder.

A channel becomes a trace, a diode array a `DiodeArray`. In a folder each file is read for itself: one that
cannot be is named in the warnings and does not cost the others; a folder in which none can be read is
refused with the fault of the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spectra.errors import Fault, InvalidMeasurement, UnreadableFile
from spectra.model import DiodeArray, Metadata, Run, Technique, Trace
from spectra.readers.agilent_channel import read_channel, version
from spectra.readers.agilent_spectra import is_spectra, read_spectra

name = "agilent_detector"
formats = ("Agilent .ch (versions 8, 30, 81, 130, 179, 181)", "Agilent .uv (versions 31, 131)")

_SUFFIXES = (".ch", ".uv")
_DETAILS = ("operator", "method", "description", "vial", "inlet", "software", "signal", "injection volume")
MAX_FILES = 200


@dataclass(slots=True)
class Signals:
    """What the detector files of an acquisition hold."""

    traces: list[Trace] = field(default_factory=list)
    diode_arrays: list[DiodeArray] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    technique: Technique = Technique.UNKNOWN
    warnings: list[str] = field(default_factory=list)
    faults: list[UnreadableFile] = field(default_factory=list)

    def add(self, data: bytes, label: str, *, pairs: bool = False) -> None:
        """Read one file; a fault becomes a warning."""
        try:
            self._add(data, label, pairs=pairs)
        except UnreadableFile as error:
            self.faults.append(error)
            self.warnings.append(f"{label} was left out: {error.fault.value.replace('_', ' ')}.")
        except InvalidMeasurement as error:
            self.faults.append(
                UnreadableFile(Fault.MALFORMED, where=label, expected="finite, ordered values")
            )
            self.warnings.append(f"{label} was left out: {error}.")

    def _add(self, data: bytes, label: str, *, pairs: bool) -> None:
        if is_spectra(data):
            spectra = read_spectra(data, label)
            self.diode_arrays.append(spectra.array)
            self._note(spectra.texts, spectra.technique)
            self.warnings += [f"{label}: {warning}" for warning in spectra.warnings]
        else:
            channel = read_channel(data, label, pairs=pairs)
            self.traces.append(channel.trace)
            self._note(channel.texts, channel.technique)

    def _note(self, texts: Mapping[str, str], technique: Technique) -> None:
        for key, value in texts.items():
            if value:
                self.texts.setdefault(key, value)
        self.technique = technique if self.technique is Technique.UNKNOWN else self.technique


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """The version a channel or a diode array begins with."""
    return bool(version(head[:16])) or is_spectra(head)


def read(path: Path) -> Run:
    """The one trace or diode array of a file; times in s. Raises `UnreadableFile`."""
    signals = Signals()
    signals.add(path.read_bytes(), path.name)
    if signals.faults:
        raise signals.faults[0]
    kind = "Agilent diode array (.uv)" if signals.diode_arrays else "Agilent detector channel (.ch)"
    return run_of(signals, kind, name)


def detector_files(folder: Path) -> list[Path]:
    """The detector files of a ``.D`` folder, in order of name; links are not followed."""
    found = (one for one in folder.iterdir() if one.suffix.lower() in _SUFFIXES)
    return sorted(one for one in found if one.is_file() and not one.is_symlink())[:MAX_FILES]


def read_files(files: Iterable[Path]) -> Signals:
    """All detector files that can be read; the others are told in ``warnings`` and ``faults``."""
    signals = Signals()
    for one in files:
        signals.add(one.read_bytes(), one.name)
    return signals


def run_of(signals: Signals, kind: str, reader: str) -> Run:
    """A run without mass spectra.

    Raises
    ------
    UnreadableFile : nothing was read; the first fault, or NO_SIGNAL.
    """
    if not signals.traces and not signals.diode_arrays:
        raise next(
            iter(signals.faults), UnreadableFile(Fault.NO_SIGNAL, expected="at least one detector file")
        )
    texts = signals.texts
    metadata = Metadata(
        format=kind,
        reader=reader,
        technique=signals.technique,
        instrument=texts.get("instrument", ""),
        acquired_at=texts.get("date", ""),
        sample_name=texts.get("sample", ""),
        details={key: texts[key][:500] for key in _DETAILS if texts.get(key)},
    )
    return Run(
        metadata,
        traces=tuple(signals.traces),
        diode_arrays=tuple(signals.diode_arrays),
        warnings=tuple(signals.warnings),
    )
