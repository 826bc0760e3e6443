"""Takes the pictures of the README from the demonstration, in a real Chromium.

    make demo ARGS=--no-serve
    .venv/bin/python tools/screenshots.py

Serves the demonstration itself on a free port while the pictures are taken. Needs Chromium on the PATH.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from web.demo import place, play
from web.demo.scenario import load_scenario
from xbt.config import Settings

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "images"
LAPTOP = ViewportSize(width=1280, height=860)
PHONE = ViewportSize(width=390, height=844)
TECHNICIAN, COORDINATOR = "technician@demo.example.org", "coordinator@demo.example.org"
DECIDED, OPEN = "brown-heroin", "tramadol"
RESULT = "fake-oxycodone"


def chromium() -> str:
    """The browser's program."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    sys.exit("no Chromium found; install the system's chromium package")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(port: int) -> Iterator[str]:
    """The demonstration's pages, until the body ends."""
    command = [str(Path(sys.executable).parent / "xbt"), "demo", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        base = f"http://127.0.0.1:{port}"
        wait_for(f"{base}/healthz")
        yield base
    finally:
        server.terminate()
        server.wait(30)


def wait_for(address: str, seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own address
            return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def page_of(browser: Browser, size: ViewportSize, **options: Any) -> Page:
    """A page of its own session, in English."""
    context = browser.new_context(viewport=size, locale="en-GB", device_scale_factor=1, **options)
    return context.new_page()


def save(page: Page, name: str, *, full: bool = False) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=full, animations="disabled")


def top_of(page: Page, selector: str, name: str) -> None:
    """The first part of an element, as much as a laptop shows."""
    page.locator(selector).first.evaluate("element => element.scrollIntoView()")
    page.wait_for_load_state("networkidle")
    save(page, name)


def sign_in(page: Page, base: str, email: str, password: str) -> None:
    page.goto(f"{base}/staff/")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("button.main")
    page.wait_for_load_state()


def in_english(page: Page, base: str) -> None:
    page.goto(base)
    page.click("nav.languages a[lang=en]")


def take(browser: Browser, base: str, settings: Settings) -> None:
    story = load_scenario()
    access = place.open_access(settings.data_dir, story)
    with play.stage(settings, story, access, lambda: datetime.now(UTC)) as told:
        tickets = play.tickets(told)
    page = page_of(browser, LAPTOP)
    sign_in(page, base, TECHNICIAN, access.passwords[TECHNICIAN])
    page.goto(f"{base}/staff/samples")
    save(page, "work-list")
    page.goto(f"{base}/staff/samples/{tickets[DECIDED].sample_id}")
    top_of(page, "section[id^=analysis-]", "technician")
    page.goto(f"{base}/staff/samples/{tickets[OPEN].sample_id}")
    page.locator("article.component summary").nth(1).click()
    page.wait_for_load_state("networkidle")
    page.locator("article.component").nth(1).screenshot(path=PICTURES / "component.png")
    phone = page_of(browser, PHONE, is_mobile=True)
    in_english(phone, base)
    phone.fill("input[name=code]", tickets[RESULT].code)
    phone.click("button.main")
    phone.wait_for_load_state()
    save(phone, "result-phone")
    page = page_of(browser, LAPTOP)
    in_english(page, base)
    page.click("nav >> text=Alerts")
    save(page, "alert")
    page = page_of(browser, LAPTOP)
    sign_in(page, base, COORDINATOR, access.passwords[COORDINATOR])
    page.goto(f"{base}/staff/signals")
    save(page, "signals")


def main() -> None:
    port = free_port()
    settings = place.demo_settings(port)
    if not (settings.data_dir / place.ACCESS).is_file():
        sys.exit("there is no demonstration yet: make demo ARGS=--no-serve")
    sandbox = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
    with served(port) as base, sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium(), args=[*sandbox, "--disable-gpu", "--disable-background-networking"]
        )
        take(browser, base, settings)
        browser.close()


if __name__ == "__main__":
    main()
