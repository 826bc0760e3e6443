"""A live server with a real worker, and real browsers in front of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.web.laboratory import PASSWORD, make_laboratory, release_sample, write_run
from xbt.config import Settings

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
LAPTOP = {"width": 1280, "height": 860}
CANARY_UA = "CANARY-UA/1.0"


@dataclass(frozen=True)
class Live:
    """A running server."""

    url: str
    data_dir: Path
    log: Path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = os.environ.get("XBT_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium: install the package 'chromium', or set XBT_CHROMIUM to one")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated GC-MS file of heroin, caffeine and fentanyl."""
    return write_run(tmp_path_factory.mktemp("runs") / "heroin.mzML")


@dataclass(frozen=True)
class Server:
    """A running server and its process."""

    live: Live
    process: subprocess.Popen[bytes]


@contextmanager
def start_server(folder: Path) -> Iterator[Server]:
    """``xbt serve`` on the laboratory under ``folder``, until the block ends."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {"XBT_DATA_DIR": str(folder / "var"), "XBT_BASE_URL": url}
    log = folder / "server.log"
    # Tests run in the background of a script inherit an ignored SIGINT; a person's shell does not.
    start = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    start += "from xbt.cli import main; main()"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", start, "serve", "--port", str(port)],
            env=environment,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(f"{url}/healthz", process, log)
            yield Server(Live(url, folder / "var", log), process)
        finally:
            process.terminate()
            process.wait(40)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server on a laboratory with accounts and nothing else."""
    subprocess.run([sys.executable, str(ROOT / "tools" / "build_messages.py")], check=True, cwd=ROOT)
    folder = tmp_path_factory.mktemp("live")
    make_laboratory(folder / "var")
    with start_server(folder) as started:
        yield started.live


@pytest.fixture(scope="module")
def released_code(live: Live, run_file: Path) -> str:
    """The code of a released sample in the running laboratory."""
    return release_sample(Settings(data_dir=live.data_dir), run_file)


@pytest.fixture
def open_browser(browser: Browser, live: Live) -> Iterator[Callable[..., Page]]:
    """Open a page of a new browser; every one is closed at the end."""
    contexts: list[BrowserContext] = []

    def arrive(name: str = "", **settings: object) -> Page:
        defaults = {"viewport": LAPTOP, "locale": "en-GB", "user_agent": CANARY_UA, "base_url": live.url}
        context = browser.new_context(**{**defaults, **settings})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        if name:
            sign_in(page, name)
        return page

    yield arrive
    for context in contexts:
        context.close()


def sign_in(page: Page, name: str) -> None:
    page.goto("/staff/login")
    page.fill("#email", f"{name}@example.org")
    page.fill("#password", PASSWORD)
    page.click("main button.main")
    page.wait_for_url("**/staff/samples")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310  (our own server)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    pytest.fail(f"the server did not start:\n{log.read_text()}")
