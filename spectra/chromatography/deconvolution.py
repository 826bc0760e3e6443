"""Deconvolution: which compounds left the column, when, and with which mass spectrum.

Ions that reach their maximum together belong together (Biller and Biemann 1974; Stein 1999). The steps:

1. every ion chromatogram loses its slowly varying background and gives its maxima, placed between scans;
2. quadrupoles scan the masses one after the other, so that maxima of one compound are skewed along the mass
   axis: the skew is measured from the run itself and taken out;
3. places where many maxima fall together, weighted by the root of their height, are components;
4. the sharpest ions of a component give its model peak, a single-humped elution profile;
5. all ions in a stretch of overlapping components are explained jointly by the model peaks under
   non-negative least squares: an ion that two compounds share is divided between them, never awarded to one.

Refused: runs without a time axis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spectra.chromatography.ions import IonTable, Scatter, background, ion_table, scatter, without_skew
from spectra.chromatography.peaks import Apexes, find_apexes, smooth_scans, typical_width
from spectra.model import Floats, Ints, MassSpectrum, ScanTable, spectrum_from_peaks

# A skew below a twentieth of a scan is within the error of its own measurement.
LEAST_SKEW = 0.05
# By which share of a component's height its model peak may be wrong at some scan.
MODEL_ERROR = 0.03
HIDDEN_ROUNDS = 3  # times what the known components leave is looked at
ALTERNATIONS = 2
# A hidden component is told from the ions of its neighbour that came a little early or late, or saturated, by
# its distance in peak widths, more than a scan, and by a spectrum of its own.
LEAST_APART, MOST_ALIKE = 0.25, 0.8


@dataclass(frozen=True, slots=True)
class Settings:
    """What may be chosen; the defaults suit unit-mass GC-EI-MS.

    signal_to_noise : smallest height of a maximum over the scatter expected at that place.
    least_ions : a component needs that many ions of its own.
    least_share : smallest height of a component as a share of the tallest one.
    least_purity : a component with a smaller share of the signal at its own place is a ripple.
    """

    signal_to_noise: float = 2.0
    least_ions: int = 5
    least_share: float = 2e-4
    least_purity: float = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class ComponentPeak:
    """One compound as it left the column.

    Parameters
    ----------
    rt_s, rt_start_s, rt_end_s : apex and the limits where the profile falls under 2 % of it, s.
    spectrum : its own mass spectrum, nominal masses, counts at the apex.
    area : counts·s, all ions.
    purity : 0..1, its share of the signal above the background where it stands above half its height.
    ions : number of ions whose maxima made it.
    quality : 0..1, share of the signal of its ions around the apex that the fit explains; NaN where nothing
        was fitted.
    """

    rt_s: float
    rt_start_s: float
    rt_end_s: float
    spectrum: MassSpectrum
    area: float
    purity: float
    ions: int
    quality: float = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Deconvolution:
    """All components of a run, in order of elution, and how much of the signal they explain.

    ``signal``, counts·s, is the area of all components and of whatever else stands out of background and
    scatter; ``explained`` (0..1) the share of it under the components; ``mass_range`` the lowest and highest
    nominal mass recorded in the run.
    """

    components: tuple[ComponentPeak, ...]
    signal: float
    explained: float
    mass_range: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """A run made ready: what every later step needs."""

    table: IonTable
    signal: Floats  # (scans, ions) above the background
    noise: Floats  # (scans, ions) expected scatter
    width: float  # typical full width at half maximum, scans
    apexes: Apexes


def deconvolve(scans: ScanTable, settings: Settings | None = None) -> Deconvolution:
    """Take a run apart into its components.

    Raises
    ------
    InvalidMeasurement : the run has no time axis or no signal.
    """
    chosen = settings or Settings()
    table = ion_table(scans)
    limits = (float(table.mass[0]), float(table.mass[-1]))
    if len(table.rt_s) < 5:
        return Deconvolution((), 0.0, 0.0, limits)
    measured = scatter(table.counts)
    run = _prepare(table, measured, chosen)
    slope = _skew(run)
    if abs(slope) > LEAST_SKEW:
        run = _prepare(_straight(table, slope), measured, chosen, run.width)
    components, left = _explain(run, chosen)
    area = sum(component.area for component in components)
    return Deconvolution(components, area + left, area / (area + left) if area else 0.0, limits)


def _prepare(table: IonTable, measured: Scatter, settings: Settings, width: float | None = None) -> _Prepared:
    """Background, scatter and maxima; a peak width that is not known is estimated from the run, then used."""
    rounds, width = (2, 3.0) if width is None else (1, width)
    for _ in range(rounds):
        base = background(table.counts, int(np.ceil(12 * width)))
        signal = np.maximum(table.counts - base, 0.0)
        smooth = smooth_scans(signal, width)
        noise = measured.at(table.counts)
        apexes = find_apexes(signal, smooth, settings.signal_to_noise * noise)
        width = typical_width(apexes)
    return _Prepared(table, signal, noise, width, apexes)


def _skew(run: _Prepared) -> float:
    """How many scans later the heaviest ion of a compound peaks than the lightest, −1 … 1.

    Within one scan masses are measured one after the other, so the apex of an ion moves by up to one scan
    with its mass. The slope is the median over neighbouring pairs of strong maxima that belong together;
    0 where there are too few.
    """
    apexes, mass = run.apexes, run.table.mass
    span = float(mass[-1] - mass[0]) or 1.0
    strong = np.flatnonzero(apexes.height >= 20 * run.noise.min(axis=0)[apexes.ion])
    order = strong[np.argsort(apexes.position[strong], kind="stable")]
    place, where = apexes.position[order], mass[apexes.ion[order]] / span
    slopes = []
    for step in range(1, 8):
        late, apart = place[step:] - place[:-step], where[step:] - where[:-step]
        close = (np.abs(late) < 1.2) & (np.abs(apart) > 0.15)
        slopes.append(late[close] / apart[close])
    known = np.concatenate(slopes)
    return float(np.clip(np.median(known), -1, 1)) if len(known) >= 30 else 0.0


def _straight(table: IonTable, slope: float) -> IonTable:
    """The table as if every scan had measured all masses at the time of its middle mass."""
    middle = (table.mass[0] + table.mass[-1]) / 2
    late = slope * (table.mass - middle) / float(table.mass[-1] - table.mass[0])
    return IonTable(table.mass, table.rt_s, without_skew(table.counts, late))


def _perceive(run: _Prepared, settings: Settings) -> tuple[Floats, list[Ints]]:
    """Places where maxima of many ions fall together, and the maxima that made each.

    The density of maxima is sampled at a tenth of a scan and smoothed with σ = max(0.25 scan, width / 14). A
    place counts when it holds more ions than chance would bring there: the usual number in a window of its
    width plus four times its root, and no fewer than ``least_ions``.
    """
    per_scan, apexes, scans = 10, run.apexes, len(run.signal)
    bins = np.clip((apexes.position * per_scan).round().astype(int), 0, scans * per_scan)
    density = np.bincount(bins, weights=np.sqrt(apexes.height), minlength=scans * per_scan + 1)
    sigma = max(0.25, run.width / 14)
    density = ndimage.gaussian_filter1d(density, sigma * per_scan, mode="constant")
    reach = max(1, round(2 * sigma * per_scan))
    summit = (density == ndimage.maximum_filter1d(density, 2 * reach + 1)) & (density > 0)
    centres = np.flatnonzero(summit) / per_scan
    order = np.argsort(apexes.position, kind="stable")
    low, high = np.searchsorted(apexes.position[order], [centres - 2 * sigma, centres + 2 * sigma])
    members = [order[a:b] for a, b in zip(low, high, strict=True)]
    by_chance = 4 * sigma * float(np.median(np.bincount(apexes.scan, minlength=scans)))
    least = max(settings.least_ions, by_chance + 4 * np.sqrt(by_chance))
    enough = [len(np.unique(apexes.ion[m])) >= least for m in members]
    return centres[enough], [m for m, ok in zip(members, enough, strict=True) if ok]


def _explain(run: _Prepared, settings: Settings) -> tuple[tuple[ComponentPeak, ...], float]:
    """The components in order of elution, and the area of what stands out beside them, counts·s."""
    centres, members = _perceive(run, settings)
    profiles = [_model_peak(run, c, m) for c, m in zip(centres, members, strict=True)]
    rest, fitted = _fit_all(run, profiles, settings)
    for _ in range(HIDDEN_ROUNDS):
        hidden = _hidden(run, rest, fitted, settings)
        if not hidden:
            break
        seen = [profile for profile, _, _ in fitted]
        rest, fitted = _fit_proven(run, seen, hidden, settings)
    found = [_component(run, rest, *one) for one in fitted]
    found.sort(key=lambda c: c.rt_s)
    left = float(rest[rest > settings.signal_to_noise * run.noise].sum()) * run.table.scan_s
    return tuple(found), left


def _fit_proven(
    run: _Prepared, seen: list[_Profile], hidden: list[_Profile], settings: Settings
) -> tuple[Floats, list[_Fitted]]:
    """The fit of what was seen and of those hidden ones that have ions of their own.

    What a wrong model peak leaves looks like its component and has none.
    """
    while True:
        together = sorted([*seen, *hidden], key=lambda p: p.centre)
        together, renewed = _sharpened(run, together, hidden)
        rest, fitted = _fit_all(run, together, settings)
        proven = [
            h
            for h, new in zip(hidden, renewed, strict=True)
            if _has_own_ions(new, fitted, settings.least_ions)
        ]
        if len(proven) == len(hidden):
            return rest, fitted
        hidden = proven


def _has_own_ions(profile: _Profile, fitted: list[_Fitted], least: int) -> bool:
    """Whether enough of its ions are more than a neighbour's that came out a little broader or later."""
    own = next((heights for one, heights, _ in fitted if one is profile), None)
    if own is None:
        return False
    near = [
        h
        for one, h, _ in fitted
        if one is not profile and one.start < profile.stop and profile.start < one.stop
    ]
    if any(_cosine(own, heights) > MOST_ALIKE for heights in near):
        return False
    others = np.sum(near, axis=0) if near else np.zeros(len(own))
    return int((own > np.maximum(0.3 * others, 0.02 * own.max())).sum()) >= least


