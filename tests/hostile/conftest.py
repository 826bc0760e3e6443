"""Limits for hostile files; the files themselves are made by `corpus`."""

from __future__ import annotations

from pathlib import Path

import pytest

from xbt.config import Settings
from xbt.sandbox import keep_warm


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Small limits, so that a hostile file is a short test."""
    return Settings(data_dir=tmp_path / "var", max_upload_mb=16, child_memory_mb=1024, child_seconds=20)


@pytest.fixture(scope="session", autouse=True)
def warm() -> None:
    """Libraries are loaded once for all."""
    keep_warm()
