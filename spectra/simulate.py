"""GC-EI-MS runs that no instrument made, for tests, teaching and demonstration.

What comes out is always marked: ``metadata.simulated`` is true, the instrument is "Simulated GC-EI-MS", and
the writers carry the mark into the files. The same components and the same random generator give the same
run. What is imitated, and by how much, was read off quadrupole runs (Agilent 5973/5975, HP 5971): peaks of
1–2.5 s width at half height, 0.4–0.6 s a scan, ions measured one after the other within a scan, noise that
grows with the root of the signal (about 20 counts an ion), a threshold of about 150 counts, m/z off by 0.05.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import erfcx

from spectra.errors import InvalidMeasurement
from spectra.model import Floats, Ints, MassSpectrum, Metadata, Run, ScanTable, Technique
from spectra.nominal import nominal_mass

INSTRUMENT = "Simulated GC-EI-MS"
MARKER = "XBT simulated run"

_SIGMA_PER_FWHM = 1 / 2.3548200450309493
_SCAN_DUTY = 0.9  # share of the scan interval in which ions are measured
_MZ_ERROR, _MZ_LIMIT = 0.05, 0.3
_CELLS = 50_000_000

# Relative abundances of what a methylpolysiloxane column gives off when hot (m/z: % of 207).
_BLEED = {
    73: 42,
    75: 10,
    96: 10,
    133: 15,
    135: 14,
    147: 17,
    177: 5,
    191: 14,
    193: 10,
    207: 100,
    208: 21,
    209: 15,
}
_BLEED |= {221: 12, 249: 6, 253: 13, 265: 5, 267: 6, 281: 28, 282: 7, 283: 5, 327: 4, 355: 7, 356: 2, 429: 3}
# Ethyl acetate, a common solvent (m/z: % of 43).
_SOLVENT = {43: 100, 45: 14, 61: 16, 70: 12, 73: 5, 88: 5}
_SOLVENT_DECAY_S = 20.0


@dataclass(frozen=True, slots=True)
class SimulatedPeak:
    """One substance eluting.

    Parameters
    ----------
    spectrum : its mass spectrum; summed to unit m/z, scaled to its base peak.
    rt_s : time of the apex, s.
    height : counts of the base peak's ion at the apex, > 0.
    fwhm_s : width at half height of the Gaussian part, s, > 0.
    tailing : time constant of the exponential part in units of that Gaussian's σ, ≥ 0.
    """

    spectrum: MassSpectrum
    rt_s: float
    height: float
    fwhm_s: float = 1.6
    tailing: float = 0.5


def simulate_run(
    components: Sequence[SimulatedPeak],
    *,
    rng: np.random.Generator,
    duration_s: float = 900.0,
    start_s: float = 120.0,
    scan_interval_s: float = 0.4,
    mz_low: int = 40,
    mz_high: int = 550,
    bleed: float = 20_000.0,
    solvent: float = 200_000.0,
    drift: float = 0.05,
    counts_per_ion: float = 20.0,
    electronic_noise: float = 40.0,
    threshold: float = 150.0,
    saturation: float | None = None,
    sample_name: str = "",
) -> Run:
    """A whole run.

    Parameters
    ----------
    components : what elutes; co-eluting substances add up.
    duration_s, start_s, scan_interval_s : length of the run, time of its first scan, time between scans, s.
    mz_low, mz_high : scanned range, unit m/z, both included; measured from high to low as Agilent does.
    bleed : counts of m/z 207 at the end of the run; rises with the third power of time.
    solvent : counts of m/z 43 at the first scan; falls with a time constant of 20 s.
    drift : relative amplitude of slow changes of the response, 0 for none.
    counts_per_ion : counts one ion makes; 0 for no shot noise. electronic_noise : σ, counts.
    threshold : counts below which nothing is written. saturation : counts above which nothing grows.

    Raises
    ------
    InvalidMeasurement : a length, range or peak that cannot be simulated.
    """
    _check(components, duration_s, scan_interval_s, mz_low, mz_high)
    time = start_s + np.arange(0.0, duration_s, scan_interval_s)
    masses = np.arange(mz_low, mz_high + 1)
    lag = _SCAN_DUTY * scan_interval_s * (0.5 - (masses - mz_low) / max(mz_high - mz_low, 1))
    counts = _background(time, masses, bleed, solvent)
    for peak in components:
        _add(counts, peak, time, masses, lag)
    counts *= _response(time, drift, rng)[:, None]
    counts = _noisy(counts, counts_per_ion, electronic_noise, rng)
    if saturation is not None:
        counts = np.minimum(counts, saturation)
    table = _written(time, masses, counts, threshold, rng)
    return Run(_metadata(sample_name), table)


def emg(time_s: Floats, rt_s: float, fwhm_s: float, tailing: float) -> Floats:
    """Exponentially modified Gaussian with its apex, of height 1, at ``rt_s``; same shape as ``time_s``.

    Formula after Kalambet et al., J. Chemometrics 25 (2011) 352 (form with the scaled complementary error
    function); apex and height found on a grid of σ/100.
    """
    sigma = fwhm_s * _SIGMA_PER_FWHM
    grid = np.arange(-3.0, 3.0 + 3.0 * tailing, 0.01)
    shape = _emg(grid, tailing)
    apex = int(shape.argmax())
    z = (np.asarray(time_s, np.float64) - rt_s) / sigma + grid[apex]
    return np.asarray(_emg(z, tailing) / shape[apex], np.float64)


def _emg(z: Floats, tailing: float) -> Floats:
    """Unscaled, in units of σ."""
    gauss = np.exp(-0.5 * z**2)
    if tailing < 1e-3:
        return gauss
    argument = (1 / tailing - z) / np.sqrt(2)
    left = gauss * erfcx(np.maximum(argument, -5.0))
    # Far in the tail erfcx overflows while the Gaussian vanishes; their product is a plain exponential.
    right = 2 * np.exp(np.minimum(0.5 / tailing**2 - z / tailing, 50.0))
    return np.where(argument > -5.0, left, right)


def _check(
    components: Sequence[SimulatedPeak], duration_s: float, scan_interval_s: float, mz_low: int, mz_high: int
) -> None:
    if not (duration_s > 0 and scan_interval_s > 0 and 1 <= mz_low < mz_high):
        raise InvalidMeasurement("a run needs a duration, a scan interval and a range of m/z")
    if duration_s / scan_interval_s * (mz_high - mz_low + 1) > _CELLS:
        raise InvalidMeasurement("a run of this length and range is too large to simulate")
    for peak in components:
        if not (peak.height > 0 and peak.fwhm_s > 0 and peak.tailing >= 0 and peak.spectrum.base_peak > 0):
            raise InvalidMeasurement("a peak needs ions, a height and a width")


def _background(time: Floats, masses: Ints, bleed: float, solvent: float) -> Floats:
    """(scans, masses): column bleed rising, solvent tail falling."""
    passed = (time - time[0]) / max(time[-1] - time[0], 1e-9)
    column = bleed * (0.05 + 0.95 * passed**3)
    tail = solvent * np.exp(-(time - time[0]) / _SOLVENT_DECAY_S)
    return np.outer(column, _pattern(_BLEED, masses)) + np.outer(tail, _pattern(_SOLVENT, masses))


def _pattern(percent: dict[int, int], masses: Ints) -> Floats:
    return np.array([percent.get(int(mass), 0) / 100 for mass in masses])


def _add(counts: Floats, peak: SimulatedPeak, time: Floats, masses: Ints, lag: Floats) -> None:
    """Add one substance in place; each ion is seen at the moment its m/z is scanned."""
    nominal = nominal_mass(peak.spectrum.mz)
    inside = (nominal >= masses[0]) & (nominal <= masses[-1])
    summed = np.bincount(nominal[inside] - masses[0], peak.spectrum.intensity[inside], minlength=len(masses))
    if not summed.any():
        return
    ions = np.flatnonzero(summed)
    relative = summed[ions] / peak.spectrum.base_peak
    sigma = peak.fwhm_s * _SIGMA_PER_FWHM
    first, last = np.searchsorted(time, peak.rt_s + sigma * np.array([-6.0, 6.0 + 12.0 * peak.tailing]))
    shape = emg(time[first:last, None] + lag[ions], peak.rt_s, peak.fwhm_s, peak.tailing)
    counts[first:last, ions] += peak.height * relative * shape


def _response(time: Floats, drift: float, rng: np.random.Generator) -> Floats:
    """Sensitivity around 1: three slow waves of random phase."""
    periods = (time[-1] - time[0] + 1.0) / np.array([0.7, 1.6, 3.1])
    phase = rng.uniform(0, 2 * np.pi, 3)
    waves = np.sin(2 * np.pi * time[:, None] / periods + phase)
    return np.maximum(1 + drift * np.asarray(waves.mean(axis=1), np.float64), 0.01)


def _noisy(counts: Floats, counts_per_ion: float, electronic: float, rng: np.random.Generator) -> Floats:
    if counts_per_ion > 0:
        counts = rng.poisson(counts / counts_per_ion).astype(np.float64) * counts_per_ion
    return counts + rng.normal(0.0, electronic, counts.shape) if electronic > 0 else counts


def _written(
    time: Floats, masses: Ints, counts: Floats, threshold: float, rng: np.random.Generator
) -> ScanTable:
    """What the instrument's software stores: m/z with one decimal, whole counts at or above the threshold."""
    seen = (counts >= threshold) & (counts > 0)
    scan, ion = np.nonzero(seen)
    error = np.clip(rng.normal(0.0, _MZ_ERROR, len(ion)), -_MZ_LIMIT, _MZ_LIMIT)
    mz = np.round(masses[ion] + 3e-4 * masses[ion] + error, 1)
    offset = np.concatenate(([0], np.cumsum(np.bincount(scan, minlength=len(time)))))
    return ScanTable(time, offset, mz, np.round(counts[seen]))


def _metadata(sample_name: str) -> Metadata:
    return Metadata(
        format="simulation",
        reader="simulate",
        technique=Technique.GC_MS,
        instrument=INSTRUMENT,
        sample_name=sample_name,
        simulated=True,
        details={"software": MARKER},
    )