def _sharpened(
    run: _Prepared, profiles: list[_Profile], hidden: list[_Profile]
) -> tuple[list[_Profile], list[_Profile]]:
    """Profiles made anew where one was hidden, since its neighbour's model peak held part of it.

    Alternating least squares: ions by profiles, then profiles by ions, each made single-humped again. Returns
    all profiles, and those of ``hidden`` in their order.
    """
    new = dict(enumerate(profiles))
    for group in _overlapping(profiles):
        if not any(profiles[k] is one for k in group for one in hidden):
            continue
        start, stop = min(profiles[k].start for k in group), max(profiles[k].stop for k in group)
        data, noise = run.signal[start:stop], run.noise[start:stop].mean(axis=0)
        for _ in range(ALTERNATIONS):
            shapes = _shapes([new[k] for k in group], start, stop)
            heights = nonnegative_fit(shapes, data) / noise
            again = nonnegative_fit(heights.T, (data / noise).T).T
            for column, k in enumerate(group):
                new[k] = _reshaped(new[k], again[:, column], start)
    renewed = [new[next(k for k, p in enumerate(profiles) if p is one)] for one in hidden]
    return list(new.values()), renewed


def _reshaped(profile: _Profile, values: Floats, start: int) -> _Profile:
    """The same component with another elution profile; its place stays within a scan."""
    own = values[profile.start - start : profile.stop - start]
    apex = round(profile.centre) - profile.start
    low = max(0, apex - 1)
    apex = low + int(np.argmax(own[low : apex + 2]))
    hump = _single_hump(own, apex)
    return replace(profile, shape=hump / hump[apex]) if hump[apex] > 0 else profile


