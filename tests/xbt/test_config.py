"""Settings: one frozen object, checked at the start, without a secret in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from xbt.config import Settings, load_settings
from xbt.domain.errors import NotInitialised


def test_everything_lies_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    places = (settings.libraries_dir, settings.blobs_dir, settings.quarantine_dir, settings.pepper_file)
    assert all(tmp_path in place.parents for place in places)
    assert settings.database_url == f"sqlite:///{tmp_path}/xbt.sqlite3"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XBT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("XBT_DEFAULT_LANGUAGE", "en")
    settings = load_settings(max_upload_mb=7)
    assert (settings.data_dir, settings.default_language, settings.max_upload_mb) == (tmp_path, "en", 7)


def test_settings_do_not_change(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        Settings(data_dir=tmp_path).ticket_days = 7  # type: ignore[misc]


@pytest.mark.parametrize("days", [6, 366])
def test_a_ticket_lasts_between_a_week_and_a_year(days: int) -> None:
    with pytest.raises(ValidationError):
        Settings(ticket_days=days)


def test_a_missing_secret_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotInitialised) as refused:
        Settings(data_dir=tmp_path).pepper()
    assert refused.value.fields == {"file": "pepper", "remedy": "run: xbt init"}


def test_settings_show_no_secret(settings: Settings) -> None:
    assert settings.secret_key() not in repr(settings)
    assert str(settings.pepper()) not in repr(settings)
