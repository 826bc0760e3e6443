"""Unpacks one archive into an empty folder, within bounds. Runs inside the confined child.

Reads zip, tar, tar.gz and gzip of a single file. A zip that is itself a measurement (OpenLab ``.dx``) or an
office document is examined like any other and left as it is.

Promises: at most 512 MiB come out, at most 50 times the packed size beyond 64 MiB, at most 5,000 members, at
most 8 levels deep, regular files and folders only, under names that are made here from letters, digits and
a few harmless signs; the directory of a zip is compared with the header before each member.
Refuses everything else; nothing is written outside the folder, nothing replaces anything.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from spectra.errors import Fault, UnreadableFile

MAX_BYTES = 512 * 1024 * 1024
FREE_BYTES = 64 * 1024 * 1024  # below this no ratio is suspicious
MAX_RATIO = 50
MAX_MEMBERS = 5000
MAX_DEPTH = 8
MAX_NAME = 120
_CHUNK = 256 * 1024
_FORBIDDEN_SIGN = re.compile(r"[^0-9A-Za-z._ +()@,=#-]")
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_GAP = 1024  # between members: checksums, alignment
_ENCRYPTED, _SIZE_FOLLOWS = 0x1, 0x8
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# Packages that are one file to their reader; nobody wants them as folders.
_PACKAGES = frozenset({"[Content_Types].xml", "injection.acmd", "mimetype"})
_ACQUISITIONS = (".d", ".raw", ".dx")  # folders that are one measurement, whatever lies in them
_NOISE = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
_AGAIN = "pack or copy it again"


def unpack(path: Path, folder: Path) -> str:
    """Unpack ``path``; what to read, relative to ``folder``, or "" for the archive itself.

    The single file or the single folder inside, or the whole when there is more.

    Raises
    ------
    UnreadableFile : FORBIDDEN, TOO_LARGE, TRUNCATED, MALFORMED, UNSUPPORTED or EMPTY, with the member.
    """
    with path.open("rb") as file:
        head = file.read(512)
        file.seek(0)
        room = _Room(folder / "content", path.stat().st_size)
        room.folder.mkdir()
        try:
            if head.startswith(b"PK"):
                if _unzip(file, room):
                    return ""
            elif head.startswith(b"\x1f\x8b"):
                _gunzip(file, room)
            else:
                _untar(file, room)
        except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as problem:
            raise _broken(problem) from None
    return _inside(room.folder, folder)


class _Source(Protocol):
    def read(self, size: int = -1, /) -> bytes:
        """At most so many bytes."""


@dataclass(slots=True)
class _Room:
    """Where members go, and how much still may."""

    folder: Path
    packed: int
    members: int = 0
    written: int = 0
    taken: set[str] = field(default_factory=set)

    def place(self, name: str) -> Path | None:
        """A new path for a member; None for what an operating system left beside it."""
        self.members += 1
        if self.members > MAX_MEMBERS:
            raise UnreadableFile(Fault.TOO_LARGE, expected=f"at most {MAX_MEMBERS} files in an archive")
        parts = _parts(name)
        if any(part in _NOISE or part.startswith("._") for part in parts):
            return None
        made = self.folder.joinpath(*(_harmless(part) for part in parts))
        key = str(made).lower()
        if key in self.taken:
            raise _forbidden(name, "names that differ")
        self.taken.add(key)
        return made

    def write(self, source: _Source, target: Path, name: str, announced: int | None = None) -> None:
        """Copy a member; it may not be longer than announced."""
        target.parent.mkdir(parents=True, exist_ok=True)
        length = 0
        with target.open("xb") as file:
            while chunk := source.read(_CHUNK):
                length += len(chunk)
                self.written += len(chunk)
                self.check(name)
                if announced is not None and length > announced:
                    raise _forbidden(name, f"{announced} bytes, as its directory says")
                file.write(chunk)
        if announced is not None and length != announced:
            raise UnreadableFile(
                Fault.TRUNCATED, where=_member(name), expected=f"{announced} bytes", remedy=_AGAIN
            )

    def check(self, name: str, more: int = 0) -> None:
        total = self.written + more
        if total > MAX_BYTES:
            limit = f"at most {MAX_BYTES >> 20} MB unpacked"
            raise UnreadableFile(
                Fault.TOO_LARGE, where=_member(name), expected=limit, remedy="export a shorter run"
            )
        if total > max(FREE_BYTES, MAX_RATIO * self.packed):
            raise _forbidden(name, f"at most {MAX_RATIO} times the packed size")


def _unzip(file: IO[bytes], room: _Room) -> bool:
    """Whether it is a package to be left as it is; otherwise everything was unpacked."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS:
            raise UnreadableFile(Fault.TOO_LARGE, expected=f"at most {MAX_MEMBERS} files in an archive")
        announced = 0
        for member in members:
            _check_member(member)
            announced += member.file_size
            room.check(member.orig_filename, announced)
        _check_headers(file, members)
        if any(member.filename in _PACKAGES for member in members):
            return True
        for member in members:
            target = room.place(member.orig_filename)
            if target is not None and not member.is_dir():
                with archive.open(member) as source:
                    room.write(source, target, member.orig_filename, member.file_size)
    return False


def _check_member(member: zipfile.ZipInfo) -> None:
    name = member.orig_filename
    _parts(name)
    kind = member.external_attr >> 28  # the upper bits of a Unix mode: 8 a file, 4 a folder, 0 not told
    if kind not in (0, 4, 8):
        raise _forbidden(name, "regular files only, no links or devices")
    if member.flag_bits & _ENCRYPTED:
        remedy = "pack it without a password"
        raise UnreadableFile(Fault.UNSUPPORTED, where=_member(name), expected="no password", remedy=remedy)
    if member.compress_type not in _METHODS:
        remedy = "pack it as an ordinary zip"
        raise UnreadableFile(
            Fault.UNSUPPORTED, where=_member(name), expected="deflate or store", remedy=remedy
        )


