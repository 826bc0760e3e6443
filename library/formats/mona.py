"""Reference spectra from JSON (MoNA, mzSpecLib, matchms), with a reason for each record left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from library.formats.msp import record_of
from library.record import Record, Skipped
from spectra.readers.library_json import parse_library_json


def read_json(path: Path) -> Iterator[Record | Skipped]:
    """Records of a JSON library in file order; their ``line`` is the number of the record.

    Raises
    ------
    OSError : the file cannot be opened.
    UnreadableFile : more than 512 MB, no well-formed JSON, or JSON of another kind.
    """
    for block in parse_library_json(path):
        yield record_of(block)
