"""The process of the pages: what it loads, where its uploads wait, and what it leaves unsaid."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from web.app import create_app
from web.uploads import IN_MEMORY
from xbt.config import Settings
from xbt.domain.errors import NotInitialised


def test_no_library_that_parses_instrument_files_is_loaded() -> None:
    code = "import sys, web.app; print([m for m in ('pyopenms', 'rainbow', 'netCDF4') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc where an open file lies")
def test_uploads_wait_in_quarantine_and_not_in_the_systems_folder(app: Flask, settings: Settings) -> None:
    with app.test_request_context("/"):
        request = app.request_class({})
        with request._get_file_stream(IN_MEMORY + 1, "application/octet-stream") as stream:
            stream.write(b"x")
            stream.flush()
            place = Path(f"/proc/self/fd/{stream.fileno()}").readlink()
    assert str(place).startswith(str(settings.quarantine_dir.resolve()))
    assert list(settings.quarantine_dir.iterdir()) == []


def test_a_laboratory_that_was_never_made_is_said_at_start(tmp_path: Path) -> None:
    with pytest.raises(NotInitialised):
        create_app(Settings(data_dir=tmp_path))


def test_over_https_the_cookie_belongs_to_this_host_alone(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"base_url": "https://xbt.example.org"}))
    assert app.config["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert app.config["SESSION_COOKIE_SECURE"] is True
    assert app.config["SECURITY_TRACKABLE"] is False
