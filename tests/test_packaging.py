"""What is shipped, pinned and permitted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tools import licences
from xbt.config import Settings

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("alerts", "library", "spectra", "web", "xbt")
LOCKS = [ROOT / "requirements" / name for name in ("build.txt", "lock.txt", "dev.txt")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree as a release would be built from: nothing compiled, nothing generated."""
    copy = tmp_path_factory.mktemp("source")
    generated = shutil.ignore_patterns("__pycache__", "*.mo")
    for name in (*PACKAGES, "tools", "tests/benchmarks"):
        shutil.copytree(ROOT / name, copy / name, ignore=generated)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


def members(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_five_packages_and_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in members(wheel)}
    assert tops == {*PACKAGES, f"xbt_drugchecking-{PROJECT['project']['version']}.dist-info"}


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path, source: Path) -> None:
    files = {
        path.relative_to(source).as_posix()
        for name in PACKAGES
        for path in (source / name).rglob("*")
        if path.is_file()
    }
    assert files <= members(wheel)
    assert {"xbt/py.typed", "library/identify.py", "spectra/model.py"} <= files


def test_the_wheel_holds_the_compiled_translations(wheel: Path, source: Path) -> None:
    catalogues = {path.relative_to(source).as_posix() for path in source.glob("**/LC_MESSAGES/*.po")}
    assert {name.removesuffix(".po") + ".mo" for name in catalogues} <= members(wheel)


def test_the_wheel_holds_the_benchmarks_of_the_command(wheel: Path) -> None:
    scripts = {path.name for path in (ROOT / "tests" / "benchmarks").glob("bench_*.py")}
    assert {f"xbt/benchmarks/{name}" for name in scripts} <= members(wheel)


def test_the_wheel_carries_its_licence_and_its_command(wheel: Path) -> None:
    names = members(wheel)
    info = f"xbt_drugchecking-{PROJECT['project']['version']}.dist-info"
    assert f"{info}/licenses/LICENSE" in names
    with zipfile.ZipFile(wheel) as archive:
        assert b"xbt = xbt.cli:main" in archive.read(f"{info}/entry_points.txt")


@pytest.mark.parametrize("group", ["xbt.commands", "xbt.jobs", "console_scripts"])
def test_every_entry_point_loads(group: str) -> None:
    ours = PROJECT["project"]["entry-points"].get(group) or PROJECT["project"]["scripts"]
    found = {point.name: point for point in entry_points(group=group)}
    assert all(callable(found[name].load()) for name in ours)


def test_the_licence_is_the_whole_text() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.lstrip().startswith("GNU AFFERO GENERAL PUBLIC LICENSE")
    assert all(f"\n  {number}. " in text for number in range(18))
    assert text.endswith("<https://www.gnu.org/licenses/>.\n")


def test_the_page_of_settings_names_every_setting() -> None:
    named = set(re.findall(r"`XBT_([A-Z_]+)`", (ROOT / "docs" / "configuration.md").read_text("utf-8")))
    assert named == {name.upper() for name in Settings.model_fields}


def pins(lock: Path) -> dict[str, set[str]]:
    """Locked versions by name; a name may have one per Python version."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", lock.read_text(), flags=re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_a_lock_names_no_address_and_hashes_everything(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert "index" not in text.replace("indexed", "")
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert len(blocks) > 5
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_locks_agree_and_satisfy_the_project() -> None:
    build, runtime, dev = (pins(lock) for lock in LOCKS)
    assert all(dev[name] == versions for name, versions in (build | runtime).items())
    project = PROJECT["project"]
    for lock, texts in (
        (build, PROJECT["build-system"]["requires"]),
        (runtime, project["dependencies"]),
        (dev, project["optional-dependencies"]["dev"]),
    ):
        for requirement in map(Requirement, texts):
            versions = lock[requirement.name.lower()]
            assert all(Version(version) in requirement.specifier for version in versions), requirement.name


def test_every_dependency_may_be_combined_with_ours() -> None:
    rows = licences.entries()
    assert len(rows) > 80
    assert [row.name for row in rows if not row.compatible] == []


def test_the_page_of_licences_is_up_to_date() -> None:
    text = licences.PAGE.read_text(encoding="utf-8")
    assert licences.page(licences.entries()) == text, "run `make licences`"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("Apache-2.0 OR LicenseRef-Proprietary", True),
        ("BSD-2-Clause AND Apache-2.0 WITH LLVM-exception", True),
        ("MIT AND GPL-2.0-only", False),
        ("Other/Proprietary License", False),
        ("", False),
    ],
)
def test_a_licence_is_compatible_only_if_every_part_is(expression: str, expected: bool) -> None:
    assert licences.is_compatible(expression) is expected


def make_environment(folder: Path, path: Path, python: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(ROOT / "tools" / "make-environment"), str(folder / "env")],
        env={"PATH": str(path), "PYTHON": python, "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_machine_without_python_is_told_so(tmp_path: Path) -> None:
    done = make_environment(tmp_path, tmp_path)
    assert done.returncode == 1
    assert "Python 3.11 or later" in done.stderr
    assert not (tmp_path / "env").exists()


def test_an_old_python_is_named_and_not_used(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ncase "$2" in *print*) echo 3.9;; *) exit 1;; esac\n')
    old.chmod(0o755)
    done = make_environment(tmp_path, tmp_path)
    assert done.returncode == 1
    assert "python3(3.9)" in done.stderr
    assert not (tmp_path / "env").exists()
