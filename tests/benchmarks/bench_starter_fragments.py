"""The shipped fragment ions in place of a full library: how often the right substance comes first.

Run: ``python tests/benchmarks/bench_starter_fragments.py`` (evaluation data beside the checkout, or
``XBT_EVALUATION_DATA``). Queries are MassBank's positive product-ion spectra of the substances in the table
by contributors none of whose records made a row of that substance. Both libraries hold the same substances;
the full one holds every spectrum of them by the contributors that made the rows. Candidates lie within
±10 ppm of the precursor; the score is weighted entropy, the best spectrum of a substance counts. Beside it,
the same with the full spectra of all other MassBank compounds as competitors of both.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from library.record import SpectrumKind
from library.starter_fragments import fragment_records
from spectra.model import Floats, MassSpectrum
from spectra.similarity.cleaning import clean_spectrum
from spectra.similarity.entropy import entropy_similarity

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
PPM = 10.0
MOST_QUERIES = 1500
LEAST_IONS = 2


@dataclass(frozen=True, eq=False)
class Entry:
    """A spectrum, whose it is and who measured it."""

    compound: str
    contributor: str
    precursor: float
    spectrum: MassSpectrum


def main() -> None:
    rows, makers = starter()
    measured = massbank()
    ours = [one for one in measured if one.compound in makers]
    queries = [one for one in ours if one.contributor not in makers[one.compound]]
    queries = [one for one in queries if len(one.spectrum) >= LEAST_IONS]
    chosen = np.random.default_rng(1).permutation(len(queries))[:MOST_QUERIES]
    full = [one for one in ours if one.contributor in makers[one.compound]]
    others = [one for one in measured if one.compound not in makers]
    print(f"{len(chosen)} queries of {len({queries[k].compound for k in chosen})} substances; "
          f"{len(rows)} rows against {len(full)} spectra")  # fmt: skip
    print("| competitors | library | rank 1 | top 3 | compounds within 10 ppm |")
    print("|---|---|---|---|---|")
    for label, rest in (("the table's substances", []), ("all of MassBank", others)):
        for name, library in (("starter", rows), ("full spectra", full)):
            first, three, rivals = ranked([queries[k] for k in chosen], [*library, *rest])
            print(f"| {label} | {name} | {100 * first:.1f} % | {100 * three:.1f} % | {rivals:.1f} |")


def starter() -> tuple[list[Entry], dict[str, set[str]]]:
    """The table's positive product-ion rows, and which contributors made those of each compound."""
    rows: list[Entry] = []
    makers: dict[str, set[str]] = defaultdict(set)
    for record in fragment_records():
        if record.kind is SpectrumKind.MSMS and record.polarity > 0:
            compound = record.inchikey[:14]
            contributor = record.comments.rpartition("MSBNK-")[2].rpartition("-")[0]
            makers[compound].add(contributor.partition("-")[0])
            rows.append(entry(compound, contributor, record.precursor_mz or 0.0, record.mz, record.intensity))
    return rows, makers


def massbank() -> list[Entry]:
    held = np.load(DATA / "massbank" / "ms2_positive.npz", allow_pickle=False)
    arrays = {name: held[name] for name in held}
    found = []
    for k, accession in enumerate(arrays["accession"]):
        ions = slice(arrays["offset"][k], arrays["offset"][k + 1])
        compound, precursor = str(arrays["inchikey14"][k]), float(arrays["precursor_mz"][k])
        contributor = str(accession).split("-")[1]
        found.append(entry(compound, contributor, precursor, arrays["mz"][ions], arrays["intensity"][ions]))
    return found


def entry(compound: str, contributor: str, precursor: float, mz: Floats, intensity: Floats) -> Entry:
    cleaned = clean_spectrum(mz, intensity, precursor)
    return Entry(compound, contributor, precursor, cleaned)


def ranked(queries: list[Entry], library: list[Entry]) -> tuple[float, float, float]:
    """Share of right substances at rank 1 and in the top 3, and how many compounds were to choose from."""
    library = sorted(library, key=lambda one: one.precursor)
    precursor = np.array([one.precursor for one in library])
    places, rivals = [], []
    for query in queries:
        near = query.precursor * PPM * 1e-6
        low, high = np.searchsorted(precursor, (query.precursor - near, query.precursor + near))
        best: dict[str, float] = {}
        for one in library[low:high]:
            score = entropy_similarity(query.spectrum, one.spectrum)
            best[one.compound] = max(best.get(one.compound, 0.0), score)
        rivals.append(len(best))
        own = best.get(query.compound, -1.0)
        ahead = sum(score >= own for compound, score in best.items() if compound != query.compound)
        places.append(ahead + 1 if own > 0 else 999)
    ranks = np.array(places)
    return float(np.mean(ranks == 1)), float(np.mean(ranks <= 3)), float(np.mean(rivals))


if __name__ == "__main__":
    main()
