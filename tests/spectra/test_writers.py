"""What is written is read again, to the precision stated, and keeps its mark."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spectra.errors import InvalidMeasurement
from spectra.model import (
    NO_SCANS,
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
from spectra.readers import read
from spectra.writers import lost_in_mzml, write_andi, write_mzml
from spectra.writers_csv import tables, write_table
from spectra.writers_jcamp import lost_in_jcamp, write_jcamp

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


def test_mzml_keeps_polarity_and_collision_energy(tmp_path: Path) -> None:
    scans = replace(
        SCANS,
        ms_level=np.array([1, 2, 2]),
        precursor_mz=np.array([np.nan, 304.15, 304.15]),
        polarity=np.array([1, -1, 0]),
        collision_ev=np.array([np.nan, 22.5, 40.0]),
    )
    write_mzml(run_of(scans), tmp_path / "run")
    back = read(tmp_path / "run").scans
    np.testing.assert_array_equal(back.polarity, [1, -1, 0])
    np.testing.assert_array_equal(back.collision_ev, [np.nan, 22.5, 40.0])


def test_mzml_takes_traces_along_and_says_what_it_loses(tmp_path: Path) -> None:
    traces = (
        Trace("TIC as stored", np.array([0.0, 1.5]), np.array([10.0, 20.0])),
        Trace("DAD1A, Sig=254", np.array([0.1, 0.2, 0.3]), np.array([-1.25, 3.5, 0.0]), "mAU"),
    )
    run = replace(run_of(NO_SCANS), traces=traces, optical=(spectrum_of([400.0, 402.0], [0.1, 0.2]),))
    write_mzml(run, tmp_path / "run")
    back = read(tmp_path / "run").traces
    assert [trace.name for trace in back] == ["TIC as stored", "DAD1A, Sig=254"]
    for wanted, found in zip(traces, back, strict=True):
        np.testing.assert_allclose(found.time_s, wanted.time_s, rtol=1e-12)
        np.testing.assert_allclose(found.value, wanted.value, rtol=2**-24)
    assert lost_in_mzml(run) == (
        "1 optical spectra (JCAMP-DX or CSV holds them)",
        "the units of the traces (mAU)",
    )


def test_mzml_of_texts_with_control_characters_is_read_again(tmp_path: Path) -> None:
    run = run_of(SCANS)
    metadata = replace(run.metadata, sample_name="poudre\x1b[31m\0", instrument="GC\x07")
    write_mzml(replace(run, metadata=metadata), tmp_path / "run")
    assert read(tmp_path / "run").metadata.sample_name.strip() == "poudre [31m"


def spectrum_of(
    x: list[float], y: list[float], *, axis: Axis = Axis.WAVENUMBER, ordinate: Ordinate = Ordinate.ABSORBANCE
) -> OpticalSpectrum:
    return OpticalSpectrum(axis, ordinate, np.array(x), np.array(y), "poudre écrue")


def optical_run(*spectra: OpticalSpectrum, technique: Technique = Technique.FTIR) -> Run:
    return Run(Metadata("made here", "test", technique), optical=spectra)


_OF_LIGHT = [o for o in Ordinate if o not in (Ordinate.INTENSITY, Ordinate.INTERFEROGRAM)]


@pytest.mark.parametrize("ordinate", _OF_LIGHT)
@pytest.mark.parametrize(
    ("axis", "technique"),
    [
        (Axis.WAVENUMBER, Technique.FTIR),
        (Axis.RAMAN_SHIFT, Technique.RAMAN),
        (Axis.WAVELENGTH, Technique.UV),
    ],
)
def test_jcamp_keeps_axis_ordinate_and_title(
    tmp_path: Path, axis: Axis, technique: Technique, ordinate: Ordinate
) -> None:
    one = spectrum_of([400.0, 402.0, 404.0, 406.0], [0.1, 0.9, 0.5, 0.25], axis=axis, ordinate=ordinate)
    write_jcamp(optical_run(one, technique=technique), tmp_path / "run")
    back = read(tmp_path / "run")
    assert back.warnings == ()
    assert back.metadata.technique is technique
    (found,) = back.optical
    assert (found.axis, found.ordinate, found.title) == (axis, ordinate, "poudre écrue")
    np.testing.assert_allclose(found.x, one.x, rtol=1e-12)
    np.testing.assert_allclose(found.y, one.y, atol=5e-10 * 0.9)


@pytest.mark.parametrize(
    ("axis", "technique", "x_unit"),
    [
        (Axis.CHEMICAL_SHIFT, Technique.NMR, ""),
        (Axis.FREQUENCY, Technique.NMR, ""),
        (Axis.TIME, Technique.NMR, ""),
        (Axis.TIME, Technique.IMS, ""),
        (Axis.MAGNETIC_FIELD, Technique.EPR, ""),
        (Axis.POTENTIAL, Technique.OTHER, ""),
        (Axis.WAVENUMBER, Technique.OTHER, ""),
        (Axis.OTHER, Technique.OTHER, "degrees"),
    ],
)
@pytest.mark.parametrize("first", [-3.0, 400.0])
def test_jcamp_and_csv_keep_curves_of_other_kinds(
    tmp_path: Path, axis: Axis, technique: Technique, x_unit: str, first: float
) -> None:
    x = np.abs(first) + np.arange(5.0) if axis is Axis.WAVENUMBER else first + np.arange(5.0)
    one = OpticalSpectrum(axis, Ordinate.INTENSITY, x, np.arange(-2.0, 3.0), "real", x_unit, "nA")
    run = optical_run(one, technique=technique)
    write_jcamp(run, tmp_path / "run.jdx")
    back = read(tmp_path / "run.jdx")
    (found,) = back.optical
    assert back.metadata.technique is technique
    assert (found.axis, found.x_unit, found.ordinate, found.y_unit) == (axis, x_unit, one.ordinate, "nA")
    np.testing.assert_allclose(found.x, x, rtol=1e-12)
    np.testing.assert_allclose(found.y, one.y, atol=1e-8)
    (table,) = tables(run)
    heading, *rows = [list(row) for row in table.rows]
    assert heading[0] == f"{axis.label} ({one.unit_of_x.replace('⁻¹', '-1')})"
    assert heading[1] == "real intensity (nA)"
    np.testing.assert_array_equal(rows, np.column_stack((x, one.y)))


def test_jcamp_keeps_an_interferogram(tmp_path: Path) -> None:
    one = OpticalSpectrum(Axis.POINT, Ordinate.INTERFEROGRAM, np.arange(5.0), np.array([0, 1, -9, 2, 0.5]))
    write_jcamp(optical_run(one), tmp_path / "run")
    back = read(tmp_path / "run")
    assert (back.optical[0].axis, back.optical[0].ordinate) == (one.axis, one.ordinate)
    assert back.metadata.technique is Technique.FTIR
    np.testing.assert_allclose(back.optical[0].y, one.y, atol=1e-8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    points=st.dictionaries(
        st.floats(200, 9000).map(lambda x: round(x, 3)), st.floats(-10, 10), min_size=1, max_size=40
    )
)
def test_jcamp_pairs_are_exact(tmp_path: Path, points: dict[float, float]) -> None:
    x = sorted(points)
    one = spectrum_of(x, [points[place] for place in x])
    write_jcamp(optical_run(one), tmp_path / "run")
    (found,) = read(tmp_path / "run").optical
    if len(x) < 3 or np.ptp(np.diff(x)) > 1e-3:
        np.testing.assert_array_equal(found.x, one.x)
        np.testing.assert_array_equal(found.y, one.y)
    else:
        np.testing.assert_allclose(found.y, one.y, atol=5.1e-10 * float(np.abs(one.y).max()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    y=st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=3, max_size=200),
    first=st.floats(200, 4000),
    step=st.floats(0.1, 16),
)
def test_jcamp_curves_are_as_exact_as_stated(
    tmp_path: Path, y: list[float], first: float, step: float
) -> None:
    one = spectrum_of(list(first + step * np.arange(len(y))), y)
    write_jcamp(optical_run(one), tmp_path / "run")
    assert all(len(line) <= 80 for line in (tmp_path / "run").read_text("utf-8").splitlines())
    (found,) = read(tmp_path / "run").optical
    np.testing.assert_allclose(found.x, one.x, atol=2e-6 * step)
    np.testing.assert_allclose(found.y, one.y, atol=5.1e-10 * float(np.abs(one.y).max()))


def test_jcamp_links_several_spectra_and_keeps_the_mark(tmp_path: Path) -> None:
    one = spectrum_of([400.0, 402.0, 404.5], [0.1, 0.9, 0.5])
    run = optical_run(one, replace(one, title="second ## $$ title", ordinate=Ordinate.TRANSMITTANCE))
    write_jcamp(replace(run, metadata=replace(run.metadata, simulated=True)), tmp_path / "run")
    back = read(tmp_path / "run")
    assert [found.title for found in back.optical] == ["poudre écrue", "second # # $ $ title"]
    assert [found.ordinate for found in back.optical] == [Ordinate.ABSORBANCE, Ordinate.TRANSMITTANCE]
    assert back.metadata.simulated


def test_jcamp_keeps_mass_spectra_exactly(tmp_path: Path) -> None:
    scans = replace(SCANS, rt_s=np.full(3, np.nan), offset=np.array([0, 1, 2, 3]))
    run = replace(run_of(scans), titles=("cocaine", "caffeine", "lidocaïne"))
    write_jcamp(run, tmp_path / "run")
    back = read(tmp_path / "run")
    assert back.titles == run.titles
    np.testing.assert_array_equal(back.scans.offset, scans.offset)
    np.testing.assert_array_equal(back.scans.mz, scans.mz)
    np.testing.assert_array_equal(back.scans.intensity, scans.intensity)


def test_jcamp_refuses_a_run_over_time_and_says_what_it_loses(tmp_path: Path) -> None:
    with pytest.raises(InvalidMeasurement, match="over time"):
        write_jcamp(run_of(SCANS), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    both = replace(run_of(SCANS), optical=(spectrum_of([400.0, 402.0], [0.1, 0.2]),))
    assert lost_in_jcamp(both) == ("3 mass scans over time (mzML holds them)",)


def test_csv_traces_and_diode_arrays_are_exact(tmp_path: Path) -> None:
    time = np.array([0.0, 0.1, 1 / 3, 200.0])
    traces = tuple(Trace(name, time, np.array([1.0, -2.5, 1e-9, np.pi]), "mAU") for name in ("A", "B"))
    waves = np.array([210.0, 254.0, 280.5])
    array = DiodeArray("DAD", time, waves, np.arange(12).reshape(4, 3) / 7)
    run = Run(Metadata("made here", "test"), traces=traces, diode_arrays=(array,))
    first, second = tables(run)
    write_table(first, tmp_path / "traces.csv")
    write_table(second, tmp_path / "array.csv")
    back = read(tmp_path / "traces.csv").traces
    assert [(trace.name, trace.unit) for trace in back] == [("A (mAU)", "mAU"), ("B (mAU)", "mAU")]
    for found in back:
        np.testing.assert_array_equal(found.time_s, time)
        np.testing.assert_array_equal(found.value, traces[0].value)
    (found,) = read(tmp_path / "array.csv").diode_arrays
    np.testing.assert_array_equal(found.time_s, time)
    np.testing.assert_array_equal(found.wavelength_nm, waves)
    np.testing.assert_array_equal(found.value, array.value)


def test_csv_optical_spectra_are_exact(tmp_path: Path) -> None:
    x, y = np.arange(650.0, 700.0, 1.7), np.random.default_rng(5).random(30)
    (table,) = tables(optical_run(spectrum_of(list(x), list(y)), spectrum_of(list(x), list(2 * y))))
    write_table(table, tmp_path / "spectra.csv")
    found = read(tmp_path / "spectra.csv").optical
    assert [one.ordinate for one in found] == [Ordinate.ABSORBANCE] * 2
    for one, factor in zip(found, (1, 2), strict=True):
        np.testing.assert_array_equal(one.x, x)
        np.testing.assert_array_equal(one.y, factor * y)


def test_csv_scans_have_a_row_for_each_ion(tmp_path: Path) -> None:
    run = replace(run_of(replace(SCANS, polarity=np.array([1, 1, -1]))), titles=("=1+1", "b", "c"))
    (table,) = tables(run)
    write_table(table, tmp_path / "scans.csv")
    with (tmp_path / "scans.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["mz"]) for row in rows] == SCANS.mz.tolist()
    assert [row["scan"] for row in rows] == ["1", "1", "3"]
    assert [row["polarity"] for row in rows] == ["1", "1", "-1"]
    assert rows[0]["precursor_mz"] == ""
    assert rows[0]["title"] == "'=1+1", "a spreadsheet must not calculate a title"


def test_csv_refuses_an_empty_run() -> None:
    with pytest.raises(InvalidMeasurement):
        tables(run_of(NO_SCANS))


@pytest.mark.data
@pytest.mark.parametrize("name", ["jcamp/fitr_nitrocellulose.jdx", "galactic-spc/galacticdata/HOLMIUM.SPC"])
def test_a_real_spectrum_comes_back_from_jcamp(tmp_path: Path, data_dir: Path, name: str) -> None:
    run = read(data_dir / "raw" / name)
    write_jcamp(run, tmp_path / "run")
    (found,), (wanted,) = read(tmp_path / "run").optical, run.optical
    assert (found.axis, found.ordinate) == (wanted.axis, wanted.ordinate)
    np.testing.assert_allclose(found.x, wanted.x, atol=2e-6 * float(np.diff(wanted.x).min()))
    np.testing.assert_allclose(found.y, wanted.y, atol=5.1e-10 * float(np.abs(wanted.y).max()))
