"""What a file must be before any process looks into it.

Promises: a regular file (or a folder of regular files) within the size limit, not empty; says whether it is
an archive that is unpacked first, and whether its content could be taken for XML by any parser, in any
encoding.
Refuses: empty, too large, links, pipes and devices, archives that are not unpacked here, XML
in other encodings than UTF-8, ASCII and Latin-1. Reads no more than the first 64 KiB.
"""

from __future__ import annotations

import stat
from pathlib import Path

from spectra.errors import Fault, UnreadableFile

HEAD_BYTES = 64 * 1024
MAX_UNPACKED = 512 * 1024 * 1024
MAX_FOLDER_FILES = 5000
MAX_FOLDER_DEPTH = 8

_ARCHIVES = (b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06")  # gzip, zip; a tar has its mark at byte 257
_PACKED = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
}
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_XML_MARKS = (b"<?xml", b"<!doctype", b"<!entity", b"<mzml", b"<indexedmzml")
# Containers of vendors that hold XML of their own somewhere; no XML parser takes what begins like this.
_BINARY = (b"\xd0\xcf\x11\xe0", b"\x01\xa1F\0", b"SQLite format 3\0", b"\x89HDF\r\n", b"CDF\x01", b"CDF\x02")
_SPECTRAL_LIBRARY = b"<mzspeclib>"  # lines of text under the name of a tag; no XML parser is asked for them
_OTHER_ROOTS = (b"<mzxml", b"<msrun", b"<mzdata")
_EBCDIC_XML = b"\x4c\x6f\xa7\x94"  # "<?xm" in every EBCDIC code page


def check(path: Path, *, max_bytes: int) -> bool:
    """Refuse what no reader should be started for; whether it has to be unpacked first.

    Raises
    ------
    UnreadableFile : EMPTY, TOO_LARGE, FORBIDDEN (link, pipe, device), UNSUPPORTED (packed, XML encoding).
    """
    if path.is_dir():
        _check_folder(path, max_bytes)
        return False
    size = _regular_size(path)
    if size == 0:
        raise UnreadableFile(Fault.EMPTY, remedy="export or copy the file again")
    if size > max_bytes:
        raise _too_large(max_bytes)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(_ARCHIVES) or head[257:262] == b"ustar":
        return True
    check_head(head)
    return False


def check_head(head: bytes) -> None:
    """Refuse archives that are not unpacked here and XML in an encoding that a gate cannot see through."""
    for magic, kind in _PACKED.items():
        if head.startswith(magic):
            raise UnreadableFile(
                Fault.UNSUPPORTED,
                where="byte 0",
                expected=f"a measurement, not a {kind} archive",
                remedy="unpack it first and hand in the file inside",
            )
    if _EBCDIC_XML in head[:64] or (looks_like_xml(head) and (head.startswith(_WIDE_BOMS) or b"\0" in head)):
        raise UnreadableFile(
            Fault.UNSUPPORTED,
            where="byte 0",
            expected="XML in UTF-8, ASCII or Latin-1",
            remedy="export it again as UTF-8",
        )


def looks_like_xml(head: bytes) -> bool:
    """Whether any parser could take this for XML; rather one file too many than one too few."""
    if head.startswith(_BINARY):
        return False
    text = head.replace(b"\0", b"").lower()
    start = text.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\v\f")
    marked = any(mark in text for mark in _XML_MARKS)
    if start.startswith(_SPECTRAL_LIBRARY) and not any(root in text for root in _OTHER_ROOTS):
        return marked
    return marked or start.startswith(b"<")


def _regular_size(path: Path) -> int:
    """Size of what the path leads to; a pipe or a device is refused without being opened."""
    try:
        found = path.stat()
    except OSError:
        raise UnreadableFile(Fault.FORBIDDEN, expected="a file that exists and may be read") from None
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableFile(Fault.FORBIDDEN, expected="a regular file, not a pipe, link or device")
    return found.st_size


def _check_folder(folder: Path, max_bytes: int) -> None:
    total = 0
    for files, item in enumerate(sorted(folder.rglob("*"))):
        mode = item.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise UnreadableFile(Fault.FORBIDDEN, expected="a folder of regular files, without links")
        total += item.lstat().st_size if stat.S_ISREG(mode) else 0
        if files >= MAX_FOLDER_FILES or len(item.relative_to(folder).parts) > MAX_FOLDER_DEPTH:
            raise UnreadableFile(Fault.TOO_LARGE, expected="the folder of one acquisition")
        if total > max_bytes:
            raise _too_large(max_bytes)
    if total == 0:
        raise UnreadableFile(Fault.EMPTY, remedy="copy the whole folder again")


def _too_large(max_bytes: int) -> UnreadableFile:
    return UnreadableFile(
        Fault.TOO_LARGE,
        expected=f"at most {max_bytes // (1024 * 1024)} MB",
        remedy="export the run in centroid mode or with a narrower mass range",
    )
