"""mzSpecLib, the spectral library format of HUPO-PSI, as text: each spectrum as an `MspBlock`.

Attributes are told by their names in the vocabulary, as `block_of` maps them to the headers of the other
library formats; those of the sets that hold for all spectra come first. An energy counts as eV where the
unit of its group says so. Interpretations of peaks are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Run
from spectra.readers.block_run import run_of_blocks
from spectra.readers.msp import MAX_PEAK_LINES, MspBlock, text_lines

name = "mzspeclib"
formats = ("mzSpecLib text",)

Attribute = tuple[str, str, str]  # group, name in lower case, value

_TAG = re.compile(r"<(/?\w+)(?:[ \t]+(\w+))?(?:=([^>]*))?>\s*$")
_ATTRIBUTE = re.compile(r"(?:\[(\w+)\])?[A-Za-z]+:\d+\|([^=]+)=(.*)$")
_TERM = re.compile(r"[A-Z]+:\d+\|(.*)$")
_KEYS = {
    "library spectrum name": "name",
    "ms level": "ms_level",
    "scan polarity": "ion_mode",
    "selected ion m/z": "precursor_mz",
    "experimental precursor monoisotopic m/z": "precursor_mz",
    "theoretical monoisotopic m/z": "precursor_mz",
    "adduct ion formula": "adduct",
    "instrument model": "instrument",
    "molecular formula": "formula",
    "chemical formula": "formula",
    "inchikey": "inchikey",
    "inchi key": "inchikey",
    "molecule name": "synon",
    "library spectrum key": "id",
    "number of peaks": "num peaks",
    "sample name": "sample",
}
_RETENTION, _ENERGY = "retention time", "collision energy"


@dataclass(slots=True)
class _Draft:
    line: int
    attributes: list[Attribute]
    peaks: list[tuple[float, float]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """The first line is the tag of the format."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<mzSpecLib")


def read(path: Path) -> Run:
    """All spectra with at least one peak, named. Raises `UnreadableFile`."""
    return run_of_blocks(parse_mzspeclib(text_lines(path)), kind="mzSpecLib text", reader=name)


def parse_mzspeclib(lines: Iterable[str]) -> Iterator[MspBlock]:
    """The spectra of an mzSpecLib text, one by one.

    Raises
    ------
    UnreadableFile : a spectrum has more than 2,000,000 peaks (`Fault.TOO_LARGE`).
    """
    shared: list[Attribute] = []
    draft: _Draft | None = None
    into: list[Attribute] | None = None  # where attributes go; None where they are of no interest
    in_peaks = False
    for number, raw in enumerate(lines, start=1):
        line = raw.strip()
        tag = _TAG.match(line) if line.startswith("<") else None
        if tag:
            kind, what = tag[1], tag[2] or ""
            in_peaks = kind == "Peaks"
            if kind == "AttributeSet":
                into = shared if (what, tag[3]) == ("Spectrum", "all") else None
            elif kind == "Spectrum":
                if draft:
                    yield block_of(draft.line, draft.attributes, draft.peaks, draft.problems)
                draft = _Draft(number, [*shared, ("", "library spectrum key", tag[3] or "")])
                into = draft.attributes
            elif kind.startswith("Interpretation"):
                into = None
        elif draft and in_peaks and line:
            _take_peak(draft, number, line)
        elif into is not None and line:
            into += _attribute(line)
    if draft:
        yield block_of(draft.line, draft.attributes, draft.peaks, draft.problems)


def block_of(
    line: int,
    attributes: Sequence[Attribute],
    peaks: Sequence[tuple[float, float]] | np.ndarray,
    problems: Sequence[str] = (),
) -> MspBlock:
    """A block of attributes and (mz, intensity) pairs; later attributes go before those that hold for all."""
    told = list(problems)
    headers = _headers(attributes)
    pairs = np.asarray(peaks, np.float64).reshape(-1, 2)
    announced = next((value for key, value in headers if key == "num peaks"), "")
    if announced.isdigit() and int(announced) != len(pairs):
        told.append(f"{announced} peaks announced, {len(pairs)} found")
    good = np.isfinite(pairs).all(axis=1) & (pairs[:, 0] > 0) & (pairs[:, 1] >= 0)
    if not good.all():
        told.append(f"{int((~good).sum())} peaks with m/z ≤ 0 or a broken intensity left out")
    told += [] if good.any() else ["no peaks"]
    return MspBlock(line, tuple(headers), pairs[good, 0], pairs[good, 1], tuple(told))


def _headers(attributes: Sequence[Attribute]) -> list[tuple[str, str]]:
    """The last first, so that what is said of one spectrum goes before what is said of all."""
    headers = []
    for index in range(len(attributes) - 1, -1, -1):
        group, key, value = attributes[index]
        unit = _unit(attributes, index, group)
        if key == _ENERGY:
            headers.append(
                ("collision_energy", f"{value} {'eV' if 'electronvolt' in unit else unit}".strip())
            )
        elif key == _RETENTION:
            headers.append(("retention_time", f"{value} {'min' if 'minute' in unit else 's'}"))
        elif key in _KEYS:
            headers.append((_KEYS[key], value))
    told = dict(headers)
    if "name" not in told:
        headers.append(("name", f"spectrum {told.get('id', '?')}"))
    if "ms_level" not in told and "precursor_mz" in told and "collision_energy" in told:
        headers.append(("ms_level", "2"))
    return headers


def _unit(attributes: Sequence[Attribute], index: int, group: str) -> str:
    """The unit that stands right behind an attribute in its group."""
    behind = attributes[index + 1] if index + 1 < len(attributes) else ("", "", "")
    return behind[2].lower() if group and behind[:2] == (group, "unit") else ""


def _take_peak(draft: _Draft, number: int, line: str) -> None:
    cells = line.split()
    if len(draft.peaks) > MAX_PEAK_LINES:
        expected = f"at most {MAX_PEAK_LINES} peaks a spectrum"
        raise UnreadableFile(Fault.TOO_LARGE, where=f"line {number}", expected=expected)
    try:
        draft.peaks.append((float(cells[0]), float(cells[1])))
    except (ValueError, IndexError):
        draft.problems.append(f"line {number} is no peak: {line[:40]!r}")


def _attribute(line: str) -> list[Attribute]:
    found = _ATTRIBUTE.match(line)
    if not found:
        return []
    value = found[3].strip().strip('"')
    term = _TERM.match(value)
    return [(found[1] or "", found[2].strip().lower(), term[1].strip() if term else value)]
