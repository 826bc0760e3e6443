"""The arrays of the inverted index of unit-mass spectra.

Promises: `build` reads the table twice, some thousand rows at a time, and holds no more than what it returns
and a few of these; the same table gives the same arrays.
Leaves out ions below a row's scan start; of ions of intensity 1 it keeps how far they may turn a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from library.index.scatter import BLOCK
from spectra.model import Floats, Ints
from spectra.similarity.mass import HIGHEST_MASS, NOISE_FLOOR, UnitTable, Whole
from spectra.similarity.match_factor import flat_ions, summed

Array = NDArray[Any]

AXIS = HIGHEST_MASS + 1
TOGETHER = 64 * BLOCK  # rows that are indexed at once
# Masses from which a row's norm is stored.
KNOTS = (
    *(1, 12, 15, 18, *range(20, 94, 2), 96, 100, 105, 110, 115, 120, 130, 140, 150, 165, 180, 200),
    *(220, 250, 300, 350, 400, 500, AXIS),
)
NOTHING = np.float32(1e-9)  # norm of no ions: so that 0 can be divided by it


def build(units: UnitTable) -> dict[str, Array]:
    """The arrays of the index: call once per release.

    Returns
    -------
    order : (rows,) int32, rows by scan start, then by how far ions of intensity 1 turn them. What follows
        speaks of places in this order; (places,) is filled up to whole blocks.
    start : (groups,) int32, the scan starts that occur, ascending. group : (groups + 1,) int64, where the
        places of each begin.
    column : (HIGHEST_MASS + 2,) int64, postings of mass m at ``column[m]:column[m + 1]`` of row, int32,
        places ascending, and weight, float32, √(m·I).
    norm : (knots, places) float32, √Σ m·I from each of `KNOTS` on, `NOTHING` where there is no ion. These are
        of ions of at least 2 from the row's scan start on.
    weak : (places,) float32, √Σ m of the row's ions of intensity 1. turn : (knots, blocks) float32, the
        largest arctan(weak/norm) of a block.
    early : (places,) bool, whether the row has ions below its scan start.
    floor : (1,) int32, the highest of the table.
    """
    rows = len(units)
    counts, turned = np.zeros(AXIS, np.int64), np.zeros(rows)
    for some in _chunks(rows):
        ions = _ions(units, np.arange(some.start, some.stop))
        counts += np.bincount(ions.mass, minlength=AXIS)
        turned[some] = _ratio(ions.weak, summed(ions.owner, ions.square, ions.rows))
    order = np.lexsort((turned, units.start)).astype(np.int32)
    start, group = np.unique(units.start[order], return_index=True)
    column = np.append(0, np.cumsum(counts))
    made = _empty(rows, int(column[-1]))
    filled = column[:-1].copy()
    for some in _chunks(rows):
        ions = _ions(units, order[some].astype(np.int64))
        _append(made, ions, some.start, filled)
        _append_norms(made, ions, some)
    groups = {"start": start.astype(np.int32), "group": np.append(group, rows)}
    floor = np.array([units.floor.max(initial=NOISE_FLOOR)], np.int32)
    return made | groups | {"order": order, "column": column, "floor": floor}


@dataclass(frozen=True, slots=True, eq=False)
class _Ions:
    """Ions of at least 2 of some rows from the rows' scan starts on, flat."""

    rows: int
    owner: Ints
    mass: Whole
    square: Floats  # m·I
    weak: Floats  # (rows,) Σ m of ions of intensity 1
    early: NDArray[np.bool_]  # (rows,) where the row has ions below its start


def _ions(units: UnitTable, rows: Ints) -> _Ions:
    owner, ions = flat_ions(units, rows)
    mass, intensity = units.mass[ions], units.intensity[ions]
    compared, early = mass >= units.start[rows][owner], np.zeros(len(rows), bool)
    early[owner[~compared]] = True
    weak = np.flatnonzero(compared & (intensity < NOISE_FLOOR))
    strong = np.flatnonzero(compared & (intensity >= NOISE_FLOOR))
    sums = summed(owner[weak], mass[weak].astype(np.float64), len(rows))
    owner, mass = owner[strong], mass[strong]
    return _Ions(len(rows), owner, mass, (mass * intensity[strong]).astype(np.float64), sums, early)


def _chunks(rows: int) -> Iterator[slice]:
    return (slice(first, min(first + TOGETHER, rows)) for first in range(0, rows, TOGETHER))


def _ratio(weak: Floats, norm: Floats) -> Floats:
    """√(weak/norm), ∞ where there are weak ions only, 0 where there is none."""
    return np.sqrt(np.divide(weak, norm, out=np.where(weak > 0, np.inf, 0.0), where=norm > 0))


def _empty(rows: int, postings: int) -> dict[str, Array]:
    blocks = -(-rows // BLOCK)
    return {
        "row": np.empty(postings, np.int32),
        "weight": np.empty(postings, np.float32),
        "norm": np.full((len(KNOTS), blocks * BLOCK), NOTHING, np.float32),
        "weak": np.zeros(blocks * BLOCK, np.float32),
        "turn": np.zeros((len(KNOTS), blocks), np.float32),
        "early": np.zeros(blocks * BLOCK, bool),
    }


def _append(made: dict[str, Array], ions: _Ions, first: int, filled: Ints) -> None:
    """Add the postings of places from ``first`` on to their columns, filled so far up to ``filled``."""
    offset = np.append(0, np.cumsum(np.bincount(ions.owner, minlength=ions.rows)))
    weight = np.sqrt(ions.square, dtype=np.float32)
    chunk = csr_array((weight, ions.mass, offset), shape=(ions.rows, AXIS)).tocsc()
    row, bounds = chunk.indices + np.int32(first), chunk.indptr.tolist()
    for mass in np.flatnonzero(np.diff(chunk.indptr)).tolist():
        there, here = int(filled[mass]), slice(bounds[mass], bounds[mass + 1])
        filled[mass] += here.stop - here.start
        made["row"][there : filled[mass]] = row[here]
        made["weight"][there : filled[mass]] = chunk.data[here]


def _append_norms(made: dict[str, Array], ions: _Ions, places: slice) -> None:
    knots, rows = len(KNOTS), ions.rows
    cell = _BEFORE[ions.mass] * rows + ions.owner
    between = summed(cell, ions.square, knots * rows).reshape(knots, rows)
    norm = np.cumsum(between[::-1], axis=0)[::-1]
    turned = np.zeros((knots, -(-rows // BLOCK) * BLOCK))
    turned[:, :rows] = _ratio(np.broadcast_to(ions.weak, norm.shape), norm)
    first = places.start // BLOCK
    blocks = slice(first, first + turned.shape[1] // BLOCK)
    made["turn"][:, blocks] = np.arctan(turned.reshape(knots, -1, BLOCK).max(axis=2))
    made["norm"][:, places] = np.where(norm > 0, np.sqrt(norm), NOTHING)
    made["weak"][places] = np.sqrt(ions.weak)
    made["early"][places] = ions.early


_BEFORE = np.searchsorted(KNOTS, np.arange(AXIS), side="right") - 1  # the last knot up to each mass
