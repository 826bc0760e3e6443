"""Amounts and shifts of a given set of references, by least squares.

Promises: amounts are not negative and shifts bounded; a reference is read once.

Formulas: shifts by Gauss-Newton on the tangent of each reference (variable projection in spirit, Golub &
Pereyra 1973, doi 10.1137/0710036).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spectra.model import Floats, Ints
from spectra.optical.grid import Grid
from spectra.optical.references import References
from spectra.optical.shifts import AT_STARTS, FARTHEST, STARTS, enclosing, moved

_STEPS = 6  # of Gauss-Newton
_RIDGE = 1e-10  # of the trace
_RESTARTS = 3  # for each part
LIKELY = 0.7  # of the resemblance at the best shift


@dataclass(slots=True)
class Pool:
    """References loaded so far, each on a grid of shifts, between which it is interpolated."""

    grid: Grid
    references: References
    usable: NDArray[np.bool_]
    other: Floats | None = None  # (m, n), orthonormal: what another instrument adds to the spectrum
    rows: list[int] = field(default_factory=list)
    moved: list[Floats] = field(default_factory=list)  # each (shifts, n)

    def place(self, row: int) -> int:
        """Where the reference stands in the pool; it is loaded if it is not there."""
        if row not in self.rows:
            self.rows.append(row)
            self.moved.append(self.without(self.grid.centred(self.references.moved(row))))
        return self.rows.index(row)

    def without(self, curves: Floats) -> Floats:
        """(…, n): curves less what another instrument adds: that explains nothing and spoils nothing."""
        if self.other is None:
            return curves
        return np.asarray(curves - (curves @ self.other.T) @ self.other, np.float64)

    def ignore(self, other: Floats) -> None:
        """From now on without these, orthonormal."""
        self.other = other
        self.moved = [self.without(curves) for curves in self.moved]

    def at(self, place: int, shift: float) -> tuple[Floats, Floats]:
        """(n,), (n,): the reference shifted, and its change per cm⁻¹ of shift."""
        first, weights, slopes = enclosing(shift)
        near = self.moved[place][first : first + 4]
        return weights @ near, slopes @ near

    def nearest(self, residual: Floats, most: int) -> list[int]:
        """Rows that resemble a residual at some shift, best first."""
        tried = moved(residual, self.grid.parts, self.grid.step)[1:-1:2] * self.grid.keep
        score = np.where(self.usable, self.references.likeness(tried).max(axis=1), -np.inf)
        best = np.argsort(-score, kind="stable")[:most]
        return [int(row) for row in best if score[row] > 0]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Amounts and shifts of a set, and what it leaves."""

    places: tuple[int, ...]  # in the pool
    amounts: Floats
    shifts: Floats
    residual: Floats

    @property
    def left(self) -> float:
        return float(self.residual @ self.residual)


def extended(pool: Pool, target: Floats, fit: Fit, place: int) -> Fit:
    """The fit with one more reference, started where it resembles what is left most."""
    start = start_of(pool, place, fit.residual)
    return fitted(pool, target, (*fit.places, place), np.append(fit.shifts, start))


def start_of(pool: Pool, place: int, residual: Floats) -> float:
    """The shift at which a reference resembles a residual most."""
    return float(STARTS[int(_resemblance(pool, place, residual).argmax())])


def _resemblance(pool: Pool, place: int, residual: Floats) -> Floats:
    """(starts,) what a reference explains of a residual at each of `STARTS`, as an amplitude; negative where
    its amount would be.

    Lines nearly as narrow as the places are apart change their length with the shift, so that it counts.
    """
    curves = pool.moved[place]
    square = np.einsum("ij,jk,ik->i", AT_STARTS, np.einsum("ij,kj->ik", curves, curves), AT_STARTS)
    return np.asarray(AT_STARTS @ (curves @ residual) / np.sqrt(np.maximum(square, 1e-300)), np.float64)


