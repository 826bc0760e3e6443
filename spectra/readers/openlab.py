"""Agilent OpenLab CDS 2 ``.dx``: a zip of detector files with a list of what each of them is, or its folder.

Promises: members are read one by one into memory within stated limits and never written out; each is
named, and its unit and device told, by the list ``injection.acmd``, which is parsed without DTD or entities.
A member of a kind that is not read is named in the warnings. Detector signals come first, then instrument
traces (pressure, temperature, flow). Our own because rainbow-api writes members out by their own names,
without a limit, and reads instrument traces as plain values; checked against its results for the others.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from spectra.errors import Fault, UnreadableFile
from spectra.model import Run
from spectra.readers.agilent_detector import MAX_FILES, Signals, run_of

name = "openlab"
formats = ("Agilent OpenLab CDS .dx",)

MAX_MEMBER = 256 * 2**20
MAX_TOTAL = 512 * 2**20
_LIST = "injection.acmd"
_SPACE = "{urn:schemas-agilent-com:acmd20}"
_INFO = {
    "RunDateTime": "date", "SampleName": "sample", "RunOperator": "operator", "AcquisitionMethod": "method",
    "Location": "vial", "InjectionVolume": "injection volume", "InjectionVolumeUnits": "volume unit",
}  # fmt: skip
_DETECTORS, _INSTRUMENT = (".ch", ".uv"), ".it"
_PARTS = (".xml", ".rels", ".acmd")  # of the container, not of the measurement

_Member = tuple[str, int, Callable[[], bytes]]  # name, size, how to read


@dataclass(frozen=True, slots=True)
class _Signal:
    description: str
    unit: str


def recognises(head: bytes, path: Path) -> bool:
    """A zip, or a folder, that holds the list of an OpenLab injection."""
    if path.is_dir():
        return (path / _LIST).is_file()
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return _LIST in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def read(path: Path) -> Run:
    """All detector signals and instrument traces; times in s. Raises `UnreadableFile`."""
    if path.is_dir():
        return _run(list(_of_folder(path)))
    try:
        with zipfile.ZipFile(path) as archive:
            return _run(list(_of_zip(archive)))
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        remedy = "Copy the file again from the instrument."
        raise UnreadableFile(Fault.MALFORMED, expected="a whole zip archive", remedy=remedy) from error


def _of_folder(folder: Path) -> Iterator[_Member]:
    for entry in sorted(folder.iterdir()):
        if entry.is_file() and not entry.is_symlink():
            yield entry.name, entry.stat().st_size, entry.read_bytes


def _of_zip(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for info in archive.infolist():
        if not info.is_dir():
            yield PurePosixPath(info.filename).name, info.file_size, partial(_unpacked, archive, info)


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of a member, no more than it announces."""
    with archive.open(info) as stream:
        data = stream.read(info.file_size + 1)
    if len(data) != info.file_size:
        raise UnreadableFile(Fault.MALFORMED, where="archive", expected="members of the size they announce")
    return data


def _run(members: list[_Member]) -> Run:
    sizes = [size for _, size, _ in members]
    if len(members) > MAX_FILES or max(sizes, default=0) > MAX_MEMBER or sum(sizes) > MAX_TOTAL:
        expected = f"at most {MAX_FILES} files of {MAX_MEMBER >> 20} MB, {MAX_TOTAL >> 20} MB in all"
        raise UnreadableFile(Fault.TOO_LARGE, where="archive", expected=expected)
    info, listed = _listed(members)
    signals = Signals(texts=info)
    for suffixes in (_DETECTORS, (_INSTRUMENT,)):
        for label, _, data in sorted(members, key=lambda member: _order(member, listed)):
            if label.lower().endswith(suffixes):
                _add(signals, label, data(), listed.get(_stem(label)))
    others = sorted(label for label, *_ in members if not label.lower().endswith(_KNOWN))
    signals.warnings += [f"{label[:80]} is of a kind that is not read; it was left out." for label in others]
    missing = len(listed.keys() - {_stem(label) for label, *_ in members})
    if missing:
        signals.warnings.append(f"{missing} signals that the file lists are not in it.")
    return run_of(signals, "Agilent OpenLab .dx", name)


_KNOWN = (*_DETECTORS, _INSTRUMENT, *_PARTS)


def _order(member: _Member, listed: dict[str, _Signal]) -> tuple[str, str]:
    found = listed.get(_stem(member[0]))
    return (found.description if found else "", member[0])


def _add(signals: Signals, label: str, data: bytes, listed: _Signal | None) -> None:
    before = len(signals.traces)
    signals.add(
        data, listed.description or label if listed else label, pairs=label.lower().endswith(_INSTRUMENT)
    )
    if listed is None:
        signals.warnings.append(f"{label[:80]} is not in the file's own list of signals.")
    elif len(signals.traces) > before:
        trace = signals.traces[-1]
        signals.traces[-1] = replace(
            trace, name=listed.description or trace.name, unit=listed.unit or trace.unit
        )


def _listed(members: list[_Member]) -> tuple[dict[str, str], dict[str, _Signal]]:
    """What the list tells about the run, and about each signal by the stem of its file in lower case."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    data = next(read_all() for label, _, read_all in members if label == _LIST)
    try:
        root = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise UnreadableFile(Fault.FORBIDDEN, where=_LIST, expected="XML without DTD and entities") from error
    except ParseError as error:
        raise UnreadableFile(Fault.MALFORMED, where=_LIST, expected="well-formed XML") from error
    run = root.find(f".//{_SPACE}InjectionInfo")
    info = {}
    for tag, key in _INFO.items():
        value = run.findtext(_SPACE + tag) if run is not None else ""
        if value and value.strip() and value.strip() != "0":
            info[key] = value.strip()[:500]
    if "injection volume" in info:
        info["injection volume"] = f"{info['injection volume']} {info.pop('volume unit', '')}".strip()
    signals = {}
    for signal in root.iter(f"{_SPACE}Signal"):
        stem = (signal.findtext(f"{_SPACE}TraceId") or "").strip().lower()
        description = " ".join((signal.findtext(f"{_SPACE}Description") or "").split())
        if stem:
            signals[stem] = _Signal(description, (signal.findtext(f"{_SPACE}Units") or "").strip())
    return info, signals


def _stem(label: str) -> str:
    return label.rpartition(".")[0].lower()
