"""What an import makes of records before they are written: forms, conditions, doubts, sound ions.

Promises: each record is either an entry or skipped with a reason; ions of an entry ascend, lie apart and
have an intensity; what was repaired or looks wrong is told, per record, by a stable code and in words.
Refuses to judge what cannot be known: a formula is compared with the precursor no closer than the
precursor is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

import numpy as np

from library.adducts import BadAdduct, ion_mz, parse_adduct
from library.forms import Form, FormKind
from library.formula import BadFormula, nominal_mass, parse_formula
from library.record import AnyRecord, OpticalRecord, Reason, Record, Skipped, SpectrumKind
from library.substances import classify_form, load_substances
from spectra.model import Floats, Ints

SURE = 0.02  # of the base peak: an ion weaker than this may be background
COUNTED = 0.01  # of the base peak: an ion weaker than this tells nothing
MOST = 1e30  # no detector counts as far: a broken number, beyond what releases store
ISOTOPES = 6  # Th above the lightest isotopes, before those of Cl and Br
LEAST_IONS = {SpectrumKind.EI: 5, SpectrumKind.MSMS: 2, SpectrumKind.IN_SOURCE: 2}
PRECURSOR_PPM = 20.0

_CHANGED = frozenset({FormKind.DERIVATIVE, FormKind.ISOTOPOLOGUE})
_FRAGMENTS = frozenset({SpectrumKind.MSMS, SpectrumKind.IN_SOURCE})


class Doubt(StrEnum):
    """What is doubtful about an entry; the value is stable, and so is the order: releases store bits."""

    REPAIRED = "repaired"
    NO_INCHIKEY = "no_inchikey"
    NO_FORMULA = "no_formula"
    FORMULA_UNREAD = "formula_unread"
    IONS_ABOVE_FORMULA = "ions_above_formula"
    FEW_IONS = "few_ions"
    NO_PRECURSOR = "no_precursor"
    PRECURSOR_COMPUTED = "precursor_computed"
    PRECURSOR_WRONG = "precursor_wrong"
    ADDUCT_UNREAD = "adduct_unread"
    POLARITY_WRONG = "polarity_wrong"


Doubts = tuple[tuple[Doubt, str], ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know about one record: a stable code, and in plain words."""

    line: int
    name: str
    code: str
    text: str
    file: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A record that goes into a release, with the substance it is a form of.

    Parameters
    ----------
    compound : equal for spectra of one compound in one form.
    conditions : equal for entries that may be the same measurement: compound, name, stereochemistry, form,
        kind, precursor, adduct, energy, retention index, scan start.
    """

    record: Record | OpticalRecord
    form: Form
    compound: str
    conditions: int
    doubts: Doubts


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some records sorted out.

    Parameters
    ----------
    told : what each record became, in order: an entry, or skipped.
    sizes : (entries,) int64, ions of each entry, 0 for optical ones.
    mz, intensity : (ions,) float64, entry after entry; m/z ascends within one.
    """

    told: tuple[Entry | Skipped, ...]
    sizes: Ints
    mz: Floats
    intensity: Floats


def prepare(records: Sequence[AnyRecord]) -> Batch:
    """Sort some records out, all at once."""
    ions = _Ions.of([one for one in records if isinstance(one, Record)])
    told: list[Entry | Skipped] = []
    sizes: list[int] = []
    place = -1
    for record in records:
        if isinstance(record, Skipped):
            told.append(record)
            continue
        place += isinstance(record, Record)
        made = _mass(record, ions, place) if isinstance(record, Record) else _optical(record)
        told.append(made)
        if isinstance(made, Entry):
            sizes.append(ions.counts[place] if isinstance(record, Record) else 0)
    return Batch(tuple(told), np.array(sizes, np.int64), ions.mz, ions.intensity)


def connectivity(inchikey: str) -> str:
    """First block of an InChIKey: which atoms are bound to which, without stereochemistry or isotopes."""
    return inchikey.partition("-")[0]


def key_of(text: str) -> int:
    """64 bits that stand for a text when rows are compared; 0 for the empty text."""
    content = text.encode("utf-8", errors="replace")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big") if text else 0


