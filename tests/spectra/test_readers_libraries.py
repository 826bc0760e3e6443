"""Libraries as measurements: MGF, ELU, MoNA, mzSpecLib and matchms, whole and broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.errors import Fault, UnreadableFile
from spectra.readers import read
from spectra.readers.block_run import energy_ev, ms_level, polarity, retention_s
from spectra.readers.elu import parse_elu
from spectra.readers.library_json import parse_library_json
from spectra.readers.mgf import parse_mgf
from spectra.readers.msp import MspBlock, text_lines
from spectra.readers.mzspeclib import parse_mzspeclib

MGF = "BEGIN IONS\nTITLE=a\nPEPMASS=304.15 999\nCHARGE=1+\nRTINSECONDS=60\n82.06 5\n182.1 9\nEND IONS\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "anything"
    path.write_text(text, encoding="utf-8")
    return path


def block(**headers: str) -> MspBlock:
    told = tuple((key.replace("__", " "), value) for key, value in headers.items())
    return MspBlock(1, told, np.array([1.0]), np.array([1.0]))


def test_an_mgf_spectrum_with_all_it_says(tmp_path: Path) -> None:
    other = MGF.replace("TITLE=a", "NAME=b\nCOLLISION_ENERGY=20 eV\nIONMODE=negative")
    run = read(written(tmp_path, MGF + other))
    assert run.titles == ("a", "b")
    assert run.scans.precursor_mz.tolist() == [304.15, 304.15]
    assert run.scans.ms_level.tolist() == [2, 2]
    assert run.scans.polarity.tolist() == [1, -1]
    assert np.array_equal(run.scans.collision_ev, [np.nan, 20.0], equal_nan=True)
    assert run.scans.spectrum(0).mz.tolist() == [82.06, 182.1]
    assert run.warnings == ("2 spectra name a retention time; they are shown without a time axis.",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MGF.replace("END IONS\n", ""), "the file ends within it"),
        (MGF.replace("END IONS\n", "") + MGF, "its end is missing"),
        (MGF.replace("82.06 5", "82.06"), "is no peak"),
        (MGF.replace("82.06 5", "82.06 nan"), "left out"),
        (MGF.replace("82.06 5", "what is this"), "neither a parameter nor a peak"),
        (MGF.replace("TITLE=a", "TITLE=a\nNUM PEAKS=9"), "9 peaks announced, 2 found"),
        (MGF.replace("82.06 5\n182.1 9\n", ""), "no peaks"),
    ],
)
def test_nothing_of_an_mgf_is_lost_silently(text: str, said: str) -> None:
    problems = [problem for one in parse_mgf(text.splitlines(keepends=True)) for problem in one.problems]
    assert said in " ".join(problems)


def test_mgf_peaks_with_charges_tabs_and_remarks() -> None:
    text = "# made by hand\nCOM=all\nCHARGE=2-\n\nBEGIN IONS\n82.06\t5\t1+\n\n# no\n182.1 9 2+\nEND IONS\n"
    (one,) = parse_mgf(text.splitlines(keepends=True))
    assert (one.get("name"), one.get("com"), polarity(one)) == ("spectrum 1", "all", -1)
    assert (one.mz.tolist(), one.intensity.tolist(), one.line) == ([82.06, 182.1], [5.0, 9.0], 5)


@given(st.text(max_size=300))
def test_any_text_is_parsed_without_an_exception(text: str) -> None:
    lines = text.splitlines(keepends=True)
    for parse in (parse_mgf, parse_mzspeclib, parse_elu):
        for one in parse(["BEGIN IONS\n", "<Spectrum=1>\n", "<Peaks>\n", *lines]):
            assert len(one.mz) == len(one.intensity)


@pytest.mark.parametrize(
    ("text", "energy"),
    [
        *(("20", 20.0), ("20 eV", 20.0), ("HCD 35", 35.0), ("70eV", 70.0), ("30 eV (nominal)", 30.0)),
        ("orifice1 +60 V", 60.0),
        *((text, np.nan) for text in ("", "35 NCE", "60 % (nominal)", "[20.0, 30.0]", "20-35 eV", "30(NCE)")),
    ],
)
def test_only_a_single_energy_in_electronvolt_counts(text: str, energy: float) -> None:
    np.testing.assert_equal(energy_ev(text), energy)


@pytest.mark.parametrize(
    ("told", "level"),
    [
        ({"spectrum_type": "MS2"}, 2),
        ({"ms__level": "MSn 3"}, 3),
        ({"mslevel": "3"}, 3),
        ({"spectrumtype": "Centroid", "precursormz": "304.1", "precursortype": "[M+H]+"}, 2),
        ({"precursormz": "252.1", "precursortype": "[M]+", "instrumenttype": "GC-EI-TOF"}, 1),
        ({"precursormz": "304.1", "precursor_type": "[M+H]+", "instrument_type": "DART (in-source CID)"}, 1),
        ({"precursormz": "304.1"}, 1),
    ],
)
def test_the_level_is_told_or_follows_from_the_adduct(told: dict[str, str], level: int) -> None:
    assert ms_level(block(**told)) == level


@pytest.mark.parametrize(
    ("told", "sign"),
    [
        ({"ion_mode": "P"}, 1),
        ({"ionmode": "Negative"}, -1),
        ({"polarity": "positive scan"}, 1),
        ({"ionmode": "n/a"}, 0),
        ({"adduct": "[M-H]-"}, -1),
        ({"precursor_type": "[M+2H]2+"}, 1),
        ({"charge": "0"}, 0),
    ],
)
def test_polarity(told: dict[str, str], sign: int) -> None:
    assert polarity(block(**told)) == sign


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ({"rtinseconds": "60.5"}, 60.5),
        ({"retention_time": "2 min"}, 120.0),
        ({"retention_time": "98.4 sec"}, 98.4),
        ({"retentiontime": "1.5"}, 90.0),
        ({"retentiontime": "-1"}, np.nan),
    ],
)
def test_retention_times(told: dict[str, str], seconds: float) -> None:
    np.testing.assert_equal(retention_s(block(**told)), seconds)


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "spectra"),
    [
        ("lib-text/GNPS.mgf", 1),
        ("lib-text/matchms/pesticides.mgf", 76),
        ("lib-text/matchms/testdata.mgf", 30),
        ("lib-text/mzmine_parser/mzmine.mgf", 3),
        ("mgf/openchrom/proteinpilot/singleElement.mgf", 1),
    ],
)
def test_real_mgf_against_pyteomics(data_dir: Path, file: str, spectra: int) -> None:
    pyteomics = pytest.importorskip("pyteomics.mgf")
    path = data_dir / "raw" / file
    run = read(path)
    assert len(run.scans) == spectra
    with pyteomics.read(str(path), use_index=False, convert_arrays=1) as reference:
        for k, other in enumerate(reference):
            ours = slice(int(run.scans.offset[k]), int(run.scans.offset[k + 1]))
            order = np.argsort(other["m/z array"], kind="stable")
            np.testing.assert_array_equal(run.scans.mz[ours], other["m/z array"][order])
            np.testing.assert_array_equal(run.scans.intensity[ours], other["intensity array"][order])
            assert run.scans.precursor_mz[k] == other["params"]["pepmass"][0]


@pytest.mark.data
def test_real_elu_components(data_dir: Path) -> None:
    path = data_dir / "raw/lib-text/0709_468.ELU"
    run = read(path)
    assert (len(run.scans), run.titles[0], run.warnings) == (509, "component 1 of scan 4, 5.5127 min", ())
    text = path.read_text()
    announced = [int(line.split(":")[1]) for line in text.splitlines() if line.startswith("NUM PEAKS")]
    found = [len(one.mz) for one in parse_elu(text_lines(path))]
    assert found == announced
    first = run.scans.spectrum(0)
    assert first.intensity[first.mz == 77].tolist() == [999.0]


@pytest.mark.data
def test_mzspeclib_text_and_json_say_the_same(data_dir: Path) -> None:
    folder = data_dir / "raw/lib-text/mzSpecLib_examples/SpectraST"
    as_text = list(parse_mzspeclib(text_lines(folder / "fetal_brain_tiny.mzSpecLib.txt")))
    as_json = list(parse_library_json(folder / "fetal_brain_tiny.mzSpecLib.json"))
    assert len(as_text) == len(as_json) == 21
    for one, other in zip(as_text, as_json, strict=True):
        np.testing.assert_array_equal(one.mz, other.mz)
        np.testing.assert_array_equal(one.intensity, other.intensity)
        assert dict(reversed(one.headers)) == dict(reversed(other.headers))
        assert one.problems == other.problems == ()
    run = read(folder / "fetal_brain_tiny.mzSpecLib.txt")
    assert run.scans.collision_ev.tolist() == [39.0] * 21
    assert (run.metadata.instrument, set(run.scans.polarity.tolist())) == ("LTQ Velos", {1})


@pytest.mark.data
def test_mzspeclib_consensus_and_nist(data_dir: Path) -> None:
    folder = data_dir / "raw/lib-text/mzSpecLib_examples"
    run = read(folder / "SpectraST/fetal_brain_tiny_consensus_td.mzSpecLib.txt")
    assert (len(run.scans), run.titles[1]) == (10, "spectrum 2")
    run = read(folder / "NIST/broad_tcga_nonphospho_consensus_rec.head.mzSpecLib.txt")
    assert (len(run.scans), run.scans.precursor_mz[0], run.scans.collision_ev[0]) == (20, 582.3537, 29.4)
    assert run.scans.spectrum(0).mz[0] == 102.0669


@pytest.mark.data
def test_mona(data_dir: Path) -> None:
    path = data_dir / "raw/lib-text/MoNA-export-LC-MS-MS_Spectra.json"
    run = read(path)
    assert run.titles[0] == "Myristamidopropyl betaine"
    assert (run.scans.precursor_mz[0], run.scans.polarity[0], run.scans.ms_level[0]) == (371.3268, 1, 2)
    first = next(parse_library_json(path))
    assert first.get("inchikey") == "QGCUAFIULMNFPJ-UHFFFAOYSA-O"
    assert (first.get("formula"), retention_s(first)) == ("C21H43N2O3", pytest.approx(816.06))
    assert "50 % (nominal)" in run.warnings[0]


@pytest.mark.data
def test_json_cut_short_is_refused(data_dir: Path, tmp_path: Path) -> None:
    whole = (data_dir / "raw/lib-text/MoNA-export-LC-MS-MS_Spectra.json").read_bytes()
    for share in (0.05, 0.5, 0.99):
        (tmp_path / "x.json").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(UnreadableFile) as caught:
            read(tmp_path / "x.json")
        assert caught.value.fault is Fault.TRUNCATED


GOOD: dict[str, Any] = {"compound": [{"names": [{"name": "a"}]}], "id": "A1", "spectrum": "41.1:5 43.2:9"}


BAD = [{"spectrum": 7}, {"spectrum": "x:y"}, {}, [], 7, None, {"spectrum": {}}, {"compound": 1}]


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_record_costs_no_other(tmp_path: Path, bad: Any) -> None:
    run = read(written(tmp_path, json.dumps([GOOD, bad, GOOD])))
    assert (run.titles, run.scans.mz.tolist()) == (("a", "a"), [41.1, 43.2, 41.1, 43.2])
    assert "line 2" in run.warnings[0]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[{"spectrum": "41:1"}, ]', Fault.MALFORMED),
        ('[7, "spectrum", {"mzs": 1}]', Fault.NO_SIGNAL),
        ('{"peaks_json": []}', Fault.NO_SIGNAL),
        ("<mzSpecLib>\n<Spectrum=1>\n<Peaks>\n", Fault.NO_SIGNAL),
        ("BEGIN IONS\nPEPMASS=1\nEND IONS\n", Fault.NO_SIGNAL),
    ],
)
def test_libraries_without_spectra_are_refused(tmp_path: Path, text: str, fault: Fault) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(written(tmp_path, text))
    assert caught.value.fault is fault
