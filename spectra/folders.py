"""Which measurements lie at a place: a file, an acquisition that is a folder, or whatever is below a folder.

Promises an order that does not depend on the machine; follows no link, and passes over hidden files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spectra.readers import READERS

# Folders that instruments write: handed to the readers as one, so that one that is not read is refused once.
_OF_INSTRUMENTS = frozenset({".d", ".raw", ".dx"})


def measurements(path: Path) -> Iterator[Path]:
    """Every file, and every folder that one reader takes as a whole, at or below ``path``.

    A file is given whether or not it can be read, and so is a folder named as instruments name theirs.
    """
    if not path.is_dir() or is_acquisition(path):
        yield path
        return
    for entry in sorted(path.iterdir()):
        if not entry.is_symlink() and not entry.name.startswith("."):
            yield from measurements(entry)


def is_acquisition(folder: Path) -> bool:
    """Whether the folder is one measurement: it is named as instruments name theirs, or a reader takes it."""
    named = folder.suffix.lower() in _OF_INSTRUMENTS
    return named or any(reader.recognises(b"", folder) for reader in READERS)
