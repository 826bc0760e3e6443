"""Folders of instruments in a real browser: chosen, dropped, and without JavaScript."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE

pytestmark = pytest.mark.e2e


@pytest.fixture
def sample(open_browser: Callable[..., Page]) -> str:
    """The address of a new sample."""
    page = open_browser("worker")
    page.goto("/staff/samples/new")
    page.fill("#sold_as", "MDMA")
    page.get_by_label("tablet").check()
    page.get_by_role("button", name="Take in and make the ticket").click()
    page.goto("/staff/samples")
    return page.locator("a.row").first.get_attribute("href") or ""


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def technician(open_browser: Callable[..., Page], sample: str, complaints: list[str]) -> Page:
    page = open_browser("technician")
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(sample)
    return page


@pytest.fixture
def monday(tmp_path: Path, run_file: Path) -> Path:
    """A folder as a day leaves it: a run that is a file, two that are folders, and an empty one."""
    folder = tmp_path / "monday"
    for name in ("odd.D", "night/even.D", "night/lost.D"):
        (folder / name).mkdir(parents=True)
    shutil.copy(run_file, folder / "single.mzML")
    shutil.copy(run_file, folder / "odd.D" / "in.mzML")
    (folder / "night/even.D/AcqData").mkdir()
    (folder / "night/even.D/AcqData/MSScan.bin").write_bytes(b"cut short")
    (folder / "night/lost.D/DATA.MS").touch()
    return folder


@pytest.mark.data
def test_a_folder_is_chosen_by_keyboard_and_read(
    technician: Page, data_dir: Path, complaints: list[str]
) -> None:
    gold = data_dir / "raw" / "agilent-chemstation-D" / "orange.D"
    if not gold.is_dir():
        pytest.skip("orange.D is not among the evaluation data")
    technician.set_input_files("#folder", gold)
    technician.locator("#file").focus()
    technician.keyboard.press("Tab")
    expect(technician.locator("#folder")).to_be_focused()
    technician.keyboard.press("Tab")
    technician.keyboard.press("Enter")
    expect(technician.get_by_role("rowheader", name="orange.D")).to_be_visible(timeout=30_000)
    expect(technician.get_by_text("analysed", exact=True)).to_be_visible(timeout=90_000)
    technician.get_by_text("Original, read again").click()
    expect(technician.get_by_text("chemstation", exact=True).first).to_be_visible()
    with technician.expect_download() as download:
        technician.get_by_role("link", name="Download it as it was received").click()
    assert download.value.suggested_filename == "orange.D.zip"
    assert complaints == []


def test_what_was_refused_stays_on_the_page_while_the_rest_is_read(
    technician: Page, monday: Path, complaints: list[str]
) -> None:
    technician.set_input_files("#folder", monday)
    technician.set_input_files("#file", {"name": "none.mzML", "mimeType": "text/xml", "buffer": b""})
    technician.get_by_role("button", name="Send").click()
    told = technician.locator(".sent")
    for name in ("single.mzML", "odd.D", "even.D"):
        expect(told).to_contain_text(f"{name} was received.")
    for name in ("none.mzML", "lost.D"):
        expect(told).to_contain_text(f"{name}: It is empty")
    done = technician.get_by_role("link", name="Everything is read")
    expect(done).to_be_visible(timeout=90_000)
    expect(technician.get_by_text("could not be read")).to_have_count(1)
    expect(told).to_contain_text("lost.D: It is empty")
    done.click()
    expect(technician.get_by_alt_text("Chromatogram").first).to_be_visible()
    assert complaints == []


def test_a_folder_is_dropped_on_the_frame(technician: Page, monday: Path, complaints: list[str]) -> None:
    drop(technician, "form.drop", monday / "odd.D", monday / "single.mzML")
    for name in ("odd.D", "single.mzML"):
        expect(technician.get_by_role("rowheader", name=name)).to_be_visible(timeout=30_000)
    assert complaints == []


def test_without_javascript_the_form_says_the_same(
    open_browser: Callable[..., Page], sample: str, monday: Path
) -> None:
    phone = open_browser("technician", viewport=PHONE, java_script_enabled=False)
    phone.goto(sample)
    phone.set_input_files("#folder", monday)
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_role("status").first).to_contain_text("odd.D was received.")
    expect(phone.get_by_role("status").first).to_contain_text("lost.D: It is empty")
    for name in ("single.mzML", "odd.D", "even.D"):
        expect(phone.get_by_role("rowheader", name=name)).to_be_visible()


def drop(page: Page, selector: str, *paths: Path) -> None:
    """Drop files and folders from outside the browser, as a hand does."""
    box = page.locator(selector).bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        place = {"x": box["x"] + 20, "y": box["y"] + 20}
        session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
