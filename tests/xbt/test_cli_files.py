"""`xbt files` as a person calls it: right files and wrong ones, folders of both, through the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from spectra.figures import run_sheet, thinned
from spectra.model import (
    Axis,
    DiodeArray,
    Metadata,
    OpticalSpectrum,
    Ordinate,
    Run,
    ScanTable,
    Technique,
    Trace,
)
from spectra.readers import READERS, read
from spectra.tested import Tried, load_tested, write_tested
from spectra.writers import write_mzml
from spectra.writers_jcamp import write_jcamp
from xbt.cli import main
from xbt.cli.formats import BEGIN, END, as_markdown, known_formats
from xbt.cli.sketch import sketch

ROOT = Path(__file__).resolve().parents[2]
SCANS = ScanTable(
    np.array([60.0, 120.0, 180.0]),
    np.array([0, 2, 3, 4]),
    np.array([82.0, 182.0, 182.0, 303.0]),
    np.array([10.0, 90.0, 50.0, 7.0]),
    ms_level=np.array([1, 2, 1]),
    precursor_mz=np.array([np.nan, 304.15, np.nan]),
    polarity=np.array([1, 1, -1]),
    collision_ev=np.array([np.nan, 20.0, np.nan]),
)
TRACE = Trace("DAD1A", np.array([0.0, 60.0, 120.0]), np.array([1.0, 5.0, 2.0]), "mAU")
INFRARED = OpticalSpectrum(
    Axis.WAVENUMBER, Ordinate.ABSORBANCE, np.array([650.0, 652.0, 660.0]), np.array([0.1, 0.9, 0.2]), "film"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with two good files and one bad."""
    metadata = Metadata("made", "test", Technique.LC_MS, "Bench LC", "2026-11-22T06:15:00", "poudre")
    write_mzml(Run(metadata, SCANS, (TRACE,)), tmp_path / "run.mzML")
    write_jcamp(Run(Metadata("made", "test", Technique.FTIR), optical=(INFRARED,)), tmp_path / "film.jdx")
    film = (tmp_path / "film.jdx").read_text("utf-8").replace("##OWNER= ", "##OWNER= \x1b[31m")
    (tmp_path / "film.jdx").write_text(film, "utf-8")
    (tmp_path / "letter.txt").write_text("Dear laboratory, please find attached")
    return tmp_path


def files(home: Path, *words: str) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setenv("XBT_DATA_DIR", str(home / "none"))
        return CliRunner().invoke(main, ["files", *words])