def restarted(pool: Pool, target: Floats, fit: Fit) -> Fit:
    """The fit, each part begun anew at the other shifts at which it resembles what the others leave.

    Evenly spaced lines, as gases have, resemble themselves one spacing away: from there no small step leads
    back.
    """
    for k, place in enumerate(fit.places):
        shape = pool.at(place, float(fit.shifts[k]))[0]
        alike = _resemblance(pool, place, fit.residual + fit.amounts[k] * shape)
        tops = np.flatnonzero((alike[1:-1] >= alike[:-2]) & (alike[1:-1] > alike[2:])) + 1
        away = tops[np.abs(STARTS[tops] - fit.shifts[k]) > 1.0]
        for start in away[np.argsort(-alike[away], kind="stable")][:_RESTARTS]:
            if alike[start] > LIKELY * alike.max():
                shifts = fit.shifts.copy()
                shifts[k] = STARTS[start]
                fit = min(fit, fitted(pool, target, fit.places, shifts), key=lambda one: one.left)
    return fit


def fitted(pool: Pool, target: Floats, places: tuple[int, ...], shifts: Floats) -> Fit:
    """Amounts (not negative) and shifts (bounded) of least squares, from these shifts on."""
    best: Fit | None = None
    for _ in range(_STEPS):
        shapes, tangents = columns(pool, places, shifts)
        amounts = _not_negative(shapes @ shapes.T, shapes @ target)
        residual = target - amounts @ shapes
        fit = Fit(places, amounts, shifts, residual)
        if best is not None and fit.left > best.left * (1 - 1e-4):
            return min(best, fit, key=lambda one: one.left)
        best = fit
        live = amounts > 0
        if not live.any():
            return fit
        both = np.concatenate((shapes[live], amounts[live, None] * tangents[live]))
        step = solved(both @ both.T, both @ residual)[live.sum() :]
        shifts = shifts.copy()
        shifts[live] = np.clip(shifts[live] + np.clip(step, -1, 1), -FARTHEST, FARTHEST)
    return best if best is not None else Fit(places, np.zeros(0), shifts, target)


def solved(gram: Floats, product: Floats) -> Floats:
    """(…, k) float64: the x of gram · x = product; rows that are all but the same share what they explain.

    Normal equations of a few rows take a twentieth of the time of an orthogonal decomposition; they see
    differences of rows down to 1e-5 of their length, which is less than any spectrum is known to.
    """
    size = np.trace(gram, axis1=-2, axis2=-1)[..., None, None]
    ridge = (_RIDGE * size + np.finfo(float).tiny) * np.eye(gram.shape[-1])
    return np.asarray(np.linalg.solve(gram + ridge, product[..., None])[..., 0], np.float64)


def columns(pool: Pool, places: Sequence[int], shifts: Floats) -> tuple[Floats, Floats]:
    """(places, n) of each: the references shifted, and their change per cm⁻¹ of shift."""
    pairs = [pool.at(place, float(shift)) for place, shift in zip(places, shifts, strict=True)]
    return np.array([shape for shape, _ in pairs]), np.array([tangent for _, tangent in pairs])


def _not_negative(gram: Floats, product: Floats) -> Floats:
    """Non-negative least squares of a few rows: the most negative are left out until none is."""
    amounts, live = np.zeros(len(product)), np.arange(len(product))
    while len(live):
        found = solved(gram[np.ix_(live, live)], product[live])
        if (found > 0).all():
            amounts[live] = found
            break
        live = np.delete(live, found.argmin())
    return amounts


def fitted_some(pool: Pool, target: Floats, fit: Fit, keep: Ints) -> Fit:
    """The fit with some of its parts only, fitted anew."""
    if not len(keep):
        return Fit((), np.empty(0), np.empty(0), target)
    return fitted(pool, target, tuple(fit.places[k] for k in keep), fit.shifts[keep])
