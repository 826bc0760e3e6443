"""Build hook: compiles every translation catalogue (.po) into what the program reads (.mo) and packs it.

Compiled catalogues are never committed; they are made here for a wheel and by `make messages` in a checkout.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def catalogues(root: Path) -> list[Path]:
    """Every catalogue of the packages, wherever it lies in them."""
    packages = ("xbt", "spectra", "library", "web", "alerts")
    return sorted(path for name in packages for path in (root / name).rglob("LC_MESSAGES/*.po"))


def compile_catalogue(source: Path) -> Path:
    """Write the .mo file beside a .po file; fuzzy entries count, as in `make messages`."""
    target = source.with_suffix(".mo")
    with source.open("rb") as text:
        catalogue = read_po(text, locale=source.parent.parent.name)
    with target.open("wb") as binary:
        write_mo(binary, catalogue, use_fuzzy=True)
    return target


class MessagesHook(BuildHookInterface[Any]):
    """Hatchling calls this before it collects the files of a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - their signature
        root = Path(self.root)
        build_data["artifacts"] += [
            compile_catalogue(source).relative_to(root).as_posix() for source in catalogues(root)
        ]
