"""Mascot generic format: MS/MS spectra of a run or of a library, every dialect met in the wild.

`parse_mgf` gives each ``BEGIN IONS`` block as an `MspBlock` and loses nothing silently: what was not
understood stands in the block's ``problems``. Parameters before the first block hold for all. A block
without a name is called by its title, its compound, its identifier, or its number. As a run the spectra
have no time axis.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Run
from spectra.readers.block_run import LEVEL_KEYS, run_of_blocks
from spectra.readers.msp import MAX_PEAK_LINES, MspBlock, text_lines

name = "mgf"
formats = ("Mascot generic format (MGF)",)

_SIGN = re.compile(rb"^\s*BEGIN IONS\s*$", re.MULTILINE)
_PARAMETER = re.compile(r"([A-Za-z][^=]{0,60}?)\s*=\s*(.*)")
_REMARKS = ("#", ";", "!", "/")
_NAMES = ("name", "compound_name", "compound name", "title", "spectrumid", "spectrum_id", "feature_id", "usi")
_NOTHING = ("n/a", "na", "nan", "none", "null", "")
_HEAD = 1 << 16


@dataclass(slots=True)
class _Draft:
    line: int
    headers: list[tuple[str, str]]
    peaks: list[tuple[float, float]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def recognises(head: bytes, path: Path) -> bool:
    """Text with a line ``BEGIN IONS`` within the first 64 KiB."""
    if b"\0" in head or not path.is_file():
        return False
    if _SIGN.search(head):
        return True
    if not re.match(rb"\s*(?:[#;!/]|[A-Z_]{3,20}=)", head):
        return False
    with path.open("rb") as stream:
        return _SIGN.search(stream.read(_HEAD)) is not None


def read(path: Path) -> Run:
    """All spectra with at least one peak, named. Raises `UnreadableFile`."""
    return run_of_blocks(parse_mgf(text_lines(path)), kind="MGF text", reader=name)


def parse_mgf(lines: Iterable[str]) -> Iterator[MspBlock]:
    """The blocks of an MGF text, one by one, in constant memory but for the block at hand.

    Raises
    ------
    UnreadableFile : a block has more than 2,000,000 lines of peaks (`Fault.TOO_LARGE`).
    """
    common: list[tuple[str, str]] = []
    draft: _Draft | None = None
    count = 0
    for number, raw in enumerate(lines, start=1):
        line = raw.strip().strip("\0\x1a")
        mark = line.upper()
        if mark == "BEGIN IONS":
            if draft:
                yield _finished(draft, count, "its end is missing")
            draft, count = _Draft(number, list(common)), count + 1
        elif mark == "END IONS":
            if draft:
                yield _finished(draft, count)
            draft = None
        elif not line or line.startswith(_REMARKS):
            continue
        elif draft:
            _take(draft, number, line)
        else:
            common += _parameter(line)
    if draft:
        yield _finished(draft, count, "the file ends within it")


def _take(draft: _Draft, number: int, line: str) -> None:
    if len(draft.peaks) > MAX_PEAK_LINES:
        expected = f"at most {MAX_PEAK_LINES} lines of peaks a spectrum"
        raise UnreadableFile(Fault.TOO_LARGE, where=f"line {number}", expected=expected)
    if not line[0].isdigit() and line[0] not in "+.":
        told = _parameter(line)
        draft.headers += told
        draft.problems += [] if told else [f"line {number} is neither a parameter nor a peak: {line[:60]!r}"]
        return
    cells = line.replace(";", " ").replace("\t", " ").split()
    try:
        mz, intensity = float(cells[0]), float(cells[1])
    except (ValueError, IndexError):
        draft.problems.append(f"line {number} is no peak: {line[:40]!r}")
        return
    draft.peaks.append((mz, intensity))


def _parameter(line: str) -> list[tuple[str, str]]:
    found = _PARAMETER.match(line)
    if not found:
        return []
    value = found[2].strip().strip('"')
    return [(found[1].strip().lower(), "" if value.lower() in _NOTHING else value)]


def _finished(draft: _Draft, count: int, problem: str = "") -> MspBlock:
    headers, problems = draft.headers, draft.problems + ([problem] if problem else [])
    told = dict(reversed(headers))
    announced = told.get("num_peaks", "") or told.get("num peaks", "")
    if announced.isdigit() and int(announced) != len(draft.peaks):
        problems.append(f"{announced} peaks announced, {len(draft.peaks)} found")
    peaks = np.array(draft.peaks, np.float64).reshape(-1, 2)
    good = np.isfinite(peaks).all(axis=1) & (peaks[:, 0] > 0) & (peaks[:, 1] >= 0)
    if not good.all():
        problems.append(f"{int((~good).sum())} peaks with m/z ≤ 0 or a broken intensity left out")
    if not good.any():
        problems.append("no peaks")
    if not told.get("name"):
        called = next((told[key] for key in _NAMES if told.get(key)), f"spectrum {count}")
        headers = [("name", called), *(pair for pair in headers if pair[0] != "name")]
    if not any(told.get(key) for key in LEVEL_KEYS):
        headers = [*headers, ("ms_level", "2" if told.get("pepmass") or told.get("precursor_mz") else "1")]
    return MspBlock(draft.line, tuple(headers), peaks[good, 0], peaks[good, 1], tuple(problems))
