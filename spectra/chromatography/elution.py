"""Elution profiles: the shape in time of each compound, and what of every ion belongs to it.

Promises: all ions of a stretch of overlapping compounds are explained jointly by their profiles under
non-negative least squares, so that an ion that two compounds share is divided between them, never awarded to
one; what comes out too small, too poor in ions, buried or the same as its neighbour is left out. An ion at
the limit of the detector is measured by its flanks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spectra.chromatography.peaks import Apexes, half_widths
from spectra.chromatography.perception import Prepared
from spectra.model import Floats, Ints

SHARPEST, LEAST_MODEL = 8, 3  # ions that make a model peak
LEAST_HEIGHT = 0.02  # of the apex: below, a profile matters to nobody
# By how much an ion of a component may be wrong: a multiple of the scatter, a share of what its neighbours
# have of that ion within its peak. Of simulated pairs half a width to two apart, 1:1 to 1:20, 95 % of the
# errors are below 1.5 times the scatter where nothing is beside, and below 9 to 16 % of it where much is.
SCATTERED, LEFT_BESIDE = 1.5, 0.1
FLANKS = 4  # scans that an ion at the limit of the detector has to show below it


@dataclass(frozen=True, slots=True)
class Settings:
    """What may be chosen; the defaults suit unit-mass GC-EI-MS.

    signal_to_noise : smallest height of a maximum over the scatter expected at that place.
    least_ions : a component needs that many ions of its own.
    least_share : smallest height of a component as a share of the tallest one.
    least_purity : a component with a smaller share of the signal at its own place is a ripple.
    least_quality : a component that explains less of its own ions is scatter that came together.
    """

    signal_to_noise: float = 2.0
    least_ions: int = 5
    least_share: float = 2e-4
    least_purity: float = 0.01
    least_quality: float = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """A single-humped elution profile, 1 at its maximum, from scan ``start``."""

    start: int
    shape: Floats
    centre: float
    ions: int
    height: float

    @property
    def stop(self) -> int:
        return self.start + len(self.shape)

    @property
    def limits(self) -> tuple[int, int]:
        """First and last scan that matter."""
        above = np.flatnonzero(self.shape > LEAST_HEIGHT)
        return self.start + int(above[0]), self.start + int(above[-1])

    @property
    def asymmetry(self) -> float:
        """Tail over front at a tenth of the height, NaN without a front.

        A side that ends above a tenth counts with its whole length.
        """
        apex = int(self.shape.argmax())
        front, tail = (
            float(np.interp(-0.1, -side, np.arange(len(side))))
            for side in (self.shape[: apex + 1][::-1], self.shape[apex:])
        )
        return tail / front if front else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A profile and what it explains.

    Parameters
    ----------
    heights : (ions,) counts at the apex.
    purity : 0..1 of the signal there.
    beside : (ions,) counts that its neighbours have within its peak.
    floor : (ions,) counts by which ``heights`` may be wrong.
    """

    profile: Profile
    heights: Floats
    purity: float
    beside: Floats
    floor: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """The fit of compounds that overlap: (ions, scans) ``rest`` from scan ``start`` is what none explains."""

    start: int
    rest: Floats
    fitted: tuple[Fitted, ...]

    @property
    def stop(self) -> int:
        return self.start + int(self.rest.shape[1])


def model_peak(run: Prepared, apexes: Apexes, centre: float, members: Ints) -> Profile:
    """Mean of the normalised chromatograms of the sharpest member ions, made to rise once and fall once."""
    reach, scans = int(np.ceil(3 * run.width)) + 1, len(run.rt_s)
    apex = int(np.clip(round(centre), 0, scans - 1))
    start, stop = max(0, apex - reach), min(scans, apex + reach + 1)
    best = _sharpest(run, apexes, members, start, stop)
    window = run.signal[apexes.ion[best], start:stop].astype(np.float64)
    heights = np.maximum(window[:, apex - start], 1e-12)
    shape = np.average(window / heights[:, None], axis=0, weights=np.sqrt(heights))
    low = max(0, apex - start - 1)
    shape = single_hump(shape, low + int(np.argmax(shape[low : apex - start + 2])))
    height = float(apexes.height[members].sum())
    return Profile(start, shape / shape.max(), centre, len(np.unique(apexes.ion[members])), height)


