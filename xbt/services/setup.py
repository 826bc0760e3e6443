"""Making a new installation: folders, secrets, database, starter library. Again, it changes nothing."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from library.release import BuildReport, build_release
from library.signing import make_key, read_key
from library.starter import LICENCE, SOURCE, starter_records
from xbt.config import Settings
from xbt.db import upgrade

STARTER = "starter"
_OWNER_READS = 0o400
_OWNER_ONLY = 0o700


@dataclass(frozen=True, slots=True)
class Installed:
    """What `initialise` found or made."""

    data_dir: Path
    new_secrets: tuple[str, ...]
    library: str  # "name version"
    spectra: int
    new_library: bool


def initialise(settings: Settings) -> Installed:
    """Make whatever is missing of an installation; nothing that exists is replaced.

    Raises
    ------
    PermissionError : the data folder cannot be written.
    """
    _make_folders(settings)
    wanted = (
        (settings.secret_key_file, secrets.token_hex(32).encode()),
        (settings.pepper_file, secrets.token_bytes(32)),
    )
    made = tuple(path.name for path, content in wanted if _make_secret(path, content))
    upgrade(settings.database_url)
    report = install_starter(settings)
    return Installed(
        data_dir=settings.data_dir,
        new_secrets=made,
        library=f"{report.name} {report.number}",
        spectra=report.kept,
        new_library=not report.existed,
    )


def install_starter(settings: Settings) -> BuildReport:
    """The starter library of this version, built and signed unless it is there already.

    Raises
    ------
    PermissionError : the folder of the libraries cannot be written.
    """
    settings.library_key_file.parent.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
    make_key(settings.library_key_file)
    return build_release(
        starter_records(),
        settings.libraries_dir,
        name=STARTER,
        source=SOURCE,
        licence=LICENCE,
        key=read_key(settings.library_key_file),
    )


def _make_folders(settings: Settings) -> None:
    for folder in (
        settings.data_dir,
        settings.secret_key_file.parent,
        settings.pepper_file.parent,
        settings.libraries_dir,
        settings.blobs_dir,
        settings.quarantine_dir,
    ):
        folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)


def _make_secret(path: Path, content: bytes) -> bool:
    """Write a secret that only its owner can read; False if there is one already."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_READS)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())
    return True
