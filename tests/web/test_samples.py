"""The work list, files, figures, and what a technician decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from flask import Flask

from tests.web.laboratory import INTAKE, Person
from web.headers import FIGURE_POLICY
from web.record import EXTENSION
from web.staff.samples import PAGE
from xbt.config import Settings
from xbt.db.models import Sample
from xbt.domain.samples import Form
from xbt.jobs import run_worker

SAMPLE = "/staff/samples/1"
NEW = "/staff/samples/new"


@pytest.fixture
def technician(visit: Callable[[str], Person]) -> Person:
    visit("worker").post(NEW, page=NEW, **INTAKE)
    return visit("technician")


def send(technician: Person, content: bytes, name: str = "a.mzML") -> str:
    return technician.follow(technician.send_file(f"{SAMPLE}/files", content, name, page=SAMPLE))


def test_the_list_is_filtered_by_its_address(technician: Person) -> None:
    assert "26-00001" in technician.get("/staff/samples").text
    assert "26-00001" in technician.get("/staff/samples?q=roïn&state=received").text
    for query in ("q=cocaine", "state=released"):
        page = technician.get(f"/staff/samples?{query}").text
        assert "26-00001" not in page
        assert "No sample fits this filter" in page
    assert "26-00001" in technician.get("/staff/samples?state=nonsense").text


def test_a_sample_of_another_site_does_not_exist(technician: Person, visit: Callable[[str], Person]) -> None:
    away = visit("away")
    assert away.get(SAMPLE).status_code == 404
    assert away.get("/staff/samples/99").status_code == 404
    assert "26-00001" not in away.get("/staff/samples").text


def test_the_note_stays_at_its_site(visit: Callable[[str], Person]) -> None:
    visit("worker").post(NEW, page=NEW, **INTAKE | {"note": "a private remark"})
    assert "a private remark" in visit("technician").get(SAMPLE).text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"nothing that an instrument wrote", "No reader knows this kind of file."),
        (b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY y 'z'>]><mzML/>", "a measurement never needs"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_what_to_do(
    technician: Person, settings: Settings, content: bytes, sentence: str
) -> None:
    send(technician, content)
    run_worker(settings, once=True)
    page = technician.get(SAMPLE).text
    assert "could not be read" in page
    assert sentence in page
    assert "Traceback" not in page


def test_an_empty_file_is_refused_at_the_door(technician: Person) -> None:
    assert "a.mzML: It is empty; nothing was stored." in send(technician, b"")


def test_the_same_file_again_changes_nothing(technician: Person) -> None:
    send(technician, b"some bytes")
    assert "is already here" in send(technician, b"some bytes", "b.mzML")
    assert technician.get(f"{SAMPLE}/files").text.count('scope="row"') == 1


def test_names_of_files_are_shown_as_text(technician: Person) -> None:
    page = send(technician, b"some bytes", "<img src=x onerror=alert(1)>.mzML")
    assert "<img src=x" not in page


def test_a_form_without_a_file_says_so(technician: Person) -> None:
    assert "Choose at least one file" in technician.follow(technician.post(f"{SAMPLE}/files", page=SAMPLE))


def test_a_worker_cannot_send_files(technician: Person, visit: Callable[[str], Person]) -> None:
    worker = visit("worker")
    assert worker.send_file(f"{SAMPLE}/files", b"x", "a.mzML", page="/staff/samples").status_code == 403
    assert "Add files" not in worker.get(SAMPLE).text


def test_figures_may_not_run_anything(ticket_code: str, visit: Callable[[str], Person]) -> None:
    technician = visit("technician")
    for name in ("chromatogram", "component-1", "component-1-1"):
        answer = technician.get(f"/staff/analyses/1/{name}.svg")
        assert answer.mimetype == "image/svg+xml"
        assert answer.headers["Content-Security-Policy"] == FIGURE_POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert technician.get("/staff/analyses/1/passwd.svg").status_code == 404


def test_decisions_are_kept_once_and_can_be_changed(
    technician: Person, settings: Settings, run_file: Path
) -> None:
    send(technician, run_file.read_bytes())
    run_worker(settings, once=True)
    address = f"{SAMPLE}/analyses/1/decisions"
    fields = {"decision-1": "accept", "candidate-1": "1"}
    assert "Decisions kept: 1 new." in technician.follow(technician.post(address, page=SAMPLE, **fields))
    assert "Decisions kept: 0 new." in technician.follow(technician.post(address, page=SAMPLE, **fields))
    fields["decision-1"] = "reject"
    assert "Decisions kept: 1 new." in technician.follow(technician.post(address, page=SAMPLE, **fields))
    fields = {"decision-1": "accept", "candidate-1": "99"}
    assert "Decisions kept: 0 new." in technician.follow(technician.post(address, page=SAMPLE, **fields))
    assert technician.post(f"{SAMPLE}/analyses/2/decisions", page=SAMPLE).status_code == 404


def test_nothing_can_be_submitted_before_everything_is_decided(
    technician: Person, settings: Settings, run_file: Path
) -> None:
    early = technician.post(f"{SAMPLE}/submit", page=SAMPLE, comment="")
    assert "The sample is not at this point" in technician.follow(early)
    send(technician, run_file.read_bytes())
    waiting = technician.post(f"{SAMPLE}/submit", page=SAMPLE, comment="")
    assert "A file is still being read" in technician.follow(waiting)
    run_worker(settings, once=True)
    undecided = technician.post(f"{SAMPLE}/submit", page=SAMPLE, comment="")
    assert "These components await a decision" in technician.follow(undecided)


def test_a_correction_keeps_the_old_result_readable(ticket_code: str, visit: Callable[[str], Person]) -> None:
    technician, person = visit("technician"), visit("")
    no_reason = technician.post(f"{SAMPLE}/amend", page=SAMPLE, reason="")
    assert "Please give a reason" in technician.follow(no_reason)
    begun = technician.post(f"{SAMPLE}/amend", page=SAMPLE, reason="Wrong vial.")
    assert "The correction has begun" in technician.follow(begun)
    page = person.client.post("/en/result", data={"code": ticket_code}).text
    assert "Fentanyl" in page
    assert "The laboratory is correcting this result" in page


def test_a_proposal_goes_back_with_a_reason(ticket_code: str, visit: Callable[[str], Person]) -> None:
    technician, second = visit("technician"), visit("second")
    technician.post(f"{SAMPLE}/amend", page=SAMPLE, reason="Wrong vial.")
    technician.post(f"{SAMPLE}/submit", page=SAMPLE, comment="")
    returned = second.post(f"{SAMPLE}/return", page=SAMPLE, reason="Look at component 2.")
    assert "Look at component 2." in second.follow(returned)


def test_a_long_list_shows_its_beginning_and_the_way_to_the_rest(
    app: Flask, visit: Callable[[str], Person]
) -> None:
    with app.extensions[EXTENSION].writing.begin() as session:
        for number in range(PAGE + 1):
            old = Sample(
                reference=f"25-{number:05d}",
                site_id=1,
                sold_as_text="x",
                form=Form.POWDER,
                received_on=date(2025, 1, 1),
            )
            session.add(old)
    technician = visit("technician")
    page = technician.get("/staff/samples?q=x").text
    assert page.count('class="row mono"') == PAGE
    assert "Show 1 more" in page
    assert technician.get("/staff/samples?q=x&all=1").text.count('class="row mono"') == PAGE + 1
