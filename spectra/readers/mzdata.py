"""mzData 1.05, through pyopenms.

Refuses what `xml_text` refuses, and spectra whose arrays differ in length: pyopenms would not survive them.
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
_PRECISION = re.compile(rb"""\bprecision\s*=\s*["']64["']""")


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """XML whose root element stands within the first bytes."""
    return begins_as_xml(head) and _ROOT.search(head) is not None


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    check_text(path, root="mzData", length=_LENGTH)
    _check_pairs(path)
    import pyopenms

    experiment = openms.load(pyopenms.MzDataFile(), path, "mzData 1.05")
    return openms.run_of(experiment, openms.metadata_of(experiment, format="mzData", reader=name), [])


def _check_pairs(path: Path) -> None:
    """Refuse a spectrum with more intensities than m/z values, or fewer."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
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
