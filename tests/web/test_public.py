"""What anybody may see, and what nobody can learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

from tests.web.laboratory import INTAKE, Person, code_on
from web import limits
from web.app import create_app
from web.headers import HEADERS, LOOKUP_FLOOR, STEP
from web.record import EXTENSION
from xbt.config import Settings
from xbt.security.codes import new_code


@pytest.fixture
def person(app: Flask) -> Person:
    return Person.at(app)


def look_up(person: Person, code: str, language: str = "en") -> str:
    return person.client.post(f"/{language}/result", data={"code": code}).text


def test_the_first_page_follows_path_then_browser_then_setting(person: Person) -> None:
    assert "Read your result" in person.get("/").text
    assert "Lire votre résultat" in person.get("/fr/").text
    german = person.client.get("/", headers={"Accept-Language": "de"})
    assert 'lang="fr"' in german.text


@pytest.mark.parametrize(
    "path", ["/", "/fr/", "/r", "/alerts", "/en/alerts", "/alerts.atom", "/nothing-here"]
)
def test_public_pages_have_the_headers_and_no_cookie(person: Person, path: str) -> None:
    answer = person.get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "Set-Cookie" not in answer.headers
    assert "Strict-Transport-Security" not in answer.headers


def test_transport_security_is_asked_for_over_https_only(person: Person) -> None:
    answer = person.client.get("/", base_url="https://localhost")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_no_page_holds_script_or_style_of_its_own(person: Person, ticket_code: str) -> None:
    for page in (person.get("/").text, look_up(person, ticket_code)):
        assert "<style" not in page
        assert " style=" not in page
        assert " onclick" not in page
        assert page.count("<script") == page.count("<script src=")


def test_unknown_expired_and_not_ready_look_alike(
    app: Flask, visit: Callable[[str], Person], person: Person
) -> None:
    code = code_on(visit("worker").post("/staff/samples/new", page="/staff/samples/new", **INTAKE).text)
    answers = [
        person.client.post("/en/result", data={"code": typed})
        for typed in (code, new_code().text(), "rubbish")
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert {len(answer.data) for answer in answers} == {LOOKUP_FLOOR}
    assert {tuple(answer.headers.keys()) for answer in answers} == {tuple(answers[0].headers.keys())}
    assert "Not ready yet" in answers[0].text
    assert "No result for this code" in answers[1].text


def test_a_result_has_a_length_in_whole_steps(ticket_code: str, person: Person) -> None:
    answer = person.client.post("/en/result", data={"code": ticket_code})
    assert "Fentanyl" in answer.text
    assert len(answer.data) % STEP == 0


def test_a_typing_mistake_is_told_as_such(person: Person) -> None:
    code = new_code().text()
    swapped = code[1] + code[0] + code[2:] if code[0] != code[1] else "2" + code[1:]
    assert "typing mistake" in look_up(person, swapped)
    assert "13 characters" in look_up(person, "ABC")


def test_the_code_is_never_taken_from_an_address(ticket_code: str, person: Person) -> None:
    answer = person.get(f"/result?code={ticket_code}")
    assert answer.status_code == 302
    assert ticket_code not in answer.headers["Location"]


def test_the_report_needs_a_released_result(person: Person) -> None:
    answer = person.client.post("/en/report", data={"code": new_code().text()})
    assert answer.mimetype == "text/html"
    assert "No result for this code" in answer.text


def test_wrong_codes_are_limited_by_client_and_the_page_helps(ticket_code: str, app: Flask) -> None:
    neighbours = [Person(app.test_client()) for _ in range(2)]
    for index, one in enumerate(neighbours):
        one.client.environ_base["REMOTE_ADDR"] = f"198.51.100.{index}"
    for number in range(10):
        answer = neighbours[number % 2].client.post("/en/result", data={"code": new_code().text()})
        assert answer.status_code == 200
    refused = neighbours[0].client.post("/en/result", data={"code": new_code().text()})
    assert refused.status_code == 429
    assert "Too many tries" in refused.text
    elsewhere = Person(app.test_client())
    elsewhere.client.environ_base["REMOTE_ADDR"] = "203.0.113.7"
    assert "Fentanyl" in look_up(elsewhere, ticket_code)


def test_right_codes_and_typing_mistakes_do_not_count(ticket_code: str, person: Person) -> None:
    for _ in range(12):
        assert "Fentanyl" in look_up(person, ticket_code)
        assert "13 characters" in look_up(person, "ABC")


def test_everybody_together_is_limited_too(person: Person) -> None:
    answers = [person.client.post("/en/result", data={"code": "ABC"}).status_code for _ in range(61)]
    assert answers == [200] * 60 + [429]


def test_a_bucket_is_a_network_for_a_day() -> None:
    from datetime import date

    buckets, today = limits.DailyBuckets(), date(2026, 3, 2)
    assert buckets.bucket("198.51.100.1", today) == buckets.bucket("198.51.100.254", today)
    assert buckets.bucket("198.51.100.1", today) != buckets.bucket("198.51.101.1", today)
    assert buckets.bucket("2001:db8:0:1::1", today) == buckets.bucket("2001:db8:0:ff::1", today)
    assert buckets.bucket("2001:db8:1::1", today) != buckets.bucket("2001:db8:2::1", today)
    first = buckets.bucket("198.51.100.1", today)
    assert buckets.bucket("198.51.100.1", date(2026, 3, 3)) != first
    assert "198" not in first


def test_nothing_of_a_look_up_is_written(
    ticket_code: str, person: Person, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    agent, address = "CANARY-UA/1.0", "203.0.113.77"
    caplog.set_level(0)
    person.client.environ_base["REMOTE_ADDR"] = address
    for path in ("/en/result", "/en/report"):
        for typed in (ticket_code, new_code().text()):
            person.client.post(path, data={"code": typed}, headers={"User-Agent": agent})
    canaries = [ticket_code, ticket_code.replace("-", ""), agent, address]
    files = b"".join(one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    for canary in canaries:
        assert canary not in caplog.text
        assert canary.encode() not in files


def test_an_unexpected_error_shows_and_logs_no_value(
    ticket_code: str,
    app: Flask,
    person: Person,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"secret {ticket_code}")

    monkeypatch.setattr("web.public.lookup.lookup.look_up", broken)
    answer = person.client.post("/en/result", data={"code": ticket_code})
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "RuntimeError" in caplog.text
    assert ticket_code not in answer.text + caplog.text


def test_a_database_that_is_away_says_later_and_not_unknown(
    app: Flask, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    def away(*_: object, **__: object) -> None:
        raise OperationalError("select", {}, Exception("gone"))

    monkeypatch.setattr("web.public.lookup.lookup.look_up", away)
    answer = person.client.post("/en/result", data={"code": new_code().text()})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_long_bodies_are_refused(person: Person) -> None:
    assert person.client.post("/en/result", data={"code": "A" * 5000}).status_code == 413


def test_leaving_clears_and_goes_elsewhere(person: Person) -> None:
    answer = person.get("/leave")
    assert "cache" in answer.headers["Clear-Site-Data"]
    assert answer.headers["Location"].startswith("https://")


def test_writing_from_right_to_left_turns_the_page(app: Flask, person: Person) -> None:
    from flask import render_template

    with app.test_request_context("/"), force_locale("ar"):
        page = render_template("error.html", layout="layout.html", title="", advice="", status=404)
    assert 'dir="rtl"' in page


def test_unknown_alerts_are_not_found(person: Person) -> None:
    assert person.get("/en/alerts/99").status_code == 404


def test_the_feed_is_atom_in_the_language_of_its_address(person: Person) -> None:
    answer = person.get("/fr/alerts.atom")
    assert answer.mimetype == "application/atom+xml"
    assert 'xml:lang="fr"' in answer.text


def test_health_is_told_without_the_database(person: Person) -> None:
    assert person.get("/healthz").text == "ok\n"


def test_clients_behind_a_proxy_are_told_apart_only_where_one_is_declared(settings: Settings) -> None:
    for hops, last in ((0, 429), (1, 200)):
        app = create_app(settings.model_copy(update={"proxy_hops": hops}))
        limits.limiter.reset()
        client = app.test_client()
        answers = [
            client.post(
                "/en/result",
                data={"code": new_code().text()},
                headers={"X-Forwarded-For": f"198.51.{number}.1"},
            ).status_code
            for number in range(11)
        ]
        assert answers[-1] == last
        limits.limiter.reset()
        app.extensions[EXTENSION].writing.kw["bind"].dispose()
