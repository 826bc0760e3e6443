"""mzData 1.05, through pyopenms.

Refuses what `xml_text` refuses, spectra whose arrays differ in length, and arrays without their one name and
one <data> of 32 or 64 bits: pyopenms would not survive them.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path

from spectra.errors import Fault, UnreadableFile
from spectra.model import Run
from spectra.readers import openms
from spectra.readers.xml_text import begins_as_xml, check_text

name = "mzdata"
formats = ("mzData",)

_ROOT = re.compile(rb"<mzData[\s>]")
_LENGTH = re.compile(
    rb"""<(?:data\s[^>]*?\blength\s*=\s*["'](\d{1,18})["']"""
    rb"""|spectrumList\s[^>]*?\bcount\s*=\s*["'](-?\d{1,18})["'])"""
)
_ARRAY = re.compile(rb"<(mz|inten)ArrayBinary\b.*?<data\s([^>]*?)(?:/>|>([^<]*)<)", re.DOTALL)
_PLACED = re.compile(
    rb"""<(/?)(mzArrayBinary|intenArrayBinary|supDataArrayBinary|arrayName|data)(?=[\s/>])([^>]*?)(/?)>"""
)
_HOLDS = {
    b"mzArrayBinary": [b"data"],
    b"intenArrayBinary": [b"data"],
    b"supDataArrayBinary": [b"arrayName", b"data"],
}
_WIDTH = re.compile(rb"""\bprecision\s*=\s*["'](?:32|64)["']""")
_PRECISION = re.compile(rb"""\bprecision\s*=\s*["']64["']""")


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """XML whose root element stands within the first bytes."""
    return begins_as_xml(head) and _ROOT.search(head) is not None


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    check_text(path, root="mzData", length=_LENGTH)
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        _check_places(text)
        _check_pairs(text)
    import pyopenms

    experiment = openms.load(pyopenms.MzDataFile(), path, "mzData 1.05")
    return openms.run_of(experiment, openms.metadata_of(experiment, format="mzData", reader=name), [])


def _check_places(text: mmap.mmap) -> None:
    """Refuse an array whose parts are missing, repeated, outside of it, or of an unknown precision."""
    array, inside = b"", []
    for tag in _PLACED.finditer(text):
        name, closes = tag[2], bool(tag[1] or tag[4])
        if name not in _HOLDS:
            if tag[1]:
                continue
            _require(array != b"", tag, f"<{name.decode()}> inside an array")
            _require(name != b"data" or bool(_WIDTH.search(tag[3])), tag, "numbers of 32 or 64 bits")
            inside.append(name)
            continue
        _require(array == (name if tag[1] else b""), tag, "arrays that end before the next begins")
        if closes:
            parts = _HOLDS[name]
            what = " and ".join(f"one <{part.decode()}>" for part in parts)
            _require(inside == parts, tag, f"<{name.decode()}> with {what}")
        array, inside = (b"" if closes else name), []


def _require(condition: bool, tag: re.Match[bytes], expected: str) -> None:
    if not condition:
        raise UnreadableFile(
            Fault.MALFORMED,
            where=f"byte {tag.start()}",
            expected=expected,
            remedy="Export the file again.",
        )


def _check_pairs(text: mmap.mmap) -> None:
    """Refuse a spectrum with more intensities than m/z values, or fewer."""
    arrays = [(found[1], _values(found)) for found in _ARRAY.finditer(text)]
    kinds = [kind for kind, _ in arrays]
    pairs = zip(arrays[::2], arrays[1::2], strict=False)
    uneven = [k for k, (masses, heights) in enumerate(pairs, start=1) if masses[1] != heights[1]]
    if uneven or kinds != [b"mz", b"inten"] * (len(kinds) // 2):
        where = f"spectrum {uneven[0]}" if uneven else ""
        raise UnreadableFile(
            Fault.MALFORMED,
            where=where,
            expected="as many intensities as m/z values",
            remedy="Export the file again.",
        )


def _values(array: re.Match[bytes]) -> int:
    """How many numbers the base64 text of an array holds."""
    packed = (array[3] or b"").translate(None, b" \t\r\n").rstrip(b"=")
    return len(packed) * 3 // 4 // (8 if _PRECISION.search(array[2]) else 4)
