"""Chromatograms as text: Waters, Chromeleon, Shimadzu, Allotrope and plain CSV."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spectra.errors import Fault, UnreadableFile
from spectra.model import Metadata, Run, Technique, Trace
from spectra.readers import chromatogram_text, read
from spectra.writers_csv import tables, write_table


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "anything"
    path.write_bytes(text.encode(encoding))
    return path


def refusal(path: Path) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    return caught.value


@pytest.mark.parametrize(
    ("text", "seconds", "unit"),
    [
        ("Time (min),Value (mAU)\n0,1\n0.5,2\n1,3\n", [0, 30, 60], "mAU"),
        ("time_s;FID [pA]\n0,0;1\n0,5;2\n1,0;3\n", [0, 0.5, 1], "pA"),
        ("Zeit (min)\tWert (mAU)\n0,0\t1\n0,5\t2\n1,0\t3\n", [0, 30, 60], "mAU"),
        ("RT(milliseconds),Signal\n0,1\n500,2\n1000,3\n", [0, 500, 1000], ""),
        ("time (ms),Signal (V)\n0,1\n500,2\n1000,3\n", [0, 0.5, 1], "V"),
        ("Temps de rétention (min);Signal (µV)\n0;1\n0,5;2\n1;3\n", [0, 30, 60], "µV"),
    ],
)
def test_units_and_languages(tmp_path: Path, text: str, seconds: list[float], unit: str) -> None:
    (trace,) = read(written(tmp_path, text)).traces
    np.testing.assert_allclose(trace.time_s, seconds)
    assert (trace.value.tolist(), trace.unit) == ([1.0, 2.0, 3.0], unit)


def test_every_column_of_values_is_a_trace(tmp_path: Path) -> None:
    run = read(
        written(
            tmp_path,
            "Sample,cocaine\nDate,2024-01-02\n\nmin,index,DAD 210,DAD 254\n0,1,5,6\n1,2,7,\n2,3,8,9\n",
        )
    )
    assert [(trace.name, trace.value.tolist()) for trace in run.traces] == [
        ("DAD 210", [5.0, 7.0, 8.0]),
        ("DAD 254", [6.0, 9.0]),
    ]
    assert (run.metadata.sample_name, run.metadata.acquired_at) == ("cocaine", "2024-01-02")
    assert run.warnings == ("1 empty cells of the column 'DAD 254' were left out.",)


def test_a_refractive_index_is_no_counter(tmp_path: Path) -> None:
    heading = "Time (min),Step (s),RID1A Refractive Index Signal (nRIU)\n"
    run = read(written(tmp_path, f"{heading}0,1,5\n1,1,6\n2,1,7\n"))
    assert [trace.unit for trace in run.traces] == ["nRIU"]


_SIGNS = st.characters(codec="utf-8", exclude_categories=("Nd", "Cs"))
_NAMES = st.text(_SIGNS, max_size=40).map(lambda name: f"{name} channel")
_UNITS = st.sampled_from(["", "mAU", "nRIU"])
_TIMES = st.lists(st.floats(0, 1e5, allow_subnormal=False), min_size=3, max_size=30).map(sorted)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(times=_TIMES, names=st.lists(_NAMES, min_size=1, max_size=3), unit=_UNITS)
def test_what_is_written_as_csv_is_read_back(
    tmp_path: Path, times: list[float], names: list[str], unit: str
) -> None:
    values = np.sin(np.arange(len(times))) * 1e4
    traces = tuple(Trace(name, np.array(times), values + k, unit) for k, name in enumerate(names))
    (table,) = tables(Run(Metadata("made", "test"), traces=traces))
    write_table(table, tmp_path / "run.csv")
    found = read(tmp_path / "run.csv").traces
    assert len(found) == len(traces)
    for back, one in zip(found, traces, strict=True):
        np.testing.assert_array_equal(back.time_s, one.time_s)
        np.testing.assert_array_equal(back.value, one.value)
        assert back.unit == unit
        assert "channel" in back.name


@pytest.mark.data
def test_a_converted_channel_is_read_back(data_dir: Path, tmp_path: Path) -> None:
    run = read(next((data_dir / "raw").rglob("openlab_179.ch")))
    (table,) = tables(run)
    write_table(table, tmp_path / "run.csv")
    (back,) = read(tmp_path / "run.csv").traces
    np.testing.assert_array_equal(back.time_s, run.traces[0].time_s)
    np.testing.assert_array_equal(back.value, run.traces[0].value)
    assert back.unit == run.traces[0].unit
    assert run.traces[0].name in back.name


@pytest.mark.parametrize(
    "heading",
    [
        "Time (min),190,192.5,195\n",
        '"SampleName","Channel"\n"x","PDA"\nWavelength,190,192.5,195\nTime (min)\n',
    ],
)
def test_columns_headed_by_wavelengths_are_a_diode_array(tmp_path: Path, heading: str) -> None:
    (array,) = read(written(tmp_path, heading + "0,1,2,3\n0.1,4,5,6\n0.2,7,8,9\n")).diode_arrays
    assert array.wavelength_nm.tolist() == [190.0, 192.5, 195.0]
    assert array.time_s.tolist() == [0.0, 6.0, 12.0]
    assert array.value[1].tolist() == [4.0, 5.0, 6.0]


@pytest.mark.parametrize(
    "text",
    [
        "wavenumber (cm-1),absorbance\n400,1\n401,2\n402,3\n",
        "4000 0.1\n3998 0.2\n3996 0.3\n",
        "200 0.1\n201 0.2\n202 0.3\n",
        "m/z,intensity\n41,1\n42,2\n43,3\n",
        "Timestamp,Temp\n2024,1\n2025,2\n2026,3\n",
    ],
)
def test_other_columns_are_not_taken_for_a_chromatogram(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    assert not chromatogram_text.recognises(path.read_bytes(), path)


def test_times_without_a_unit_are_told(tmp_path: Path) -> None:
    assert "taken as minutes" in read(written(tmp_path, "0.0 1\n0.1 2\n0.2 3\n")).warnings[0]
    assert "taken as seconds" in read(written(tmp_path, "Retention time,x\n0,1\n100,2\n900,3\n")).warnings[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_long_exports_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    rows = "".join(f"{k * 0.005:.6f}\t{k % 7 - 3:.4f}\r\n" for k in range(9000))
    (trace,) = read(written(tmp_path, "Temps (min)\tRéponse (µV)\r\n" + rows, encoding)).traces
    assert (len(trace.value), trace.unit, trace.name) == (9000, "µV", "Réponse (µV)")
    assert len(read(written(tmp_path, rows, encoding)).traces[0].value) == 9000


def test_falling_times_are_refused(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, "Time (min),x\n3,1\n2,2\n1,3\n")).fault is Fault.MALFORMED


@pytest.mark.data
def test_a_waters_export(data_dir: Path) -> None:
    run = read(data_dir / "raw/waters-arw/waters.arw")
    (trace,) = run.traces
    assert (trace.name, len(trace.value), trace.time_s[-1]) == (
        "2475ChA ex280/em350",
        6601,
        pytest.approx(3300),
    )
    assert trace.value[6] == pytest.approx(0.0701046)
    assert (run.metadata.technique, run.metadata.sample_name) == (Technique.LC, "14")
    assert run.metadata.details["instrument method name"] == "Sup6Inc_10_300_TrpGFP_LineA"


@pytest.mark.data
def test_a_chromeleon_export(data_dir: Path) -> None:
    run = read(data_dir / "raw/thermo-chromeleon-txt/chromeleon_period.txt")
    (trace,) = run.traces
    np.testing.assert_allclose(trace.time_s, np.arange(10), atol=1e-4)
    assert (trace.name, trace.unit, trace.value[0], trace.value[-1]) == ("ED_1", "nC", -0.0896, -0.0251)
    assert (run.metadata.acquired_at, run.metadata.technique) == ("26.05.2017 16:52:02", Technique.LC)
    assert run.metadata.sample_name == "20170526_MME_AA_STD-Mix2"
    assert run.warnings == ("The file announces 3241 values and has 10.",)


SHIMADZU = """[Header]
Application Name\tLabSolutions
Data File Name\tC:\\x\\a.lcd

