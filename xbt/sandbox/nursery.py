"""The warm process inside the sandbox: has the libraries loaded, and lets a fresh child read each file.

Started, confined by `xbt.sandbox.confine`, by `xbt.sandbox.pool`, which sends requests over a socket, each
with three descriptors: where the answer goes, where complaints go, and a socket on which the end is told.

Promises: this process never opens a file it is asked about. Each file is read by a child of its own, forked
in advance, that gives up everything else (`xbt.sandbox.restrict`) before it opens the file, and ends with
it: nothing one file does can reach the next. A child over its time, or whose asker has gone, is killed;
when the other end of the socket closes, everything ends. Libraries are loaded while nothing is asked.
"""

from __future__ import annotations

import gc
import importlib
import math
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, NoReturn

import msgspec
import numpy as np

from xbt.sandbox import child, restrict
from xbt.sandbox.confine import NETWORK_NOT_CUT, die_with_parent

DESCRIPTORS = 3
# What readers load; what is not installed is passed over.
LIBRARIES = (
    *("spectra.readers", "scipy.io", "scipy.ndimage", "scipy.special", "pyopenms", "rainbow", "h5py"),
    *("brukeropus", "jcamp", "olefile", "sqlite3", "xml.etree.ElementTree"),
)
_FIRST, _MANY = 3, 1024  # the first descriptor a child has no use for, and above any it was given
_LENGTH = 4
_PAUSE = 0.01  # seconds without a request after which there is time for chores


class Request(msgspec.Struct, frozen=True):
    """One file to read (or archive to unpack into ``work``) and what that may cost."""

    task: str  # "read", "unpack", or "warm": load the libraries, no answer
    path: str = ""
    name: str = ""
    work: str = ""  # a folder of its own
    memory: int = 0
    seconds: float = 0.0
    file: int = 0
    open_files: int = 64
    processes: int = 16
    require_no_network: bool = False


class Told(msgspec.Struct, frozen=True):
    """How a child ended: exit status (negative: a signal), None when its time was over."""

    status: int | None
    peak_bytes: int = 0
    seconds: float = 0.0  # of the processor


Work = Callable[[Request, IO[bytes]], None]


def work(request: Request, answer: IO[bytes]) -> None:
    """Read or unpack, as asked."""
    if request.task == "unpack":
        child.reply_unpacked(Path(request.path), Path(request.work), answer)
    else:
        child.reply(Path(request.path), request.name, answer)


def rehearse() -> None:
    """Read a file of our own making: a library that loads tables with its first file then has them."""
    from spectra.model import Metadata, Run, ScanTable
    from spectra.readers import read
    from spectra.writers import write_mzml

    peaks = np.array([50.0, 60.0])
    scans = ScanTable(rt_s=np.array([1.0]), offset=np.array([0, 2]), mz=peaks, intensity=peaks)
    path = Path("rehearsal")
    write_mzml(Run(Metadata(format="", reader=""), scans), path)
    read(path)
    path.unlink()


@dataclass(slots=True)
class _Reading:
    pid: int
    told: socket.socket
    deadline: float
    late: bool = False


