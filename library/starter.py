"""The reference set the project ships: principal ions of the substances a service must know.

Promises: the same source file gives the same table byte for byte; every row names its record.
Refuses: spectra of salts, derivatives and labelled standards, however well they match a name.
The facts carried over are masses and rounded percentages; ions that a row does not list are unknown,
not absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from library import wording
from library.formats.msp import read_msp
from library.forms import FormKind
from library.formula import nominal_mass
from library.record import Record, Skipped
from library.substances import Substance, classify_form, load_substances, names_of
from library.tables import rows
from spectra.similarity.mass import UnitSpectrum, unit_mass

MOST_IONS = 20
LEAST_PERCENT = 1
FILE = "ei_ions.tsv"
SOURCE = "principal ions compiled from the SWGDRUG MS library 3.9"
LICENCE = "facts (masses and percentages), each with its source named; the compilation is AGPL-3.0-or-later"
HEADER = ("key", "mz_low", "source", "ions")


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did: where, how many substances have ions, and the keys of those without a spectrum."""

    path: Path
    substances: int
    without: tuple[str, ...]


def starter_records() -> Iterator[Record]:
    """References of the release "starter", in key order, each with principal ions only (``partial``)."""
    known = load_substances()
    for row in rows(FILE):
        substance = known.by_key(row["key"])
        if substance is not None:
            yield _reference(row, substance)


def build_ions(msp: Path, source: str, out: Path) -> Built:
    """Write ``ei_ions.tsv`` into ``out`` from the best spectrum that ``msp`` holds of each substance.

    Parameters
    ----------
    msp : reference library of 70 eV EI spectra.
    source : its name and version as a reader would cite it, such as "SWGDRUG MS library 3.9".
    out : folder, made when needed; a table that is already there is replaced.

    Raises
    ------
    OSError : a file cannot be read or written.
    UnreadableFile : see ``read_msp``.
    """
    best = _best(read_msp(msp))
    substances = tuple(load_substances())
    lines = [
        _line(substance, best[substance.key], source) for substance in substances if substance.key in best
    ]
    out.mkdir(parents=True, exist_ok=True)
    path = out / FILE
    path.write_text("\n".join(["\t".join(HEADER), *lines, ""]), encoding="utf-8", newline="\n")
    return Built(path, len(lines), tuple(one.key for one in substances if one.key not in best))


def principal_ions(spectrum: UnitSpectrum, molecular: int) -> dict[int, int]:
    """At most 20 ions of at least 1 %, by mass, in whole percent of the base peak.

    The strongest count (the heavier of two equals); the ion at nominal mass ``molecular`` stays from 1 % on.
    """
    percent = {
        int(mass): round(100 * int(intensity) / int(spectrum.intensity.max()))
        for mass, intensity in zip(spectrum.mass, spectrum.intensity, strict=True)
    }
    listed = [mass for mass, share in percent.items() if share >= LEAST_PERCENT]
    ranked = sorted(listed, key=lambda mass: (mass != molecular, -percent[mass], -mass))
    return {mass: percent[mass] for mass in sorted(ranked[:MOST_IONS])}


def _best(records: Iterable[Record | Skipped]) -> dict[str, Record]:
    best: dict[str, tuple[tuple[bool, bool, int, str], Record]] = {}
    for record in records:
        substance = None if isinstance(record, Skipped) else _substance_of(record)
        if substance is None or isinstance(record, Skipped):
            continue
        rank = _rank(record, substance)
        if substance.key not in best or rank > best[substance.key][0]:
            best[substance.key] = rank, record
    return {key: record for key, (_, record) in best.items()}


def _substance_of(record: Record) -> Substance | None:
    """The substance whose unlabelled, underivatised base the record is a spectrum of."""
    form = classify_form(record.name, record.formula, record.inchikey)
    if form.kind is not FormKind.BASE:
        return None
    substance = load_substances().by_key(form.parent)
    return substance if substance and substance.formula == record.formula else None


def _rank(record: Record, substance: Substance) -> tuple[bool, bool, int, str]:
    """Higher is better: called by one of our names, the same stereochemistry, more peaks, higher number."""
    named = wording.squash(record.name) in names_of(substance)
    return named, record.inchikey == substance.inchikey, len(record.mz), record.source_id


def _line(substance: Substance, record: Record, source: str) -> str:
    spectrum = unit_mass(record.mz, record.intensity)
    ions = principal_ions(spectrum, nominal_mass(substance.formula))
    cited = f"{source}, record {record.source_id}" if record.source_id else source
    shown = " ".join(f"{mass}:{percent}" for mass, percent in ions.items())
    return "\t".join((substance.key, str(spectrum.start), cited, shown))


def _reference(row: dict[str, str], substance: Substance) -> Record:
    ions = np.array([ion.split(":") for ion in row["ions"].split(" ")], np.float64)
    return Record(
        name=substance.name_en,
        mz=ions[:, 0].copy(),
        intensity=ions[:, 1].copy(),
        inchikey=substance.inchikey,
        formula=substance.formula,
        cas=substance.cas,
        synonyms=substance.synonyms,
        source_id=substance.key,
        comments=row["source"],
        partial=True,
        mz_low=float(row["mz_low"]),
    )
