"""Signing in and out, and the life of a session."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.web.laboratory import Person
from web import accounts


def test_the_session_cookie_is_strict_and_hidden_from_scripts(app: Flask) -> None:
    cookie = Person.at(app).sign_in("worker").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


def test_a_wrong_password_and_an_unknown_account_are_told_alike(app: Flask) -> None:
    wrong = Person.at(app).sign_in("worker", "not the password at all")
    unknown = Person.at(app).sign_in("nobody", "not the password at all")
    assert wrong.status_code == unknown.status_code == 200
    assert "not recognised" in wrong.text
    assert wrong.text.count("note alert") == unknown.text.count("note alert") == 1


def test_an_account_rests_after_five_wrong_passwords(app: Flask) -> None:
    person = Person.at(app)
    assert [person.sign_in("worker", "wrong password here").status_code for _ in range(6)] == [200] * 5 + [
        429
    ]


def test_signing_out_ends_it(visit: Callable[[str], Person]) -> None:
    worker = visit("worker")
    worker.post("/staff/logout")
    assert worker.get("/staff/samples").status_code == 302


def test_a_session_does_not_outlive_its_longest_time(
    visit: Callable[[str], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = visit("worker")
    later = accounts.time.time() + accounts.LONGEST.total_seconds() + 1
    monkeypatch.setattr(accounts.time, "time", lambda: later)
    assert worker.get("/staff/samples").status_code == 302


def test_nothing_of_the_browser_is_in_the_session(app: Flask) -> None:
    person = Person.at(app)
    person.sign_in("worker")
    with person.client.session_transaction() as session:
        assert session["_id"] == ""
        assert set(session) >= {"_user_id", "signed_in_at"}


def test_a_form_without_its_token_changes_nothing(visit: Callable[[str], Person]) -> None:
    worker = visit("worker")
    answer = worker.client.post("/staff/samples/new", data={"sold_as": "x"})
    assert answer.status_code == 400
    assert "open for too long" in answer.text


def test_the_chosen_language_stays_and_leads_nowhere_else(visit: Callable[[str], Person]) -> None:
    worker = visit("worker")
    back = worker.post("/staff/language", language="fr", back="/staff/samples?state=received")
    assert back.headers["Location"] == "/staff/samples?state=received"
    assert "Échantillons" in worker.get("/staff/samples").text
    for elsewhere in ("https://example.com/", "//example.com/staff", "/staff/../en/"):
        away = worker.post("/staff/language", language="en", back=elsewhere)
        assert away.headers["Location"] == "/staff/samples"


def test_after_signing_in_the_page_asked_for_is_shown(app: Flask) -> None:
    person = Person.at(app)
    asked = person.get("/staff/samples?state=received").headers["Location"]
    token = person.token(asked)
    answer = person.client.post(
        asked, data={"email": "worker@example.org", "password": "correct horse battery", "csrf_token": token}
    )
    assert answer.headers["Location"].endswith("/staff/samples?state=received")


def test_signing_in_never_leads_to_a_foreign_page(app: Flask) -> None:
    person = Person.at(app)
    asked = "/staff/login?next=https://example.com/"
    answer = person.client.post(
        asked,
        data={
            "email": "worker@example.org",
            "password": "correct horse battery",
            "csrf_token": person.token(asked),
        },
    )
    assert "example.com" not in answer.headers.get("Location", "")
