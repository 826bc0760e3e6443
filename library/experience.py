"""Searches whose right answer is known, to learn from how sure answers may be.

Promises: no query is compared with itself, nor a product-ion spectrum with any of its laboratory; a share of
the compounds is hidden from the library, so that "not in the library" is learned too. A query without any
hit is left out: there is nothing to be sure of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from library import product_ions
from library.calibration import Experience, joined
from library.evidence import COMPARED, FEATURES, compound_of, evidence
from library.formula import BadFormula, parse_formula
from library.groups import isomer_group
from library.prepare import connectivity
from library.record import Record, SpectrumKind
from library.release import Release, build_release, open_release
from library.search import msms
from library.search.ei import search, unit_spectra
from spectra.model import Floats, Ints, MassSpectrum, spectrum_from_peaks

LEAST_IONS = 5
# Of the base peak, by how much ions of a small component may be wrong; of weaker ones nothing is said
# (`library.statement.Thresholds.blur`).
FAINTEST, WEAKEST = 0.002, 0.2
STRANGE = 0.02
QUERIES_PER_COMPOUND = 3  # product-ion spectra: their energies differ
PARTS = 8  # of the laboratories

_Outcome = tuple[Floats, str, list[str], str]  # features, true compound, group told, who measured


def replicates(
    records: Sequence[Record], folder: Path, rng: np.random.Generator, *, hidden_share: float = 0.5
) -> Experience:
    """One query for each compound with several spectra, searched with a share of all compounds hidden.

    Parameters
    ----------
    records : EI spectra; those without InChIKey or with fewer than `LEAST_IONS` ions are left out.
    folder : where the library is built.
    """
    usable = [one for one in records if one.inchikey and len(one.mz) >= LEAST_IONS]
    compounds = np.array([connectivity(one.inchikey) for one in usable])
    names, owner, count = np.unique(compounds, return_inverse=True, return_counts=True)
    hidden = rng.random(len(names)) < hidden_share
    order = rng.permutation(len(usable))
    first = dict(zip(owner[order[::-1]].tolist(), order[::-1].tolist(), strict=True))
    queries = [first[one] for one in np.flatnonzero(count > 1).tolist()]
    shown = ~hidden[owner]
    shown[queries] = False
    report = build_release(
        (usable[k] for k in np.flatnonzero(shown)), folder, name="shown", source="", licence=""
    )
    spectra = [spectrum_from_peaks(usable[k].mz, usable[k].intensity) for k in queries]
    return judged([open_release(report.directory)], spectra, compounds[queries])


def leaving_out(
    records: Sequence[Record], folder: Path, rng: np.random.Generator, *, rounds: int = 6, alone: int = 75
) -> Experience:
    """What a library of mostly one spectrum per compound teaches.

    In each of ``rounds`` one spectrum of every compound with several asks, once with the others of its
    compound and once without; so do ``alone`` compounds picked at random, without.

    Parameters
    ----------
    records : EI spectra; isotopologues, and what `replicates` leaves out, are left out.
    """
    usable = [
        one for one in records if one.inchikey and len(one.mz) >= LEAST_IONS and not _labelled(one.formula)
    ]
    compounds = np.array([connectivity(one.inchikey) for one in usable])
    _, owner, count = np.unique(compounds, return_inverse=True, return_counts=True)
    seen = []
    for number in range(rounds):
        some = rng.permutation(len(usable))
        query = np.zeros(len(count), int)
        query[owner[some]] = some
        several, single = query[count > 1], rng.permutation(query[count == 1])[:alone]
        kept = np.setdiff1d(np.arange(len(usable)), several)
        report = build_release(
            (usable[k] for k in kept), folder / str(number), name="shown", source="", licence=""
        )
        releases, hidden = [open_release(report.directory)], np.concatenate([several, single])
        for asked, without in ((several, False), (hidden, True)):
            spectra = [spectrum_from_peaks(usable[k].mz, usable[k].intensity) for k in asked]
            weak = [veiled(one, rng) if rng.random() < 0.5 else (one, None) for one in spectra]
            spectra, floors = [one for one, _ in weak], [floor for _, floor in weak]
            seen.append(judged(releases, spectra, compounds[asked], hidden=without, floors=floors))
    return joined(seen)


def veiled(spectrum: MassSpectrum, rng: np.random.Generator) -> tuple[MassSpectrum, MassSpectrum]:
    """A spectrum as a small component shows it, and by how much its ions may be wrong.

    By `WEAKEST` of the base peak at the most; ions scatter by two thirds of it, and `STRANGE` of the masses
    without one bring one that is no part of it.
    """
    mass = np.arange(np.floor(spectrum.mz.min()), np.ceil(spectrum.mz.max()) + 1)
    heights = np.bincount(
        (np.round(spectrum.mz) - mass[0]).astype(int), spectrum.intensity, minlength=len(mass)
    )
    error = heights.max() * 10 ** rng.uniform(np.log10(FAINTEST), np.log10(WEAKEST))
    shown = heights + rng.normal(size=len(mass)) * error / 1.5 * (heights > 0)
    strange = (heights == 0) & (rng.random(len(mass)) < STRANGE)
    shown[strange] = error * rng.uniform(1, 2, int(strange.sum()))
    kept = shown >= error
    return spectrum_from_peaks(mass[kept], shown[kept]), spectrum_from_peaks(mass, np.full(len(mass), error))


def judged(
    releases: Sequence[Release],
    spectra: Sequence[MassSpectrum],
    truth: Sequence[str] | np.ndarray,
    *,
    hidden: bool = False,
    floors: Sequence[MassSpectrum | None] | None = None,
) -> Experience:
    """Features and outcomes of spectra whose compound (first block of the InChIKey) is known.

    Parameters
    ----------
    hidden : as if no library held the compound that is asked for.
    floors : as for `library.search.ei.search`.
    """
    held = set() if hidden else _held(releases, SpectrumKind.EI)
    return _experience(_rows(releases, spectra, truth, hidden, floors), len(FEATURES), held)


def _rows(
    releases: Sequence[Release],
    spectra: Sequence[MassSpectrum],
    truth: Sequence[str] | np.ndarray,
    hidden: bool,
    floors: Sequence[MassSpectrum | None] | None,
) -> Iterator[_Outcome]:
    found = search(releases, spectra, top=COMPARED + hidden, floors=floors)
    queries = unit_spectra(spectra, None, floors)
    for query, own, hits in zip(queries, truth, found, strict=True):
        gone = str(own) if hidden else None
        shown = [hit for hit in hits if compound_of(hit.reference) != gone][:COMPARED]
        if shown:
            group = [one for one in isomer_group(releases, shown[0], query) if compound_of(one) != gone]
            yield evidence(query, shown, group), str(own), [compound_of(one) for one in group], ""


def laboratories(
    records: Sequence[Record],
    laboratory: Sequence[str],
    folder: Path,
    rng: np.random.Generator,
    *,
    hidden_share: float = 0.5,
) -> Experience:
    """Product-ion spectra of compounds that several laboratories measured, each searched in those of others.

    Of each such compound one laboratory, picked at random, asks, with up to `QUERIES_PER_COMPOUND` spectra.
    Laboratories stand in `PARTS` parts, the largest alone; while those of one part ask, nothing that they
    measured is in the library. Otherwise what is wrong could be of the laboratory that asks, with its
    instrument and energies, and what is right could not.

    Parameters
    ----------
    records : accurate-mass spectra with precursor; those without InChIKey are left out.
    laboratory : of each record.
    folder : where the libraries are built.
    """
    usable = [k for k, one in enumerate(records) if one.inchikey and one.precursor_mz and len(one.mz) > 0]
    compounds = np.array([connectivity(records[k].inchikey) for k in usable])
    names, owner = np.unique(compounds, return_inverse=True)
    place = np.unique([laboratory[k] for k in usable], return_inverse=True)[1]
    part = _parts(place)[place]
    hidden = rng.random(len(names)) < hidden_share
    queries = list(_asking(owner, place, part, rng))
    seen = []
    for number in range(PARTS):
        asking = [k for k in queries if part[k] == number]
        shown = np.flatnonzero(~hidden[owner] & (part != number))
        if asking and len(shown):
            kept = (records[usable[k]] for k in shown)
            report = build_release(kept, folder / str(number), name="shown", source="", licence="")
            asked = [records[usable[k]] for k in asking]
            origin = [laboratory[usable[k]] for k in asking]
            seen.append(compared([open_release(report.directory)], asked, compounds[asking], origin))
    return joined(seen)


def _parts(place: Ints) -> Ints:
    """(laboratories,): the part of each, parts as even as can be; the largest first."""
    size = np.bincount(place)
    filled, part = np.zeros(PARTS, np.int64), np.zeros(len(size), np.int64)
    for one in np.argsort(-size, kind="stable").tolist():
        part[one] = filled.argmin()
        filled[part[one]] += size[one]
    return part


def _asking(owner: Ints, place: Ints, part: Ints, rng: np.random.Generator) -> Iterator[int]:
    """The queries: of each compound that several parts measured, some spectra of one laboratory."""
    for own in np.split(np.argsort(owner, kind="stable"), np.cumsum(np.bincount(owner))[:-1]):
        if len(np.unique(part[own])) > 1:
            asking = own[place[own] == rng.choice(np.unique(place[own]))]
            yield from rng.permutation(asking)[:QUERIES_PER_COMPOUND].tolist()


def compared(
    releases: Sequence[Release],
    records: Sequence[Record],
    truth: Sequence[str] | np.ndarray,
    origin: Sequence[str] | None = None,
) -> Experience:
    """Features and outcomes of product-ion spectra whose compound (first block of the InChIKey) is known.

    Parameters
    ----------
    origin : who measured each, "" where not given.
    """
    asked = [
        msms.Query(spectrum_from_peaks(one.mz, one.intensity), one.precursor_mz, one.polarity, one.mz_low)
        for one in records
    ]
    return _experience(
        _product_rows(releases, asked, truth, origin or [""] * len(asked)),
        len(product_ions.FEATURES),
        _held(releases, SpectrumKind.MSMS),
    )


def _product_rows(
    releases: Sequence[Release],
    asked: Sequence[msms.Query],
    truth: Sequence[str] | np.ndarray,
    origin: Sequence[str],
) -> Iterator[_Outcome]:
    found = msms.search(releases, asked, top=product_ions.COMPARED)
    for query, compound, home, hits in zip(asked, truth, origin, found, strict=True):
        if hits:
            group = [compound_of(hit.reference) for hit in msms.indistinguishable(hits)]
            isomers = product_ions.isomers_held(releases, hits[0].reference.formula)
            other = msms.elsewhere(releases, query)
            values = product_ions.evidence(query, hits, len(group), isomers, other)
            yield values, str(compound), group, home


def _labelled(formula: str) -> bool:
    try:
        return "D" in dict(parse_formula(formula))
    except BadFormula:
        return False


def _held(releases: Sequence[Release], kind: SpectrumKind) -> set[str]:
    return {
        connectivity(release.text("inchikey", int(row))) for release in releases for row in release.rows(kind)
    }


def _experience(outcomes: Iterable[_Outcome], features: int, held: set[str]) -> Experience:
    rows = list(outcomes)
    return Experience(
        np.array([values for values, *_ in rows]).reshape(len(rows), features),
        np.array([compound for _, compound, *_ in rows]),
        np.array([compound == group[0] for _, compound, group, _ in rows], bool),
        np.array([compound in group for _, compound, group, _ in rows], bool),
        np.array([compound not in held for _, compound, *_ in rows], bool),
        np.array([len(set(group)) for *_, group, _ in rows]),
        np.array([home for *_, home in rows]),
    )
