"""`xbt identify` against SWGDRUG: wall time on a real GC-MS run, and how often what it names is right.

Run: ``python tests/benchmarks/bench_identify.py`` (the evaluation data beside the checkout, or
``XBT_EVALUATION_DATA``). Prints two Markdown tables. The whole command is a process of its own, library
cache warm; the stages are timed in this process, best of five; the bare read is the reader without sandbox.
The second table counts decisions on measured spectra of reference standards that the library holds.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from library.answer import Component, Decision, Source
from library.identify import identify
from library.prepare import connectivity
from library.release import Release
from library.search.ei import search
from library.shelf import open_wanted
from spectra.chromatography.deconvolution import deconvolve
from spectra.readers import read
from xbt.config import load_settings
from xbt.sandbox import read_run

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
RUN = DATA / "gcms_truth" / "DRUG_SAMPLE.SPC"
LIBRARY = DATA / "ei_ms" / "swgdrug_3.9.msp"
SOURCE = Source("run", "0" * 64, "spc", "spc", "gc_ms", "", "", "", False)


def best(work: Callable[[], object], times: int = 5) -> float:
    """Shortest of several runs, ms."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return 1000 * min(taken)


def command(cache: Path, *words: str) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    start = [sys.executable, "-c", "from xbt.cli import main; main()", *words]
    subprocess.run(start, check=True, capture_output=True, env=environment)


def main() -> None:
    settings = load_settings()
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        wanted = ("identify", str(RUN), "--library", str(LIBRARY), "--json")
        first = best(lambda: command(cache, *wanted), 1)
        whole = best(lambda: command(cache, *wanted))
        releases = open_wanted([str(LIBRARY)], cache / "none", cache / "xbt" / "libraries")
        run = read(RUN)
        components = deconvolve(run.scans).components
        spectra = [component.spectrum for component in components]
        search(releases, spectra)
        rows = {
            "whole command, first time (library built)": first,
            "whole command": whole,
            "start of an empty command (`xbt --version`)": best(lambda: command(cache, "--version")),
            "open library": best(lambda: open_wanted([str(LIBRARY)], cache, cache / "xbt" / "libraries")),
            "read in the sandbox": best(lambda: read_run(RUN, name="run", settings=settings)),
            "read, bare": best(lambda: read(RUN)),
            "deconvolve": best(lambda: deconvolve(run.scans)),
            f"search {len(spectra)} components": best(lambda: search(releases, spectra)),
            "identify (deconvolve, search, group)": best(lambda: identify(run, releases, source=SOURCE)),
        }
        print("| stage | ms |\n|---|---|")
        for stage, taken in rows.items():
            print(f"| {stage} | {taken:.1f} |")
        print("\n| spectra of compounds in the library | |\n|---|---|")
        for outcome, share in decisions(releases[0]).items():
            print(f"| {outcome} | {share:.1%} |")


def decisions(release: Release) -> dict[str, float]:
    """Share of the measured spectra whose compound the library holds, by what the answer says of them."""
    with (DATA / "ei_queries" / "truth.csv").open(newline="") as stream:
        truth = [connectivity(row["inchikey_swgdrug"]) for row in csv.DictReader(stream)]
    held = {connectivity(release.text("inchikey", row)) for row in range(len(release))} - {""}
    answer = identify(read(DATA / "ei_queries" / "queries.msp"), [release], source=SOURCE)
    pairs = zip(truth, answer.components, strict=True)
    outcomes = [outcome(compound, component) for compound, component in pairs if compound in held]
    return {kind: outcomes.count(kind) / len(outcomes) for kind in sorted(set(outcomes))}


def outcome(compound: str, component: Component) -> str:
    if component.decision not in {Decision.IDENTIFIED, Decision.GROUP}:
        return "not named"
    named = {connectivity(key) for key in component.candidates[0].isomer_group_inchikeys}
    what = "one substance" if len(named) == 1 else "a group"
    return f"{what} named, {'right' if compound in named else 'wrong'}"


if __name__ == "__main__":
    main()
