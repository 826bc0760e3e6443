"""What gate and sandbox cost: a small file with a warm pool, one in a cold command, a mzML of about 100 MB.

Run: ``python tests/benchmarks/bench_sandbox.py`` (the evaluation data beside the checkout, or
``XBT_EVALUATION_DATA``). Prints a Markdown table. Bare and confined reads take turns, so that a busy machine
slows both; medians of nine (small) and three (large). Between two small files the pool has 0.2 s, as it has
between two jobs of a worker; "at once" has none. A bare read that is not the first of its process finds the
memory of the one before; each confined read has to get its own, so the last row compares with a new process.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from spectra.model import Metadata, Run, ScanTable
from spectra.readers import read
from spectra.writers import write_mzml
from xbt.config import Settings
from xbt.sandbox import keep_warm, read_run
from xbt.sandbox.door import POOL

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data")) / "raw"
SMALL = ("mzml/tiny.pwiz.1.1.mzML", "omnic-spa/OpenSpecy_polyethylene.spa", "galactic-spc/ms.spc")
SCANS, POINTS = 3600, 2000  # about 100 MB of mzML


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(path: Path, settings: Settings, times: int, pause: float) -> tuple[float, float]:
    """(bare, confined) in s, medians; one read of each before, to warm up."""
    bare, confined = [], []
    for _ in range(times + 1):
        bare.append(seconds(lambda: read(path)))
        time.sleep(pause)
        confined.append(seconds(lambda: read_run(path, name=path.name, settings=settings)))
    return statistics.median(bare[1:]), statistics.median(confined[1:])


_FRESH = """
import resource, sys
from pathlib import Path
import pyopenms
from spectra.readers import read
before = resource.getrusage(resource.RUSAGE_SELF)
read(Path(sys.argv[1]))
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
"""


def fresh(path: Path) -> float:
    """Processor time, s, of a bare read in a process that has its libraries but has read nothing yet.

    A new interpreter, no fork: threads of a library that has read in this process would be missing there.
    """
    asked = [sys.executable, "-c", _FRESH, str(path)]
    done = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60)
    return float(done.stdout)


def large(path: Path) -> Path:
    """A run of random numbers, which zlib cannot make small."""
    rng = np.random.default_rng(1)
    mz = np.sort(rng.uniform(40, 600, (SCANS, POINTS)), axis=1).ravel()
    scans = ScanTable(
        rt_s=np.arange(SCANS, dtype=float),
        offset=np.arange(SCANS + 1) * POINTS,
        mz=mz,
        intensity=rng.uniform(1, 1e6, SCANS * POINTS),
    )
    write_mzml(Run(Metadata(format="", reader=""), scans), path)
    return path


def row(name: str, bare: float, confined: float) -> None:
    added = confined - bare
    print(
        f"| {name} | {1000 * bare:.1f} | {1000 * confined:.1f} | {1000 * added:.1f} | {added / bare:+.0%} |"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), child_memory_mb=4096)
        print("| file | bare, ms | gate and sandbox, ms | more, ms | |\n|---|---|---|---|---|")
        for name in SMALL:
            cold = seconds(lambda name=name: read_run(DATA / name, name=name, settings=settings))
            POOL.close()
            row(f"{name}, first of a command", seconds(lambda name=name: read(DATA / name)), cold)
        keep_warm()
        time.sleep(5)
        for name in SMALL:
            row(f"{name}, warm", *compare(DATA / name, settings, 9, 0.2))
            row(f"{name}, warm, at once", *compare(DATA / name, settings, 9, 0.0))
        path = large(Path(folder) / "large.mzML")
        row(f"mzML of {path.stat().st_size / 1e6:.0f} MB", *compare(path, settings, 3, 0.2))
        spent = [fresh(path) for _ in range(3)]
        confined = POOL.last.seconds if POOL.last else 0.0
        row("the same, time of the processor, bare in a new process", statistics.median(spent), confined)
        peak = POOL.last.peak_bytes if POOL.last else 0
        print(f"\nMost memory held by the child that read the last: {peak / 2**20:.0f} MB.")


if __name__ == "__main__":
    main()
