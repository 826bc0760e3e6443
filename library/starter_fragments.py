"""Principal fragment ions of accurate mass: the starter pack's table for product-ion and in-source spectra.

Promises: the same source files give the same table byte for byte; every row names its record and that
record's licence. Refuses, and counts by reason: records of other terms than `OPEN`, of salts, derivatives
and labelled standards, of unit resolution, and those whose precursor is not what formula and adduct make.
The facts carried over are masses as the record gives them and rounded percentages; ions that a row does
not list are unknown, not absent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from library.adducts import ELECTRON, BadAdduct, ion_mz, parse_adduct
from library.formats.msp import read_msp
from library.forms import FormKind
from library.formula import MASSES, parse_formula
from library.record import OpticalRecord, Record, Skipped, SpectrumKind
from library.substances import Substance, classify_form, load_substances
from library.tables import rows
from spectra.model import Floats

FILE = "msms_ions.tsv"
HEADER = (
    "key", "kind", "polarity", "adduct", "precursor", "energy", "mz_low", "source", "licence", "ions"
)  # fmt: skip
MOST_IONS = 12
LEAST_IONS = 2
LEAST_PERCENT = 1
LEAST_FRAGMENTED = 0.02  # share of the ions that are fragments, below which a record tells nothing
PRECURSOR_PPM = 20.0
ISOLATED_TH = 1.6  # a precursor and what the isolation leaves around it
LEAST_EXPLAINED = 0.5
PART_TH = {
    SpectrumKind.MSMS: 0.004,
    SpectrumKind.IN_SOURCE: 0.01,
}  # DART instruments are calibrated less well
CARBON_13 = 1.0033548  # u, ¹³C less ¹²C
ONE_ION_TH = 0.01  # peaks nearer than this are one ion, measured twice
NEAR = 8.0  # eV or V: energies as near as this to the middle of a class serve as well
LOW_TH = 25.0  # so are scans that start within this
OPEN = re.compile(r"CC0|CC[ -]BY(?:-SA)?(?:[ -]\d\.\d)?|MIT|NIST")

_FIGURE = re.compile(r"\d+(?:\.\d+)?")
_NORMALISED = re.compile(r"%|nce|nominal", re.IGNORECASE)
_UNIT_RESOLUTION = re.compile(r"-QQQ?\b|-IT\b|triple quad|LCMS-80|\bTSQ\b|\bTQ", re.IGNORECASE)


class EnergyClass(StrEnum):
    """How hard the ions were hit; the value is stable."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


# The middle of each class: eV for product ions, V at the orifice for in-source fragments.
MIDDLE: dict[SpectrumKind, dict[EnergyClass, float]] = {
    SpectrumKind.MSMS: {EnergyClass.LOW: 10.0, EnergyClass.MEDIUM: 25.0, EnergyClass.HIGH: 50.0},
    SpectrumKind.IN_SOURCE: {EnergyClass.LOW: 30.0, EnergyClass.MEDIUM: 60.0, EnergyClass.HIGH: 90.0},
}


class Refusal(StrEnum):
    """Why a record gives no row; the value is stable."""

    UNREADABLE = "unreadable"
    KIND = "kind"  # neither product ions nor in-source fragments
    SUBSTANCE = "substance"  # none of ours, or a form of one
    FORMULA = "formula"  # another formula than the substance its InChIKey or name tells
    LICENCE = "licence"
    RESOLUTION = "resolution"  # unit resolution: its masses are not accurate
    ADDUCT = "adduct"  # not told, or none that is understood
    PRECURSOR = "precursor"  # not what formula and adduct make
    FRAGMENTS = "fragments"  # fewer than two, or hardly anything but the precursor


class Source(NamedTuple):
    """A file of reference spectra, its name as cited, and the terms of its records that tell none."""

    path: Path
    name: str
    licence: str = ""


@dataclass(frozen=True, slots=True)
class FragmentsBuilt:
    """What a build did.

    Parameters
    ----------
    rows : of the table.
    substances : with at least one row, by kind.
    refused : records left out, by reason.
    mistaken : name, record and what is wrong with it, of records refused for formula or precursor.
    """

    path: Path
    rows: int
    substances: dict[SpectrumKind, int]
    refused: dict[Refusal, int]
    mistaken: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """A row to be, and how good its record is for it."""

    substance: Substance
    record: Record
    source: Source
    adduct: str
    energy: EnergyClass
    ions: dict[float, int]
    rank: tuple[bool, int, int, int, str]

    @property
    def place(self) -> tuple[str, str, int, str, int]:
        order = list(EnergyClass).index(self.energy)
        return self.substance.key, self.record.kind, -self.record.polarity, self.adduct, order


