"""The program inside the sandbox: reads one file, writes one answer to standard output, ends.

`xbt.sandbox.door` starts it with ``python -I`` and the arguments PATH NAME, already confined. Promises
exactly one answer (`xbt.sandbox.transfer`), whatever the reader does in Python; only a death in native code
leaves none.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

from spectra.errors import Fault, InvalidMeasurement, UnreadableFile
from spectra.model import Run
from xbt.sandbox import gate, transfer, xmlscan


def main() -> None:
    """Read the file named by the arguments; parsers that print cannot spoil the answer."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with answer:
        reply(Path(sys.argv[1]), sys.argv[2], answer)
    os._exit(0)  # native libraries may crash while the interpreter is torn down; the answer is written


def reply(path: Path, name: str, answer: IO[bytes]) -> None:
    """Write the run, or why there is none."""
    try:
        run = _read(path, name)
        transfer.check_size(run)
    except UnreadableFile as error:
        transfer.write_error(error, answer)
    except MemoryError:
        transfer.write_error(UnreadableFile(Fault.OUT_OF_MEMORY), answer)
    except InvalidMeasurement as problem:
        transfer.write_error(UnreadableFile(Fault.MALFORMED, expected=f"a measurement: {problem}"), answer)
    except Exception as problem:  # the reader's own fault, whatever it raised
        kind = type(problem).__name__
        transfer.write_error(UnreadableFile(Fault.CRASHED, expected=f"a reader without {kind}"), answer)
    else:
        transfer.write_run(run, answer)


def _read(path: Path, name: str) -> Run:
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(gate.HEAD_BYTES)
        if gate.looks_like_xml(head):
            xmlscan.scan(path)
    from spectra.readers import read  # parsers load only after the file has passed

    return read(path, name=name)
