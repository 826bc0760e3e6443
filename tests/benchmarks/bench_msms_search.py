"""Search of product-ion spectra beside ms_entropy's Flash Entropy Search: speed and equality.

Run: ``python tests/benchmarks/bench_msms_search.py [SIZE ...]`` with sizes such as ``massbank 100000 350000``
(the default) or ``1000000`` (needs 8 GB, most of it for the peer). Libraries of a size are resampled from
MassBank by the tool beside the evaluation data. Both search the same cleaned peaks in the same process, query
by query in turn; the time of a query is the least of five. Prints Markdown.

Not the same work: the peer's identity and hybrid search return a score for every spectrum, ours the window
and the exact best ten; that is what an identification needs, and what the ratios are about.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from library.index.fragments import FragmentIndex, build
from spectra.model import MassSpectrum
from spectra.similarity.accurate import Tolerance
from spectra.similarity.cleaning import CleanSpectra, clean_spectra

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
MAKER = DATA.parent / "tools" / "make_library.py"
SIZES = ("massbank", "100000", "350000")
QUERIES, REPEATS, TOP, BATCH = 60, 5, 10, 256
FEWEST_IONS = 5
WIDTH = 0.020_05  # between the four decimals of the data, where no rounding decides
TOLERANCE, PRECURSOR = Tolerance(WIDTH), Tolerance(0.010_05)
EDGE = 1e-4  # Th; nearer to the edge of the tolerance, the peer's float32 decides

Result = TypeVar("Result")


@dataclass(frozen=True)
class Library:
    """Raw spectra as flat arrays."""

    name: str
    offset: np.ndarray
    mz: np.ndarray
    intensity: np.ndarray
    precursor: np.ndarray


@dataclass(frozen=True)
class Row:
    """One line of the table: ms of the median query, of the 95th percentile, and how they compare.

    ``ratio`` is the median of the queries' ratios peer : ours; ``difference`` the largest among scores
    without an ion at the edge of the tolerance, ``edge`` how many with one differ by more than 1e-6.
    """

    library: str
    search: str
    ours: float
    ours_p95: float
    peer: float
    peer_p95: float
    ratio: float
    difference: float
    edge: int


def main(argv: Sequence[str] = ()) -> None:
    sizes = list(argv) or list(SIZES)
    print("| library | search | xbt ms (p95) | ms_entropy ms (p95) | ratio | max difference | at the edge |")
    print("|---|---|---|---|---|---|---|")
    notes: list[str] = []
    for library in libraries(sizes):
        for row in rows(library, notes):
            print(
                f"| {row.library} | {row.search} | {row.ours:.3f} ({row.ours_p95:.3f}) | {row.peer:.3f} "
                f"({row.peer_p95:.3f}) | {row.ratio:.1f} | {row.difference:.1e} | {row.edge} |",
                flush=True,
            )
    print("\n" + "\n".join(notes))


def libraries(sizes: Sequence[str]) -> Iterator[Library]:
    for size in sizes:
        yield massbank() if size == "massbank" else made(int(size))


def massbank() -> Library:
    with np.load(DATA / "massbank" / "ms2_positive.npz") as arrays:
        told = [arrays[name] for name in ("offset", "mz", "intensity", "precursor_mz")]
    return Library("MassBank", told[0], told[1], told[2].astype(float), told[3])


def made(size: int) -> Library:
    """A library of that many spectra, made in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "library.npz"
        command = [sys.executable, str(MAKER), "ms2", str(size), str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with np.load(path) as arrays:
            told = [arrays[name] for name in ("off", "mz", "it", "pmz")]
    return Library(f"{size:,}", told[0], told[1], told[2].astype(float), told[3])


def rows(library: Library, notes: list[str]) -> list[Row]:
    """Open, identity and hybrid search of one library beside the peer; builds and batches go to ``notes``."""
    built, (clean, index, size) = timed(partial(ours, library))
    usable = np.flatnonzero((np.diff(clean.offset) > 0) & (library.precursor > 2))
    order = usable[np.argsort(library.precursor[usable], kind="stable")]
    peer_built, peer = timed(partial(theirs, library, clean, order))
    peer_size = sum(array.nbytes for array in peer.entropy_search.index)
    notes.append(
        f"- {library.name}: build from raw arrays {built:.2f} s, peer {peer_built:.2f} s "
        f"({peer_built / built:.1f} times); index {size / 1e6:.0f} MB, peer {peer_size / 1e6:.0f} MB "
        f"({size / peer_size:.0%} of it)."
    )
    chosen = queries(clean, usable)
    notes.append(f"- {library.name}: {batch(index, [clean.row(row) for row in chosen])}")
    return list(compared(library, clean, Both(index, peer, order), chosen[:QUERIES]))


def ours(library: Library) -> tuple[CleanSpectra, FragmentIndex, int]:
    clean = clean_spectra(library.offset, library.mz, library.intensity, library.precursor)
    arrays = build(clean.offset, clean.mz, clean.intensity, library.precursor)
    return clean, FragmentIndex(arrays), sum(array.nbytes for array in arrays.values())


def theirs(library: Library, clean: CleanSpectra, order: np.ndarray) -> Any:
    """The peer cleans every raw spectrum; its index is then made of the peaks that ours is made of."""
    from ms_entropy import FlashEntropySearch, clean_spectrum

    spectra = []
    search = FlashEntropySearch()
    for row in order.tolist():
        precursor = float(library.precursor[row])
        raw = table(library.mz, library.intensity, library.offset[row], library.offset[row + 1])
        clean_spectrum(raw, max_mz=precursor - 1.6, noise_threshold=0.01, min_ms2_difference_in_da=0.05)
        peaks = table(clean.mz, clean.intensity, clean.offset[row], clean.offset[row + 1])
        spectra.append({"precursor_mz": precursor, "peaks": peaks})
    search.build_index(spectra, clean_spectra=False)
    return search


def table(mz: np.ndarray, intensity: np.ndarray, first: int, last: int) -> np.ndarray:
    return np.column_stack((mz[first:last], intensity[first:last])).astype(np.float32)


def queries(clean: CleanSpectra, usable: np.ndarray) -> list[int]:
    many = usable[np.diff(clean.offset)[usable] >= FEWEST_IONS]
    return np.random.default_rng(5).choice(many, BATCH, replace=False).tolist()


def batch(index: FragmentIndex, spectra: Sequence[MassSpectrum]) -> str:
    """The best ten of 256 queries by one thread and by two, in turn."""
    work = partial(index.best, top=TOP, tolerance=TOLERANCE)
    alone, beside = np.inf, np.inf
    for _ in range(REPEATS):
        alone = min(alone, timed(partial(index.together, work, spectra, 1))[0])
        beside = min(beside, timed(partial(index.together, work, spectra, 2))[0])
    return (
        f"open search of {len(spectra)} queries {1e3 * alone / len(spectra):.3f} ms each by one thread, "
        f"{1e3 * beside / len(spectra):.3f} ms by two ({alone / beside:.2f} times the rate)."
    )


@dataclass(frozen=True)
class Both:
    """The two indexes over the same spectra; row k of the peer is row ``order[k]`` of ours."""

    index: FragmentIndex
    peer: Any
    order: np.ndarray


PeerScores = Callable[[np.ndarray, float], np.ndarray]


def searches(both: Both) -> dict[str, tuple[Callable[..., Any], PeerScores, Callable[[Any], np.ndarray]]]:
    """Per search: ours, the peer's, and what makes our answer comparable with that of the peer."""
    index, peer, order = both.index, both.peer, both.order

    def all_rows(answer: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        scores = np.zeros(len(index))
        scores[answer[0]] = answer[1]
        return scores[order]

    return {
        "open, all scores": (
            lambda query, _precursor, width: index.open(query, width),
            lambda peaks, _precursor: peer.open_search(peaks, WIDTH),
            lambda answer: answer[order],
        ),
        "open, best 10": (
            lambda query, _precursor, width: index.best(query, TOP, width),
            lambda peaks, _precursor: highest(peer.open_search(peaks, WIDTH)),
            lambda answer: answer[1],
        ),
        "identity": (
            lambda query, precursor, width: index.identity(query, precursor, near(width), width),
            lambda peaks, precursor: peer.identity_search(precursor, peaks, PRECURSOR.value, WIDTH),
            all_rows,
        ),
        "hybrid, best 10": (
            lambda query, precursor, width: index.hybrid(query, precursor, TOP, width),
            lambda peaks, precursor: highest(peer.hybrid_search(precursor, peaks, WIDTH)),
            lambda answer: answer[1],
        ),
    }


def near(width: Tolerance) -> Tolerance:
    """The precursor's tolerance, as much wider or narrower: at its edge too the peer's float32 decides."""
    return Tolerance(PRECURSOR.value + width.value - WIDTH)


def highest(scores: np.ndarray) -> np.ndarray:
    """The ten highest, as the peer's own `get_topn_matches` orders them, without its metadata."""
    return np.sort(scores[np.argpartition(scores, -TOP)[-TOP:]])[::-1]


def compared(library: Library, clean: CleanSpectra, both: Both, chosen: Sequence[int]) -> Iterator[Row]:
    for name, (our, their, plain) in searches(both).items():
        times, worst, edge = [], 0.0, 0
        for row in chosen:
            peaks = table(clean.mz, clean.intensity, clean.offset[row], clean.offset[row + 1])
            query = MassSpectrum(peaks[:, 0], peaks[:, 1])
            precursor = float(library.precursor[row])
            own, other, answer, scores = in_turn(
                partial(our, query, precursor, TOLERANCE), partial(their, peaks, precursor)
            )
            times.append((own * 1e3, other * 1e3))
            less, more = (
                plain(our(query, precursor, Tolerance(width))) for width in (WIDTH - EDGE, WIDTH + EDGE)
            )
            off = difference(plain(answer), scores)
            sure = difference(less, more) == 0
            worst = max(worst, float(off[sure[: len(off)]].max(initial=0)))
            edge += int((off[~sure[: len(off)]] > 1e-6).sum())
        yield row_of(library.name, name, np.array(times), worst, edge)


def difference(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """|ours − theirs|; where ours ends because nothing is in common, theirs must be 0."""
    size = max(len(ours), len(theirs))
    return np.abs(np.pad(ours, (0, size - len(ours))) - np.pad(theirs, (0, size - len(theirs))))


def in_turn(our: Callable[[], Any], their: Callable[[], Any]) -> tuple[float, float, Any, Any]:
    own, other = np.inf, np.inf
    for _ in range(REPEATS):
        seconds, answer = timed(our)
        own = min(own, seconds)
        seconds, scores = timed(their)
        other = min(other, seconds)
    return own, other, answer, scores


def row_of(library: str, search: str, times: np.ndarray, worst: float, edge: int) -> Row:
    own, other = times.T
    middle, late = np.percentile(own, (50, 95)), np.percentile(other, (50, 95))
    ratio = float(np.median(other / own))
    return Row(library, search, middle[0], middle[1], late[0], late[1], ratio, worst, edge)


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main(sys.argv[1:])
