from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from library.signing import public_key
from spectra.model import Metadata, Run, ScanTable, Technique
from spectra.writers import write_mzml
from xbt.cli.library import library
from xbt.cli.library_search import CSV_COLUMNS

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
        ("1", "Caffeine", "kept", "few_ions"),
        ("7", "broken", "skipped", "no_peaks"),
        ("11", "Cocaine", "kept", "few_ions"),
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


def test_several_files_and_folders_make_one_library(msp: Path, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "again.msp").write_text(TEXT)
    (folder / "none.bin").write_bytes(b"\0\1\2" * 50)
    done = run("import", msp, folder, "--name", "all", "--report", tmp_path / "report.csv")
    assert "release 1 made: 2 spectra of 7 records" in done.stdout
    with (tmp_path / "report.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["file"], row["name"], row["outcome"]) for row in rows] == [
        ("drugs.msp", "Caffeine", "kept"),
        ("drugs.msp", "broken", "skipped"),
        ("drugs.msp", "Cocaine", "kept"),
        ("again.msp", "Caffeine", "merged"),
        ("again.msp", "broken", "skipped"),
        ("again.msp", "Cocaine", "merged"),
        ("none.bin", "none.bin", "skipped"),
    ]
    shown = run("show", "all").stdout
    assert "2 spectra of 2 compounds; 2 of " in shown


def test_a_release_says_by_whom_it_is_signed(msp: Path, tmp_path: Path) -> None:
    run("import", msp, "--name", "drugs")
    assert "by this installation (key " in run("show", "drugs").stdout
    key = tmp_path / "var" / "secrets" / "library_key"
    assert key.stat().st_mode & 0o777 == 0o400
    public = public_key(key.read_bytes())
    key.unlink()
    assert "by a key that is not on the list" in run("show", "drugs").stdout
    (tmp_path / "var" / "library_keys.txt").write_text(f"# trusted\n{public} Other Lab\n")
    assert "by Other Lab" in run("show", "drugs").stdout
    (manifest,) = (tmp_path / "var").rglob("manifest.json")
    manifest.write_text(manifest.read_text().replace('"compounds": 2', '"compounds": 9'))
    assert "WRONG" in run("show", "drugs").stdout
    (tmp_path / "var" / "library_keys.txt").write_text("nonsense\n")
    refused = run("show", "drugs")
    assert refused.exit_code == 1
    assert "line 1: expected a public key" in refused.stderr


def test_a_library_of_another_version_is_named_with_what_to_do(msp: Path, tmp_path: Path) -> None:
    run("import", msp, "--name", "drugs")
    run("import", msp, "--name", "other")
    for number, remedy in ((1, "import its source again"), (9, "update yours")):
        manifest = tmp_path / "var" / "libraries" / "drugs" / "1" / "manifest.json"
        manifest.write_text(re.sub(r"xbt.library/\d", f"xbt.library/{number}", manifest.read_text()))
        assert remedy in run("show", "drugs").stderr
        listed = run("list")
        assert "other" in listed.stdout
        assert remedy in listed.stderr
    assert "release 2 made" in run("import", msp, "--name", "drugs").stdout


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


FENTANYL = """\
Name: Fentanyl
InChIKey: PJMPHNIQZUBGLI-UHFFFAOYSA-N
Formula: C22H28N2O
PrecursorMZ: 337.2274
Precursor_type: [M+H]+
Instrument_type: LC-ESI-QTOF
Collision_energy: 30 eV
Num Peaks: 4
105.0699 420
134.0964 60
188.1434 999
216.1383 90
"""


def test_a_search_takes_every_spectrum_for_what_its_record_says(msp: Path, tmp_path: Path) -> None:
    both = tmp_path / "both.msp"
    both.write_text(TEXT + "\n" + FENTANYL)
    done = run("search", both, "--library", both, "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert [(one["query_index"], one["technique"]) for one in told] == [(0, "ei"), (2, "ei"), (3, "msms")]
    assert [one["candidates"][0]["name"] for one in told] == ["Caffeine", "Cocaine", "Fentanyl"]
    assert told[2]["candidates"][0]["score"] == pytest.approx(1000, abs=1)
    assert 0 < told[2]["candidates"][0]["probability"] <= 1


def test_a_search_leaves_out_what_is_less_probable(msp: Path) -> None:
    done = run("search", msp, "--library", msp, "--csv", "--min-probability", 0.999999)
    assert done.exit_code == 0
    assert list(csv.DictReader(io.StringIO(done.stdout))) == []


def test_a_search_of_an_instrument_file_goes_through_the_sandbox(msp: Path, tmp_path: Path) -> None:
    scans = ScanTable(
        np.array([1.0]), np.array([0, 3]), np.array([82.0, 182, 303]), np.array([999.0, 800, 200])
    )
    path = tmp_path / "run.mzML"
    write_mzml(Run(Metadata("mzML", "made", Technique.GC_MS), scans), path)
    done = run("search", path, "--library", msp, "--technique", "ei", "--csv")
    assert done.exit_code == 0, done.stderr
    (first, *_) = csv.DictReader(io.StringIO(done.stdout))
    assert (first["name"], first["technique"]) == ("Cocaine", "ei")


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
        (("search", "{other}", "--library", "drugs"), "unknown format"),
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
