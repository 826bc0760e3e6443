"""Reads an XML file once from end to end before a measurement parser may see it.

Promises: what passes has no document type, no entity, no processing of anything outside itself, at most 64
levels, tags below 1 MiB, an encoding every parser agrees about, and arrays (of mzML, mzXML and mzData) whose
declared lengths are sane, summed over the file, and large enough for what their text can hold; packed arrays
of more than 64 KiB are unpacked once, piece by piece, to see that they hold no more than they declare.
Refuses everything else. Runs inside the confined child.

The parser that decides all this (expat) is not shown long texts, which make up almost the whole of a large
file. What is left out lies between a ``>`` and the next ``<``, is ASCII without zero bytes, and holds neither
``>``, ``&`` nor quotes: no comment, section, instruction, tag, attribute or document type can begin or end in
it, wherever it stands, so that the parser sees the same tags as any other. (Were that first ``>`` part of an
attribute, the ``<`` would be part of it too, which no parser lets pass.)
"""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, NoReturn
from xml.parsers import expat  # entities and document types are refused below, which defusedxml does too

from spectra.errors import Fault, UnreadableFile

CHUNK = 256 * 1024
MAX_PIECE = 64 * 1024 * 1024  # more than the text of the longest array allowed
LONG_TEXT = 1024
MAX_TAG_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_SPECTRUM_POINTS = 2_000_000
MAX_POINTS = 20_000_000
PACKED_BYTES = 64 * 1024  # of text; what is shorter cannot grow beyond 50 MB
_MARKS = (b">", b"&", b'"', b"'", b"\0")
_ZLIB = frozenset({"MS:1000574", "MS:1002746", "MS:1002747", "MS:1002748"})  # plain and after numpress
ENCODINGS = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "iso8859-1", "latin-1", "latin1"})


def scan(path: Path) -> None:
    """Refuse a file that is not plain, bounded XML.

    Raises
    ------
    UnreadableFile : FORBIDDEN, UNSUPPORTED, MALFORMED, TRUNCATED or TOO_LARGE, with the line.
    """
    with path.open("rb") as file, path.open("rb") as again:
        watch = _Watch(again)
        try:
            for piece, whole in _pieces(file):
                _show(piece, whole, watch)
            watch.parser.Parse(b"", True)
        except expat.ExpatError as problem:
            raise _not_xml(problem, watch.lines) from None


def forbid_entities(path: Path) -> None:
    """Refuse a document that defines entities; anything else that may be wrong with it is left to its reader.

    Raises
    ------
    UnreadableFile : FORBIDDEN, with the line.
    """
    parser = expat.ParserCreate()

    def refuse(*_arguments: object) -> NoReturn:
        where = f"{path.name} line {parser.CurrentLineNumber}"
        raise UnreadableFile(Fault.FORBIDDEN, where=where, expected="a file without entities")

    parser.EntityDeclHandler = refuse
    with path.open("rb") as file:
        try:
            parser.ParseFile(file)
        except expat.ExpatError:
            return