def _fit_all(run: _Prepared, profiles: list[_Profile], settings: Settings) -> tuple[Floats, list[_Fitted]]:
    """What no profile explains, (scans, ions) counts, and what each that stays explains."""
    rest = run.signal.copy()
    fitted = []
    tallest = max((profile.height for profile in profiles), default=0.0)
    for group in _overlapping(profiles):
        for profile, heights, purity in _fit_group(run, [profiles[k] for k in group], settings, tallest):
            rest[profile.start : profile.stop] -= np.outer(profile.shape, heights)
            fitted.append((profile, heights, purity))
    return rest, fitted


def _hidden(run: _Prepared, rest: Floats, fitted: list[_Fitted], settings: Settings) -> list[_Profile]:
    """Components on the flank of a larger one, whose ions make no maxima of their own there.

    They show in what the known ones leave: where enough ions leave more than scatter and more than the model
    peak may be wrong by. The ions that the known ones explain least give the model peak; of several beside
    the same component only the tallest, as the others may be gone with it.
    """
    fit = run.signal - rest
    left = np.maximum(rest, 0.0)
    least = settings.signal_to_noise * run.noise + MODEL_ERROR * np.maximum(fit, 0.0)
    apexes = find_apexes(left, smooth_scans(left, run.width), least)
    if not len(apexes):
        return []
    beside = replace(run, apexes=apexes)
    centres = np.array([one.centre for one, _, _ in fitted])
    found: list[_Profile] = []
    for centre, member in zip(*_perceive(beside, settings), strict=True):
        own = apexes.height[member] / np.maximum(run.signal[apexes.scan[member], apexes.ion[member]], 1e-9)
        clearest = member[np.argsort(own, kind="stable")[::-1][: settings.least_ions + 3]]
        profile = _model_peak(beside, _true_apex(beside, centre, clearest), clearest)
        if np.abs(centres - profile.centre).min(initial=np.inf) > max(LEAST_APART * run.width, 1.25):
            found.append(profile)
    return _tallest(found, 3 * run.width)