def build_fragments(sources: Iterable[Source], out: Path) -> FragmentsBuilt:
    """Write ``msms_ions.tsv`` into ``out``: one row per substance, kind, adduct and energy class.

    Raises
    ------
    OSError, UnreadableFile : see `library.formats.msp.read_msp`.
    """
    best: dict[tuple[str, str, int, str, int], _Row] = {}
    refused: Counter[Refusal] = Counter()
    mistaken: list[str] = []
    for source in sources:
        for record in read_msp(source.path):
            row = _row(record, source)
            if isinstance(row, Refusal):
                refused[row] += 1
                mistaken += _mistake(record, row)
            elif row.place not in best or row.rank > best[row.place].rank:
                best[row.place] = row
    out.mkdir(parents=True, exist_ok=True)
    path = out / FILE
    lines = ["\t".join(HEADER), *(_line(best[place]) for place in sorted(best)), ""]
    path.write_text("\n".join(lines), encoding="utf-8", newline="\n")
    kinds = Counter(kind for kind, _ in {(row.record.kind, row.substance.key) for row in best.values()})
    return FragmentsBuilt(path, len(best), dict(kinds), dict(refused), tuple(mistaken))


def fragment_records() -> Iterator[Record]:
    """References with principal fragment ions only (``partial``), in order of the table."""
    known = load_substances()
    for row in rows(FILE):
        substance = known.by_key(row["key"])
        if substance is not None:
            yield _reference(row, substance)


def energy_class(record: Record) -> EnergyClass | None:
    """The class whose middle is nearest to a record's energy; None where it tells none.

    Of several energies, or of a ramp, the mean counts.
    """
    energy = energy_of(record)
    middles = MIDDLE.get(record.kind)
    if energy is None or middles is None:
        return None
    return min(middles, key=lambda each: (abs(middles[each] - energy), middles[each]))


def energy_of(record: Record) -> float | None:
    """Energy in eV (product ions) or V (in-source); None where the record tells none.

    A normalised energy in percent is turned into eV as Orbitrap instruments do: eV = NCE · (m/z) / 500 for
    singly charged ions.
    """
    figures = [float(text) for text in _FIGURE.findall(record.energy)]
    if record.energy_ev is not None and not _NORMALISED.search(record.energy):
        return record.energy_ev
    if record.kind is SpectrumKind.IN_SOURCE or not figures:
        return record.energy_ev
    mean = sum(figures) / len(figures)
    return mean * (record.precursor_mz or 500.0) / 500.0 if _NORMALISED.search(record.energy) else mean


def principal_fragments(record: Record, precursor_mz: float) -> dict[float, int]:
    """At most 12 ions by m/z as the record gives it, in whole percent of the strongest one listed.

    Of product ions, the precursor and what lies above it are left out; in-source spectra keep the whole ion
    (and leave out its isotopes). Left out, too, is what no part of the molecule weighs: ringing beside strong
    peaks, noise. Peaks nearer than 0.01 are one ion, at the m/z of the strongest. Empty where less than 2 %
    of the product-ion signal is of fragments, or less than half of it is of parts of the molecule.
    """
    highest = precursor_mz + (ONE_ION_TH if record.kind is SpectrumKind.IN_SOURCE else -ISOLATED_TH)
    below = record.mz <= highest
    inside = below & _is_part(record)
    if record.intensity[inside].sum() < LEAST_EXPLAINED * record.intensity[below].sum():
        return {}
    mz, intensity = record.mz[inside], record.intensity[inside]
    if not len(mz) or intensity.sum() < LEAST_FRAGMENTED * record.intensity.sum():
        return {}
    strongest: dict[float, float] = {}
    for place in np.lexsort((-mz, -intensity)):
        near = any(abs(mz[place] - other) < ONE_ION_TH for other in strongest)
        if len(strongest) < MOST_IONS and not near:
            strongest[float(mz[place])] = float(intensity[place])
    percent = {m: round(100 * i / float(intensity.max())) for m, i in strongest.items()}
    return {m: percent[m] for m in sorted(percent) if percent[m] >= LEAST_PERCENT}


def _is_part(record: Record) -> NDArray[np.bool_]:
    """(n,) which peaks weigh what a part of the molecule does as an ion, or that with one ¹³C."""
    masses = part_masses(record.formula) - parse_adduct(record.adduct).charge * ELECTRON
    allowed = np.sort(np.concatenate((masses, masses + CARBON_13)))
    above = np.minimum(np.searchsorted(allowed, record.mz), len(allowed) - 1)
    away = np.minimum(
        np.abs(record.mz - allowed[above]), np.abs(record.mz - allowed[np.maximum(above - 1, 0)])
    )
    return np.asarray(away <= PART_TH[record.kind])


