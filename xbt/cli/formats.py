"""The table of formats that are read: from the registry of readers and the figures of the benchmark."""

from __future__ import annotations

import msgspec

from spectra.readers import READERS
from spectra.tested import load_tested

BEGIN, END = "<!-- begin: xbt files formats --markdown -->", "<!-- end -->"


class Known(msgspec.Struct, frozen=True):
    """A reader, what it reads, and how many real files it has read and refused."""

    reader: str
    formats: tuple[str, ...]
    read: int
    refused: int


def known_formats() -> list[Known]:
    """Every reader that reads something, in the order they are asked."""
    tested = load_tested()
    rows = []
    for reader in READERS:
        tried = tested.get(reader.name)
        if reader.formats:
            read, refused = (tried.read, tried.refused) if tried else (0, 0)
            rows.append(Known(reader.name, tuple(reader.formats), read, refused))
    return rows


def as_markdown(rows: list[Known]) -> str:
    """The table as it stands in docs/formats.md."""
    head = ["| format | reader | real files read | refused, with the reason |", "|---|---|---:|---:|"]
    body = [f"| {'; '.join(row.formats)} | `{row.reader}` | {row.read} | {row.refused} |" for row in rows]
    return "\n".join([*head, *body]) + "\n"