@dataclass(slots=True)
class Nursery:
    """The state of the warm process; `serve` is its life."""

    control: socket.socket
    work: Work = work
    alone: bool = False  # first process of a name space of its own: it may end all others there
    wanted: list[Callable[[], object]] = field(default_factory=list)
    readings: dict[int, _Reading] = field(default_factory=dict)
    spare: tuple[int, socket.socket] | None = None
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def serve(self) -> None:
        """Answer until the other end closes."""
        ended, bell = os.pipe()
        os.set_blocking(bell, False)
        os.set_blocking(ended, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(bell, warn_on_full_buffer=False)
        self.selector.register(self.control, selectors.EVENT_READ)
        self.selector.register(ended, selectors.EVENT_READ)
        while True:
            events = self.selector.select(self._patience())
            for key, _ in events:
                if key.fileobj is self.control:
                    if not self._take():
                        return
                elif key.fileobj is ended:
                    with suppress(BlockingIOError):
                        os.read(ended, 512)
                else:
                    self._end(key.data)  # nobody waits for it any more
            self._reap()
            self._end_late()
            if not events and not self.readings:
                self._chore()

    def _patience(self) -> float | None:
        """Seconds until something has to be done without being asked."""
        if not self.readings and (self.wanted or self.spare is None):
            return _PAUSE  # a child at work is not slowed down, and the next request not kept waiting
        soonest = min((one.deadline for one in self.readings.values() if not one.late), default=None)
        return None if soonest is None else max(0.0, soonest - time.monotonic())

    def _take(self) -> bool:
        """Accept a request; False when the other end is closed."""
        length, descriptors, _, _ = socket.recv_fds(self.control, _LENGTH, DESCRIPTORS)
        if len(length) < _LENGTH:
            return False
        text = self.control.recv(int.from_bytes(length, "little"), socket.MSG_WAITALL)
        request = msgspec.json.decode(text, type=Request)
        if request.task == "warm":
            self.wanted = [partial(importlib.import_module, name) for name in LIBRARIES] + [rehearse]
        else:
            self._give(request, text, descriptors)
        return True

    def _give(self, request: Request, text: bytes, descriptors: Sequence[int]) -> None:
        """Hand the request to the spare child."""
        pid, line = self.spare or self._fork()
        self.spare = None
        told = socket.socket(fileno=descriptors[2])
        with suppress(OSError):  # a child that died waiting is reaped like one that died reading
            socket.send_fds(line, [text], descriptors[:2])
        line.close()
        for descriptor in descriptors[:2]:
            os.close(descriptor)
        reading = _Reading(pid, told, time.monotonic() + request.seconds)
        self.readings[pid] = reading
        self.selector.register(told, selectors.EVENT_READ, reading)

    def _fork(self) -> tuple[int, socket.socket]:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            _life_of_child(theirs, self.work, alone=self.alone)
        theirs.close()
        return pid, ours

    def _chore(self) -> None:
        """One thing that makes the next request faster."""
        if self.wanted:
            with suppress(Exception):  # a library that does not load is its reader's affair
                self.wanted.pop(0)()
            if not self.wanted:
                self._forget_spare()
        elif self.spare is None:
            gc.freeze()
            self.spare = self._fork()

    def _forget_spare(self) -> None:
        """It was forked before the library was there."""
        if self.spare is not None:
            pid, line = self.spare
            self.spare = None
            line.close()
            _kill(pid)

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self.spare is not None and self.spare[0] == pid:
                self.spare[1].close()
                self.spare = None
            if reading := self.readings.pop(pid, None):
                self._tell(reading, status, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime)

    def _tell(self, reading: _Reading, status: int, peak: int, seconds: float) -> None:
        _kill(reading.pid)  # what it started
        self._end_strays()
        self.selector.unregister(reading.told)
        code = None if reading.late else os.waitstatus_to_exitcode(status)
        with suppress(OSError), reading.told:
            reading.told.sendall(msgspec.json.encode(Told(code, peak, seconds)))

    def _end_strays(self) -> None:
        """Where starting processes could not be forbidden, end those that left their session."""
        if self.alone and not self.readings and not restrict.filters_calls():
            with suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)  # all of this name space but its first process

    def _end(self, reading: _Reading) -> None:
        reading.late = True
        _kill(reading.pid)

    def _end_late(self) -> None:
        now = time.monotonic()
        for reading in self.readings.values():
            if now >= reading.deadline and not reading.late:
                self._end(reading)


def serve(descriptor: int, task: Work = work) -> NoReturn:
    """Be the warm process until the other end of the socket closes."""
    Nursery(socket.socket(fileno=descriptor), task, alone=os.getpid() == 1).serve()
    os._exit(0)


def _life_of_child(line: socket.socket, task: Work, *, alone: bool) -> NoReturn:
    """Wait for a request, give up everything else, answer it, end."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.closerange(_FIRST, line.fileno())
        os.closerange(line.fileno() + 1, _MANY)
        os.setsid()
        die_with_parent()
        prepared = restrict.prepare()
        text, descriptors, _, _ = socket.recv_fds(line, 1 << 16, DESCRIPTORS - 1)
        line.close()
        if text:
            request = msgspec.json.decode(text, type=Request)
            status = _answer(request, descriptors, task, prepared, alone=alone)
    finally:
        os._exit(status)  # native libraries may crash while the interpreter is torn down


def _answer(
    request: Request, descriptors: Sequence[int], task: Work, prepared: restrict.Prepared, *, alone: bool
) -> int:
    answer, errors = descriptors
    os.dup2(errors, 2)
    os.close(errors)
    os.chdir(request.work)
    os.environ.update(HOME=request.work, TMPDIR=request.work)
    restrict.limit(
        memory=request.memory,
        cpu=math.ceil(request.seconds),
        file=request.file,
        open_files=request.open_files,
        processes=request.processes,
    )
    achieved = restrict.restrict(Path(request.path), Path(request.work), prepared)
    if request.require_no_network and not (alone or achieved.calls):
        return NETWORK_NOT_CUT
    with os.fdopen(answer, "wb") as stream:
        task(request, stream)
    return 0


def _kill(pid: int) -> None:
    """The child and what it started in its session."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
