"""Every library format as records: what the file tells, and what is left out with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from library.formats import read_library
from library.formats.conditions import single_energy
from library.formats.msp import read_msp
from library.record import OpticalRecord, Reason, Record, Skipped, SpectrumKind
from library.release import build_release, open_release
from library.shelf import open_wanted
from spectra.errors import Fault, UnreadableFile


def written(folder: Path, text: str) -> Path:
    path = folder / "anything"
    path.write_text(text, encoding="utf-8")
    return path


def records(path: Path) -> list[Record]:
    found = list(read_library(path))
    assert not [one for one in found if isinstance(one, Skipped)]
    return [one for one in found if isinstance(one, Record)]


KEY = "ZPUCINDJVBIVPJ-LJISPDSOSA-N"
MSP = f"Name: a\nInChIKey: {KEY}\nFormula: C17H21NO4\nCAS#: 50-36-2\nNum Peaks: 2\n82 5\n182 9\n"
MGF = (
    f"BEGIN IONS\nNAME=a\nINCHIKEY={KEY}\nFORMULA=C17H21NO4\nCAS=50-36-2\nPEPMASS=304.15\n"
    "ADDUCT=[M+H]+\nCOLLISION_ENERGY=20 eV\n82 5\n182 9\nEND IONS\n"
)
MONA = json.dumps(
    [
        {
            "id": "A1",
            "compound": [
                {
                    "names": [{"name": "a"}, {"name": "b"}],
                    "inchiKey": KEY,
                    "metaData": [{"name": "molecular formula", "value": "C17H21NO4"}],
                }
            ],
            "metaData": [{"name": "cas number", "value": "50-36-2"}, {"name": "license", "value": "CC0"}],
            "spectrum": "82:5 182:9",
        }
    ]
)
MATCHMS = json.dumps(
    [
        {
            "compound_name": "a",
            "inchikey": KEY,
            "formula": "C17H21NO4",
            "cas": "50-36-2",
            "peaks_json": [[82, 5], [182, 9]],
        }
    ]
)
MZSPECLIB = (
    "<mzSpecLib>\nMS:1003186|library format version=1.0\n<Spectrum=1>\nMS:1003061|library spectrum name=a\n"
    "<Analyte=1>\nMS:1000866|molecular formula=C17H21NO4\nMS:1002894|InChIKey=" + KEY + "\n"
    "<Peaks>\n82\t5\t?\n182\t9\t?\n"
)
JCAMP = (
    "##TITLE=a\n##JCAMP-DX=4.24\n##DATA TYPE=MASS SPECTRUM\n##CAS REGISTRY NO=50-36-2\n"
    "##MOLFORM=C 17 H 21 N O 4\n##NPOINTS=2\n##PEAK TABLE=(XY..XY)\n82,5 182,9\n##END=\n"
)


@pytest.mark.parametrize("text", [MSP, MGF, MONA, MATCHMS, MZSPECLIB, JCAMP])
def test_the_same_record_in_every_format(tmp_path: Path, text: str) -> None:
    (record,) = records(written(tmp_path, text))
    assert (record.name, record.formula) == ("a", "C17H21NO4")
    assert (record.mz.tolist(), record.intensity.tolist()) == ([82.0, 182.0], [5.0, 9.0])
    assert record.inchikey == ("" if text is JCAMP else KEY)
    assert record.cas == ("" if text is MZSPECLIB else "50-36-2")
    assert record.problems == ()


def test_how_it_was_measured_stands_in_fields_of_its_own(tmp_path: Path) -> None:
    (record,) = records(written(tmp_path, MGF))
    assert (record.kind, record.precursor_mz, record.adduct) == (SpectrumKind.MSMS, 304.15, "[M+H]+")
    assert (record.polarity, record.energy, record.energy_ev, record.comments) == (1, "20 eV", 20.0, "")
    (record,) = records(written(tmp_path, MONA))
    assert (record.kind, record.licence, record.synonyms) == (SpectrumKind.EI, "CC0", ("b",))
    assert (record.source_id, record.precursor_mz, record.energy_ev) == ("A1", None, None)


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ("", SpectrumKind.EI),
        ("Instrument_type: GC-EI-TOF\nSpectrum_type: MS", SpectrumKind.EI),
        (
            "PrecursorMZ: 182.1\nPrecursor_type: [M]+\nIonization: EI+\nInstrumentType: GC-EI-Orbitrap",
            SpectrumKind.EI,
        ),
        ("Instrument: Agilent 5977 GC-MS", SpectrumKind.EI),
        ("Instrument_type: GC-EI-QQ\nSpectrum_type: MS2\nCollision_energy: 10 V", SpectrumKind.MSMS),
        ("PrecursorMZ: 304.15\nPrecursor_type: [M+H]+", SpectrumKind.MSMS),
        ("PrecursorMZ: 304.15", SpectrumKind.MSMS),
        ('Comments: "instrument type=LC-ESI-QTOF" "ms level=MS2" "precursor m/z=304.15"', SpectrumKind.MSMS),
        (
            "PrecursorMZ: 304.15\nPrecursor_type: [M+H]+\nInstrument_type: DART-TOF",
            SpectrumKind.IN_SOURCE,
        ),
        ("Instrument_type: LC-ESI-TOF\nFragmentation_mode: in-source CID", SpectrumKind.IN_SOURCE),
        ("Collision_energy: orifice1 +30 V", SpectrumKind.IN_SOURCE),
    ],
)
def test_the_kind_is_told_by_the_record(tmp_path: Path, headers: str, kind: SpectrumKind) -> None:
    (record,) = records(written(tmp_path, MSP.replace("Num", f"{headers}\nNum", 1).replace("\n\n", "\n")))
    assert record.kind is kind


@pytest.mark.parametrize("kind", ["CI-B", "LC-ESI-QTOF", "FAB-B", "GC-APCI-QTOF"])
def test_whole_ions_are_comparable_with_nothing(tmp_path: Path, kind: str) -> None:
    text = MSP.replace("Num", f"Instrument_type: {kind}\nSpectrum_type: MS\nNum", 1)
    (skipped,) = read_library(written(tmp_path, text))
    assert isinstance(skipped, Skipped)
    assert skipped.reason is Reason.NOT_COMPARABLE


@pytest.mark.parametrize(
    ("text", "energy"),
    [
        ("orifice1 +30 V", 30.0),
        ("orifice1 90V", 90.0),
        ("20 eV", 20.0),
        ("CID 35 eV (isolated)", 35.0),
        ("20-40 eV", None),
        ("15, 30, 45 (nominal)", None),
        ("35 % (nominal)", None),
        ("35 NCE", None),
        ("", None),
    ],
)
def test_one_energy_is_a_number_and_several_are_none(text: str, energy: float | None) -> None:
    assert single_energy(text) == energy


CURVE = (
    "##TITLE=Cocaine HCl\n##JCAMP-DX=4.24\n##DATA TYPE=INFRARED SPECTRUM\n##CAS REGISTRY NO=50-36-2\n"
    "##MOLFORM=C 17 H 21 N O 4\n##$INCHIKEY=" + KEY + "\n##SPECTROMETER/DATA SYSTEM=Nicolet iS10 ATR\n"
    "##XUNITS=1/CM\n##YUNITS=ABSORBANCE\n##FIRSTX=600\n##LASTX=1590\n##NPOINTS=100\n##XFACTOR=1\n"
    "##YFACTOR=0.001\n##XYDATA=(X++(Y..Y))\n"
    + "".join(f"{600 + 100 * line} {' '.join(str(line + k) for k in range(10))}\n" for line in range(10))
    + "##END=\n"
)


def test_an_infrared_curve_is_a_record_of_its_own_kind(tmp_path: Path) -> None:
    both = list(read_library(written(tmp_path, CURVE + CURVE.replace("INFRARED", "RAMAN") + JCAMP)))
    infrared, raman, mass = both
    assert isinstance(infrared, OpticalRecord)
    assert isinstance(raman, OpticalRecord)
    assert (infrared.kind, raman.kind) == (SpectrumKind.INFRARED, SpectrumKind.RAMAN)
    assert (infrared.name, infrared.cas, infrared.formula) == ("Cocaine HCl", "50-36-2", "C17H21NO4")
    assert (infrared.inchikey, infrared.instrument) == (KEY, "Nicolet iS10 ATR")
    assert (len(infrared.spectrum.x), infrared.spectrum.x[0], infrared.spectrum.x[-1]) == (100, 600, 1590)
    assert isinstance(mass, Record)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (CURVE.replace("INFRARED", "UV/VIS").replace("1/CM", "NANOMETERS"), Reason.NOT_COMPARABLE),
        (CURVE.replace("LASTX=1590", "LASTX=650").replace("1/CM", "MICROMETERS"), Reason.NOT_COMPARABLE),
        (CURVE.replace("600 0 1", "600 0 &&"), Reason.UNREADABLE),
        (CURVE.replace("##TITLE=Cocaine HCl", "##TITLE="), Reason.NO_NAME),
    ],
)
def test_a_bad_curve_costs_no_other(tmp_path: Path, text: str, reason: Reason) -> None:
    first, second = read_library(written(tmp_path, text + CURVE))
    assert isinstance(first, Skipped)
    assert first.reason is reason
    assert isinstance(second, OpticalRecord)


def test_a_folder_is_a_library_and_a_broken_file_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "b.jdx").write_text(CURVE)
    (tmp_path / "a.bin").write_bytes(b"\0\1\2" * 99)
    (tmp_path / "c.msp").write_text(MSP)
    (tmp_path / ".hidden").write_bytes(b"\0")
    broken, curve, mass = read_library(tmp_path)
    assert isinstance(broken, Skipped)
    assert (broken.reason, broken.file) == (Reason.UNREADABLE, "a.bin")
    assert isinstance(curve, OpticalRecord)
    assert isinstance(mass, Record)
    assert (curve.file, mass.file) == ("b.jdx", "c.msp")


def test_a_folder_without_a_library_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\0\1\2" * 99)
    with pytest.raises(UnreadableFile):
        list(read_library(tmp_path))


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        (MGF.replace("82 5\n182 9\n", "") + MGF, Reason.NO_PEAKS, 1),
        (MGF + MGF.replace("82 5\n182 9", "82 x\n182 y"), Reason.NO_PEAKS, 12),
        (MGF + MGF.replace("182 9", "9182 9"), Reason.MZ_RANGE, 12),
        (MGF.replace("5\n", "0\n").replace("9\n", "0\n") + MGF, Reason.NO_SIGNAL, 1),
        (MONA[:-1] + ', {"spectrum": 7, "id": "X"}]', Reason.NO_PEAKS, 2),
        (MONA[:-1] + ", null]", Reason.NO_PEAKS, 2),
        (MONA[:-1] + ', {"spectrum": "1:2"}]', Reason.NO_NAME, 2),
        (JCAMP + JCAMP.replace("MASS SPECTRUM", "NMR SPECTRUM"), Reason.NO_PEAKS, 16),
        (JCAMP + JCAMP.replace("82,5", "82,A"), Reason.NO_PEAKS, 16),
        (JCAMP.replace("##NPOINTS=2", "##NPOINTS=9") + JCAMP, Reason.INCOMPLETE, 7),
        (MZSPECLIB + "<Spectrum=2>\n<Peaks>\nx y\n", Reason.NO_PEAKS, 11),
    ],
)
def test_one_bad_record_costs_no_other(tmp_path: Path, text: str, reason: Reason, line: int) -> None:
    found = list(read_library(written(tmp_path, text)))
    (skipped,) = [one for one in found if isinstance(one, Skipped)]
    assert (skipped.reason, skipped.line) == (reason, line)
    assert skipped.text
    assert [one.name for one in found if isinstance(one, Record)] == ["a"]


def test_what_is_no_library_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lib.msp"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    with pytest.raises(UnreadableFile) as caught:
        list(read_library(path))
    assert caught.value.fault is Fault.UNKNOWN_FORMAT
    assert "MGF" in caught.value.remedy
    assert caught.value.file == "lib.msp"


def test_a_json_library_cut_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile) as caught:
        list(read_library(written(tmp_path, MONA[:-9])))
    assert caught.value.fault is Fault.TRUNCATED


def test_any_of_them_makes_a_release_and_can_be_searched_as_a_file(tmp_path: Path) -> None:
    report = build_release(
        read_library(written(tmp_path, MONA)), tmp_path / "libs", name="m", source="x", licence="y"
    )
    assert (report.kept, report.read) == (1, 1)
    assert len(open_release(report.directory)) == 1
    path = tmp_path / "q.mgf"
    path.write_text(MGF)
    (release,) = open_wanted([str(path)], tmp_path / "none", tmp_path / "cache")
    assert release.manifest.spectra == 1


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "kept", "skipped"),
    [
        ("jcamp/peacock_Test_Library.jdx", 129, 0),
        ("jcamp/nist08_test.jca", 10, 0),
        ("lib-text/0709_468.ELU", 509, 0),
        ("lib-text/FAMES_REF.MSL", 13, 0),
        ("lib-text/MoNA-export-LC-MS-MS_Spectra.json", 2, 0),
        ("lib-text/matchms/pesticides.mgf", 76, 0),
        ("lib-text/matchms/test_remove_fingerprint.json", 5, 0),
        ("lib-text/mzSpecLib_examples/SpectraST/fetal_brain_tiny.mzSpecLib.txt", 21, 0),
        ("lib-text/mzSpecLib_examples/SpectraST/fetal_brain_tiny.mzSpecLib.json", 21, 0),
        ("lib-text/mzSpecLib_legacy_msp/nist-bsa_consensus.msp", 725, 0),
        ("lib-text/chemclipse_amdis/msl/Encoding.msl", 2, 0),
        ("jcamp/cheminfo/uv.jdx", 0, 2),
    ],
)
def test_real_libraries(data_dir: Path, file: str, kept: int, skipped: int) -> None:
    found = list(read_library(data_dir / "raw" / file))
    assert sum(isinstance(one, Record) for one in found) == kept
    assert sum(isinstance(one, Skipped) for one in found) == skipped


@pytest.mark.data
def test_msp_is_read_as_before(data_dir: Path) -> None:
    path = data_dir / "ei_ms/massbank_ei_open.msp"
    before, now = list(read_msp(path)), list(read_library(path))
    assert [one.name for one in before] == [one.name for one in now]
    assert len(now) == 206
