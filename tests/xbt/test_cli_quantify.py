"""`xbt quantify`: figures from tables, a record that keeps them, and one sentence for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from tests.xbt.laboratory import Laboratory
from xbt.cli import main
from xbt.db.models import QuantityRow

LEVELS = "amount,response\n0.01,10.2\n0.02,19.8\n0.05,50.5\n0.1,99\n0.2,200\n0.4,400\n"
RATIOS = (
    "amount;response;internal standard\n0.01;10.2;1000\n0.02;19.8;1000\n0.05;25.25;500\n"
    "0.1;99;1000\n0.2;200;1000\n0.4;800;2000\n"
)
PREPARED = ("--volume", "10+-0.02", "--aliquot", "10±0.05", "--dilution", "5")


def _xbt(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["quantify", *arguments])


def _table(folder: Path, text: str, name: str = "levels.csv") -> str:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return str(file)


def _errors(output: str) -> list[str]:
    """Relative errors of the standards, as printed."""
    return [line.split()[-2] for line in output.splitlines() if line.endswith(" %")]


def test_a_calibration_is_printed_with_everything_that_judges_it(tmp_path: Path) -> None:
    result = _xbt("calibrate", _table(tmp_path, LEVELS), "--weight", "1/x", "--salt", "hydrochloride")
    assert result.exit_code == 0
    for part in ("y = ", "·x", "weight      1/x", "0.01 to 0.4 mg/mL, counted as hydrochloride", "detection"):
        assert part in result.output
    assert "Accepted by ICH M10" in result.output
    assert result.output.count(" %\n") == 6


def test_a_table_with_an_internal_standard_and_a_byte_order_mark(tmp_path: Path) -> None:
    plain = _xbt("calibrate", _table(tmp_path, LEVELS, "plain.csv"), "--weight", "1").output
    ratios = _xbt("calibrate", _table(tmp_path, "\ufeff" + RATIOS), "--weight", "1").output
    assert len(_errors(plain)) == 6
    assert _errors(plain) == _errors(ratios)


def test_a_short_calibration_is_printed_and_not_accepted(tmp_path: Path) -> None:
    table = _table(tmp_path, "amount,response\n1,10\n2,21\n4,39\n")
    result = _xbt("calibrate", table)
    assert result.exit_code == 0
    assert "Not accepted by ICH M10 (2022), 3.2.4: too few levels" in result.output
    refused = _xbt("amount", table, _table(tmp_path, "sample,response\nA,20\n", "r.csv"), *PREPARED)
    assert refused.exit_code == 1
    assert "not accepted (too_few_levels)" in refused.output


def test_one_sample_that_is_refused_does_not_stop_the_others(tmp_path: Path) -> None:
    responses = _table(tmp_path, "sample,response\nC,900\nA,100\nA,101\nB,2\n", "responses.csv")
    result = _xbt("amount", _table(tmp_path, LEVELS), responses, *PREPARED, "--unit-mass", "250")
    assert result.exit_code == 1
    assert "C: more than the highest standard (0.4 mg/mL): dilute" in result.output
    assert "A: 126 ± 3 mg per unit, counted without its salt" in result.output
    assert "B: less than 13 mg per unit" in result.output
    assert "% of the variance: mass dissolved" in result.output


def test_percent_where_there_is_no_unit_to_weigh(tmp_path: Path) -> None:
    responses = _table(tmp_path, "sample,response\nA,100\n", "responses.csv")
    result = _xbt("amount", _table(tmp_path, LEVELS), responses, *PREPARED)
    assert result.exit_code == 0
    assert "A: 50 ± 2 % by weight" in result.output


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("amount,response\n1,10\n2,20\n", "2 different levels"),
        ("amount,response\n1,10\n2,9\n3,8\n", "falls as the amount rises"),
        ("amount,response\n1,n.d.\n2,9\n", "line 2, column response: 'n.d.' is no number"),
        ("amount;response\n0,01;10\n", "line 2, column amount: '0,01' has a decimal comma; write 0.01"),
        ("amount,response\n1,5,10\n", "line 2: 3 cells under 2 column names"),
        ("level,area\n1,10\n", "no column amount or response"),
        ("amount,response\n\n", "no measurements"),
        ("", "no column amount or response"),
        ("amount,response\n1,inf\n", "'inf' is no number"),
        (
            "amount,response,internal_standard\n1,1,0\n2,2,1\n3,3,1\n",
            "internal standard must have a response",
        ),
    ],
)
def test_a_table_that_means_nothing_gets_one_sentence(tmp_path: Path, table: str, words: str) -> None:
    result = _xbt("calibrate", _table(tmp_path, table))
    assert result.exit_code == 1
    assert words in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / "levels.csv"
    file.write_bytes(b"\xd0\xcf\x11\xe0" * 100)
    assert "save the table as CSV" in _xbt("calibrate", str(file)).output
    file.write_bytes(b"1" * (2**20 + 1))
    assert "larger than 1 MB" in _xbt("calibrate", str(file)).output
    assert "cannot be read" in _xbt("calibrate", str(tmp_path / "none.csv")).output


@pytest.mark.parametrize("volume", ["10,5", "ten", "10+-a", "1+-2+-3", "nan"])
def test_a_volume_that_is_no_number(tmp_path: Path, volume: str) -> None:
    responses = _table(tmp_path, "sample,response\nA,100\n", "responses.csv")
    result = _xbt("amount", _table(tmp_path, LEVELS), responses, "--volume", volume)
    assert result.exit_code == 2
    assert "--volume" in result.output


def test_areas_and_ratios_are_not_mixed(tmp_path: Path) -> None:
    responses = _table(tmp_path, "sample,response\nA,100\n", "responses.csv")
    result = _xbt("amount", _table(tmp_path, RATIOS), responses, *PREPARED)
    assert "ratios and areas do not compare" in result.output


def test_limits_come_from_blanks_where_there_are_some(tmp_path: Path) -> None:
    """Blanks of 1, 2, 3 scatter by 1: with a slope near 1000, 0.0033 and 0.010 mg/mL."""
    table = _table(tmp_path, LEVELS)
    blanks = [part for response in "123" for part in ("--blank", response)]
    result = _xbt("calibrate", table, "--weight", "1/x", *blanks)
    assert "detection   0.003305 mg/mL (3.3 s/S, s of 3 blanks)" in result.output
    assert "at least three" in _xbt("calibrate", table, "--blank", "1").output


def test_standard_addition_is_the_published_one(tmp_path: Path) -> None:
    """Miller & Miller, chapter 5: 17.26 with s = 0.749, 15.3 to 19.2."""
    rows = zip(range(0, 31, 5), [0.32, 0.41, 0.52, 0.60, 0.70, 0.77, 0.89], strict=True)
    table = _table(tmp_path, "added,response\n" + "\n".join(f"{x},{y}" for x, y in rows))
    result = _xbt("addition", table)
    assert "amount      17.261, u = 0.75" in result.output
    assert "15.338 to 19.183" in result.output
    assert "no column added" in _xbt("addition", _table(tmp_path, LEVELS)).output


def test_an_estimate_is_kept_as_one(
    laboratory: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XBT_DATA_DIR", str(laboratory.settings.data_dir))
    ticket = laboratory.decided()
    told = (
        "--substance",
        "cocaine",
        "--by",
        "ftir",
        "--technique",
        "ftir",
        "--method",
        "ATR",
        "--value",
        "40",
    )
    result = _xbt("estimate", ticket.reference, *told, "--low", "20", "--high", "60")
    assert (
        f"{ticket.reference}: about 20 to 60 % by weight, counted without its salt (an estimate)"
        in result.output
    )
    wrong = _xbt("estimate", ticket.reference, *told, "--low", "50", "--high", "60")
    assert "40.0 does not lie between --low and --high" in wrong.output


def test_from_a_table_to_an_amount_on_record(
    laboratory: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XBT_DATA_DIR", str(laboratory.settings.data_dir))
    table = _table(tmp_path, LEVELS)
    assert "needs --substance and --method" in _xbt("calibrate", table, "--keep").output
    assert "No calibration on record" in _xbt("list").output
    kept = _xbt("calibrate", table, "--keep", "--substance", "cocaïne", "--method", "HPLC 7")
    sha256 = kept.output.split()[-1]
    assert len(sha256) == 64
    assert sha256[:12] in _xbt("list", "--substance", "cocaine").output
    ticket = laboratory.decided()
    wanted = ("--calibration", sha256[:8], "--response", "100", *PREPARED)
    assert f"{ticket.reference}: 50 ± 2 % by weight" in _xbt("record", ticket.reference, *wanted).output
    with laboratory.sessions() as session:
        assert session.scalars(select(QuantityRow.sample_id)).all() == [ticket.sample_id]
    assert "no such sample" in _xbt("record", "NO-1", *wanted).output
    assert "no calibration" in _xbt("record", ticket.reference, "--calibration", "x", *wanted[2:]).output
