"""What the public page does with JavaScript, and what it looks like where little is possible."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, Live
from xbt.security.codes import new_code

pytestmark = pytest.mark.e2e


def test_the_ticket_picture_fills_the_field_and_leaves_the_address_clean(
    open_browser: Callable[..., Page],
) -> None:
    code = new_code().text()
    page = open_browser(viewport=PHONE)
    page.goto(f"/r#{code}")
    expect(page.get_by_label("The code on your ticket")).to_have_value(code)
    assert page.url.endswith("/r")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No result for this code")).to_be_visible()
    assert code not in page.url
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_a_result_goes_away_by_itself(
    open_browser: Callable[..., Page], live: Live, released_code: str
) -> None:
    page = open_browser(viewport=PHONE)
    page.clock.install()
    page.goto("/en/")
    page.get_by_label("The code on your ticket").fill(released_code)
    page.get_by_role("button", name="Show the result").click()
    expect(page.get_by_role("heading", name="Fentanyl", exact=True)).to_be_visible()
    page.clock.fast_forward(179_000)
    expect(page.get_by_role("heading", name="Fentanyl", exact=True)).to_be_visible()
    page.clock.fast_forward(2_000)
    expect(page.get_by_text("This page was closed because nobody used it")).to_be_visible()
    assert "Fentanyl" not in page.content()


def test_one_press_leads_away(open_browser: Callable[..., Page], released_code: str) -> None:
    page = open_browser(viewport=PHONE)
    page.route("https://www.wikipedia.org/", lambda route: route.fulfill(body="elsewhere"))
    page.goto("/en/")
    page.get_by_label("The code on your ticket").fill(released_code)
    page.get_by_role("button", name="Show the result").click()
    page.get_by_role("link", name="Leave this page now").click()
    expect(page.get_by_text("elsewhere")).to_be_visible()


def test_no_page_breaks_its_own_policy_or_scrolls_sideways(
    open_browser: Callable[..., Page], released_code: str
) -> None:
    page = open_browser("manager", viewport=PHONE)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    paths = ["/en/", "/fr/", "/en/alerts", "/staff/samples", "/staff/samples/new", "/staff/samples/1"]
    for path in [*paths, "/staff/signals", "/staff/signals/1", "/staff/alerts"]:
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, path
    assert complaints == []


def test_the_ticket_page_prints_on_its_own_small_paper(open_browser: Callable[..., Page]) -> None:
    page = open_browser("worker")
    page.goto("/staff/samples/new")
    page.fill("#sold_as", "MDMA")
    page.get_by_label("tablet").check()
    page.get_by_role("button", name="Take in and make the ticket").click()
    page.emulate_media(media="print")
    expect(page.locator(".ticket")).to_be_visible()
    expect(page.get_by_text("The code is shown only now.")).to_be_hidden()
    expect(page.locator("header.bar")).to_be_hidden()
    printed = page.pdf(prefer_css_page_size=True)
    from io import BytesIO

    from pypdf import PdfReader

    pages = PdfReader(BytesIO(printed)).pages
    assert len(pages) == 1
    width, height = (float(side) / 72 * 25.4 for side in pages[0].mediabox.upper_right)
    assert (round(width), round(height)) == (80, 130)
