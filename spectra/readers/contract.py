"""What a reader is."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from spectra.model import Run


class Reader(Protocol):
    """Reads one family of formats; the modules of this package are the implementations.

    ``recognises`` decides from the content alone (``head``: the first 4096 bytes, b"" for a folder), reads
    no more than a little, and never raises. ``read`` raises `UnreadableFile`; whatever else a library lets
    out is turned into `Fault.MALFORMED` by `spectra.readers.read`.
    """

    @property
    def name(self) -> str:
        """Short and stable; stored with every analysis."""

    @property
    def formats(self) -> tuple[str, ...]:
        """What it reads, in plain words."""

    def recognises(self, head: bytes, path: Path) -> bool:
        """Whether the file, or folder, is of this family (it may still be a variant that is not read)."""

    def read(self, path: Path) -> Run:
        """The file as a run.

        Raises
        ------
        UnreadableFile : with the fault, the place and the remedy; ``file`` is filled in by the caller.
        """
