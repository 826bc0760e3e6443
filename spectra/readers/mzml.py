"""mzML 1.1, plain or indexed, through pyopenms (zlib and MS-Numpress included).

Reads all spectra and chromatograms; a file of chromatograms only is a run of traces. Refuses a DTD or an
entity, encodings other than ASCII's relatives, which could hide one, announced lengths and numbers beyond the
limits, and a text without its closing tag, before the library sees the file.
"""

from __future__ import annotations

import re
from pathlib import Path

from spectra.model import Run
from spectra.readers import openms
from spectra.readers.xml_text import begins_as_xml, check_text

name = "mzml"
formats = ("mzML", "indexed mzML")

_ROOT = re.compile(rb"<(?:indexedmzML|mzML)[\s>]")
_LENGTH = re.compile(
    rb"""<(?:spectrum|chromatogram)(?:\s[^>]*?defaultArrayLength\s*=\s*["'](\d{1,18})["']"""
    rb"""|List\s[^>]*?\bcount\s*=\s*["'](-?\d{1,18})["'])"""
)


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """XML whose root element stands within the first bytes."""
    return begins_as_xml(head) and _ROOT.search(head) is not None


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    check_text(path, root="mzML", length=_LENGTH)
    import pyopenms

    experiment = openms.load(pyopenms.MzMLFile(), path, "mzML 1.1")
    return openms.run_of(experiment, openms.metadata_of(experiment, format="mzML", reader=name), [])
