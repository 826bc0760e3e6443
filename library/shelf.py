"""Which libraries to search: by the name of an installed one, or by the file of one that is not.

A file is turned into a release once and kept in a cache under the hash of its bytes, so that the second
search opens in milliseconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from library.formats import read_library
from library.release import Release, build_release, installed_names, newest_release, open_release, releases
from library.starter import LICENCE, SOURCE, starter_records

STARTER = "starter"


def open_wanted(wanted: Sequence[str], installed: Path, cache: Path) -> list[Release]:
    """The libraries asked for, each by name or file; if none is, all installed ones, else the starter.

    Parameters
    ----------
    wanted : names of libraries below ``installed``, or paths of library files (MSP, MGF, JCAMP-DX …).
    installed : folder of installed libraries; need not exist.
    cache : folder for releases made from files; made when needed.

    Raises
    ------
    LibraryError : a name is not known, or a file holds no usable record.
    """
    if wanted:
        return [_open(one, installed, cache) for one in wanted]
    return open_installed(installed) or [_starter(cache)]


def open_installed(installed: Path) -> list[Release]:
    """The newest release of every installed library, in order of name."""
    return [newest_release(installed, name) for name in installed_names(installed)]


def _open(one: str, installed: Path, cache: Path) -> Release:
    path = Path(one)
    if path.is_file():
        return _from_file(path, cache)
    if one == STARTER and not (installed / STARTER).is_dir():
        return _starter(cache)
    return newest_release(installed, one)


def _from_file(path: Path, cache: Path) -> Release:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    shelf = cache / digest[:32]
    name = "".join(c if c.isalnum() or c in "._-" else "_" for c in path.stem)[:48].lstrip("._-") or "file"
    if any(manifest.name == name for manifest in releases(shelf)):
        return newest_release(shelf, name)
    report = build_release(read_library(path), shelf, name=name, source=path.name, licence="not stated")
    return open_release(report.directory)


def _starter(cache: Path) -> Release:
    report = build_release(starter_records(), cache, name=STARTER, source=SOURCE, licence=LICENCE)
    return open_release(report.directory)
