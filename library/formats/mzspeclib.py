"""Reference spectra from mzSpecLib text, with a reason for each record left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from library.formats.msp import record_of
from library.record import Record, Skipped
from spectra.readers.msp import text_lines
from spectra.readers.mzspeclib import parse_mzspeclib


def read_mzspeclib(path: Path) -> Iterator[Record | Skipped]:
    """Records of an mzSpecLib text in file order, one by one.

    Raises
    ------
    OSError : the file cannot be opened.
    UnreadableFile : a single record has an absurd number of peaks.
    """
    for block in parse_mzspeclib(text_lines(path)):
        yield record_of(block)
