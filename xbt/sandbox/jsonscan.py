"""Looks at the brackets of a JSON file before a parser may see it.

Promises: what passes is nested at most 64 levels deep and not larger than 256 MiB (a parser needs about ten
times as much memory). Says nothing about the rest: a JSON parser refuses what is not JSON.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path

from spectra.errors import Fault, UnreadableFile

MAX_DEPTH = 64
MAX_BYTES = 256 * 1024 * 1024
_PART = re.compile(rb'"(?:[^"\\]|\\.?)*+(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)


def looks_like_json(head: bytes) -> bool:
    """Whether a parser of JSON would start."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def scan(path: Path) -> None:
    """Refuse a file that is too large or too deep.

    Raises
    ------
    UnreadableFile : TOO_LARGE or FORBIDDEN, with the byte.
    """
    if path.stat().st_size > MAX_BYTES:
        raise UnreadableFile(Fault.TOO_LARGE, expected=f"at most {MAX_BYTES >> 20} MB of JSON")
    depth = 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        for part in _PART.finditer(text):
            first = part[0][:1]
            depth += (first in b"[{") - (first in b"]}")
            if depth > MAX_DEPTH:
                where = f"byte {part.start()}"
                raise UnreadableFile(Fault.FORBIDDEN, where=where, expected=f"at most {MAX_DEPTH} levels")
