"""When a constituent of a mixture may be named."""

from __future__ import annotations

LEAST_SHARE = 0.01  # of the spectrum; below, a part cannot be told from a flaw in the form of the others
LEAST_EXPLAINED = 0.6  # of the spectrum; below, nothing is named
LEAST_LIKENESS = 400.0  # 0..1000, of a part and what the others leave; less may mend a flaw of the others,
WELL_EXPLAINED = 0.95  # unless this much is explained: then noise alone makes a weak part unlike itself
MOST_ALIKE = 4  # materials; more that fit alike say that none does


def needed_likeness(explained: float) -> float:
    """What a part must have in common with what the others leave, 0..1000; above 1000: nothing is named."""
    if explained < LEAST_EXPLAINED:
        return float("inf")
    return LEAST_LIKENESS if explained < WELL_EXPLAINED else 0.0
