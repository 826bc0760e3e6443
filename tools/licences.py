"""Writes docs/licences.md: under which licence each locked dependency comes, read from what is installed.

Every licence has to be one that an AGPL-3.0-or-later work may be combined with; one that is not, or that
nobody can tell from the package, is an error and not a line in a table.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "licences.md"

# SPDX identifiers whose terms the FSF lists as compatible with version 3 of the GNU licences.
COMPATIBLE = frozenset(
    """0BSD AGPL-3.0-or-later Apache-2.0 BSD-2-Clause BSD-3-Clause CC0-1.0 GPL-3.0-or-later HPND ISC
    LGPL-3.0-or-later MIT MIT-0 MIT-CMU MPL-2.0 PSF-2.0 Unlicense Zlib""".split()  # noqa: SIM905
)

# What packages write instead of an SPDX identifier.
SPOKEN = {
    "apache 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0-or-later",
    "gnu lesser general public license v3 or later (lgplv3+)": "LGPL-3.0-or-later",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
}

# How licence texts begin, for packages whose metadata only names the file.
TITLES = {"Apache License Version 2.0": "Apache-2.0", "MIT License": "MIT"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One dependency: its name, where it is needed, and its licence as an SPDX expression."""

    name: str
    needed: str
    licence: str

    @property
    def compatible(self) -> bool:
        return is_compatible(self.licence)


def locked(path: Path) -> list[str]:
    """Names in a lock file, in its order."""
    return re.findall(r"^([a-z0-9][a-z0-9._-]*)==", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def is_compatible(expression: str) -> bool:
    """Whether an SPDX expression leaves a compatible choice; exceptions (WITH) only ever add permissions."""
    if not expression:
        return False
    plain = re.sub(r"\s+WITH\s+\S+", "", expression).replace("(", " ").replace(")", " ")
    return all(
        any(choice.strip() in COMPATIBLE for choice in part.split(" OR ")) for part in plain.split(" AND ")
    )


def licence_of(package: Distribution) -> str:
    """SPDX expression from the metadata or, where that is silent, the licence text; "" if none tells."""
    metadata = package.metadata
    expression = (metadata.get_all("License-Expression") or [""])[0]
    line = (metadata.get_all("License") or [""])[0].strip()
    spoken = [line] if "\n" not in line else []
    spoken += [
        text.rsplit(" :: ", 1)[1]
        for text in metadata.get_all("Classifier") or []
        if text.startswith("License :: ")
    ]
    told = [SPOKEN.get(text.lower(), text) for text in spoken]
    known = (text for text in [expression, *told, licence_titled(package)] if is_compatible(text))
    return next(known, expression or " / ".join(told))


def licence_titled(package: Distribution) -> str:
    """SPDX identifier of the licence text in the package, by the words it begins with; "" if none."""
    for file in package.files or []:
        if file.name in ("LICENSE", "LICENSE.txt", "LICENSE.md"):
            begin = " ".join(file.read_text(encoding="utf-8").split()[:4])
            return next((spdx for title, spdx in TITLES.items() if begin.startswith(title)), "")
    return ""


def entries() -> list[Entry]:
    """Every locked dependency that this machine's Python installs (Windows-only ones are not here)."""
    runtime = set(locked(ROOT / "requirements" / "lock.txt"))
    found = []
    for name in sorted(set(locked(ROOT / "requirements" / "dev.txt"))):
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        needed = "running" if name in runtime else "development"
        found.append(Entry(name, needed, licence_of(package)))
    return found


def page(rows: list[Entry]) -> str:
    """The table as Markdown."""
    lines = [
        "# Licences of what XBT builds on",
        "",
        "XBT itself is AGPL-3.0-or-later. Written by `make licences` from the packages' metadata; versions",
        "stand in `requirements/`. A test fails when a dependency's licence is unknown or incompatible.",
        "",
        "| package | needed for | licence |",
        "|---|---|---|",
    ]
    return "\n".join(lines + [f"| {row.name} | {row.needed} | {row.licence} |" for row in rows]) + "\n"


def main() -> int:
    """Write the page; name each dependency that must not be there."""
    rows = entries()
    PAGE.write_text(page(rows), encoding="utf-8")
    refused = [row for row in rows if not row.compatible]
    for row in refused:
        print(
            f"{row.name}: licence {row.licence or 'unknown'!r} is not known to be compatible", file=sys.stderr
        )
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
