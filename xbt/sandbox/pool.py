"""The parent's side of the warm process: one a program, started when first needed, gone at exit.

Promises: every request ends in an `Ended`, whatever becomes of the child or of the warm process, which is
replaced when it is lost and after `MAX_FILES` files; threads may ask at the same time; a forked copy of
this process starts a warm process of its own; the working folder of each file is gone when its answer is.
The answer lies in memory that is sealed before anybody looks at it, so that it cannot change under a check.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import msgspec

from xbt.sandbox.confine import NETWORK_NOT_CUT
from xbt.sandbox.launch import ENVIRONMENT, Ended, Limits, confined, fault_of, tail
from xbt.sandbox.nursery import Request, Told

MAX_FILES = 1000
WARM_AFTER = 2  # files: a command that reads one does not pay for libraries it does not need
START_SECONDS = 30.0  # for a busy machine to start the warm process, or to load a library before it answers
_UNLIMITED = Limits(memory_bytes=-1, seconds=-1, file_bytes=-1, open_files=256, processes=-1)
_ROOT = str(Path(__file__).resolve().parents[2])
# Isolated (-I), the process does not look into this one's path; it needs the place of these packages told.
START = (
    "import sys; sys.path.append(sys.argv[1]); from xbt.sandbox.nursery import serve; serve(int(sys.argv[2]))"
)


@dataclass(slots=True, eq=False)
class _Warm:
    """A running warm process."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    folder: tempfile.TemporaryDirectory[str]
    files: int = 0

    def alive(self) -> bool:
        return self.process.poll() is None

    def close(self) -> None:
        with suppress(OSError):
            self.control.shutdown(socket.SHUT_RDWR)
        self.control.close()
        try:
            self.process.wait(1.0)
        except subprocess.TimeoutExpired:  # it is in the middle of loading a library
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()


@dataclass(slots=True, eq=False)
class Pool:
    """Hands requests to a warm process of its own.

    Parameters
    ----------
    start : the Python program of the warm process (arguments: the packages' folder, a descriptor).
    """

    start: str = START
    last: Told | None = None  # what the latest child cost
    _warm: _Warm | None = None
    _owner: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep_warm(self) -> None:
        """Load the libraries now, before the first file comes."""
        with self._lock:
            self._send_warm(self._running())

    @contextmanager
    def ask(self, task: str, path: Path, name: str, limits: Limits) -> Iterator[tuple[Ended, Path]]:
        """Have ``path`` read or unpacked: how that ended, and the working folder it was given."""
        with _folder() as folder, _memory() as answer, _memory() as errors:
            request = Request(
                task,
                str(path),
                name,
                folder,
                limits.memory_bytes,
                limits.seconds,
                limits.file_bytes,
                limits.open_files,
                limits.processes,
                limits.require_no_network,
            )
            self.last = told = self._told(request, answer, errors)
            _seal(answer)
            answer.seek(0)
            yield _ended(told, answer, errors), Path(folder)

    def close(self) -> None:
        """End the warm process; the next request starts another."""
        with self._lock:
            self._end()

    def _told(self, request: Request, answer: IO[bytes], errors: IO[bytes]) -> Told:
        """Ask; ask once more if the warm process itself was lost."""
        for _ in range(2):
            told = self._try(request, answer, errors)
            if told is not None:
                return told
        return Told(status=1)

    def _try(self, request: Request, answer: IO[bytes], errors: IO[bytes]) -> Told | None:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs, self._lock:
                warm = self._running()
                text = msgspec.json.encode(request)
                given = [answer.fileno(), errors.fileno(), theirs.fileno()]
                try:
                    socket.send_fds(warm.control, [len(text).to_bytes(4, "little"), text], given)
                except OSError:
                    return None
                warm.files += 1
                if warm.files == WARM_AFTER:
                    self._send_warm(warm)
            ours.settimeout(request.seconds + START_SECONDS)
            try:
                told = ours.recv(4096)
            except TimeoutError:  # the child would have been ended in time: the warm process hangs
                self._drop(warm)
                return Told(status=None)
        return msgspec.json.decode(told, type=Told) if told else None

    def _running(self) -> _Warm:
        if self._owner != os.getpid():  # a fork of the process that started it
            self._warm, self._owner = None, os.getpid()
            atexit.register(self.close)
        if self._warm is not None and (not self._warm.alive() or self._warm.files >= MAX_FILES):
            was_warm = self._warm.files >= WARM_AFTER
            self._end()
            self._warm = _started(self.start)
            if was_warm:
                self._send_warm(self._warm)
        elif self._warm is None:
            self._warm = _started(self.start)
        return self._warm

    def _send_warm(self, warm: _Warm) -> None:
        text = msgspec.json.encode(Request("warm"))
        with suppress(OSError):
            warm.control.sendall(len(text).to_bytes(4, "little") + text)

    def _drop(self, warm: _Warm) -> None:
        with self._lock:
            warm.process.kill()
            if self._warm is warm:
                self._end()

    def _end(self) -> None:
        if self._warm is not None and self._owner == os.getpid():
            self._warm.close()
        self._warm = None


def _started(start: str) -> _Warm:
    ours, theirs = socket.socketpair()
    folder = tempfile.TemporaryDirectory(prefix="xbt-warm-")
    with theirs:
        process = subprocess.Popen(  # noqa: S603  the arguments are ours, no shell reads them
            [
                *confined(_UNLIMITED, stays=True),
                *(sys.executable, "-I", "-X", "utf8", "-c", start, _ROOT, str(theirs.fileno())),
            ],
            cwd=folder.name,
            env={**ENVIRONMENT, "HOME": folder.name, "TMPDIR": folder.name},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return _Warm(process, ours, folder)


def _ended(told: Told, answer: IO[bytes], errors: IO[bytes]) -> Ended:
    fault = fault_of(told.status, tail(errors))
    return Ended(answer, fault, told.status == NETWORK_NOT_CUT, told.peak_bytes)


@contextmanager
def _folder() -> Iterator[str]:
    """A folder that is gone afterwards, even if a child killed a moment ago still finishes a system call."""
    with tempfile.TemporaryDirectory(prefix="xbt-read-", ignore_cleanup_errors=True) as folder:
        yield folder
    for pause in (0.01, 0.1, 1.0):
        if not os.path.lexists(folder):
            break
        time.sleep(pause)
        shutil.rmtree(folder, ignore_errors=True)


def _memory() -> IO[bytes]:
    """A nameless file that is never written to a disk, where the system has such."""
    make = getattr(os, "memfd_create", None)
    if make is None:
        return tempfile.TemporaryFile()
    return os.fdopen(make("xbt", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b", buffering=0)


def _seal(answer: IO[bytes]) -> None:
    """From now on nobody can change it; where that is not known, whoever could write has ended."""
    add = getattr(fcntl, "F_ADD_SEALS", None)
    if add is not None:
        with suppress(OSError):
            fcntl.fcntl(answer, add, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)


def sealed(answer: IO[bytes]) -> bool:
    """Whether `_seal` succeeded."""
    get = getattr(fcntl, "F_GET_SEALS", None)
    try:
        return get is not None and bool(fcntl.fcntl(answer, get) & fcntl.F_SEAL_WRITE)
    except (OSError, ValueError):
        return False
