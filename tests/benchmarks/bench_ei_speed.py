"""Speed of the search of unit-mass EI spectra, beside matchms, ms-entropy and what the memory allows.

Run: ``python tests/benchmarks/bench_ei_speed.py [SIZE ...] [--part build|search|batch|open|swgdrug]``;
100,000 and 350,000 spectra where no size is given (some minutes; 1000000 needs 6 GB).
``tools/make_library.py`` beside the evaluation data is called with ``ei N OUT`` and writes a library of
realistic spectra, once, into ``--folder``. Each figure is the least of five for a query, peers one after the
other in one process, medians over the queries:

- build, in processor time: from raw arrays, each in a process of its own; ms-entropy builds two small
  libraries, a straight line through these gives its time and memory for the size;
- search, in processor time: the limit is that of reading every posting of the query's columns and the scores
  once, at the speed at which the same process streams two arrays on one core; a whole scan adds all these
  postings up, and does no more; top 100 by cosine with match factors; all rows of match factor 700; matchms
  compares 200 pairs, its time for the library is scaled up from these;
- batch: 256 queries one by one and on two threads, and what the machine gives two threads that only compute;
- open: mapping the index's files, opening the index, and the first query;
- swgdrug: processor time of one query of SWGDRUG 3.9 through the whole search, beside a matrix product.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded

import numpy as np
from bench_ei_search import compounds, measured, release_of, swgdrug

from library.columns import Columns, load
from library.index.nominal import NominalIndex
from library.index.nominal_build import build
from library.release import Release
from library.search.ei import search
from spectra.model import MassSpectrum
from spectra.similarity.mass import UnitSpectrum, UnitTable, unit_mass, unit_table
from spectra.similarity.match_factor import match_factors

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
REPEATS = 5
TOP = 100
PAIRS = 200  # that matchms compares, scaled up to the library's size
STREAMED = 25_000_000  # numbers in each of the two arrays that are streamed
BATCH = 256
PEER_BUILDS = (3000, 9000)  # spectra
BINNED = 10_000  # spectra at once
LOW, HIGH = 40, 700  # m/z of the matrix product

Work = Callable[[], object]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[100_000, 350_000])
    parser.add_argument("--maker", type=Path, default=DATA.parent / "tools" / "make_library.py")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "xbt-bench-ei")
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--part", choices=sorted(PARTS))
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args(argv)
    if chosen.child:
        return print(json.dumps(CHILDREN[chosen.child[0]](Path(chosen.child[1]), chosen.sizes[0])))
    for size in chosen.sizes:
        path = made(chosen.maker, chosen.folder, size)
        if not (path.with_suffix("") / "row.npy").is_file() or chosen.part in (None, "build"):
            print_build(path, size)
        for name, part in PARTS.items():
            if chosen.part in (None, name) and part:
                part(path.with_suffix(""), chosen.queries)
    if chosen.part in (None, "swgdrug"):
        print_swgdrug()
    print(f"\nLoad of the machine at the end: {os.getloadavg()[0]:.1f}.")
    return None


def made(maker: Path, folder: Path, size: int) -> Path:
    path = folder / f"ei_{size}.npz"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, str(maker), "ei", str(size), str(path)], check=True)
    return path


def queries(units: UnitTable, count: int, seed: int = 5) -> list[UnitSpectrum]:
    """Spectra of the library, each intensity changed by about 30 %."""
    rng = np.random.default_rng(seed)
    rows = [units.row(int(row)) for row in rng.choice(len(units), count, replace=False)]
    return [unit_mass(one.mass, one.intensity * rng.lognormal(0, 0.3, len(one.mass))) for one in rows]


def opened(folder: Path) -> tuple[UnitTable, NominalIndex]:
    """The library that `ours` wrote, mapped."""
    arrays = {path.stem: load(path) for path in folder.glob("*.npy")}
    units = UnitTable(*(arrays[f"unit_{part}"] for part in UnitTable.__slots__))
    return units, NominalIndex(units, arrays)


def print_search(folder: Path, count: int) -> None:
    units, index = opened(folder)
    asked, peer = queries(units, count), matchms_pairs(units)
    streamed = np.ones(STREAMED, np.float32), np.ones(STREAMED, np.float32)
    works: list[Callable[[UnitSpectrum], object]] = [
        lambda _query: np.dot(*streamed),
        lambda query: whole_scan(index, query),
        lambda query: match_factors(query, units, index.best(query, TOP)[0]),
        lambda query: match_factors(query, units, index.reaching(query, 700)),
        lambda query: peer(query) if peer else None,
    ]
    least = 1000 * np.array(
        [interleaved([lambda w=w, q=q: w(q) for w in works], clock=time.thread_time) for q in asked]
    )  # type: ignore[misc]
    postings = [int(np.diff(index.column)[one.mass].sum()) for one in asked]
    per_byte = least[:, 0].min() / (2 * streamed[0].nbytes)
    limit = float(np.median([8 * one + 8 * len(units) for one in postings])) * per_byte
    scan, best, ranked, pairs = np.median(least[:, 1:], axis=0)
    matchms = pairs * len(units) / PAIRS
    print(
        f"\nSearch of {len(units)} spectra, streaming at {1e-6 / per_byte:.0f} GB/s:\n\n"
        "| | ms | of the limit |\n|---|---|---|"
    )
    rows = {"limit": limit, "whole scan": scan, f"top {TOP}, MF, RMF": best, "all of MF ≥ 700": ranked}
    for name, value in rows.items():
        print(f"| {name} | {value:.2f} | {value / limit:.1f} × |")
    if peer:
        print(
            f"| matchms CosineGreedy, from {PAIRS} pairs | {matchms:.0f} | "
            f"{matchms / best:.0f} × the top {TOP} |"
        )


def whole_scan(index: NominalIndex, query: UnitSpectrum) -> object:
    product = np.zeros(index.turn.size * 256, np.float32)
    index.add(query.mass.astype(np.int64), np.sqrt(query.mass * query.intensity.astype(float)), product)
    return product


def print_batch(folder: Path, count: int) -> None:
    units, index = opened(folder)
    asked = [one for one in queries(units, count, seed=6) for _ in range(-(-BATCH // count))][:BATCH]

    def work(query: UnitSpectrum) -> object:
        return match_factors(query, units, index.best(query, TOP)[0])

    def compute(_turn: int) -> object:
        return [np.dot(cached, cached) for _ in range(2000)]

    cached = np.ones(100_000, np.float32)
    with ThreadPoolExecutor(2) as threads:
        alone, together, one, two = interleaved(
            [
                lambda: [work(query) for query in asked],
                lambda: list(threads.map(work, asked)),
                lambda: [compute(turn) for turn in range(2)],
                lambda: list(threads.map(compute, range(2))),
            ],
            3,
        )
    print(
        f"\n{BATCH} queries of {len(units)} spectra: {1000 * alone / BATCH:.2f} ms each one by one, "
        f"{1000 * together / BATCH:.2f} ms on two threads: {alone / together:.2f} × the rate; "
        f"the machine gives two threads that only compute {one / two:.2f} ×."
    )


def print_build(path: Path, size: int) -> None:
    seconds, memory, table_s = child("ours", path, size)
    print(
        f"\nBuild of {size} spectra from raw arrays: {seconds:.1f} s "
        f"({table_s:.1f} s of it binning), {memory:.0f} MB."
    )
    small, great = ([*child("ms-entropy", path, count)[:2]] for count in PEER_BUILDS)
    slope = (np.array(great) - small) / (PEER_BUILDS[1] - PEER_BUILDS[0])
    peer_s, peer_mb = np.array(great) + slope * (size - PEER_BUILDS[1])
    print(
        f"ms-entropy, by a line through {PEER_BUILDS[0]} and {PEER_BUILDS[1]} spectra: {peer_s:.0f} s, "
        f"{peer_mb:.0f} MB. "
        f"Ours takes {seconds / peer_s:.2f} of its time and {memory / peer_mb:.2f} of its memory."
    )


def child(name: str, path: Path, size: int) -> list[float]:
    command = [sys.executable, __file__, str(size), "--child", name, str(path)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: list[float] = json.loads(answer.splitlines()[-1])
    return found


def ours(path: Path, _size: int) -> list[float]:
    """Seconds, MB over what the raw arrays take, and seconds of binning; the arrays are left in a folder."""
    with np.load(path, allow_pickle=False) as data:
        offset, mass, intensity = data["indptr"], data["indices"], data["data"]
    before, start = peak(), time.process_time()
    units = binned(offset, mass, np.minimum(intensity, 999))
    middle = time.process_time()
    arrays = build(units)
    end, whole = time.process_time(), peak() - before
    path.with_suffix("").mkdir(exist_ok=True)
    columns = Columns(path.with_suffix(""))
    for name, array in {
        **arrays,
        **{f"unit_{part}": getattr(units, part) for part in UnitTable.__slots__},
    }.items():
        columns.append(name, array)
    columns.close()
    return [end - start, whole, middle - start]


def binned(offset: np.ndarray, mass: np.ndarray, intensity: np.ndarray) -> UnitTable:
    """In blocks, as a release is built."""
    parts = []
    for first in range(0, len(offset) - 1, BINNED):
        bounds = offset[first : first + BINNED + 1]
        ions = slice(bounds[0], bounds[-1])
        parts.append(unit_table(bounds - bounds[0], mass[ions], intensity[ions]))
    ends = np.cumsum([0, *(part.offset[-1] for part in parts)])
    bounds = [part.offset[1:] + end for part, end in zip(parts, ends, strict=False)]
    flat = ("mass", "intensity", "start", "floor")
    return UnitTable(
        np.concatenate([[0], *bounds]),
        *(np.concatenate([getattr(part, name) for part in parts]) for name in flat),
    )


def theirs(path: Path, size: int) -> list[float]:
    from ms_entropy import FlashEntropySearch

    with np.load(path, allow_pickle=False) as data:
        offset = data["indptr"][: size + 1]
        peaks = np.stack((data["indices"][: offset[-1]], data["data"][: offset[-1]]), axis=1).astype(
            np.float32
        )
    spectra = [{"precursor_mz": 1000.0, "peaks": one} for one in np.split(peaks, offset[1:-1])]
    before, start = peak(), time.process_time()
    FlashEntropySearch().build_index(spectra, precursor_ions_removal_da=None, noise_threshold=0)
    return [time.process_time() - start, peak() - before]


def peak() -> float:
    """MB. ``ru_maxrss`` would begin with what the parent held when it started this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return float(status.partition("VmHWM:")[2].split()[0]) / 1024


