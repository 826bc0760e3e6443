"""The process of the pages: what it loads, where its uploads wait, and what it leaves unsaid."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from web.app import create_app
from web.uploads import IN_MEMORY, Stretch
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
        streams = [request._get_file_stream(IN_MEMORY + 1, "application/octet-stream") for _ in range(300)]
        for stream in streams:
            stream.write(b"x")
        places = {link for link in map(target_of, Path("/proc/self/fd").iterdir()) if "quarantine" in link}
        request.close()
    assert len(places) == 1  # one open file for all
    assert next(iter(places)).startswith(str(settings.quarantine_dir.resolve()))
    assert list(settings.quarantine_dir.iterdir()) == []


def target_of(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # the one that lists them
        return ""


@given(st.lists(st.lists(st.binary(max_size=40), max_size=4), min_size=1, max_size=6))
def test_stretches_of_one_file_hold_what_was_written_to_each(written: list[list[bytes]]) -> None:
    with tempfile.TemporaryFile() as whole:
        stretches = []
        for chunks in written:
            stretch = Stretch(whole, keep=True)
            for chunk in chunks:
                assert stretch.write(chunk) == len(chunk)
            stretch.seek(0)
            stretches.append(stretch)
        for chunks, stretch in zip(written, stretches, strict=True):
            content = b"".join(chunks)
            assert stretch.read() == content
            assert stretch.seek(0, os.SEEK_END) == len(content)
            assert stretch.seek(-min(3, len(content)), os.SEEK_CUR) == max(len(content) - 3, 0)
            assert stretch.read(100) == content[-3:]


def test_a_laboratory_that_was_never_made_is_said_at_start(tmp_path: Path) -> None:
    with pytest.raises(NotInitialised):
        create_app(Settings(data_dir=tmp_path))


def test_over_https_the_cookie_belongs_to_this_host_alone(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"base_url": "https://xbt.example.org"}))
    assert app.config["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert app.config["SESSION_COOKIE_SECURE"] is True
    assert app.config["SECURITY_TRACKABLE"] is False
