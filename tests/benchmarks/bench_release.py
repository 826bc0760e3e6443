"""How fast releases are built and opened, and how much memory that takes.

    python tests/benchmarks/bench_release.py [--spectra 100000] [--kind ei|msms] [--ions 60] [--msp FILE]

The spectra are made up: as many ions as real ones have on average, each spectrum of a compound of its own.
Each figure comes from a process of its own, whose greatest memory is printed beside it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from library.formats.arrays import read_arrays
from library.formats.msp import read_msp
from library.record import Record, SpectrumKind
from library.release import build_release, open_release


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--spectra", type=int, default=100_000)
    arguments.add_argument("--kind", choices=("ei", "msms"), default="ei")
    arguments.add_argument("--ions", type=int, default=60, help="of a spectrum, on average")
    arguments.add_argument("--msp", type=Path, help="an MSP file to build from as well")
    arguments.add_argument("--step", help=argparse.SUPPRESS)
    arguments.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.step:
        print(json.dumps(STEPS[given.step](given)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for step in STEPS:
            if step == "msp" and not given.msp:
                continue
            _run(step, Path(folder), given)


def _run(step: str, folder: Path, given: argparse.Namespace) -> None:
    own = ["--step", step, "--folder", str(folder), "--spectra", str(given.spectra), "--kind", given.kind]
    own += ["--ions", str(given.ions)]
    own += ["--msp", str(given.msp)] if given.msp else []
    done = subprocess.run([sys.executable, __file__, *own], stdout=subprocess.PIPE, check=True)
    told = json.loads(done.stdout)
    print(
        "  ".join(
            f"{key} {value:,.1f}" if isinstance(value, float) else f"{key} {value}"
            for key, value in told.items()
        )
    )


def arrays(given: argparse.Namespace) -> dict[str, object]:
    """Build from flat arrays."""
    return _built("arrays", made(given.kind, given.spectra, given.ions), given)


def msp(given: argparse.Namespace) -> dict[str, object]:
    """Build from MSP text."""
    return _built("msp", read_msp(given.msp), given)


def opening(given: argparse.Namespace) -> dict[str, object]:
    """Open what was built from arrays."""
    directory = given.folder / "arrays" / "1"
    before, times = _peak_mb(), []
    for _ in range(5):
        start = time.perf_counter()
        release = open_release(directory)
        times.append((time.perf_counter() - start) * 1e3)
    size = sum(release.manifest.size.values()) / 2**20
    return {
        "step": "open",
        "spectra": len(release),
        "first_ms": times[0],
        "best_ms": min(times),
        "size_mb": size,
        "memory_mb": _peak_mb() - before,
    }


STEPS = {"arrays": arrays, "msp": msp, "open": opening}


def made(kind: str, spectra: int, ions: int) -> Iterator[Record]:
    """Spectra of log-normal intensities, each of its own compound."""
    rng = np.random.default_rng(1)
    sizes = rng.poisson(ions, spectra) + 1
    offset = np.concatenate(([0], np.cumsum(sizes)))
    mz = rng.uniform(40, 400, offset[-1]).astype(np.float32)
    intensity = rng.lognormal(0, 2, offset[-1]).astype(np.float32)
    names = [f"compound {number}" for number in range(spectra)]
    if kind == "ei":
        return read_arrays(SpectrumKind.EI, offset, np.ceil(mz), intensity, names)
    precursor = rng.uniform(200, 500, spectra)
    return read_arrays(SpectrumKind.MSMS, offset, mz, intensity, names, precursor_mz=precursor)


def _built(name: str, records: Iterator[Record], given: argparse.Namespace) -> dict[str, object]:
    stages: dict[str, float] = {}
    start = time.perf_counter()

    def note(stage: str, done: int) -> None:
        stages.setdefault(stage, time.perf_counter() - start)

    report = build_release(
        records, given.folder, name=name, source="benchmark", licence="none", progress=note
    )
    took = time.perf_counter() - start
    ends = [*list(stages.values())[1:], took]
    parts = {f"{stage}_s": end - begin for (stage, begin), end in zip(stages.items(), ends, strict=True)}
    return {
        "step": name,
        "spectra": report.kept,
        "seconds": took,
        "per_second": report.kept / took,
        **parts,
        "memory_mb": _peak_mb(),
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
