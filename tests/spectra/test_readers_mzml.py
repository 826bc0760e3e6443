"""mzML: files written by our own writer, broken in many ways, and real ones against pyopenms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.model import Metadata, Run, ScanTable, Technique
from spectra.readers import read
from spectra.writers import write_mzml


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A good file of three scans."""
    scans = ScanTable(
        np.array([1.0, 2.0, 3.0]),
        np.array([0, 2, 2, 3]),
        np.array([41.0, 43.0, 57.0]),
        np.array([5.0, 6.0, 7.0]),
    )
    path = tmp_path_factory.mktemp("mzml") / "good.mzML"
    write_mzml(Run(Metadata("test", "test"), scans), path)
    return path.read_text("latin-1")


def refusal(tmp_path: Path, content: str | bytes) -> UnreadableFile:
    path = tmp_path / "run.mzML"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("latin-1"))
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert caught.value.file == "run.mzML"
    return caught.value


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE mzML [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
        '<!doctype mzML SYSTEM "http://localhost/x.dtd">',
        "<!ENTITY % x 'y'>",
    ],
)
def test_a_declaration_is_forbidden_wherever_it_stands(tmp_path: Path, text: str, declaration: str) -> None:
    head, root, tail = text.partition("<indexedmzML")
    assert refusal(tmp_path, head + declaration + root + tail).fault is Fault.FORBIDDEN
    assert refusal(tmp_path, text.replace("<cvList", declaration + "<cvList", 1)).fault is Fault.FORBIDDEN


def test_an_encoding_that_could_hide_a_declaration_is_refused(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text.replace("ISO-8859-1", "UTF-7", 1)).fault is Fault.UNSUPPORTED


def test_utf_16_is_no_mzml(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text.encode("utf-16")).fault is Fault.UNKNOWN_FORMAT


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_cut_file_is_a_truncation(tmp_path: Path, text: str, part: float) -> None:
    body = text.partition("</mzML>")[0]
    assert refusal(tmp_path, body[: int(len(body) * part)]).fault is Fault.TRUNCATED


def test_a_broken_tag_is_malformed_and_its_line_is_given(tmp_path: Path, text: str) -> None:
    error = refusal(tmp_path, text.replace("<run ", "<run <", 1))
    assert error.fault is Fault.MALFORMED
    assert error.where.startswith("line ")


def test_announced_lengths_beyond_the_limit_are_refused_before_reading(tmp_path: Path, text: str) -> None:
    assert refusal(
        tmp_path, text.replace('defaultArrayLength="2"', 'defaultArrayLength="99999999"')
    ).fault is (Fault.TOO_LARGE)


def test_a_run_without_ions_has_no_signal(tmp_path: Path, text: str) -> None:
    start, stop = text.index("<run "), text.index("</run>")
    opening = text[start : text.index(">", start) + 1]
    assert refusal(tmp_path, text[:start] + opening + text[stop:]).fault is Fault.NO_SIGNAL


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "technique", "instrument", "levels", "warnings"),
    [
        ("example.mzML", Technique.LC_MS, "Q Exactive", {1}, 0),
        ("svs813f1.mzML", Technique.GC_MS, "", {1}, 0),
        ("sciex_no_mz_range_cv.mzML", Technique.UNKNOWN, "4000 QTRAP", {1, 2}, 0),
        ("gc_orbi_profile_21scans.mzML", Technique.UNKNOWN, "Exactive", {1}, 1),
        ("pyteomics_test.mzML", Technique.LC_MS, "LTQ FT", {1}, 1),
    ],
)
def test_real_files_against_pyopenms(
    data_dir: Path, file: str, technique: Technique, instrument: str, levels: set[int], warnings: int
) -> None:
    import pyopenms

    path = data_dir / "raw" / "mzml" / file
    run = read(path)
    experiment = pyopenms.MSExperiment()
    pyopenms.MzMLFile().load(str(path), experiment)
    spectra = list(experiment)
    np.testing.assert_array_equal(run.scans.rt_s, [spectrum.getRT() for spectrum in spectra])
    if not warnings:
        totals = [spectrum.get_peaks()[1].astype(float).sum() for spectrum in spectra]
        np.testing.assert_allclose(run.scans.total_ion_current(), totals)
    assert run.metadata.technique is technique
    assert run.metadata.instrument == instrument
    assert set(run.scans.ms_level.tolist()) == levels
    assert len(run.warnings) == warnings


@pytest.mark.data
def test_precursor_polarity_and_collision_energy_are_kept(data_dir: Path) -> None:
    scans = read(data_dir / "raw" / "mzml" / "sciex_no_mz_range_cv.mzML").scans
    np.testing.assert_array_equal(scans.precursor_mz, [np.nan, 200.0])
    np.testing.assert_array_equal(scans.collision_ev, [np.nan, 35.0])
    np.testing.assert_array_equal(scans.polarity, [1, 1])


@pytest.mark.data
def test_continuum_scans_become_peaks(data_dir: Path) -> None:
    run = read(data_dir / "raw" / "mzml" / "gc_orbi_profile_21scans.mzML")
    assert run.warnings[0].startswith("21 scans were continuum")
    assert np.diff(run.scans.offset).max() < 500


@pytest.mark.data
def test_a_file_of_transitions_is_a_run_of_traces(data_dir: Path) -> None:
    run = read(data_dir / "raw" / "mzml" / "mini.chrom.mzML")
    assert len(run.scans) == 0
    assert [len(trace.value) for trace in run.traces] == [175, 176, 176]
    assert run.traces[0].name.endswith("(808.492 > 689.348)")
    assert run.traces[0].time_s[0] == pytest.approx(3449.8)


@pytest.mark.data
def test_the_packed_file_reads_as_the_plain_one(data_dir: Path) -> None:
    plain, packed = (read(data_dir / "raw" / "mzml" / name) for name in ("example.mzML", "example.mzML.gz"))
    np.testing.assert_array_equal(plain.scans.mz, packed.scans.mz)
    assert plain.metadata == packed.metadata


@pytest.mark.parametrize(("accession", "encode"), [("MS:1002312", "linear"), ("MS:1002313", "pic")])
def test_numpress_is_unpacked(tmp_path: Path, accession: str, encode: str) -> None:
    import pyopenms

    experiment = pyopenms.MSExperiment()
    spectrum = pyopenms.MSSpectrum()
    spectrum.setType(pyopenms.SpectrumSettings.SpectrumType.CENTROID)
    spectrum.set_peaks((np.linspace(50, 60, 100), np.arange(1.0, 101.0, dtype=np.float32)))
    experiment.addSpectrum(spectrum)
    file = pyopenms.MzMLFile()
    options, numpress = file.getOptions(), pyopenms.NumpressConfig()
    numpress.setCompression(encode)
    options.setNumpressConfigurationMassTime(numpress)
    file.setOptions(options)
    file.store(str(tmp_path / "run.mzML"), experiment)
    assert accession in (tmp_path / "run.mzML").read_text()
    expected = np.linspace(50, 60, 100) if encode == "linear" else np.unique(np.linspace(50, 60, 100).round())
    np.testing.assert_allclose(np.unique(read(tmp_path / "run.mzML").scans.mz), expected, atol=1e-4)


@pytest.mark.data
def test_a_file_without_anything_is_refused(data_dir: Path) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(data_dir / "raw" / "mzml" / "openms_MzMLFile" / "MzMLFile_2_minimal.mzML")
    assert caught.value.fault is Fault.NO_SIGNAL
