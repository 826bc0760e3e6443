"""Search of measured EI spectra against SWGDRUG: speed, and how often the right compound is found.

Run: ``python tests/benchmarks/bench_ei_search.py`` (the evaluation data beside the checkout, or
``XBT_EVALUATION_DATA``). Prints a Markdown table: `library.search.ei` beside a plain cosine of √intensity ×
√(m/z), 40 ≤ m/z < 700, one entry per connectivity, written here from its definition.
"""

from __future__ import annotations

import csv
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from library.formats.msp import read_msp
from library.groups import isomer_group
from library.prepare import connectivity
from library.record import Record
from library.release import Release, build_release, open_release
from library.search.ei import Hit, search
from spectra.model import MassSpectrum, spectrum_from_peaks
from spectra.similarity.mass import unit_mass

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
Result = TypeVar("Result")
TOP = 10
LOW, HIGH = 40, 700


@dataclass(frozen=True)
class Answer:
    """What one method says of one query: compounds best first, and the formula of the first."""

    compounds: list[str]
    formula: str
    group: frozenset[str]


def main() -> None:
    records = [one for one in read_msp(DATA / "ei_ms" / "swgdrug_3.9.msp") if isinstance(one, Record)]
    queries = [one for one in read_msp(DATA / "ei_queries" / "queries.msp") if isinstance(one, Record)]
    with (DATA / "ei_queries" / "truth.csv").open(newline="") as stream:
        truth = list(csv.DictReader(stream))
    spectra = [spectrum_from_peaks(one.mz, one.intensity) for one in queries]
    with tempfile.TemporaryDirectory() as folder:
        built = timed(lambda: imported(Path(folder)))
        release = built[1]
        search([release], spectra[:1])  # the index is made once
        exact = timed(lambda: search([release], spectra, top=TOP))
        plain = timed(lambda: plain_cosine(records, spectra))
        ours = [answer(release, hits, one) for hits, one in zip(exact[1], spectra, strict=True)]
        report(built[0], (exact[0], ours), (plain[0], plain[1]), truth)


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def imported(folder: Path) -> Release:
    source = DATA / "ei_ms" / "swgdrug_3.9.msp"
    report = build_release(read_msp(source), folder, name="swgdrug", source="SWGDRUG 3.9", licence="free")
    return open_release(report.directory)


def answer(release: Release, hits: Sequence[Hit], spectrum: MassSpectrum) -> Answer:
    query = unit_mass(spectrum.mz, spectrum.intensity)
    group = isomer_group([release], hits[0], query) if hits else ()
    return Answer(
        [connectivity(hit.reference.inchikey) for hit in hits],
        hits[0].reference.formula if hits else "",
        frozenset(connectivity(reference.inchikey) for reference in group),
    )


def plain_cosine(records: Sequence[Record], spectra: Sequence[MassSpectrum]) -> list[Answer]:
    """The baseline, with the best entry of each connectivity."""
    references = np.array([weights(unit.mz, unit.intensity) for unit in records])
    keys = np.array([connectivity(record.inchikey) or record.name for record in records])
    formulas = [record.formula for record in records]
    answers = []
    for spectrum in spectra:
        order = np.argsort(-(references @ weights(spectrum.mz, spectrum.intensity)), kind="stable")
        first = np.sort(np.unique(keys[order], return_index=True)[1])[:TOP]
        answers.append(Answer(keys[order][first].tolist(), formulas[order[0]], frozenset([keys[order[0]]])))
    return answers


def weights(mz: np.ndarray, intensity: np.ndarray) -> np.ndarray:
    unit = unit_mass(mz, intensity)
    dense = np.zeros(HIGH - LOW)
    inside = (unit.mass >= LOW) & (unit.mass < HIGH)
    dense[unit.mass[inside] - LOW] = np.sqrt(unit.mass[inside] * unit.intensity[inside].astype(float))
    return dense / (np.linalg.norm(dense) or 1.0)


def report(
    import_s: float,
    ours: tuple[float, list[Answer]],
    plain: tuple[float, list[Answer]],
    truth: Sequence[dict[str, str]],
) -> None:
    known = [row for row, one in enumerate(truth) if one["inchikey_swgdrug"]]
    print(f"Import of SWGDRUG 3.9 (read, check, write, sync): {import_s:.2f} s\n")
    print(f"{len(truth)} queries, {len(known)} of compounds in the library, {len(truth) - len(known)} not.\n")
    print("| of compounds in the library | xbt | plain cosine |\n|---|---|---|")
    for title, rate in RATES.items():
        print(f"| {title} | {rate(ours[1], truth, known):.1%} | {rate(plain[1], truth, known):.1%} |")
    print(f"| spectra per second | {len(truth) / ours[0]:.0f} | {len(truth) / plain[0]:.0f} |")
    absent = sorted(set(range(len(truth))) - set(known))
    print("\n| of compounds not in the library | xbt | plain cosine |\n|---|---|---|")
    rates = [formula(answers, truth, absent) for answers in (ours[1], plain[1])]
    print(f"| right formula at rank 1 | {rates[0]:.1%} | {rates[1]:.1%} |")
    sizes = [len(one.group) for one in ours[1]]
    print(f"\nIsomer group of the best hit: {np.mean(sizes):.2f} compounds on average, {max(sizes)} at most.")
    ratio = ours[0] / plain[0]
    print(f"Time per query, xbt : plain cosine = {ratio:.2f} : 1 (a ratio, to compare between machines).")


Rate = Callable[[Sequence[Answer], Sequence[dict[str, str]], Sequence[int]], float]


def within(top: int) -> Rate:
    def rate(answers: Sequence[Answer], truth: Sequence[dict[str, str]], rows: Sequence[int]) -> float:
        found = [connectivity(truth[row]["inchikey_swgdrug"]) in answers[row].compounds[:top] for row in rows]
        return float(np.mean(found))

    return rate


def formula(answers: Sequence[Answer], truth: Sequence[dict[str, str]], rows: Sequence[int]) -> float:
    return float(np.mean([answers[row].formula == truth[row]["formula"] for row in rows]))


def group(answers: Sequence[Answer], truth: Sequence[dict[str, str]], rows: Sequence[int]) -> float:
    return float(
        np.mean([connectivity(truth[row]["inchikey_swgdrug"]) in answers[row].group for row in rows])
    )


RATES: dict[str, Rate] = {
    "right compound at rank 1": within(1),
    "within 3": within(3),
    "within 10": within(10),
    "right compound in the isomer group of rank 1": group,
    "right formula at rank 1": formula,
}

if __name__ == "__main__":
    main()
