"""mzData 1.05, through pyopenms. Refuses what `xml_text` refuses."""

from __future__ import annotations

import re
from pathlib import Path

from spectra.model import Run
from spectra.readers import openms
from spectra.readers.xml_text import begins_as_xml, check_text

name = "mzdata"
formats = ("mzData",)

_ROOT = re.compile(rb"<mzData[\s>]")
_LENGTH = re.compile(rb"""<data\s[^>]*?\blength\s*=\s*["'](\d{1,18})["']""")


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """XML whose root element stands within the first bytes."""
    return begins_as_xml(head) and _ROOT.search(head) is not None


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    check_text(path, root="mzData", length=_LENGTH)
    import pyopenms

    experiment = openms.load(pyopenms.MzDataFile(), path, "mzData 1.05")
    return openms.run_of(experiment, openms.metadata_of(experiment, format="mzData", reader=name), [])
