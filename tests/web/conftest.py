"""Fixtures of the pages: one prepared laboratory a session, copied for each test that changes it."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.web.laboratory import Person, make_laboratory, release_sample, write_run
from web.app import create_app
from web.limits import limiter
from web.record import EXTENSION
from xbt.config import Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def compiled_messages() -> None:
    """Pages speak the French that is in the working tree, not that of the last installation."""
    runpy.run_path(str(ROOT / "tools" / "build_messages.py"))["compile_all"]()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a laboratory with accounts and nothing else; copy it, do not change it."""
    folder = tmp_path_factory.mktemp("laboratory") / "var"
    make_laboratory(folder)
    return folder


@pytest.fixture(scope="session")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated GC-MS file of heroin, caffeine and fentanyl."""
    return write_run(tmp_path_factory.mktemp("runs") / "heroin.mzML")


@pytest.fixture
def settings(prepared: Path, tmp_path: Path) -> Settings:
    folder = tmp_path / "var"
    shutil.copytree(prepared, folder)
    return Settings(data_dir=folder)


@pytest.fixture(scope="session")
def released(prepared: Path, run_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The data folder of a laboratory with one released sample, and its code; copy it, do not change it."""
    folder = tmp_path_factory.mktemp("released") / "var"
    shutil.copytree(prepared, folder)
    return folder, release_sample(Settings(data_dir=folder), run_file)


@pytest.fixture
def ticket_code(released: tuple[Path, str], settings: Settings) -> str:
    """Gives this test's laboratory the released sample; the code of its ticket. Ask for it before `app`."""
    folder, code = released
    shutil.rmtree(settings.data_dir)
    shutil.copytree(folder, settings.data_dir)
    return code


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    made = create_app(settings)
    limiter.reset()
    yield made
    limiter.reset()
    made.extensions[EXTENSION].writing.kw["bind"].dispose()


@pytest.fixture
def visit(app: Flask) -> Callable[[str], Person]:
    """Somebody at a browser, signed in under a name of `tests.web.laboratory`; "" for nobody."""

    def arrive(name: str = "") -> Person:
        person = Person.at(app)
        if name:
            assert person.sign_in(name).status_code == 302
        return person

    return arrive
