"""Deconvolution: which compounds left the column, when, and with which mass spectrum.

Ions that reach their maximum together belong together (Biller and Biemann 1974; Stein 1999). The steps:

1. every ion chromatogram loses its slowly varying background and gives its maxima, placed between scans;
2. quadrupoles scan the masses one after the other, so that maxima of one compound are skewed along the mass
   axis: the skew is measured from the run itself and taken out;
3. places where many maxima fall together, weighted by the root of their height, are components;
4. the sharpest ions of a component give its model peak, a single-humped elution profile;
5. all ions in a stretch of overlapping components are explained jointly by the model peaks under
   non-negative least squares: an ion that two compounds share is divided between them, never awarded to one;
6. what that leaves is looked through for components that hide on the flank of a larger one.

Refused: runs without a time axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spectra.chromatography.elution import Fitted, Settings, Stretch, chains, model_peak
from spectra.chromatography.hidden import resolve
from spectra.chromatography.ions import ion_table
from spectra.chromatography.perception import Prepared, perceive, prepare
from spectra.model import MassSpectrum, ScanTable, spectrum_from_peaks

__all__ = ["ComponentPeak", "Deconvolution", "Settings", "deconvolve"]

LEAST_SCANS = 5
TAILING = 2.0  # tail over front, the usual limit of system suitability tests


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
    asymmetry : > 0, tail over front of its profile at a tenth of the height, 1 where symmetric; NaN where
        that is not known.
    saturated : nominal masses of its ions that were at the limit of the detector: their heights are
        what their flanks tell, and less certain.
    floor : at every mass of the run the counts by which an ion of this component may be wrong; ions that do
        not reach it are not in ``spectrum``, and unknown rather than absent. None where nothing was fitted.
    """

    rt_s: float
    rt_start_s: float
    rt_end_s: float
    spectrum: MassSpectrum
    area: float
    purity: float
    ions: int
    quality: float = float("nan")
    asymmetry: float = float("nan")
    saturated: tuple[int, ...] = ()
    floor: MassSpectrum | None = None

    @property
    def tails(self) -> bool:
        """Whether it leaves the column so slowly that the column or the inlet holds it back."""
        return self.asymmetry >= TAILING


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


def deconvolve(scans: ScanTable, settings: Settings | None = None) -> Deconvolution:
    """Take a run apart into its components.

    Raises
    ------
    InvalidMeasurement : the run has no time axis or no signal.
    """
    chosen = settings or Settings()
    table = ion_table(scans)
    limits = (float(table.mass[0]), float(table.mass[-1]))
    if len(table.rt_s) < LEAST_SCANS:
        return Deconvolution((), 0.0, 0.0, limits)
    run = prepare(table, chosen.signal_to_noise)
    stretches = _resolved(run, chosen)
    found = [_component(run, stretch, one, table.scan_s) for stretch in stretches for one in stretch.fitted]
    components = sorted((c for c in found if c.quality >= chosen.least_quality), key=lambda c: c.rt_s)
    area = sum(component.area for component in components)
    left = _left(run, stretches, chosen.signal_to_noise) * table.scan_s
    return Deconvolution(tuple(components), area + left, area / (area + left) if area else 0.0, limits)


def _resolved(run: Prepared, settings: Settings) -> list[Stretch]:
    """Every stretch between two quiet ones, taken apart by itself."""
    centres, members = perceive(run, run.apexes, settings.least_ions)
    profiles = [model_peak(run, run.apexes, c, m) for c, m in zip(centres, members, strict=True)]
    tallest = max((profile.height for profile in profiles), default=0.0)
    groups = chains([(profile.start, profile.stop) for profile in profiles])
    return [resolve(run, [profiles[k] for k in group], settings, tallest) for group in groups]


def _left(run: Prepared, stretches: list[Stretch], signal_to_noise: float) -> float:
    """Counts of what stands out beside the components, all ions."""
    out = run.standing_out.copy()
    for one in stretches:
        clear = one.rest > signal_to_noise * run.noise[:, one.start : one.stop]
        out[one.start : one.stop] = np.where(clear, one.rest, 0.0).sum(axis=0)
    return float(out.sum())


def _component(run: Prepared, stretch: Stretch, one: Fitted, scan_s: float) -> ComponentPeak:
    first, last = one.profile.limits
    return ComponentPeak(
        rt_s=float(np.interp(one.profile.centre, np.arange(len(run.rt_s)), run.rt_s)),
        rt_start_s=float(run.rt_s[first]),
        rt_end_s=float(run.rt_s[last]),
        spectrum=spectrum_from_peaks(run.mass, np.where(one.heights >= one.floor, one.heights, 0.0)),
        area=float(one.heights.sum() * one.profile.shape.sum()) * scan_s,
        purity=one.purity,
        ions=one.profile.ions,
        quality=_quality(run, stretch, one),
        floor=MassSpectrum(np.asarray(run.mass, np.float64), one.floor),
        asymmetry=one.profile.asymmetry,
        saturated=_saturated(run, one),
    )


def _saturated(run: Prepared, one: Fitted) -> tuple[int, ...]:
    if run.limited is None:
        return ()
    core = one.profile.start + np.flatnonzero(one.profile.shape >= 0.5)
    cut = run.limited[:, core].any(axis=1) & (one.heights > 0)
    return tuple(run.mass[cut].astype(int).tolist())


def _quality(run: Prepared, stretch: Stretch, one: Fitted) -> float:
    own, scans = np.flatnonzero(one.heights > 0), one.profile.start + np.flatnonzero(one.profile.shape >= 0.5)
    whole = float(run.signal[np.ix_(own, scans)].sum(dtype=np.float64))
    rest = stretch.rest[np.ix_(own, scans - stretch.start)]
    return max(0.0, 1.0 - float(np.abs(rest).sum()) / whole) if whole else 0.0
