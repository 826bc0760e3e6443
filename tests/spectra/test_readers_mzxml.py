"""mzXML and mzData: real files against pyteomics and pyopenms, broken ones, and hostile ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.readers import read

FILES = ("mzxml/DOM_b.mzXML", "mzxml/MzXMLFile_1_compressed.mzXML", "mzdata/MzDataFile_1.mzData")


def refusal(path: Path, content: bytes) -> UnreadableFile:
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    return caught.value


@pytest.mark.data
@pytest.mark.filterwarnings("ignore:hdf5plugin is missing")
def test_mzxml_against_pyteomics(data_dir: Path) -> None:
    mzxml = pytest.importorskip("pyteomics.mzxml")

    path = data_dir / "raw" / "mzxml" / "DOM_b.mzXML"
    scans = read(path).scans
    with mzxml.read(str(path), use_index=False) as theirs:
        for k, scan in enumerate(theirs):
            points = slice(scans.offset[k], scans.offset[k + 1])
            nonzero = scans.intensity[points] > 0
            np.testing.assert_allclose(scans.mz[points][nonzero], np.sort(scan["m/z array"]), rtol=1e-6)
            assert scans.rt_s[k] == pytest.approx(scan["retentionTime"] * 60)
            assert scans.ms_level[k] == scan["msLevel"]
            if scan["msLevel"] == 2:
                assert scans.precursor_mz[k] == pytest.approx(scan["precursorMz"][0]["precursorMz"])
                assert scans.collision_ev[k] == scan["collisionEnergy"]
    assert k + 1 == len(scans) == 521
    assert set(scans.polarity.tolist()) == {1}


@pytest.mark.data
def test_packed_and_plain_mzxml_are_the_same(data_dir: Path) -> None:
    plain = read(data_dir / "raw/mzxml/MzXMLFile_1.mzXML")
    packed = read(data_dir / "raw/mzxml/MzXMLFile_1_compressed.mzXML")
    np.testing.assert_array_equal(plain.scans.mz, packed.scans.mz)
    np.testing.assert_array_equal(plain.scans.rt_s, [5.0, 60.0, 120.0, 180.0])


@pytest.mark.data
def test_mzdata(data_dir: Path) -> None:
    run = read(data_dir / "raw/mzdata/MzDataFile_1.mzData")
    assert run.metadata.sample_name == "MS-Sample"
    np.testing.assert_array_equal(run.scans.polarity, [1, 1, -1])
    np.testing.assert_array_equal(run.scans.ms_level, [1, 2, 1])
    wide = read(data_dir / "raw/mzdata/MzDataFile_4_64bit.mzData")
    assert wide.scans.rt_s.tolist() == [120.0]
    assert len(wide.scans.mz) == 3


@pytest.mark.data
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("part", [0.3, 0.7, 0.95])
def test_a_cut_file_is_a_truncation(data_dir: Path, tmp_path: Path, file: str, part: float) -> None:
    whole = (data_dir / "raw" / file).read_bytes()
    assert refusal(tmp_path / "run", whole[: int(part * len(whole))]).fault is Fault.TRUNCATED


@pytest.mark.data
@pytest.mark.parametrize("file", FILES)
def test_a_declaration_is_forbidden(data_dir: Path, tmp_path: Path, file: str) -> None:
    whole = (data_dir / "raw" / file).read_bytes()
    for root in (b"<mzXML", b"<mzData"):
        whole = whole.replace(root, b'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/hostname">]>' + root, 1)
    assert refusal(tmp_path / "run", whole).fault is Fault.FORBIDDEN


@pytest.mark.data
def test_lengths_beyond_the_limit_are_refused_before_reading(data_dir: Path, tmp_path: Path) -> None:
    whole = (data_dir / "raw/mzxml/pyteomics_test.mzXML").read_bytes()
    error = refusal(tmp_path / "run", whole.replace(b'peaksCount="1313"', b'peaksCount="99999999999"'))
    assert error.fault is Fault.TOO_LARGE


@pytest.mark.data
def test_broken_xml_is_malformed_and_its_line_is_given(data_dir: Path, tmp_path: Path) -> None:
    whole = (data_dir / "raw/mzxml/pyteomics_test.mzXML").read_bytes()
    error = refusal(tmp_path / "run", whole.replace(b"<msInstrument>", b"<msInstrument <", 1))
    assert error.fault is Fault.MALFORMED
    assert error.where.startswith("line ")


@pytest.mark.data
def test_mzdata_with_fewer_intensities_than_masses_is_refused(data_dir: Path, tmp_path: Path) -> None:
    whole = (data_dir / "raw/mzdata/MzDataFile_4_64bit.mzData").read_bytes()
    short = tmp_path / "short.mzData"
    short.write_bytes(whole.replace(b">AADIQgAASEMAAMhC<", b">AADIQgAASEM=<", 1))
    with pytest.raises(UnreadableFile) as caught:
        read(short)
    assert caught.value.fault is Fault.MALFORMED
    assert caught.value.where == "spectrum 1"


@pytest.mark.data
@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        (b"<arrayName>fwhm</arrayName>", b"", "<supDataArrayBinary> with one <arrayName> and one <data>"),
        (b"<arrayName>fwhm</arrayName>", b"<arrayName>fwhm</arrayName>" * 2, "with one <arrayName>"),
        (b"<sampleName>", b'<data precision="32">AAAA</data><sampleName>', "<data> inside an array"),
        (b'<data precision="64"', b'<data precision="2147483648"', "32 or 64 bits"),
        (b"</mzArrayBinary>", b"", "arrays that end before the next begins"),
    ],
)
def test_mzdata_whose_arrays_are_damaged_is_refused_with_what_is_wrong(
    data_dir: Path, tmp_path: Path, was: bytes, becomes: bytes, says: str
) -> None:
    whole = (data_dir / "raw/mzdata/MzDataFile_4_64bit.mzData").read_bytes()
    broken = tmp_path / "broken.mzData"
    broken.write_bytes(whole.replace(was, becomes, 1))
    with pytest.raises(UnreadableFile) as error:
        read(broken)
    assert error.value.fault is Fault.MALFORMED
    assert says in error.value.expected
