"""One sample through the pages: taken in, analysed, signed, released, read, warned of."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

from pypdf import PdfReader

from tests.web.laboratory import PASSWORD, Person, code_on
from xbt.config import Settings
from xbt.jobs import run_worker

INTAKE = {
    "site": "1",
    "sold_as": "héroïne",
    "form": "powder",
    "colour": "brown",
    "use": "not_yet",
    "reason": "check",
    "note": "",
    "key": "k" * 32,
}


def take_in(worker: Person) -> str:
    """The code of a new sample."""
    answer = worker.post("/staff/samples/new", page="/staff/samples/new", **INTAKE)
    assert answer.status_code == 200
    return code_on(answer.text)


def upload(technician: Person, path: Path, name: str = "heroin.mzML") -> str:
    page = "/staff/samples/1"
    return technician.follow(technician.send_file(f"{page}/files", path.read_bytes(), name, page=page))


def decide_all(technician: Person) -> None:
    page = technician.get("/staff/samples/1").text
    fields = dict.fromkeys(re.findall(r'name="(decision-\d+)"', page), "accept")
    fields |= {f"candidate-{name.split('-')[1]}": "1" for name in fields}
    answer = technician.client.post(
        "/staff/samples/1/analyses/1/decisions",
        data={"csrf_token": technician.token("/staff/samples/1"), **fields},
    )
    assert answer.status_code == 302


def test_one_sample_all_the_way(visit: Callable[[str], Person], settings: Settings, run_file: Path) -> None:
    worker, technician, second = visit("worker"), visit("technician"), visit("second")
    coordinator, manager, person = visit("coordinator"), visit("manager"), visit("")

    code = take_in(worker)
    waiting = person.client.post("/en/result", data={"code": code.lower().replace("-", " ")})
    assert "Not ready yet" in waiting.text

    assert "waiting" in upload(technician, run_file)
    assert "No worker is running" in technician.get("/staff/samples/1/files").text
    assert run_worker(settings, once=True) == 1
    page = technician.get("/staff/samples/1").text
    assert "Heroin" in page or "Héroïne" in page
    assert "Simulated" in page
    assert "Some components await your decision" in page

    decide_all(technician)
    proposed = technician.follow(
        technician.post("/staff/samples/1/submit", page="/staff/samples/1", comment="Two runs agree.")
    )
    assert "You submitted this result; another person has to sign it." in proposed
    own = technician.post("/staff/samples/1/sign", page="/staff/samples/1", password=PASSWORD)
    assert "another person has to sign it" in technician.follow(own)

    wrong = second.post("/staff/samples/1/sign", page="/staff/samples/1", password="not this one at all")
    assert "nothing was signed" in second.follow(wrong)
    signed = second.post("/staff/samples/1/sign", page="/staff/samples/1", password=PASSWORD)
    assert "Signed" in second.follow(signed)
    released = second.post("/staff/samples/1/release", page="/staff/samples/1")
    assert "Released" in second.follow(released)

    english = person.client.post("/en/result", data={"code": code}).text
    assert "Heroin" in english
    assert "Fentanyl" in english
    assert "Two runs agree." in english
    french = person.client.post("/fr/result", data={"code": code}).text
    assert "Héroïne" in french
    report = person.client.post("/fr/report", data={"code": code})
    assert report.mimetype == "application/pdf"
    assert "fentanyl" in PdfReader(io.BytesIO(report.data)).pages[0].extract_text().lower()

    run_worker(settings, once=True)
    signals = coordinator.get("/staff/signals").text
    assert "Fentanyl" in signals
    form = coordinator.get("/staff/signals/1").text
    fields = dict(re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)<', form))
    fields |= dict(re.findall(r'<input type="(?:text|date)"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
    fields.pop("reason", None)
    draft = coordinator.client.post(
        "/staff/signals/1/draft",
        data={"csrf_token": coordinator.token("/staff/signals/1"), "level": "warning", **fields},
    )
    assert draft.status_code == 302, draft.text
    assert "You wrote these words" in coordinator.get("/staff/alerts/1").text
    manager.post("/staff/alerts/1/approve", page="/staff/alerts/1")
    coordinator.post("/staff/alerts/1/publish", page="/staff/alerts/1")
    for address in ("/en/alerts", "/fr/alerts", "/en/alerts/1", "/en/alerts.atom", "/fr/alerts.atom"):
        assert "entanyl" in person.get(address).text, address
    coordinator.post("/staff/alerts/1/withdraw", page="/staff/alerts/1", reason="Mistaken.")
    assert "entanyl" not in person.get("/en/alerts").text
    assert "Mistaken." in person.get("/en/alerts/1").text

    second.post("/staff/samples/1/withdraw", page="/staff/samples/1", reason="Contaminated vial.")
    manager.post("/staff/samples/1/withdraw", page="/staff/samples/1", reason="Contaminated vial.")
    withdrawn = person.client.post("/en/result", data={"code": code}).text
    assert "withdrawn" in withdrawn
    assert "Fentanyl" not in withdrawn