[Sample Information]
Acquired\t1/2/2024 3:04:05 PM
Sample Name\ta

[Peak Table(Ch1)]
# of Peaks\t0

"""
CHANNEL = """[LC Chromatogram(Detector A-Ch1)]
Interval(msec)\t500
# of Points\t{announced}
Start Time(min)\t0.000
Intensity Units\tmV
Intensity Multiplier\t0.001
Wavelength(nm)\t254
R.Time (min)\tIntensity
0.0\t1000
0.5\t2000
1.0\t-500

"""
CUBE = """[PDA 3D]
Start Wavelength(nm)\t190
Wavelength Axis Points\t3
R.Time (min)\t19000\t19120\t19240
0.0\t1\t2\t3
0.5\t4\t5\t6
1.0\t7\t8\t9
"""
SPECTRUM = """[MS Spectrum]
# of Peaks\t3
Raw Spectrum\t5.003 (scan : 542)
m/z\tAbsolute Intensity\tRelative Intensity
41.00\t100\t10.0
42.00\t1000\t100.0
43.00\t50\t5.0
"""


def test_shimadzu_sections_with_multiplier_wavelength_and_cube(tmp_path: Path) -> None:
    run = read(written(tmp_path, SHIMADZU + CHANNEL.format(announced=3) + CUBE))
    (trace,), (array,) = run.traces, run.diode_arrays
    assert (trace.name, trace.unit) == ("LC Chromatogram(Detector A-Ch1), 254 nm", "mV")
    np.testing.assert_allclose(trace.value, [1.0, 2.0, -0.5])
    np.testing.assert_allclose(trace.time_s, [0, 30, 60])
    np.testing.assert_allclose(array.wavelength_nm, [190, 191.2, 192.4])
    assert array.value[2].tolist() == [7.0, 8.0, 9.0]
    assert (run.metadata.technique, run.metadata.acquired_at) == (Technique.LC, "1/2/2024 3:04:05 PM")
    assert run.warnings == ("These sections hold results and were not read: Peak Table(Ch1).",)


def test_shimadzu_mass_spectra(tmp_path: Path) -> None:
    run = read(written(tmp_path, SHIMADZU.replace(".lcd", ".qgd") + SPECTRUM + "\n" + SPECTRUM))
    assert (len(run.scans), run.titles[0], run.metadata.technique) == (
        2,
        "5.003 (scan : 542)",
        Technique.GC_MS,
    )
    assert run.scans.spectrum(0).mz.tolist() == [41.0, 42.0, 43.0]


def test_a_shimadzu_chromatogram_cut_short_is_refused(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, SHIMADZU + CHANNEL.format(announced=4))).fault is Fault.TRUNCATED


@pytest.mark.data
def test_a_shimadzu_export(data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "raw/shimadzu/ladder.txt"
    run = read(source)
    (trace,) = run.traces
    assert (len(trace.value), trace.time_s[0], trace.value[-1]) == (66255, pytest.approx(0.0198), 4328)
    np.testing.assert_allclose(np.diff(trace.time_s), 0.04, atol=1e-3)
    assert (run.metadata.technique, run.metadata.instrument) == (Technique.GC, "GC-2014 SFID1")
    assert run.metadata.sample_name == "FS19_214"
    whole = source.read_bytes()
    for share in (0.001, 0.005, 0.2, 0.7, 0.99):
        path = tmp_path / "cut.txt"
        path.write_bytes(whole[: int(len(whole) * share)])
        assert refusal(path).fault in (Fault.TRUNCATED, Fault.NO_SIGNAL)


@pytest.mark.data
@pytest.mark.parametrize("name", ["LC2040C.txt", "LCMS-8050.txt", "QP2010.txt"])
def test_results_without_measurements_are_refused_by_name(data_dir: Path, name: str) -> None:
    error = refusal(data_dir / "raw/shimadzu/senaite_ascii" / name)
    assert error.fault is Fault.NO_SIGNAL
    assert "this export holds" in error.expected
    assert "chromatogram" in error.remedy


def asm(dimensions: list[Any], measures: list[Any], concepts: tuple[str, ...], unit: str = "s") -> str:
    units = {"retention time": unit, "wavelength": "nm", "sampling number": "#"}
    described = [{"concept": concept, "unit": units[concept]} for concept in concepts]
    structure = {"dimensions": described, "measures": [{"concept": "absorbance", "unit": "mAU"}]}
    cube = {
        "label": "x",
        "cube-structure": structure,
        "data": {"dimensions": dimensions, "measures": measures},
    }
    return json.dumps({"$asm.manifest": "http://a/liquid-chromatography/b", "a": [{"some data cube": cube}]})


def test_allotrope_minutes_and_missing_values(tmp_path: Path) -> None:
    run = read(written(tmp_path, asm([[0, 1, 2]], [[1.5, None, 2.5]], ("retention time",), "min")))
    (trace,) = run.traces
    assert (trace.time_s.tolist(), trace.value.tolist(), trace.unit) == ([0.0, 120.0], [1.5, 2.5], "mAU")
    assert run.metadata.technique is Technique.LC
    assert run.warnings == ("1 points of 'x' without a value were left out.",)


@pytest.mark.parametrize("values", [[[1, 2], [3, 4], [5, 6]], [1, 2, 3, 4, 5, 6]])
def test_an_allotrope_cube_of_wavelengths(tmp_path: Path, values: list[Any]) -> None:
    text = asm([[0, 1, 2], [200, 210]], [values], ("retention time", "wavelength"))
    (array,) = read(written(tmp_path, text)).diode_arrays
    assert array.value.tolist() == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (asm([[0, 1]], [[1, 2]], ("sampling number",)), Fault.NO_SIGNAL),
        (asm([[0, 1]], [[1, 2, 3]], ("retention time",)), Fault.NO_SIGNAL),
        (asm([["a", 1]], [[1, 2]], ("retention time",)), Fault.NO_SIGNAL),
        (asm([[0, 1]], [[1, 2]], ("retention time",))[:-9], Fault.TRUNCATED),
        (asm([[0, 1]], [[1, 2]], ("retention time",)) + "x", Fault.MALFORMED),
        ('{"$asm.manifest": "x", "a": ' + "[" * 900 + "1" + "]" * 900 + "}", Fault.TOO_LARGE),
        ('{"$asm.manifest": "x", "a": ' + "[" * 90000 + "1" + "]" * 90000 + "}", Fault.MALFORMED),
    ],
)
def test_broken_allotrope_files_are_refused(tmp_path: Path, text: str, fault: Fault) -> None:
    assert refusal(written(tmp_path, text)).fault is fault


@pytest.mark.data
def test_an_allotrope_file(data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "raw/allotrope-asm/ASM-gas-chromatography.tabular.json"
    run: Run = read(source)
    (trace,) = run.traces
    assert (trace.name, trace.unit, len(trace.value)) == ("chromatogram", "pA", 36000)
    assert trace.time_s[[0, -1]].tolist() == [0.0, pytest.approx(29.999154667)]
    assert (run.metadata.technique, run.metadata.sample_name) == (Technique.GC, "22-00465-1")
    assert run.metadata.acquired_at == "2022-05-12T11:24:28.007Z"
    assert "4 of 4 peaks" in run.warnings[0]
    whole = source.read_bytes()
    for size in (200, 5000, len(whole) // 2, len(whole) - 5):
        path = tmp_path / "cut.json"
        path.write_bytes(whole[:size])
        assert refusal(path).fault is Fault.TRUNCATED
