"""How often a search of EI spectra finds the right compound, beside published scores.

Run: ``python tests/benchmarks/bench_ei_search.py [--part known|laboratories]`` (the evaluation data
beside the checkout, or ``XBT_EVALUATION_DATA``); all of it takes some minutes. Prints Markdown tables:

- known: 440 measured spectra whose compound SWGDRUG 3.9 holds, in full and cut down to principal ions as the
  starter pack lists them, beside published scores; isomer groups; 70 spectra of compounds it does not hold;
- laboratories: MassBank, every contributor's spectra searched in those of all others.

Published scores are computed over the whole library, from the later of the two scan starts on, with one entry
for each compound. Speed is `bench_ei_speed`.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from library.evidence import molecular_mass
from library.formats.msp import read_msp
from library.groups import isomer_group
from library.prepare import connectivity
from library.record import Record, SpectrumKind
from library.release import Release, build_release, open_release
from library.search.ei import Hit, index_of, search, unit_spectra
from library.starter import principal_ions
from spectra.model import Floats, Ints, MassSpectrum, spectrum_from_peaks
from spectra.similarity.mass import UnitSpectrum, UnitTable, unit_mass, unit_table
from spectra.similarity.match_factor import match_factors
from spectra.similarity.weighted import Weighting, composites, entropy_similarities, weighted_cosines

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
TOP = 10
LEAST_IONS = 5
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
    records, (spectra, truth, formulas) = list(swgdrug()), measured()
    full = release_of(records, folder / "full")
    cut = release_of(map(principal, records), folder / "cut")
    held = np.flatnonzero(np.isin(truth, compounds(full)))
    some, right = [spectra[k] for k in held], truth[held]
    print(
        f"\n{len(held)} measured spectra of compounds that SWGDRUG 3.9 holds ({len(full)} entries):\n",
        flush=True,
    )
    found = search([full], some, top=TOP)
    ours, listed = places(found, right), places(search([cut], some, top=TOP), right)
    theirs = published(full.units, compounds(full), some, right)
    shown = dict(report(chain([("xbt", ours), ("xbt, principal ions only", listed)], theirs)))
    best = max(float(np.mean(one == 1)) for name, one in shown.items() if name in PUBLISHED)
    lost = [f"{np.mean(ours <= k) - np.mean(listed <= k):.1%} within {k}" for k in (1, TOP)]
    print(f"\nLost by principal ions: {', '.join(lost)}.")
    print(f"Before the best published score: {np.mean(ours == 1) - best:.1%} at rank 1.")
    groups(full, some, right, found)
    rest = np.setdiff1d(np.arange(len(spectra)), held)
    others = search([full], [spectra[k] for k in rest], top=1)
    same = [hits[0].reference.formula == formulas[k] for k, hits in zip(rest, others, strict=True)]
    print(f"Right formula at rank 1 for {np.mean(same):.1%} of {len(rest)} spectra of other compounds.")


def groups(
    release: Release, spectra: Sequence[MassSpectrum], truth: np.ndarray, found: list[list[Hit]]
) -> None:
    right, sizes = [], []
    for spectrum, compound, hits in zip(spectra, truth, found, strict=True):
        group = isomer_group([release], hits[0], unit_mass(spectrum.mz, spectrum.intensity))
        right.append(compound in {connectivity(one.inchikey) for one in group})
        sizes.append(len(group))
    print(
        f"Right compound in the isomer group of rank 1: {np.mean(right):.1%}; "
        f"{np.mean(sizes):.2f} compounds a group on average, {max(sizes)} at most."
    )


def laboratories(folder: Path) -> None:
    """Spectra of each contributor to MassBank among those of all others, each a release of its own."""
    with np.load(DATA / "massbank" / "ei.npz", allow_pickle=False) as data:
        units = unit_table(data["offset"], data["mz"], data["intensity"])
        keys, names = data["inchikey14"].astype(str), data["name"].astype(str)
        contributor = np.array([one.split("-")[1] for one in data["accession"].astype(str)])
    usable = (np.diff(units.offset) >= LEAST_IONS) & (keys != "")
    mine = {own: np.flatnonzero(usable & (contributor == own)) for own in np.unique(contributor[usable])}
    releases = {
        own: release_of((record(units.row(int(row)), names[row], keys[row]) for row in rows), folder / own)
        for own, rows in mine.items()
    }
    both: dict[str, list[Ints]] = {"xbt": [], "NIST match factor": []}
    for own, rows in mine.items():
        others = [release for name, release in releases.items() if name != own]
        asked = rows[np.isin(keys[rows], np.concatenate([keys[mine[name]] for name in mine if name != own]))]
        queries = [units.row(int(row)) for row in asked]
        spectra = [spectrum_from_peaks(one.mass, one.intensity) for one in queries]
        both["xbt"].append(places(search(others, spectra, top=TOP), keys[asked]))
        both["NIST match factor"].append(by_match_factor(others, spectra, keys[asked]))
    print(f"\n{sum(map(len, both['xbt']))} MassBank spectra among those of all other contributors:\n")
    list(report((name, np.concatenate(parts)) for name, parts in both.items()))


PARTS = {"known": known, "laboratories": laboratories}


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


def release_of(records: Iterable[Record], folder: Path) -> Release:
    folder.mkdir(parents=True, exist_ok=True)
    return open_release(build_release(records, folder, name="bench", source="", licence="").directory)


def compounds(release: Release) -> np.ndarray:
    """(EI entries,) what tells compounds apart."""
    rows = release.rows(SpectrumKind.EI).tolist()
    return np.array(
        [connectivity(release.text("inchikey", row)) or release.text("name", row) for row in rows]
    )


def places(found: Sequence[Sequence[Hit]], truth: np.ndarray) -> Ints:
    """(queries,) place of the right compound among the hits, from 1."""
    lists = [[connectivity(hit.reference.inchikey) for hit in hits] for hits in found]
    return np.array(
        [one.index(key) + 1 if key in one else NOT_FOUND for one, key in zip(lists, truth, strict=True)],
        np.int64,
    )


def by_match_factor(releases: Sequence[Release], spectra: Sequence[MassSpectrum], truth: np.ndarray) -> Ints:
    """(queries,) places by match factor; only entries that may reach the right one's are compared."""
    libraries = [(release.units, compounds(release), index_of(release)) for release in releases]
    found = []
    for query, key in zip(unit_spectra(spectra, None), truth, strict=True):
        own = [(units, np.flatnonzero(keys == key)) for units, keys, _ in libraries]
        right = max(match_factors(query, *one).match_factor.max(initial=0.0) for one in own)
        better: set[str] = set()
        for units, keys, index in libraries:
            rows = index.reaching(query, right)
            better.update(keys[rows[match_factors(query, units, rows).match_factor > right]].tolist())
        found.append(1 + len(better - {key}))
    return np.array(found, np.int64)


