"""The reference set the project ships: principal ions of the substances a service must know.

Promises: references of electron ionisation, product ions and in-source fragments, and the whole ions of
every substance; the same source file gives the same table byte for byte; every row names its record.
Refuses: spectra of salts, derivatives and labelled standards, however well they match a name.
The facts carried over are masses and rounded percentages; ions that a row does not list are unknown,
not absent. Product ions and in-source fragments are `library.starter_fragments`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from library import wording
from library.adducts import ion_mz, ions_of, parse_adduct
from library.formats.msp import read_msp
from library.forms import FormKind
from library.formula import nominal_mass, parse_formula
from library.record import Record, Skipped, SpectrumKind
from library.starter_fragments import MIDDLE, EnergyClass, fragment_records
from library.substances import Substance, classify_form, load_substances, names_of
from library.tables import rows
from spectra.model import Floats
from spectra.similarity.mass import UnitSpectrum, unit_mass

MOST_IONS = 20
LEAST_PERCENT = 1
FILE = "ei_ions.tsv"
SOURCE = (
    "principal ions compiled from the SWGDRUG MS library 3.9, MassBank 2025.05.1 and NIST's in-source CID set"
)
LICENCE = "facts (masses and percentages), each with its source named; the compilation is AGPL-3.0-or-later"
HEADER = ("key", "mz_low", "source", "ions")


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did: where, how many substances have ions, and the keys of those without a spectrum."""

    path: Path
    substances: int
    without: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Covered:
    """How much the pack holds for one way of measuring.

    Parameters
    ----------
    kind : of spectrum; None for the whole ions, which are computed and not measured.
    polarity : +1, −1; 0 for electron ionisation.
    substances : that can be found, of ``of``.
    """

    kind: SpectrumKind | None
    polarity: int
    substances: int
    of: int


@dataclass(frozen=True, slots=True)
class WholeIon:
    """A substance that makes an ion at a measured m/z, and how far off that was in ppm."""

    substance: Substance
    adduct: str
    mz: float
    error_ppm: float


def starter_records(*kinds: SpectrumKind) -> Iterator[Record]:
    """References of the release "starter", each with principal ions only (``partial``).

    Electron ionisation first, in key order; then product ions and in-source fragments; then, for substances
    that nobody measured by direct ionisation, the protonated molecule alone; minerals make none.

    Parameters
    ----------
    kinds : only these; all where none is named.
    """
    for record in (*_electron_records(), *fragment_records(), *_whole_ions()):
        if not kinds or record.kind in kinds:
            yield record


def is_organic(substance: Substance) -> bool:
    """Whether it is a molecule with carbon and hydrogen and without a metal: one that can be protonated."""
    elements = {element for element, _ in parse_formula(substance.formula)}
    return {"C", "H"} <= elements and not elements & {"Na", "K", "Ca"}


def coverage() -> tuple[Covered, ...]:
    """What the pack covers, by kind of spectrum and polarity; the whole ions last."""
    known = load_substances()
    every = len(tuple(known))
    organic = sum(map(is_organic, known))
    found: dict[tuple[SpectrumKind, int], set[str]] = {}
    for record in (*_electron_records(), *fragment_records()):
        found.setdefault((record.kind, record.polarity), set()).add(record.inchikey)
    order = list(SpectrumKind)
    return (
        *(
            Covered(kind, polarity, len(found[kind, polarity]), every)
            for kind, polarity in sorted(found, key=lambda key: (order.index(key[0]), -key[1]))
        ),
        *(Covered(None, polarity, organic, every) for polarity in (1, -1)),
    )


def by_precursor(mz: float, polarity: int, *, ppm: float = 10.0) -> tuple[WholeIon, ...]:
    """Substances that make a whole ion within ``ppm`` of ``mz``: what a precursor or a DART peak may be.

    Nearest first; equally near ones, such as isomers, in the order of adducts as they are usually met, then
    by key. An m/z alone identifies nothing.
    """
    ions, expected = _every_ion(polarity)
    near = np.flatnonzero(np.abs(mz - expected) <= ppm * 1e-6 * expected)
    found = [
        (rank, replace(ion, error_ppm=(mz - ion.mz) / ion.mz * 1e6))
        for rank, ion in (ions[k] for k in near.tolist())
    ]
    found.sort(key=lambda each: (round(abs(each[1].error_ppm), 1), each[0], each[1].substance.key))
    return tuple(ion for _, ion in found)


@cache
def _every_ion(polarity: int) -> tuple[list[tuple[int, WholeIon]], Floats]:
    """Every whole ion of every substance with the rank of its adduct, and their m/z."""
    ions = [
        (rank, WholeIon(substance, adduct, expected, 0.0))
        for substance in filter(is_organic, load_substances())
        for rank, (adduct, expected) in enumerate(ions_of(substance.formula).items())
        if parse_adduct(adduct).polarity == polarity
    ]
    return ions, np.array([ion.mz for _, ion in ions])


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


def _electron_records() -> Iterator[Record]:
    known = load_substances()
    for row in rows(FILE):
        substance = known.by_key(row["key"])
        if substance is not None:
            yield _reference(row, substance)


def _whole_ions() -> Iterator[Record]:
    measured = {one.inchikey for one in fragment_records() if one.kind is SpectrumKind.IN_SOURCE}
    for substance in load_substances():
        if substance.inchikey not in measured and is_organic(substance):
            yield _whole_ion(substance)


def _whole_ion(substance: Substance) -> Record:
    """What direct ionisation shows at the lowest voltage, where nobody has measured more."""
    mz = ion_mz(substance.formula, "[M+H]+")
    return Record(
        name=substance.name_en,
        mz=np.array([mz]),
        intensity=np.array([100.0]),
        inchikey=substance.inchikey,
        formula=substance.formula,
        cas=substance.cas,
        synonyms=substance.synonyms,
        source_id=f"{substance.key} {SpectrumKind.IN_SOURCE} [M+H]+ computed",
        comments="computed from the formula: no fragment is known",
        partial=True,
        mz_low=float(np.floor(mz)),
        kind=SpectrumKind.IN_SOURCE,
        precursor_mz=mz,
        adduct="[M+H]+",
        polarity=1,
        energy=EnergyClass.LOW.value,
        energy_ev=MIDDLE[SpectrumKind.IN_SOURCE][EnergyClass.LOW],
    )


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
