"""A program that misbehaves becomes the right fault, soon, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from spectra.errors import Fault
from xbt.sandbox import sandbox_status
from xbt.sandbox.launch import Limits, fault_of, launch

QUICK = Limits(seconds=3, memory_bytes=512 << 20, file_bytes=4 << 20)


def run(script: str, limits: Limits = QUICK, *arguments: str) -> tuple[Fault | None, bytes]:
    with launch((sys.executable, "-I", "-S", "-c", script, *arguments), limits) as ended:
        return ended.fault, ended.output.read()


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("pass", None),
        ("import ctypes; ctypes.string_at(0)", Fault.CRASHED),
        ("raise SystemExit(3)", Fault.CRASHED),
        ("import os; os.abort()", Fault.CRASHED),
        ("bytearray(8 << 30)", Fault.OUT_OF_MEMORY),
        ("x = []\nwhile True: x.append(bytearray(1 << 20))", Fault.OUT_OF_MEMORY),
        ("import os; os.kill(os.getppid(), 9)", Fault.OUT_OF_MEMORY),
        ("while True: pass", Fault.TIMED_OUT),
        ("import time; time.sleep(60)", Fault.TIMED_OUT),
        ("f = open('x', 'wb')\nfor _ in range(10240): f.write(bytes(1 << 20))", Fault.TOO_LARGE),
        ("import sys\nwhile True: sys.stdout.buffer.write(bytes(1 << 20))", Fault.TOO_LARGE),
        ("files = [open('/dev/null') for _ in range(100)]", Fault.CRASHED),
    ],
)
def test_each_misdeed_has_its_fault(script: str, fault: Fault | None) -> None:
    started = time.monotonic()
    assert run(script)[0] is fault
    assert time.monotonic() - started < 6


def test_what_is_printed_comes_back() -> None:
    assert run("print('answer')") == (None, b"answer\n")


def test_the_environment_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XBT_CANARY", "canary")
    _, output = run("import os; print(sorted(os.environ))")
    assert b"XBT" not in output
    assert b"PATH" not in output


def test_it_works_in_a_fresh_folder_that_is_gone_afterwards() -> None:
    _, output = run("import os; open('x', 'w').close(); print(os.getcwd(), os.listdir())")
    folder, listing = output.decode().split(maxsplit=1)
    assert listing.strip() == "['x']"
    assert not Path(folder).exists()


needs_namespaces = pytest.mark.skipif(
    not sandbox_status().network_cut, reason="this kernel or container forbids user name spaces"
)


@needs_namespaces
def test_the_loopback_listener_is_out_of_reach() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        port = server.getsockname()[1]
        script = f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)"
        assert run(script)[0] is Fault.CRASHED
        with pytest.raises(TimeoutError):
            server.accept()


@needs_namespaces
def test_what_it_started_ends_with_it() -> None:
    mark = f"xbt-fork-{os.getpid()}"
    bomb = (
        "import os, sys, time\n"
        "for _ in range(40):\n"
        "    try: os.fork()\n"
        "    except OSError: pass\n"
        "    if os.getpid() != 1: os.setsid() if os.getpgrp() != os.getpid() else None; time.sleep(60)\n"
        "time.sleep(60)"
    )
    assert run(bomb, QUICK, mark)[0] is Fault.TIMED_OUT
    deadline = time.monotonic() + 5  # the kernel ends them one after the other
    while (alive := [line for line in _command_lines() if mark in line]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive == []


def _command_lines() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            found.append((entry / "cmdline").read_text()) if entry.name.isdigit() else None
        except OSError:
            continue
    return found


def test_without_a_way_to_cut_the_network_it_is_refused_when_that_is_required() -> None:
    required = Limits(seconds=5, require_no_network=True)
    with launch((sys.executable, "-I", "-S", "-c", "print('ran')"), required) as ended:
        assert ended.network_refused is not (ended.output.read() == b"ran\n")


def test_the_status_tells_what_to_do_where_the_network_cannot_be_cut_off() -> None:
    status = sandbox_status()
    assert status.network_cut is (status.advice == "")


@pytest.mark.parametrize(
    ("status", "errors", "fault"),
    [
        (0, b"", None),
        (None, b"", Fault.TIMED_OUT),
        (-signal.SIGXCPU, b"", Fault.TIMED_OUT),
        (-signal.SIGKILL, b"", Fault.OUT_OF_MEMORY),
        (-signal.SIGSEGV, b"", Fault.CRASHED),
        (
            -signal.SIGABRT,
            b"terminate called after throwing an instance of 'std::bad_alloc'",
            Fault.OUT_OF_MEMORY,
        ),
        (-signal.SIGXFSZ, b"", Fault.TOO_LARGE),
        (1, b"", Fault.CRASHED),
    ],
)
def test_every_end_has_a_fault(status: int | None, errors: bytes, fault: Fault | None) -> None:
    assert fault_of(status, errors) is fault