def _true_apex(run: _Prepared, centre: float, members: Ints) -> float:
    """Where these ions have their maximum in the run; what is left of a flank peaks further out."""
    reach = max(1, int(np.ceil(0.6 * run.width)))
    first = max(0, round(centre) - reach)
    window = run.signal[first : round(centre) + reach + 1, run.apexes.ion[members]]
    together = np.asarray((window / np.maximum(window.max(axis=0), 1e-12)).sum(axis=1))
    return float(first + together.argmax())


def _tallest(profiles: list[_Profile], reach: float) -> list[_Profile]:
    kept: list[_Profile] = []
    for profile in sorted(profiles, key=lambda p: -p.height):
        if all(abs(profile.centre - one.centre) > reach for one in kept):
            kept.append(profile)
    return kept


@dataclass(frozen=True, slots=True, eq=False)
class _Profile:
    """A single-humped elution profile, 1 at its maximum, from scan ``start``."""

    start: int
    shape: Floats
    centre: float
    ions: int
    height: float

    @property
    def stop(self) -> int:
        return self.start + len(self.shape)


_Fitted = tuple[_Profile, Floats, float]  # profile, height per ion, purity


def _model_peak(run: _Prepared, centre: float, members: Ints) -> _Profile:
    """Median of the normalised chromatograms of the sharpest member ions, made to rise once and fall once."""
    apexes, reach = run.apexes, int(np.ceil(3 * run.width)) + 1
    apex = int(np.clip(round(centre), 0, len(run.signal) - 1))
    start, stop = max(0, apex - reach), min(len(run.signal), apex + reach + 1)
    worth = np.sqrt(apexes.height[members]) / np.maximum(apexes.width[members], 1.0)
    best = members[np.argsort(worth)[::-1][:8]]
    window = run.signal[start:stop, apexes.ion[best]]
    heights = np.maximum(window[apex - start], 1e-12)
    shape = np.average(window / heights, axis=1, weights=np.sqrt(heights))
    shape = _single_hump(
        shape, int(np.argmax(shape[max(0, apex - start - 1) : apex - start + 2])) + max(0, apex - start - 1)
    )
    height = float(apexes.height[members].sum())
    return _Profile(start, shape / shape.max(), centre, len(np.unique(apexes.ion[members])), height)


def _single_hump(shape: Floats, apex: int) -> Floats:
    """The largest curve below ``shape`` that rises to ``apex`` and falls after it."""
    left = np.minimum.accumulate(shape[: apex + 1][::-1])[::-1]
    right = np.minimum.accumulate(shape[apex:])
    return np.asarray(np.maximum(np.concatenate([left[:-1], right]), 0.0))


