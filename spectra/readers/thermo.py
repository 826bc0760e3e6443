"""Thermo RAW files (Xcalibur, from LCQ to Orbitrap), through openmassspec-io: no .NET, no vendor code.

Reads the stored peaks, or the continuum where there are none, with time, level, polarity and precursor.
Other detectors of the same file (UV, analogue) are counted in a warning, not read.
"""

from __future__ import annotations

from pathlib import Path

from spectra.model import Run
from spectra.readers.openmassspec import read_vendor

name = "thermo"
formats = ("Thermo RAW",)

_MAGIC = b"\x01\xa1F\0i\0n\0n\0i\0g\0a\0n\0"


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """The name "Finnigan" behind the magic number."""
    return head.startswith(_MAGIC)


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    return read_vendor(path, reader=name, format="Thermo RAW")
