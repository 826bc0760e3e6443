"""What is written is read again, to the precision stated, and keeps its mark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spectra.errors import InvalidMeasurement
from spectra.model import Metadata, Run, ScanTable, Technique
from spectra.readers import read
from spectra.writers import write_andi, write_mzml

Writer = Callable[[Run, Path], None]
WRITERS = pytest.mark.parametrize("write", [write_mzml, write_andi])


def run_of(scans: ScanTable, *, simulated: bool = False) -> Run:
    metadata = Metadata(
        format="made here",
        reader="test",
        technique=Technique.GC_MS,
        instrument="GC 7 – bench",
        acquired_at="2026-11-22 06:15:00",
        sample_name="poudre écrue",
        simulated=simulated,
    )
    return Run(metadata, scans)


SCANS = ScanTable(
    np.array([60.25, 60.75, 61.5]),
    np.array([0, 2, 2, 3]),
    np.array([41.1, 43.123456789, 57.0]),
    np.array([1.5, 1e7, 3.0]),
)


@WRITERS
def test_a_run_comes_back(tmp_path: Path, write: Writer) -> None:
    write(run_of(SCANS), tmp_path / "run")
    back = read(tmp_path / "run")
    np.testing.assert_allclose(back.scans.rt_s, SCANS.rt_s, rtol=1e-12)
    np.testing.assert_array_equal(back.scans.offset, SCANS.offset)
    np.testing.assert_array_equal(back.scans.mz, SCANS.mz)
    np.testing.assert_array_equal(back.scans.intensity, SCANS.intensity)
    assert back.metadata.sample_name == "poudre écrue"
    assert back.metadata.instrument == "GC 7 – bench"
    assert back.metadata.acquired_at == "2026-11-22 06:15:00"
    assert back.metadata.technique is Technique.GC_MS
    assert back.warnings == ()


@WRITERS
@pytest.mark.parametrize("simulated", [True, False])
def test_the_mark_of_a_simulation_survives(tmp_path: Path, write: Writer, simulated: bool) -> None:
    write(run_of(SCANS, simulated=simulated), tmp_path / "run")
    assert read(tmp_path / "run").metadata.simulated is simulated


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    peaks=st.lists(
        st.lists(st.tuples(st.floats(1, 2000), st.floats(0, 1e9, width=32)), max_size=5),
        min_size=1,
        max_size=6,
    )
)
@WRITERS
def test_any_scans_come_back(tmp_path: Path, write: Writer, peaks: list[list[tuple[float, float]]]) -> None:
    if not any(peaks):
        return
    ordered = [point for scan in peaks for point in sorted(scan)]
    scans = ScanTable(
        np.arange(len(peaks)) * 0.5,
        np.concatenate(([0], np.cumsum([len(scan) for scan in peaks]))),
        np.array([mz for mz, _ in ordered]),
        np.array([intensity for _, intensity in ordered]),
    )
    write(run_of(scans), tmp_path / "run")
    back = read(tmp_path / "run").scans
    np.testing.assert_array_equal(back.offset, scans.offset)
    np.testing.assert_array_equal(back.mz, scans.mz)
    np.testing.assert_array_equal(back.total_ion_current(), scans.total_ion_current())


def test_mzml_keeps_levels_and_precursors(tmp_path: Path) -> None:
    scans = replace(SCANS, ms_level=np.array([1, 2, 2]), precursor_mz=np.array([np.nan, 194.08, 182.12]))
    write_mzml(run_of(scans), tmp_path / "run")
    back = read(tmp_path / "run").scans
    np.testing.assert_array_equal(back.ms_level, [1, 2, 2])
    np.testing.assert_allclose(back.precursor_mz, [np.nan, 194.08, 182.12])


def test_mzml_keeps_spectra_without_a_time_axis(tmp_path: Path) -> None:
    write_mzml(run_of(replace(SCANS, rt_s=np.full(3, np.nan))), tmp_path / "run")
    assert not read(tmp_path / "run").scans.has_time


def test_andi_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    for scans in (replace(SCANS, rt_s=np.full(3, np.nan)), replace(SCANS, ms_level=np.array([1, 2, 1]))):
        with pytest.raises(InvalidMeasurement):
            write_andi(run_of(scans), tmp_path / "run")


@WRITERS
def test_an_empty_run_is_not_written(tmp_path: Path, write: Writer) -> None:
    nothing = ScanTable(np.empty(0), np.zeros(1), np.empty(0), np.empty(0))
    with pytest.raises(InvalidMeasurement):
        write(run_of(nothing), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.data
@WRITERS
def test_a_real_run_comes_back(tmp_path: Path, data_dir: Path, write: Writer) -> None:
    run = read(data_dir / "gcms_truth" / "DRUG_SAMPLE.SPC")
    write(run, tmp_path / "run")
    back = read(tmp_path / "run")
    np.testing.assert_allclose(back.scans.rt_s, run.scans.rt_s, rtol=1e-12)
    np.testing.assert_array_equal(back.scans.mz, run.scans.mz)
    np.testing.assert_allclose(back.scans.intensity, run.scans.intensity, rtol=2**-24)
    assert back.metadata.acquired_at == run.metadata.acquired_at
