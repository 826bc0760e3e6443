"""How often a product-ion spectrum finds its compound in spectra of other laboratories.

Run: ``python tests/benchmarks/bench_msms_accuracy.py`` (the evaluation data beside the checkout, or
``XBT_EVALUATION_DATA``). Positive MassBank spectra of accurate mass; every spectrum is a query whose compound
another contributor measured, and which has another compound within ± 10 ppm of its precursor; all spectra of
the query's own contributor are hidden. What ranks hits (`library.search.msms.SUPPORT`, `INDISTINGUISHABLE`)
was chosen on the first half of the compounds; the second is the honest figure. Prints Markdown.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from library.index.fragments import FragmentIndex, build
from library.search.msms import FULL_SCALE, INDISTINGUISHABLE, by_compound
from spectra.similarity.accurate import FRAGMENT_TOLERANCE
from spectra.similarity.cleaning import CleanSpectra, clean_spectra
from spectra.similarity.cosine import cosines

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
ACCURATE = ("TOF", "QFT", "ITFT", "ESI-FT")
SCORES = ("xbt (entropy + support)", "weighted entropy", "entropy + cosine m/z·√I", "cosine m/z·√I")


@dataclass(frozen=True)
class Spectra:
    """Cleaned spectra of accurate mass: precursor, compound and contributor as numbers."""

    clean: CleanSpectra
    precursor: np.ndarray
    compound: np.ndarray
    contributor: np.ndarray
    first_half: np.ndarray


@dataclass(frozen=True)
class Answer:
    """One query: per score whether rank 1 is right; whether the set not told apart holds it, and its size."""

    row: int
    right: tuple[bool, ...]
    held: bool
    size: int


def main(argv: Sequence[str] = ()) -> None:
    spectra = massbank()
    every = int(argv[0]) if argv else 1
    answers = measure(spectra, range(0, len(spectra.precursor), every))
    halves = np.array([spectra.first_half[one.row] for one in answers])
    names = ("compounds chosen on", "compounds held out", "all")
    groups = (np.flatnonzero(halves), np.flatnonzero(~halves), np.arange(len(answers)))
    print(
        f"| right compound at rank 1 of {len(answers):,} queries | {' | '.join(names)} |\n|---|---|---|---|"
    )
    for title, values in rates(answers).items():
        print(f"| {title} | {' | '.join(f'{values[some].mean():.1%}' for some in groups)} |")
    right = np.array([one.right for one in answers], float)
    gain = right[:, 0] - right[:, 1]
    told = (
        f"{100 * gain[some].mean():+.2f} ± {196 * gain[some].std() / len(some) ** 0.5:.2f}" for some in groups
    )
    print(f"| points gained on weighted entropy (95 %, queries as if independent) | {' | '.join(told)} |")
    sizes = np.array([one.size for one in answers])
    print(f"| compounds in that set | {' | '.join(f'{sizes[some].mean():.2f}' for some in groups)} |")


def rates(answers: Sequence[Answer]) -> dict[str, np.ndarray]:
    right = np.array([one.right for one in answers], float)
    held = np.array([one.held for one in answers], float)
    table = {name: right[:, place] for place, name in enumerate(SCORES)}
    return table | {"right compound in the set that is not told apart": held}


def massbank() -> Spectra:
    with np.load(DATA / "massbank" / "ms2_positive.npz") as file:
        arrays = {name: file[name] for name in file.files}
    instrument, precursor = arrays["instrument"], arrays["precursor_mz"]
    accurate = np.logical_or.reduce([np.char.find(instrument, kind) >= 0 for kind in ACCURATE])
    clean = clean_spectra(arrays["offset"], arrays["mz"], arrays["intensity"].astype(float), precursor)
    use = accurate & (precursor > 50) & (np.diff(clean.offset) > 0)
    kept = np.repeat(use, np.diff(clean.offset))
    offset = np.concatenate(([0], np.cumsum(np.diff(clean.offset)[use])))
    keys = arrays["inchikey14"][use]
    return Spectra(
        CleanSpectra(offset, clean.mz[kept], clean.intensity[kept]),
        precursor[use],
        np.unique(keys, return_inverse=True)[1].astype(np.uint64),
        np.unique([name.split("-")[1] for name in arrays["accession"][use]], return_inverse=True)[1],
        np.array([zlib.crc32(key.encode()) % 2 == 0 for key in keys.tolist()]),
    )


def measure(spectra: Spectra, queries: Sequence[int]) -> list[Answer]:
    clean = spectra.clean
    index = FragmentIndex(build(clean.offset, clean.mz, clean.intensity, spectra.precursor))
    return [answer for row in queries if (answer := answered(spectra, index, row))]


def answered(spectra: Spectra, index: FragmentIndex, row: int) -> Answer | None:
    """None where the compound is not measured elsewhere, or nothing could be mistaken for it."""
    query, truth = spectra.clean.row(row), spectra.compound[row]
    rows, similarity = index.identity(query, float(spectra.precursor[row]))
    foreign = spectra.contributor[rows] != spectra.contributor[row]
    rows, similarity = rows[foreign], similarity[foreign]
    compound = spectra.compound[rows]
    if not 0 < int((compound == truth).sum()) < len(rows):
        return None
    cosine, _ = cosines(query, rows_of(spectra.clean, rows), FRAGMENT_TOLERANCE)
    ranked = by_compound(similarity, compound, supported=True)
    total = FULL_SCALE * (similarity[[one[0] for one in ranked.spectra]] + ranked.support)
    near = [compound[one[0]] for one in ranked.spectra][: int((total >= total[0] - INDISTINGUISHABLE).sum())]
    scores = (similarity, similarity + cosine, cosine)
    right = (near[0] == truth, *(bool(compound[score.argmax()] == truth) for score in scores))
    return Answer(row, right, truth in near, len(near))


def rows_of(clean: CleanSpectra, rows: np.ndarray) -> CleanSpectra:
    pieces = [slice(clean.offset[row], clean.offset[row + 1]) for row in rows.tolist()]
    offset = np.concatenate(([0], np.cumsum([piece.stop - piece.start for piece in pieces])))
    return CleanSpectra(
        offset,
        np.concatenate([clean.mz[piece] for piece in pieces]),
        np.concatenate([clean.intensity[piece] for piece in pieces]),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
