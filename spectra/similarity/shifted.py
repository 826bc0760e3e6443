"""Hybrid comparison of unit-mass spectra: a fragment may be heavier by what the whole molecule is.

Promises: an analogue is compared with its relative as if the difference of their masses sat on each ion
that thereby fits better; without a difference the score is the plain one. Idea and use: Moorthy et al., Anal.
Chem. 2017, doi 10.1021/acs.analchem.7b03320; which share of an ion moves: NIST's FentanylClassifier.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spectra.model import Floats, Ints
from spectra.similarity.mass import HIGHEST_MASS, NOISE_FLOOR, UnitSpectrum, UnitTable
from spectra.similarity.match_factor import flat_ions, share, summed

TOGETHER = 256  # rows worked on at once: what stays in the cache, and in memory that is not given back


def hybrid_scores(query: UnitSpectrum, table: UnitTable, rows: Ints, difference: Ints) -> Floats:
    """(k,) float64, 0..1000: 1000·cos² of the query with each row after ions have moved by its difference.

    With u, l intensities of at least 2 at mass m and Δ the row's difference, an ion moves in part:
    t = min(l(m) − u(m), u(m + Δ) − l(m + Δ)) goes from m to m + Δ where that is positive. All ions move at
    once, and only if the score rises. Weights are √(m·I), from the later scan start on.

    Parameters
    ----------
    rows : (k,) int64 row numbers of ``table``.
    difference : (k,) int64, nominal mass of the query's molecule less that of the row's.
    """
    ions = _ions(query, table, rows, difference)
    key = ions.owner * (HIGHEST_MASS + 1) + ions.mass
    target = key + ions.shift
    place = np.minimum(np.searchsorted(key, target), max(len(key) - 1, 0))
    there = (key[place] == target) if len(key) else np.empty(0, bool)
    occupied = np.where(there, ions.l[place], 0.0) if len(key) else ions.l
    moved = np.maximum(np.minimum(ions.l - ions.u, ions.u_shifted - occupied), 0.0)
    left = ions.l - moved
    np.add.at(left, place[there], moved[there])
    new = np.where(there, 0.0, moved)
    shifted_mass = ions.mass + ions.shift
    n = len(rows)
    plain_dot = summed(ions.owner, np.asarray(ions.mass * np.sqrt(ions.u * ions.l), np.float64), n)
    plain = share(plain_dot**2, _norms(ions, ions.l, n))
    dot = ions.mass * np.sqrt(ions.u * left) + shifted_mass * np.sqrt(ions.u_shifted * new)
    norm = ions.norm * summed(ions.owner, np.asarray(ions.mass * left + shifted_mass * new, np.float64), n)
    return 1000 * np.minimum(np.maximum(plain, share(summed(ions.owner, dot, n) ** 2, norm)), 1.0)


def hybrid_bounds(query: UnitSpectrum, table: UnitTable, rows: Ints, difference: Ints) -> Floats:
    """(k,) float64, 0..1000: what `hybrid_scores` cannot exceed, in a tenth of its time.

    As if what a heavier ion takes in were not there yet, √(a + b) were √a + √b, and a row's scan started no
    later than the query's.
    """
    dense = np.zeros(3 * (HIGHEST_MASS + 1))  # masses below 0 and out of range are there, and empty
    strong = (query.intensity >= NOISE_FLOOR) & (query.mass >= query.start)
    dense[query.mass[strong] + HIGHEST_MASS + 1] = query.intensity[strong]
    begin = np.maximum(table.start[rows].astype(np.int64), query.start)
    norm, bounds = _tail(query, begin), np.empty(len(rows))
    shift = np.clip(difference, -HIGHEST_MASS, HIGHEST_MASS)
    for first in range(0, len(rows), TOGETHER):
        some = slice(first, first + TOGETHER)
        dot, least = _most(dense, table, rows[some], shift[some], begin[some])
        bounds[some] = share(dot**2, norm[some] * least)
    return 1000 * np.minimum(bounds * (1 + 1e-9), 1.0)


def _most(dense: Floats, table: UnitTable, rows: Ints, shift: Ints, begin: Ints) -> tuple[Floats, Floats]:
    """(rows,) each: the most the product, and the least the norm of the row can be."""
    owner, flat = flat_ions(table, rows)
    mass, height = table.mass[flat].astype(np.int64), table.intensity[flat]
    l = height * ((height >= NOISE_FLOOR) & (mass >= begin[owner])).astype(np.float64)  # noqa: E741
    here, moving = mass + (HIGHEST_MASS + 1), shift[owner]
    u, u_shifted = dense[here], dense[here + moving]
    moved = np.maximum(np.minimum(l - u, u_shifted), 0.0)
    dot = mass * np.sqrt(u * l) + (mass + moving) * np.sqrt(u_shifted * moved)
    return summed(owner, dot, len(rows)), summed(owner, mass * l + np.minimum(moving, 0) * moved, len(rows))


def _tail(query: UnitSpectrum, begin: Ints) -> Floats:
    """(rows,) Σ m·u of the query's ions of at least 2 from each ``begin`` on."""
    strong = np.where(query.intensity >= NOISE_FLOOR, query.intensity, 0.0)
    sums = np.append(np.cumsum((query.mass * strong)[::-1])[::-1], 0.0)
    return np.asarray(sums[np.searchsorted(query.mass, begin)], np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Ions:
    """Counted ions of the rows from the later scan start on, flat in order of row and mass."""

    norm: Floats  # (rows,) Σ m·u of the query from there on
    owner: Ints  # (ions,) position in rows
    mass: Ints
    shift: Ints
    l: Floats  # noqa: E741 - the letter of the formula
    u: Floats  # of the query at the same mass
    u_shifted: Floats  # of the query where the ion would move to, 0 where that is below the scan start


def _ions(query: UnitSpectrum, table: UnitTable, rows: Ints, difference: Ints) -> _Ions:
    begin = np.maximum(table.start[rows].astype(np.int64), query.start)
    owner, flat = flat_ions(table, rows)
    mass, height = table.mass[flat].astype(np.int64), table.intensity[flat]
    counted = np.flatnonzero((mass >= begin[owner]) & (height >= NOISE_FLOOR))
    owner, mass, height = owner[counted], mass[counted], height[counted]
    dense = np.zeros(HIGHEST_MASS + 2)  # the last stands for all that is out of range
    strong = query.intensity >= NOISE_FLOOR
    dense[query.mass[strong]] = query.intensity[strong]
    shift = difference[owner]
    target = mass + shift
    out = (target < begin[owner]) | (target > HIGHEST_MASS) | (shift == 0)
    return _Ions(
        _tail(query, begin),
        owner,
        mass,
        shift,
        height.astype(np.float64),
        dense[mass],
        dense[np.where(out, -1, target)],
    )


def _norms(ions: _Ions, l: Floats, rows: int) -> Floats:  # noqa: E741
    return np.asarray(ions.norm * summed(ions.owner, np.asarray(ions.mass * l, np.float64), rows), np.float64)
