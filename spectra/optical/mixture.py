"""A spectrum as a sum of reference spectra: which ones, how much of each, each shifted a little.

Promises: amounts are not negative; a reference is taken only if what it explains stands out of what stays
unexplained (F-test), counted in independent places and corrected for how many references were tried; small
sets are compared exhaustively, so that the order of finding does not decide; each amount has an interval;
what could not be told from a part is named. Works on numbers alone: what the rows are of, and in which unit,
is the caller's business. Refuses nothing: noise gives an empty set.

Formulas: shifts by Gauss-Newton on the tangent of each reference (variable projection in spirit, Golub &
Pereyra 1973, doi 10.1137/0710036); independent places of a correlated residual n / (1 + 2 Σ ρ²), Bayley &
Hammersley 1946, doi 10.2307/2983560.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from spectra.model import Floats, Ints

Array = NDArray[Any]
Load = Callable[[int], NDArray[np.float64]]

MOST_PARTS = 6
AT_FIRST = 4  # parts that are tried together before any is judged
TRIED = 10  # references that come nearest to what is left, for each place in the set
FITTED = 5  # of them are fitted in full
POOL = 10  # references whose sets are all compared
FARTHEST = 4.0  # cm⁻¹ a part may be shifted
SLOW = 4  # terms of the polynomial that the slope of a baseline may be, in each region
BLUNT = 2  # places to either side, for the curvature
LAGS = 60  # places over which a residual may hang together
CHANCE = 1e-4  # of adding a part to a spectrum that holds none, over all references
LEAST_GAIN = 0.1  # share of the unexplained sum of squares that a further part must take away
ALIKE = 0.01  # likelihood, beside the best, at which another reference could as well be the part
MOVES = np.arange(-FARTHEST - 1, FARTHEST + 1.5, 1.0)  # cm⁻¹; between them a reference is interpolated
FOLLOWED = 4  # sets of each size that are fitted in full

_AT_LIMIT = 0.05  # cm⁻¹; a shift that would go on beyond its bound mends the form of something else
_STEPS = 6  # of Gauss-Newton
_CUBIC = np.linalg.inv(np.vander(np.arange(4.0), 4, increasing=True))


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides whether a reference is taken.

    Parameters
    ----------
    chance : of one false addition to a spectrum, over all references tried.
    least_gain : 0..1 of the unexplained sum of squares; guards against references that only mend the form of
        others, which no count of places foresees.
    """

    chance: float = CHANCE
    least_gain: float = LEAST_GAIN


@dataclass(frozen=True)
class Grid:
    """Evenly spaced places in separate regions.

    Parameters
    ----------
    parts : where each region lies among the places.
    step : cm⁻¹ between places.
    keep : (n,) bool, places that count.
    """

    parts: tuple[slice, ...]
    step: float
    keep: NDArray[np.bool_]

    @cached_property
    def _slow(self) -> list[tuple[Ints, Floats]]:
        """Of each region the kept places, and an orthonormal basis of the slow curves over them."""
        kept = [np.flatnonzero(self.keep[part]) + part.start for part in self.parts]
        return [(k, np.linalg.qr(np.vander(np.linspace(-1, 1, len(k)), SLOW))[0]) for k in kept if len(k)]

    def centred(self, y: Array) -> Floats:
        """(…, n) float64: without slow curves in each region (what a baseline gives), 0 where not kept."""
        out = np.zeros(y.shape)
        for keep, slow in self._slow:
            some = y[..., keep]
            out[..., keep] = some - (some @ slow) @ slow.T
        return out


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
    """

    parts: tuple[Part, ...]
    residual: Floats
    places: float
    covariance: Floats


@dataclass(slots=True)
class _Pool:
    """References loaded so far, each on a grid of shifts, between which it is interpolated."""

    grid: Grid
    blocks: Sequence[Array]
    usable: NDArray[np.bool_]
    load: Load
    blunt: Floats | None = None  # (n,), of length 1 or 0: what a little less resolution adds to the spectrum
    rows: list[int] = field(default_factory=list)
    moved: list[Floats] = field(default_factory=list)  # each (shifts, n)

    def place(self, row: int) -> int:
        """Where the reference stands in the pool; it is loaded if it is not there."""
        if row not in self.rows:
            self.rows.append(row)
            self.moved.append(self.without(self.grid.centred(self.load(row))))
        return self.rows.index(row)

    def without(self, curves: Floats) -> Floats:
        """(…, n): curves less their part in what resolution adds: it explains nothing and spoils nothing."""
        if self.blunt is None:
            return curves
        return np.asarray(curves - (curves @ self.blunt)[..., None] * self.blunt, np.float64)

    def blunted(self, blunt: Floats) -> None:
        """From now on without this, of length 1 or 0."""
        self.blunt = blunt
        self.moved = [self.without(curves) for curves in self.moved]

    def at(self, place: int, shift: float) -> tuple[Floats, Floats]:
        """(n,), (n,): the reference shifted, and its change per cm⁻¹ of shift."""
        first, weights, slopes = _four(shift)
        near = self.moved[place][first : first + 4]
        return weights @ near, slopes @ near

    def nearest(self, residual: Floats, most: int) -> list[int]:
        """Rows that resemble a residual at some shift, best first."""
        tried = moved(residual, self.grid)[1:-1:2] * self.grid.keep
        score = np.concatenate([(block @ tried.T.astype(block.dtype)).max(axis=1) for block in self.blocks])
        score = np.where(self.usable, score, -np.inf)
        best = np.argsort(-score, kind="stable")[:most]
        return [int(row) for row in best if score[row] > 0]


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Amounts and shifts of a set, and what it leaves."""

    places: tuple[int, ...]  # in the pool
    amounts: Floats
    shifts: Floats
    residual: Floats

    @property
    def left(self) -> float:
        return float(self.residual @ self.residual)


