r"""Started as a program of its own: gives up what reading a file never needs, then becomes that reader.

Promises, before the first byte of the file or of any parser is touched: no network, no other processes in
sight (where the kernel allows name spaces), limited memory, CPU time, file size, open files and processes,
no core dump, no new privileges, and death together with the process that started it.
Refuses, when told to, to go on where the network cannot be cut off.

Only the standard library, and not the package: this runs as ``python -I -S confine.py`` so that it starts in
milliseconds and cannot be led astray by anything installed.

    confine.py MEMORY_BYTES CPU_SECONDS FILE_BYTES OPEN_FILES PROCESSES REQUIRE_NO_NETWORK STAYS \
        PROGRAM [ARGUMENT]

A limit of -1 is none. A program that STAYS outlives the thread that started it and ends by itself when its
process is gone.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

NETWORK_NOT_CUT = 125  # exit status: refused, because the network could not be cut off
_CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


def main(arguments: list[str]) -> int:
    *figures, required, stays = (int(text) for text in arguments[:7])
    program = arguments[7:]
    if not stays:
        die_with_parent()
    cut = _cut_off()
    if not cut and required:
        return NETWORK_NOT_CUT
    _limit(*figures)
    if not cut:
        os.execv(program[0], program)  # noqa: S606  no shell is wanted
    return _first_process(program)


def _cut_off() -> bool:
    """New user, network, process and IPC name spaces; False where the kernel does not allow them."""
    unshare = getattr(ctypes.CDLL(None), "unshare", None)
    flags = _CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWPID | _CLONE_NEWIPC
    return unshare is not None and unshare(flags) == 0


def die_with_parent() -> None:
    """Be killed when the thread that started this process ends; gain no privileges."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _limit(memory: int, cpu: int, file: int, open_files: int, processes: int) -> None:
    for name, value in (
        ("RLIMIT_AS", memory),
        ("RLIMIT_CPU", cpu),
        ("RLIMIT_FSIZE", file),
        ("RLIMIT_NOFILE", open_files),
        ("RLIMIT_NPROC", processes),
        ("RLIMIT_CORE", 0),
    ):
        if value < 0:
            continue
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (limit, limit))


def _first_process(program: list[str]) -> int:
    """Run the program as process 1 of the new name space: when it ends, the kernel ends all it started."""
    child = os.fork()
    if child == 0:
        die_with_parent()
        os.execv(program[0], program)  # noqa: S606  no shell is wanted
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        _end_by(os.WTERMSIG(status))
    return os.waitstatus_to_exitcode(status)


def _end_by(number: int) -> None:
    """Die of the same signal, so that whoever waits sees what the program died of."""
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
