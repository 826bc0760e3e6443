"""Archives: members keep names that a reader can use, whatever letters people write."""

from __future__ import annotations

import zipfile
from pathlib import Path

from xbt.sandbox.unpack import unpack


def unpacked(folder: Path, members: dict[str, bytes]) -> dict[str, bytes]:
    """Name below what is to be read → content."""
    archive = folder / "folder.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    inside = folder / unpack(archive, folder)
    return {
        path.relative_to(inside).as_posix(): path.read_bytes() for path in inside.rglob("*") if path.is_file()
    }


def test_plain_names_stay(tmp_path: Path) -> None:
    members = {"run 1.D/DATA.MS": b"1", "run 1.D/acq.txt": b"2"}
    assert unpacked(tmp_path, members) == {"DATA.MS": b"1", "acq.txt": b"2"}


def test_names_that_differ_in_unusual_letters_only_both_stay(tmp_path: Path) -> None:
    found = unpacked(tmp_path, {"é.txt": b"1", "è.txt": b"2", "解析.txt": b"3", "分析.txt": b"4"})
    assert sorted(found.values()) == [b"1", b"2", b"3", b"4"]
    assert all(name.endswith(".txt") and name.isascii() for name in found)