def unmix(
    y: Floats,
    blocks: Sequence[Array],
    grid: Grid,
    *,
    usable: NDArray[np.bool_] | None = None,
    load: Load | None = None,
    settings: Settings | None = None,
) -> Unmixed:
    """The references that a spectrum is a sum of.

    Parameters
    ----------
    y : (n,) float64, derivative of the spectrum.
    blocks : arrays (rows, n) of references, derived alike; rows are numbered through all blocks. The search
        compares rows fairly where they have length 1.
    usable : (rows,) bool, those that may be taken; all where not given.
    load : gives a row moved up by each of `MOVES`, (moves, n); from the row itself where not given. Bands
        narrower than two steps need the reference as it was measured.

    Returns
    -------
    Parts by falling amount.
    """
    chosen, total = settings or Settings(), sum(len(block) for block in blocks)
    allowed = np.ones(total, bool) if usable is None else usable
    pool = _Pool(grid, blocks, allowed, load or (lambda row: moved(_row(blocks, row), grid)))
    target = grid.centred(y)
    if not target.any() or not allowed.any():
        return Unmixed((), target, independent(target, grid), np.zeros((0, 0)))
    least = _Least(grid, int(allowed.sum()), chosen)
    rough = _by_steps(pool, target, least)
    if not rough.places:
        return _told(pool, target, rough)
    # The curvature is taken from what was fitted: that of the spectrum itself is mostly noise.
    pool.blunted(_blunt(target - rough.residual, grid))
    target = pool.without(target)
    fit = _fitted(pool, target, rough.places, rough.shifts)
    return _told(pool, target, _by_sets(pool, target, fit, least))


def _blunt(y: Floats, grid: Grid) -> Floats:
    """Its curvature, of length 1: to first order, what another width of the instrument's line adds."""
    out = np.zeros(len(y))
    for part in grid.parts:
        if _long(part, 2 * BLUNT):
            piece = y[part]
            out[part][BLUNT:-BLUNT] = piece[2 * BLUNT :] - 2 * piece[BLUNT:-BLUNT] + piece[: -2 * BLUNT]
    out = grid.centred(out)
    length = float(np.linalg.norm(out))
    return out / length if length else out


def independent(residual: Floats, grid: Grid) -> float:
    """How many independent values a residual of correlated ones is worth, at least 2."""
    length = float(residual @ residual)
    count = int(grid.keep.sum())
    if length <= 0:
        return float(max(count, 2))
    spread = 0.0
    for lag in range(1, LAGS + 1):
        together = sum(float(residual[p][lag:] @ residual[p][:-lag]) for p in grid.parts if _long(p, lag))
        spread += (together / length) ** 2
    return max(2.0, count / (1 + 2 * spread))