@lru_cache(maxsize=512)
def part_masses(formula: str) -> Floats:
    """Ascending masses in u of every part of a molecule, and of each with one more hydrogen.

    Raises
    ------
    BadFormula : see ``library.formula.parse_formula``.
    """
    masses = np.zeros(1)
    for element, count in parse_formula(formula):
        most = count + (element == "H")
        masses = (masses[:, None] + MASSES[element] * np.arange(most + 1)).ravel()
    return np.sort(masses)


def _row(record: Record | OpticalRecord | Skipped, source: Source) -> _Row | Refusal:
    if not isinstance(record, Record):
        return Refusal.UNREADABLE
    substance = _substance_of(record)
    if isinstance(substance, Refusal):
        return substance
    if not OPEN.fullmatch(record.licence or source.licence):
        return Refusal.LICENCE
    if _UNIT_RESOLUTION.search(record.instrument):
        return Refusal.RESOLUTION
    return _measured(record, substance, source)


def _substance_of(record: Record) -> Substance | Refusal:
    """The substance whose unlabelled, underivatised base was measured."""
    if record.kind not in MIDDLE:
        return Refusal.KIND
    form = classify_form(record.name, "", record.inchikey)
    substance = load_substances().by_key(form.parent) if form.kind is FormKind.BASE else None
    if substance is None:
        return Refusal.SUBSTANCE
    return substance if record.formula == substance.formula else Refusal.FORMULA


def _measured(record: Record, substance: Substance, source: Source) -> _Row | Refusal:
    try:
        adduct = parse_adduct(record.adduct)
        expected = ion_mz(substance.formula, adduct)
    except BadAdduct:
        return Refusal.ADDUCT
    told = expected if record.precursor_mz is None else record.precursor_mz
    if abs(told - expected) > PRECURSOR_PPM * 1e-6 * expected:
        return Refusal.PRECURSOR
    energy = energy_class(record) or EnergyClass.MEDIUM
    ions = principal_fragments(record, expected)
    if len(ions) < LEAST_IONS:
        return Refusal.FRAGMENTS
    return _Row(substance, record, source, adduct.name, energy, ions, _rank(record, energy, len(ions)))


def _rank(record: Record, energy: EnergyClass, ions: int) -> tuple[bool, int, int, int, str]:
    """Higher is better: one energy told, near the middle of its class, scanned from low, more ions."""
    at = energy_of(record)
    one = record.energy_ev is not None or len(_FIGURE.findall(record.energy)) == 1
    away = abs(MIDDLE[record.kind][energy] - at) if at is not None else 1000.0
    return one, -int(away // NEAR), -int(record.mz.min() // LOW_TH), ions, record.source_id


def _mistake(record: Record | OpticalRecord | Skipped, refusal: Refusal) -> tuple[str, ...]:
    if not isinstance(record, Record) or refusal not in (Refusal.FORMULA, Refusal.PRECURSOR):
        return ()
    told = f"{record.name} ({record.source_id or f'line {record.line}'}), {record.formula}, {record.adduct}"
    return (f"{told}, precursor m/z {record.precursor_mz}: wrong {refusal}",)


def _line(row: _Row) -> str:
    record = row.record
    ions = " ".join(f"{_figure(mz)}:{percent}" for mz, percent in row.ions.items())
    told = (record.name, record.energy, record.comments)
    number = record.source_id or ", ".join(filter(None, told))
    return "\t".join(
        (
            row.substance.key,
            record.kind.value,
            "+" if parse_adduct(row.adduct).polarity > 0 else "-",
            row.adduct,
            f"{ion_mz(row.substance.formula, row.adduct):.4f}",
            row.energy.value,
            _figure(np.floor(record.mz.min())),
            f"{row.source.name}, {number}",
            record.licence or row.source.licence,
            ions,
        )
    )


def _figure(value: float) -> str:
    return f"{value:.5f}".rstrip("0").rstrip(".")


def _reference(row: dict[str, str], substance: Substance) -> Record:
    ions = np.array([ion.split(":") for ion in row["ions"].split(" ")], np.float64)
    kind, energy = SpectrumKind(row["kind"]), EnergyClass(row["energy"])
    return Record(
        name=substance.name_en,
        mz=ions[:, 0].copy(),
        intensity=ions[:, 1].copy(),
        inchikey=substance.inchikey,
        formula=substance.formula,
        cas=substance.cas,
        synonyms=substance.synonyms,
        source_id=f"{substance.key} {kind} {row['adduct']} {energy}",
        comments=row["source"],
        partial=True,
        mz_low=float(row["mz_low"]),
        kind=kind,
        precursor_mz=ion_mz(substance.formula, row["adduct"]),
        adduct=row["adduct"],
        polarity=1 if row["polarity"] == "+" else -1,
        energy=energy.value,
        energy_ev=MIDDLE[kind][energy],
        licence=row["licence"],
    )
