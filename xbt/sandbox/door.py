"""Gate, child, check: one file in, one run or one error out.

Promises: this process opens no more than the head of the file, and never with a parser.
Refuses with `UnreadableFile`, which names the file as its owner knows it and what to do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spectra.errors import Fault, UnreadableFile
from spectra.model import Run
from xbt.sandbox import gate, restrict, transfer
from xbt.sandbox.launch import Ended, Limits, launch
from xbt.sandbox.pool import Pool, sealed

if TYPE_CHECKING:
    from xbt.config import Settings

_MEGABYTE = 1024 * 1024
_REMEDIES = {
    Fault.TIMED_OUT: "export a shorter run, or ask for a longer reading time (XBT_CHILD_SECONDS)",
    Fault.OUT_OF_MEMORY: "export a smaller run, or ask for more memory (XBT_CHILD_MEMORY_MB)",
    Fault.CRASHED: "export the file again in another format (mzML or netCDF) and keep this one for a report",
    Fault.TOO_LARGE: "export a shorter run",
}


POOL = Pool()


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """What this machine allows the sandbox to do; printed by ``xbt doctor``."""

    network_cut: bool  # by name spaces or by the filter on system calls
    advice: str  # "" when nothing is missing
    files_kept: bool = False  # the reader can open its own file and the program, nothing else
    calls_filtered: bool = False  # it cannot start processes, open sockets or signal others


def keep_warm() -> None:
    """Load the libraries of the readers now, in the confined process that will read the first file."""
    POOL.keep_warm()


def read_run(path: Path, *, name: str, settings: Settings) -> Run:
    """Read an instrument file (or an acquisition folder) that nobody has any reason to trust.

    Parameters
    ----------
    path : where it lies.
    name : what its owner calls it; used in messages only.
    settings : ``max_upload_mb``, ``child_memory_mb``, ``child_seconds``, ``sandbox_require_no_network``.

    Raises
    ------
    UnreadableFile : always with ``file`` = ``name``.
    """
    limits = Limits(
        memory_bytes=settings.child_memory_mb * _MEGABYTE,
        seconds=settings.child_seconds,
        require_no_network=settings.sandbox_require_no_network,
    )
    try:
        return read_limited(path, _plain(name), limits, max_bytes=settings.max_upload_mb * _MEGABYTE)
    except UnreadableFile as error:
        raise _named(error, name) from None


def read_limited(path: Path, name: str, limits: Limits, *, max_bytes: int, pool: Pool = POOL) -> Run:
    """`read_run` without settings: an archive is unpacked by one child, its content read by another."""
    packed = gate.check(path, max_bytes=max_bytes)
    if not packed:
        return _read(pool, path.resolve(), name, limits)
    with _asked(pool, "unpack", path.resolve(), name, limits) as (ended, folder):
        place = transfer.read_unpacked(ended.output)
        if not place:  # a package that is one file to its reader
            return _read(pool, path.resolve(), name, limits)
        inside = folder / place
        if inside.is_symlink() or not inside.resolve().is_relative_to(folder.resolve()):
            raise UnreadableFile(Fault.MALFORMED, expected="an answer of the reading process")
        if gate.check(inside, max_bytes=gate.MAX_UNPACKED):
            remedy = "unpack it once and hand in what is inside"
            raise UnreadableFile(Fault.FORBIDDEN, expected="no archive inside the archive", remedy=remedy)
        return _read(pool, inside, name, limits)


def sandbox_status() -> SandboxStatus:
    """Try what a child can be kept from here."""
    achieved = _try_restrictions()
    cut = achieved.calls or _try_name_spaces()
    advice = (
        ""
        if cut
        else "this machine forbids user name spaces: run the worker where it has no network "
        "(in a container: a worker service with network_mode none)"
    )
    return SandboxStatus(cut, advice, files_kept=achieved.files, calls_filtered=achieved.calls)


def _try_name_spaces() -> bool:
    with launch((sys.executable, "-I", "-S", "-c", ""), Limits(seconds=10, require_no_network=True)) as ended:
        return ended.fault is None


def _try_restrictions() -> restrict.Restricted:
    script = (
        "import sys, pathlib; sys.path.append(sys.argv[1]); from xbt.sandbox.restrict import restrict\n"
        "here = pathlib.Path.cwd(); done = restrict(here, here); print(int(done.files), int(done.calls))"
    )
    root = str(Path(__file__).resolve().parents[2])
    with launch((sys.executable, "-I", "-c", script, root), Limits(seconds=10)) as ended:
        told = ended.output.read().split() if ended.fault is None else [b"0", b"0"]
    return restrict.Restricted(files=told[0] == b"1", calls=told[-1] == b"1")


def _read(pool: Pool, path: Path, name: str, limits: Limits) -> Run:
    with _asked(pool, "read", path, name, limits) as (ended, _):
        return transfer.read_run(ended.output, sealed=sealed(ended.output))


@contextmanager
def _asked(pool: Pool, task: str, path: Path, name: str, limits: Limits) -> Iterator[tuple[Ended, Path]]:
    """The answer of a child that ended well."""
    with pool.ask(task, path, name, limits) as (ended, folder):
        if ended.network_refused:
            raise UnreadableFile(
                Fault.UNSUPPORTED,
                expected="a machine that can cut the reader off from the network",
                remedy="see xbt doctor, or set XBT_SANDBOX_REQUIRE_NO_NETWORK=false",
            )
        if ended.fault is not None:
            raise UnreadableFile(ended.fault)
        yield ended, folder


def _plain(name: str) -> str:
    """A name that can be an argument of a process."""
    return name.replace("\0", "").encode("utf-8", "replace").decode()[:255]


def _named(error: UnreadableFile, name: str) -> UnreadableFile:
    return UnreadableFile(
        error.fault,
        file=name,
        where=error.where,
        expected=error.expected,
        remedy=error.remedy or _REMEDIES.get(error.fault, ""),
    )