def _sharpest(run: Prepared, apexes: Apexes, members: Ints, start: int, stop: int) -> Ints:
    """Up to `SHARPEST` of the members, none that is at the limit of the detector where others are not."""
    if run.limited is not None:
        free = members[~run.limited[apexes.ion[members], start:stop].any(axis=1)]
        members = free if len(free) >= LEAST_MODEL else members
    width = half_widths(run.signal, apexes.ion[members], apexes.scan[members], np.zeros(len(members)))
    worth = np.sqrt(apexes.height[members]) / np.maximum(width, 1.0)
    return members[np.argsort(worth)[::-1][:SHARPEST]]


def single_hump(shape: Floats, apex: int) -> Floats:
    """The largest curve below ``shape`` that rises to ``apex`` and falls after it."""
    left = np.minimum.accumulate(shape[: apex + 1][::-1])[::-1]
    right = np.minimum.accumulate(shape[apex:])
    return np.asarray(np.maximum(np.concatenate([left[:-1], right]), 0.0))


def chains(limits: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Indices of what overlaps, by the first and last scan of each, in order of time."""
    groups: list[list[int]] = []
    end = -1
    for k, (first, last) in enumerate(limits):
        if groups and first <= end:
            groups[-1].append(k)
        else:
            groups.append([k])
        end = max(end, last)
    return groups


def fit(
    run: Prepared, profiles: Sequence[Profile], span: tuple[int, int], settings: Settings, tallest: float
) -> Stretch:
    """What each profile that stays explains, and what none does.

    Parameters
    ----------
    profiles : of one stretch, in order of time.
    span : first scan of the stretch and the one after its last; it grows to hold all profiles.
    tallest : height of the tallest compound of the run, for `Settings.least_share`.
    """
    start, stop = span_of(profiles, span)
    signal = run.signal[:, start:stop].astype(np.float64)
    rest, fitted = signal.copy(), []
    for group in chains([profile.limits for profile in profiles]):
        together = [profiles[k] for k in group]
        first, after = span_of(together)
        data = signal[:, first - start : after - start]
        for one in _fit_group(run, data.T, together, settings, tallest):
            here = slice(one.profile.start - start, one.profile.stop - start)
            rest[:, here] -= np.outer(one.heights, one.profile.shape)
            fitted.append(one)
    if run.limited is not None:
        rest[run.limited[:, start:stop]] = 0.0
    return Stretch(start, rest, tuple(fitted))


def span_of(profiles: Sequence[Profile], at_least: tuple[int, int] | None = None) -> tuple[int, int]:
    """First scan of all profiles and the one after their last."""
    spans = [(p.start, p.stop) for p in profiles] + ([at_least] if at_least else [])
    return min(first for first, _ in spans), max(stop for _, stop in spans)


def _fit_group(
    run: Prepared, data: Floats, profiles: list[Profile], settings: Settings, tallest: float
) -> list[Fitted]:
    """Of profiles that overlap those that stay; ``data`` is (scans, ions).

    Components that come out too small, too poor in ions, buried, or the same as a neighbour are left out and
    the rest is fitted again.
    """
    start, stop = span_of(profiles)
    shapes = shapes_of(profiles, start, len(data))
    limited = None if run.limited is None else run.limited[:, start:stop].T
    noise = run.noise[:, [min(round(p.centre), len(run.rt_s) - 1) for p in profiles]].T
    keep = np.arange(len(profiles))
    heights = np.zeros((len(profiles), data.shape[1]))
    while len(keep):
        heights = nonnegative_fit(shapes[:, keep], data, heights)
        if limited is not None:
            _by_flanks(heights, shapes[:, keep], data, limited)
        purity = _purity(shapes[:, keep], heights, data)
        beside = _beside(shapes[:, keep], heights)
        clear = (heights > settings.signal_to_noise * noise[keep] + LEFT_BESIDE * beside).sum(axis=1)
        total = heights.sum(axis=1)
        weak = (clear < settings.least_ions) | (total < settings.least_share * tallest)
        weak |= purity < settings.least_purity
        doomed = _doomed(weak, total, heights, [profiles[k].centre for k in keep], run.width)
        if not doomed.any():
            kept = np.where(heights >= noise[keep], heights, 0.0)
            floor = SCATTERED * noise[keep] + LEFT_BESIDE * beside
            rows = zip([profiles[k] for k in keep], kept, purity.tolist(), beside, floor, strict=True)
            return [Fitted(*row) for row in rows]
        keep, heights = keep[~doomed], heights[~doomed]
    return []


def _by_flanks(heights: Floats, shapes: Floats, data: Floats, limited: NDArray[np.bool_]) -> None:
    """Fit the ions at the limit of the detector again, in place, where they stand below it."""
    for ion in np.flatnonzero(limited.any(axis=0)):
        free = ~limited[:, ion]
        if int((shapes[free].max(axis=1) > LEAST_HEIGHT).sum()) >= FLANKS:
            heights[:, ion] = nonnegative_fit(shapes[free], data[free, ion : ion + 1])[:, 0]


def _purity(shapes: Floats, heights: Floats, data: Floats) -> Floats:
    """(components,) float64: share of each component in the signal where it stands above half its height."""
    core = shapes >= 0.5
    own = (shapes * core).sum(axis=0) * heights.sum(axis=1)
    around = core.T @ data.sum(axis=1)
    return np.asarray(np.clip(own / np.maximum(around, 1e-12), 0.0, 1.0))


def _beside(shapes: Floats, heights: Floats) -> Floats:
    """(components, ions) counts of the others in each one's peak, as its profile weighs them."""
    gram = shapes.T @ shapes
    return np.asarray(np.maximum(gram @ heights / np.diag(gram)[:, None] - heights, 0.0), np.float64)


def shapes_of(profiles: Sequence[Profile], start: int, scans: int) -> Floats:
    """(scans, profiles) float64, from scan ``start``."""
    shapes = np.zeros((scans, len(profiles)))
    for k, profile in enumerate(profiles):
        shapes[profile.start - start : profile.stop - start, k] = profile.shape
    return shapes


def _doomed(
    weak: NDArray[np.bool_], total: Floats, heights: Floats, centres: list[float], width: float
) -> NDArray[np.bool_]:
    """The components that should not be there: (components,) bool.

    Of weak neighbours only the weakest goes, as the others may gain from its leaving. Of two close
    neighbours with the same spectrum the smaller goes, once nothing is weak.
    """
    if weak.any():
        size = np.concatenate([[np.inf], np.where(weak, total, np.inf), [np.inf]])
        return np.asarray(weak & (size[1:-1] <= size[:-2]) & (size[1:-1] <= size[2:]))
    doomed = np.zeros(len(total), bool)
    for k in range(len(total) - 1):
        close = centres[k + 1] - centres[k] < 1.5 * width
        if close and not doomed[k] and likeness(heights[k], heights[k + 1]) > 0.95:
            doomed[k if total[k] < total[k + 1] else k + 1] = True
    return doomed


def likeness(a: Floats, b: Floats) -> float:
    """0..1, cosine of the roots of two spectra."""
    norm = float(np.sqrt(a.sum() * b.sum()))
    return float(np.sqrt(a) @ np.sqrt(b) / norm) if norm else 0.0


def nonnegative_fit(shapes: Floats, data: Floats, guess: Floats | None = None, sweeps: int = 200) -> Floats:
    """Non-negative least squares for many right-hand sides that share a small design.

    Cyclic coordinate descent on the normal equations, all right-hand sides at once. Columns are elution
    profiles in order of time, so that each touches only its neighbours: a sweep costs columns × neighbours ×
    right-hand sides. Ends when no value moves by more than a millionth of the largest.

    Parameters
    ----------
    shapes : (rows, columns) float64.
    data : (rows, n) float64.
    guess : (columns, n) float64, where to start; zeros if not given.

    Returns
    -------
    (columns, n) float64, ≥ 0; minimises ‖shapes · x − data‖² for every column of ``data``.
    """
    gram, target = shapes.T @ shapes, shapes.T @ data
    x = np.zeros_like(target) if guess is None else guess.copy()
    scale = np.maximum(np.diag(gram), 1e-12)
    touching = [np.flatnonzero(row) for row in gram]
    ranges = [slice(int(t[0]), int(t[-1]) + 1) if len(t) else slice(0, 0) for t in touching]
    least = 1e-6 * float((np.abs(target) / scale[:, None]).max(initial=0.0))
    for _ in range(sweeps):
        change = 0.0
        for k, near in enumerate(ranges):
            new = np.maximum(0.0, x[k] + (target[k] - gram[k, near] @ x[near]) / scale[k])
            change = max(change, float(np.abs(new - x[k]).max(initial=0.0)))
            x[k] = new
        if change <= least:
            break
    return x