def test_the_command_works_in_a_process_of_its_own(home: Path) -> None:
    command = [sys.executable, "-c", "from xbt.cli import main; main()", "files", "inspect", "film.jdx"]
    environment = {**os.environ, "XBT_DATA_DIR": str(home / "none"), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, cwd=home, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "JCAMP-DX (reader jcamp)" in done.stdout.decode()
    assert b"\x1b" not in done.stdout, "a terminal must not obey what stands in a file"
    assert b"[31mnot stated" in done.stdout
    assert not (home / "none").exists()


def test_a_run_is_shown_with_a_picture_in_the_terminal(home: Path) -> None:
    done = files(home, "inspect", "run.mzML", "--plot", "out.svg")
    assert done.exit_code == 0, done.stderr
    for told in ("mzML (reader mzml)", "Bench LC", "2026-11-22", "3 scans 1.00–3.00 min, m/z 82–303, 4 ions"):
        assert told in done.stdout
    for told in ("MS1: 2, MS2: 1", "positive: 2", "20 eV", "trace DAD1A: 3 points, 0.00–2.00 min"):
        assert told in done.stdout
    assert any("\u2800" < sign <= "\u28ff" for sign in done.stdout)
    assert (home / "out.svg").read_bytes().startswith(b"<?xml")


def test_a_magnetic_resonance_is_shown_falling_and_said_not_to_be_compared(home: Path) -> None:
    shift = np.linspace(-1.0, 9.0, 101)
    height = np.where(np.arange(101) < 10, 5.0, 0.0)  # at the low end, which stands on the right
    one = OpticalSpectrum(Axis.CHEMICAL_SHIFT, Ordinate.INTENSITY, shift, height, "real", y_unit="counts")
    write_jcamp(Run(Metadata("made", "test", Technique.NMR), optical=(one,)), home / "nmr.jdx")
    done = files(home, "inspect", "nmr.jdx", "--plot", "nmr.svg")
    assert done.exit_code == 0, done.stderr
    assert "spectrum real (counts): 101 points, -1–9 ppm" in done.stdout
    assert "no library search compares it" in done.stdout
    assert "Chemical shift (ppm)" in (home / "nmr.svg").read_text("utf-8")
    drawn = next(line for line in done.stdout.splitlines() if "\u28ff" in line)
    assert drawn.rstrip("\u2800").endswith("\u28ff")
    converted = files(home, "convert", "nmr.jdx", "--to", "csv")
    assert converted.exit_code == 0, converted.stderr
    assert (home / "nmr.csv").read_text("utf-8").startswith("chemical shift (ppm),real intensity (counts)\n")


def test_a_folder_is_shown_whole_and_ends_with_1_for_the_bad_file(home: Path) -> None:
    done = files(home, "inspect", str(home), "nowhere.mzML")
    assert done.exit_code == 1
    assert "film.jdx  JCAMP-DX: spectrum film (absorbance): 3 points, 650–660 cm⁻¹" in done.stdout
    assert "run.mzML" in done.stdout
    assert "2 read, 2 refused." in done.stdout
    assert "letter.txt: unknown format" in done.stderr
    assert "nowhere.mzML: no such file" in done.stderr


def test_json_holds_everything_in_order(home: Path) -> None:
    done = files(home, "inspect", "--json", str(home))
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert report["schema"] == "xbt.inspection/1"
    assert [one["path"] for one in report["files"]] == ["film.jdx", "run.mzML"]
    film, run = report["files"]
    assert film["signals"][0] == {
        "kind": "spectrum", "name": "film", "unit": "absorbance", "points": 3, "time_s": None,
        "x": [650.0, 660.0], "x_unit": "cm⁻¹", "value": [0.1, 0.9],
    }  # fmt: skip
    assert run["scans"]["levels"] == {"1": 2, "2": 1}
    assert run["scans"]["polarity"] == {"negative": 1, "positive": 2}
    assert run["scans"]["time_s"] == [60.0, 180.0]
    assert run["scans"]["collision_ev"] == [20.0]
    assert run["sample_name"].startswith("poudre")
    (refused,) = report["refused"]
    assert (refused["path"], refused["fault"]) == ("letter.txt", "unknown_format")
    assert refused["remedy"]


def test_a_plot_is_of_one_file_and_of_a_known_kind(home: Path) -> None:
    assert "draws one file; 3 were given" in files(home, "inspect", str(home), "--plot", "out.svg").stderr
    assert ".svg, .png or .pdf" in files(home, "inspect", "run.mzML", "--plot", "out.gif").stderr


def test_conversion_says_what_was_lost_and_never_overwrites(home: Path) -> None:
    done = files(home, "convert", "run.mzML", "--to", "csv", "--out", "table.csv")
    assert done.exit_code == 0, done.stderr
    assert sorted(path.name for path in home.glob("*.csv")) == ["table-scans.csv", "table-traces.csv"]
    assert "Not in it: what the file tells about instrument" in done.stderr
    (trace,) = read(home / "table-traces.csv").traces
    np.testing.assert_array_equal(trace.value, TRACE.value)

    (home / "table-scans.csv").write_text("mine")
    again = files(home, "convert", "run.mzML", "--to", "csv", "--out", "table.csv")
    assert again.exit_code == 1
    assert "is there already" in again.stderr
    assert (home / "table-scans.csv").read_text() == "mine"
    assert files(home, "convert", "run.mzML", "--to", "csv", "--out", "table.csv", "--force").exit_code == 0
    assert (home / "table-scans.csv").read_text() != "mine"


def test_conversion_stands_beside_the_file_and_spares_it(home: Path) -> None:
    assert files(home, "convert", "film.jdx", "--to", "csv").exit_code == 0
    assert (home / "film.csv").is_file()
    before = (home / "film.jdx").read_bytes()
    own = files(home, "convert", "film.jdx", "--to", "jcamp", "--force")
    assert own.exit_code == 1
    assert "is the file that was read" in own.stderr
    assert (home / "film.jdx").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "target", "says"),
    [
        ("run.mzML", "jcamp", "not for what was recorded over time"),
        ("film.jdx", "mzml", "at least one scan"),
        ("letter.txt", "mzml", "unknown format"),
        ("nowhere.mzML", "mzml", "no such file"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_in_a_sentence(
    home: Path, name: str, target: str, says: str
) -> None:
    done = files(home, "convert", name, "--to", target, "--out", "out")
    assert done.exit_code == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home / "out").exists()


def test_the_formats_are_listed(home: Path) -> None:
    listed = files(home, "formats")
    assert listed.exit_code == 0
    rows = json.loads(files(home, "formats", "--json").stdout)
    assert {row["reader"] for row in rows} == {reader.name for reader in READERS if reader.formats}
    assert all(row["reader"] in listed.stdout for row in rows)
    assert files(home, "formats", "--markdown").stdout == as_markdown(known_formats())


def test_the_page_of_formats_is_current() -> None:
    page = (ROOT / "docs" / "formats.md").read_text("utf-8")
    table = page.partition(f"{BEGIN}\n")[2].partition(END)[0]
    assert table == as_markdown(known_formats()), "renew it with: xbt files formats --markdown"


def test_the_figures_name_readers_that_exist(tmp_path: Path) -> None:
    tested = load_tested()
    assert set(tested) <= {reader.name for reader in READERS}
    write_tested(tested.values(), tmp_path / "tested.toml")
    assert load_tested(tmp_path / "tested.toml") == tested
    assert tested["mzml"] == Tried("mzml", tested["mzml"].read, tested["mzml"].refused)
    assert tested["mzml"].read > 0


def test_a_sketch_is_high_where_the_signal_is() -> None:
    rows = sketch([0.0, 1.0, 2.0], [0.0, 8.0, 0.0], width=9, height=2)
    assert [len(row) for row in rows] == [9, 9]
    assert rows[0][4] != "\u2800"
    assert rows[0][0] == rows[0][8] == "\u2800"
    (line,) = sketch([1.0, 2.0], [1.0, 0.0], width=4, height=1, sticks=True, falling=True)
    assert line == "\u2800\u2800\u2800⢸"


def test_thinning_keeps_every_extreme() -> None:
    rng = np.random.default_rng(11)
    y = rng.normal(size=50_000)
    x, kept = thinned(np.arange(50_000.0), y, 1000)
    assert len(kept) <= 1000
    assert np.all(np.diff(x) > 0)
    assert (kept.min(), kept.max()) == (y.min(), y.max())
    assert thinned(x, kept, 1000)[1] is kept


def test_every_kind_of_signal_is_drawn_and_equal_runs_give_equal_bytes() -> None:
    array = DiodeArray("DAD", np.arange(5.0), np.array([210.0, 254.0]), np.ones((5, 2)), "mAU")
    run = Run(Metadata("made", "test"), SCANS, (TRACE,) * 12, (), (), (INFRARED,), (array,))
    first, again = run_sheet(run, "svg"), run_sheet(run, "svg")
    assert first == again
    for told in (b"Total ion current of 2 scans", b"film", b"DAD1A", b"4 more are not drawn"):
        assert told in first
    assert run_sheet(run, "png").startswith(b"\x89PNG")
    assert run_sheet(run, "pdf").startswith(b"%PDF")
