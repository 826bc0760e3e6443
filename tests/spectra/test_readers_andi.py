"""ANDI/AIA netCDF: files made here with scipy, and real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import netcdf_file

from spectra.errors import Fault, UnreadableFile
from spectra.model import Technique
from spectra.readers import read


def andi_file(path: Path, **changes: Any) -> Path:
    """Three scans of 2, 0 and 1 ions; ``changes`` replace variables, their attributes or global ones."""
    variables: dict[str, tuple[str, Any]] = {
        "scan_acquisition_time": ("d", [6.0, 7.0, 8.0]),
        "scan_index": ("i", [0, 2, 2]),
        "point_count": ("i", [2, 0, 1]),
        "mass_values": ("d", [41.0, 43.0, 57.0]),
        "intensity_values": ("f", [10.0, 20.0, 30.0]),
    }
    variables |= {key: value for key, value in changes.items() if isinstance(value, tuple)}
    with netcdf_file(str(path), "w") as content:
        for key, value in changes.items():
            if isinstance(value, bytes):
                setattr(content, key, value)
        for key, (kind, values) in variables.items():
            content.createDimension(f"d_{key}", len(values))
            variable = content.createVariable(key, kind, (f"d_{key}",))
            variable[:] = values
            for name, attribute in changes.get("attributes", {}).get(key, {}).items():
                setattr(variable, name, attribute)
    return path


def test_scans_come_back_with_their_times(tmp_path: Path) -> None:
    run = read(andi_file(tmp_path / "run.bin"))
    assert run.scans.rt_s.tolist() == [6.0, 7.0, 8.0]
    assert run.scans.offset.tolist() == [0, 2, 2, 3]
    assert run.scans.mz.tolist() == [41.0, 43.0, 57.0]
    assert run.scans.intensity.tolist() == [10.0, 20.0, 30.0]
    assert run.warnings == ()


def test_scale_factors_and_minutes_are_applied(tmp_path: Path) -> None:
    attributes = {
        "mass_values": {"scale_factor": 0.5, "add_offset": 1.0},
        "intensity_values": {"scale_factor": 10.0},
        "scan_acquisition_time": {"units": b"Minutes"},
    }
    run = read(andi_file(tmp_path / "run.cdf", attributes=attributes))
    assert run.scans.mz.tolist() == [21.5, 22.5, 29.5]
    assert run.scans.intensity.tolist() == [100.0, 200.0, 300.0]
    assert run.scans.rt_s.tolist() == [360.0, 420.0, 480.0]


def test_scans_may_lie_in_any_order_in_the_file(tmp_path: Path) -> None:
    run = read(andi_file(tmp_path / "run.cdf", scan_index=("i", [1, 0, 0])))
    assert run.scans.mz.tolist() == [43.0, 57.0, 41.0]


def test_what_is_repaired_is_said(tmp_path: Path) -> None:
    run = read(
        andi_file(
            tmp_path / "run.cdf",
            scan_acquisition_time=("d", [8.0, 7.0, 6.0]),
            mass_values=("d", [43.0, 41.0, np.nan]),
            intensity_values=("d", [-5.0, 20.0, 30.0]),
        )
    )
    assert run.scans.rt_s.tolist() == [6.0, 7.0, 8.0]
    assert run.scans.mz.tolist() == [41.0, 43.0]
    assert run.scans.intensity.tolist() == [20.0, 0.0]
    said = " ".join(run.warnings)
    assert "1 points without a usable m/z" in said
    assert "1 negative intensities were set to 0" in said
    assert "order of time" in said
    assert "order of m/z" in said


def test_without_times_the_scans_have_no_time_axis(tmp_path: Path) -> None:
    run = read(andi_file(tmp_path / "run.cdf", scan_acquisition_time=("d", [-9999.0] * 3)))
    assert not run.scans.has_time


def test_a_continuum_scan_becomes_its_peaks_and_says_so(tmp_path: Path) -> None:
    mz = np.arange(50, 60, 0.1)
    bell = 100 * np.exp(-0.5 * ((mz - 55) / 0.2) ** 2)
    run = read(
        andi_file(
            tmp_path / "run.cdf",
            experiment_type=b"Continuum Mass Spectrum",
            scan_index=("i", [0, 100, 100]),
            point_count=("i", [100, 0, 2]),
            mass_values=("d", [*mz, 41.0, 43.0]),
            intensity_values=("f", [*bell, 1.0, 2.0]),
        )
    )
    np.testing.assert_allclose(run.scans.mz, [55.0, 41.0, 43.0])
    assert any("1 scans were continuum" in warning for warning in run.warnings)


@pytest.mark.parametrize(("words", "sign"), [(b"Negative Polarity", -1), (b"Positive Polarity", 1), (b"", 0)])
def test_the_polarity_of_the_run_is_that_of_each_scan(tmp_path: Path, words: bytes, sign: int) -> None:
    run = read(andi_file(tmp_path / "run.cdf", test_ionization_polarity=words))
    assert run.scans.polarity.tolist() == [sign] * 3


@pytest.mark.data
def test_the_entries_of_a_library_keep_their_names(data_dir: Path) -> None:
    run = read(data_dir / "raw/andi-cdf/openchrom-msd/FINNIGAN/LIBRARY.CDF")
    assert len(run.titles) == len(run.scans) == 100
    assert run.titles[0].startswith("AA-DR.J.ZAMECNIK")
    assert run.metadata.technique is Technique.MS


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "fewer"),
    [
        ("advion-gcms.cdf", True),
        ("openchrom-msd/FISONS_A/CONTINUM.CDF", True),
        ("openchrom-msd/PE_SCIEX/CONTINUM.CDF", False),  # sparse points, 25 Th apart
        ("openchrom-msd/PE_SCIEX/CENTSIDL.CDF", False),  # selected ions that call themselves continuum
    ],
)
def test_real_continuum_runs(data_dir: Path, file: str, fewer: bool) -> None:
    path = data_dir / "raw/andi-cdf" / file
    run = read(path)
    with netcdf_file(str(path), mmap=False) as content:
        points = len(content.variables["mass_values"].data)
        highest = float(content.variables["intensity_values"].data.max())
    assert (len(run.scans.mz) < points / 2) is fewer
    assert any("continuum" in warning for warning in run.warnings)
    assert run.scans.intensity.max() == pytest.approx(highest)


@pytest.mark.parametrize(
    ("changes", "fault", "where"),
    [
        ({"scan_index": ("i", [0, 2, 3])}, Fault.MALFORMED, "scan 3"),
        ({"scan_index": ("i", [-7, 2, 2])}, Fault.MALFORMED, "scan 1"),
        ({"point_count": ("i", [2, 1])}, Fault.MALFORMED, "point_count"),
        ({"point_count": ("i", [2, 0, 2**31 - 1])}, Fault.TOO_LARGE, "2147483647 points a scan"),
        ({"mass_values": ("d", [np.nan] * 3)}, Fault.NO_SIGNAL, ""),
    ],
)
def test_a_file_that_contradicts_itself(
    tmp_path: Path, changes: dict[str, Any], fault: Fault, where: str
) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(andi_file(tmp_path / "run.cdf", **changes))
    assert (caught.value.fault, caught.value.where) == (fault, where)


@pytest.mark.parametrize("kept", [4, 60, 200, 400, -1])
def test_a_cut_file_is_a_truncation(tmp_path: Path, kept: int) -> None:
    whole = andi_file(tmp_path / "whole.cdf").read_bytes()
    (tmp_path / "cut.cdf").write_bytes(whole[:kept])
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path / "cut.cdf")
    assert caught.value.fault is Fault.TRUNCATED


def test_a_lying_length_allocates_nothing(tmp_path: Path) -> None:
    """The length of a dimension, raised to two thousand million, asks for bytes that are not there."""
    whole = andi_file(tmp_path / "whole.cdf").read_bytes()
    marker = b"d_mass_values\0\0\0"
    at = whole.index(marker) + len(marker)
    (tmp_path / "lie.cdf").write_bytes(whole[:at] + b"\x7f\xff\xff\xff" + whole[at + 4 :])
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path / "lie.cdf")
    assert caught.value.fault is Fault.TRUNCATED


def test_netcdf_4_is_refused_with_a_way_out(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "run.cdf", "w") as content:
        content["mass_values"] = [41.0, 43.0]
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path / "run.cdf")
    assert caught.value.fault is Fault.UNSUPPORTED
    assert "netCDF-4" in caught.value.expected
    assert "ANDI" in caught.value.remedy


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "scans", "points", "technique"),
    [
        ("agilent-gcms.cdf", 6401, 157_201, Technique.GC_MS),
        ("peacock_Test_File.cdf", 2698, 473_720, Technique.UNKNOWN),
        ("openchrom-msd/FINNIGAN/CENTSCNH.CDF", 100, 2355, Technique.GC_MS),
        ("openchrom-msd/HP/CENTSCNH.CDF", 621, 7638, Technique.GC_MS),
        ("openchrom-msd/KRATOS/CENTSCNL.CDF", 16, 8880, Technique.UNKNOWN),
        ("openchrom-msd/PE_SCIEX/CENTSCNL.CDF", 17, 5274, Technique.LC_MS),
        ("openchrom-msd/TEKNIVNT/CENTSCNH.CDF", 19, 1818, Technique.UNKNOWN),
    ],
)
def test_real_runs_against_scipy(
    data_dir: Path, file: str, scans: int, points: int, technique: Technique
) -> None:
    path = data_dir / "raw" / "andi-cdf" / file
    run = read(path)
    assert (len(run.scans), len(run.scans.mz)) == (scans, points)
    assert run.metadata.technique is technique
    with netcdf_file(str(path), "r", mmap=False) as content:
        time = content.variables["scan_acquisition_time"].data
        index, count = content.variables["scan_index"].data, content.variables["point_count"].data
        values = content.variables["intensity_values"].data.astype(float)
        totals = [values[start : start + points].sum() for start, points in zip(index, count, strict=True)]
    np.testing.assert_allclose(run.scans.rt_s, time)
    np.testing.assert_allclose(run.scans.total_ion_current(), totals)


@pytest.mark.data
def test_the_stored_total_ion_current_agrees_with_the_ions(data_dir: Path) -> None:
    run = read(data_dir / "raw" / "andi-cdf" / "agilent-gcms.cdf")
    np.testing.assert_allclose(run.traces[0].value, run.scans.total_ion_current(), rtol=1e-3)
