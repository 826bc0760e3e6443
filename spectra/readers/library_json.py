"""Spectral libraries in JSON: MoNA exports, mzSpecLib JSON and matchms, each record as an `MspBlock`.

A record that is not of the form it should be becomes a block without peaks that says so; the others are not
touched by it. The line of a block is the number of its record, from 1. Reads a file in one piece: 512 MB
at most.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Floats, Run
from spectra.readers.block_run import run_of_blocks
from spectra.readers.msp import MspBlock
from spectra.readers.mzspeclib import Attribute, block_of

name = "library_json"
formats = ("MoNA JSON", "mzSpecLib JSON", "matchms JSON")

MAX_BYTES = 512 * 2**20
_HEAD = 1 << 18
_SIGNS = re.compile(
    rb'"(?:spectrum_attribute_sets|peaks_json|mzs)"\s*:|"spectrum"\s*:\s*"\d|"compound"\s*:\s*\['
)
_MONA_PEAK = re.compile(r"([\d.eE+-]+):([\d.eE+-]+)")
_MONA_KEYS = {
    "ms level": "ms_level", "ionization mode": "ion_mode", "precursor m/z": "precursor_mz",
    "precursor type": "adduct", "collision energy": "collision_energy", "retention time": "retention_time",
    "retention index": "retention_index", "instrument": "instrument", "instrument type": "instrument_type",
    "molecular formula": "formula", "inchikey": "inchikey", "cas number": "cas", "cas": "cas",
    "license": "licence", "accession": "accession",
}  # fmt: skip
_MATCHMS_NAMES = ("compound_name", "name", "title", "spectrum_id")


def recognises(head: bytes, path: Path) -> bool:
    """JSON with the keys of one of the three libraries within the first 256 KiB."""
    if not re.match(rb"(?:\xef\xbb\xbf)?\s*[\[{]", head) or b"\0" in head or not path.is_file():
        return False
    with path.open("rb") as stream:
        return _SIGNS.search(stream.read(_HEAD)) is not None


def read(path: Path) -> Run:
    """All spectra with at least one peak, named. Raises `UnreadableFile`."""
    return run_of_blocks(parse_library_json(path), kind="spectral library as JSON", reader=name)


def parse_library_json(path: Path) -> Iterator[MspBlock]:
    """The records in file order.

    Raises
    ------
    UnreadableFile : more than 512 MB, no well-formed JSON, or JSON of another kind.
    """
    document = _decoded(path)
    if isinstance(document, dict) and isinstance(document.get("spectra"), list):
        shared = document.get("spectrum_attribute_sets")
        common = _attributes(shared.get("all") if isinstance(shared, dict) else None)
        yield from _blocks(document["spectra"], lambda number, one: _psi_block(number, one, common))
        return
    records = document if isinstance(document, list) else [document]
    if not any(isinstance(record, dict) for record in records):
        raise UnreadableFile(Fault.MALFORMED, expected="a list of records")
    yield from _blocks(records, _block)


def _decoded(path: Path) -> Any:
    import msgspec

    if path.stat().st_size > MAX_BYTES:
        help_ = "Export it in parts, or as MSP."
        raise UnreadableFile(Fault.TOO_LARGE, expected=f"at most {MAX_BYTES >> 20} MB of JSON", remedy=help_)
    data = path.read_bytes()
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        cut = "truncated" in str(error)
        place = f"byte {len(data)}" if cut else str(error).rpartition("(")[2].rstrip(")")[:60]
        fault = Fault.TRUNCATED if cut else Fault.MALFORMED
        remedy = "Export or copy the file again."
        raise UnreadableFile(fault, where=place, expected="well-formed JSON", remedy=remedy) from error


def _blocks(records: list[Any], block: Callable[[int, Any], MspBlock]) -> Iterator[MspBlock]:
    for number, record in enumerate(records, start=1):
        try:
            yield block(number, record)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError):
            called = str(record.get("id", "")) if isinstance(record, dict) else ""
            headers = (("name", called or f"record {number}"),)
            yield MspBlock(
                number, headers, np.empty(0), np.empty(0), ("the record is not of its own format",)
            )


def _block(number: int, record: Any) -> MspBlock:
    return _mona_block(number, record) if "spectrum" in record else _matchms_block(number, record)


def _mona_block(number: int, record: Any) -> MspBlock:
    compound: dict[str, Any] = next(iter(record.get("compound") or []), {})
    names = [str(one["name"]) for one in compound.get("names") or []]
    told = [*(record.get("metaData") or []), *(compound.get("metaData") or [])]
    headers = [("name", text) for text in names[:1]] + [("synon", text) for text in names[1:]]
    headers += [("id", str(record.get("id", ""))), ("inchikey", str(compound.get("inchiKey") or ""))]
    for one in told:
        key = _MONA_KEYS.get(str(one.get("name", "")).lower())
        if key and one.get("value") not in (None, ""):
            headers.append((key, f"{one['value']} {one.get('unit') or ''}".strip()))
    headers = [(key, value.strip("[]+-") if key == "formula" else value) for key, value in headers]
    pairs = _MONA_PEAK.findall(record["spectrum"])
    missed = len(record["spectrum"].split()) - len(pairs)
    problems = [f"{missed} peaks could not be read"] if missed else []
    return _checked(number, headers, np.array(pairs, np.float64), problems)


def _matchms_block(number: int, record: Any) -> MspBlock:
    plain = [
        (key.lower(), str(value)) for key, value in record.items() if isinstance(value, str | int | float)
    ]
    told = dict(plain)
    called = next((told[key] for key in _MATCHMS_NAMES if told.get(key)), "")
    headers = [("name", called), *(pair for pair in plain if pair[0] not in ("name", "num_peaks"))]
    return _checked(number, headers, np.array(record.get("peaks_json") or [], np.float64), [])


def _psi_block(number: int, record: Any, common: list[Attribute]) -> MspBlock:
    own = _attributes(record["attributes"])
    analytes = record.get("analytes") or {}
    for analyte in analytes.values() if isinstance(analytes, dict) else analytes:
        own += _attributes(analyte.get("attributes"))
    mz, intensity = np.array(record["mzs"], np.float64), np.array(record["intensities"], np.float64)
    return block_of(number, [*common, *own], np.column_stack((mz, intensity)))


def _attributes(listed: Any) -> list[Attribute]:
    return [
        (str(one.get("cv_param_group", "")), str(one["name"]).lower(), str(one.get("value", "")))
        for one in listed or []
    ]


def _checked(number: int, headers: list[tuple[str, str]], pairs: Floats, problems: list[str]) -> MspBlock:
    pairs = pairs.reshape(-1, 2)
    good = np.isfinite(pairs).all(axis=1) & (pairs[:, 0] > 0) & (pairs[:, 1] >= 0)
    if not good.all():
        problems.append(f"{int((~good).sum())} peaks with m/z ≤ 0 or a broken intensity left out")
    problems += [] if good.any() else ["no peaks"]
    return MspBlock(number, tuple(headers), pairs[good, 0], pairs[good, 1], tuple(problems))
