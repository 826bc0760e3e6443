"""Gate, child, check: one file in, one run or one error out.

Promises: this process opens no more than the head of the file, and never with a parser.
Refuses with `UnreadableFile`, which names the file as its owner knows it and what to do.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spectra.errors import Fault, UnreadableFile
from spectra.model import Run
from xbt.sandbox import gate, transfer
from xbt.sandbox.launch import Limits, launch

if TYPE_CHECKING:
    from xbt.config import Settings

# Isolated (-I), the child does not look into this process's path; it needs the place of these packages told.
_START = "import sys; sys.path.append(sys.argv.pop(1)); from xbt.sandbox.child import main; main()"
_CHILD = (sys.executable, "-I", "-X", "utf8", "-c", _START, str(Path(__file__).resolve().parents[2]))
_MEGABYTE = 1024 * 1024
_REMEDIES = {
    Fault.TIMED_OUT: "export a shorter run, or ask for a longer reading time (XBT_CHILD_SECONDS)",
    Fault.OUT_OF_MEMORY: "export a smaller run, or ask for more memory (XBT_CHILD_MEMORY_MB)",
    Fault.CRASHED: "export the file again in another format (mzML or netCDF) and keep this one for a report",
    Fault.TOO_LARGE: "export a shorter run",
}


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """What this machine allows the sandbox to do; printed by ``xbt doctor``."""

    network_cut: bool
    advice: str  # "" when nothing is missing


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
        gate.check(path, max_bytes=settings.max_upload_mb * _MEGABYTE)
        return _read_confined(path.resolve(), _plain(name), limits)
    except UnreadableFile as error:
        raise _named(error, name) from None


def sandbox_status() -> SandboxStatus:
    """Try whether a child can be cut off from the network here."""
    with launch((sys.executable, "-I", "-S", "-c", ""), Limits(seconds=10, require_no_network=True)) as ended:
        if ended.fault is None:
            return SandboxStatus(network_cut=True, advice="")
    return SandboxStatus(
        network_cut=False,
        advice=(
            "this machine forbids user name spaces: run the worker where it has no network "
            "(in a container: a worker service with network_mode none)"
        ),
    )


def _read_confined(path: Path, name: str, limits: Limits) -> Run:
    with launch((*_CHILD, str(path), name), limits) as ended:
        if ended.network_refused:
            raise UnreadableFile(
                Fault.UNSUPPORTED,
                expected="a machine that can cut the reader off from the network",
                remedy="see xbt doctor, or set XBT_SANDBOX_REQUIRE_NO_NETWORK=false",
            )
        if ended.fault is not None:
            raise UnreadableFile(ended.fault)
        return transfer.read_run(ended.output)


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
