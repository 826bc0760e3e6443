"""What an import makes of records before they are written: forms, duplicates, doubts.

Promises: each record is either an entry, skipped with a reason, or a duplicate of a named entry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from library.formats.msp import Record, Skipped
from library.forms import Form, FormKind
from library.substances import classify_form, load_substances
from spectra.similarity.mass import unit_mass


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
            warnings += _doubts(record)
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
    units = unit_mass(entry.record.mz, entry.record.intensity, mz_low=entry.record.mz_low)
    text = f"{entry.compound}|{entry.record.inchikey}|{entry.record.partial}|{units.start}".encode()
    return hashlib.blake2b(text + units.mass.tobytes() + units.intensity.tobytes()).digest()


def _doubts(record: Record) -> list[Notice]:
    return [Notice(record.line, record.name, "repaired", text) for text in record.problems]