@dataclass(frozen=True, slots=True, eq=False)
class _Ions:
    """The ions of many records made sound, and what they show; lists hold one value per record."""

    mz: Floats
    intensity: Floats
    counts: list[int]
    left_out: list[int]
    strong: list[int]  # ions of at least `COUNTED`
    heaviest: list[float]  # m/z of the heaviest ion of at least `SURE`; 0 without any

    @classmethod
    def of(cls, records: Sequence[Record]) -> _Ions:
        counts = np.array([min(len(one.mz), len(one.intensity)) for one in records], np.int64)
        spread = np.array([abs(len(one.mz) - len(one.intensity)) for one in records], np.int64)
        pairs = list(zip(records, counts.tolist(), strict=True))
        mz = np.concatenate([np.empty(0), *(one.mz[:count] for one, count in pairs)])
        intensity = np.concatenate([np.empty(0), *(one.intensity[:count] for one, count in pairs)])
        owner = np.repeat(np.arange(len(records)), counts)
        with np.errstate(invalid="ignore"):
            good = np.isfinite(mz) & np.isfinite(intensity) & (mz > 0) & (intensity >= 0) & (intensity < MOST)
        bad = spread + np.bincount(owner[~good], minlength=len(records))
        return cls._sound(len(records), owner[good], mz[good], intensity[good], bad)

    @classmethod
    def _sound(cls, rows: int, owner: Ints, mz: Floats, intensity: Floats, bad: Ints) -> _Ions:
        owner, mz, intensity = _ascending(owner, mz, intensity)
        signal = intensity > 0
        owner, mz, intensity = owner[signal], mz[signal], intensity[signal]
        base = np.zeros(rows)
        np.maximum.at(base, owner, intensity)
        share = intensity / base[owner]
        heaviest = np.zeros(rows)
        sure = share >= SURE
        np.maximum.at(heaviest, owner[sure], mz[sure])
        counts = np.bincount(owner, minlength=rows)
        strong = np.bincount(owner[share >= COUNTED], minlength=rows)
        return cls(mz, intensity, counts.tolist(), bad.tolist(), strong.tolist(), heaviest.tolist())


def _ascending(owner: Ints, mz: Floats, intensity: Floats) -> tuple[Ints, Floats, Floats]:
    """Sorted within each owner, equal m/z summed."""
    if not len(owner):
        return owner, mz, intensity
    inside = owner[1:] == owner[:-1]
    if (inside & (mz[1:] < mz[:-1])).any():
        order = np.lexsort((mz, owner))
        owner, mz, intensity = owner[order], mz[order], intensity[order]
    first = np.append(True, ~(inside & (mz[1:] == mz[:-1])))
    if first.all():
        return owner, mz, intensity
    begins = np.flatnonzero(first)
    return owner[begins], mz[begins], np.add.reduceat(intensity, begins)


def _mass(record: Record, ions: _Ions, place: int) -> Entry | Skipped:
    if not ions.counts[place]:
        lost = ions.left_out[place]
        reason = Reason.NO_SIGNAL if len(record.mz) > lost else Reason.NO_PEAKS
        text = (
            f"no ion with an intensity; {lost} broken ones left out" if lost else "no ion with an intensity"
        )
        return Skipped(record.line, record.name, reason, text, record.file)
    form = _form(record.name, record.formula, record.inchikey)
    told = list(_common_doubts(record))
    if ions.left_out[place]:
        told.append((Doubt.REPAIRED, f"{ions.left_out[place]} broken peaks left out"))
    if ions.strong[place] < LEAST_IONS[record.kind] and not record.partial:
        told.append((Doubt.FEW_IONS, f"only {ions.strong[place]} ions of at least 1 %"))
    if record.kind in _FRAGMENTS:
        record, found = _precursor(record, form)
        told += found
    if form.kind not in _CHANGED:
        told += _above_formula(record, ions.heaviest[place])
    return _entry(record, form, told)


def _optical(record: OpticalRecord) -> Entry:
    return _entry(record, _form(record.name, record.formula, record.inchikey), list(_common_doubts(record)))


def _entry(record: Record | OpticalRecord, form: Form, doubts: Iterable[tuple[Doubt, str]]) -> Entry:
    compound = _compound(record, form)
    return Entry(record, form, compound, key_of(_conditions(record, form, compound)), tuple(doubts))


@lru_cache(maxsize=1 << 16)
def _form(name: str, formula: str, inchikey: str) -> Form:
    return classify_form(name, formula, inchikey)


