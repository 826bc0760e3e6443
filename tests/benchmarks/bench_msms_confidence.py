"""How sure answers on product ions are, and whether they are as right as they say.

Run: ``python tests/benchmarks/bench_msms_confidence.py [--rounds N]`` (the evaluation data beside the
checkout, or ``XBT_EVALUATION_DATA``). MassBank spectra of accurate mass, each searched in those of other
laboratories with half of all compounds hidden (`library.experience.laboratories`). Every chance is told by a
model that was not fitted to the compound, or neither to the compound nor to the laboratory; for drugs also
by one that was fitted to no drug. Prints Markdown. ``--diagram FILE.png`` draws the reliability.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from library.answer import Decision
from library.calibration import (
    TERMS,
    Experience,
    calibration_error,
    crossed,
    fit,
    joined,
    ranking_quality,
    recall_at,
)
from library.confidence import Chances, assuming, probability
from library.experience import laboratories
from library.figures import reliability_diagram
from library.formats.arrays import read_arrays
from library.product_ions import FEATURES
from library.record import Record, SpectrumKind
from library.statement import THRESHOLDS, Evidence, decide
from library.substances import load_substances

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
FLAT = "-UHFFFAOYSA-N"  # the arrays tell connectivity only
ACCURATE = ("TOF", "QFT", "ITFT", "ESI-FT")
ERRORS = (0.01, 0.05, 0.10)
STATEMENTS = ("compound", "group", "absent")
PLAIN = {"entropy similarity": "score", "lead in entropy similarity": "lead", "cosine m/z·√I": "cosine"}


def main(argv: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--diagram", type=Path)
    asked = words.parse_args(argv)
    records = [one for one in massbank() if any(kind in one.instrument for kind in ACCURATE)]
    seen = joined([one_round(records, seed) for seed in range(1, asked.rounds + 1)])
    told, strange = (judged(seen, strangers=strangers) for strangers in (False, True))
    drug = np.array([load_substances().by_inchikey(key + FLAT) is not None for key in seen.compound.tolist()])
    print(
        f"{len(seen.right):,} searches with a candidate, of {len(np.unique(seen.compound)):,} compounds and "
        f"{len(np.unique(seen.origin))} laboratories; the compound is hidden in {seen.absent.mean():.0%}.\n"
    )
    print("| | AUC | calibration error | " + " | ".join(f"recall at {e:.0%} error" for e in ERRORS) + " |")
    print("|---|---|---|---|---|---|")
    every = np.ones(len(drug), bool)
    for name, chances in (("compound not seen", told), ("compound and laboratory not seen", strange)):
        for statement in ("compound", "group"):
            line(f"chance: {statement}; {name}", chances[statement], seen.label(statement), every)
    right = seen.label("compound")
    for name, feature in PLAIN.items():
        line(name, seen.values[:, FEATURES.index(feature)], right, every, plain=True)
    several = seen.values[:, FEATURES.index("lead")] < seen.values[:, FEATURES.index("score")] - 1e-9
    line("chance: compound; a second candidate", told["compound"], right, several)
    for statement in ("compound", "group"):
        line(
            f"chance: {statement}; drugs, fitted to no drug",
            without(seen, drug, statement),
            seen.label(statement),
            drug,
        )
    line("entropy similarity; drugs", seen.values[:, FEATURES.index("score")], right, drug, plain=True)
    decisions(seen, strange)
    if asked.diagram:
        asked.diagram.write_bytes(reliability_diagram(told["compound"], right, asked.diagram.suffix[1:]))


def massbank() -> Iterator[Record]:
    with np.load(DATA / "massbank" / "ms2_positive.npz") as file:
        columns = {name: file[name] for name in file.files}
    known = {"formula": "formula", "source_id": "accession", "instrument": "instrument", "adduct": "adduct"}
    rows = len(columns["name"])
    return read_arrays(
        SpectrumKind.MSMS,
        *(columns[name] for name in ("offset", "mz", "intensity")),
        columns["name"].tolist(),
        inchikey=[key + FLAT if key else "" for key in columns["inchikey14"].tolist()],
        precursor_mz=columns["precursor_mz"].tolist(),
        energy=columns["collision_energy"].tolist(),
        polarity=[1] * rows,
        **{name: columns[column].tolist() for name, column in known.items()},
    )


def one_round(records: Sequence[Record], seed: int) -> Experience:
    """Another half of the compounds hidden."""
    homes = [one.source_id.split("-")[1].partition("_")[0] for one in records]
    with tempfile.TemporaryDirectory() as folder:
        return laboratories(records, homes, Path(folder), np.random.default_rng(seed))


def judged(seen: Experience, *, strangers: bool) -> dict[str, np.ndarray]:
    """Per statement the chances told by models that have not seen what they judge."""
    return {
        statement: crossed(seen, statement, np.random.default_rng(0), TERMS["msms"], strangers=strangers)
        for statement in STATEMENTS
    }


def without(seen: Experience, some: np.ndarray, statement: str) -> np.ndarray:
    """Chances of every row by a model fitted to the others."""
    terms = TERMS["msms"]
    others, label = np.flatnonzero(~some), seen.label(statement)
    directions = terms.directions_of(statement)
    model = fit(seen.values[others], label[others], terms.features, directions, terms.ridge)
    return probability(model, terms.features, seen.values)


def line(name: str, told: np.ndarray, label: np.ndarray, some: np.ndarray, *, plain: bool = False) -> None:
    told, label = told[some], label[some]
    error = "" if plain else f"{calibration_error(told, label):.3f}"
    recalls = " | ".join(f"{recall_at(told, label, error):.1%}" for error in ERRORS)
    print(f"| {name} ({len(label):,}) | {ranking_quality(told, label):.3f} | {error} | {recalls} |")


def decisions(seen: Experience, told: dict[str, np.ndarray]) -> None:
    """What is said, with the compound held and hidden."""
    rule = THRESHOLDS[SpectrumKind.MSMS]
    score, matched, group = (seen.values[:, FEATURES.index(name)] for name in ("score", "matched", "group"))
    said = []
    for k in range(len(score)):
        sure, grouped, absent = (float(told[statement][k]) for statement in STATEMENTS)
        grouped = max(sure, grouped)
        chances = Chances(sure, grouped, min(absent, 1 - grouped))
        known = assuming(chances, float(seen.absent.mean()), rule.unknowns)
        ions, size = round(np.expm1(matched[k])), round(np.exp(group[k]))
        said.append(decide(Evidence(1000 * score[k], ions, size, known, family=False), rule))
    print("\n| said | compound held | of these wrong | compound hidden |\n|---|---|---|---|")
    for kind, right in ((Decision.IDENTIFIED, seen.right), (Decision.GROUP, seen.grouped)):
        these = np.array([one is kind for one in said])
        held, hidden = these[~seen.absent].mean(), these[seen.absent].mean()
        wrong = 1 - right[these & ~seen.absent].mean()
        print(f"| {kind.value} | {held:.1%} | {wrong:.1%} | {hidden:.1%} |")


if __name__ == "__main__":
    main()
