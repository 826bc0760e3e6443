"""Which measurements lie at a place: a file, an acquisition that is a folder, or whatever is below a folder.

Promises an order that does not depend on the machine; follows no link, and passes over hidden files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spectra.readers import READERS


def measurements(path: Path) -> Iterator[Path]:
    """Every file, and every folder that one reader takes as a whole, at or below ``path``.

    A file is given whether or not it can be read. A folder is an acquisition when a reader recognises it.
    """
    if not path.is_dir() or is_acquisition(path):
        yield path
        return
    for entry in sorted(path.iterdir()):
        if not entry.is_symlink() and not entry.name.startswith("."):
            yield from measurements(entry)


def is_acquisition(folder: Path) -> bool:
    """Whether a reader takes the folder as one measurement."""
    return any(reader.recognises(b"", folder) for reader in READERS)
