"""`xbt bench`: what it measures is there, and what it cannot measure it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from xbt.cli import main
from xbt.cli.bench import SCRIPTS, SUBJECTS


@pytest.mark.parametrize("part", [part for parts in SUBJECTS.values() for part in parts])
def test_every_part_is_a_script(part: str) -> None:
    assert (SCRIPTS / f"{part}.py").is_file()


def test_without_the_evaluation_data_it_says_where_to_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XBT_EVALUATION_DATA", str(tmp_path / "absent"))
    result = CliRunner().invoke(main, ["bench", "matching"])
    assert result.exit_code == 1
    assert "XBT_EVALUATION_DATA" in result.output


def test_an_unknown_part_names_the_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XBT_EVALUATION_DATA", str(tmp_path))
    result = CliRunner().invoke(main, ["bench", "matching", "--only", "bench_nothing"])
    assert result.exit_code == 1
    assert "bench_ei_search" in result.output


def test_a_part_that_fails_is_named_and_the_exit_code_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XBT_EVALUATION_DATA", str(tmp_path))  # a folder, but empty
    result = CliRunner().invoke(main, ["bench", "matching", "--only", "bench_ei_search"])
    assert result.exit_code == 1
    assert "not measured: bench_ei_search" in result.output


def test_words_reach_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XBT_EVALUATION_DATA", str(tmp_path))
    result = CliRunner().invoke(main, ["bench", "pipeline", "nonsense"])
    assert result.exit_code == 1
    assert "no goal nonsense" in capfd.readouterr().err
