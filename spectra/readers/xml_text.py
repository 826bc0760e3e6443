"""What an XML measurement file must be before a parser may see it, whoever else has looked before.

A DTD or an entity is forbidden whatever it does, encodings that could hide one are refused, the announced
array lengths must stay within the limits and the announced numbers of spectra within what the text has room
for (libraries make room for them at once), and the closing tag must be there. The sandbox parses the whole
text besides; this is the second line, for readers used without it.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from xml.parsers import expat

from spectra.errors import Fault, UnreadableFile
from spectra.readers.scans import MAX_SCANS, check_limits

_ENCODING = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_ENCODINGS = (b"utf-8", b"iso-8859-1", b"us-ascii", b"ascii", b"windows-1252", b"latin1")
_LEAST_BYTES = 16  # of any spectrum, however little it says
_BELIEVED = 100_000  # spectra cost no more than 40 MB; excerpts of real files announce what the whole had
_DECLARATION = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def begins_as_xml(head: bytes) -> bool:
    """Whether the first thing behind a byte order mark and blanks is a tag."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def check_text(path: Path, *, root: str, length: re.Pattern[bytes]) -> None:
    """Refuse what must not be parsed.

    Parameters
    ----------
    root : name of the element that must be closed. length : pattern whose first group is an announced length,
    or whose second group is the announced number of spectra or chromatograms in a list.

    Raises
    ------
    UnreadableFile : FORBIDDEN, UNSUPPORTED (encoding), TRUNCATED, MALFORMED or TOO_LARGE.
    """
    closing = f"</{root}>".encode()
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        refuse_declarations(text, root)
        if text.find(closing, max(0, len(text) - 2**20)) < 0 and text.find(closing) < 0:
            raise UnreadableFile(
                Fault.TRUNCATED,
                where=f"byte {len(text)}",
                expected=f"the closing tag </{root}>",
                remedy="Copy or export the file again.",
            )
        lengths = []
        for found in length.finditer(text):
            if found[2]:
                _check_number(int(found[2]), len(text), found.start())
            else:
                lengths.append(int(found[1]))
        check_limits(lengths)


def _check_number(announced: int, size: int, start: int) -> None:
    room = min(max(size // _LEAST_BYTES, _BELIEVED), MAX_SCANS)
    if not 0 <= announced <= room:
        raise UnreadableFile(
            Fault.MALFORMED,
            where=f"byte {start}",
            expected=f"a list of 0 to {room} (what this file has room for), not of {announced}",
            remedy="Export the file again.",
        )


def refuse_declarations(text: bytes | mmap.mmap, what: str, *, also: tuple[bytes, ...] = ()) -> None:
    """Refuse a DTD, an entity, or an encoding that could hide one; ``also`` names encodings seen through.

    Raises
    ------
    UnreadableFile : FORBIDDEN or UNSUPPORTED.
    """
    encoding = _ENCODING.match(text)
    if encoding and encoding[1].lower() not in (*_ENCODINGS, *also):
        raise UnreadableFile(Fault.UNSUPPORTED, where="line 1", expected="UTF-8")
    declaration = _DECLARATION.search(text)
    if declaration:
        where = f"byte {declaration.start()}"
        raise UnreadableFile(Fault.FORBIDDEN, where=where, expected=f"{what} without a DTD or entities")


def malformed(path: Path, what: str) -> UnreadableFile:
    """The libraries do not say where; a plain XML parser may (there is no declaration left to obey)."""
    where = ""
    with path.open("rb") as stream:
        try:
            expat.ParserCreate().ParseFile(stream)
        except expat.ExpatError as error:
            where = f"line {error.lineno}"
    return UnreadableFile(
        Fault.MALFORMED, where=where, expected=f"well-formed {what}", remedy="Export the file again."
    )
