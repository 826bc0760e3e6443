"""Reference spectra from MSP, MSL and AMDIS ELU text, with a reason for each record left out.

Promises: one broken record never stops the others, and every one read in part says so in ``problems``.
Refuses: a record without a name, without a peak, with less than half the peaks it announces, or with
m/z that no electron-ionisation library holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from library.record import Reason, Record, Skipped
from spectra.readers.block_run import (
    ADDUCT_KEYS,
    ENERGY_KEYS,
    POLARITY_KEYS,
    ms_level,
    precursor_mz,
    retention_s,
)
from spectra.readers.elu import is_elu, parse_elu
from spectra.readers.msp import MspBlock, parse_msp, text_lines

HIGHEST_MZ = 4000.0

_NUMBER = re.compile(r"\d+(?:[.]\d+)?")
_INCHIKEY = re.compile(r"\b[A-Z]{14}(?:-[A-Z]{10}(?:-[A-Z])?)?\b")
_CAS = re.compile(r"\b(\d{2,7})-?(\d{2})-?(\d)\b")
_IN_COMMENT = re.compile(r'"([\w .#]+?)=([^"]*)"')
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


def record_of(block: MspBlock, *, conditions: bool = False) -> Record | Skipped:
    """The record of a block of whatever library format, or why it is left out.

    Parameters
    ----------
    conditions : put how the spectrum was measured (precursor, adduct, energy …) before the comments, for
        formats that have no place for free comments.
    """
    return _skipped(block) or _record(block, _conditions(block) if conditions else "")


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


def _conditions(block: MspBlock) -> str:
    """How the spectrum was measured, in one line; "" where the block does not tell."""
    level, precursor, at = ms_level(block), precursor_mz(block), retention_s(block)
    told = (
        f"MS{level}" if level > 1 else "",
        f"precursor m/z {precursor:g}" if precursor == precursor else "",  # noqa: PLR0124
        block.get(*ADDUCT_KEYS),
        block.get(*POLARITY_KEYS),
        block.get(*ENERGY_KEYS),
        f"{at:.1f} s" if at > 0 else "",
        block.get("instrument_type", "instrument type", "source_instrument", "instrument"),
        block.get("licence", "license"),
    )
    return ", ".join(filter(None, told))


def _record(block: MspBlock, conditions: str) -> Record:
    comments = "; ".join(value for key, value in block.headers if key in _COMMENT_KEYS and value)
    noted = {key.lower(): value for key, value in _IN_COMMENT.findall(comments)}
    return Record(
        name=block.get("name"),
        mz=block.mz,
        intensity=block.intensity,
        inchikey=_inchikey(_told(block, noted, _INCHIKEY_KEYS)),
        formula=_told(block, noted, _FORMULA_KEYS).replace(" ", ""),
        cas=_cas(_told(block, noted, _CAS_KEYS)),
        synonyms=_synonyms(block),
        retention_index=_retention_index(_told(block, noted, _INDEX_KEYS)),
        source_id=_told(block, noted, _ID_KEYS),
        comments="; ".join(filter(None, (conditions, comments))),
        line=block.line,
        problems=block.problems,
    )


def _told(block: MspBlock, noted: dict[str, str], keys: tuple[str, ...]) -> str:
    """The first header of ``keys`` that says something, else what the comments say."""
    return block.get(*keys) or next((noted[key] for key in keys if noted.get(key)), "")


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
