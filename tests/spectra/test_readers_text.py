"""MSP, MSL and JCAMP-DX: the dialects, one line of text each, and real files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.errors import Fault, UnreadableFile
from spectra.model import Technique
from spectra.readers import read
from spectra.readers.msp import MspBlock, parse_msp, text_lines


def blocks(text: str) -> list[MspBlock]:
    return list(parse_msp(text.splitlines(keepends=True)))


@pytest.mark.parametrize(
    "peaks",
    [
        "41 493\n42 63\n",
        "41\t493\n42\t63\n",
        "41 493; 42 63\n",
        " 41  493;  42  63; \n",
        "41,493\n42,63\n",
        "41, 493, 42, 63\n",
        "41:493 42:63\n",
        "(41 493) (42 63)\n",
        "( 41  493) ( 42  63) \n",
        "41.0 493.0 42.0 63.0\n",
        '41\t493\t"C3H5 base"\n42\t63\t"13C, 2"\n',
        "41 493 C3H5\n42 63 13C\n",
        "4.1e1 4.93e2\n42 63\n",
        "\n41 493\n42 63\n",
    ],
)
def test_the_ways_to_write_the_same_two_peaks(peaks: str) -> None:
    (block,) = blocks(f"Name: propene\nNum Peaks: 2\n{peaks}")
    assert block.mz.tolist() == [41.0, 42.0]
    assert block.intensity.tolist() == [493.0, 63.0]
    assert block.problems == ()


@pytest.mark.parametrize(
    "count", ["Num Peaks: 1", "NUM PEAKS:1", "Num peaks: 1", "NumPeaks: 1", "Num Peaks:  1 ", "num_peaks: 1"]
)
def test_spellings_of_the_peak_count(count: str) -> None:
    (block,) = blocks(f"Name: x\n{count}\n41 5\n")
    assert (block.get("num peaks"), len(block.mz), block.problems) == ("1", 1, ())


@pytest.mark.parametrize(
    ("peaks", "mz", "intensity"),
    [
        ("53,12 100\n54,1 10\n", [53.12, 54.1], [100.0, 10.0]),
        ("53,1 10,5\n54,1 9,5\n", [53.1, 54.1], [10.5, 9.5]),
        ("53,100\n54,10\n", [53.0, 54.0], [100.0, 10.0]),
    ],
)
def test_a_decimal_comma_is_seen_where_only_that_reading_fits(
    peaks: str, mz: list[float], intensity: list[float]
) -> None:
    (block,) = blocks(f"Name: x\nNum Peaks: 2\n{peaks}")
    assert (block.mz.tolist(), block.intensity.tolist(), block.problems) == (mz, intensity, ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Name: x\nNum Peaks: 3\n41 5\n", "3 peaks announced, 1 found"),
        ("Name: x\n41 5\n", "not stated"),
        ("Num Peaks: 1\n41 5\n", "no name"),
        ("Name: x\nNum Peaks: 0\n", "no peaks"),
        ("Name: x\nNum Peaks: 1\n41 nan\n", "is no peak"),
        ("Name: x\nNum Peaks: 2\n41 5 42\n", "is no peak"),
        ("Name: x\nNum Peaks: 2\n41 5\n42 -3\n", "negative intensity left out"),
        ("Name: x\nNum Peaks: 1\n41 5\nwhat is this\n", "line 4 is neither"),
    ],
)
def test_nothing_is_lost_silently(text: str, said: str) -> None:
    (block,) = blocks(text)
    assert said in " ".join(block.problems)


def test_blocks_are_parted_by_blank_lines_or_by_the_next_name() -> None:
    text = (
        "INCHIKEY: A\nNAME: one\nNum Peaks: 1\n41 5\n\n"
        "INCHIKEY: B\nNAME: two\nNum Peaks: 1\n42 5\nName: three\nNum Peaks: 1\n43 5\n"
    )
    found = blocks(text)
    assert [block.get("name") for block in found] == ["one", "two", "three"]
    assert [block.get("inchikey") for block in found] == ["A", "B", ""]
    assert [block.line for block in found] == [1, 6, 10]
    assert not any(block.problems for block in found)


def test_headers_repeat_continue_and_share_a_line() -> None:
    (block,) = blocks(
        "Name: x\nSynon: a\nSynon: b\nComments: first\nsecond part\nCAS#: 50-36-2;  NIST#: 7302\n"
        "Link: http://x.org/a:b\nNum Peaks: 1\n41 5\n"
    )
    assert [value for key, value in block.headers if key == "synon"] == ["a", "b"]
    assert block.get("comments") == "first second part"
    assert (block.get("cas#"), block.get("nist#")) == ("50-36-2", "7302")
    assert block.get("link") == "http://x.org/a:b"
    assert block.problems == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, newline: str) -> None:
    path = tmp_path / "lib.msp"
    path.write_bytes(newline.join(["Name: caféine", "Num Peaks: 1", "194 999", ""]).encode(encoding))
    (block,) = parse_msp(text_lines(path))
    assert (block.get("name"), block.mz.tolist(), block.problems) == ("caféine", [194.0], ())


@given(st.lists(st.tuples(st.floats(1, 2000), st.floats(0, 1e9)), min_size=1, max_size=30), st.integers(1, 7))
def test_what_is_written_is_read(peaks: list[tuple[float, float]], per_line: int) -> None:
    pairs = [f"{mz!r} {intensity!r}" for mz, intensity in peaks]
    lines = ["; ".join(pairs[start : start + per_line]) for start in range(0, len(pairs), per_line)]
    (block,) = blocks("\n".join([f"Name: x\nNum Peaks: {len(peaks)}", *lines]))
    assert list(zip(block.mz.tolist(), block.intensity.tolist(), strict=True)) == peaks
    assert block.problems == ()


@given(st.text(max_size=400))
def test_any_text_is_parsed_without_an_exception(text: str) -> None:
    for block in blocks(text):
        assert len(block.mz) == len(block.intensity)
        assert np.all(block.mz > 0)
        assert np.all(block.intensity >= 0)


def test_an_msp_file_is_a_run_without_times(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(
        "Name: a\nNum Peaks: 1\n43 5\n\nName: b\nNum Peaks: 9\n58 1\n41 2\n\nName: c\nNum Peaks: 0\n"
    )
    run = read(path)
    assert run.titles == ("a", "b")
    assert not run.scans.has_time
    assert run.scans.mz.tolist() == [43.0, 41.0, 58.0]
    assert run.metadata.technique is Technique.MS
    assert run.warnings == ("b (line 5): 9 peaks announced, 2 found.", "c (line 10): no peaks.")


JCAMP = (
    "##TITLE=a $$ remark\n##JCAMP-DX=5.0\n##DATA TYPE={kind}\n##NPOINTS=2\n"
    "##{table}=(XY..XY)\n43,5 58, 9\n##END=\n"
)


@pytest.mark.parametrize("table", ["PEAK TABLE", "XYDATA", "XYPOINTS", "Peak_Table"])
def test_jcamp_peak_tables(tmp_path: Path, table: str) -> None:
    path = tmp_path / "x.jdx"
    path.write_text(JCAMP.format(kind="MASS SPECTRUM", table=table))
    run = read(path)
    assert (run.scans.mz.tolist(), run.scans.intensity.tolist()) == ([43.0, 58.0], [5.0, 9.0])
    assert (run.titles, run.warnings) == (("a",), ())


def test_jcamp_pages_are_a_run(tmp_path: Path) -> None:
    path = tmp_path / "run.jdx"
    pages = "".join(
        f"##PAGE= T={time}\n##NPOINTS=1\n##DATA TABLE=(XY..XY), PEAKS\n{mz}, 5\n"
        for time, mz in ((1.0, 43), (1.5, 58))
    )
    path.write_text(
        "##TITLE=run\n##JCAMP-DX=5.0\n##DATA TYPE=MASS SPECTRUM\n##DATA CLASS=NTUPLES\n##SYMBOL=X, Y, T\n"
        f"##UNITS=M/Z, RELATIVE ABUNDANCE, MINUTES\n{pages}##END=\n"
    )
    run = read(path)
    assert run.scans.rt_s.tolist() == [60.0, 90.0]
    assert run.scans.mz.tolist() == [43.0, 58.0]


def test_jcamp_factors_are_applied(tmp_path: Path) -> None:
    path = tmp_path / "x.jdx"
    text = JCAMP.format(kind="MASS SPECTRUM", table="PEAK TABLE")
    path.write_text(text.replace("##NPOINTS", "##XFACTOR=0.5\n##YFACTOR=10\n##NPOINTS"))
    run = read(path)
    assert (run.scans.mz.tolist(), run.scans.intensity.tolist()) == ([21.5, 29.0], [50.0, 90.0])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            JCAMP.format(kind="MASS SPECTRUM", table="XYDATA").replace("(XY..XY)", "(X++(Y..Y))"),
            Fault.UNSUPPORTED,
        ),
        (JCAMP.format(kind="MASS SPECTRUM", table="XYDATA").replace("58", "A58"), Fault.MALFORMED),
        (JCAMP.format(kind="MASS SPECTRUM", table="XYDATA").partition(" 58")[0], Fault.TRUNCATED),
        (JCAMP.format(kind="MASS SPECTRUM", table="XYDATA").replace("43,5 58, 9", ""), Fault.NO_SIGNAL),
    ],
)
def test_jcamp_files_that_are_refused(tmp_path: Path, text: str, fault: Fault) -> None:
    path = tmp_path / "x.jdx"
    path.write_text(text)
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert caught.value.fault is fault


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "spectra", "points"),
    [
        ("jcamp/nist08_test.jca", 10, 719),
        ("jcamp/peacock_Test_Library.jdx", 129, 5465),
        ("jcamp/nzhagen_jcamp/mass_spectra/118-96-7-Mass.jdx", 1, 116),
        ("jcamp/nzhagen_jcamp/mass_spectra/1-propanol_ms.jdx", 6, 301),
        ("jcamp/cheminfo/mass_ACD.jdx", 1, 180),
        ("lib-text/FAMES_REF.MSL", 13, 850),
        ("lib-text/chemclipse_amdis/msp/Lib4.MSP", 1, 5000),
        ("lib-text/chemclipse_amdis/msp/Peaks6.MSP", 3, 376),
        ("lib-text/matchms/golm.msp", 3, 287),
        ("lib-text/mzSpecLib_legacy_msp/nist-bsa_consensus.msp", 725, 95_673),
    ],
)
def test_real_spectra(data_dir: Path, file: str, spectra: int, points: int) -> None:
    run = read(data_dir / "raw" / file)
    assert (len(run.scans), len(run.scans.mz), run.warnings) == (spectra, points, ())
    assert len(run.titles) == spectra


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "blocks_found", "peaks"),
    [("swgdrug_3.9.msp", 3430, 438_865), ("pnnl_gcms_tms_metabolites.msp", 1284, 134_179)],
)
def test_libraries_are_parsed_without_a_problem(
    data_dir: Path, file: str, blocks_found: int, peaks: int
) -> None:
    found = list(parse_msp(text_lines(data_dir / "ei_ms" / file)))
    assert (len(found), sum(len(block.mz) for block in found)) == (blocks_found, peaks)
    assert not [block.get("name") for block in found if block.problems]


@pytest.mark.data
def test_a_jcamp_run_of_an_instrument(data_dir: Path) -> None:
    run = read(data_dir / "raw" / "jcamp" / "GECO_4_SUBTRACT.JDX")
    assert (len(run.scans), len(run.scans.mz)) == (2103, 123_436)
    np.testing.assert_allclose(run.scans.rt_s[[0, -1]], (1.052, 2220.764), atol=0.001)
    assert run.metadata.technique is Technique.GC_MS


@pytest.mark.data
def test_nmr_and_ion_mobility_are_read_and_named(data_dir: Path) -> None:
    folder = data_dir / "raw" / "jcamp" / "nzhagen_jcamp" / "jcamp-dx.org_official_test_data"
    optical = {"PE1800.DX", "SPECFILE.DX"}
    files = [path for path in folder.glob("*.DX") if path.name not in optical]
    assert len(files) == 10
    for path in files:
        run = read(path)
        mobility = path.name.startswith("IMS")
        assert run.metadata.technique is (Technique.IMS if mobility else Technique.NMR), path.name
        assert all(len(one.x) for one in run.optical)
        assert "no library search compares it" in run.warnings[-1]
