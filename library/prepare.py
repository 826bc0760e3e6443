"""What an import makes of records before they are written: forms, duplicates, doubts.

Promises: each record is either an entry, skipped with a reason, or a duplicate of a named entry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from library.forms import Form, FormKind
from library.formula import BadFormula, nominal_mass, parse_formula
from library.record import Record, Skipped
from library.substances import classify_form, load_substances

SURE = 0.02  # of the base peak: an ion weaker than this may be background
ISOTOPES = 6  # Th above the lightest isotopes, before those of Cl and Br

_CHANGED = frozenset({FormKind.DERIVATIVE, FormKind.ISOTOPOLOGUE})


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know about one record: a stable code, and in plain words."""

    line: int
    name: str
    code: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A record that goes into a release, with the substance it is a form of."""

    record: Record
    kind: FormKind
    parent: str
    compound: str  # equal for spectra of one compound in one form


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """All records of an import, sorted out."""

    read: int
    entries: tuple[Entry, ...]
    skipped: tuple[Skipped, ...]
    warnings: tuple[Notice, ...]
    duplicates: tuple[Notice, ...]


def prepare(records: Iterable[Record | Skipped]) -> Prepared:
    """Sort records out: entries, skipped ones, exact duplicates, and warnings."""
    read = 0
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    warnings: list[Notice] = []
    duplicates: list[Notice] = []
    seen: dict[bytes, Record] = {}
    for record in records:
        read += 1
        if isinstance(record, Skipped):
            skipped.append(record)
            continue
        entry = _entry(record)
        first = seen.setdefault(_identity(entry), record)
        if first is record:
            entries.append(entry)
            warnings += _doubts(entry)
        else:
            text = f"same compound and same spectrum as line {first.line}"
            duplicates.append(Notice(record.line, record.name, "duplicate", text))
    return Prepared(read, tuple(entries), tuple(skipped), tuple(warnings), tuple(duplicates))


def connectivity(inchikey: str) -> str:
    """First block of an InChIKey: which atoms are bound to which, without stereochemistry or isotopes."""
    return inchikey.partition("-")[0]


def _entry(record: Record) -> Entry:
    form = classify_form(record.name, record.formula, record.inchikey)
    return Entry(record, form.kind, form.parent, _compound(record, form))


def _compound(record: Record, form: Form) -> str:
    """One text for all spectra of one compound: a salt is its base in the ion source, a label is not."""
    identity = connectivity(record.inchikey) or f"{record.name.casefold()} {record.formula}"
    if form.kind is FormKind.SALT:
        parent = load_substances().by_key(form.parent)
        return connectivity(parent.inchikey if parent else "") or identity
    return f"{identity} {record.name.casefold()}" if form.kind is FormKind.ISOTOPOLOGUE else identity


def _identity(entry: Entry) -> bytes:
    record = entry.record
    text = f"{entry.compound}|{record.inchikey}|{record.partial}|{record.mz_low}".encode()
    return hashlib.blake2b(text + record.mz.tobytes() + record.intensity.tobytes()).digest()


def _doubts(entry: Entry) -> list[Notice]:
    record = entry.record
    told = [("repaired", text) for text in record.problems]
    told += [("no_inchikey", "the compound is known by its name only")] if not record.inchikey else []
    told += [] if entry.kind in _CHANGED else _formula_doubts(record)
    return [Notice(record.line, record.name, code, text) for code, text in told]


def _formula_doubts(record: Record) -> list[tuple[str, str]]:
    """Whether the formula can be that of the molecule measured."""
    if not record.formula:
        return [("no_formula", "isomers cannot be found without a formula")]
    try:
        mass, elements = nominal_mass(record.formula), dict(parse_formula(record.formula))
    except BadFormula:
        return [("formula_unread", f"{record.formula!r} is not a formula of known elements")]
    heaviest = float(record.mz[record.intensity >= SURE * record.intensity.max()].max())
    halogens = elements.get("Cl", 0) + elements.get("Br", 0)
    if heaviest > mass + ISOTOPES + 2 * halogens:
        text = (
            f"ions up to m/z {heaviest:.0f}, but {record.formula} weighs {mass}: a derivative, not named so?"
        )
        return [("ions_above_formula", text)]
    return []
