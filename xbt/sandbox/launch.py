"""Runs a program under limits and says how it ended.

Promises: the program starts with an almost empty environment, in a fresh folder of its own, in its own
session, confined by `xbt.sandbox.confine`; when its time is over the whole process group is killed; the
folder is gone afterwards. What it wrote to standard output is in an unnamed file that it cannot swap for
something else. Refuses nothing by itself: an end that is not a success becomes a `Fault`.

POSIX only. Where a reader runs as root, the kernel does not count processes (`RLIMIT_NPROC`); the process
name space and the wall clock then end what it started.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from spectra.errors import Fault
from xbt.sandbox.confine import NETWORK_NOT_CUT

CONFINE = Path(__file__).with_name("confine.py")
STDERR_TAIL = 4096
# One thread each: a pool of threads multiplies the address space and gains nothing on one file.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "LC_ALL": "C.UTF-8",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use. ``seconds`` bounds wall time and CPU time alike."""

    memory_bytes: int = 2 << 30
    seconds: float = 120.0
    file_bytes: int = 512 << 20
    open_files: int = 64
    processes: int = 16
    require_no_network: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: ``fault`` is None only for exit status 0."""

    output: IO[bytes]  # at its start
    fault: Fault | None
    network_refused: bool = False  # it was not started, because the network could not be cut off
    peak_bytes: int = 0  # most memory it held at once, where that was measured


@contextmanager
def launch(argv: Sequence[str], limits: Limits) -> Iterator[Ended]:
    """Run ``argv`` (``argv[0]`` an absolute path) to its end under ``limits``."""
    with (
        tempfile.TemporaryDirectory(prefix="xbt-read-") as folder,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        status = _run([*confined(limits), *argv], folder, output, errors, limits.seconds)
        output.seek(0)
        yield Ended(output, fault_of(status, tail(errors)), status == NETWORK_NOT_CUT)


def fault_of(status: int | None, errors: bytes) -> Fault | None:
    """The fault behind an exit status (negative: killed by that signal; None: the time was over)."""
    if status == 0:
        return None
    if status is None or status in (-signal.SIGXCPU, -signal.SIGALRM):
        return Fault.TIMED_OUT
    if b"MemoryError" in errors or b"bad_alloc" in errors or status == -signal.SIGKILL:
        return Fault.OUT_OF_MEMORY  # nobody else kills it: the kernel took the memory back
    if status == -signal.SIGXFSZ or b"File too large" in errors:
        return Fault.TOO_LARGE
    return Fault.CRASHED


def confined(limits: Limits, *, stays: bool = False) -> list[str]:
    """The arguments before those of a program that is to run confined."""
    figures = (
        limits.memory_bytes,
        math.ceil(limits.seconds),
        limits.file_bytes,
        limits.open_files,
        limits.processes,
        int(limits.require_no_network),
        int(stays),
    )
    return [sys.executable, "-I", "-S", str(CONFINE), *map(str, figures)]


def _run(argv: list[str], folder: str, output: IO[bytes], errors: IO[bytes], seconds: float) -> int | None:
    process = subprocess.Popen(  # noqa: S603  the arguments are ours, no shell reads them
        argv,
        cwd=folder,
        env={**ENVIRONMENT, "HOME": folder, "TMPDIR": folder},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        start_new_session=True,
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def tail(errors: IO[bytes]) -> bytes:
    """The end of what a program complained of."""
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - STDERR_TAIL))
    return errors.read()
