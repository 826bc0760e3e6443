"""mzXML 2 and 3, through pyopenms; collision energies, which it drops, are read beside it.

Refuses what `xml_text` refuses, and elements outside of those they belong to, which pyopenms would not
survive.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from spectra.errors import Fault, UnreadableFile
from spectra.model import Run
from spectra.readers import openms
from spectra.readers.xml_text import begins_as_xml, check_text

name = "mzxml"
formats = ("mzXML",)

_ROOT = re.compile(rb"<mzXML[\s>]")
_LENGTH = re.compile(
    rb"""<(?:scan\s[^>]*?peaksCount\s*=\s*["'](\d{1,18})["']"""
    rb"""|msRun\s[^>]*?scanCount\s*=\s*["'](-?\d{1,18})["'])"""
)
_PLACED = re.compile(
    rb"<(/?)(scan|peaks|precursorMz|dataProcessing|processingOperation|msMassAnalyzer|msResolution)[\s/>]"
)
_BEHIND = {b"processingOperation": b"dataProcessing", b"msResolution": b"msMassAnalyzer"}
_SCAN = re.compile(rb"<scan\s([^>]*)>")
_NUMBER = re.compile(rb"""\bnum\s*=\s*["'](\d{1,18})["']""")
_ENERGY = re.compile(rb"""\bcollisionEnergy\s*=\s*["']([\d.eE+-]{1,30})["']""")


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """XML whose root element stands within the first bytes."""
    return begins_as_xml(head) and _ROOT.search(head) is not None


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    check_text(path, root="mzXML", length=_LENGTH)
    text = path.read_bytes()
    _check_places(text)
    import pyopenms

    experiment = openms.load(pyopenms.MzXMLFile(), path, "mzXML")
    energies = _energies(text)
    collision = [energies.get(spectrum.getNativeID(), math.nan) for spectrum in experiment]
    return openms.run_of(
        experiment, openms.metadata_of(experiment, format="mzXML", reader=name), [], collision
    )


def _check_places(text: bytes) -> None:
    """Refuse peaks and precursors outside of a scan, and details of what was never begun."""
    scans, begun = 0, set()
    for tag in _PLACED.finditer(text):
        name = tag[2]
        if name == b"scan":
            scans += -1 if tag[1] else 1
        elif name in (b"peaks", b"precursorMz"):
            _require(scans > 0, tag, b"inside a <scan>")
        elif name in _BEHIND:
            _require(_BEHIND[name] in begun, tag, b"behind a <%b>" % _BEHIND[name])
        begun.add(name)


def _require(condition: bool, tag: re.Match[bytes], place: bytes) -> None:
    if not condition:
        raise UnreadableFile(
            Fault.MALFORMED,
            where=f"byte {tag.start()}",
            expected=f"<{tag[2].decode()}> {place.decode()}",
            remedy="Export the file again.",
        )


def _energies(text: bytes) -> dict[str, float]:
    """eV by the name pyopenms gives a scan."""
    found = {}
    for tag in _SCAN.finditer(text):
        number, energy = _NUMBER.search(tag[1]), _ENERGY.search(tag[1])
        if number and energy:
            found[f"scan={int(number[1])}"] = _energy(energy[1])
    return found


def _energy(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
