"""How often a search of EI spectra finds the right compound, beside published scores; and how fast.

Run: ``python tests/benchmarks/bench_ei_search.py [--part known|starter|laboratories]`` (the evaluation data
beside the checkout, or ``XBT_EVALUATION_DATA``). Prints Markdown tables:

- known: 440 measured spectra whose compound SWGDRUG 3.9 holds, and 70 whose compound it does not;
- starter: the same with SWGDRUG cut down to principal ions, as the starter pack lists them;
- laboratories: MassBank, every contributor's spectra searched in those of all others.

Published scores are computed over the whole library, from the later of the two scan starts on, with one entry
for each compound.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from library.evidence import molecular_mass
from library.formats.msp import read_msp
from library.groups import isomer_group
from library.prepare import connectivity
from library.record import Record, SpectrumKind
from library.release import Release, build_release, open_release
from library.search.ei import search, unit_spectra
from library.starter import principal_ions
from spectra.model import Floats, Ints, MassSpectrum, spectrum_from_peaks
from spectra.similarity.mass import UnitSpectrum, UnitTable, unit_mass, unit_table
from spectra.similarity.match_factor import match_factors
from spectra.similarity.weighted import Weighting, composites, entropy_similarities, weighted_cosines

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
TOP = 10
LEAST_IONS = 5
LOW, HIGH = 40, 700
BLOCK = 256  # rows compared at once: several times faster than all at once
NOT_FOUND = 10**6

Score = Callable[[UnitSpectrum, UnitTable, Ints], Floats]


def cosine(weighting: Weighting) -> Score:
    return lambda query, table, rows: weighted_cosines(query, table, rows, weighting)


PUBLISHED: dict[str, Score] = {
    "NIST match factor": lambda query, table, rows: match_factors(query, table, rows).match_factor,
    "weighted entropy (Li 2021)": entropy_similarities,
    "composite (Stein & Scott 1994)": composites,
    "cosine √I": cosine(Weighting.ROOT),
    "cosine √m·√I": cosine(Weighting.BOTH_ROOTS),
    "cosine m^1.3·I^0.53": cosine(Weighting.KIM),
    "cosine m³·I^0.6": cosine(Weighting.STEIN_SCOTT),
}


def main(argv: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--part", choices=sorted(PARTS))
    chosen = words.parse_args(argv)
    for name, part in PARTS.items():
        if chosen.part in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                part(Path(folder))


def known(folder: Path) -> None:
    """Queries whose compound the library holds, and the formula of the others."""
    release, (spectra, truth, formulas) = release_of(swgdrug(), folder), measured()
    held = np.flatnonzero(np.isin(truth, compounds(release)))
    some = [spectra[k] for k in held]
    print(f"\n{len(held)} measured spectra of compounds that SWGDRUG 3.9 holds ({len(release)} entries):\n")
    ours = ranks([release], some, truth[held])
    report({"xbt": ours, **published(release.units, compounds(release), some, truth[held])})
    rest = np.setdiff1d(np.arange(len(spectra)), held)
    found = search([release], [spectra[k] for k in rest], top=1)
    right = [hits[0].reference.formula == formulas[k] for k, hits in zip(rest, found, strict=True)]
    print(f"\nRight formula at rank 1 for {np.mean(right):.1%} of {len(rest)} spectra of other compounds.")
    groups([release], some, truth[held])
    speed(release, spectra)


def groups(releases: Sequence[Release], spectra: Sequence[MassSpectrum], truth: np.ndarray) -> None:
    right, sizes = [], []
    for spectrum, compound, hits in zip(spectra, truth, search(releases, spectra), strict=True):
        group = isomer_group(releases, hits[0], unit_mass(spectrum.mz, spectrum.intensity))
        right.append(compound in {connectivity(one.inchikey) for one in group})
        sizes.append(len(group))
    print(
        f"Right compound in the isomer group of rank 1: {np.mean(right):.1%}; "
        f"{np.mean(sizes):.2f} compounds a group on average, {max(sizes)} at most."
    )


def starter(folder: Path) -> None:
    """The same library in full and cut down to principal ions."""
    records, (spectra, truth, _) = list(swgdrug()), measured()
    full = release_of(records, folder / "full")
    cut = release_of(map(principal, records), folder / "cut")
    held = np.flatnonzero(np.isin(truth, compounds(full)))
    some = [spectra[k] for k in held]
    print(f"\nThe same {len(held)} spectra, SWGDRUG 3.9 in full and cut down to principal ions:\n")
    report({f"xbt, {name}": ranks([one], some, truth[held]) for name, one in (("full", full), ("cut", cut))})


def laboratories(folder: Path) -> None:
    """Spectra of each contributor to MassBank among those of all others."""
    with np.load(DATA / "massbank" / "ei.npz", allow_pickle=False) as data:
        units = unit_table(data["offset"], data["mz"], data["intensity"])
        keys, names = data["inchikey14"].astype(str), data["name"].astype(str)
        contributor = np.array([one.split("-")[1] for one in data["accession"].astype(str)])
    usable = (np.diff(units.offset) >= LEAST_IONS) & (keys != "")
    first, second = [], []
    for own in np.unique(contributor[usable]).tolist():
        mine, others = (np.flatnonzero(usable & ((contributor == own) == same)) for same in (True, False))
        asked = mine[np.isin(keys[mine], keys[others])]
        if not len(asked):
            continue
        queries = [units.row(int(row)) for row in asked]
        spectra = [spectrum_from_peaks(one.mass, one.intensity) for one in queries]
        library = (record(units.row(int(row)), names[row], keys[row]) for row in others)
        first.append(ranks([release_of(library, folder / own)], spectra, keys[asked]))
        factor = {"": PUBLISHED["NIST match factor"]}
        second += published(units, keys, spectra, keys[asked], others, factor).values()
    both = {"xbt": np.concatenate(first), "NIST match factor": np.concatenate(second)}
    print(f"\n{len(both['xbt'])} MassBank spectra among those of all other contributors:\n")
    report(both)


PARTS = {"known": known, "starter": starter, "laboratories": laboratories}


def record(unit: UnitSpectrum, name: str, key: str) -> Record:
    mz, intensity = unit.mass.astype(np.float64), unit.intensity.astype(np.float64)
    return Record(str(name), mz, intensity, inchikey=f"{key}-UHFFFAOYSA-N")


def swgdrug() -> Iterator[Record]:
    return (one for one in read_msp(DATA / "ei_ms" / "swgdrug_3.9.msp") if isinstance(one, Record))


def principal(one: Record) -> Record:
    """What the starter pack would list of a record."""
    unit = unit_mass(one.mz, one.intensity)
    if not len(unit.mass):
        return one
    ions = principal_ions(unit, molecular_mass(one.formula))
    mz, intensity = (np.array(list(part), np.float64) for part in (ions.keys(), ions.values()))
    return replace(one, mz=mz, intensity=intensity, partial=True, mz_low=float(unit.start))


def measured() -> tuple[list[MassSpectrum], np.ndarray, list[str]]:
    """Spectra of reference standards, the compounds SWGDRUG holds them by ("" if it does not), formulas."""
    with (DATA / "ei_queries" / "truth.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    records = [one for one in read_msp(DATA / "ei_queries" / "queries.msp") if isinstance(one, Record)]
    spectra = [spectrum_from_peaks(one.mz, one.intensity) for one in records]
    return (
        spectra,
        np.array([connectivity(row["inchikey_swgdrug"]) for row in rows]),
        [row["formula"] for row in rows],
    )


def release_of(records: Iterator[Record] | Sequence[Record], folder: Path) -> Release:
    folder.mkdir(parents=True, exist_ok=True)
    return open_release(build_release(records, folder, name="bench", source="", licence="").directory)


def compounds(release: Release) -> np.ndarray:
    """(EI entries,) what tells compounds apart."""
    rows = release.rows(SpectrumKind.EI).tolist()
    return np.array(
        [connectivity(release.text("inchikey", row)) or release.text("name", row) for row in rows]
    )


def ranks(releases: Sequence[Release], spectra: Sequence[MassSpectrum], truth: np.ndarray) -> Ints:
    """(queries,) place of the right compound among `TOP` hits, from 1."""
    found = search(releases, spectra, top=TOP)
    lists = [[connectivity(hit.reference.inchikey) for hit in hits] for hits in found]
    return np.array(
        [one.index(key) + 1 if key in one else NOT_FOUND for one, key in zip(lists, truth, strict=True)]
    )


def published(
    units: UnitTable,
    keys: np.ndarray,
    spectra: Sequence[MassSpectrum],
    truth: np.ndarray,
    rows: Ints | None = None,
    scores: dict[str, Score] = PUBLISHED,
) -> dict[str, Ints]:
    """Places by each score, computed for every row."""
    rows = np.arange(len(units)) if rows is None else rows
    own = keys[rows]
    names, owner = np.unique(own, return_inverse=True)
    found: dict[str, list[int]] = {name: [] for name in scores}
    for query, key in zip(unit_spectra(spectra, None), truth, strict=True):
        for name, score in scores.items():
            best = np.zeros(len(names))
            blocks = [
                score(query, units, rows[first : first + BLOCK]) for first in range(0, len(rows), BLOCK)
            ]
            np.maximum.at(best, owner, np.concatenate(blocks))
            right = best[np.searchsorted(names, key)]
            found[name].append(1 + int((best > right).sum()))
    return {name: np.array(places) for name, places in found.items()}


def report(found: dict[str, Ints]) -> None:
    print("| score | rank 1 | within 3 | within 10 |\n|---|---|---|---|")
    for name, places in found.items():
        print(f"| {name} | " + " | ".join(f"{np.mean(places <= k):.1%}" for k in (1, 3, 10)) + " |")


def speed(release: Release, spectra: Sequence[MassSpectrum]) -> None:
    """Single queries, beside a matrix product with dense √m·√I that names the best compounds."""
    dense = np.array([weights(release.units.row(row)) for row in range(len(release.units))])
    keys = compounds(release)

    def plain(spectrum: MassSpectrum) -> object:
        scores = dense @ weights(unit_mass(spectrum.mz, spectrum.intensity))
        order = np.argsort(-scores, kind="stable")
        return keys[order][np.sort(np.unique(keys[order], return_index=True)[1])[:TOP]]

    works = (lambda one: search([release], [one], top=TOP)), plain
    times = [[least(work, one) for work in works] for one in spectra[::10]]
    ours, dull = 1000 * np.median(times, axis=0)
    print(f"\nOne query: {ours:.1f} ms of processor time; plain cosine {dull:.1f} ms.")


def weights(unit: UnitSpectrum) -> Floats:
    dense = np.zeros(HIGH - LOW)
    inside = (unit.mass >= LOW) & (unit.mass < HIGH)
    dense[unit.mass[inside] - LOW] = np.sqrt(unit.mass[inside] * unit.intensity[inside].astype(float))
    return np.asarray(dense / (np.linalg.norm(dense) or 1.0), np.float64)


def least(work: Callable[[MassSpectrum], object], one: MassSpectrum) -> float:
    taken = []
    for _ in range(5):
        start = time.process_time()
        work(one)
        taken.append(time.process_time() - start)
    return min(taken)


if __name__ == "__main__":
    main()
