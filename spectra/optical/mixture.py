"""A spectrum as a sum of reference spectra: which ones, how much of each, each shifted a little.

Promises: amounts are not negative; a reference is taken only if what it explains stands out of what stays
unexplained, corrected for how many references were tried (`spectra.optical.sets`); each amount has an
interval; what could not be told from a part is named. Works on numbers alone: what the rows are of, and in
which unit, is the caller's business. Refuses nothing: noise gives an empty set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from spectra.model import Floats
from spectra.optical.fit import Fit, Pool, columns, extended, fitted, fitted_some, restarted
from spectra.optical.grid import Grid, orthonormal, otherwise
from spectra.optical.references import References
from spectra.optical.sets import FITTED, Criterion, by_sets, by_steps
from spectra.optical.significance import Settings, f_of, independent

ALIKE = 0.01  # likelihood, beside the best, at which another reference could as well be the part


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A reference in a mixture.

    Parameters
    ----------
    row : number of the reference among all rows.
    amount, low, high : in units of its row; 95 % interval, cut at 0.
    shift_cm1 : by how much its bands lie higher than the reference's.
    f_value : what the fit loses without it, over what an independent place of the residual holds.
    likeness : 0..1000, 1000 r² of the reference with what the other parts leave.
    alike : rows that could stand in its place, best first, itself not among them.
    """

    row: int
    amount: float
    low: float
    high: float
    shift_cm1: float
    f_value: float
    likeness: float
    alike: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Unmixed:
    """A spectrum taken apart.

    Parameters
    ----------
    parts : greatest amount times row first as given by the caller's rows; none if nothing stands out.
    residual : (n,) float64, 0 where not kept.
    places : independent places of the residual.
    covariance : (parts, parts) float64 of the amounts.
    taken : (m, n) float64, orthonormal rows: what the parts take of any further curve, their amounts, shifts
        and the instrument being free.
    """

    parts: tuple[Part, ...]
    residual: Floats
    places: float
    covariance: Floats
    taken: Floats


def unmix(
    y: Floats,
    references: References,
    grid: Grid,
    *,
    usable: NDArray[np.bool_] | None = None,
    settings: Settings | None = None,
) -> Unmixed:
    """The references that a spectrum is a sum of.

    Parameters
    ----------
    y : (n,) float64, derivative of the spectrum.
    usable : (rows,) bool, those that may be taken; all where not given.

    Returns
    -------
    Parts by falling amount.
    """
    allowed = np.ones(len(references), bool) if usable is None else usable
    pool = Pool(grid, references, allowed)
    target = grid.centred(y)
    if not target.any() or not allowed.any():
        return Unmixed((), target, independent(target, grid), np.zeros((0, 0)), np.zeros((0, len(target))))
    least = Criterion(grid, int(allowed.sum()), settings or Settings())
    rough = by_steps(pool, target, least)
    if not rough.places:
        return _told(pool, target, rough)
    # It is taken from what was fitted: the curvature of the spectrum itself is mostly noise.
    pool.ignore(otherwise(target - rough.residual, grid))
    target = pool.without(target)
    fit = restarted(pool, target, fitted(pool, target, rough.places, rough.shifts))
    return _told(pool, target, by_sets(pool, target, fit, least))


def _told(pool: Pool, target: Floats, fit: Fit) -> Unmixed:
    places = independent(fit.residual, pool.grid)
    if not fit.places:
        return Unmixed((), fit.residual, places, np.zeros((0, 0)), np.zeros((0, len(target))))
    shapes, tangents = columns(pool, fit.places, fit.shifts)
    both = np.concatenate((shapes, fit.amounts[:, None] * tangents))
    count = len(fit.places)
    free = max(places - 2 * count, 1.0)
    spread = fit.left / free * np.linalg.pinv(both @ both.T)[:count, :count]
    far = float(stdtrit(free, 0.975))
    parts = [_part(pool, target, fit, k, far * float(np.sqrt(spread[k, k])), free) for k in range(count)]
    order = np.argsort([-part.amount for part in parts], kind="stable")
    covariance = np.asarray(spread[np.ix_(order, order)], np.float64)
    taken = orthonormal(both if pool.other is None else np.vstack((both, pool.other)))
    return Unmixed(tuple(parts[k] for k in order), fit.residual, places, covariance, taken)


def _part(pool: Pool, target: Floats, fit: Fit, k: int, margin: float, free: float) -> Part:
    rest = np.delete(np.arange(len(fit.places)), k)
    without = fitted_some(pool, target, fit, rest)
    amount = float(fit.amounts[k])
    shape = pool.at(fit.places[k], float(fit.shifts[k]))[0]
    alone = fit.residual + amount * shape
    likeness = 1000 * float(alone @ shape) ** 2 / float((alone @ alone) * (shape @ shape))
    return Part(
        row=pool.rows[fit.places[k]],
        amount=amount,
        low=max(0.0, amount - margin),
        high=amount + margin,
        shift_cm1=float(fit.shifts[k]),
        f_value=f_of(without.left, fit.left, free),
        likeness=min(likeness, 1000.0),
        alike=_alike(pool, target, fit, without, free),
    )


def _alike(pool: Pool, target: Floats, fit: Fit, without: Fit, free: float) -> tuple[int, ...]:
    """Rows that leave as little in the place of the part left out, as far as independent places tell."""
    most = fit.left * float(np.exp(2 * np.log(1 / ALIKE) / free))
    nearest = [pool.place(row) for row in pool.nearest(without.residual, FITTED)]
    fits = [extended(pool, target, without, place) for place in nearest if place not in fit.places]
    found = sorted((one for one in fits if one.left <= most), key=lambda one: one.left)
    return tuple(pool.rows[one.places[-1]] for one in found)
