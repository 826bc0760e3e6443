"""Library files of every format as records: one way in, the content decides.

Promises: one broken record never stops the others; each comes as a `Record` or an `OpticalRecord`, or as a
`Skipped` that says why. In a folder, a file that cannot be read is one such.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from spectra.errors import Fault, UnreadableFile

if TYPE_CHECKING:
    from library.record import AnyRecord

__all__ = ["FORMATS", "is_library_text", "library_files", "read_libraries", "read_library"]

FORMATS = (
    "MSP", "MSL", "AMDIS ELU", "MGF", "MoNA JSON", "matchms JSON", "mzSpecLib text and JSON", "JCAMP-DX",
    "infrared and Raman instrument files",
)  # fmt: skip
_HEAD = 4096


def read_library(path: Path) -> Iterator[AnyRecord]:
    """Records of a library file in file order, or of all files of a folder in order of name.

    Raises
    ------
    OSError : the file cannot be opened.
    UnreadableFile : no library, or beyond the limits of its format; raised when the first record is asked
        for. Of a folder: no file of it could be read.
    """
    yield from read_libraries(library_files(path)) if path.is_dir() else _records(path)


def read_libraries(paths: Sequence[Path]) -> Iterator[AnyRecord]:
    """Records of several files, each with the name of its file; a file that cannot be read is skipped.

    Raises
    ------
    UnreadableFile : none of the files can be read.
    """
    from library.record import Reason, Skipped

    error: UnreadableFile | None = None
    anything = False
    for path in paths:
        try:
            for record in _records(path):
                anything = True
                yield replace(record, file=path.name)
        except UnreadableFile as one:
            error = one
            yield Skipped(0, path.name, Reason.UNREADABLE, str(one), file=path.name)
    if error and not anything:
        raise error


def is_library_text(path: Path) -> bool:
    """Whether a file is one of the library formats that are text, as opposed to an instrument's own file."""
    from spectra.readers import jcamp, library_json, mgf, msp_run, mzspeclib

    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    return any(one.recognises(head, path) for one in (jcamp, mzspeclib, mgf, library_json, msp_run))


def library_files(folder: Path) -> list[Path]:
    """The files below a folder by path, hidden ones and those of hidden folders left out."""
    inside = (path for path in folder.rglob("*") if path.is_file())
    return sorted(p for p in inside if not any(part.startswith(".") for part in p.relative_to(folder).parts))


def _records(path: Path) -> Iterator[AnyRecord]:
    try:
        yield from _choose(path)
    except UnreadableFile as error:
        error.file = error.file or path.name
        raise


def _choose(path: Path) -> Iterator[AnyRecord]:
    from library.formats import jcamp, mgf, mona, msp, mzspeclib, optical
    from spectra.readers import jcamp as jcamp_run
    from spectra.readers import library_json, msp_run, omnic, optical_text, opus, perkinelmer, spc
    from spectra.readers import mgf as mgf_run
    from spectra.readers import mzspeclib as mzspeclib_run

    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    known = (
        (jcamp_run, jcamp.read_jcamp),
        (mzspeclib_run, mzspeclib.read_mzspeclib),
        (mgf_run, mgf.read_mgf),
        (library_json, mona.read_json),
        (msp_run, msp.read_msp),
        *((reader, optical.read_optical) for reader in (spc, opus, omnic, perkinelmer, optical_text)),
    )
    chosen = next((read for format_, read in known if format_.recognises(head, path)), None)
    if chosen is None and b"\0" in head:
        remedy = f"Hand in a library as {', '.join(FORMATS)}."
        expected = "a library as text"
        raise UnreadableFile(Fault.UNKNOWN_FORMAT, file=path.name, expected=expected, remedy=remedy)
    return (chosen or msp.read_msp)(path)