def _overlapping(profiles: list[_Profile]) -> list[list[int]]:
    """Indices of profiles in chains where neighbours share scans that matter (above 2 % of the apex)."""
    groups: list[list[int]] = []
    end = -1
    for k, profile in enumerate(profiles):
        above = np.flatnonzero(profile.shape > 0.02)
        first, last = profile.start + int(above[0]), profile.start + int(above[-1])
        if groups and first <= end:
            groups[-1].append(k)
        else:
            groups.append([k])
        end = max(end, last)
    return groups


def _fit_group(run: _Prepared, profiles: list[_Profile], settings: Settings, tallest: float) -> list[_Fitted]:
    """Components of a stretch where they overlap: (profile, its height per ion, its purity).

    Components that come out too small, too poor in ions, buried, or the same as a neighbour are left out and
    the rest is fitted again.
    """
    start, stop = min(p.start for p in profiles), max(p.stop for p in profiles)
    data, shapes = run.signal[start:stop], _shapes(profiles, start, stop)
    noise = run.noise[[min(round(p.centre), len(run.noise) - 1) for p in profiles]]
    keep = np.arange(len(profiles))
    heights = np.zeros((len(profiles), data.shape[1]))
    while len(keep):
        heights = nonnegative_fit(shapes[:, keep], data, heights)
        purity = _purity(shapes[:, keep], heights, data)
        clear = (heights > settings.signal_to_noise * noise[keep]).sum(axis=1)
        total = heights.sum(axis=1)
        weak = (clear < settings.least_ions) | (total < settings.least_share * tallest)
        weak |= purity < settings.least_purity
        doomed = _doomed(weak, total, heights, [profiles[k].centre for k in keep], run.width)
        if not doomed.any():
            kept = np.where(heights >= noise[keep], heights, 0.0)
            return [(profiles[k], h, float(own)) for k, h, own in zip(keep, kept, purity, strict=True)]
        keep, heights = keep[~doomed], heights[~doomed]
    return []


def _purity(shapes: Floats, heights: Floats, data: Floats) -> Floats:
    """(components,) float64: share of each component in the signal where it stands above half its height."""
    core = shapes >= 0.5
    own = (shapes * core).sum(axis=0) * heights.sum(axis=1)
    around = core.T @ data.sum(axis=1)
    return np.asarray(np.clip(own / np.maximum(around, 1e-12), 0.0, 1.0))


def _shapes(profiles: list[_Profile], start: int, stop: int) -> Floats:
    shapes = np.zeros((stop - start, len(profiles)))
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
        if close and not doomed[k] and _cosine(heights[k], heights[k + 1]) > 0.95:
            doomed[k if total[k] < total[k + 1] else k + 1] = True
    return doomed


def _cosine(a: Floats, b: Floats) -> float:
    root_a, root_b = np.sqrt(a), np.sqrt(b)
    norm = float(np.sqrt(a.sum() * b.sum()))
    return float(root_a @ root_b / norm) if norm else 0.0


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


def _component(
    run: _Prepared, rest: Floats, profile: _Profile, heights: Floats, purity: float
) -> ComponentPeak:
    table, above = run.table, np.flatnonzero(profile.shape > 0.02)
    first, last = profile.start + int(above[0]), profile.start + int(above[-1])
    return ComponentPeak(
        rt_s=float(np.interp(profile.centre, np.arange(len(table.rt_s)), table.rt_s)),
        rt_start_s=float(table.rt_s[first]),
        rt_end_s=float(table.rt_s[last]),
        spectrum=spectrum_from_peaks(table.mass, heights),
        area=float(heights.sum() * profile.shape.sum()) * table.scan_s,
        purity=purity,
        ions=profile.ions,
        quality=_quality(run, rest, profile, heights),
    )


def _quality(run: _Prepared, rest: Floats, profile: _Profile, heights: Floats) -> float:
    core = profile.start + np.flatnonzero(profile.shape >= 0.5)
    own = heights > 0
    signal = float(run.signal[core][:, own].sum())
    return max(0.0, 1.0 - float(np.abs(rest[core][:, own]).sum()) / signal) if signal else 0.0
