"""The warm process inside the sandbox: has the libraries loaded, and lets a fresh child read each file.

Started, confined by `xbt.sandbox.confine`, by `xbt.sandbox.pool`, which sends requests over a socket, each
with three descriptors: where the answer goes, where complaints go, and a socket on which the end is told.

Promises: this process never opens a file it is asked about. Each file is read by a child of its own, forked
in advance, that gives up everything else (`xbt.sandbox.restrict`) before it opens the file, and ends with
it: nothing one file does can reach the next. A child over its time, whose asker has gone, or that has written
more into its folder than it may, is killed; when the other end of the socket closes, everything ends.
Libraries are loaded while nothing is asked.

Nobody waits for what the kernel does after an answer (taking a child's memory apart) or before one (making
the next child): a child says when its answer is whole, is killed at that word, and its asker told; the next
child is made while this one reads. That a child says so proves no more than its exit status did, and once
killed it does nothing more; its answer is sealed, or copied, before it is looked at (`xbt.sandbox.pool`).
"""

from __future__ import annotations

import gc
import importlib
import math
import os
import resource
import selectors
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from math import inf
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
_LAST_WORDS = 1024
_MOST_NAMES, _BLOCK = 20_000, 512  # files and folders; bytes in a unit of `st_blocks`
_ROUND = 0.1  # seconds between two looks at the folders of the children at work


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
    """How a child ended: exit status (negative: a signal), None when its time was over.

    ``peak_bytes`` and ``seconds`` (of the processor) are the child's own words where it lived to say them.
    """

    status: int | None
    peak_bytes: int = 0
    seconds: float = 0.0


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
    line: socket.socket  # on which the child says that its answer is whole
    told: socket.socket
    deadline: float
    folder: Path
    most: int  # bytes it may write there
    ended_by: int = 0  # the signal that says why we killed it


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
                elif key.data.pid not in self.readings:
                    continue  # told a moment ago
                elif key.fileobj is key.data.line:
                    self._hear(key.data)
                else:
                    self._end(key.data, signal.SIGKILL)  # nobody waits for it any more
            self._reap()
            self._look_after()
            if not events and not self.readings:
                self._chore()

    def _patience(self) -> float | None:
        """Seconds until something has to be done without being asked."""
        if self.readings:
            soonest = min((one.deadline for one in self.readings.values() if not one.ended_by), default=inf)
            return max(0.0, min(_ROUND, soonest - time.monotonic()))
        return _PAUSE if self.wanted or self.spare is None else None

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
        """Hand the request to the spare child; make the next one while it reads."""
        pid, line = self.spare or self._fork()
        told = socket.socket(fileno=descriptors[2])
        with suppress(OSError):  # a child that died waiting is reaped like one that died reading
            socket.send_fds(line, [text], descriptors[:2])
        for descriptor in descriptors[:2]:
            os.close(descriptor)
        deadline = time.monotonic() + request.seconds
        reading = _Reading(pid, line, told, deadline, Path(request.work), request.file)
        self.readings[pid] = reading
        self.selector.register(line, selectors.EVENT_READ, reading)
        self.selector.register(told, selectors.EVENT_READ, reading)
        self.spare = self._fork()

    def _fork(self) -> tuple[int, socket.socket]:
        gc.freeze()  # a child that collects garbage leaves what it was born with alone
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
            if reading := self.readings.get(pid):
                code = -reading.ended_by if reading.ended_by else os.waitstatus_to_exitcode(status)
                self._tell(reading, _cost(code, usage))

    def _hear(self, reading: _Reading) -> None:
        """The child's last words; none when it died, which `_reap` learns."""
        words = b""
        with suppress(OSError):
            words = reading.line.recv(_LAST_WORDS, socket.MSG_DONTWAIT)
        try:
            self._tell(reading, msgspec.json.decode(words, type=Told))
        except msgspec.DecodeError:
            self.selector.unregister(reading.line)
            reading.line.close()

    def _tell(self, reading: _Reading, told: Told) -> None:
        del self.readings[reading.pid]
        _kill(reading.pid)  # and what it started
        self._end_strays()
        if reading.line.fileno() >= 0:
            self.selector.unregister(reading.line)
            reading.line.close()
        self.selector.unregister(reading.told)
        with suppress(OSError), reading.told:
            reading.told.sendall(msgspec.json.encode(told))

    def _end_strays(self) -> None:
        """Where starting processes could not be forbidden, end those that left their session."""
        if self.alone and not self.readings and not restrict.filters_calls():
            with suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)  # all of this name space but its first process

    def _end(self, reading: _Reading, reason: int) -> None:
        reading.ended_by = reading.ended_by or reason
        _kill(reading.pid)

    def _look_after(self) -> None:
        """End the children whose time is over or whose folder is full."""
        now = time.monotonic()
        for reading in self.readings.values():
            if now >= reading.deadline:
                self._end(reading, signal.SIGXCPU)
            elif not _fits(reading.folder, reading.most):
                self._end(reading, signal.SIGXFSZ)


def serve(descriptor: int, task: Work = work) -> NoReturn:
    """Be the warm process until the other end of the socket closes."""
    Nursery(socket.socket(fileno=descriptor), task, alone=os.getpid() == 1).serve()
    os._exit(0)


def _life_of_child(line: socket.socket, task: Work, *, alone: bool) -> NoReturn:
    """Wait for a request, give up everything else, answer it, say so, end."""
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
        if text:
            request = msgspec.json.decode(text, type=Request)
            status = _answer(request, descriptors, task, prepared, alone=alone)
            usage = resource.getrusage(resource.RUSAGE_SELF)
            line.send(msgspec.json.encode(_cost(status, usage)))
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
    tempfile.tempdir = request.work  # found otherwise by a file that is taken away again, which is forbidden
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


def _cost(status: int, usage: resource.struct_rusage) -> Told:
    return Told(status, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime)


def _fits(folder: Path, most: int) -> bool:
    """Whether everything in a folder takes no more than so many bytes, nor more names than a file needs."""
    names, left = 0, [folder]
    try:
        while left:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    names, most = names + 1, most - entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                    if names > _MOST_NAMES or most < 0:
                        return False
                    if entry.is_dir(follow_symlinks=False):
                        left.append(Path(entry))
    except FileNotFoundError:  # taken away while we looked; the next look comes soon
        return True
    except OSError:  # closed to us, or deeper than a path may be
        return False
    return True


def _kill(pid: int) -> None:
    """The child and what it started in its session."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
