"""Reference spectra as the dividing of a spectrum asks for them.

Promises: rows in one numbering; how much each resembles a curve, all at once; a row moved along its axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spectra.model import Floats
from spectra.optical.shifts import moved

Array = NDArray[Any]


class References(Protocol):
    """Rows of references, derived as the spectrum is."""

    def __len__(self) -> int: ...

    def likeness(self, curves: Floats) -> Floats:
        """(rows, curves) float64: product of each row, of length 1, with each of (curves, n)."""

    def moved(self, row: int) -> Floats:
        """(moves, n) float64: a row moved up by each of `spectra.optical.shifts.MOVES`."""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Rows as they lie in arrays.

    Parameters
    ----------
    blocks : (rows, n) each, numbered through; the search compares rows fairly where they have length 1.
    parts : where each region lies among the places.
    step : cm⁻¹ between places.
    """

    blocks: Sequence[Array]
    parts: tuple[slice, ...]
    step: float

    def __len__(self) -> int:
        return sum(len(block) for block in self.blocks)

    def likeness(self, curves: Floats) -> Floats:
        return np.concatenate([block @ curves.T.astype(block.dtype) for block in self.blocks]).astype(
            np.float64
        )

    def moved(self, row: int) -> Floats:
        """Bands narrower than two steps need the reference as it was measured instead."""
        for block in self.blocks:
            if row < len(block):
                return moved(np.asarray(block[row], np.float64), self.parts, self.step)
            row -= len(block)
        raise IndexError(row)