def _compound(record: Record | OpticalRecord, form: Form) -> str:
    """One text for all spectra of one compound: a salt is its base in the ion source, a label is not."""
    identity = connectivity(record.inchikey) or f"{record.name.casefold()} {record.formula}"
    if form.kind is FormKind.SALT and isinstance(record, Record):
        parent = load_substances().by_key(form.parent)
        return connectivity(parent.inchikey if parent else "") or identity
    return f"{identity} {record.name.casefold()}" if form.kind is FormKind.ISOTOPOLOGUE else identity


def _conditions(record: Record | OpticalRecord, form: Form, compound: str) -> str:
    """Stereoisomers and names stay apart: a key does not always tell which isomer was measured."""
    own = f"{compound}|{record.inchikey}|{record.name.casefold()}|{form.kind}|{record.kind}"
    if isinstance(record, OpticalRecord):
        return own
    measured = f"{record.precursor_mz or 0:.1f}|{record.adduct}|{record.polarity}|{record.energy}"
    return f"{own}|{measured}|{record.retention_index}|{record.partial}|{record.mz_low}"


def _common_doubts(record: Record | OpticalRecord) -> Iterable[tuple[Doubt, str]]:
    for text in record.problems:
        yield Doubt.REPAIRED, text
    if not record.inchikey:
        yield Doubt.NO_INCHIKEY, "the compound is known by its name only"
    if not record.formula:
        yield Doubt.NO_FORMULA, "isomers cannot be found without a formula"
    elif _heaviest_possible(record.formula) is None:
        yield Doubt.FORMULA_UNREAD, f"{record.formula!r} is not a formula of known elements"


@lru_cache(maxsize=1 << 14)
def _heaviest_possible(formula: str) -> int | None:
    """Nominal mass with isotopes; None for what is no formula."""
    try:
        elements = dict(parse_formula(formula))
        return nominal_mass(formula) + ISOTOPES + 2 * (elements.get("Cl", 0) + elements.get("Br", 0))
    except BadFormula:
        return None


def _above_formula(record: Record, heaviest: float) -> Iterable[tuple[Doubt, str]]:
    """Whether the formula can be that of the molecule measured."""
    most = _heaviest_possible(record.formula) if record.formula else None
    if record.kind is SpectrumKind.EI and most is not None and heaviest > most:
        text = f"ions up to m/z {heaviest:.0f}, too many for {record.formula}: a derivative, not named so?"
        yield Doubt.IONS_ABOVE_FORMULA, text


def _precursor(record: Record, form: Form) -> tuple[Record, list[tuple[Doubt, str]]]:
    """The record with a precursor where one can be computed, and what is wrong with the one it has."""
    told: list[tuple[Doubt, str]] = []
    sign = _sign(record.adduct)
    if record.adduct and sign is None:
        told.append((Doubt.ADDUCT_UNREAD, f"{record.adduct!r} is no ion this program knows"))
    if sign and record.polarity and sign != record.polarity:
        text = f"{record.adduct} is not of polarity {record.polarity:+d}"
        told.append((Doubt.POLARITY_WRONG, text))
    expected = _ion(record.formula, record.adduct)
    if record.precursor_mz is None and expected is not None:
        told.append((Doubt.PRECURSOR_COMPUTED, f"m/z {expected:.4f} from formula and adduct"))
        return replace(record, precursor_mz=round(expected, 5), polarity=record.polarity or sign or 0), told
    if record.precursor_mz is None:
        told.append((Doubt.NO_PRECURSOR, "found by open search only"))
    elif expected is not None and form.kind not in (FormKind.SALT, FormKind.DERIVATIVE):
        told += _wrong_precursor(record, record.precursor_mz, expected)
    return record, told


def _wrong_precursor(record: Record, stated: float, expected: float) -> Iterable[tuple[Doubt, str]]:
    decimals = len(repr(stated).partition(".")[2].rstrip("0"))
    allowed = max(PRECURSOR_PPM * 1e-6 * expected, 0.6 * 10.0**-decimals)
    if abs(stated - expected) > allowed:
        text = f"precursor m/z {stated:g}, but {record.adduct} of {record.formula} has m/z {expected:.4f}"
        yield Doubt.PRECURSOR_WRONG, text


@lru_cache(maxsize=1 << 10)
def _sign(adduct: str) -> int | None:
    try:
        return parse_adduct(adduct).polarity
    except BadAdduct:
        return None


@lru_cache(maxsize=1 << 14)
def _ion(formula: str, adduct: str) -> float | None:
    try:
        return ion_mz(formula, adduct)
    except (BadAdduct, BadFormula):
        return None
