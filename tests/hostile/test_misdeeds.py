"""Readers that misbehave: each becomes a clear error, nothing is left, and the pages go on answering."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spectra.errors import Fault, UnreadableFile
from tests.xbt.laboratory import make_secrets
from xbt.config import Settings
from xbt.db import upgrade
from xbt.sandbox.door import read_limited
from xbt.sandbox.launch import Limits
from xbt.sandbox.pool import START, Pool

LIMITS = Limits(memory_bytes=512 << 20, seconds=5.0, file_bytes=16 << 20)
# The reader is replaced by one that does what the first line of the file says.
MISBEHAVE = """
import spectra.readers
def misdeed(path, *, name=""):
    exec(path.read_text())
spectra.readers.read = misdeed
"""
MISDEEDS = {
    "segmentation fault": ("import ctypes; ctypes.string_at(0)", Fault.CRASHED),
    "abort": ("import os; os.abort()", Fault.CRASHED),
    "endless loop": ("while True: pass", Fault.TIMED_OUT),
    "endless sleep": ("import time; time.sleep(60)", Fault.TIMED_OUT),
    "8 GiB": ("bytearray(8 << 30)", Fault.OUT_OF_MEMORY),
    "8 GiB in pieces": ("kept = []\nwhile True: kept.append(bytearray(1 << 20))", Fault.OUT_OF_MEMORY),
    "fork": ("import os; os.fork()", Fault.FORBIDDEN),
    "another program": ("import os; os.execv('/bin/sh', ['sh', '-c', 'true'])", Fault.FORBIDDEN),
    "socket": ("import socket; socket.create_connection(('127.0.0.1', PORT), 1)", Fault.FORBIDDEN),
    "socket between processes": ("import socket; socket.socketpair()", Fault.FORBIDDEN),
    "10 GiB on disk": (
        "with open('x', 'wb') as file:\n    for _ in range(10240): file.write(bytes(1 << 20))",
        Fault.TOO_LARGE,
    ),
    "10 GiB on disk in many files": (
        "for number in range(640):\n"
        "    with open(f'x{number}', 'wb') as file: file.write(b'x' * (15 << 20))\n"
        "import time; time.sleep(1)",
        Fault.TOO_LARGE,
    ),
    "10 GiB on disk in files taken away while they are open": (
        "import os, time\nkept = []\nfor number in range(40):\n"
        "    kept.append(open(f'x{number}', 'wb'))\n    kept[-1].write(b'x' * (15 << 20))\n"
        "    os.unlink(f'x{number}')\ntime.sleep(1)",
        Fault.TOO_LARGE,
    ),
    "a file renamed over another": (
        "import os; open('x', 'w'); open('y', 'w'); os.replace('x', 'y')",
        Fault.FORBIDDEN,
    ),
    "a file without a name": ("import os; os.open('.', os.O_TMPFILE | os.O_RDWR)", Fault.FORBIDDEN),
    "a file in memory": ("import os; os.memfd_create('x')", Fault.FORBIDDEN),
    "an answer that it says is whole": (
        "import os, socket\nfor n in range(3, 9):\n"
        "    try: socket.socket(fileno=n).send(b'{\"status\":0}')\n    except OSError: pass\n"
        "import time; time.sleep(60)",
        Fault.MALFORMED,
    ),
    "another file": ("open('/etc/hostname')", Fault.FORBIDDEN),
    "a file beside its own": ("open(path.parent / 'secret')", Fault.FORBIDDEN),
    "a signal to all": ("import os; os.kill(-1, 9)", Fault.FORBIDDEN),
    "too many files": ("kept = [open(path) for _ in range(100)]", Fault.CRASHED),
    "endless recursion": ("def again(): again()\nagain()", Fault.CRASHED),
    "a silent end": ("import os; os._exit(0)", Fault.MALFORMED),
    "words on the answer": ("import os; [os.write(n, b'x' * 99) for n in range(3, 9)]", Fault.CRASHED),
}


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """A warm process with the misbehaving reader."""
    made = Pool(START.replace("from xbt.sandbox.nursery", MISBEHAVE + "from xbt.sandbox.nursery"))
    yield made
    made.close()


def misbehave(pool: Pool, folder: Path, deed: str) -> UnreadableFile:
    path = folder / "file"
    path.write_text(deed)
    (folder / "secret").write_text("secret")
    with pytest.raises(UnreadableFile) as caught:
        read_limited(path, "file", LIMITS, max_bytes=1 << 20, pool=pool)
    return caught.value


@pytest.mark.parametrize("name", MISDEEDS)
def test_each_misdeed_has_its_fault(name: str, pool: Pool, tmp_path: Path) -> None:
    deed, fault = MISDEEDS[name]
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        started = time.monotonic()
        error = misbehave(pool, tmp_path, deed.replace("PORT", str(server.getsockname()[1])))
        assert time.monotonic() - started < 15
        with pytest.raises(BlockingIOError):
            server.accept()
    assert error.fault is fault, str(error)


def test_nothing_of_one_file_reaches_the_next(pool: Pool, tmp_path: Path) -> None:
    assert misbehave(pool, tmp_path, "import spectra; spectra.mark = 1; open('left', 'w'); raise KeyError")
    error = misbehave(
        pool, tmp_path, "import os, spectra; assert not hasattr(spectra, 'mark') and not os.listdir()"
    )
    assert "AssertionError" not in str(error)


def test_the_environment_holds_no_secret(pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XBT_CANARY", "canary")
    pool.close()
    error = misbehave(
        pool,
        tmp_path,
        "import os; assert not [name for name in os.environ if 'XBT' in name or name == 'PATH']",
    )
    assert "AssertionError" not in str(error)


def test_a_lost_warm_process_is_replaced(pool: Pool, tmp_path: Path) -> None:
    misbehave(pool, tmp_path, "pass")
    warm = pool._warm
    assert warm is not None
    warm.process.kill()
    assert misbehave(pool, tmp_path, "raise MemoryError").fault is Fault.OUT_OF_MEMORY


def test_threads_may_ask_at_the_same_time(pool: Pool, tmp_path: Path) -> None:
    faults: list[Fault] = []

    def ask(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        faults.append(misbehave(pool, folder, "import time; time.sleep(1); raise MemoryError").fault)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == [Fault.OUT_OF_MEMORY] * 6
    assert time.monotonic() - started < 5.5


def test_closing_leaves_no_process_and_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "data").mkdir()
    own = Pool(START.replace("from xbt.sandbox.nursery", MISBEHAVE + "from xbt.sandbox.nursery"))
    for deed in ("while True: pass", "pass", "import ctypes; ctypes.string_at(0)"):
        misbehave(own, tmp_path / "data", deed)
    warm = own._warm
    assert warm is not None
    family = _descendants(warm.process.pid)
    assert family
    own.close()
    assert warm.process.returncode is not None
    assert [entry.name for entry in tmp_path.iterdir()] == ["data"]
    deadline = time.monotonic() + 5
    while (left := [pid for pid in family if Path(f"/proc/{pid}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def _descendants(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    children = [int(text) for text in path.read_text().split()] if path.exists() else []
    return [pid, *(one for child in children for one in _descendants(child))]


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The pages, served by a real server in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "XBT_DATA_DIR": str(settings.data_dir)}
    command = [
        sys.executable,
        "-c",
        "from xbt.cli import main; main()",
        "serve",
        "--no-worker",
        "--port",
        str(port),
    ]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}/healthz"
        deadline = time.monotonic() + 120  # a busy machine takes its time to start
        while not _answers(url):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return waited(url) > 0
    except OSError:
        return False


def waited(url: str) -> float:
    """Seconds until the page came."""
    started = time.monotonic()
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  our own
        assert answer.status == 200
    return time.monotonic() - started


def test_the_pages_answer_meanwhile(pool: Pool, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "var")
    make_secrets(settings)
    upgrade(settings.database_url)
    with served(settings) as url:
        times: list[float] = []
        stop = threading.Event()

        def watch() -> None:
            while not stop.wait(0.02):
                times.append(waited(url))

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            for deed, fault in MISDEEDS.values():
                assert misbehave(pool, tmp_path, deed.replace("PORT", "1")).fault is fault
        finally:
            stop.set()
            thread.join()
    assert len(times) > 50
    assert sorted(times)[int(0.95 * len(times))] < 0.3
