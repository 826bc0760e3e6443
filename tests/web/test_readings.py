"""Entering a colour test, a strip, a plate, a peak; correcting them; what the sample's page says of them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.web.laboratory import INTAKE, Person

SAMPLE, NEW = "/staff/samples/1", "/staff/samples/new"
STRIP = {"strip": "fentanyl", "lines": "both", "milligrams": "10", "millilitres": "10", "make": "BTNX lot 12"}
COLOUR = {"reagent": "marquis", "colours": ["purple", "red"], "seconds": "5"}
PLATE = {
    "eluent": "methanol, ammonia",
    "front": "80",
    "reagent": "iodoplatinate",
    "distance-1": "40,5",
    "uv254-1": "black",
    "lane-2": "héroïne",
    "distance-2": "41",
    "uv254-2": "black",
    "lane-3": "caffeine",
    "distance-3": "60",
}
PEAK = {"standard": "heroin", "retention": "5.0", "standard_retention": "5.02"}


@pytest.fixture
def technician(visit: Callable[[str], Person]) -> Person:
    visit("worker").post(NEW, page=NEW, **INTAKE)
    return visit("technician")


def form(kind: str) -> str:
    return f"{SAMPLE}/readings/{kind}"


def keep(person: Person, kind: str, **fields: object) -> str:
    return flat(person.follow(person.post(form(kind), page=form(kind), **fields)))


def flat(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_a_negative_strip_says_what_it_could_miss(technician: Person) -> None:
    page = keep(technician, "strip", **STRIP)
    assert "The reading is kept." in page
    assert "Below about 0.02% by weight it shows nothing" in page
    assert "Shown to miss: Carfentanil" in page
    assert "Park et al." in page
    assert "BTNX lot 12" in page


def test_a_positive_strip_names_what_else_makes_it_positive(technician: Person) -> None:
    page = keep(technician, "strip", **STRIP | {"lines": "control", "millilitres": "2"})
    for name in ("Methamphetamine", "Diphenhydramine", "MDMA"):
        assert name in page
    assert "one of the fentanyls" in page
    assert "first indication" in page


def test_colours_name_everything_published_and_their_source(technician: Person) -> None:
    page = keep(technician, "colour", **COLOUR)
    assert "Marquis:" in page
    assert "after 5 s" in page
    for name in ("Heroin", "Morphine", "Codeine"):
        assert name in page
    assert "a colour names nothing" in page
    assert "NIJ Standard" in page


def test_a_plate_shows_rf_beside_its_standards(technician: Person) -> None:
    page = keep(technician, "tlc", **PLATE)
    assert re.search(r"Heroin 0\.51 0\.51 0\.99 same: UV 254 nm agrees", page)
    assert re.search(r"Caffeine 0\.75 – – – not there", page)
    assert "first indication" in page


def test_a_peak_is_held_against_its_standard(technician: Person) -> None:
    page = keep(technician, "hplc_uv", **PEAK)
    assert "time differs by −0.4%, 2.5% allowed." in page
    spectrum = "nm sample standard\n" + "\n".join(
        f"{220 + n} {1 - n / 200:.3f} {2 - n / 100:.3f}" for n in range(99)
    )
    page = keep(technician, "hplc_uv", **PEAK, spectrum=spectrum)
    assert "correlation 1.000" in page


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        ("strip", STRIP | {"millilitres": "none"}, "Please give a number above zero."),
        ("strip", STRIP | {"lines": ""}, "Please fill this in."),
        ("strip", STRIP | {"strip": "x"}, "Please choose a strip from the list."),
        ("colour", {"reagent": "marquis"}, "Please choose at least one colour"),
        ("colour", COLOUR | {"seconds": "soon"}, "Please give seconds"),
        ("tlc", PLATE | {"distance-2": "90"}, "A spot lies between the start and the front"),
        ("tlc", PLATE | {"lane-3": "heroin"}, "A standard may have one spot only"),
        ("tlc", PLATE | {"lane-3": "<b>x</b>"}, "“&lt;b&gt;x&lt;/b&gt;” is not in the substance table."),
        ("hplc_uv", PEAK | {"spectrum": "1 2 3\nfour"}, "Please paste three columns"),
        ("hplc_uv", PEAK | {"standard": ""}, "is not in the substance table."),
    ],
)
def test_a_form_that_says_too_little_comes_back_filled(
    technician: Person, kind: str, fields: dict[str, object], sentence: str
) -> None:
    answer = technician.post(form(kind), page=form(kind), **fields)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Nothing was stored yet" in answer.text
    kept = next(
        str(fields[name]) for name in ("make", "eluent", "seconds", "retention", "reagent") if name in fields
    )
    assert f'value="{kept}"' in answer.text
    assert "The reading is kept" not in technician.get(SAMPLE).text


def test_a_correction_keeps_the_first_reading_and_its_reason(technician: Person) -> None:
    keep(technician, "strip", **STRIP)
    correcting = f"{form('strip')}?replaces=1"
    assert 'value="BTNX lot 12"' in technician.get(correcting).text
    changed = STRIP | {"lines": "faint", "replaces": "1"}
    answer = technician.post(form("strip"), page=correcting, **changed)
    assert "Please give a reason" in technician.follow(answer)
    page = flat(
        technician.follow(technician.post(form("strip"), page=correcting, reason="too early", **changed))
    )
    assert "corrected because: too early" in page
    assert "near the limit" in page
    assert "Corrected and taken back" in page
    assert technician.get(f"{form('colour')}?replaces=1").status_code == 404


def test_a_plate_comes_back_for_correction_as_it_was_entered(technician: Person) -> None:
    keep(technician, "tlc", **PLATE)
    page = technician.get(f"{form('tlc')}?replaces=1").text
    assert 'name="distance-1" maxlength="8" value="40.5"' in page
    assert 'value="Heroin"' in page
    assert page.count('<option value="black" selected>') == 2


def test_a_reading_is_taken_back_with_a_reason(technician: Person) -> None:
    keep(technician, "strip", **STRIP)
    path = f"{SAMPLE}/readings/1/retract"
    page = flat(technician.follow(technician.post(path, page=SAMPLE, reason="other sample")))
    assert "taken back because: other sample" in page
    assert "already" in technician.follow(technician.post(path, page=SAMPLE, reason="again"))


def test_a_result_from_readings_alone_goes_the_usual_way(
    technician: Person, visit: Callable[[str], Person]
) -> None:
    keep(technician, "strip", **STRIP)
    keep(technician, "tlc", **PLATE)
    technician.post(f"{SAMPLE}/submit", page=SAMPLE, comment="")
    page = flat(technician.get(SAMPLE).text)
    assert "Heroin , amount not told by this method, first indication" in page
    assert "A test strip for fentanyls was negative." in page
    assert technician.get(form("strip")).status_code == 200
    answer = technician.follow(technician.post(form("strip"), page=form("strip"), **STRIP))
    assert "The sample is not at this point." in answer


@pytest.mark.parametrize("name", ["worker", "coordinator"])
def test_who_may_not_analyse_sees_readings_and_enters_none(
    technician: Person, visit: Callable[[str], Person], name: str
) -> None:
    keep(technician, "strip", **STRIP)
    person = visit(name)
    page = person.get(SAMPLE).text
    assert "Shown to miss" in page
    assert "/readings/strip" not in page
    assert person.get(form("strip")).status_code == 403
    assert person.post(form("strip"), **STRIP).status_code == 403


def test_a_form_without_its_token_keeps_nothing(technician: Person) -> None:
    assert technician.client.post(form("strip"), data=STRIP).status_code == 400


def test_another_site_and_another_kind_do_not_exist(
    technician: Person, visit: Callable[[str], Person]
) -> None:
    assert visit("away").get(form("strip")).status_code == 404
    assert technician.get(form("nonsense")).status_code == 404


def test_the_form_speaks_french(technician: Person) -> None:
    technician.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr"
    assert "Lignes vues" in technician.get(form("strip")).text
    assert "violet" in technician.get(form("colour")).text
