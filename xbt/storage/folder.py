"""Blobs in a folder, named by the SHA-256 of their content.

Promises that a blob is either wholly there or not there at all, whenever the process or the machine stops:
the bytes go to ``incoming/<random>.part``, are flushed to the disk, and only then renamed to
``blobs/ab/cd/<sha256>``, whose folder is flushed in turn. Refuses any name that is not a SHA-256, so it
cannot be talked out of its root.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Protocol

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 20


class BlobTooLarge(Exception):
    """More bytes came than were allowed; nothing was kept."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored blob: its name and its size in bytes."""

    sha256: str
    size: int


class BlobStore(Protocol):
    """Bytes by the hash of their content."""

    def put(self, stream: IO[bytes], *, limit: int | None = None) -> Blob:
        """Store all bytes of ``stream``; the same bytes again give the same blob.

        Raises
        ------
        BlobTooLarge : there are more than ``limit`` bytes.
        """

    def open(self, sha256: str) -> BinaryIO:
        """The bytes, for reading. Raises KeyError for an unknown or malformed name."""

    def path(self, sha256: str) -> Path:
        """A file that holds the bytes. Raises KeyError like `open`."""

    def exists(self, sha256: str) -> bool:
        """Whether a blob of this name is there."""


class FolderStore:
    """A `BlobStore` in ``root``; folders are made when first needed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, stream: IO[bytes], *, limit: int | None = None) -> Blob:
        incoming = self.root / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        part = incoming / f"{uuid.uuid4().hex}.part"
        try:
            blob = _write(stream, part, limit)
            self._keep(part, blob.sha256)
        finally:
            part.unlink(missing_ok=True)
        return blob

    def open(self, sha256: str) -> BinaryIO:
        return self.path(sha256).open("rb")

    def path(self, sha256: str) -> Path:
        if not self.exists(sha256):
            raise KeyError(sha256)
        return self._place(sha256)

    def exists(self, sha256: str) -> bool:
        return bool(_SHA256.fullmatch(sha256)) and self._place(sha256).is_file()

    def sweep(self, before: float) -> int:
        """Delete what interrupted uploads left behind before this time (s since 1970). Returns how many."""
        old = [part for part in (self.root / "incoming").glob("*.part") if part.stat().st_mtime < before]
        for part in old:
            part.unlink(missing_ok=True)
        return len(old)

    def _keep(self, part: Path, sha256: str) -> None:
        place = self._place(sha256)
        if place.is_file():
            return
        _make_folders(place.parent, self.root)
        part.replace(place)
        _flush_folder(place.parent)

    def _place(self, sha256: str) -> Path:
        return self.root / "blobs" / sha256[:2] / sha256[2:4] / sha256


def _write(stream: IO[bytes], part: Path, limit: int | None) -> Blob:
    digest, size = hashlib.sha256(), 0
    with part.open("xb") as target:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if limit is not None and size > limit:
                raise BlobTooLarge(limit)
            digest.update(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    part.chmod(0o440)
    return Blob(digest.hexdigest(), size)


def _make_folders(folder: Path, root: Path) -> None:
    """Make the folders down to ``folder`` and flush each parent, so that none is lost to a power cut."""
    missing = [level for level in (folder, *folder.parents) if root in level.parents and not level.exists()]
    for level in reversed(missing):
        level.mkdir(exist_ok=True)
        _flush_folder(level.parent)


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows flushes folder entries itself and cannot open a folder
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
