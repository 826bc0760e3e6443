"""Evenly spaced places in separate regions, and the curves that tell nothing of a material there.

Promises: what a baseline gives, and to first order what another width of the instrument's line adds, can be
taken out of any curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectra.model import Floats, Ints

Array = NDArray[Any]

SLOW = 4  # terms of the polynomial that the slope of a baseline may be, in each region
BLUNT = 2  # places to either side, for the curvature


@dataclass(frozen=True)
class Grid:
    """Evenly spaced places in separate regions.

    Parameters
    ----------
    parts : where each region lies among the places.
    step : cm⁻¹ between places.
    keep : (n,) bool, places that count.
    """

    parts: tuple[slice, ...]
    step: float
    keep: NDArray[np.bool_]

    @cached_property
    def _slow(self) -> list[tuple[Ints, Floats]]:
        """Of each region the kept places, and an orthonormal basis of the slow curves over them."""
        kept = [np.flatnonzero(self.keep[part]) + part.start for part in self.parts]
        return [(k, np.linalg.qr(np.vander(np.linspace(-1, 1, len(k)), SLOW))[0]) for k in kept if len(k)]

    def centred(self, y: Array) -> Floats:
        """(…, n) float64: without slow curves in each region (what a baseline gives), 0 where not kept."""
        out = np.zeros(y.shape)
        for keep, slow in self._slow:
            some = y[..., keep]
            out[..., keep] = some - (some @ slow) @ slow.T
        return out


def curvature(y: Floats, grid: Grid) -> Floats:
    """Its curvature, of length 1: to first order, what another width of the instrument's line adds."""
    out = np.zeros(len(y))
    for part in grid.parts:
        if part.stop - part.start > 2 * BLUNT:
            piece = y[part]
            out[part][BLUNT:-BLUNT] = piece[2 * BLUNT :] - 2 * piece[BLUNT:-BLUNT] + piece[: -2 * BLUNT]
    out = grid.centred(out)
    length = float(np.linalg.norm(out))
    return out / length if length else out
