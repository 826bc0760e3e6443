"""How much of a reference could hide in a spectrum without having been found."""

from __future__ import annotations

import numpy as np

from spectra.model import Floats
from spectra.optical.grid import Grid
from spectra.optical.mixture import Unmixed
from spectra.optical.sets import MOST_PARTS
from spectra.optical.significance import Settings, f_needed

# Of measurements that just pass the test, half find the substance; and a line that is wider than that of the
# reference takes some of its slope.
MARGIN = 1.3


def hidden_below(
    unmixed: Unmixed,
    rows: Floats,
    grid: Grid,
    *,
    references: int,
    settings: Settings,
    likeness: float = 0.0,
) -> Floats:
    """(rows,) float64: the least amount of each reference at which it would have been found.

    Each reference is added to the spectrum, and the whole is fitted anew to first order, amounts and shifts
    of all parts found and the instrument's ways (`spectra.optical.grid.otherwise`) being free: what they can
    take of it (``unmixed.taken``) does not speak for it. What is left must pass the test that every part
    passed, in places as independent as those of the residual; nothing that happens to look like the reference
    in this residual is counted for it. That amount is raised by `MARGIN`.

    Parameters
    ----------
    rows : (rows, n) float64, references derived as the spectrum was.
    references : how many were tried.
    likeness : 0..1000, that the reference and what the other parts leave must have besides.

    Returns
    -------
    Amounts in units of the rows; inf where no amount would be found: a reference without shape or made of the
    parts found, no room for another part, no places left to count.
    """
    shapes = grid.centred(rows)
    alone = np.linalg.norm(shapes, axis=1)
    shapes = shapes - (shapes @ unmixed.taken.T) @ unmixed.taken
    free = unmixed.places - 2 * (len(unmixed.parts) + 1)
    if free <= 2 or len(unmixed.parts) >= MOST_PARTS:
        return np.full(len(rows), np.inf)
    left = float(unmixed.residual @ unmixed.residual)
    needed = 2 * f_needed(free, settings.chance / max(references, 1)) / free
    needed = max(needed, settings.least_gain / (1 - settings.least_gain))
    length = np.linalg.norm(shapes, axis=1)
    known = length > 1e-6 * np.maximum(alone, 1e-300)
    length, alone = np.where(known, length, 1.0), np.where(known, alone, 1.0)
    against = np.minimum(shapes @ unmixed.residual, 0.0) / length
    found = (np.sqrt(needed * left) - against) / length
    share = likeness / 1000
    like = (np.sqrt(share / (1 - share) * left) - against) / alone
    return np.where(known, MARGIN * np.maximum(found, like), np.inf)
