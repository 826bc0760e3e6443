from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from xbt.cli.library import CSV_COLUMNS, library

TEXT = """\
Name: Caffeine
InChIKey: RYYVLZVUVIJVGH-UHFFFAOYSA-N
Formula: C8H10N4O2
Num Peaks: 4
194 999; 109 600; 67 400; 55 300

Name: broken
Num Peaks: 3
x y

Name: Cocaine
InChIKey: ZPUCINDJVBIVPJ-LJISPDSOSA-N
Formula: C17H21NO4
Num Peaks: 3
82 999; 182 800; 303 200
"""


@pytest.fixture
def msp(tmp_path: Path) -> Path:
    path = tmp_path / "drugs.msp"
    path.write_text(TEXT)
    return path


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XBT_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(library, [str(argument) for argument in arguments])


def test_an_import_says_what_it_did_and_reports_every_record(msp: Path, tmp_path: Path) -> None:
    done = run("import", msp, "--name", "drugs", "--report", tmp_path / "report.csv")
    assert done.exit_code == 0
    assert "release 1 made: 2 spectra of 3 records" in done.stdout
    assert "line 7: broken" in done.stdout
    with (tmp_path / "report.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["line"], row["name"], row["outcome"], row["code"]) for row in rows] == [
        ("1", "Caffeine", "kept", ""),
        ("7", "broken", "skipped", "no_peaks"),
        ("11", "Cocaine", "kept", ""),
    ]


def test_a_second_import_of_the_same_file_changes_nothing(msp: Path) -> None:
    assert run("import", msp, "--name", "drugs").exit_code == 0
    again = run("import", msp, "--name", "drugs")
    assert "release 1 is already there, unchanged" in again.stdout


def test_libraries_are_listed_and_shown(msp: Path) -> None:
    assert "xbt library import" in run("list").stdout
    run("import", msp, "--name", "drugs", "--source", "own work", "--licence", "CC0")
    assert "drugs" in run("list").stdout
    shown = run("show", "drugs").stdout
    assert "own work" in shown
    assert "2 base" in shown
    assert "as written" in shown


def test_a_damaged_library_is_named(msp: Path, tmp_path: Path) -> None:
    run("import", msp, "--name", "drugs")
    (array,) = (tmp_path / "var").rglob("intensity.npy")
    array.write_bytes(array.read_bytes()[:-1] + b"\0")
    shown = run("show", "drugs")
    assert shown.exit_code == 1
    assert "intensity.npy" in shown.stdout
    assert "import it again" in shown.stderr


@pytest.mark.parametrize("as_file", [True, False])
def test_a_search_by_name_or_file_prints_csv(msp: Path, as_file: bool) -> None:
    if not as_file:
        run("import", msp, "--name", "drugs")
    done = run("search", msp, "--library", msp if as_file else "drugs", "--top", 2, "--csv")
    assert done.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [(row["query_index"], row["query_name"], row["rank"], row["name"]) for row in rows] == [
        ("0", "Caffeine", "1", "Caffeine"),
        ("2", "Cocaine", "1", "Cocaine"),
    ]
    assert float(rows[0]["match_factor"]) > 999
    assert rows[1]["group"] == "Cocaine"
    assert "broken left out" in done.stderr


def test_a_search_prints_a_table(msp: Path) -> None:
    done = run("search", msp, "--library", msp)
    assert done.exit_code == 0
    assert "cannot be told from" in done.stdout
    assert "Cocaine" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("import", "missing.msp", "--name", "x"), "missing.msp: no such file"),
        (("search", "missing.msp"), "missing.msp: no such file"),
        (("show", "drogs"), "did you mean drugs?"),
        (("search", "{msp}", "--library", "drogs"), "did you mean drugs?"),
        (("import", "{other}", "--name", "x"), "expected a library as text"),
        (("import", "{msp}", "--name", "../x"), "cannot be the name of a library"),
        (("search", "{other}", "--library", "drugs"), "expected a library as text"),
    ],
)
def test_a_mistake_gives_one_sentence_with_the_remedy(
    msp: Path, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    run("import", msp, "--name", "drugs")
    other = tmp_path / "other.txt"
    other.write_bytes(b"\x00\x01 not a library \xff\n")
    done = run(*(argument.format(msp=msp, other=other) for argument in arguments))
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.output
