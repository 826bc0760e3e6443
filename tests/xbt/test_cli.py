"""The command: lazy, clear about mistakes, and a doctor that finds what is wrong."""

from __future__ import annotations

import importlib.metadata
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import xbt.cli
from tests.xbt.laboratory import Laboratory
from xbt.cli import COMMANDS, main
from xbt.cli.doctor import PACKAGES, Health, Line, examine
from xbt.config import Settings
from xbt.db import downgrade
from xbt.domain.errors import NotInitialised


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XBT_DATA_DIR", str(tmp_path / "var"))
    return tmp_path / "var"


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _found(settings: Settings) -> dict[str, Line]:
    return {line.name: line for line in examine(settings)}


def _xbt(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_a_command_loads_only_what_it_needs() -> None:
    script = "import sys, xbt.cli; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    heavy = {"numpy", "scipy", "sqlalchemy", "flask", "matplotlib", "pyopenms", "pydantic"}
    assert heavy & set(loaded.split()) == set()


def test_every_command_is_listed() -> None:
    result = _xbt("--help")
    assert result.exit_code == 0
    assert all(name in result.output for name in COMMANDS)


def test_a_command_that_cannot_be_loaded_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(xbt.cli.COMMANDS, "broken", "xbt.cli.no_such_module:broken")
    assert "(cannot be loaded)" in _xbt("--help").output
    result = _xbt("broken", "--some", "thing")
    assert result.exit_code == 1
    assert "no_such_module" in result.output
    assert "xbt doctor" in result.output


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NotInitialised("secret_missing", file="pepper", remedy="run: xbt init"), "run: xbt init"),
        (PermissionError(13, "denied", "var"), "var: no permission"),
    ],
)
def test_a_mistake_gives_one_sentence(monkeypatch: pytest.MonkeyPatch, error: Exception, words: str) -> None:
    @click.command()
    def failing() -> None:
        raise error

    monkeypatch.setattr(xbt.cli, "_load", lambda _: failing)
    result = _xbt("doctor")
    assert result.exit_code == 1
    assert words in result.output
    assert "Traceback" not in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_an_error_of_the_program_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def failing() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(xbt.cli, "_load", lambda _: failing)
    assert isinstance(_xbt("doctor").exception, ZeroDivisionError)


def test_a_wrong_setting_is_named(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XBT_TICKET_DAYS", "2")
    result = _xbt("doctor")
    assert result.exit_code == 1
    assert "XBT_TICKET_DAYS" in result.output


def test_a_database_that_cannot_be_opened_is_one_sentence(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XBT_DATABASE_URL", f"sqlite:///{data_folder}/no/such/folder/x.sqlite3")
    result = _xbt("upgrade")
    assert result.exit_code == 1
    assert "xbt doctor" in result.output


def test_the_doctor_works_on_a_bare_machine(data_folder: Path) -> None:
    result = _xbt("doctor")
    assert result.exit_code == 1
    assert "xbt init" in result.output
    assert not data_folder.exists()


def test_init_makes_everything_and_again_changes_nothing(data_folder: Path) -> None:
    assert _xbt("init").exit_code == 0
    settings = Settings(data_dir=data_folder)
    for secret in (settings.pepper_file, settings.secret_key_file):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o400
    assert len(settings.pepper()) == 32
    assert len(settings.secret_key()) == 64
    before = {
        path: path.read_bytes()
        for path in data_folder.rglob("*")
        if path.suffix in ("", ".npy", ".json") and path.is_file()
    }
    again = _xbt("init")
    assert again.exit_code == 0
    assert "kept" in again.output
    assert _contents(settings.secret_key_file.parent) | _contents(settings.libraries_dir) == before
    found = _found(settings)
    sound = ("names", "secrets", "database", "trail", "library", "disk")
    assert {found[name].health for name in sound} == {Health.OK}
    assert found["worker"].health is Health.WARN
    assert _xbt("worker", "--once").output.startswith("0 jobs")
    assert _found(settings)["worker"].health is Health.OK
    assert "already" in _xbt("upgrade").output


def test_the_doctor_notices_what_changed(data_folder: Path) -> None:
    _xbt("init")
    settings = Settings(data_dir=data_folder)
    settings.pepper_file.chmod(0o644)
    (file,) = settings.libraries_dir.glob("starter/1/mz.npy")
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-8] + b"\x00" * 8)
    downgrade(settings.database_url, "base")
    settings.heartbeat_file.touch()
    os.utime(settings.heartbeat_file, (0, 0))
    found = _found(settings)
    assert found["secrets"].health is Health.WARN
    assert found["library"].health is Health.FAIL
    assert "mz.npy" in found["library"].found
    assert found["database"].health is Health.FAIL
    assert found["worker"].found.startswith("silent for")
    assert all(line.remedy for line in found.values() if line.health is Health.FAIL)


def test_the_doctor_notices_a_trail_that_was_tampered_with(laboratory: Laboratory) -> None:
    assert _found(laboratory.settings)["trail"].health is Health.OK
    rows = sqlite3.connect(laboratory.settings.data_dir / "xbt.sqlite3")
    rows.execute("DROP TRIGGER audit_no_update")
    rows.execute("UPDATE audit SET actor_id = 5 WHERE id = 2")
    rows.commit()
    rows.close()
    assert _found(laboratory.settings)["trail"].found == "entry 2 was tampered with"


def test_a_worker_without_a_database_is_told_so(data_folder: Path) -> None:
    result = _xbt("worker", "--once")
    assert result.exit_code == 1
    assert "xbt init" in result.output
    assert not (data_folder / "xbt.sqlite3").exists()


def test_the_doctor_notices_a_name_taken_by_another_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def others() -> dict[str, list[str]]:
        return {name: ["xbt-drugchecking"] for name in PACKAGES} | {"library": ["xbt-drugchecking", "books"]}

    assert next(examine(Settings(data_dir=tmp_path))).health is Health.OK
    monkeypatch.setattr("xbt.cli.doctor.packages_distributions", others)
    line = next(examine(Settings(data_dir=tmp_path)))
    assert line.health is Health.FAIL
    assert "'library' belongs to books" in line.found


def test_the_distribution_names_every_command_it_promises() -> None:
    entries = importlib.metadata.entry_points(group="xbt.commands")
    assert {entry.name for entry in entries} == {"alerts", "demo", "serve"}
