"""Whether what a further part explains stands out of what stays unexplained.

Promises: an F-test counted in independent places of the residual, and a least gain, which guards against
references that only mend the form of others: no count of places foresees those.

Formula: independent places of a correlated residual n / (1 + 2 Σ ρ²), Bayley & Hammersley 1946,
doi 10.2307/2983560.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spectra.model import Floats
from spectra.optical.grid import Grid

LAGS = 60  # places over which a residual may hang together
CHANCE = 1e-4  # of adding a part to a spectrum that holds none, over all references
LEAST_GAIN = 0.1  # share of the unexplained sum of squares that a further part must take away


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides whether a reference is taken.

    Parameters
    ----------
    chance : of one false addition to a spectrum, over all references tried.
    least_gain : 0..1 of the unexplained sum of squares; guards against references that only mend the form of
        others, which no count of places foresees.
    """

    chance: float = CHANCE
    least_gain: float = LEAST_GAIN


def independent(residual: Floats, grid: Grid) -> float:
    """How many independent values a residual of correlated ones is worth, at least 2."""
    length = float(residual @ residual)
    count = int(grid.keep.sum())
    if length <= 0:
        return float(max(count, 2))
    spread = 0.0
    for lag in range(1, LAGS + 1):
        together = sum(float(residual[p][lag:] @ residual[p][:-lag]) for p in grid.parts if _longer(p, lag))
        spread += (together / length) ** 2
    return max(2.0, count / (1 + 2 * spread))


def f_of(before: float, after: float, free: float) -> float:
    """(before − after) / 2 over after / free: two parameters, amount and shift, were spent."""
    return (before - after) / 2 / max(after / free, np.finfo(float).tiny)


def f_needed(free: float, chance: float) -> float:
    """The F that one reference reaches by chance with probability ``chance``.

    The quantile of F with 2 and ν degrees of freedom has the closed form ν/2 (p^(−2/ν) − 1).
    """
    return float(free / 2 * (chance ** (-2 / free) - 1))


def _longer(part: slice, lag: int) -> bool:
    return bool(part.stop - part.start > lag)
