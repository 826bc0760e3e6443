"""Overlapping pairs in simulated GC-MS runs: how many are taken apart, and how many are then named rightly.

Run: ``python tests/benchmarks/bench_deconvolution.py`` (the evaluation data beside the checkout, or
``XBT_EVALUATION_DATA``). Prints a Markdown table. Pairs of SWGDRUG spectra elute a given number of peak
widths apart, heights up to 1:3, with the noise, bleed, skew and tailing of `spectra.simulate`; the library
holds the true spectra, so that deconvolution is measured and not the library. Seeds are fixed.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np

from library.formats.msp import read_msp
from library.prepare import connectivity
from library.record import Record
from library.release import Release, build_release, open_release
from library.search.ei import search
from spectra.chromatography.deconvolution import deconvolve
from spectra.model import spectrum_from_peaks
from spectra.simulate import SimulatedPeak, simulate_run

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
PAIRS, RUNS, WIDTH_S = 14, 3, 2.4
Truth = list[tuple[float, str]]


def main() -> None:
    read = read_msp(DATA / "ei_ms" / "swgdrug_3.9.msp")
    records = [one for one in read if isinstance(one, Record) and len(one.mz) >= 25 and one.inchikey]
    with tempfile.TemporaryDirectory() as folder:
        report = build_release(records, Path(folder), name="swgdrug", source="", licence="")
        release = open_release(report.directory)
        print("| apart (peak widths) | found | false | right compound first | s per run |")
        print("|---|---|---|---|---|")
        for apart in (0.25, 0.5, 0.75, 1.0, 1.5):
            found, extra, right, taken = np.sum(
                [trial(records, release, apart, s) for s in range(RUNS)], axis=0
            )
            total = 2 * PAIRS * RUNS
            print(
                f"| {apart} | {found:.0f}/{total} | {extra:.0f} | {right:.0f}/{total} | {taken / RUNS:.2f} |"
            )


def trial(records: list[Record], release: Release, apart: float, seed: int) -> tuple[int, int, int, float]:
    """Components found and too many, compounds named rightly, seconds of deconvolution, of one run."""
    rng = np.random.default_rng(seed)
    peaks, truth = pairs(records, rng, apart)
    run = simulate_run(peaks, rng=rng, duration_s=PAIRS * 40.0 + 60)
    start = time.perf_counter()
    components = deconvolve(run.scans).components
    taken = time.perf_counter() - start
    hits = search([release], [c.spectrum for c in components], top=1)
    free = dict(enumerate(components))
    found = right = 0
    for rt_s, compound in truth:
        near = [k for k, c in free.items() if abs(c.rt_s - rt_s) < 0.3 * WIDTH_S]
        if near:
            k = min(near, key=lambda n: abs(components[n].rt_s - rt_s))
            free.pop(k)
            found += 1
            right += bool(hits[k]) and connectivity(hits[k][0].reference.inchikey) == compound
    return found, len(free), right, taken


def pairs(records: list[Record], rng: np.random.Generator, apart: float) -> tuple[list[SimulatedPeak], Truth]:
    peaks: list[SimulatedPeak] = []
    truth: Truth = []
    for pair in range(PAIRS):
        first = 160 + 40 * pair + rng.uniform(-5, 5)
        for place in (0, 1):
            record = records[int(rng.integers(len(records)))]
            rt_s = first + place * apart * WIDTH_S
            height = 2e5 * 3 ** rng.uniform(0, 1)
            peaks.append(
                SimulatedPeak(spectrum_from_peaks(record.mz, record.intensity), rt_s, height, WIDTH_S)
            )
            truth.append((rt_s, connectivity(record.inchikey)))
    return peaks, truth


if __name__ == "__main__":
    main()
