"""What a process that reads one file gives up just before it opens it.

Promises, as far as the kernel allows each: limits on memory, CPU time, file size, open files and processes;
no file in reach but the one to read, the program itself and an own working folder (Landlock); no new process,
no socket, no nameless file, no signal to others, no tracing, mounting or name space (a seccomp filter on
system calls). A file that is removed stays, though the remover is told otherwise, so that all that a reader
writes is where `xbt.sandbox.nursery` counts it; the parent removes the folder. None of it can be taken back,
and all of it works inside containers that forbid name spaces.
Refuses nothing: what was achieved is returned, whether that is enough is decided by the caller.

Only the standard library; Linux on x86-64 and 64-bit ARM, elsewhere only the limits.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _FILTER = 22, 38, 2
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # Landlock, the same on every architecture
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_WRITE_FILE, _REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 1, 1 << 4, 1 << 5, 1 << 7, 1 << 8
_TRUNCATE = 1 << 14
_READ = _READ_FILE | _READ_DIR
_WORK = _READ | _WRITE_FILE | _MAKE_DIR | _MAKE_REG | _TRUNCATE
_OF_A_FILE = _READ_FILE | _WRITE_FILE | _TRUNCATE
_RIGHTS = ((1, 13), (2, 14), (3, 15), (5, 16))  # from this version on, so many rights over files exist
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_DONE, _NOT_PERMITTED, _NO_SUCH_CALL = 0, 1, 38
_CLONE_THREAD, _CLONE3, _OPENAT2, _O_TMPFILE = 0x00010000, 435, 437, 0x00400000
_FIRST_ARGUMENT, _SECOND_ARGUMENT, _THIRD_ARGUMENT = 16, 24, 32  # where the filter finds their lower halves
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NEWER = (
    424,
    425,
    434,
    438,
    440,
)  # pidfd_send_signal, io_uring_setup, pidfd_open, pidfd_getfd, process_madvise
# architecture -> (audit number, clone, openat, open, further calls a reader never needs: socket, connect,
# bind, socketpair, fork, vfork, execve, execveat, kill, ptrace, mount, umount2, add_key, request_key, keyctl,
# unshare, setns, perf_event_open, open_by_handle_at, process_vm_readv, process_vm_writev, bpf, userfaultfd,
# memfd_create; and those that do nothing: unlink, unlinkat, rmdir)
_CALLS = {
    "x86_64": (
        0xC000003E,
        56,
        257,
        2,
        "41 42 49 53 57 58 59 322 62 101 165 166 248 249 250 272 308 298 304 310 311 321 323 319",
        "87 263 84",
    ),
    "aarch64": (
        0xC00000B7,
        220,
        56,
        None,  # this architecture has neither open nor fork nor vfork
        "198 203 200 199 221 281 129 117 40 39 217 218 219 97 268 241 265 270 271 280 282 279",
        "35",
    ),
}


@dataclass(frozen=True, slots=True)
class Restricted:
    """What was achieved."""

    files: bool  # nothing but the named paths can be opened
    calls: bool  # no process, no socket


def limit(*, memory: int, cpu: int, file: int, open_files: int, processes: int) -> None:
    """Set the limits; ``memory`` (bytes) counts from what the process already holds."""
    for name, value in (
        ("RLIMIT_AS", _address_space() + memory),
        ("RLIMIT_CPU", cpu),
        ("RLIMIT_FSIZE", file),
        ("RLIMIT_NOFILE", open_files),
        ("RLIMIT_NPROC", processes),
        ("RLIMIT_CORE", 0),
    ):
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with suppress(OSError, ValueError):  # some systems lack some of them
            resource.setrlimit(kind, (bound, bound))


@dataclass(frozen=True, slots=True)
class Prepared:
    """What can be done before the file is known: the filter is on, the rules know the program."""

    rules: int  # descriptor, -1 where the kernel has no Landlock
    handled: int  # the rights over files this kernel knows
    calls: bool


def prepare() -> Prepared:
    """Forbid the system calls now, and begin the rules over files."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    version = libc.syscall(_CREATE_RULESET, None, 0, 1) if sys.platform == "linux" else 0
    handled = (1 << max((bits for since, bits in _RIGHTS if version >= since), default=0)) - 1
    attributes = struct.pack("=Q", handled)
    rules = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0) if handled else -1
    for part in _program() if rules >= 0 else ():
        _allow(libc, rules, part, _READ & handled)
    if rules >= 0:
        _allow(libc, rules, Path(os.devnull), (_READ_FILE | _WRITE_FILE) & handled)
    return Prepared(rules, handled, calls=_filter_calls(libc))


