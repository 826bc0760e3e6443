"""How sure answers are, and whether they are as right as they say: groups, chances, open set, families.

Run: ``python tests/benchmarks/bench_confidence.py [--rounds N] [--every N]`` (the evaluation data beside the
checkout, or ``XBT_EVALUATION_DATA``); takes some minutes. Prints Markdown tables:

- isomer groups of measured spectra whose compound SWGDRUG 3.9 holds;
- chances on MassBank replicates, half of the compounds hidden, judged on compounds they were not fitted to;
- transfer: the shipped chances on the measured spectra, their compound in the library and taken out of it, so
  that half of what is asked is unknown: the chances assume that here, not the usual share;
- open set: what is said, and which family hinted, with the compound taken out.

``--diagram FILE.svg`` draws the reliability of the second.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from library.answer import Decision
from library.calibration import (
    TERMS,
    Experience,
    calibration_error,
    crossed,
    joined,
    ranking_quality,
    recall_at,
)
from library.confidence import Chances, assuming
from library.evidence import COMPARED, FEATURES, compound_of
from library.experience import replicates
from library.families import class_of, family_named
from library.formats.msp import read_msp
from library.prepare import connectivity
from library.record import Record
from library.release import Release, build_release, open_release
from library.search.ei import search
from library.whole import EI, state
from spectra.model import MassSpectrum, spectrum_from_peaks
from spectra.similarity.mass import unit_mass

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
FLAT = "-UHFFFAOYSA-N"
ERRORS = (0.01, 0.05, 0.10)


@dataclass(frozen=True)
class Query:
    """A measured spectrum and what it is of; ``compound`` is "" where SWGDRUG does not hold it."""

    name: str
    formula: str
    compound: str
    spectrum: MassSpectrum


@dataclass(frozen=True)
class Said:
    """What is said of one query."""

    query: Query
    decision: Decision
    first: str
    group: frozenset[str]
    formula: str
    chances: Chances
    family: str
    meaning: str


def main(argv: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--every", type=int, default=5)
    words.add_argument("--diagram", type=Path)
    asked = words.parse_args(argv)
    records = [one for one in read_msp(DATA / "ei_ms" / "swgdrug_3.9.msp") if isinstance(one, Record)]
    queries = measured(records)
    with tempfile.TemporaryDirectory() as folder:
        held = [query for query in queries if query.compound][:: asked.every]
        inside = said(release_of(records, Path(folder) / "all"), held)
        outside = list(left_out(records, held, Path(folder)))
    groups_table(inside)
    transfer_table(inside, outside)
    open_set_table(outside)
    seen = hidden_half(asked.rounds)
    told = chances_table(seen)
    if asked.diagram:
        asked.diagram.write_bytes(reliability(told, seen.label("compound"), asked.diagram.suffix[1:]))


def measured(records: Iterable[Record]) -> list[Query]:
    """The measured spectra of reference standards."""
    held = {connectivity(record.inchikey) for record in records}
    spectra = [one for one in read_msp(DATA / "ei_queries" / "queries.msp") if isinstance(one, Record)]
    with (DATA / "ei_queries" / "truth.csv").open(newline="") as stream:
        truth = list(csv.DictReader(stream))
    keys = [connectivity(row["inchikey_swgdrug"]) for row in truth]
    return [
        Query(
            row["name"],
            row["formula"],
            key if key in held else "",
            spectrum_from_peaks(one.mz, one.intensity),
        )
        for row, key, one in zip(truth, keys, spectra, strict=True)
    ]


def release_of(records: Iterable[Record], folder: Path) -> Release:
    report = build_release(records, folder, name="swgdrug", source="SWGDRUG 3.9", licence="free")
    return open_release(report.directory)


def said(release: Release, queries: Sequence[Query]) -> list[Said]:
    """What the program says of each query."""
    found = search([release], [query.spectrum for query in queries], top=COMPARED)
    return [_said(release, query, hits) for query, hits in zip(queries, found, strict=True)]


def _said(release: Release, query: Query, hits: list) -> Said:  # type: ignore[type-arg]
    told = state(unit_mass(query.spectrum.mz, query.spectrum.intensity), hits, [release], shown=1, least=0.0)
    return Said(
        query=query,
        decision=told.decision,
        first=compound_of(hits[0].reference),
        group=frozenset(compound_of(one) for one in told.groups[0]),
        formula=hits[0].reference.formula,
        chances=told.chances or Chances(0.0, 0.0, 1.0),
        family=told.family.family if told.family else "",
        meaning=told.family.meaning if told.family else "",
    )


def left_out(records: Sequence[Record], queries: Sequence[Query], folder: Path) -> Iterator[Said]:
    """Each query with its compound out of the library; isomers are never taken out together."""
    turn: dict[str, int] = {}
    seen: dict[str, int] = {}
    for query in queries:
        if query.compound not in turn:
            turn[query.compound] = seen[query.formula] = seen.get(query.formula, -1) + 1
    for k in range(max(turn.values()) + 1):
        gone = {compound for compound, own in turn.items() if own == k}
        kept = (record for record in records if connectivity(record.inchikey) not in gone)
        yield from said(release_of(kept, folder / str(k)), [one for one in queries if one.compound in gone])


def groups_table(inside: Sequence[Said]) -> None:
    right = np.mean([one.query.compound == one.first for one in inside])
    grouped = np.mean([one.query.compound in one.group for one in inside])
    size = [len(one.group) for one in inside]
    print(f"\n| {len(inside)} measured spectra of compounds in SWGDRUG 3.9 | |\n|---|---|")
    print(f"| right compound at rank 1 | {right:.1%} |\n| right isomer group at rank 1 | {grouped:.1%} |")
    print(f"| compounds in a group, mean and most | {np.mean(size):.2f}, {max(size)} |")


def transfer_table(inside: Sequence[Said], outside: Sequence[Said]) -> None:
    """The shipped chances on another laboratory's drugs, half of the searches without the compound."""
    every = [*inside, *outside]
    present = [True] * len(inside) + [False] * len(outside)
    truth = {
        "compound": [p and s.query.compound == s.first for s, p in zip(every, present, strict=True)],
        "group": [p and s.query.compound in s.group for s, p in zip(every, present, strict=True)],
        "absent": [not p for p in present],
    }
    print("\n| shipped chances | AUC | calibration error | mean chance | true |\n|---|---|---|---|---|")
    for statement, right in truth.items():
        halved = [assuming(one.chances, EI.unknowns, 0.5) for one in every]
        told = np.array([getattr(one, statement) for one in halved])
        label = np.array(right, float)
        quality, error = ranking_quality(told, label), calibration_error(told, label)
        print(f"| {statement} | {quality:.3f} | {error:.3f} | {told.mean():.2f} | {label.mean():.2f} |")
    kinds = [decision for decision in Decision if decision is not Decision.ARTEFACT]
    print("\n| said | compound in the library | taken out |\n|---|---|---|")
    for kind in kinds:
        shares = [np.mean([one.decision is kind for one in part]) for part in (inside, outside)]
        print(f"| {kind.value} | {shares[0]:.1%} | {shares[1]:.1%} |")
    named = [one for one in inside if one.decision in (Decision.IDENTIFIED, Decision.GROUP)]
    wrong = np.mean([one.query.compound not in one.group for one in named])
    print(f"\nOf what was named with the compound in the library, {wrong:.1%} was wrong.")


