"""`xbt reading`: what was seen, kept from the command line, corrected, listed; mistakes are sentences."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from tests.xbt.laboratory import Laboratory
from xbt.cli import main
from xbt.db.models import ReadingRow

SPOTS = "standard;mm;uv254\n;40,5;black\nheroin;41;black\ncaffeine;60;black\n"
STRIP = ("--for", "fentanyl", "--lines", "both", "--mg", "10", "--ml", "10")


@pytest.fixture
def sample(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XBT_DATA_DIR", str(laboratory.settings.data_dir))
    laboratory.take_in()
    return "26-00001"


def _xbt(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["reading", *arguments])


def _file(folder: Path, text: str) -> str:
    file = folder / "spots.csv"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_readings_are_kept_and_listed_with_what_they_mean(sample: str, tmp_path: Path) -> None:
    kept = [
        _xbt("colour", sample, "--reagent", "marquis", "--colour", "purple", "--seconds", "5"),
        _xbt("strip", sample, *STRIP),
        _xbt("plate", sample, _file(tmp_path, SPOTS), "--eluent", "methanol", "--front", "80"),
        _xbt("peak", sample, "--standard", "caffeine", "--minutes", "5", "--standard-minutes", "6"),
    ]
    assert [one.output for one in kept] == [f"{sample}: kept as reading {n}\n" for n in (1, 2, 3, 4)]
    listed = _xbt("list", sample).output
    assert "tlc: Heroin" in listed
    assert "lc: fits no standard that was run" in listed
    assert "Colour test with Marquis (purple)" in listed
    assert "does not show less than about 0.02 % by weight" in listed


def test_a_correction_and_a_retraction_stay_on_record(sample: str, laboratory: Laboratory) -> None:
    _xbt("strip", sample, *STRIP)
    assert "--reason is needed" in _xbt("strip", sample, *STRIP, "--replaces", "1").output
    assert _xbt("strip", sample, *STRIP, "--replaces", "1", "--reason", "other lot").exit_code == 0
    assert "taken back" in _xbt("retract", sample, "2", "--reason", "other sample").output
    assert "corrected or taken back already" in _xbt("retract", sample, "2", "--reason", "again").output
    with laboratory.sessions() as session:
        rows = list(session.scalars(select(ReadingRow).order_by(ReadingRow.id)))
    assert [(row.kind, row.replaces_id) for row in rows] == [("strip", None), ("strip", 1), ("retracted", 2)]
    assert _xbt("list", sample).output.count("no longer counts") == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("colour", "--reagent", "marquis", "--colour", "mauve"), "mauve is no colour on the list"),
        (("strip", *STRIP[:-1], "0"), "millilitres must be a number above zero"),
        (("strip", "--for", "aspirin", *STRIP[2:]), "'aspirin' is no strip on record; known are fentanyl"),
        (
            ("peak", "--standard", "nothing", "--minutes", "5", "--standard-minutes", "6"),
            "'nothing' is not in the substance table",
        ),
    ],
)
def test_a_mistake_is_one_sentence(sample: str, arguments: tuple[str, ...], sentence: str) -> None:
    result = _xbt(arguments[0], sample, *arguments[1:])
    assert result.exit_code == 1
    assert sentence in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mm,standard\n3,heroin\n", "the first columns must be 'standard' and 'mm'"),
        ("standard,mm\nheroin,far\n", "line 2: 'far' is no number"),
        ("standard,mm\n,40\n", "the plate has no standard"),
        ("standard,mm\nheroin,90\n", "spot 1 does not lie between the start and the front"),
    ],
)
def test_a_bad_plate_is_one_sentence(sample: str, tmp_path: Path, text: str, sentence: str) -> None:
    result = _xbt("plate", sample, _file(tmp_path, text), "--eluent", "methanol", "--front", "80")
    assert result.exit_code == 1
    assert sentence in result.output


def test_a_sample_that_is_not_there(sample: str) -> None:
    assert "no such sample" in _xbt("strip", "26-99999", *STRIP).output
