"""What a release says of itself, and what can be wrong with one.

Promises: the digest identifies content, source and licence; the signature covers every field. A release of
another schema is refused with what to do: import again what is older, update the program for what is newer.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from library.signing import Signature

SCHEMA = "xbt.library/2"
FILE = "manifest.json"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SCHEMA = re.compile(r"xbt\.library/(\d{1,6})")


class LibraryFault(StrEnum):
    """What is wrong with a library; the value is stable."""

    BAD_NAME = "bad_name"
    EMPTY = "empty"  # no record could be used
    UNKNOWN = "unknown"  # no release of that name
    DAMAGED = "damaged"  # a file is missing, cut short or changed
    SCHEMA = "schema"  # written by an earlier version, which this one does not read
    NEWER = "newer"  # written by a later version


class LibraryError(Exception):
    """A library cannot be built, found or opened: which, why, and names that come near."""

    def __init__(self, fault: LibraryFault, name: str, detail: str = "", near: Sequence[str] = ()) -> None:
        super().__init__(fault, name, detail, tuple(near))
        self.fault = fault
        self.name = name
        self.detail = detail
        self.near = tuple(near)

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        near = f"did you mean {' or '.join(self.near)}? " if self.near else ""
        return _SENTENCES[self.fault].format(name=self.name, detail=detail, near=near)


_SENTENCES = {
    LibraryFault.BAD_NAME: "{name!r} cannot be the name of a library{detail}",
    LibraryFault.EMPTY: "library {name!r}: no usable spectrum{detail}; does it hold reference spectra?",
    LibraryFault.UNKNOWN: "there is no library or file {name!r}; {near}list libraries with: xbt library list",
    LibraryFault.DAMAGED: "library {name!r} is damaged{detail}; delete this release and import it again",
    LibraryFault.SCHEMA: (
        "library {name!r} was made by an earlier version of the program{detail}; import its source again "
        "(the starter library: xbt init)"
    ),
    LibraryFault.NEWER: "library {name!r} was made by a newer version of the program{detail}; update yours",
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release says of itself.

    Parameters
    ----------
    spectra, compounds, ions : counted over all kinds; ``kinds`` holds the spectra of each, by its value.
    sha256, size : hash (hexadecimal) and bytes of each file, by its name without ``.npy``.
    digest : identifies content, source and licence, whatever the number and the time.
    """

    schema: str
    name: str
    number: int
    created: str
    source: str
    licence: str
    spectra: int
    compounds: int
    ions: int
    kinds: dict[str, int]
    software: str
    sha256: dict[str, str]
    size: dict[str, int]
    digest: str
    signature: Signature = field(default_factory=Signature)

    @property
    def message(self) -> bytes:
        """What is signed: everything but the signature."""
        values = {key: value for key, value in asdict(self).items() if key != "signature"}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).digest()


def check_name(name: str) -> None:
    """
    Raises
    ------
    LibraryError : the name could leave the folder, or is longer than 64 characters.
    """
    if not _NAME.fullmatch(name):
        raise LibraryError(LibraryFault.BAD_NAME, name, "letters, digits, '.', '_' and '-', at most 64")


def digest_of(hashes: Mapping[str, str], name: str, source: str, licence: str) -> str:
    """SHA-256 over the hashes of all files and what they are."""
    content = [SCHEMA, name, source, licence, *(f"{key} {hashes[key]}" for key in sorted(hashes))]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write and sync the manifest of the release in ``folder``."""
    with (folder / FILE).open("w", encoding="utf-8") as file:
        json.dump(asdict(manifest), file, indent=2, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    sync(folder)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the release in ``folder``.

    Raises
    ------
    LibraryError : there is none, it is damaged, or of another version.
    """
    label = f"{folder.parent.name} {folder.name}"
    try:
        values = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise LibraryError(LibraryFault.UNKNOWN, label, "no manifest") from error
    except ValueError as error:
        raise LibraryError(LibraryFault.DAMAGED, label, FILE) from error
    _check_schema(values, label)
    try:
        signature = Signature(**values.pop("signature"))
        manifest = Manifest(**values, signature=signature)
        _check_files(manifest)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise LibraryError(LibraryFault.DAMAGED, label, FILE) from error
    return manifest


def sync(path: Path) -> None:
    """Make a file, or what was made or renamed in a folder, survive a power cut (where the system can)."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_schema(values: object, label: str) -> None:
    stated = str(values.get("schema", "")) if isinstance(values, dict) else ""
    if stated == SCHEMA:
        return
    found = _SCHEMA.fullmatch(stated)
    if not found:
        raise LibraryError(LibraryFault.DAMAGED, label, FILE)
    newer = int(found[1]) > int(SCHEMA.rpartition("/")[2])
    raise LibraryError(LibraryFault.NEWER if newer else LibraryFault.SCHEMA, label, stated)


def _check_files(manifest: Manifest) -> None:
    """
    Raises
    ------
    ValueError : a file's name could leave the folder, or its size or hash is not told.
    """
    names = all(_KEY.fullmatch(key) for key in manifest.sha256)
    if not names or manifest.sha256.keys() != manifest.size.keys() or not manifest.sha256:
        raise ValueError(manifest.name)
    if not all(isinstance(size, int) for size in manifest.size.values()):
        raise ValueError(manifest.name)
