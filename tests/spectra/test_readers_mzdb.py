"""mzDB: a real run against what its own rows announce, and databases that are none."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.readers import read


@pytest.fixture
def copy(data_dir: Path, tmp_path: Path) -> Path:
    path = tmp_path / "run.mzDB"
    shutil.copyfile(data_dir / "raw/mzdb/small.mzDB", path)
    return path


def refusal(path: Path) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    return caught.value


def changed(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as base:
        base.executescript(";".join(statements))


@pytest.mark.data
def test_every_spectrum_holds_its_base_peak(data_dir: Path) -> None:
    path = data_dir / "raw/mzdb/small.mzDB"
    scans = read(path).scans
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as base:
        rows = base.execute(
            "SELECT time, ms_level, base_peak_mz, base_peak_intensity, main_precursor_mz, data_points_count"
            " FROM spectrum ORDER BY time"
        ).fetchall()
    assert len(scans) == len(rows) == 48
    for k, (time, level, mz, height, precursor, count) in enumerate(rows):
        spectrum = scans.spectrum(k)
        assert scans.rt_s[k] == time
        assert scans.ms_level[k] == level
        assert scans.offset[k + 1] - scans.offset[k] == count
        assert spectrum.base_peak == pytest.approx(height)
        assert spectrum.mz[np.argmax(spectrum.intensity)] == pytest.approx(mz, rel=1e-6)
        np.testing.assert_allclose(scans.precursor_mz[k], np.nan if precursor is None else precursor)
    assert set(scans.polarity.tolist()) == {1}
    assert set(scans.collision_ev[scans.ms_level == 2].tolist()) == {35.0}


@pytest.mark.data
@pytest.mark.parametrize("kept", [16, 4096, 200_000, 1_000_000])
def test_a_cut_database_is_refused(copy: Path, kept: int) -> None:
    copy.write_bytes(copy.read_bytes()[:kept])
    assert refusal(copy).fault in (Fault.MALFORMED, Fault.TRUNCATED, Fault.UNSUPPORTED)


@pytest.mark.data
def test_a_box_less_is_a_truncation(copy: Path) -> None:
    changed(copy, "DELETE FROM bounding_box WHERE id = 5")
    error = refusal(copy)
    assert error.fault is Fault.TRUNCATED
    assert error.where.startswith("spectrum ")


@pytest.mark.data
def test_numbers_beyond_the_limits_are_refused(copy: Path) -> None:
    changed(copy, "UPDATE spectrum SET data_points_count = 4000000000 WHERE id = 1")
    assert refusal(copy).fault is Fault.TOO_LARGE


@pytest.mark.data
def test_compressed_boxes_are_refused_by_name(copy: Path) -> None:
    changed(copy, "UPDATE data_encoding SET compression = 'zlib'")
    assert refusal(copy).fault is Fault.UNSUPPORTED


@pytest.mark.data
def test_a_view_in_place_of_a_table_is_refused(copy: Path) -> None:
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, i AS data FROM n"
    )
    changed(copy, "DROP TABLE bounding_box", f"CREATE VIEW bounding_box AS {endless}")
    assert refusal(copy).fault is Fault.UNSUPPORTED


def test_other_databases_are_refused_by_name(tmp_path: Path) -> None:
    changed(tmp_path / "analysis.tdf", "CREATE TABLE GlobalMetadata (Key TEXT)", "CREATE TABLE x (y)")
    error = refusal(tmp_path / "analysis.tdf")
    assert error.fault is Fault.UNSUPPORTED
    assert "Bruker" in error.expected
