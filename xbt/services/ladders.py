"""Retention ladders, each kept with the GC method it was measured under.

Promises: what is kept is never changed; a newer ladder of the same method stands beside the older ones and
counts from then on.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from spectra.chromatography.retention import Ladder, ladder_from_json, ladder_to_json


def keep(folder: Path, ladder: Ladder) -> Path:
    """Store ``ladder`` in ``folder``, which is made where needed; the file it is in.

    Raises
    ------
    ValueError : the ladder does not name its method.
    OSError : the folder cannot be written.
    """
    if not ladder.method.strip():
        raise ValueError("a ladder is kept with its method, and this one names none")
    folder.mkdir(parents=True, exist_ok=True)
    number = max(map(_number, _kept(folder, ladder.method)), default=0) + 1
    path = folder / f"{_stem(ladder.method)}.{number}.json"
    with path.open("x", encoding="utf-8") as stream:  # of two at once, one is told to try again
        stream.write(ladder_to_json(ladder))
    return path


def of_method(folder: Path, method: str) -> Ladder | None:
    """The newest ladder that was kept for ``method``, None where there is none.

    Raises
    ------
    InvalidMeasurement : the file was changed and is no ladder any more.
    """
    newest = max(_kept(folder, method), key=_number, default=None)
    return ladder_from_json(newest.read_text(encoding="utf-8")) if newest else None


def _kept(folder: Path, method: str) -> list[Path]:
    return list(folder.glob(f"{_stem(method)}.*.json")) if method.strip() else []


def _number(path: Path) -> int:
    return int(path.suffixes[-2][1:])


def _stem(method: str) -> str:
    """Readable, and different for methods that differ in other signs alone."""
    name = method.strip().casefold()
    return f"{re.sub(r'[^a-z0-9]+', '-', name)[:40]}-{sha256(name.encode()).hexdigest()[:8]}"