@dataclass(frozen=True, slots=True)
class _Least:
    """Whether a set of parts that leaves less is worth its further part."""

    grid: Grid
    references: int
    settings: Settings

    def passed(self, before: float, fit: _Fit) -> bool:
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


def f_of(before: float, after: float, free: float) -> float:
    """(before − after) / 2 over after / free: two parameters, amount and shift, were spent."""
    return (before - after) / 2 / max(after / free, np.finfo(float).tiny)


def f_needed(free: float, chance: float) -> float:
    """The F that one reference reaches by chance with probability ``chance``.

    The quantile of F with 2 and ν degrees of freedom has the closed form ν/2 (p^(−2/ν) − 1).
    """
    return float(free / 2 * (chance ** (-2 / free) - 1))


def _by_steps(pool: _Pool, target: Floats, least: _Least) -> _Fit:
    """Part after part, each the one after which least is left.

    What later parts explain makes the first look poor: the first few are taken whatever they gain, and judged
    when all are there.
    """
    fit = _Fit((), np.empty(0), np.empty(0), target)
    while len(fit.places) < MOST_PARTS:
        tried = [pool.place(row) for row in pool.nearest(fit.residual, TRIED)]
        fits = [_extended(pool, target, fit, place) for place in tried[:FITTED] if place not in fit.places]
        if not fits:
            break
        better = min(fits, key=lambda one: one.left)
        if len(fit.places) >= AT_FIRST and not least.passed(fit.left, better):
            break
        fit = better
    return fit


def _extended(pool: _Pool, target: Floats, fit: _Fit, place: int) -> _Fit:
    start = _start(pool, place, fit.residual)
    return _fitted(pool, target, (*fit.places, place), np.append(fit.shifts, start))


def _start(pool: _Pool, place: int, residual: Floats) -> float:
    """The shift at which a reference resembles a residual most."""
    return float(_STARTS[int((_AT_STARTS @ (pool.moved[place] @ residual)).argmax())])


def _fitted(pool: _Pool, target: Floats, places: tuple[int, ...], shifts: Floats) -> _Fit:
    """Amounts (not negative) and shifts (bounded) of least squares, from these shifts on."""
    best: _Fit | None = None
    for _ in range(_STEPS):
        shapes, tangents = _columns(pool, places, shifts)
        amounts = _not_negative(shapes, target)
        residual = target - amounts @ shapes
        fit = _Fit(places, amounts, shifts, residual)
        if best is not None and fit.left > best.left * (1 - 1e-4):
            return min(best, fit, key=lambda one: one.left)
        best = fit
        live = amounts > 0
        if not live.any():
            return fit
        both = np.concatenate((shapes[live], amounts[live, None] * tangents[live]))
        step = np.linalg.lstsq(both.T, residual, rcond=1e-8)[0][live.sum() :]
        shifts = shifts.copy()
        shifts[live] = np.clip(shifts[live] + np.clip(step, -1, 1), -FARTHEST, FARTHEST)
    return best if best is not None else _Fit(places, np.zeros(0), shifts, target)


def _columns(pool: _Pool, places: Sequence[int], shifts: Floats) -> tuple[Floats, Floats]:
    pairs = [pool.at(place, float(shift)) for place, shift in zip(places, shifts, strict=True)]
    return np.array([shape for shape, _ in pairs]), np.array([tangent for _, tangent in pairs])


def _not_negative(shapes: Floats, target: Floats) -> Floats:
    """Non-negative least squares of a few rows: the negative are left out until none is."""
    amounts, live = np.zeros(len(shapes)), np.ones(len(shapes), bool)
    while live.any():
        found = np.linalg.lstsq(shapes[live].T, target, rcond=1e-8)[0]
        if (found > 0).all():
            amounts[live] = found
            break
        live[np.flatnonzero(live)[found.argmin()]] = False
    return amounts


def _by_sets(pool: _Pool, target: Floats, fit: _Fit, least: _Least) -> _Fit:
    """Of all sets of the pool's most useful references, the smallest that no further part betters."""
    useful = _useful(pool, target, fit)
    shifts = _shifts_of(pool, fit, useful)
    chosen = _Fit((), np.empty(0), np.empty(0), target)
    for size in range(1, min(len(fit.places), len(useful)) + 1):
        best = _best_set(pool, target, useful, shifts, size)
        if size == len(fit.places) and fit.left < best.left:
            best = fit
        if least.passed(chosen.left, best):
            chosen = best
    return _pruned(pool, target, chosen, least)


