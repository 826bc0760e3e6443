"""Compile the translations: ``.po`` files are in the repository, ``.mo`` files are made from them.

As a hatch build hook it runs for wheels and for editable installs alike, so that pages speak French in
both. By hand: ``python tools/build_messages.py`` compiles; with ``--update`` it first collects new texts
from code and templates into the ``.po`` files.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand where hatchling is not installed
    BuildHookInterface = object

ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = ROOT / "web" / "translations"
CONFIG = ROOT / "tools" / "babel.cfg"


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg,unused-ignore]
    """Compiles before every build; takes the results along although git ignores them.

    A wheel also carries the benchmarks, for `xbt bench` where there is no checkout.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatch with ``version`` "standard" or "editable"."""
        translations = Path(self.root) / "web" / "translations"
        compiled = compile_all(translations)
        build_data["artifacts"] += [path.relative_to(self.root).as_posix() for path in compiled]
        if version == "standard":
            build_data["force_include"]["tests/benchmarks"] = "xbt/benchmarks"


def compile_all(translations: Path = TRANSLATIONS) -> list[Path]:
    """Write ``messages.mo`` beside every ``messages.po``; return all ``.mo`` paths."""
    compiled = []
    for source in sorted(translations.glob("*/LC_MESSAGES/messages.po")):
        target = source.with_suffix(".mo")
        with source.open("rb") as lines:
            catalog = read_po(lines, locale=source.parts[-3])
        with target.open("wb") as out:
            write_mo(out, catalog)
        compiled.append(target)
    return compiled


def update() -> None:
    """Collect the texts of code and templates into every catalogue, keeping what is translated."""
    template = TRANSLATIONS / "messages.pot"
    babel = [sys.executable, "-m", "babel.messages.frontend"]
    extract = ["extract", "-F", str(CONFIG), "-k", "_l", "--no-location", "-o", str(template)]
    subprocess.run([*babel, *extract, "web"], cwd=ROOT, check=True)
    for catalogue in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")):
        language = catalogue.parts[-3]
        change = ["update", "-i", str(template), "-o", str(catalogue), "-l", language]
        subprocess.run(
            [*babel, *change, "--no-fuzzy-matching", "--ignore-pot-creation-date"], cwd=ROOT, check=True
        )
    template.unlink()


if __name__ == "__main__":
    if "--update" in sys.argv:
        update()
    for written in compile_all():
        print(written.relative_to(ROOT))
