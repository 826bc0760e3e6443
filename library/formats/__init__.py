"""Library files of every format as records: one way in, the content decides.

Promises: one broken record never stops the others; each comes as a `Record` or as a `Skipped` that says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from spectra.errors import Fault, UnreadableFile

if TYPE_CHECKING:
    from library.record import Record, Skipped

__all__ = ["FORMATS", "read_library"]

FORMATS = (
    "MSP", "MSL", "AMDIS ELU", "MGF", "MoNA JSON", "matchms JSON", "mzSpecLib text and JSON", "JCAMP-DX"
)  # fmt: skip
_HEAD = 4096


def read_library(path: Path) -> Iterator[Record | Skipped]:
    """Records of a library file in file order.

    Raises
    ------
    OSError : the file cannot be opened.
    UnreadableFile : not text, or beyond the limits of its format; raised when the first record is asked for.
    """
    from library.formats import jcamp, mgf, mona, msp, mzspeclib
    from spectra.readers import jcamp as jcamp_run
    from spectra.readers import library_json, msp_run
    from spectra.readers import mgf as mgf_run
    from spectra.readers import mzspeclib as mzspeclib_run

    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    known = (
        (jcamp_run, jcamp.read_jcamp),
        (mzspeclib_run, mzspeclib.read_mzspeclib),
        (mgf_run, mgf.read_mgf),
        (library_json, mona.read_json),
    )
    chosen = next((read for format_, read in known if format_.recognises(head, path)), None)
    if chosen is None and b"\0" in head and not msp_run.recognises(head, path):
        remedy = f"Hand in a library as {', '.join(FORMATS)}."
        expected = "a library as text"
        raise UnreadableFile(Fault.UNKNOWN_FORMAT, file=path.name, expected=expected, remedy=remedy)
    try:
        yield from (chosen or msp.read_msp)(path)
    except UnreadableFile as error:
        error.file = error.file or path.name
        raise
