"""What is done inside the sandbox with one file: read it, or unpack it, and write one answer.

Promises exactly one answer (`xbt.sandbox.transfer`), whatever a reader does in Python; only a death in
native code leaves none. What could hurt a parser is looked for before any parser sees the file.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import IO

from spectra.errors import Fault, InvalidMeasurement, UnreadableFile
from spectra.model import Run
from xbt.sandbox import gate, jsonscan, transfer, unpack, xmlscan


def reply(path: Path, name: str, answer: IO[bytes]) -> None:
    """Write the run in the file, or folder, at ``path``, or why there is none."""

    def read() -> None:
        run = _read(path, name)
        transfer.check_size(run)
        transfer.write_run(run, answer)

    _answered(read, answer)


def reply_unpacked(path: Path, folder: Path, answer: IO[bytes]) -> None:
    """Unpack the archive at ``path`` into ``folder``; write what to read instead of it."""
    _answered(lambda: transfer.write_unpacked(unpack.unpack(path, folder), answer), answer)


def _answered(work: Callable[[], None], answer: IO[bytes]) -> None:
    try:
        work()
    except Exception as problem:
        answer.seek(0)
        answer.truncate()
        transfer.write_error(_error(problem), answer)


def _error(problem: Exception) -> UnreadableFile:
    if isinstance(problem, UnreadableFile):
        return problem
    if isinstance(problem, MemoryError):
        return UnreadableFile(Fault.OUT_OF_MEMORY)
    if isinstance(problem, InvalidMeasurement):
        return UnreadableFile(Fault.MALFORMED, expected=f"a measurement: {problem}")
    if isinstance(problem, PermissionError):
        return UnreadableFile(Fault.FORBIDDEN, expected="a file that asks its reader for nothing else")
    if isinstance(problem, OSError) and problem.errno == errno.EFBIG:
        return UnreadableFile(Fault.TOO_LARGE)
    kind = type(problem).__name__  # the reader's own fault, whatever it raised
    return UnreadableFile(Fault.CRASHED, expected=f"a reader without {kind}")


def _read(path: Path, name: str) -> Run:
    if path.is_dir():
        _scan_folder(path)
    else:
        _scan(path)
    from spectra.readers import read  # parsers load only after the file has passed

    return read(path, name=name)


def _scan(path: Path) -> None:
    head = _head(path)
    if gate.looks_like_xml(head):
        xmlscan.scan(path)
    elif jsonscan.looks_like_json(head):
        jsonscan.scan(path)


def _scan_folder(folder: Path) -> None:
    """Lists and methods beside the data are parsed too; what is merely not well-formed is the reader's."""
    for part in sorted(folder.rglob("*")):
        if part.is_file() and gate.looks_like_xml(_head(part)):
            xmlscan.forbid_entities(part)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(gate.HEAD_BYTES)
