"""Curves moved along their axis by fractions of a place.

Promises: a curve is known at whole steps of 1 cm⁻¹ (`MOVES`), and between them by the cubic through the four
nearest, with its slope; beyond the ends of a region it stays level.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spectra.model import Floats

FARTHEST = 4.0  # cm⁻¹ a part may be shifted
MOVES = np.arange(-FARTHEST - 1, FARTHEST + 1.5, 1.0)  # cm⁻¹; between them a reference is interpolated

_CUBIC = np.linalg.inv(np.vander(np.arange(4.0), 4, increasing=True))


def moved(y: Floats, parts: Sequence[slice], step: float) -> Floats:
    """(moves, n) float64: a curve moved up by each of `MOVES`; beyond its ends it stays level.

    Parameters
    ----------
    parts : where each region lies among the places.
    step : cm⁻¹ between places.
    """
    out = np.zeros((len(MOVES), len(y)))
    for line, move in zip(out, MOVES / step, strict=True):
        whole = int(np.floor(-move))
        weights = _cubic(-move - whole + 1)[0]
        for part in parts:
            last = part.stop - part.start - 1
            places = np.arange(last + 1) + whole - 1
            line[part] = sum(w * y[part][np.clip(places + k, 0, last)] for k, w in enumerate(weights))
    return out


def enclosing(shift: float) -> tuple[int, Floats, Floats]:
    """Which four `MOVES` enclose a shift, their weights in the cubic through them, and those of its slope."""
    width = float(MOVES[1] - MOVES[0])
    where = (shift - float(MOVES[0])) / width
    first = min(max(int(where) - 1, 0), len(MOVES) - 4)
    weights, slopes = _cubic(where - first)
    return first, weights, slopes / width


def weights_at(shifts: Floats) -> Floats:
    """(shifts, moves): what likenesses at `MOVES` are multiplied by to have them at other shifts."""
    out = np.zeros((len(shifts), len(MOVES)))
    for line, shift in zip(out, shifts, strict=True):
        first, weights, _ = enclosing(float(shift))
        line[first : first + 4] = weights
    return out


def _cubic(where: float) -> tuple[Floats, Floats]:
    """(4,), (4,): weights of values at 0, 1, 2, 3 for the value at ``where``, and for its slope."""
    slope = np.array([0.0, 1.0, 2 * where, 3 * where**2])
    return np.array([1.0, where, where**2, where**3]) @ _CUBIC, slope @ _CUBIC


# Lines as narrow as a gas has are missed by a start that is 1 cm⁻¹ off.
STARTS = np.linspace(-FARTHEST, FARTHEST, 33)
AT_STARTS = weights_at(STARTS)
