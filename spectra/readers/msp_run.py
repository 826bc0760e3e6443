"""MSP, MSL and AMDIS ELU texts as a measurement: their spectra, without a time axis."""

from __future__ import annotations

import re
from pathlib import Path

from spectra.model import Run
from spectra.readers.block_run import run_of_blocks
from spectra.readers.elu import is_elu, parse_elu
from spectra.readers.msp import parse_msp, text_lines

name = "msp"
formats = ("NIST MSP text", "AMDIS MSL text", "AMDIS ELU text")

_SIGN = re.compile(rb"^\W{0,4}name\s*:|^\s*num\s?[\w .]{0,10}peaks?\s*[:=]", re.IGNORECASE | re.MULTILINE)
_OTHER = re.compile(rb"^BEGIN IONS|^<mzSpecLib", re.MULTILINE)
_CONTROL = bytes(code for code in range(1, 32) if code not in b"\t\n\x0b\x0c\r\x1a")


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """Text with a line that begins ``Name:`` or ``Num Peaks:``, and is neither MGF nor mzSpecLib."""
    if any(code in head for code in _CONTROL) or _OTHER.search(head):
        return False
    return _SIGN.search(head) is not None


def read(path: Path) -> Run:
    """All spectra with at least one peak, named. Raises `UnreadableFile`."""
    with path.open("rb") as stream:
        elu = is_elu(stream.read(4096))
    blocks = parse_elu(text_lines(path)) if elu else parse_msp(text_lines(path))
    return run_of_blocks(blocks, kind="AMDIS ELU text" if elu else "MSP text", reader=name)
