"""MSP and MSL texts as a measurement: their spectra, without a time axis.

What a block says that was not understood becomes a warning; a block without a peak is left out with one.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Metadata, Run, Technique
from spectra.readers.msp import MspBlock, parse_msp, text_lines
from spectra.readers.scans import MAX_POINTS, MAX_SCANS, scan_table

name = "msp"
formats = ("NIST MSP text", "AMDIS MSL text")

_SIGN = re.compile(rb"^\W{0,4}name\s*:|^\s*num\s?[\w .]{0,10}peaks?\s*[:=]", re.IGNORECASE | re.MULTILINE)
_OTHER = re.compile(rb"^BEGIN IONS|^NAME:\s*\|SC\d", re.MULTILINE)
_CONTROL = bytes(code for code in range(1, 32) if code not in b"\t\n\x0b\x0c\r\x1a")
_MAX_WARNINGS = 50


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """Text with a line that begins ``Name:`` or ``Num Peaks:``, and is neither MGF nor AMDIS ELU."""
    if any(code in head for code in _CONTROL) or _OTHER.search(head):
        return False
    return _SIGN.search(head) is not None


def read(path: Path) -> Run:
    """All spectra with at least one peak, named. Raises `UnreadableFile`."""
    warnings: list[str] = []
    blocks = _blocks(path, warnings)
    levels = [_level(block) for block in blocks]
    table = scan_table(
        np.full(len(blocks), np.nan),
        [len(block.mz) for block in blocks],
        np.concatenate([block.mz for block in blocks]) if blocks else (),
        np.concatenate([block.intensity for block in blocks]) if blocks else (),
        warnings=warnings,
        any_order=True,
        ms_level=levels,
        precursor_mz=[_precursor(block, level) for block, level in zip(blocks, levels, strict=True)],
    )
    titles = tuple(block.get("name") for block in blocks)
    return Run(_metadata(blocks), table, titles=titles, warnings=_shortened(warnings))


def _blocks(path: Path, warnings: list[str]) -> list[MspBlock]:
    kept: list[MspBlock] = []
    points = 0
    for block in parse_msp(text_lines(path)):
        label = f"{block.get('name') or 'spectrum'} (line {block.line})"
        warnings += [f"{label}: {problem}." for problem in block.problems]
        points += len(block.mz)
        if points > MAX_POINTS or len(kept) >= MAX_SCANS:
            expected = f"at most {MAX_POINTS} peaks in {MAX_SCANS} spectra"
            raise UnreadableFile(Fault.TOO_LARGE, where=f"line {block.line}", expected=expected)
        kept += [block] if len(block.mz) else []
    return kept


def _level(block: MspBlock) -> int:
    text = block.get("spectrum_type", "spectrumtype", "ms_level", "mslevel").strip().lower()
    return 2 if text in ("2", "ms2", "msms", "ms/ms") else 1


def _precursor(block: MspBlock, level: int) -> float:
    try:
        mz = float(block.get("precursormz", "precursor_mz"))
    except ValueError:
        return float("nan")
    return mz if level > 1 and np.isfinite(mz) and mz > 0 else float("nan")


def _metadata(blocks: list[MspBlock]) -> Metadata:
    first = blocks[0] if blocks else MspBlock(0, (), np.empty(0), np.empty(0))
    details = {"comment": first.get("comments", "comment")[:500]} if len(blocks) == 1 else {}
    return Metadata(
        format="MSP text",
        reader=name,
        technique=Technique.MS,
        instrument=first.get("instrument", "instrument_type", "instrumenttype"),
        sample_name=first.get("name") if len(blocks) == 1 else "",
        details={key: value for key, value in details.items() if value},
    )


def _shortened(warnings: list[str]) -> tuple[str, ...]:
    if len(warnings) <= _MAX_WARNINGS:
        return tuple(warnings)
    return (*warnings[:_MAX_WARNINGS], f"{len(warnings) - _MAX_WARNINGS} more remarks of this kind.")
