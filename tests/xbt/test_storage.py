"""Blobs are whole or not there, whenever the process is killed."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xbt.storage import BlobTooLarge, FolderStore

CONTENT = b"measurement" * 100_000

# Kills itself at the named call, counted from the start of put().
KILLED = """
import io, os, signal, sys
from pathlib import Path
from xbt.storage import folder

module, name = {"fsync": (os, "fsync"), "rename": (Path, "replace"), "mkdir": (Path, "mkdir"),
                "chmod": (Path, "chmod"), "flush": (folder, "_flush_folder")}[sys.argv[2]]
real, calls = getattr(module, name), 0

def dying(*args, **kwargs):
    global calls
    calls += 1
    if calls == int(sys.argv[3]):
        if sys.argv[4] == "after":
            real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)

setattr(module, name, dying)
folder.FolderStore(Path(sys.argv[1])).put(io.BytesIO(b"measurement" * 100_000))
"""


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "blobs")


def test_bytes_come_back_under_their_hash(store: FolderStore) -> None:
    blob = store.put(io.BytesIO(CONTENT))
    assert (blob.sha256, blob.size) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    with store.open(blob.sha256) as stream:
        assert stream.read() == CONTENT
    assert store.path(blob.sha256).read_bytes() == CONTENT


def test_the_same_bytes_are_kept_once(store: FolderStore) -> None:
    first, second = store.put(io.BytesIO(CONTENT)), store.put(io.BytesIO(CONTENT))
    assert first == second
    assert sum(1 for path in store.root.rglob("*") if path.is_file()) == 1


def test_too_many_bytes_leave_nothing(store: FolderStore) -> None:
    with pytest.raises(BlobTooLarge):
        store.put(io.BytesIO(CONTENT), limit=len(CONTENT) - 1)
    assert [path for path in store.root.rglob("*") if path.is_file()] == []
    assert store.put(io.BytesIO(CONTENT), limit=len(CONTENT)).size == len(CONTENT)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "abc", "A" * 64, "0" * 63 + "/", "0" * 64])
def test_no_other_name_is_ever_opened(store: FolderStore, name: str) -> None:
    store.put(io.BytesIO(CONTENT))
    assert not store.exists(name)
    with pytest.raises(KeyError):
        store.open(name)
    with pytest.raises(KeyError):
        store.path(name)


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("step", "call"), [("mkdir", 1), ("fsync", 1), ("chmod", 1), ("mkdir", 3), ("rename", 1), ("flush", 2)]
)
def test_a_kill_at_any_step_leaves_no_half_blob(store: FolderStore, step: str, call: int, when: str) -> None:
    arguments = [sys.executable, "-c", KILLED, str(store.root), step, str(call), when]
    killed = subprocess.run(arguments, check=False, timeout=30)
    assert killed.returncode == -signal.SIGKILL
    whole = store.root / "blobs"
    for path in whole.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == CONTENT
    again = store.put(io.BytesIO(CONTENT))
    assert store.path(again.sha256).read_bytes() == CONTENT
    store.sweep(time.time() + 1)
    left = [path for path in store.root.rglob("*") if path.is_file()]
    assert left == [store.path(again.sha256)]


def test_only_old_leftovers_are_swept(store: FolderStore) -> None:
    blob = store.put(io.BytesIO(CONTENT))
    incoming = store.root / "incoming"
    for name in ("old.part", "new.part"):
        (incoming / name).write_bytes(b"half")
    os.utime(incoming / "old.part", (0, 0))
    assert store.sweep(1.0) == 1
    assert [path.name for path in incoming.iterdir()] == ["new.part"]
    assert store.exists(blob.sha256)
