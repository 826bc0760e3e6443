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
from library.search.ei import search
from spectra.model import Floats, Ints, MassSpectrum, spectrum_from_peaks
from spectra.similarity.mass import unit_mass

LEAST_IONS = 5
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
    records: Sequence[Record], folder: Path, rng: np.random.Generator, *, rows: int = 400
) -> Experience:
    """What a library of mostly one spectrum per compound teaches: ``rows`` searches with, as many without.

    With: compounds of several spectra, one of them the query, repeated in turn. Without: compounds picked at
    random and left out, a fifth of them at a time.

    Parameters
    ----------
    records : EI spectra; isotopologues, and what `replicates` leaves out, are left out.
    """
    usable = [
        one for one in records if one.inchikey and len(one.mz) >= LEAST_IONS and not _labelled(one.formula)
    ]
    compounds = np.array([connectivity(one.inchikey) for one in usable])
    names, owner, count = np.unique(compounds, return_inverse=True, return_counts=True)
    some = rng.permutation(len(usable))
    query = np.zeros(len(names), int)
    query[owner[some]] = some
    several = query[count > 1]
    chosen = rng.permutation(len(names))[:rows]
    runs = [(np.isin(np.arange(len(usable)), several), several)]
    runs += [(np.isin(owner, part), query[part]) for part in np.array_split(chosen, 5)]
    seen = []
    for number, (gone, asked) in enumerate(runs):
        kept = (usable[k] for k in np.flatnonzero(~gone))
        report = build_release(kept, folder / str(number), name="shown", source="", licence="")
        spectra = [spectrum_from_peaks(usable[k].mz, usable[k].intensity) for k in asked]
        seen.append(judged([open_release(report.directory)], spectra, compounds[asked]))
    return joined([seen[0].of(np.arange(rows) % len(several)), *seen[1:]])


def judged(
    releases: Sequence[Release], spectra: Sequence[MassSpectrum], truth: Sequence[str] | np.ndarray
) -> Experience:
    """Features and outcomes of spectra whose compound (first block of the InChIKey) is known."""
    return _experience(_rows(releases, spectra, truth), len(FEATURES), _held(releases, SpectrumKind.EI))


def _rows(
    releases: Sequence[Release], spectra: Sequence[MassSpectrum], truth: Sequence[str] | np.ndarray
) -> Iterator[_Outcome]:
    found = search(releases, spectra, top=COMPARED)
    for spectrum, compound, hits in zip(spectra, truth, found, strict=True):
        if hits:
            query = unit_mass(spectrum.mz, spectrum.intensity)
            group = isomer_group(releases, hits[0], query)
            yield evidence(query, hits, group), str(compound), [compound_of(one) for one in group], ""


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
