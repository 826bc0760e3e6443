"""mzXML 2 and 3, through pyopenms; collision energies, which it drops, are read beside it.

Refuses what `xml_text` refuses.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from spectra.model import Run
from spectra.readers import openms
from spectra.readers.xml_text import begins_as_xml, check_text

name = "mzxml"
formats = ("mzXML",)

_ROOT = re.compile(rb"<mzXML[\s>]")
_LENGTH = re.compile(rb"""<scan\s[^>]*?peaksCount\s*=\s*["'](\d{1,18})["']""")
_SCAN = re.compile(rb"<scan\s([^>]*)>")
_NUMBER = re.compile(rb"""\bnum\s*=\s*["'](\d{1,18})["']""")
_ENERGY = re.compile(rb"""\bcollisionEnergy\s*=\s*["']([\d.eE+-]{1,30})["']""")


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """XML whose root element stands within the first bytes."""
    return begins_as_xml(head) and _ROOT.search(head) is not None


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    check_text(path, root="mzXML", length=_LENGTH)
    import pyopenms

    experiment = openms.load(pyopenms.MzXMLFile(), path, "mzXML")
    energies = _energies(path.read_bytes())
    collision = [energies.get(spectrum.getNativeID(), math.nan) for spectrum in experiment]
    return openms.run_of(
        experiment, openms.metadata_of(experiment, format="mzXML", reader=name), [], collision
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