def open_set_table(outside: Sequence[Said]) -> None:
    grouped = [one for one in outside if one.decision is Decision.GROUP]
    formula = np.mean([one.formula == one.query.formula for one in grouped]) if grouped else float("nan")
    print(f"\nGroups named with the compound taken out: {len(grouped)} of {len(outside)}, every one wrong;")
    print(f"{formula:.1%} of them are isomers of the compound.\n")
    print("| family hinted with the compound taken out | spectra | right |\n|---|---|---|")
    families = [class_or_family(family_named(one.query.name)) for one in outside]
    for family in ("fentanyl", "cathinone"):
        own = [one for one, told in zip(outside, families, strict=True) if told == family]
        right = np.mean([class_or_family(one.family) == family for one in own])
        print(f"| {family} | {len(own)} | {right:.1%} |")


def class_or_family(family: str) -> str:
    """Pyrovalerones are cathinones; fentanyls are told from other opioids."""
    return class_of(family) if class_of(family) == "cathinone" else family


def hidden_half(rounds: int) -> Experience:
    """MassBank replicates, each round another half of the compounds hidden."""
    with np.load(DATA / "massbank" / "ei.npz") as arrays:
        flat = {name: arrays[name] for name in ("mz", "intensity", "offset", "inchikey14", "name", "formula")}
    cuts = flat["offset"][1:-1]
    mz, intensity = np.split(flat["mz"].astype(float), cuts), np.split(flat["intensity"].astype(float), cuts)
    told = zip(
        flat["name"].tolist(),
        mz,
        intensity,
        flat["inchikey14"].tolist(),
        flat["formula"].tolist(),
        strict=True,
    )
    records = [
        Record(name, m, i, inchikey=key + FLAT, formula=formula) for name, m, i, key, formula in told if key
    ]
    parts = []
    for seed in range(1, rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            parts.append(replicates(records, Path(folder), np.random.default_rng(seed)))
    return joined(parts)


def chances_table(seen: Experience) -> np.ndarray:
    """Prints the table; the chances of "compound", each by a model that did not see the compound."""
    print(f"\n{len(seen.right)} searches of MassBank replicates, {seen.absent.mean():.0%} hidden.\n")
    heads = " | ".join(f"recall at {error:.0%} error" for error in ERRORS)
    print(f"| | AUC | calibration error | {heads} |\n|---|---|---|---|---|---|")
    rng = np.random.default_rng(0)
    crossed_over = {name: crossed(seen, name, rng, TERMS["ei"]) for name in ("compound", "group", "absent")}
    label = seen.label("compound")
    rows = {f"chance: {name}": (told, seen.label(name)) for name, told in crossed_over.items()}
    rows |= {
        name: (seen.values[:, FEATURES.index(feature)], label)
        for name, feature in (("match factor / 1000", "match"), ("entropy similarity", "entropy_match"))
    }
    for name, (told, right) in rows.items():
        recalls = " | ".join(f"{recall_at(told, right, error):.1%}" for error in ERRORS)
        quality, error = ranking_quality(told, right), calibration_error(told, right)
        print(f"| {name} | {quality:.3f} | {error:.3f} | {recalls} |")
    return crossed_over["compound"]


def reliability(told: np.ndarray, label: np.ndarray, kind: str) -> bytes:
    """Reliability diagram: share of right answers by chance told."""
    from library.figures import reliability_diagram

    return reliability_diagram(told, label, kind)


if __name__ == "__main__":
    main()
