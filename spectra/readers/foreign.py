"""Known files that are not read: refused by name, with the way to a file that is.

Asked after every reader but that of plain columns, so a signature here hides no file another reader knows.
"""

from __future__ import annotations

import re
from pathlib import Path

from spectra.errors import Fault, UnreadableFile
from spectra.model import Run

name = "foreign"
formats = ()

_EXPORT = "Export the run as mzML or ANDI/AIA netCDF from the instrument's software."
_CONVERT = "Convert it to mzML with ProteoWizard's msconvert, or export ANDI/AIA netCDF."
_UNPACK = "Unpack it and hand in the file inside."

_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (rb"BZh|PK\x03\x04|7z\xbc\xaf|Rar!", "an archive or compressed file", _UNPACK),
    (rb"%PDF-", "a PDF document", _EXPORT),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{4}\0\0\0\0", "a picture", _EXPORT),
    (rb"\x7fELF|MZ", "a program", "Hand in a measurement."),
)
_KNOWN = tuple((re.compile(pattern, re.DOTALL), what, remedy) for pattern, what, remedy in _SIGNATURES)


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """A signature of the table."""
    return _known(head) is not None


def read(path: Path) -> Run:
    """Always raises `UnreadableFile` (`Fault.UNSUPPORTED`)."""
    with path.open("rb") as stream:
        what, remedy = _known(stream.read(4096)) or ("a file that has changed meanwhile", _EXPORT)
    raise UnreadableFile(
        Fault.UNSUPPORTED, where="byte 0", expected=f"a format that is read; this is {what}", remedy=remedy
    )


def _known(head: bytes) -> tuple[str, str] | None:
    return next(((what, remedy) for pattern, what, remedy in _KNOWN if pattern.match(head)), None)
