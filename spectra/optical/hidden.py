"""How much of a reference could hide in what a fit leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectra.model import Floats
from spectra.optical.grid import Grid
from spectra.optical.mixture import Unmixed
from spectra.optical.significance import Settings, f_needed, f_of

Array = NDArray[Any]


def hidden_below(unmixed: Unmixed, row: Array, grid: Grid, *, references: int, settings: Settings) -> float:
    """The least amount of a reference at which it would have been found in this very residual.

    The reference is added to the residual, in growing amounts, and put to the same test as every part. What
    other parts would take of it is not counted: it is a lower bound where it resembles them.
    """
    residual, shape = unmixed.residual, grid.centred(np.asarray(row, np.float64))
    length = float(shape @ shape)
    free = unmixed.places - 2 * (len(unmixed.parts) + 1)
    if length <= 0 or free <= 2:
        return np.inf
    needed = f_needed(free, settings.chance / max(references, 1))
    low, high = 0.0, 1.0
    scale = float(np.sqrt(residual @ residual / length))
    if scale <= 0:
        return 0.0
    while not _found(residual, shape, high * scale, needed, free, settings):
        high *= 2
        if high > 1e6:
            return np.inf
    for _ in range(20):
        middle = (low + high) / 2
        if _found(residual, shape, middle * scale, needed, free, settings):
            high = middle
        else:
            low = middle
    return high * scale


def _found(
    residual: Floats, shape: Floats, amount: float, needed: float, free: float, settings: Settings
) -> bool:
    mixed = residual + amount * shape
    before = float(mixed @ mixed)
    taken = float(max(float(mixed @ shape), 0.0) ** 2 / float(shape @ shape))
    after = before - taken
    return taken >= settings.least_gain * before and f_of(before, after, free) > needed