def restrict(readable: Path, work: Path, prepared: Prepared | None = None) -> Restricted:
    """Leave this process ``readable`` (a file or a folder), the program, and ``work`` to write in."""
    begun = prepared or prepare()
    if begun.rules < 0:
        return Restricted(files=False, calls=begun.calls)
    libc = ctypes.CDLL(None, use_errno=True)
    _allow(libc, begun.rules, readable, _READ & begun.handled)
    # Where the filter lets removals pass without effect, nothing may be replaced (by renaming) either.
    rights = _WORK if begun.calls else _WORK | _REMOVE_DIR | _REMOVE_FILE
    _allow(libc, begun.rules, work, rights & begun.handled)
    kept = libc.syscall(_RESTRICT_SELF, begun.rules, 0) == 0
    os.close(begun.rules)
    return Restricted(files=kept, calls=begun.calls)


def filters_calls() -> bool:
    """Whether the filter on system calls is known for this machine."""
    return sys.platform == "linux" and sys.maxsize > 2**32 and platform.machine() in _CALLS


def _address_space() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError):
        return 1 << 30
    return pages * resource.getpagesize()


def _allow(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    """Grant ``rights`` beneath ``path``; a path that is not there grants nothing."""
    try:
        place = os.open(path, getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not path.is_dir():
            rights &= _OF_A_FILE
        libc.syscall(_ADD_RULE, rules, 1, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


def _program() -> Iterator[Path]:
    """Interpreter, libraries and the two packages that a reader is made of."""
    root = Path(__file__).resolve().parents[2]
    yield from (root / "spectra", root / "xbt")
    yield from (Path(place) for place in {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix})
    yield from map(Path, ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime"))


def _filter_calls(libc: ctypes.CDLL) -> bool:
    if not filters_calls():
        return False
    program = b"".join(_program_of_filter(*_CALLS[platform.machine()]))
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    return bool(libc.prctl(_PR_SET_SECCOMP, _FILTER, header, 0, 0) == 0)


def _program_of_filter(
    architecture: int, clone: int, openat: int, opens: int | None, denied: str, idle: str
) -> Iterator[bytes]:
    """Classic BPF over (call number, architecture, instruction pointer, arguments)."""
    yield _step(_LOAD, 4)
    yield _step(_EQUAL, architecture, 1, 0)
    yield _step(_RETURN, _KILL)
    yield _step(_LOAD, 0)
    yield _step(_AT_LEAST, 0x40000000, 0, 1)  # the x32 calls of x86-64, by which the list could be avoided
    yield _step(_RETURN, _KILL)
    refused = _ERRNO | _NOT_PERMITTED
    yield from _by_bit(clone, _FIRST_ARGUMENT, _CLONE_THREAD, _ALLOW, refused)
    yield from _by_bit(openat, _THIRD_ARGUMENT, _O_TMPFILE, refused, _ALLOW)
    if opens is not None:
        yield from _by_bit(opens, _SECOND_ARGUMENT, _O_TMPFILE, refused, _ALLOW)
    for newest in (_CLONE3, _OPENAT2):  # their flags lie in memory; libraries fall back to the older calls
        yield from _deny(newest, _NO_SUCH_CALL)
    for call in (*map(int, denied.split()), *_NEWER):
        yield from _deny(call, _NOT_PERMITTED)
    for call in map(int, idle.split()):
        yield from _deny(call, _DONE)
    yield _step(_RETURN, _ALLOW)


def _by_bit(call: int, argument: int, bit: int, there: int, missing: int) -> Iterator[bytes]:
    """What a call gets that has a bit set in an argument, and one that has not."""
    yield _step(_EQUAL, call, 0, 4)
    yield _step(_LOAD, argument)
    yield _step(_ANY_BIT, bit, 0, 1)
    yield _step(_RETURN, there)
    yield _step(_RETURN, missing)


def _deny(call: int, error: int) -> Iterator[bytes]:
    yield _step(_EQUAL, call, 0, 1)
    yield _step(_RETURN, _ERRNO | error)


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)