def _check_headers(file: IO[bytes], members: list[zipfile.ZipInfo]) -> None:
    """Each member's own header says what the directory says, and no two share their bytes."""
    end = 0
    for member in sorted(members, key=lambda one: one.header_offset):
        name = member.orig_filename
        if not end <= member.header_offset <= end + (_GAP if end else 0):
            raise _forbidden(name, "one member after the other from the first byte on")
        file.seek(member.header_offset)
        start = file.read(_LOCAL.size)
        if len(start) < _LOCAL.size:
            raise UnreadableFile(Fault.TRUNCATED, where=_member(name), expected="a header", remedy=_AGAIN)
        magic, _, flags, method, _, _, crc, packed, size, name_bytes, extra = _LOCAL.unpack(start)
        own_name = file.read(name_bytes)
        told = name.encode("utf-8" if member.flag_bits & 0x800 else "cp437", "replace")
        if magic != b"PK\x03\x04" or own_name != told or method != member.compress_type:
            raise _forbidden(name, "a header that agrees with the directory")
        sizes = (crc, packed, size)
        known = (member.CRC, member.compress_size, member.file_size)
        if not flags & _SIZE_FOLLOWS and 0xFFFFFFFF not in sizes and sizes != known:
            raise _forbidden(name, "a header that agrees with the directory")
        end = member.header_offset + _LOCAL.size + name_bytes + extra + member.compress_size


def _gunzip(file: IO[bytes], room: _Room) -> None:
    with gzip.open(file) as stream:
        packed_tar = is_tar(stream.read(512))
        stream.seek(0)
        if packed_tar:
            _untar(stream, room)
        else:
            room.write(stream, room.folder / "content", "content")


def is_tar(head: bytes) -> bool:
    """Whether a tar archive with the usual mark begins so."""
    return head[257:262] == b"ustar"


def _untar(file: _Source, room: _Room) -> None:
    """As a stream: what the archive says of itself is never believed beyond the limits."""
    with tarfile.open(fileobj=_Counted(file, room), mode="r|") as archive:
        for member in archive:
            if not (member.isreg() or member.isdir()) or member.issparse():
                raise _forbidden(member.name, "regular files only, no links or devices")
            target = room.place(member.name)
            room.check(member.name, member.size if member.isreg() else 0)
            if target is not None and member.isreg():
                source = archive.extractfile(member)
                if source is not None:
                    room.write(source, target, member.name, member.size)


class _Counted(io.RawIOBase):
    """A stream that gives no more than the room allows, headers and padding included."""

    def __init__(self, source: _Source, room: _Room) -> None:
        self._source, self._left = source, max(FREE_BYTES, min(MAX_BYTES, MAX_RATIO * room.packed)) * 5 // 4

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise UnreadableFile(Fault.FORBIDDEN, expected=f"at most {MAX_RATIO} times the packed size")
        return data


def _parts(name: str) -> list[str]:
    """The steps of a member's name."""
    name = name.replace("\\", "/")  # as some archivers of Windows write it
    if "\0" in name or name.startswith("/") or re.match(r"[A-Za-z]:", name):
        raise _forbidden(name, "a name inside the archive")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts and name.strip("./"):
        raise _forbidden(name, "a name inside the archive")
    if any(part == ".." or _DEVICES.fullmatch(part) for part in parts):
        raise _forbidden(name, "a name inside the archive")
    if len(parts) > MAX_DEPTH:
        raise _forbidden(name, f"at most {MAX_DEPTH} folders deep")
    return parts


def _harmless(part: str) -> str:
    """The name a member gets: its own; unusual signs are replaced, and a mark keeps such names apart."""
    clean = _FORBIDDEN_SIGN.sub("_", part)[-MAX_NAME:].strip(" ")
    if clean == part and clean.strip("."):
        return clean
    mark = hashlib.blake2b(part.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{mark}-{clean}" if clean.strip(".") else mark


def _inside(content: Path, folder: Path) -> str:
    found = content
    while found.is_dir():
        entries = list(found.iterdir())
        if len(entries) != 1 or (entries[0].is_dir() and _is_acquisition(found, entries[0])):
            break
        found = entries[0]
    if found.is_dir() and not any(part.is_file() for part in found.rglob("*")):
        raise UnreadableFile(Fault.EMPTY, expected="a file in the archive")
    return found.relative_to(folder).as_posix()


def _is_acquisition(folder: Path, inside: Path) -> bool:
    """Whether the folder is one measurement, so that the folder in it says nothing without it."""
    return folder.suffix.lower() in _ACQUISITIONS or inside.name.lower() == "acqdata"


def _member(name: str) -> str:
    return f"member {name[:100].encode('ascii', 'replace').decode()!r}"


def _forbidden(name: str, expected: str) -> UnreadableFile:
    remedy = "pack the folder again on the instrument's computer"
    return UnreadableFile(Fault.FORBIDDEN, where=_member(name), expected=expected, remedy=remedy)


def _broken(problem: Exception) -> UnreadableFile:
    cut = isinstance(problem, EOFError) or "end of data" in str(problem) or "truncated" in str(problem)
    fault = Fault.TRUNCATED if cut else Fault.MALFORMED
    return UnreadableFile(fault, expected="a whole archive", remedy=_AGAIN)
