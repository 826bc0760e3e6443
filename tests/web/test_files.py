"""Files and folders as browsers send them: taken, refused with a sentence each, and given back."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from spectra.readers import READERS
from tests.web.laboratory import INTAKE, Person, write_run
from web.app import create_app
from web.headers import DOWNLOAD_POLICY
from web.record import EXTENSION
from web.staff.files import TOLD
from web.uploads import IN_MEMORY, OTHER_FORMS
from xbt.config import Settings
from xbt.jobs import run_worker

SAMPLE = "/staff/samples/1"
NEW = "/staff/samples/new"
GOLD = {"gold.D/AcqData/MSScan.bin": b"scans", "gold.D/AcqData/Contents.xml": b"<x/>"}


@pytest.fixture
def technician(visit: Callable[[str], Person]) -> Person:
    visit("worker").post(NEW, page=NEW, **INTAKE)
    return visit("technician")


def send(
    person: Person, files: Iterable[tuple[str, bytes]], *, script: bool = False, to: str = f"{SAMPLE}/files"
) -> TestResponse:
    """Send parts as a browser does, with the path of each within its folder for a name."""
    parts = [("files", FileStorage(io.BytesIO(content), filename=name)) for name, content in files]
    fields: list[tuple[str, object]] = [("csrf_token", person.token(SAMPLE)), *parts]
    boundary, body = encode_multipart(MultiDict(fields))
    headers = {"Accept": "application/json"} if script else {}
    return person.client.post(
        to, data=body, content_type=f"multipart/form-data; boundary={boundary}", headers=headers
    )


def lines(answer: TestResponse) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.text
    return [(line["tone"], line["text"]) for line in answer.get_json()["lines"]]


def names(person: Person) -> list[str]:
    page = person.get(f"{SAMPLE}/files").text
    return [piece.split("</bdi>")[0] for piece in page.split("<bdi>")[1:]]


def test_a_folder_becomes_one_acquisition(technician: Person) -> None:
    page = technician.follow(send(technician, GOLD.items()))
    assert "gold.D was received." in page
    assert names(technician) == ["gold.D"]
    again = lines(send(technician, reversed(GOLD.items()), script=True))
    assert [tone for tone, _ in again] == ["warn"]
    assert "is already here" in again[0][1]
    assert names(technician) == ["gold.D"]


def test_one_bad_folder_does_not_keep_the_rest_of_a_drop_out(technician: Person) -> None:
    drop = [
        *GOLD.items(),
        ("evil.D/../../etc/passwd", b"x"),
        ("../up.mzML", b"x"),
        ("a.mzML", b"1"),
        ("empty.mzML", b""),
        ("monday/red.D/DATA.MS", b"r"),
        ("monday/b.mzML", b"2"),
    ]
    told = lines(send(technician, drop, script=True))
    assert sorted(names(technician)) == ["a.mzML", "b.mzML", "gold.D", "red.D"]
    refused = [text for tone, text in told if tone == "alert"]
    assert len(refused) == 3
    assert sum("cannot be kept: .." in text for text in refused) == 2
    assert any(text.startswith("empty.mzML: It is empty") for text in refused)


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>.D/DATA.MS", "gold.D/<script>/../x"])
def test_names_are_shown_as_text(technician: Person, name: str) -> None:
    page = technician.follow(send(technician, [(name, b"x")]))
    assert "<img src=x" not in page
    assert "<script>/" not in page


def test_many_answers_fit_into_the_cookie(technician: Person) -> None:
    bad = [(f"{number:03}{'n' * 180}.mzML", b"") for number in range(40)]
    good = [(f"{number}.mzML", bytes([number])) for number in range(5)]
    page = technician.follow(send(technician, [*bad, *good]))
    assert "5 files were received." in page
    assert page.count("It is empty") == TOLD + 1  # and once for the script on the page
    assert f"{40 - TOLD} more were not taken." in page
    assert technician.get(SAMPLE).status_code == 200


def test_a_folder_of_thousands_of_files_opens_one(technician: Person) -> None:
    many = [(f"gold.D/{number}.ms", b"x" * 40) for number in range(3000)]
    assert sum(len(content) for _, content in many) > IN_MEMORY
    assert lines(send(technician, many, script=True)) == [("note", "gold.D was received.")]


def test_a_full_disk_is_said_although_nothing_was_kept(
    technician: Person, app: Flask, settings: Settings
) -> None:
    full = settings.model_copy(update={"min_free_share": 0.99, "min_free_gb": 2.0**40})
    app.request_class.settings = full  # type: ignore[attr-defined]
    told = lines(send(technician, [("a.mzML", b"x" * IN_MEMORY * 2)], script=True))
    assert [tone for tone, _ in told] == ["alert"]
    assert "nearly full" in told[0][1]
    assert names(technician) == []


def test_too_large_names_the_limit(prepared: Path, settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"max_upload_mb": 1}))
    worker, technician = Person.at(app), Person.at(app)
    worker.sign_in("worker")
    technician.sign_in("technician")
    worker.post(NEW, page=NEW, **INTAKE)
    large = [("gold.D/a.ms", b"x" * 700_000), ("gold.D/b.ms", b"x" * 700_000), ("a.mzML", b"1")]
    told = lines(send(technician, large, script=True))
    assert told[0] == ("note", "a.mzML was received.")
    assert told[1][1].startswith("gold.D: This is larger than 1 MB")
    everything = send(technician, [("a.mzML", b"x" * 6 * 2**20)])
    assert everything.status_code == 413
    app.extensions[EXTENSION].writing.kw["bind"].dispose()


def test_only_the_page_for_files_takes_much(technician: Person, app: Flask) -> None:
    much = [("a.mzML", b"x" * (OTHER_FORMS + 1))]
    assert send(technician, much, to=f"{SAMPLE}/submit").status_code == 413
    stranger = Person.at(app)
    answer = stranger.client.post(f"{SAMPLE}/files", data=b"x" * (OTHER_FORMS + 1))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/staff/login")


def test_the_original_comes_back_as_it_was(technician: Person) -> None:
    send(technician, [("run <1>.mzML", b"<html><script>1</script>"), *GOLD.items()])
    with technician.get("/staff/files/1/original") as single:
        assert single.data == b"<html><script>1</script>"
        assert single.mimetype == "application/octet-stream"
        assert single.headers["Content-Disposition"].startswith("attachment")
        assert single.headers["Content-Security-Policy"] == DOWNLOAD_POLICY
        assert single.headers["X-Content-Type-Options"] == "nosniff"
    with technician.get("/staff/files/2/original") as packed:
        assert "gold.D.zip" in packed.headers["Content-Disposition"]
        content = packed.data
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {f"gold.D/{name}": archive.read(name) for name in archive.namelist()} == GOLD
    # What was packed here may be sent back as the file it now is.
    again = lines(send(technician, [("gold.D.zip", content)], script=True))
    assert "is already here" in again[0][1]


def test_the_original_stays_at_its_site(technician: Person, visit: Callable[[str], Person]) -> None:
    send(technician, [("a.mzML", b"x")])
    assert visit("away").get("/staff/files/1/original").status_code == 404
    assert technician.get("/staff/files/99/original").status_code == 404


def test_a_file_is_read_again_when_it_has_been_read(
    technician: Person, settings: Settings, run_file: Path
) -> None:
    send(technician, [("a.mzML", run_file.read_bytes())])
    button = "/staff/files/1/again"
    assert button not in technician.get(SAMPLE).text
    early = technician.post(button, page=SAMPLE)
    assert early.status_code == 409
    assert "still being read" in early.text
    run_worker(settings, once=True)
    page = technician.get(SAMPLE).text
    assert button in page
    assert "SHA-256" in page
    technician.post(button, page=SAMPLE)
    run_worker(settings, once=True)
    assert "Earlier analyses" in technician.get(SAMPLE).text


def test_the_table_of_formats_names_every_reader(technician: Person) -> None:
    page = technician.get("/staff/formats").text
    for reader in READERS:
        if reader.formats:
            assert f">{reader.name}<" in page
    assert "/staff/formats" in technician.get(SAMPLE).text


def test_a_zip_of_a_run_is_read(technician: Person, settings: Settings, tmp_path: Path) -> None:
    run = write_run(tmp_path / "in.mzML").read_bytes()
    assert lines(send(technician, [("odd.D/in.mzML", run)], script=True)) == [("note", "odd.D was received.")]
    run_worker(settings, once=True)
    assert "see what it contains" in technician.get(SAMPLE).text
