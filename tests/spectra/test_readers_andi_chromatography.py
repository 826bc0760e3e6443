"""ANDI chromatography: every file of the collection, the ways to tell the times, and broken ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import netcdf_file

from spectra.errors import Fault, UnreadableFile
from spectra.model import Technique
from spectra.readers import read


def andi(path: Path, values: list[float], attributes: dict[str, str], **scalars: float) -> Path:
    """A chromatography file with the figures given as variables of no dimension."""
    with netcdf_file(str(path), "w") as content:
        content.createDimension("point_number", len(values))
        content.createVariable("ordinate_values", "f", ("point_number",))[:] = values
        for key, value in attributes.items():
            setattr(content, key, value)
        for key, figure in scalars.items():
            content.createVariable(key, "d", ())[...] = figure
    return path


def test_times_from_delay_and_interval_in_minutes(tmp_path: Path) -> None:
    told = {
        "retention_unit": "Minutes",
        "detector_unit": "mAU",
        "detector_name": "VWD1 A",
        "sample_name": "x",
    }
    run = read(andi(tmp_path / "x", [1, 2, 3], told, actual_sampling_interval=0.5, actual_delay_time=1.0))
    (trace,) = run.traces
    assert trace.time_s.tolist() == [60.0, 90.0, 120.0]
    assert (trace.name, trace.unit, trace.value.tolist()) == ("VWD1 A", "mAU", [1.0, 2.0, 3.0])
    assert (run.metadata.technique, run.metadata.sample_name, run.warnings) == (Technique.LC, "x", ())


def test_times_from_the_length_of_the_run_are_told(tmp_path: Path) -> None:
    run = read(andi(tmp_path / "x", [1, 2, 3], {}, actual_run_time_length=10.0))
    assert run.traces[0].time_s.tolist() == [0.0, 5.0, 10.0]
    assert "no interval" in run.warnings[0]


def test_a_run_of_another_length_than_its_values_is_told(tmp_path: Path) -> None:
    scalars = {"actual_run_time_length": 180.0, "actual_sampling_interval": 1.0}
    assert "run of 180" in read(andi(tmp_path / "x", [1, 2, 3], {}, **scalars)).warnings[0]


def test_values_that_are_none_are_left_out(tmp_path: Path) -> None:
    run = read(andi(tmp_path / "x", [1, np.nan, 9.97e36, 4], {}, actual_sampling_interval=1.0))
    assert run.traces[0].time_s.tolist() == [0.0, 3.0]
    assert "2 points" in run.warnings[0]


@pytest.mark.parametrize("scalars", [{}, {"actual_sampling_interval": -1.0}])
def test_no_times_at_all_is_refused(tmp_path: Path, scalars: dict[str, Any]) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(andi(tmp_path / "x", [1, 2, 3], {}, **scalars))
    assert caught.value.fault is Fault.MALFORMED


def real(data_dir: Path) -> list[Path]:
    folder = data_dir / "raw" / "andi-cdf"
    named = (folder / name for name in ("VARIAN1.CDF", "agilent-gcms-tic.cdf", "agilent-hplc.cdf"))
    return [*(folder / "openchrom-csd").rglob("*.[cC][dD][fF]"), *named]


@pytest.mark.data
def test_every_file_of_the_collection_is_one_trace_within_its_stated_length(data_dir: Path) -> None:
    assert len(real(data_dir)) == 20
    for path in real(data_dir):
        run = read(path)
        (trace,) = run.traces
        with netcdf_file(str(path), "r", mmap=False) as content:
            np.testing.assert_array_equal(trace.value, content.variables["ordinate_values"].data)
            unit = getattr(content, "retention_unit", b"s").lower()
            length = content.variables["actual_run_time_length"].data * (60 if unit.startswith(b"min") else 1)
            peaks = content.variables.get("peak_retention_time")
            apexes = np.array([]) if peaks is None else peaks.data
        assert trace.time_s[-1] - trace.time_s[0] == pytest.approx(length, rel=0.03), path.name
        assert bool(len(apexes)) == ("peaks" in run.metadata.details), path.name
        assert (trace.name, trace.unit) != ("", ""), path.name
        assert run.warnings == (), path.name


@pytest.mark.data
def test_the_greatest_peak_lies_where_its_software_put_it(data_dir: Path) -> None:
    run = read(data_dir / "raw/andi-cdf/agilent-hplc.cdf")
    peaks = [entry.split("@")[1].split(" s: ") for entry in run.metadata.details["peaks"].split(";")]
    times = [float(at) for at, _ in peaks]
    apex = run.traces[0].time_s[np.argmax(run.traces[0].value)]
    assert min(abs(apex - time) for time in times) < 1
    assert run.metadata.technique is Technique.LC
    assert run.traces[0].unit == "mAU"


@pytest.mark.data
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_files_cut_short_are_refused(data_dir: Path, tmp_path: Path, share: float) -> None:
    for source in real(data_dir):
        whole = source.read_bytes()
        (tmp_path / "x.cdf").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(UnreadableFile) as caught:
            read(tmp_path / "x.cdf")
        assert caught.value.fault in (Fault.TRUNCATED, Fault.MALFORMED, Fault.UNSUPPORTED), source.name
