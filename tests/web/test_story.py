"""One sample through the pages: taken in, analysed, signed, released, read, warned of."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

from pypdf import PdfReader

from tests.web.laboratory import INTAKE, PASSWORD, Person, code_on
from xbt.config import Settings
from xbt.jobs import run_worker

SAMPLE = "/staff/samples/1"


def test_one_sample_all_the_way(visit: Callable[[str], Person], settings: Settings, run_file: Path) -> None:
    person = visit("")
    code = code_on(visit("worker").post("/staff/samples/new", page="/staff/samples/new", **INTAKE).text)
    waiting = person.client.post("/en/result", data={"code": code.lower().replace("-", " ")})
    assert "Not ready yet" in waiting.text

    analyse(visit("technician"), settings, run_file)
    submit(visit("technician"))
    sign_and_release(visit("second"))
    read(person, code)
    run_worker(settings, once=True)
    publish(visit("coordinator"), visit("manager"))
    read_alert(person)
    take_back(visit("coordinator"), visit("manager"), person, code)


def analyse(technician: Person, settings: Settings, run_file: Path) -> None:
    sent = technician.send_file(f"{SAMPLE}/files", run_file.read_bytes(), "heroin.mzML", page=SAMPLE)
    assert "waiting" in technician.follow(sent)
    assert "No worker is running" in technician.get(f"{SAMPLE}/files").text
    assert run_worker(settings, once=True) == 1
    page = technician.get(SAMPLE).text
    assert "Heroin" in page
    assert "Simulated" in page
    assert "Some components await your decision" in page


def submit(technician: Person) -> None:
    fields = dict.fromkeys(re.findall(r'name="(decision-\d+)"', technician.get(SAMPLE).text), "accept")
    fields |= {f"candidate-{name.split('-')[1]}": "1" for name in fields}
    technician.post(f"{SAMPLE}/analyses/1/decisions", page=SAMPLE, **fields)
    proposed = technician.follow(technician.post(f"{SAMPLE}/submit", page=SAMPLE, comment="Two runs agree."))
    assert "You submitted this result; another person has to sign it." in proposed
    own = technician.post(f"{SAMPLE}/sign", page=SAMPLE, password=PASSWORD)
    assert "another person has to sign it" in technician.follow(own)


def sign_and_release(second: Person) -> None:
    wrong = second.post(f"{SAMPLE}/sign", page=SAMPLE, password="not this one at all")
    assert "nothing was signed" in second.follow(wrong)
    signed = second.post(f"{SAMPLE}/sign", page=SAMPLE, password=PASSWORD)
    assert "Signed" in second.follow(signed)
    assert "Released" in second.follow(second.post(f"{SAMPLE}/release", page=SAMPLE))


def read(person: Person, code: str) -> None:
    english = person.client.post("/en/result", data={"code": code}).text
    for words in ("Heroin", "Fentanyl", "Two runs agree.", "naloxone"):
        assert words in english
    assert "Héroïne" in person.client.post("/fr/result", data={"code": code}).text
    report = person.client.post("/fr/report", data={"code": code})
    assert report.mimetype == "application/pdf"
    assert "attachment" in report.headers["Content-Disposition"]
    assert "fentanyl" in PdfReader(io.BytesIO(report.data)).pages[0].extract_text().lower()


def publish(coordinator: Person, manager: Person) -> None:
    form = coordinator.get("/staff/signals/1").text
    fields = dict(re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)<', form))
    fields |= dict(re.findall(r'<input type="(?:text|date)"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
    refused = coordinator.post(
        "/staff/signals/1/draft", level="warning", **fields | {"body-en": "It is safe."}
    )
    assert refused.status_code == 422
    assert "“safe” promises or judges" in refused.text
    draft = coordinator.post("/staff/signals/1/draft", level="warning", **fields)
    assert "You wrote these words" in coordinator.follow(draft)
    manager.post("/staff/alerts/1/approve")
    assert "It is on the public page" in coordinator.follow(coordinator.post("/staff/alerts/1/publish"))


def read_alert(person: Person) -> None:
    for address in ("/en/alerts", "/fr/alerts", "/en/alerts/1", "/en/alerts.atom", "/fr/alerts.atom"):
        assert "entanyl" in person.get(address).text, address


def take_back(coordinator: Person, manager: Person, person: Person, code: str) -> None:
    coordinator.post("/staff/alerts/1/withdraw", reason="Mistaken.")
    assert "entanyl" not in person.get("/en/alerts").text
    assert "Mistaken." in person.get("/en/alerts/1").text
    manager.post(f"{SAMPLE}/withdraw", page=SAMPLE, reason="Contaminated vial.")
    withdrawn = person.client.post("/en/result", data={"code": code}).text
    assert "This result was withdrawn" in withdrawn
    assert "Fentanyl" not in withdrawn