def published(
    units: UnitTable, keys: np.ndarray, spectra: Sequence[MassSpectrum], truth: np.ndarray
) -> Iterator[tuple[str, Ints]]:
    """Places by each score, computed for every row."""
    names, owner = np.unique(keys, return_inverse=True)
    blocks = np.split(np.arange(len(keys)), range(BLOCK, len(keys), BLOCK))
    queries = list(zip(unit_spectra(spectra, None), np.searchsorted(names, truth), strict=True))
    for name, score in PUBLISHED.items():
        found = []
        for query, right in queries:
            best = np.zeros(len(names))
            np.maximum.at(best, owner, np.concatenate([score(query, units, rows) for rows in blocks]))
            found.append(1 + int((best > best[right]).sum()))
        yield name, np.array(found, np.int64)


def report(found: Iterable[tuple[str, Ints]]) -> Iterator[tuple[str, Ints]]:
    """The same, each printed as soon as it is known."""
    print("| score | rank 1 | within 3 | within 10 |\n|---|---|---|---|")
    for name, ranks in found:
        shares = " | ".join(f"{np.mean(ranks <= k):.1%}" for k in (1, 3, 10))
        print(f"| {name} | {shares} |", flush=True)
        yield name, ranks


if __name__ == "__main__":
    main()
