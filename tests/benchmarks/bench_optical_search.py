"""Speed of the exact infrared search, beside the memory bandwidth measured in the same run.

Run: ``python tests/benchmarks/bench_optical_search.py``. Prints a Markdown table for made libraries of 1 k,
5 k and 20 k spectra: one query as it is, one query tried at five shifts, a batch of 32, and how many times
the single query takes what reading its rows once takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from library.index.profiles import SHIFTS, ProfileIndex, build, derived
from spectra.model import Axis, OpticalSpectrum, Ordinate
from spectra.similarity.optical import INFRARED, WINDOWS

SIZES = (1_000, 5_000, 20_000)
KINDS = 500  # distinct made spectra; a larger library repeats them, slightly changed
REPEATS = 9
X = np.arange(600.0, 3900.0, 2.0)


def main() -> None:
    rng = np.random.default_rng(1)
    some = build([made(rng) for _ in range(KINDS)], INFRARED)
    print("| spectra | MB read | GB/s | one query ms | x reading | five shifts ms | batch of 32, ms each |")
    print("|---|---|---|---|---|---|---|")
    for size in SIZES:
        index = ProfileIndex(enlarged(some, size, rng), INFRARED)
        print("| " + " | ".join(measured(index, rng)) + " |")


def made(rng: np.random.Generator) -> OpticalSpectrum:
    places, heights, widths = rng.uniform(600, 3600, 20), rng.uniform(0.1, 1, 20), rng.uniform(6, 25, 20)
    y = (heights * np.exp(-0.5 * ((X[:, None] - places) / widths) ** 2)).sum(axis=1)
    return OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, X, y + rng.normal(0, 0.002, len(X)))


def enlarged(some: dict[str, np.ndarray], size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    rows = np.arange(size) % KINDS
    arrays = {name: array[rows] for name, array in some.items()}
    for name, array in arrays.items():
        if array.dtype == np.float32:
            changed = array + rng.normal(0, 1e-4, array.shape).astype(np.float32)
            arrays[name] = changed / np.linalg.norm(changed, axis=1, keepdims=True)
    return arrays


def measured(index: ProfileIndex, rng: np.random.Generator) -> list[str]:
    measure = derived(WINDOWS[0])
    queries = [made(rng) for _ in range(32)]
    rows = np.ones((len(index), len(INFRARED)), np.float32)
    vector = np.ones(len(INFRARED), np.float32)
    reading, single, shifted, batch = least(
        lambda: rows @ vector,
        lambda: index.compare(queries[:1], measure=measure, shifts=(0.0,))[0].top(10),
        lambda: index.compare(queries[:1], measure=measure, shifts=SHIFTS)[0].top(10),
        lambda: [one.top(10) for one in index.compare(queries, measure=measure, shifts=(0.0,))],
    )
    return [
        f"{len(index):,}",
        f"{rows.nbytes / 1e6:.0f}",
        f"{rows.nbytes / reading / 1e9:.0f}",
        f"{1e3 * single:.2f}",
        f"{single / reading:.1f}",
        f"{1e3 * shifted:.2f}",
        f"{1e3 * batch / len(queries):.2f}",
    ]


def least(*works: Callable[[], object]) -> list[float]:
    """Shortest time of each work in s, the works taking turns."""
    times = [[timed(work) for work in works] for _ in range(REPEATS)]
    return [min(column) for column in zip(*times, strict=True)]


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
