"""What was dropped becomes acquisitions: by names alone, the same bytes every time, nothing outside."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.xbt.laboratory import Laboratory
from xbt.config import Settings
from xbt.domain.errors import UploadRefused
from xbt.sandbox import read_run
from xbt.services import acquisitions, drops
from xbt.services.drops import Dropped, Part, is_packed_here, packed, sort_out

MASSHUNTER = ("AcqData/MSScan.bin", "AcqData/Contents.xml", "AcqData/acqmethod.m/x.xml")


def part(path: str, content: bytes = b"x") -> Part:
    return Part(path, io.BytesIO(content))


def folder(root: str, names: tuple[str, ...] = MASSHUNTER) -> list[Part]:
    return [part(f"{root}/{name}", name.encode()) for name in names]


def members(dropped: Dropped) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(dropped.open().read())) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def code_of(dropped: Dropped) -> str:
    with pytest.raises(UploadRefused) as refused:
        dropped.open()
    return refused.value.code


def test_a_folder_is_one_acquisition_with_its_name(tmp_path: Path) -> None:
    (one,) = sort_out(folder("gold.D"), tmp_path)
    assert one.name == "gold.D"
    assert members(one) == sorted(MASSHUNTER)
    assert list(tmp_path.iterdir()) == []


def test_single_files_stay_as_they_are(tmp_path: Path) -> None:
    given = [part("a.mzML", b"1"), part("a.mzML", b"2")]
    assert [one.open().read() for one in sort_out(given, tmp_path)] == [b"1", b"2"]


def test_a_mixed_drop_gives_every_run_and_every_other_file(tmp_path: Path) -> None:
    given = [
        *folder("monday/gold.D"),
        *folder("monday/night/orange"),  # no name of an instrument, but MassHunter's subfolder
        part("monday/notes.txt", b"n"),
        *folder("monday/indigo.raw", ("_FUNC001.DAT", "_HEADER.TXT")),
        part("loose.mzML", b"l"),
        *folder("bruker.d", ("analysis.baf",)),  # not read; refused once, by the gate, not file by file
    ]
    random.Random(1).shuffle(given)
    found = {one.name: one for one in sort_out(given, tmp_path)}
    assert sorted(found) == ["bruker.d", "gold.D", "indigo.raw", "loose.mzML", "notes.txt", "orange"]
    assert found["notes.txt"].open().read() == b"n"
    assert members(found["indigo.raw"]) == ["_FUNC001.DAT", "_HEADER.TXT"]
    assert members(found["orange"]) == sorted(MASSHUNTER)


def test_what_a_system_leaves_behind_is_passed_over(tmp_path: Path) -> None:
    noise = [part(f"gold.D/{name}") for name in (".DS_Store", "AcqData/Thumbs.db", "__MACOSX/a", "._b")]
    with_noise, without = (sort_out([*folder("gold.D"), *more], tmp_path)[0] for more in (noise, []))
    assert with_noise.open().read() == without.open().read()


@given(order=st.permutations(range(3)), name=st.sampled_from(["gold.D", "renamed.D"]))
def test_the_same_folder_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], name: str
) -> None:
    scratch = tmp_path_factory.getbasetemp()
    parts = folder(name)
    (shuffled,) = sort_out([parts[number] for number in order], scratch)
    (straight,) = sort_out(folder("gold.D"), scratch)
    assert shuffled.open().read() == straight.open().read()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../etc/passwd", "bad_name"),
        ("gold.D/../../etc/passwd", "bad_name"),
        ("/etc/passwd", "bad_name"),
        ("gold.D//x", "bad_name"),
        ("gold.D/./x", "bad_name"),
        ("gold.D/ .. /x", "bad_name"),
        ("gold.D/a\\..\\b", "bad_name"),
        ("gold.D/a\x00b", "bad_name"),
        ("gold.D/a\nb", "bad_name"),
        ("gold.D/" + "n" * 201, "bad_name"),
        ("gold.D/AcqData", "bad_name"),  # a file where a folder is
        ("gold.D/acqdata/msscan.BIN", "same_name"),
        ("gold.D/" + "d/" * 11 + "x", "too_deep"),
    ],
)
def test_a_hostile_name_refuses_its_folder_and_nothing_else(tmp_path: Path, path: str, code: str) -> None:
    found = sort_out([*folder("gold.D"), part(path), part("loose.mzML"), *folder("other.D")], tmp_path)
    refused = [one for one in found if one.refusal is not None]
    assert [code_of(one) for one in refused] == [code]
    assert {one.name for one in found if one.refusal is None} >= {"loose.mzML", "other.D"}
    assert list(tmp_path.iterdir()) == []


def test_a_backslash_in_a_single_name_is_no_folder(tmp_path: Path) -> None:
    (one,) = sort_out([part("C:\\fakepath\\a.mzML")], tmp_path)
    assert acquisitions.shown_name(one.name) == "a.mzML"


def test_a_folder_of_empty_files_is_empty(tmp_path: Path) -> None:
    found = sort_out([part("gold.D/a", b""), part("m/x.D/b", b""), part("m/a.txt", b"1")], tmp_path)
    by_name = {one.name: one for one in found}
    assert code_of(by_name["gold.D"]) == code_of(by_name["x.D"]) == "empty"
    assert by_name["a.txt"].open().read() == b"1"


def test_too_many_files_are_refused_before_anything_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drops, "MAX_FILES", 3)
    four = [part(f"gold.D/{number}") for number in range(4)]
    found = sort_out([*four, *folder("other.D")], tmp_path)
    assert code_of(found[0]) == "too_many_files"
    assert members(found[1]) == sorted(MASSHUNTER)


def test_a_zip_made_here_is_known_again_and_no_other() -> None:
    made = packed([part("a", b"1" * 3_000_000), part("b/c", b"2")]).read()
    assert is_packed_here(io.BytesIO(made))
    assert not is_packed_here(io.BytesIO(b"PK"))
    assert not is_packed_here(io.BytesIO(b""))
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.read("a") == b"1" * 3_000_000
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.fixture
def receive(laboratory: Laboratory, tmp_path: Path) -> Callable[..., str]:
    sample_id = laboratory.take_in().sample_id

    def send(dropped: Dropped, **limits: float) -> str:
        with laboratory.sessions.begin() as session:
            view = acquisitions.receive(
                session,
                laboratory.technician,
                sample_id=sample_id,
                stream=dropped.open(),
                file_name=dropped.name,
                store=laboratory.store,
                settings=laboratory.settings.model_copy(update=limits),
                now=laboratory.now,
            )
        return "duplicate" if view.duplicate else view.file_name

    return send


def test_the_same_folder_again_is_a_duplicate(receive: Callable[..., str], tmp_path: Path) -> None:
    assert receive(sort_out(folder("gold.D"), tmp_path)[0]) == "gold.D"
    assert receive(sort_out(folder("gold.D")[::-1], tmp_path)[0]) == "duplicate"


def test_limits_hold_for_a_folder_as_for_a_file(
    receive: Callable[..., str], laboratory: Laboratory, tmp_path: Path
) -> None:
    large = [part("gold.D/a.ms", b"x" * 800_000), part("gold.D/b.ms", b"x" * 800_000)]
    for limits, code in (
        ({"max_upload_mb": 1}, "too_large"),
        ({"min_free_gb": 2.0**40, "min_free_share": 0.99}, "disk_full"),
    ):
        (one,) = sort_out(large, tmp_path)
        with pytest.raises(UploadRefused) as refused:
            receive(one, **limits)
        assert refused.value.code == code
    assert not any(path.is_file() for path in laboratory.settings.blobs_dir.rglob("*"))


@pytest.mark.data
@pytest.mark.parametrize("name", ["gold.D", "orange.D", "pink.D", "indigo.raw"])
def test_a_real_folder_reads_as_it_does_on_disk(data_dir: Path, tmp_path: Path, name: str) -> None:
    found = sorted((data_dir / "raw").rglob(name))
    if not found:
        pytest.skip(f"{name} is not among the evaluation data")
    files = [path for path in found[0].rglob("*") if path.is_file()]
    parts = [part(path.relative_to(found[0].parent).as_posix(), path.read_bytes()) for path in files]
    (one,) = sort_out(parts, tmp_path)
    stored = tmp_path / "stored"
    stored.write_bytes(one.open().read())
    settings = Settings(data_dir=tmp_path)
    from_web = read_run(stored, name=name, settings=settings)
    from_disk = read_run(found[0], name=name, settings=settings)
    assert from_web.metadata == from_disk.metadata
    assert from_web.scans.mz.tolist() == from_disk.scans.mz.tolist()
    assert [one.name for one in from_web.traces] == [one.name for one in from_disk.traces]
