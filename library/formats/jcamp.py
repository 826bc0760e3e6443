"""Reference spectra from JCAMP-DX: mass spectra, infrared and Raman curves, one per table.

A table whose figures cannot be read is skipped for itself. Tables of other kinds (ultraviolet …) and pages
of a run in time are skipped as no reference spectrum.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from library.formats.msp import record_of
from library.formats.optical import optical_record
from library.record import AnyRecord, Reason, Skipped
from spectra.errors import InvalidMeasurement, UnreadableFile
from spectra.model import Floats
from spectra.readers.jcamp_blocks import Table, number, read_blocks
from spectra.readers.jcamp_mass import is_mass, pairs
from spectra.readers.jcamp_optical import is_optical, optical_of
from spectra.readers.msp import MspBlock

_KEYS = {
    "TITLE": "name",
    "CASREGISTRYNO": "cas",
    "MOLFORM": "formula",
    "NAMES": "synon",
    "RI": "retention_index",
    "$RETENTIONINDEX": "retention_index",
    "$INCHIKEY": "inchikey",
    "ORIGIN": "comment",
    "SOURCE": "comment",
    "SOURCEREFERENCE": "id",
    "STATE": "comment",
    "SAMPLINGPROCEDURE": "comment",
    ".IONIZATIONMODE": "ionization",
    "IONIZATIONMODE": "ionization",
    "SPECTROMETERDATASYSTEM": "instrument",
    "$LICENSE": "license",
}


def read_jcamp(path: Path) -> Iterator[AnyRecord]:
    """Records of a JCAMP-DX file in file order.

    Raises
    ------
    OSError : the file cannot be opened.
    UnreadableFile : more tables or figures than are read.
    """
    for table in read_blocks(path).tables:
        optical = is_optical(table) and not table.page
        yield _curve_record(table) if optical else record_of(_peak_block(table))


def _curve_record(table: Table) -> AnyRecord:
    told: list[str] = []
    try:
        curve = optical_of(table, told)
    except UnreadableFile as error:
        text = f"{error.where}: expected {error.expected}"
        return Skipped(table.line, table.labels.get("TITLE", ""), Reason.UNREADABLE, text)
    except InvalidMeasurement as error:
        return Skipped(table.line, table.labels.get("TITLE", ""), Reason.UNREADABLE, str(error))
    block = MspBlock(table.line, _headers(table), np.empty(0), np.empty(0), tuple(told))
    instrument = table.labels.get("SPECTROMETERDATASYSTEM", "")
    return optical_record(block, curve, instrument=instrument)


def _peak_block(table: Table) -> MspBlock:
    problems: list[str] = []
    peaks = _peaks(table, problems)
    good = np.isfinite(peaks).all(axis=1) & (peaks[:, 0] > 0) & (peaks[:, 1] >= 0)
    if not good.all():
        problems.append(f"{int((~good).sum())} peaks with m/z ≤ 0 or a broken intensity left out")
    return MspBlock(table.line, _headers(table), peaks[good, 0], peaks[good, 1], tuple(problems))


def _headers(table: Table) -> tuple[tuple[str, str], ...]:
    labels = table.labels
    headers = [(key, labels[label]) for label, key in _KEYS.items() if labels.get(label)]
    # A molecular formula stands with blanks between its elements.
    return tuple((key, "".join(value.split()) if key == "formula" else value) for key, value in headers)


def _peaks(table: Table, problems: list[str]) -> Floats:
    """(n, 2); empty, with the reason in ``problems``, for a table that is no list of peaks."""
    nothing: Floats = np.empty((0, 2))
    if table.page or not is_mass(table, problems):
        kind = table.labels.get("DATATYPE", "").lower() or "a page of a run"
        problems.append(f"no reference spectrum, but {kind}")
        return nothing
    told: list[str] = []
    try:
        found = pairs(table, told)
    except UnreadableFile as error:
        problems.append(f"{error.where}: expected {error.expected}")
        return nothing
    announced = int(number(table.labels, "NPOINTS", len(found)))
    if announced != len(found):
        problems.append(f"{announced} peaks announced, {len(found)} found")
    problems += [text for text in told if "announces" not in text]  # said above in the words of all formats
    return found
