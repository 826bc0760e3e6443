"""Reference spectra from MSP, MSL and AMDIS ELU text, with a reason for each record left out.

Promises: one broken record never stops the others, and every one read in part says so in ``problems``.
Refuses: a record without a name, without a peak, with less than half the peaks it announces, or with
m/z that no electron-ionisation library holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

from library.formats.conditions import Conditions, conditions
from library.record import Reason, Record, Skipped
from spectra.readers.elu import is_elu, parse_elu
from spectra.readers.msp import MspBlock, parse_msp, text_lines

HIGHEST_MZ = 4000.0

_NUMBER = re.compile(r"\d+(?:[.]\d+)?")
_INCHIKEY = re.compile(r"\b[A-Z]{14}(?:-[A-Z]{10}(?:-[A-Z])?)?\b")
_CAS = re.compile(r"\b(\d{2,7})-?(\d{2})-?(\d)\b")
_IN_COMMENT = re.compile(r'"([\w ./#]+?)=([^"]*)"')
_MISMATCH = re.compile(r"(\d+) peaks announced, (\d+) found")

_INCHIKEY_KEYS = ("inchikey", "inchi_key", "inchi key", "inchiaux")
_FORMULA_KEYS = ("formula", "molecular formula", "molecular_formula", "form", "chemical_formula")
_CAS_KEYS = ("cas#", "cas", "casno", "cas no", "casnum", "cas number", "cas_number")
_SYNONYM_KEYS = ("synon", "synonym", "synonyms")
_INDEX_KEYS = ("ri", "retention_index", "retentionindex", "retention index", "kovats", "mst_ri")
_ID_KEYS = ("id", "db#", "accession", "spectrumid", "spectrum_id", "nist#", "usi", "dbid")
_COMMENT_KEYS = ("comments", "comment")


def read_msp(path: Path) -> Iterator[Record | Skipped]:
    """Records of an MSP, MSL or ELU file in file order, one by one.

    Raises
    ------
    OSError : the file cannot be opened.
    UnreadableFile : a single record has an absurd number of peaks.
    """
    with path.open("rb") as stream:
        elu = is_elu(stream.read(4096))
    for block in parse_elu(text_lines(path)) if elu else parse_msp(text_lines(path)):
        yield record_of(block)


def record_of(block: MspBlock) -> Record | Skipped:
    """The record of a block of whatever library format, or why it is left out."""
    told = with_noted(block)
    measured = conditions(told)
    skipped = _skipped(block)
    if skipped or measured is None:
        text = "no fragment spectrum: whole ions of a soft ionisation"
        return skipped or Skipped(block.line, block.get("name"), Reason.NOT_COMPARABLE, text)
    return _record(told, measured)


def with_noted(block: MspBlock) -> MspBlock:
    """The block with what its comments say as ``"key=value"`` behind its headers."""
    noted = [(key.lower(), value) for key, value in _IN_COMMENT.findall(comments_of(block)) if value]
    return replace(block, headers=(*block.headers, *noted)) if noted else block


def comments_of(block: MspBlock) -> str:
    """All comments of a record."""
    return "; ".join(value for key, value in block.headers if key in _COMMENT_KEYS and value)


class Identity(TypedDict):
    """Fields that mass and optical records share."""

    name: str
    inchikey: str
    formula: str
    cas: str
    synonyms: tuple[str, ...]
    source_id: str
    comments: str
    line: int


def identity_of(block: MspBlock) -> Identity:
    """What a record is a spectrum of, and where it stands."""
    return Identity(
        name=block.get("name"),
        inchikey=_inchikey(block.get(*_INCHIKEY_KEYS)),
        formula=block.get(*_FORMULA_KEYS).replace(" ", ""),
        cas=_cas(block.get(*_CAS_KEYS)),
        synonyms=_synonyms(block),
        source_id=block.get(*_ID_KEYS),
        comments=comments_of(block),
        line=block.line,
    )


def _skipped(block: MspBlock) -> Skipped | None:
    name = block.get("name")
    mismatch = next((m for text in block.problems if (m := _MISMATCH.search(text))), None)
    if not name:
        return Skipped(block.line, "", Reason.NO_NAME, "the record has no name")
    if not len(block.mz):
        return Skipped(block.line, name, Reason.NO_PEAKS, "; ".join(block.problems) or "no peaks")
    if mismatch and 2 * int(mismatch[2]) < int(mismatch[1]):
        return Skipped(block.line, name, Reason.INCOMPLETE, mismatch[0])
    if block.mz.max() > HIGHEST_MZ:
        text = f"m/z {block.mz.max():g} is beyond {HIGHEST_MZ:g}"
        return Skipped(block.line, name, Reason.MZ_RANGE, text)
    if not block.intensity.any():
        return Skipped(block.line, name, Reason.NO_SIGNAL, "all intensities are zero")
    return None


def _record(block: MspBlock, measured: Conditions) -> Record:
    return Record(
        **identity_of(block),
        **measured,
        mz=block.mz,
        intensity=block.intensity,
        retention_index=_retention_index(block.get(*_INDEX_KEYS)),
        problems=block.problems,
    )


def _synonyms(block: MspBlock) -> tuple[str, ...]:
    """Without repeats, without the name, without NIST's ``$:`` codes."""
    name = block.get("name")
    told = [value for key, value in block.headers if key in _SYNONYM_KEYS]
    return tuple(dict.fromkeys(text for text in told if text and text != name and not text.startswith("$:")))


def _inchikey(text: str) -> str:
    found = _INCHIKEY.search(text.upper())
    return found[0] if found else ""


def _cas(text: str) -> str:
    """With hyphens; "" for the placeholders 0 and 0-00-0 and for a wrong check digit."""
    found = _CAS.search(text)
    if not found:
        return ""
    digits = found[1] + found[2]
    check = sum(place * int(digit) for place, digit in enumerate(reversed(digits), start=1)) % 10
    return f"{found[1]}-{found[2]}-{found[3]}" if int(digits) and check == int(found[3]) else ""


def _retention_index(text: str) -> float | None:
    found = _NUMBER.search(text.rpartition("=")[2])
    value = float(found[0]) if found and not text.lstrip().startswith("-") else 0.0
    return value or None
