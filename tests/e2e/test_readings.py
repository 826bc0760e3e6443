"""A technician with a phone and no JavaScript: strip and plate, corrected, on their way to the ticket."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, sign_in

pytestmark = pytest.mark.e2e


def test_readings_from_the_van_to_the_ticket(open_browser: Callable[..., Page]) -> None:
    worker = open_browser("worker")
    code = _take_in(worker)
    phone = open_browser(viewport=PHONE, java_script_enabled=False, has_touch=True)
    sign_in(phone, "technician")
    phone.get_by_role("link", name="26-00001").click()
    _strip(phone, "two lines: negative")
    expect(phone.locator("#readings")).to_contain_text("Below about 0.02% by weight it shows nothing")
    _correct_to_faint(phone)
    _plate(phone)
    expect(phone.locator("#substances")).to_contain_text("first indication")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    phone.get_by_role("button", name="Submit for signature").click()
    second = open_browser("second")
    second.goto("/staff/samples/1")
    second.fill("#password", "correct horse battery")
    second.get_by_role("button", name="Sign", exact=True).click()
    second.get_by_role("button", name="Release to the ticket").click()

    reader = open_browser(viewport=PHONE, java_script_enabled=False)
    reader.goto("/en/")
    reader.fill("input[name=code]", code)
    reader.locator("main button.main").click()
    expect(reader.get_by_role("heading", name="Heroin", exact=True)).to_be_visible()
    expect(reader.locator("main")).to_contain_text("A test strip for fentanyls was negative.")
    expect(reader.locator("main")).to_contain_text("does not show less than about 0.02 % by weight")


def test_a_colour_is_entered_with_the_keyboard_alone(open_browser: Callable[..., Page]) -> None:
    _take_in(open_browser("worker"))
    page = open_browser("technician")
    page.goto("/staff/samples/2/readings/colour")
    page.locator("input[name=reagent]").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")  # another reagent
    page.keyboard.press("Tab")  # the first colour
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.get_by_label("Seconds after").focus()
    page.keyboard.type("30")
    page.keyboard.press("Enter")
    expect(page.locator("#readings")).to_contain_text("Ehrlich: yellow after 30 s")


def _take_in(page: Page) -> str:
    page.goto("/staff/samples/new")
    page.fill("#sold_as", "héroïne")
    page.get_by_label("powder").check()
    page.get_by_role("button", name="Take in and make the ticket").click()
    return page.locator(".ticket .code").inner_text()


def _strip(page: Page, lines: str) -> None:
    page.get_by_role("link", name="Test strip").click()
    page.get_by_label("fentanyls").check()
    page.get_by_label("Sample (mg)").fill("10")
    page.get_by_label("Water (mL)").fill("10")
    page.get_by_label(lines, exact=True).check()
    page.get_by_role("button", name="Keep the reading").click()


def _correct_to_faint(page: Page) -> None:
    page.get_by_role("link", name="Correct").click()
    page.get_by_label("two lines, the second one faint: negative, near the limit").check()
    page.get_by_label("Why is it corrected?").fill("a pale line showed")
    page.get_by_role("button", name="Keep the reading").click()
    expect(page.locator("#readings")).to_contain_text("corrected because: a pale line showed")


def _plate(page: Page) -> None:
    page.get_by_role("link", name="Thin-layer plate").click()
    page.fill("#eluent", "methanol, ammonia")
    page.fill("#front", "80")
    for number, (lane, distance) in enumerate([("", "40"), ("Heroin", "40,5"), ("Caffeine", "60")], 1):
        page.fill(f"input[name=lane-{number}]", lane)
        page.fill(f"input[name=distance-{number}]", distance)
        page.select_option(f"select[name=uv254-{number}]", "black")
    page.get_by_role("button", name="Keep the reading").click()
