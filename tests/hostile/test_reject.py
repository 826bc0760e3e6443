"""Files made to hurt their reader: each is refused with the right words, soon, and touches nothing else."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from spectra.errors import UnreadableFile
from tests.hostile.corpus import CASES, FIFO, PORT, Case
from tests.hostile.documents import doubles, mzml_text, tarred, zipped
from xbt.config import Settings
from xbt.sandbox import read_run
from xbt.sandbox.door import POOL

SECONDS, BYTES = 2.0, 512 << 20


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int, list[object]]]:
    """A pipe that must not be opened, a port that must not be called, and the list of who did."""
    pipe = tmp_path_factory.mktemp("watched") / "pipe"
    os.mkfifo(pipe)
    calls: list[object] = []
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)

        def accept() -> None:
            while not stop.is_set():
                with suppress(TimeoutError):
                    connection, address = server.accept()
                    calls.append(address)
                    connection.close()

        def open_pipe() -> None:
            while not stop.wait(0.002):
                with suppress(OSError):  # nobody has it open for reading
                    os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
                    calls.append(pipe)

        threads = [threading.Thread(target=accept), threading.Thread(target=open_pipe)]
        for thread in threads:
            thread.start()
        try:
            yield pipe, server.getsockname()[1], calls
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def test_the_corpus_is_large_and_its_names_differ() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 80


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_is_refused_with_its_words(
    case: Case, tmp_path: Path, settings: Settings, watched: tuple[Path, int, list[object]]
) -> None:
    pipe, port, calls = watched
    path = tmp_path / "blob"
    case.make(path)
    if path.is_file() and path.stat().st_size < 1 << 20:
        content = path.read_bytes().replace(FIFO.encode(), str(pipe).encode())
        path.write_bytes(content.replace(PORT.encode(), str(port).encode()))
    POOL.last = None
    started = time.monotonic()
    with pytest.raises(UnreadableFile) as caught:
        read_run(path, name="handed in.mzML", settings=settings)
    waited = time.monotonic() - started
    assert (caught.value.fault, case.words in str(caught.value)) == (case.fault, True), str(caught.value)
    assert caught.value.file == "handed in.mzML"
    assert str(tmp_path) not in str(caught.value)
    assert calls == []
    if POOL.last is not None:
        assert POOL.last.seconds < SECONDS  # of the processor: other tests may keep it busy
        assert POOL.last.peak_bytes < BYTES
    assert waited < 5 * SECONDS


WRONG_POINTS = {
    "NaN m/z": (doubles(50, float("nan"), 303), doubles(1, 2, 3)),
    "infinite m/z": (doubles(50, 60, float("inf")), doubles(1, 2, 3)),
    "NaN intensity": (doubles(50, 60, 70), doubles(1, float("nan"), 3)),
}


@pytest.mark.parametrize(("mz", "intensity"), WRONG_POINTS.values(), ids=WRONG_POINTS)
def test_a_point_that_is_no_number_is_left_out_and_told(
    mz: bytes, intensity: bytes, tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "blob"
    path.write_text(mzml_text(mz, intensity))
    run = read_run(path, name="a", settings=settings)
    assert np.isfinite(run.scans.mz).all()
    assert np.isfinite(run.scans.intensity).all()
    assert len(run.scans.mz) == 2
    assert run.warnings


@pytest.mark.parametrize(
    "pack",
    [
        lambda content: zipped({"run.mzML": content}),
        lambda content: zipped({"RUN.D\\run.mzML": content, "__MACOSX/._run": b"x"}),
        lambda content: tarred("folder/run.mzML", content=content),
        lambda content: tarred("run.mzML", content=content, how="w"),
        lambda content: __import__("gzip").compress(content),
    ],
    ids=["zip", "zip from Windows", "tar.gz", "tar", "gzip"],
)
def test_an_honest_archive_is_read(pack: object, tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "blob"
    path.write_bytes(pack(mzml_text().encode()))  # type: ignore[operator]
    assert len(read_run(path, name="a", settings=settings).scans.mz) == 3
