"""What a child may leave in its folder while it reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from xbt.sandbox import nursery

MEGABYTE = 1 << 20


def test_everything_in_a_folder_counts_together(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for place in ("x", "a/y", "a/b/z"):
        (tmp_path / place).write_bytes(b"x" * MEGABYTE)
    assert nursery._fits(tmp_path, 4 * MEGABYTE)
    assert not nursery._fits(tmp_path, 3 * MEGABYTE - 1)


def test_what_a_file_claims_without_holding_it_does_not_count(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    assert nursery._fits(tmp_path, MEGABYTE)


def test_empty_files_count_by_their_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nursery, "_MOST_NAMES", 10)
    for number in range(10):
        (tmp_path / str(number)).touch()
    assert nursery._fits(tmp_path, MEGABYTE)
    (tmp_path / "one more").touch()
    assert not nursery._fits(tmp_path, MEGABYTE)


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "large").write_bytes(b"x" * MEGABYTE)
    (tmp_path / "inside" / "link").symlink_to(tmp_path)
    assert nursery._fits(tmp_path / "inside", MEGABYTE // 2)


def test_a_folder_that_is_gone_fits(tmp_path: Path) -> None:
    assert nursery._fits(tmp_path / "gone", 0)
