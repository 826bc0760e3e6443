"""Compounds on the flank of a larger one, whose ions make no maxima of their own there.

They show in what the known ones leave: where enough ions leave more than scatter and more than the model peak
may be wrong by. Refused is what has no ions of its own: a wrong model peak leaves something that looks like
its component.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from spectra.chromatography.elution import (
    Fitted,
    Profile,
    Settings,
    Stretch,
    chains,
    fit,
    likeness,
    model_peak,
    nonnegative_fit,
    shapes_of,
    single_hump,
    span_of,
)
from spectra.chromatography.peaks import Apexes, find_apexes, smooth_scans
from spectra.chromatography.perception import Prepared, perceive
from spectra.model import Floats, Ints

# By which share of a component's height its model peak may be wrong at some scan.
MODEL_ERROR = 0.03
ROUNDS = 3  # times what the known components leave is looked at
ALTERNATIONS = 2
# A hidden component is told from the ions of its neighbour that came a little early or late, or saturated, by
# its distance in peak widths, more than a scan, and by a spectrum of its own.
LEAST_APART, MOST_ALIKE = 0.25, 0.8
OWN_BESIDE = 0.3  # of what neighbours have of an ion within its peak: a wrong model peak leaves less


def resolve(run: Prepared, profiles: Sequence[Profile], settings: Settings, tallest: float) -> Stretch:
    """The fit of a stretch of overlapping compounds, those included that hide beside larger ones."""
    stretch = fit(run, profiles, span_of(profiles), settings, tallest)
    refuted: list[float] = []
    for _ in range(ROUNDS):
        hidden = _hidden(run, stretch, settings, refuted)
        if not hidden:
            break
        stretch = _fit_proven(run, stretch, hidden, settings, tallest)
        kept = {one.profile.centre for one in stretch.fitted}
        refuted += [one.centre for one in hidden if one.centre not in kept]
    return stretch


def _hidden(run: Prepared, stretch: Stretch, settings: Settings, refuted: Sequence[float]) -> list[Profile]:
    """Model peaks of what the known components leave, but not again of what had no ions of its own.

    The ions that the known ones explain least give the model peak; of several beside the same component only
    the tallest, as the others may be gone with it.
    """
    here = slice(stretch.start, stretch.stop)
    signal = run.signal[:, here]
    left = np.maximum(stretch.rest, 0.0)
    least = settings.signal_to_noise * run.noise[:, here]
    least += MODEL_ERROR * np.maximum(signal - stretch.rest, 0.0)
    found = find_apexes(left, smooth_scans(left, run.width), least)
    apexes = replace(found, scan=found.scan + stretch.start, position=found.position + stretch.start)
    centres = np.array([*(one.profile.centre for one in stretch.fitted), *refuted])
    profiles: list[Profile] = []
    for centre, member in zip(*perceive(run, apexes, settings.least_ions), strict=True):
        height = run.signal[apexes.ion[member], apexes.scan[member]]
        own = apexes.height[member] / np.maximum(height, 1e-9)
        clearest = member[np.argsort(own, kind="stable")[::-1][: settings.least_ions + 3]]
        place = _true_apex(run, apexes, centre, clearest)
        profile = model_peak(run, apexes, place, clearest)
        if np.abs(centres - profile.centre).min(initial=np.inf) > max(LEAST_APART * run.width, 1.25):
            profiles.append(profile)
    return _tallest(profiles, 3 * run.width)


def _true_apex(run: Prepared, apexes: Apexes, centre: float, members: Ints) -> float:
    """Where these ions have their maximum in the run; what is left of a flank peaks further out."""
    reach = max(1, int(np.ceil(0.6 * run.width)))
    first = max(0, round(centre) - reach)
    window = run.signal[apexes.ion[members], first : round(centre) + reach + 1]
    together = (window / np.maximum(window.max(axis=1, keepdims=True), 1e-12)).sum(axis=0)
    apex = int(together.argmax())
    return float(first + apex) if 0 < apex < len(together) - 1 else centre  # at the edge: the neighbour's


def _tallest(profiles: list[Profile], reach: float) -> list[Profile]:
    kept: list[Profile] = []
    for profile in sorted(profiles, key=lambda p: -p.height):
        if all(abs(profile.centre - one.centre) > reach for one in kept):
            kept.append(profile)
    return kept


def _fit_proven(
    run: Prepared, seen: Stretch, hidden: list[Profile], settings: Settings, tallest: float
) -> Stretch:
    """The fit of what was seen and of those hidden ones that have ions of their own."""
    span = (seen.start, seen.stop)
    while True:
        together = sorted([*(one.profile for one in seen.fitted), *hidden], key=lambda p: p.centre)
        together, renewed = _sharpened(run, together, hidden)
        stretch = fit(run, together, span, settings, tallest)
        proven = [
            h
            for h, new in zip(hidden, renewed, strict=True)
            if _has_own_ions(new, stretch.fitted, settings.least_ions)
        ]
        if len(proven) == len(hidden):
            return stretch
        hidden = proven


def _has_own_ions(profile: Profile, fitted: Sequence[Fitted], least: int) -> bool:
    """Whether enough of its ions are more than a neighbour's that came out a little broader or later."""
    own = next((one for one in fitted if one.profile is profile), None)
    if own is None:
        return False
    near = [
        one.heights
        for one in fitted
        if one is not own and one.profile.start < profile.stop and profile.start < one.profile.stop
    ]
    if any(likeness(own.heights, heights) > MOST_ALIKE for heights in near):
        return False
    least_height = np.maximum(OWN_BESIDE * own.beside, 0.02 * own.heights.max())
    return int((own.heights > least_height).sum()) >= least


def _sharpened(
    run: Prepared, profiles: list[Profile], hidden: list[Profile]
) -> tuple[list[Profile], list[Profile]]:
    """Profiles made anew where one was hidden, since its neighbour's model peak held part of it.

    Alternating least squares: ions by profiles, then profiles by ions, each made single-humped again. Returns
    all profiles, and those of ``hidden`` in their order.
    """
    new = list(profiles)
    for group in chains([profile.limits for profile in profiles]):
        if not any(profiles[k] is one for k in group for one in hidden):
            continue
        start, stop = span_of([profiles[k] for k in group])
        data, noise = run.signal[:, start:stop].T.astype(np.float64), run.noise[:, start:stop].mean(axis=1)
        for _ in range(ALTERNATIONS):
            shapes = shapes_of([new[k] for k in group], start, stop - start)
            heights = nonnegative_fit(shapes, data) / noise
            again = nonnegative_fit(heights.T, (data / noise).T).T
            for column, k in enumerate(group):
                new[k] = _reshaped(new[k], again[:, column], start)
    renewed = [new[next(k for k, p in enumerate(profiles) if p is one)] for one in hidden]
    return new, renewed


def _reshaped(profile: Profile, values: Floats, start: int) -> Profile:
    """The same component with another elution profile; its place stays within a scan."""
    own = values[profile.start - start : profile.stop - start]
    apex = round(profile.centre) - profile.start
    low = max(0, apex - 1)
    apex = low + int(np.argmax(own[low : apex + 2]))
    hump = single_hump(own, apex)
    return replace(profile, shape=hump / hump[apex]) if hump[apex] > 0 else profile
