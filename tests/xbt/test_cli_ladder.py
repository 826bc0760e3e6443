"""`xbt ladder` and `xbt identify --ladder`: what they print, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from spectra.chromatography.retention import Ladder, ladder_to_json
from xbt.cli.identify import identify
from xbt.cli.ladder import ladder


@pytest.mark.data
def test_the_ladder_of_a_run_is_printed_as_json(data_dir: Path) -> None:
    run = data_dir / "gcms_truth" / "CoreMS_DATA.MS"
    done = CliRunner().invoke(ladder, [str(run), "--series", "fame"])
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["method"] == "PNNL_METABOLOMICS"
    assert len(told["rt_s"]) == 11
    assert "C8, C10" in done.stderr


@pytest.mark.data
def test_a_run_without_the_series_is_refused(data_dir: Path) -> None:
    run = data_dir / "gcms_truth" / "DRUG_SAMPLE.SPC"
    done = CliRunner().invoke(ladder, [str(run)])
    assert done.exit_code == 1
    assert "a ladder needs 3" in done.stderr


def test_a_file_that_is_no_ladder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.mzML").write_text("", encoding="utf-8")
    wrong = tmp_path / "ladder.json"
    wrong.write_text("{}", encoding="utf-8")
    done = CliRunner().invoke(identify, [str(tmp_path / "run.mzML"), "--ladder", str(wrong)])
    assert done.exit_code == 1
    assert "this is no retention ladder" in done.stderr
    assert "xbt ladder" in done.stderr


@pytest.mark.data
def test_components_get_their_index_by_the_ladder(data_dir: Path, tmp_path: Path) -> None:
    kept = tmp_path / "ladder.json"
    kept.write_text(ladder_to_json(Ladder("alkane", (240.0, 450.0), (1000.0, 2000.0))), encoding="utf-8")
    run = data_dir / "gcms_truth" / "DRUG_SAMPLE.SPC"
    library = tmp_path / "one.msp"
    library.write_text("Name: A\nNum Peaks: 3\n60 10\n91 100\n120 20\n", encoding="utf-8")
    words = [str(run), "--ladder", str(kept), "--json", "--library", str(library)]
    done = CliRunner(env={"XDG_CACHE_HOME": str(tmp_path)}).invoke(identify, words)
    assert done.exit_code == 0
    indices = [one["retention_index"] for one in json.loads(done.stdout)["components"]]
    assert all(1000 <= one <= 2000 for one in indices if one is not None)
    assert any(indices)
