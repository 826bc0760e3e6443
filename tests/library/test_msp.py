from __future__ import annotations

from pathlib import Path

import pytest

from library.formats.msp import read_msp
from library.record import Reason, Record, Skipped


def read(tmp_path: Path, text: str) -> list[Record | Skipped]:
    path = tmp_path / "some.msp"
    path.write_text(text, encoding="utf-8")
    return list(read_msp(path))


def only(tmp_path: Path, text: str) -> Record:
    (record,) = read(tmp_path, text)
    assert isinstance(record, Record)
    return record


def test_a_nist_record_is_read_whole(tmp_path: Path) -> None:
    record = only(
        tmp_path,
        "Name: Cocaine\nSynon: Benzoylmethylecgonine\nSynon: $:00in-source\n"
        "InChIKey: ZPUCINDJVBIVPJ-LJISPDSOSA-N\n"
        "Formula: C17H21NO4\nCAS#: 50-36-2;  NIST#: 1234\nRetention_index: SemiStdNP=2187/5/20\n"
        "Comments: made up\nNum Peaks: 3\n82 999; 182 700; 303 150\n",
    )
    assert record.name == "Cocaine"
    assert record.synonyms == ("Benzoylmethylecgonine",)
    assert (record.inchikey, record.formula, record.cas) == (
        "ZPUCINDJVBIVPJ-LJISPDSOSA-N",
        "C17H21NO4",
        "50-36-2",
    )
    assert record.retention_index == 2187
    assert record.mz.tolist() == [82, 182, 303]
    assert record.comments == "made up"
    assert not record.problems


def test_identity_may_stand_in_the_comments(tmp_path: Path) -> None:
    record = only(
        tmp_path,
        'Name: x\nComments: "InChIKey=RYYVLZVUVIJVGH-UHFFFAOYSA-N" "cas=58-08-2"\nNum Peaks: 1\n194 999\n',
    )
    assert record.inchikey == "RYYVLZVUVIJVGH-UHFFFAOYSA-N"
    assert record.cas == "58-08-2"


@pytest.mark.parametrize("cas", ["0-00-0", "0", "58-08-3", "n/a", ""])
def test_a_cas_number_that_cannot_be_one_is_no_number(tmp_path: Path, cas: str) -> None:
    assert only(tmp_path, f"Name: x\nCAS#: {cas}\nNum Peaks: 1\n194 999\n").cas == ""


def test_a_missing_retention_index_is_not_an_index(tmp_path: Path) -> None:
    assert only(tmp_path, "Name: x\nRETENTIONINDEX: -1\nNum Peaks: 1\n1 1\n").retention_index is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("InChIKey: RYYVLZVUVIJVGH-UHFFFAOYSA-N\nNum Peaks: 1\n40 1\n", Reason.NO_NAME),
        ("Name: x\nNum Peaks: 0\n", Reason.NO_PEAKS),
        ("Name: x\nFormula: CH4\n", Reason.NO_PEAKS),
        ("Name: x\nNum Peaks: 2\nabc def\n", Reason.NO_PEAKS),
        ("Name: x\nNum Peaks: 1\nnan 5\n", Reason.NO_PEAKS),
        ("Name: x\nNum Peaks: 1\n-40 5\n", Reason.NO_PEAKS),
        ("Name: x\nNum Peaks: 9\n40 5; 41 2\n", Reason.INCOMPLETE),
        ("Name: x\nNum Peaks: 2\n40 5; 90000 2\n", Reason.MZ_RANGE),
        ("Name: x\nNum Peaks: 2\n40 0; 41 0\n", Reason.NO_SIGNAL),
    ],
)
def test_a_broken_record_is_left_out_and_the_next_is_read(tmp_path: Path, text: str, reason: Reason) -> None:
    bad, good = read(tmp_path, f"{text}\nName: good\nNum Peaks: 1\n58 999\n")
    assert isinstance(bad, Skipped)
    assert bad.reason == reason
    assert bad.text
    assert isinstance(good, Record)
    assert good.name == "good"


def test_a_record_that_lost_a_peak_is_kept_and_says_so(tmp_path: Path) -> None:
    record = only(tmp_path, "Name: x\nNum Peaks: 3\n40 5; 41 2\n")
    assert record.mz.tolist() == [40, 41]
    assert record.problems


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "records"),
    [
        ("ei_ms/swgdrug_3.9.msp", 3430),
        ("ei_ms/massbank_ei_open.msp", 206),
        ("ei_ms/pnnl_gcms_tms_metabolites.msp", 1284),
        ("ei_ms/recetox_gc-ei_orbitrap_20201028.msp", 133),
        ("raw/lib-text/matchms/golm.msp", 3),
        ("raw/lib-text/matchms/riken_style_five_spectra.msp", 5),
        ("raw/lib-text/mzSpecLib_legacy_msp/MoNA-export-GC-MS-first10.msp", 10),
        ("raw/lib-text/FAMES_REF.MSL", 13),
        ("raw/lib-text/chemclipse_amdis/msl/GolmDB-Test.MSL", 3),
        ("raw/lib-text/chemclipse_amdis/msp/Lib1.msp", 5),
    ],
)
def test_every_record_of_every_dialect_is_read(data_dir: Path, file: str, records: int) -> None:
    read_ = list(read_msp(data_dir / file))
    skipped = [one for one in read_ if isinstance(one, Skipped)]
    assert len(read_) == records
    assert all(one.reason is Reason.NOT_COMPARABLE for one in skipped)  # an LC-MS spectrum without fragments
    assert len(skipped) == (1 if "riken" in file else 0)
