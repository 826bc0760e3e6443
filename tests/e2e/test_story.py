"""The whole story in a real browser: taken in, analysed, signed, released, read on a phone, warned of."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import CANARY_UA, PHONE, Live
from tests.web.laboratory import PASSWORD

pytestmark = pytest.mark.e2e

SHOTS = os.environ.get("XBT_SHOTS", "")


def shoot(page: Page, name: str, *, full: bool = True) -> None:
    """Keep a picture of the page where XBT_SHOTS names a folder."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=full)


def test_one_sample_from_intake_to_alert(
    live: Live, open_browser: Callable[..., Page], run_file: Path
) -> None:
    code = _take_in(open_browser("worker"))

    phone = open_browser(viewport=PHONE, java_script_enabled=False, has_touch=True)
    _look_up(phone, code.lower().replace("-", " "))
    expect(phone.get_by_role("heading", name="Not ready yet")).to_be_visible()
    shoot(phone, "public-not-ready")

    technician = open_browser("technician")
    _analyse(technician, run_file)
    _submit(technician)
    _sign_and_release(open_browser("second"))

    _look_up(phone, code)
    expect(phone.get_by_role("heading", name="Fentanyl", exact=True)).to_be_visible()
    assert code not in phone.url
    shoot(phone, "public-result")
    with phone.expect_download() as download:
        phone.get_by_role("button", name="Download the report").click()
    assert download.value.path().read_bytes().startswith(b"%PDF")
    phone.get_by_role("button", name="Français").click()
    expect(phone.get_by_role("heading", name="Votre résultat")).to_be_visible()
    expect(phone.get_by_role("heading", name="Héroïne", exact=True)).to_be_visible()
    shoot(phone, "public-result-fr")
    assert phone.context.cookies() == []

    _publish(open_browser("coordinator"), open_browser("manager"))
    phone.goto("/fr/alerts")
    expect(phone.get_by_role("heading", level=2)).to_contain_text("entanyl")
    shoot(phone, "public-alerts-fr")
    assert "entanyl" in phone.request.get("/fr/alerts.atom").text()

    _nothing_left(live, code)


def _take_in(page: Page) -> str:
    page.get_by_role("link", name="Take a sample in").first.click()
    page.fill("#sold_as", "héroïne")
    expect(page.locator("#recognised")).to_contain_text("Heroin")
    page.get_by_label("powder").check()
    page.fill("#colour", "brown")
    page.get_by_label("not yet taken").check()
    shoot(page, "staff-intake")
    page.get_by_role("button", name="Take in and make the ticket").click()
    code = page.locator(".ticket .code").inner_text()
    expect(page.locator(".ticket svg")).to_be_visible()
    shoot(page, "staff-ticket")
    page.reload()  # sends the form again: the same ticket, not a second sample
    assert page.locator(".ticket .code").inner_text() == code
    page.get_by_role("link", name="Samples", exact=True).click()
    expect(page.locator("tbody tr", has_text="héroïne")).to_have_count(1)
    return code


def _look_up(page: Page, code: str) -> None:
    page.goto("/en/")
    page.get_by_label("The code on your ticket").fill(code)
    shoot(page, "public-front")
    page.get_by_role("button", name="Show the result").click()


def _analyse(page: Page, run_file: Path) -> None:
    page.locator("a.row").first.click()
    page.set_input_files("#file", run_file)
    shoot(page, "staff-sample-empty")
    page.get_by_role("button", name="Send").click()
    shoot(page, "staff-sample-working")
    expect(page.get_by_text("analysed", exact=True)).to_be_visible(timeout=90_000)
    expect(page.get_by_alt_text("Chromatogram")).to_be_visible()
    page.locator("summary", has_text="Spectrum against").first.click()
    shoot(page, "staff-sample-analysed")

    page.set_input_files("#file", run_file)
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".sent")).to_contain_text("is already here")

    page.set_input_files("#file", {"name": "broken.mzML", "mimeType": "text/xml", "buffer": b"<mzML>"})
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("could not be read")).to_be_visible(timeout=60_000)
    shoot(page, "staff-sample-broken")


def _submit(page: Page) -> None:
    expect(page.get_by_role("button", name="Submit for signature")).to_be_disabled()
    for choice in page.get_by_label("Accept the candidate chosen above").all():
        choice.check()
    page.get_by_role("button", name="Keep the decisions").click()
    page.fill("#comment", "Two runs agree.")
    shoot(page, "staff-sample-decided")
    page.get_by_role("button", name="Submit for signature").click()
    expect(page.get_by_role("button", name="Sign", exact=True)).to_be_disabled()
    expect(page.get_by_text("another person has to sign it").first).to_be_visible()


def _sign_and_release(page: Page) -> None:
    page.locator("a.row").first.click()
    shoot(page, "staff-sample-proposed")
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Sign", exact=True).click()
    page.get_by_role("button", name="Release to the ticket").click()
    expect(page.locator("h1 .badge").first).to_have_text("Released")
    shoot(page, "staff-sample-released")


def _publish(coordinator: Page, manager: Page) -> None:
    coordinator.goto("/staff/signals")
    for _ in range(60):
        if coordinator.locator("a.row").count():
            break
        coordinator.wait_for_timeout(500)
        coordinator.reload()
    shoot(coordinator, "staff-signals")
    coordinator.locator("a.row", has_text="Fentanyl").first.click()
    shoot(coordinator, "staff-signal")
    coordinator.get_by_role("button", name="Keep the draft").click()
    expect(coordinator.get_by_role("button", name="Approve")).to_be_disabled()
    manager.goto(coordinator.url)
    shoot(manager, "staff-alert")
    manager.get_by_role("button", name="Approve").click()
    coordinator.reload()
    coordinator.get_by_role("button", name="Publish").click()
    expect(coordinator.locator("h1 .badge").first).to_have_text("Published")


def _nothing_left(live: Live, code: str) -> None:
    """Neither the code nor the browser's name is anywhere in the data folder or the log."""
    wanted = [code.encode(), code.replace("-", "").encode(), CANARY_UA.encode()]
    for path in [live.log, *(one for one in live.data_dir.rglob("*") if one.is_file())]:
        content = path.read_bytes()
        assert not [one for one in wanted if one in content], path
