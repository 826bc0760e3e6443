"""When two accurate m/z are the same ion: the one rule that every comparison of accurate masses uses.

Promises: m/z are whole steps of 10 µTh, so that sums, differences (neutral losses) and windows are exact and
the answer at the edge of the tolerance does not depend on the path that asks; edges belong to the window.
Refuses m/z outside 0..`HIGHEST_MZ`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectra.errors import InvalidMeasurement
from spectra.model import Ints

STEPS_PER_TH = 100_000
HIGHEST_MZ = 20_000.0  # in steps it still fits int32

WIDEST_PPM = 2499  # steps; so that heavy ions of a cleaned spectrum, 0.05 Th apart, still match one ion only

Steps = NDArray[np.int32]


class ToleranceUnit(StrEnum):
    """What a tolerance is given in; the value is stable."""

    DA = "da"
    PPM = "ppm"  # of the query's m/z


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far apart two m/z of the same ion may lie, the edge included.

    Parameters
    ----------
    value : > 0, in ``unit``.

    Raises
    ------
    InvalidMeasurement : the value is not a positive number.
    """

    value: float
    unit: ToleranceUnit = ToleranceUnit.DA

    def __post_init__(self) -> None:
        if not 0 < self.value < np.inf:
            raise InvalidMeasurement(f"a tolerance must be a positive number, not {self.value}")

    def reach(self, mz: int) -> int:
        """Half width of the window around one m/z, both in steps."""
        ppm = self.unit is ToleranceUnit.PPM
        return round(mz * (self.value * 1e-6) if ppm else self.value * STEPS_PER_TH)

    def around(self, mz: ArrayLike) -> Ints:
        """(n,) int64, half width of the window around each ion, in steps; in ppm at most `WIDEST_PPM`."""
        if self.unit is ToleranceUnit.PPM:
            places = np.asarray(mz, np.int64)
            half: Ints = np.rint(places * (self.value * 1e-6)).astype(np.int64)
            return np.minimum(half, np.int64(WIDEST_PPM))
        half = np.empty(np.shape(mz), np.int64)
        half.fill(self.reach(0))
        return half


FRAGMENT_TOLERANCE = Tolerance(0.02)
PRECURSOR_TOLERANCE = Tolerance(10, ToleranceUnit.PPM)


def steps(mz: ArrayLike) -> Steps:
    """(n,) int32: m/z in Th as whole steps of 10 µTh.

    Raises
    ------
    InvalidMeasurement : an m/z is not a number from 0 to `HIGHEST_MZ`.
    """
    values = np.asarray(mz, np.float64)
    if values.size and not (values.min() >= 0 and values.max() <= HIGHEST_MZ):
        raise InvalidMeasurement(f"m/z must lie between 0 and {HIGHEST_MZ:g}")
    return np.rint(values * STEPS_PER_TH).astype(np.int32)


def step(mz: float) -> int:
    """One m/z as `steps` gives it.

    Raises
    ------
    InvalidMeasurement : it is not a number from 0 to `HIGHEST_MZ`.
    """
    if not 0 <= mz <= HIGHEST_MZ:
        raise InvalidMeasurement(f"m/z must lie between 0 and {HIGHEST_MZ:g}, not {mz}")
    return round(mz * STEPS_PER_TH)


def windows(mz: NDArray[np.integer], half: Ints) -> Steps:
    """(2·n,) int32, ascending: where the window of each ion starts, and the first step beyond it.

    Parameters
    ----------
    mz : (n,) steps, ascending; ``half`` (n,) from `Tolerance.around`.

    Raises
    ------
    InvalidMeasurement : windows touch, so that one ion could match two.
    """
    edges, reach = np.empty((len(mz), 2), np.int32), half.astype(np.int32)
    np.subtract(mz, reach, out=edges[:, 0])
    reach += 1
    np.add(mz, reach, out=edges[:, 1])
    flat = edges.ravel()
    if np.logical_or.reduce(flat[2::2] < flat[1:-1:2]):
        raise InvalidMeasurement(
            "ions must be more than twice the tolerance apart: clean the spectrum, or narrow the tolerance"
        )
    return flat


def inside(edges: Steps, mz: Steps) -> tuple[Ints, Ints]:
    """Places (ascending) of those of ``mz``, in any order, that lie in a window, and which window that is."""
    place = edges.searchsorted(mz, side="right")
    found = (place & 1).nonzero()[0]
    return found, place[found] >> 1
