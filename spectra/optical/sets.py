"""Which set of references a spectrum is a sum of.

Promises: small sets are compared exhaustively, so that the order of finding does not decide; the smallest
set is taken that no further part betters (`spectra.optical.significance`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from spectra.model import Floats
from spectra.optical.fit import Fit, Pool, columns, extended, fitted, fitted_some, solved, start_of
from spectra.optical.grid import Grid
from spectra.optical.shifts import FARTHEST
from spectra.optical.significance import Settings, f_needed, f_of, independent

MOST_PARTS = 6
AT_FIRST = 4  # parts that are tried together before any is judged
TRIED = 10  # references that come nearest to what is left, for each place in the set
FITTED = 5  # of them are fitted in full
POOL = 10  # references whose sets are all compared
FOLLOWED = 4  # sets of each size that are fitted in full

_AT_LIMIT = 0.05  # cm⁻¹; a shift that would go on beyond its bound mends the form of something else


@dataclass(frozen=True, slots=True)
class Criterion:
    """Whether a set of parts that leaves less is worth its further part."""

    grid: Grid
    references: int
    settings: Settings

    def passed(self, before: float, fit: Fit) -> bool:
        at_limit = np.abs(fit.shifts) > FARTHEST - _AT_LIMIT
        if before <= 0 or fit.amounts.min(initial=np.inf) <= 0 or at_limit.any():
            return False
        gain = (before - fit.left) / before
        if gain < self.settings.least_gain:
            return False
        free = independent(fit.residual, self.grid) - 2 * len(fit.places)
        return free > 2 and f_of(before, fit.left, free) > f_needed(
            free, self.settings.chance / self.references
        )


def by_steps(pool: Pool, target: Floats, least: Criterion) -> Fit:
    """Part after part, each the one after which least is left.

    What later parts explain makes the first look poor: the first few are taken whatever they gain, and judged
    when all are there.
    """
    fit = Fit((), np.empty(0), np.empty(0), target)
    while len(fit.places) < MOST_PARTS:
        tried = [pool.place(row) for row in pool.nearest(fit.residual, TRIED)]
        fits = [extended(pool, target, fit, place) for place in tried[:FITTED] if place not in fit.places]
        if not fits:
            break
        better = min(fits, key=lambda one: one.left)
        if len(fit.places) >= AT_FIRST and not least.passed(fit.left, better):
            break
        fit = better
    return fit


def by_sets(pool: Pool, target: Floats, fit: Fit, least: Criterion) -> Fit:
    """Of all sets of the pool's most useful references, the smallest that no further part betters."""
    useful = _useful(pool, target, fit)
    shifts = _shifts_of(pool, fit, useful)
    chosen = Fit((), np.empty(0), np.empty(0), target)
    for size in range(1, min(len(fit.places), len(useful)) + 1):
        best = _best_set(pool, target, useful, shifts, size)
        if size == len(fit.places) and fit.left < best.left:
            best = fit
        if least.passed(chosen.left, best):
            chosen = best
    return _pruned(pool, target, chosen, least)


def _useful(pool: Pool, target: Floats, fit: Fit) -> list[int]:
    """Places in the pool: those of the fit, then those that explain most beside it."""
    without = [np.delete(np.arange(len(fit.places)), k) for k in range(len(fit.places))]
    residuals = [fitted_some(pool, target, fit, keep).residual for keep in without] + [fit.residual]
    gains = np.array([[float((each @ left).max()) for each in pool.moved] for left in residuals])
    lengths = np.array([float(np.sqrt((each**2).sum(axis=1).max())) for each in pool.moved])
    ranks = (-gains / np.maximum(lengths, 1e-300)).argsort(axis=1).argsort(axis=1).min(axis=0)
    ranks[list(fit.places)] = -1
    return [int(k) for k in np.argsort(ranks, kind="stable")[:POOL]]


def _shifts_of(pool: Pool, fit: Fit, useful: Sequence[int]) -> Floats:
    """(useful,) shift of each: its own in the fit, else where it resembles what the fit leaves most."""
    own = dict(zip(fit.places, fit.shifts, strict=True))
    return np.array([own.get(k, start_of(pool, k, fit.residual)) for k in useful])


def _best_set(pool: Pool, target: Floats, useful: Sequence[int], shifts: Floats, size: int) -> Fit:
    """The best set of a size: all are ranked with shifts to first order, the foremost are fitted in full."""
    shapes, tangents = columns(pool, useful, shifts)
    both = np.concatenate((shapes, tangents))
    # Rows this few are no work for several threads, which would wait for each other on a busy machine.
    product, gram = np.einsum("ij,j->i", both, target), np.einsum("ij,kj->ik", both, both)
    sets = np.array(list(combinations(range(len(useful)), size)))
    chosen = np.concatenate((sets, sets + len(useful)), axis=1)
    amounts = solved(gram[chosen[:, :, None], chosen[:, None, :]], product[chosen])
    explained = np.where(
        (amounts[:, :size] > 0).all(axis=1), (amounts * product[chosen]).sum(axis=1), -np.inf
    )
    first = [sets[k] for k in np.argsort(-explained, kind="stable")[:FOLLOWED]]
    fits = [fitted(pool, target, tuple(useful[k] for k in one), shifts[one]) for one in first]
    return min(fits, key=lambda one: one.left)


def _pruned(pool: Pool, target: Floats, fit: Fit, least: Criterion) -> Fit:
    """Without the parts that the others make up for."""
    for k in range(len(fit.places)):
        without = fitted_some(pool, target, fit, np.delete(np.arange(len(fit.places)), k))
        if not least.passed(without.left, fit):
            return _pruned(pool, target, without, least)
    return fit
