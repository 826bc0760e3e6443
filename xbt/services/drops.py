"""What a person dropped on the page, sorted into acquisitions; a folder of files becomes one zip.

Promises that names alone decide what belongs together (no uploaded byte is looked at): a folder is one
acquisition when `spectra.folders` says so, otherwise each file in it is one. Hidden files and what an
operating system leaves behind are passed over. The same folder gives the same zip, byte for byte, whatever
the order, the dates or the computer it comes from.
Refuses a whole folder for one bad name in it: half a measurement would look like a whole one.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from spectra.folders import measurements
from xbt.domain.errors import UploadRefused

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_FILES = 5000  # of one acquisition; the gate takes no more either
MAX_STEPS = 12  # from the folder that was chosen down to a file
MAX_NAME = 200  # characters of one step
PACKED_HERE = b"a folder, packed by XBT"

_CHUNK = 1 << 20
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can tell
_REGULAR = 0o100644 << 16
_NOISE = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
_BAD_SIGN = re.compile(r"[\x00-\x1f\x7f\\]")
_UNUSUAL_SIGN = re.compile(r"[^0-9A-Za-z._ +()@,=#-]")


@dataclass(frozen=True, slots=True)
class Part:
    """One file as a browser sends it; within a folder ``path`` begins with the folder's name."""

    path: str
    stream: IO[bytes]


@dataclass(frozen=True, slots=True)
class Dropped:
    """One acquisition to be, or why it cannot be one."""

    name: str
    members: tuple[Part, ...] = ()  # of a folder: paths within it
    file: Part | None = None
    refusal: UploadRefused | None = None

    def open(self) -> IO[bytes]:
        """The bytes to be stored: the file as it is, or the folder as a zip.

        Raises
        ------
        UploadRefused : ``bad_name``, ``too_deep``, ``same_name``, ``too_many_files`` or ``empty``.
        """
        if self.refusal is not None:
            raise self.refusal
        return self.file.stream if self.file is not None else packed(self.members)


def sort_out(parts: Iterable[Part], scratch: Path) -> list[Dropped]:
    """The acquisitions among ``parts``: single files first, then folders, each in the order they came.

    ``scratch`` is an existing folder where an empty copy of the tree may stand for a moment.
    """
    given = list(parts)
    folders: dict[str, list[Part]] = {}
    for part in given:
        if "/" in part.path:
            folders.setdefault(part.path.split("/")[0], []).append(part)
    alone = [_single(part) for part in given if "/" not in part.path]
    return alone + [one for top, inside in folders.items() for one in _of_folder(top, inside, scratch)]


def packed(members: Iterable[Part]) -> BinaryIO:
    """A zip of ``members`` to be read once from its beginning, made while it is read, nothing compressed
    (so that no version of a compressor changes a byte)."""
    return io.BufferedReader(_Flow(_zip(sorted(members, key=lambda one: one.path))), _CHUNK)


def is_packed_here(stream: IO[bytes]) -> bool:
    """Whether a stored file is a folder that was packed by `packed`."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(size - len(PACKED_HERE), 0))
    return stream.read() == PACKED_HERE


def _single(part: Part) -> Dropped:
    return Dropped(part.path, file=part)


def _of_folder(top: str, parts: list[Part], scratch: Path) -> list[Dropped]:
    try:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            tree = Path(folder)
            standing = _stand_in(tree, _checked(parts))
            found = measurements(next(tree.iterdir()))
            return [one for place in found for one in _acquisitions(place, tree, standing)]
    except UploadRefused as refusal:
        return [Dropped(top, refusal=refusal)]


def _checked(parts: list[Part]) -> dict[tuple[str, ...], Part]:
    """Every part that matters by the steps of its path."""
    kept: dict[tuple[str, ...], Part] = {}
    taken = set()
    for part in parts:
        steps = _steps(part.path)
        if any(step.startswith(".") or step.lower() in _NOISE for step in steps[1:]):
            continue
        key = part.path.casefold()
        if key in taken:
            raise UploadRefused("same_name", part=part.path)
        taken.add(key)
        kept[steps] = part
    if not any(_size(part) for part in kept.values()):
        raise UploadRefused("empty")
    return kept


def _steps(path: str) -> tuple[str, ...]:
    steps = tuple(path.split("/"))
    if len(steps) > MAX_STEPS:
        raise UploadRefused("too_deep", part=path, limit=str(MAX_STEPS))
    for step in steps:
        if step.strip() in ("", ".", "..") or len(step) > MAX_NAME or _BAD_SIGN.search(step):
            raise UploadRefused("bad_name", part=step or path)
    return steps


_Standing = dict[Path, list[tuple[tuple[str, ...], Part]]]


def _stand_in(folder: Path, kept: dict[tuple[str, ...], Part]) -> _Standing:
    """An empty file for every part: readers tell their folders by the names in them."""
    standing: _Standing = {}
    for steps, part in kept.items():
        place = folder.joinpath(*(_UNUSUAL_SIGN.sub("_", step) for step in steps))
        if place not in standing:
            _touch(place, part)
        standing.setdefault(place, []).append((steps, part))
    return standing


def _touch(place: Path, part: Part) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch(exist_ok=False)
    except OSError:  # a file where a folder should be, or a name this machine does not take
        raise UploadRefused("bad_name", part=part.path) from None


def _acquisitions(place: Path, folder: Path, standing: _Standing) -> list[Dropped]:
    if not place.is_dir():
        return [Dropped(steps[-1], file=part) for steps, part in standing[place]]
    inside = [one for file, parts in standing.items() if place in file.parents for one in parts]
    return [_folder(inside, len(place.relative_to(folder).parts))]


def _folder(inside: list[tuple[tuple[str, ...], Part]], depth: int) -> Dropped:
    members = tuple(Part("/".join(steps[depth:]), part.stream) for steps, part in inside)
    name = inside[0][0][depth - 1]
    if len(members) > MAX_FILES:
        return Dropped(name, refusal=UploadRefused("too_many_files", limit=str(MAX_FILES)))
    if not any(map(_size, members)):
        return Dropped(name, refusal=UploadRefused("empty"))
    return Dropped(name, members)


def _size(part: Part) -> int:
    size = part.stream.seek(0, os.SEEK_END)
    part.stream.seek(0)
    return size


class _Flow(io.RawIOBase):
    """Chunks as a stream."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        target = memoryview(buffer).cast("B")
        length = min(len(target), len(self._rest))
        target[:length], self._rest = self._rest[:length], self._rest[length:]
        return length


class _Outlet:
    """Where `zipfile` writes to; it cannot go back, so sizes follow each member."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._waiting.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing lies behind it."""

    def taken(self) -> bytes:
        waiting, self._waiting = self._waiting, []
        return b"".join(waiting)


def _zip(members: list[Part]) -> Iterator[bytes]:
    outlet = _Outlet()
    with zipfile.ZipFile(cast("IO[bytes]", outlet), "w") as archive:
        archive.comment = PACKED_HERE
        for member in members:
            with archive.open(_entry(member), "w") as target:
                while chunk := member.stream.read(_CHUNK):
                    target.write(chunk)
                    yield outlet.taken()
    yield outlet.taken()


def _entry(member: Part) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(member.path, _DATE)
    entry.create_system, entry.external_attr, entry.file_size = 3, _REGULAR, _size(member)
    return entry
