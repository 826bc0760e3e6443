"""AMDIS ELU text: the components a deconvolution found, as blocks of the MSP parser.

The first line of a component packs its figures into one header, ``|SC4|CN1|…|RT5.5127|…``, and the profile
of its model ion stands between that and its peaks. The header becomes a name a person can read; the
profile is left out; peaks that AMDIS marks as uncertain are kept with the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from spectra.readers.msp import MspBlock, parse_msp

_SIGN = re.compile(rb"^NAME:\s*\|SC\d", re.MULTILINE | re.IGNORECASE)
_NAME = re.compile(r"\s*NAME:\s*(\|SC.*)$", re.IGNORECASE)
_PEAKS = re.compile(r"\s*NUM PEAKS\s*:", re.IGNORECASE)
_LEFT_OUT = "#\n"  # a remark, so that line numbers stay those of the file


def is_elu(head: bytes) -> bool:
    """Whether the beginning of a file holds the first line of a component."""
    return _SIGN.search(head) is not None


def parse_elu(lines: Iterable[str]) -> Iterator[MspBlock]:
    """Components in file order, named ``component CN of scan SC, RT min``."""
    return parse_msp(_as_msp(lines))


def _as_msp(lines: Iterable[str]) -> Iterator[str]:
    in_profile = False
    for line in lines:
        found = _NAME.match(line)
        if found:
            in_profile = True
            yield _header(found[1].strip())
        elif in_profile and not _PEAKS.match(line):
            yield _LEFT_OUT
        else:
            in_profile = False
            yield line


def _header(packed: str) -> str:
    told = {part[:2]: part[2:] for part in packed.strip("|").split("|")}
    number, scan, at = told.get("CN", "?"), told.get("SC", "?"), told.get("RT", "")
    when = f", {at} min" if at else ""
    return f"NAME: component {number} of scan {scan}{when}\n"
