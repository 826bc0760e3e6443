"""Where the demonstration lives: a folder, a database and secrets of its own.

Promises that nothing here can touch an installation's own data: every path is under ``<data_dir>/demo``,
whatever the environment says. The access file holds the passwords and the keys of the tickets, which no
real installation ever stores; it is readable by its owner only.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from web.demo.scenario import Scenario
from xbt.config import Settings, load_settings

ACCESS = "demo.json"
_SYLLABLES = tuple(consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou")


class Access(msgspec.Struct, frozen=True):
    """What has to be known again at the next start. ``played``: the story was told to its end."""

    passwords: dict[str, str]  # by e-mail
    ticket_keys: dict[str, str]  # by sample key; gives the ticket's code back, see xbt.services.intake
    played: bool = False


class NotADemo(Exception):
    """The folder holds something that the demonstration did not make; it is left alone."""


def demo_settings(port: int) -> Settings:
    """The settings of the demonstration below the configured data folder."""
    folder = (load_settings().data_dir / "demo").absolute()
    return load_settings(
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'xbt.sqlite3'}",
        libraries_dir=folder / "libraries",
        blobs_dir=folder / "blobs",
        quarantine_dir=folder / "quarantine",
        secret_key_file=folder / "secrets" / "secret_key",
        pepper_file=folder / "secrets" / "pepper",
        base_url=f"http://127.0.0.1:{port}",
        lease_seconds=15,  # nothing else works here: a job of a demonstration that was stopped is free soon
    )


def clear(folder: Path) -> None:
    """Remove the demonstration's folder.

    Raises
    ------
    NotADemo : it holds files but no access file.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / ACCESS).is_file():
        raise NotADemo(str(folder))
    shutil.rmtree(folder, ignore_errors=True)


def open_access(folder: Path, scenario: Scenario, random: Callable[[int], int] = secrets.randbelow) -> Access:
    """The access file, made with new passwords and keys if there is none yet.

    Parameters
    ----------
    random : a whole number from 0 to below its argument.

    Raises
    ------
    NotADemo : the folder holds other files.
    """
    file = folder / ACCESS
    if file.is_file():
        return msgspec.json.decode(file.read_bytes(), type=Access)
    if folder.exists() and any(folder.iterdir()):
        raise NotADemo(str(folder))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    access = Access(
        passwords={account.email: new_password(random) for account in scenario.account},
        ticket_keys={
            sample.key: "-".join(new_password(random) for _ in range(3)) for sample in scenario.sample
        },
    )
    save_access(folder, access)
    return access


def save_access(folder: Path, access: Access) -> None:
    """Write the access file whole or not at all."""
    part = folder / f".{ACCESS}.part"
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as target:
        target.write(msgspec.json.format(msgspec.json.encode(access)))
        target.flush()
        os.fsync(target.fileno())
    part.replace(folder / ACCESS)


def new_password(random: Callable[[int], int]) -> str:
    """Four speakable words of two syllables (49 bits), 19 characters."""
    return "-".join("".join(_SYLLABLES[random(len(_SYLLABLES))] for _ in range(2)) for _ in range(4))