def print_open(folder: Path, _count: int) -> None:
    opening = min(timed(lambda: opened(folder)) for _ in range(REPEATS))
    units, index = opened(folder)
    query = queries(units, 1, seed=7)[0]
    first, second = (timed(lambda: index.best(query, TOP)) for _ in range(2))
    print(
        f"\nOpening the index of {len(units)} spectra: {1000 * opening:.1f} ms; "
        f"its first query {1000 * first:.1f} ms, again {1000 * second:.1f} ms."
    )


def print_swgdrug() -> None:
    with tempfile.TemporaryDirectory() as folder:
        release, spectra = release_of(swgdrug(), Path(folder) / "full"), measured()[0][::10]
        works = lambda one: search([release], [one], top=10), plain(release)
        times = [
            interleaved([lambda w=w, q=q: w(q) for w in works], clock=time.process_time) for q in spectra
        ]  # type: ignore[misc]
    ours_s, dull = 1000 * np.median(times, axis=0)
    print(f"\nOne query of SWGDRUG 3.9: {ours_s:.1f} ms of processor time; a matrix product {dull:.1f} ms.")


def plain(release: Release) -> Callable[[MassSpectrum], object]:
    """The best compounds by a matrix product with dense √m·√I, without any evidence."""
    dense = np.array([weights(release.units.row(row)) for row in range(len(release.units))])
    keys = compounds(release)

    def work(spectrum: MassSpectrum) -> object:
        scores = dense @ weights(unit_mass(spectrum.mz, spectrum.intensity))
        order = np.argsort(-scores, kind="stable")
        return keys[order][np.sort(np.unique(keys[order], return_index=True)[1])[:10]]

    return work


def weights(unit: UnitSpectrum) -> np.ndarray:
    dense = np.zeros(HIGH - LOW)
    inside = (unit.mass >= LOW) & (unit.mass < HIGH)
    dense[unit.mass[inside] - LOW] = np.sqrt(unit.mass[inside] * unit.intensity[inside].astype(float))
    return dense / (np.linalg.norm(dense) or 1.0)


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


def interleaved(
    works: Sequence[Work], repeats: int = REPEATS, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Least seconds of each, one after the other in every round."""
    rounds = [[timed(work, clock) for work in works] for _ in range(repeats)]
    return [min(one) for one in zip(*rounds, strict=True)]


def timed(work: Work, clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    work()
    return clock() - start


PARTS: dict[str, Callable[[Path, int], None] | None] = {
    "build": None,  # before the others, which read what it writes
    "search": print_search,
    "batch": print_batch,
    "open": print_open,
    "swgdrug": None,  # once, not for each size
}
CHILDREN = {"ours": ours, "ms-entropy": theirs}

if __name__ == "__main__":
    main()
