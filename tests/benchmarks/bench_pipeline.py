"""The bars of mixtures and amounts, one line each: what was asked for, what was measured, whether it is met.

Run: ``python tests/benchmarks/bench_pipeline.py`` (the evaluation data beside the checkout, or
``XBT_EVALUATION_DATA``). Every goal is measured by the script of its own technique, whose tables tell more; a
goal joins by a `Goal` in `GOALS`. A goal that fails to be measured says why and does not stop the others.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bench_infrared
import numpy as np

MIXTURES = 60


@dataclass(frozen=True)
class Measured:
    """What a goal came to: in words, and whether that meets the bar."""

    said: str
    met: bool


@dataclass(frozen=True)
class Goal:
    name: str
    bar: str
    measure: Callable[[], Measured]


def infrared() -> Measured:
    """Mixtures of the half of the materials that no parameter was chosen on."""
    some = bench_infrared.materials()
    half = bench_infrared.halves(some)[1]
    with tempfile.TemporaryDirectory() as folder:
        release = bench_infrared.library(some, Path(folder))
        tens, fives = (
            bench_infrared.tally_of(release, half, kind, seed=6, count=MIXTURES)
            for kind in bench_infrared.KINDS[:2]
        )
    major, minor = float(np.mean(tens.minor)), float(np.mean(fives.minor))
    false = (tens.false + fives.false) / max(tens.named + fives.named, 1)
    near = float(np.mean(np.abs(tens.errors + fives.errors) <= 0.05))
    said = f"recall {major:.3f} and {minor:.3f}, false {false:.1%}, {near:.1%} of shares within ± 5 points"
    return Measured(said, major >= 0.95 and minor >= 0.8 and false <= 0.02 and near >= 0.95)


GOALS = (
    Goal(
        "infrared mixtures of 2 to 4 materials",
        "recall ≥ 0.95 at ≥ 10 %, ≥ 0.8 at 5 %; false additions ≤ 2 %; shares within ± 5 points",
        infrared,
    ),
)


def main(goals: Sequence[Goal] = GOALS) -> None:
    print("| goal | bar | measured | met |")
    print("|---|---|---|---|")
    for goal in goals:
        found = tried(goal)
        print(f"| {goal.name} | {goal.bar} | {found.said} | {'yes' if found.met else 'no'} |", flush=True)


def tried(goal: Goal) -> Measured:
    """What was measured, or why it was not."""
    try:
        return goal.measure()
    except Exception as error:  # one goal must not stop the next
        return Measured(f"not measured: {type(error).__name__}: {error}", False)


if __name__ == "__main__":
    main()
