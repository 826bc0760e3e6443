"""On how many real files each reader was tried: figures that the benchmark of the formats renews.

The figures say how many files and folders of real instruments a reader has read, and how many it refused
with a reason (damaged, cut off, or a variant that is not read). No file is named.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TESTED = Path(__file__).parent / "readers" / "tested.toml"


@dataclass(frozen=True, slots=True, order=True)
class Tried:
    """Real files of one reader: how many were read, how many refused."""

    reader: str
    read: int
    refused: int


def load_tested(path: Path = TESTED) -> dict[str, Tried]:
    """The figures by name of the reader.

    Raises
    ------
    OSError, ValueError, KeyError : the file is missing or is not one that `write_tested` made.
    """
    rows = tomllib.loads(path.read_text("utf-8"))["tested"]
    return {row["reader"]: Tried(row["reader"], int(row["read"]), int(row["refused"])) for row in rows}


def write_tested(rows: Iterable[Tried], path: Path = TESTED) -> None:
    """Replace the figures."""
    head = "# How many real files each reader read and refused; tests/benchmarks/bench_formats.py --write\n"
    entries = [
        f'\n[[tested]]\nreader = "{row.reader}"\nread = {row.read}\nrefused = {row.refused}\n'
        for row in sorted(rows)
    ]
    path.write_text(head + "".join(entries), "utf-8")
