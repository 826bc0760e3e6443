"""Speed of the search of unit-mass EI spectra, beside matchms and what the memory allows.

Run: ``python tests/benchmarks/bench_ei_speed.py [SIZE ...]``; ``tools/make_library.py`` beside the evaluation
data is called with ``ei N OUT`` and writes a library of realistic spectra (arrays data, indices, indptr),
once, into ``--folder``.
Prints a Markdown table: per-query minimum of 5, peers interleaved in one process, medians over the queries.
The limit is the time to read every posting of the query's columns and the scores once, at the speed at which
the same process streams two arrays on one core.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded

import numpy as np

from library.index.nominal import NominalIndex
from library.index.nominal_build import build
from spectra.similarity.mass import UnitSpectrum, UnitTable, unit_mass, unit_table
from spectra.similarity.match_factor import match_factors

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
REPEATS = 5
TOP = 100
PAIRS = 200  # that matchms compares, scaled up to the library's size
STREAMED = 25_000_000  # numbers in each of the two arrays that are streamed


@dataclass(frozen=True)
class Speeds:
    """Medians over queries, in ms; ``matchms`` is None where it is not installed."""

    size: int
    build_s: float
    limit: float
    best: float  # exact top 100 by cosine, with match factors
    ranked: float  # entries that reach a match factor of 700, with match factors
    matchms: float | None
    batch_gain: float  # rate of a batch on two threads over that of single queries


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000, 100_000, 350_000])
    parser.add_argument("--maker", type=Path, default=DATA.parent / "tools" / "make_library.py")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "xbt-bench-ei")
    parser.add_argument("--queries", type=int, default=20)
    chosen = parser.parse_args(argv)
    print(
        "| entries | build s | limit ms | top 100, MF, RMF ms | of limit | MF ≥ 700 ms | matchms ms | batch |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for size in chosen.sizes:
        units = table(made(chosen.maker, chosen.folder, size))
        one = speeds(units, queries(units, chosen.queries))
        peer = "–" if one.matchms is None else f"{one.matchms:.0f} ({one.matchms / one.best:.0f} ×)"
        print(
            f"| {one.size} | {one.build_s:.1f} | {one.limit:.2f} | {one.best:.2f} "
            f"| {one.best / one.limit:.1f} × | {one.ranked:.2f} | {peer} | {one.batch_gain:.2f} × |",
            flush=True,
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nPeak memory of the process: {peak:.1f} GB; load of the machine: {os.getloadavg()[0]:.1f}.")


def made(maker: Path, folder: Path, size: int) -> Path:
    path = folder / f"ei_{size}.npz"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, str(maker), "ei", str(size), str(path)], check=True)
    return path


def table(path: Path) -> UnitTable:
    with np.load(path, allow_pickle=False) as data:
        intensity = np.minimum(data["data"].astype(np.float64), 999)
        return unit_table(data["indptr"], data["indices"].astype(np.float64), intensity)


def queries(units: UnitTable, count: int, seed: int = 5) -> list[UnitSpectrum]:
    """Spectra of the library, each intensity changed by about 30 %."""
    rng = np.random.default_rng(seed)
    rows = [units.row(int(row)) for row in rng.choice(len(units), count, replace=False)]
    return [unit_mass(one.mass, one.intensity * rng.lognormal(0, 0.3, len(one.mass))) for one in rows]


def speeds(units: UnitTable, asked: Sequence[UnitSpectrum]) -> Speeds:
    start = time.perf_counter()
    arrays = build(units)
    build_s = time.perf_counter() - start
    index = NominalIndex(units, arrays)
    peer = matchms_pairs(units)
    streamed = np.ones(STREAMED, np.float32), np.ones(STREAMED, np.float32)
    times = np.full((len(asked), 4, REPEATS), np.inf)
    for k, query in enumerate(asked):
        for repeat in range(REPEATS):
            works: list[Callable[[], object]] = [
                lambda: np.dot(*streamed),
                lambda query=query: match_factors(query, units, index.best(query, TOP)[0]),  # type: ignore[misc]
                lambda query=query: match_factors(query, units, index.reaching(query, 700)),  # type: ignore[misc]
                lambda query=query: peer(query) if peer else None,  # type: ignore[misc]
            ]
            times[k, :, repeat] = [timed(work) for work in works]
    least = 1000 * times.min(axis=2)
    per_byte = least[:, 0].min() / (2 * streamed[0].nbytes)
    column = arrays["column"]
    touched = [8 * int((column[one.mass + 1] - column[one.mass]).sum()) + 8 * len(units) for one in asked]
    matchms = float(np.median(least[:, 3])) * len(units) / PAIRS if peer else None
    limit, best, ranked = float(np.median(touched)) * per_byte, *np.median(least[:, 1:3], axis=0).tolist()
    return Speeds(len(units), build_s, limit, best, ranked, matchms, batch_gain(units, index, asked))


def batch_gain(
    units: UnitTable, index: NominalIndex, asked: Sequence[UnitSpectrum], count: int = 256
) -> float:
    batch = [asked[k % len(asked)] for k in range(count)]

    def work(query: UnitSpectrum) -> object:
        return match_factors(query, units, index.best(query, TOP)[0])

    alone = timed(lambda: [work(query) for query in batch])
    with ThreadPoolExecutor(2) as threads:
        together = timed(lambda: list(threads.map(work, batch)))
    return alone / together


def matchms_pairs(units: UnitTable) -> Callable[[UnitSpectrum], object] | None:
    """CosineGreedy of a query with ``PAIRS`` entries, one pair at a time as matchms does it."""
    try:
        from matchms import Spectrum
        from matchms.similarity import CosineGreedy
    except ImportError:
        return None

    def spectrum(one: UnitSpectrum) -> object:
        return Spectrum(
            mz=one.mass.astype(float), intensities=one.intensity / 999, metadata={"precursor_mz": 1.0}
        )

    entries = [spectrum(units.row(row)) for row in range(PAIRS)]
    cosine = CosineGreedy(tolerance=0.1)
    return lambda query: [cosine.pair(entry, asked) for asked in [spectrum(query)] for entry in entries]


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