def _pieces(file: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The whole file in pieces, and whether each ends before a ``<``, as all do that are not too long."""
    begun: list[bytes] = []
    length = 0
    while chunk := file.read(CHUNK):
        begun.append(chunk)
        length += len(chunk)
        cut = chunk.rfind(b"<")
        if cut >= 0 or length > MAX_PIECE:
            cut = cut if cut >= 0 else len(chunk)
            begun[-1] = chunk[:cut]
            yield b"".join(begun), cut < len(chunk)
            begun, length = [chunk[cut:]], len(chunk) - cut
    yield b"".join(begun), False


def _show(piece: bytes, whole: bool, watch: _Watch) -> None:
    """Feed a piece, but for its long texts."""
    fed = 0
    for start, end in _long_stretches(piece, whole):
        begin = piece.find(b">", start, end) + 1
        if begin and end - begin >= LONG_TEXT and _holds_no_mark(text := piece[begin:end]):
            watch.feed(piece[fed:begin])
            watch.leave_out(text)
            fed = end
    watch.feed(piece[fed:])


def _holds_no_mark(text: bytes) -> bool:
    return text.isascii() and not any(mark in text for mark in _MARKS)


def _long_stretches(piece: bytes, whole: bool) -> Iterator[tuple[int, int]]:
    """From each ``<`` with no other near behind it to the next."""
    start = piece.find(b"<")
    while start >= 0:
        end = piece.find(b"<", start + 1 + LONG_TEXT)
        last = end < 0
        start = piece.rfind(b"<", start, len(piece) if last else end)
        if not last:
            yield start, end
        elif whole:
            yield start, len(piece)
        start = end


class _Watch:
    """An expat parser that keeps no text, and what it has counted so far."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file  # the same once more, to look into a packed array
        self.parser = expat.ParserCreate()
        self.fed = self.left_out = self.lines = 0  # bytes, bytes, and line ends among those left out
        self.depth = 0
        self.points = 0
        self.length = 0  # declared length of the arrays of the open spectrum or chromatogram
        self.array = 0  # declared length of the open array
        self.packed = False
        self.text_start = 0
        self.parser.XmlDeclHandler = self._declaration
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._doctype
        self.parser.ExternalEntityRefHandler = self._doctype
        self.parser.StartElementHandler = self._open
        self.parser.EndElementHandler = self._close

    def feed(self, text: bytes) -> None:
        for start in range(0, len(text), CHUNK):
            part = text[start : start + CHUNK]
            self.parser.Parse(part, False)
            self.fed += len(part)
            if self.fed - self.parser.CurrentByteIndex > CHUNK + MAX_TAG_BYTES:
                raise self.error(Fault.TOO_LARGE, "tags of less than 1 MiB")

    def leave_out(self, text: bytes) -> None:
        self.left_out += len(text)
        self.lines += text.count(b"\n")

    @property
    def place(self) -> int:
        """Where in the file the tag stands that the parser is at."""
        return self.parser.CurrentByteIndex + self.left_out

    def error(self, fault: Fault, expected: str, remedy: str = "") -> UnreadableFile:
        line = f"line {self.parser.CurrentLineNumber + self.lines}"
        return UnreadableFile(fault, where=line, expected=expected, remedy=remedy)

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ENCODINGS:
            raise self.error(Fault.UNSUPPORTED, "UTF-8, ASCII or Latin-1", "export it again as UTF-8")

    def _doctype(self, *_arguments: object) -> NoReturn:
        raise self.error(
            Fault.FORBIDDEN, "a file without document type or entities", "export it again from the instrument"
        )

    def _open(self, name: str, attributes: Mapping[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(Fault.FORBIDDEN, f"at most {MAX_DEPTH} levels")
        look = _ELEMENTS.get(name) or (_ELEMENTS.get(name.rpartition(":")[2]) if ":" in name else None)
        if look is not None:
            look(self, attributes)

    def _spectrum(self, attributes: Mapping[str, str]) -> None:
        self.length = self._declared(attributes.get("defaultArrayLength", "0"))
        self._count(self.length)

    def _array(self, attributes: Mapping[str, str]) -> None:
        own = attributes.get("arrayLength")
        self.array = self.length if own is None else self._declared(own)
        self.packed = False
        self._count(self.array if own is not None else 0)

    def _term(self, attributes: Mapping[str, str]) -> None:
        self.packed = self.packed or attributes.get("accession") in _ZLIB

    def _group(self, _attributes: Mapping[str, str]) -> None:
        self.packed = True  # it may say so elsewhere

    def _binary(self, _attributes: Mapping[str, str]) -> None:
        self.text_start = self.place

    def _mzxml_scan(self, attributes: Mapping[str, str]) -> None:
        if "peaksCount" in attributes:  # mzML has an element of the same name
            self.length = self._declared(attributes["peaksCount"])
            self._count(self.length)

    def _mzxml_peaks(self, attributes: Mapping[str, str]) -> None:
        self.array = 2 * self.length
        self.packed = attributes.get("compressionType", "none") != "none"
        self.text_start = self.place

    def _mzdata_array(self, attributes: Mapping[str, str]) -> None:
        if "length" in attributes:
            self.array, self.packed = self._declared(attributes["length"]), False
            self._count(self.array)
            self.text_start = self.place

    def _close(self, name: str) -> None:
        self.depth -= 1
        if self.text_start and name.rpartition(":")[2] in _TEXTS:
            # Packed or not, base64 of 8-byte values never needs much more than 4/3 of their size.
            written = self.place - self.text_start
            if written > 2 * 8 * self.array * 4 // 3 + 4096:
                raise self.error(Fault.FORBIDDEN, f"an array of {self.array} values, not {written} bytes")
            if self.packed and written > PACKED_BYTES:
                self._look_inside(written)
            self.text_start = 0

    def _look_inside(self, written: int) -> None:
        """Unpack the text that just ended, keeping nothing; base64 or zlib that is broken is the reader's."""
        self.file.seek(self.text_start)
        text = self.file.read(written).partition(b">")[2]
        if b"<" in text or b"&" in text:
            raise self.error(Fault.FORBIDDEN, "a packed array of nothing but base64")
        room = 8 * self.array + 4096
        try:
            data, stream = binascii.a2b_base64(text), zlib.decompressobj()
            while data and room >= 0 and not stream.eof:
                room -= len(stream.decompress(data, CHUNK))
                data = stream.unconsumed_tail
        except (binascii.Error, zlib.error):
            return
        if room < 0:
            raise self.error(Fault.FORBIDDEN, f"a packed array of no more than its {self.array} values")

    def _declared(self, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise self.error(Fault.MALFORMED, "a length of 0 or more")
        length = int(text)
        if length > MAX_SPECTRUM_POINTS:
            raise self.error(Fault.TOO_LARGE, f"at most {MAX_SPECTRUM_POINTS} points in a spectrum")
        return length

    def _count(self, points: int) -> None:
        self.points += points
        if self.points > MAX_POINTS:
            raise self.error(Fault.TOO_LARGE, f"at most {MAX_POINTS} points in a file")


_ELEMENTS: dict[str, Callable[[_Watch, Mapping[str, str]], None]] = {
    "spectrum": _Watch._spectrum,
    "chromatogram": _Watch._spectrum,
    "binaryDataArray": _Watch._array,
    "cvParam": _Watch._term,
    "referenceableParamGroupRef": _Watch._group,
    "binary": _Watch._binary,
    "scan": _Watch._mzxml_scan,
    "peaks": _Watch._mzxml_peaks,
    "data": _Watch._mzdata_array,
}
_TEXTS = frozenset({"binary", "peaks", "data"})


def _not_xml(problem: expat.ExpatError, left_out: int) -> UnreadableFile:
    ended = problem.code in (
        expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS],
        expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN],
        expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
    )
    return UnreadableFile(
        Fault.TRUNCATED if ended else Fault.MALFORMED,
        where=f"line {problem.lineno + left_out}",
        expected="the end of the document" if ended else "well-formed XML",
        remedy="copy or export the file again",
    )
