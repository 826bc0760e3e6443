"""A curve or a stick spectrum drawn with Braille characters, for terminals that draw nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Dots of a Braille character by row (0 at the top) and column; Unicode block U+2800.
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_EMPTY = 0x2800


def sketch(
    x: Sequence[float] | NDArray[np.float64],
    y: Sequence[float] | NDArray[np.float64],
    *,
    width: int = 72,
    height: int = 5,
    sticks: bool = False,
    falling: bool = False,
) -> list[str]:
    """Filled columns from the lowest value (or 0, if none is below) up to the highest of each column.

    Parameters
    ----------
    x, y : (n,) finite, n ≥ 1; x ascending. width, height : in characters. sticks : nothing between the
    points. falling : the greatest x stands on the left.
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if not sticks:
        between = np.linspace(xs[0], xs[-1], 2 * width)
        xs, ys = np.concatenate((xs, between)), np.concatenate((ys, np.interp(between, xs, ys)))
    columns, rows = 2 * width, 4 * height
    span = float(np.ptp(xs)) or 1.0
    place = ((xs - xs.min()) / span * (columns - 1)).astype(np.int64)
    if falling:
        place = columns - 1 - place
    low, high = min(float(ys.min()), 0.0), float(ys.max())
    level = np.zeros(columns)
    np.maximum.at(level, place, (ys - low) / ((high - low) or 1.0))
    filled = np.rint(level * rows).astype(np.int64)
    filled[place] = np.maximum(filled[place], level[place] > 0)  # what is there is seen
    dots = np.arange(rows)[::-1, None] < filled
    cells = dots.reshape(height, 4, width, 2) * _DOTS[None, :, None, :]
    return ["".join(map(chr, row)) for row in (_EMPTY + cells.sum(axis=(1, 3))).tolist()]
