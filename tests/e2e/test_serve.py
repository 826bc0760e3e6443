"""``xbt serve`` keeps its worker alive, and leaves nothing behind when it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Server, start_server
from tests.web.laboratory import make_laboratory

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    make_laboratory(tmp_path / "var")
    with start_server(tmp_path) as started:
        yield started


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def descendants(pid: int) -> list[int]:
    return [one for child in children(pid) for one in (child, *descendants(child))]


def worker_of(pid: int) -> int:
    """The youngest child: the pages are started before the worker, and never again."""
    named = [child for child in children(pid) if b"resource_tracker" not in command(child)]
    return max(named, key=lambda child: (started(child), child))


def command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def started(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])


def until(met: Callable[[], bool], seconds: float = 40) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if met():
            return True
        time.sleep(0.2)
    return False


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_that_dies_is_started_again(server: Server) -> None:
    heartbeat = server.live.data_dir / "worker.heartbeat"
    assert until(heartbeat.exists)
    first = worker_of(server.process.pid)
    helpers = children(first)
    heartbeat.unlink()
    os.kill(first, signal.SIGKILL)
    assert until(heartbeat.exists)
    assert worker_of(server.process.pid) != first
    assert until(lambda: not any(map(alive, helpers)))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_it_stops_everything(server: Server, number: signal.Signals) -> None:
    heartbeat = server.live.data_dir / "worker.heartbeat"
    assert until(heartbeat.exists)
    family = descendants(server.process.pid)
    server.process.send_signal(number)
    assert server.process.wait(40) == 0
    assert until(lambda: not any(map(alive, family)))
    assert "Traceback" not in server.live.log.read_text()


def test_a_port_in_use_is_said_in_one_sentence(server: Server) -> None:
    port = server.live.url.rsplit(":", 1)[1]
    again = subprocess.run(
        [sys.executable, "-c", "from xbt.cli import main; main()", "serve", "--port", port, "--no-worker"],
        env=os.environ | {"XBT_DATA_DIR": str(server.live.data_dir)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert again.returncode == 1
    assert "is the port already in use?" in again.stderr


def test_a_folder_without_a_laboratory_is_said_so(tmp_path: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-c", "from xbt.cli import main; main()", "serve"],
        env=os.environ | {"XBT_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert refused.returncode == 1
    assert "xbt init" in refused.stderr
    assert "Traceback" not in refused.stderr