def _useful(pool: _Pool, target: Floats, fit: _Fit) -> list[int]:
    """Places in the pool: those of the fit, then those that explain most beside it."""
    without = [np.delete(np.arange(len(fit.places)), k) for k in range(len(fit.places))]
    residuals = [_fitted_some(pool, target, fit, keep).residual for keep in without] + [fit.residual]
    gains = np.array([[float((each @ left).max()) for each in pool.moved] for left in residuals])
    lengths = np.array([float(np.sqrt((each**2).sum(axis=1).max())) for each in pool.moved])
    ranks = (-gains / np.maximum(lengths, 1e-300)).argsort(axis=1).argsort(axis=1).min(axis=0)
    ranks[list(fit.places)] = -1
    return [int(k) for k in np.argsort(ranks, kind="stable")[:POOL]]


def _fitted_some(pool: _Pool, target: Floats, fit: _Fit, keep: Ints) -> _Fit:
    if not len(keep):
        return _Fit((), np.empty(0), np.empty(0), target)
    return _fitted(pool, target, tuple(fit.places[k] for k in keep), fit.shifts[keep])


def _shifts_of(pool: _Pool, fit: _Fit, useful: Sequence[int]) -> Floats:
    """(useful,) shift of each: its own in the fit, else where it resembles what the fit leaves most."""
    own = dict(zip(fit.places, fit.shifts, strict=True))
    return np.array([own.get(k, _start(pool, k, fit.residual)) for k in useful])


def _best_set(pool: _Pool, target: Floats, useful: Sequence[int], shifts: Floats, size: int) -> _Fit:
    """The best set of a size: all are ranked with shifts to first order, the foremost are fitted in full."""
    shapes, tangents = _columns(pool, useful, shifts)
    columns = np.concatenate((shapes, tangents))
    product, gram = columns @ target, columns @ columns.T
    sets = np.array(list(combinations(range(len(useful)), size)))
    both = np.concatenate((sets, sets + len(useful)), axis=1)
    grams = gram[both[:, :, None], both[:, None, :]]
    grams = grams + 1e-9 * np.trace(grams, axis1=1, axis2=2)[:, None, None] * np.eye(2 * size)
    amounts = np.linalg.solve(grams, product[both][:, :, None])[:, :, 0]
    explained = np.where((amounts[:, :size] > 0).all(axis=1), (amounts * product[both]).sum(axis=1), -np.inf)
    first = [sets[k] for k in np.argsort(-explained, kind="stable")[:FOLLOWED]]
    fits = [_fitted(pool, target, tuple(useful[k] for k in one), shifts[one]) for one in first]
    return min(fits, key=lambda one: one.left)


def _pruned(pool: _Pool, target: Floats, fit: _Fit, least: _Least) -> _Fit:
    """Without the parts that the others make up for."""
    for k in range(len(fit.places)):
        without = _fitted_some(pool, target, fit, np.delete(np.arange(len(fit.places)), k))
        if not least.passed(without.left, fit):
            return _pruned(pool, target, without, least)
    return fit


def _told(pool: _Pool, target: Floats, fit: _Fit) -> Unmixed:
    places = independent(fit.residual, pool.grid)
    if not fit.places:
        return Unmixed((), fit.residual, places, np.zeros((0, 0)))
    shapes, tangents = _columns(pool, fit.places, fit.shifts)
    both = np.concatenate((shapes, fit.amounts[:, None] * tangents))
    count = len(fit.places)
    free = max(places - 2 * count, 1.0)
    spread = fit.left / free * np.linalg.pinv(both @ both.T)[:count, :count]
    far = float(stdtrit(free, 0.975))
    parts = [_part(pool, target, fit, k, far * float(np.sqrt(spread[k, k])), free) for k in range(count)]
    order = np.argsort([-part.amount for part in parts], kind="stable")
    covariance = np.asarray(spread[np.ix_(order, order)], np.float64)
    return Unmixed(tuple(parts[k] for k in order), fit.residual, places, covariance)


def _part(pool: _Pool, target: Floats, fit: _Fit, k: int, margin: float, free: float) -> Part:
    rest = np.delete(np.arange(len(fit.places)), k)
    without = _fitted_some(pool, target, fit, rest)
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


