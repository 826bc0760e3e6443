"""Taking a sample in: once, whatever the browser does, and without a place for a name."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.web.laboratory import INTAKE, Person, code_on
from web.record import EXTENSION
from web.staff.intake import code_picture
from xbt.db.models import Sample
from xbt.security.codes import new_code, normalise

FORM = "/staff/samples/new"


def samples_in(app: Flask) -> int:
    with app.extensions[EXTENSION].reading() as session:
        return session.scalar(select(func.count()).select_from(Sample)) or 0


def test_the_ticket_shows_a_code_that_holds(app: Flask, visit: Callable[[str], Person]) -> None:
    answer = visit("worker").post(FORM, page=FORM, **INTAKE)
    code = code_on(answer.text)
    assert normalise(code).text() == code
    assert answer.headers["Cache-Control"].startswith("no-store")
    assert "<svg" in answer.text
    assert "Heroin" in visit("worker").get("/staff/samples/1").text


def test_sending_the_form_twice_takes_in_once(app: Flask, visit: Callable[[str], Person]) -> None:
    worker = visit("worker")
    codes = {code_on(worker.post(FORM, page=FORM, **INTAKE).text) for _ in range(2)}
    assert len(codes) == 1
    assert samples_in(app) == 1
    code_on(worker.post(FORM, page=FORM, **INTAKE | {"key": "another key of the form"}).text)
    assert samples_in(app) == 2


def test_each_form_has_its_own_key(visit: Callable[[str], Person]) -> None:
    worker = visit("worker")
    keys = {re.findall(r'name="key" value="([^"]+)"', worker.get(FORM).text)[0] for _ in range(2)}
    assert len(keys) == 2
    assert all(len(key) >= 32 for key in keys)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("sold_as", "", "Please say what it was sold as"),
        ("sold_as", "x" * 121, "Please say what it was sold as"),
        ("form", "", "Please choose a form"),
        ("form", "brick", "Please choose a form"),
        ("colour", "x" * 61, "Please keep the colour under"),
        ("note", "x" * 501, "Please keep the note under"),
        ("site", "", "Please choose the site"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_lost(
    app: Flask, visit: Callable[[str], Person], field: str, value: str, sentence: str
) -> None:
    answer = visit("worker").post(FORM, page=FORM, **INTAKE | {"colour": "brown", field: value})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert samples_in(app) == 0
    if field != "sold_as":
        assert 'value="héroïne"' in answer.text


def test_a_site_of_others_is_not_found(app: Flask, visit: Callable[[str], Person]) -> None:
    assert visit("worker").post(FORM, page=FORM, **INTAKE | {"site": "2"}).status_code == 404
    assert samples_in(app) == 0


def test_markup_in_what_was_told_stays_text(visit: Callable[[str], Person]) -> None:
    evil = "<script>alert(1)</script>"
    worker = visit("worker")
    told = INTAKE | {"sold_as": evil, "colour": evil, "note": evil}
    page = worker.post(FORM, page=FORM, **told).text
    for shown in (page, worker.get("/staff/samples").text, worker.get("/staff/samples/1").text):
        assert evil not in shown
    assert "&lt;script&gt;" in worker.get("/staff/samples/1").text


def test_words_are_recognised_while_they_are_typed(visit: Callable[[str], Person]) -> None:
    worker = visit("worker")
    assert worker.get("/staff/recognise?text=héroïne").json == {"name": "Heroin"}
    assert worker.get("/staff/recognise?text=xyzzy").json == {"name": ""}


def test_the_picture_is_drawn_without_style_or_script() -> None:
    drawn = str(code_picture(f"https://example.org/r#{new_code().text()}"))
    assert drawn.startswith("<svg")
    assert "style" not in drawn
    assert "script" not in drawn
