"""Evenly spaced places in separate regions, and the curves that tell nothing of a material there.

Promises: what a baseline and the air give, and to first order what another instrument adds, can be taken out
of any curve.
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
SURE = 1e-3  # of the greatest: a direction of curves that is less is rounding
BLUNT = 2  # places to either side, for the curvature


@dataclass(frozen=True)
class Grid:
    """Evenly spaced places in separate regions.

    Parameters
    ----------
    parts : where each region lies among the places.
    step : cm⁻¹ between places.
    keep : (n,) bool, places that count.
    air : (curves, n) float64, what else tells nothing of a sample; none where not given.
    weights : (n,) float64, how strengths differ between instruments along the axis; not at all where not
        given.
    """

    parts: tuple[slice, ...]
    step: float
    keep: NDArray[np.bool_]
    air: Floats | None = None
    weights: Floats | None = None

    @cached_property
    def _slow(self) -> list[tuple[Ints, Floats]]:
        """Of each region the kept places, and an orthonormal basis of the slow curves over them."""
        kept = [np.flatnonzero(self.keep[part]) + part.start for part in self.parts]
        return [(k, np.linalg.qr(np.vander(np.linspace(-1, 1, len(k)), SLOW))[0]) for k in kept if len(k)]

    @cached_property
    def _lines(self) -> Floats:
        """(m, n) orthonormal: what the air gives once a baseline is taken off."""
        if self.air is None:
            return np.zeros((0, len(self.keep)))
        return orthonormal(self._steady(self.air))

    def centred(self, y: Array) -> Floats:
        """(…, n) float64: without what a baseline and the air give, 0 where not kept."""
        out = self._steady(y)
        return np.asarray(out - (out @ self._lines.T) @ self._lines, np.float64)

    def _steady(self, y: Array) -> Floats:
        """(…, n) float64: without slow curves in each region (what a baseline gives), 0 where not kept."""
        out = np.zeros(y.shape)
        for keep, slow in self._slow:
            some = y[..., keep]
            out[..., keep] = some - (some @ slow) @ slow.T
        return out


def otherwise(y: Floats, grid: Grid) -> Floats:
    """(m, n) orthonormal: what another instrument adds to a spectrum, to first order.

    Another width of its line adds the curvature; another strength towards one end, ``grid.weights`` times it.
    """
    curved = np.zeros(len(y))
    for part in grid.parts:
        if part.stop - part.start > 2 * BLUNT:
            piece = y[part]
            curved[part][BLUNT:-BLUNT] = piece[2 * BLUNT :] - 2 * piece[BLUNT:-BLUNT] + piece[: -2 * BLUNT]
    added = [curved]
    if grid.weights is not None:
        mean = float(grid.weights @ y**2) / max(float(y @ y), np.finfo(float).tiny)
        added.append((grid.weights - mean) * y)  # no part of the spectrum itself
    return orthonormal(grid.centred(np.array(added)))


def orthonormal(curves: Floats) -> Floats:
    """(m, n) orthonormal: all that the curves span but for rounding."""
    _, size, rows = np.linalg.svd(curves, full_matrices=False)
    return np.asarray(rows[size > SURE * size.max(initial=0.0)], np.float64)