def _alike(pool: _Pool, target: Floats, fit: _Fit, without: _Fit, free: float) -> tuple[int, ...]:
    """Rows that leave as little in the place of the part left out, as far as independent places tell."""
    most = fit.left * float(np.exp(2 * np.log(1 / ALIKE) / free))
    nearest = [pool.place(row) for row in pool.nearest(without.residual, FITTED)]
    fits = [_extended(pool, target, without, place) for place in nearest if place not in fit.places]
    found = sorted((one for one in fits if one.left <= most), key=lambda one: one.left)
    return tuple(pool.rows[one.places[-1]] for one in found)


def hidden_below(unmixed: Unmixed, row: Array, grid: Grid, *, references: int, settings: Settings) -> float:
    """The least amount of a reference at which it would have been found in this very residual.

    The reference is added to the residual, in growing amounts, and put to the same test as every part. What
    other parts would take of it is not counted: it is a lower bound where it resembles them.
    """
    residual, shape = unmixed.residual, grid.centred(np.asarray(row, np.float64))
    length = float(shape @ shape)
    free = unmixed.places - 2 * (len(unmixed.parts) + 1)
    if length <= 0 or free <= 2:
        return np.inf
    needed = f_needed(free, settings.chance / max(references, 1))
    low, high = 0.0, 1.0
    scale = float(np.sqrt(residual @ residual / length))
    if scale <= 0:
        return 0.0
    while not _found(residual, shape, high * scale, needed, free, settings):
        high *= 2
        if high > 1e6:
            return np.inf
    for _ in range(20):
        middle = (low + high) / 2
        if _found(residual, shape, middle * scale, needed, free, settings):
            high = middle
        else:
            low = middle
    return high * scale


def _found(
    residual: Floats, shape: Floats, amount: float, needed: float, free: float, settings: Settings
) -> bool:
    mixed = residual + amount * shape
    before = float(mixed @ mixed)
    taken = float(max(float(mixed @ shape), 0.0) ** 2 / float(shape @ shape))
    after = before - taken
    return taken >= settings.least_gain * before and f_of(before, after, free) > needed


def moved(y: Floats, grid: Grid) -> Floats:
    """(moves, n) float64: a curve moved up by each of `MOVES`; beyond its ends it stays level."""
    out = np.zeros((len(MOVES), len(y)))
    for line, move in zip(out, MOVES / grid.step, strict=True):
        whole = int(np.floor(-move))
        weights = _cubic(-move - whole + 1)[0]
        for part in grid.parts:
            last = part.stop - part.start - 1
            places = np.arange(last + 1) + whole - 1
            line[part] = sum(w * y[part][np.clip(places + k, 0, last)] for k, w in enumerate(weights))
    return out


def _row(blocks: Sequence[Array], row: int) -> Floats:
    for block in blocks:
        if row < len(block):
            return np.asarray(block[row], np.float64)
        row -= len(block)
    raise IndexError(row)


def _cubic(where: float) -> tuple[Floats, Floats]:
    """(4,), (4,): weights of values at 0, 1, 2, 3 for the value at ``where``, and for its slope."""
    slope = np.array([0.0, 1.0, 2 * where, 3 * where**2])
    return np.array([1.0, where, where**2, where**3]) @ _CUBIC, slope @ _CUBIC


def _four(shift: float) -> tuple[int, Floats, Floats]:
    """Which four `MOVES` enclose a shift, their weights in the cubic through them, and those of its slope."""
    width = float(MOVES[1] - MOVES[0])
    where = (shift - float(MOVES[0])) / width
    first = min(max(int(where) - 1, 0), len(MOVES) - 4)
    weights, slopes = _cubic(where - first)
    return first, weights, slopes / width


def _weights(shifts: Floats) -> Floats:
    """(shifts, moves): what likenesses at `MOVES` are multiplied by to have them at other shifts."""
    out = np.zeros((len(shifts), len(MOVES)))
    for line, shift in zip(out, shifts, strict=True):
        first, weights, _ = _four(float(shift))
        line[first : first + 4] = weights
    return out


# Lines as narrow as a gas has are missed by a start that is 1 cm⁻¹ off.
_STARTS = np.linspace(-FARTHEST, FARTHEST, 33)
_AT_STARTS = _weights(_STARTS)


def _long(part: slice, lag: int) -> bool:
    return bool(part.stop - part.start > lag)
