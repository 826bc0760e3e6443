"""Made-up LC-MS/MS runs with a known truth: accurate masses, product-ion scans of what is strong, all noise.

Promises: the same arguments and the same random generator give the same run; every run says that it is
simulated. Refuses widths, heights and cycles that cannot be. What is imitated: isotopes, co-elution, one full
scan and then product-ion scans of the strongest ions not lately taken, an isolation window that lets
neighbours through, scatter of masses and of counts, ions of the eluent, stray ions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from spectra.errors import InvalidMeasurement
from spectra.model import MassSpectrum, Metadata, Run, ScanTable, Technique, spectrum_from_peaks
from spectra.simulate import MARKER, emg

INSTRUMENT = "Simulated LC-ESI-MS/MS"

_LEAST_RESPONSE = 1e-4  # of the apex: what is weaker makes no ions


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedAnalyte:
    """One substance eluting.

    Parameters
    ----------
    ions : whole ions with isotopes and adducts; the strongest gets ``height``.
    products : its product-ion spectra by energy in eV; each is scaled to sum 1.
    rt_s, fwhm_s : apex and full width at half height, s.
    height : counts of its strongest whole ion at the apex.
    """

    ions: MassSpectrum
    products: dict[float, MassSpectrum]
    rt_s: float
    height: float
    fwhm_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Instrument:
    """How the made-up instrument measures.

    Parameters
    ----------
    cycle_s : time of one full scan and its product-ion scans. top : product-ion scans per cycle.
    exclusion_s : for which an ion is not taken again. isolation_th : half width of the window.
    ppm : scatter of masses (σ). share : scatter of counts (σ, relative). threshold : counts, less is not
    written. stray : ions of noise per full scan. eluent : ions of the eluent. yield_ : share of the isolated
    ions that a product-ion scan shows.
    """

    cycle_s: float = 0.8
    top: int = 4
    exclusion_s: float = 2.5
    isolation_th: float = 0.5
    ppm: float = 1.5
    share: float = 0.05
    threshold: float = 800.0
    stray: int = 60
    eluent: int = 25
    yield_: float = 0.6
    mz_low: float = 80.0
    mz_high: float = 600.0
    least_taken: float = 5e4
    energies: tuple[float, ...] = (20.0, 40.0)


@dataclass(slots=True)
class _Written:
    """Scans as they are made."""

    rt: list[float] = field(default_factory=list)
    level: list[int] = field(default_factory=list)
    precursor: list[float] = field(default_factory=list)
    energy: list[float] = field(default_factory=list)
    spectra: list[MassSpectrum] = field(default_factory=list)

    def add(self, rt: float, level: int, spectrum: MassSpectrum, precursor: float, energy: float) -> None:
        self.rt.append(rt)
        self.level.append(level)
        self.precursor.append(precursor)
        self.energy.append(energy)
        self.spectra.append(spectrum)


def simulate_liquid_run(
    analytes: Sequence[SimulatedAnalyte],
    *,
    rng: np.random.Generator,
    duration_s: float = 240.0,
    polarity: int = 1,
    instrument: Instrument | None = None,
    sample_name: str = "",
) -> Run:
    """A whole run of one polarity.

    Raises
    ------
    InvalidMeasurement : an analyte or a cycle that cannot be.
    """
    chosen = instrument or Instrument()
    if not (duration_s > 0 and chosen.cycle_s > 0):
        raise InvalidMeasurement("a run needs a duration and a cycle")
    if any(one.height <= 0 or one.fwhm_s <= 0 or not len(one.ions) for one in analytes):
        raise InvalidMeasurement("an analyte needs ions, a height and a width")
    eluent = spectrum_from_peaks(
        rng.uniform(chosen.mz_low, chosen.mz_high, chosen.eluent), rng.lognormal(9.5, 0.8, chosen.eluent)
    )
    written, taken = _Written(), dict[float, float]()
    for rt in np.arange(0.0, duration_s, chosen.cycle_s).tolist():
        _cycle(written, analytes, eluent, chosen, rt, taken, rng)
    return Run(_metadata(sample_name), _table(written, polarity))


def _cycle(
    written: _Written,
    analytes: Sequence[SimulatedAnalyte],
    eluent: MassSpectrum,
    chosen: Instrument,
    rt: float,
    taken: dict[float, float],
    rng: np.random.Generator,
) -> None:
    """One full scan and the product-ion scans it calls for."""
    step = chosen.cycle_s / (chosen.top + 1)
    there = [(one, height) for one in analytes if (height := _height(one, rt)) > _LEAST_RESPONSE * one.height]
    mz = [eluent.mz, *(one.ions.mz for one, _ in there)]
    counts = [eluent.intensity, *(one.ions.intensity / one.ions.base_peak * height for one, height in there)]
    full = spectrum_from_peaks(np.concatenate(mz), np.concatenate(counts))
    measured = _measured(full, chosen, rng, stray=chosen.stray)
    written.add(rt, 1, measured, np.nan, np.nan)
    energy = chosen.energies[int(rt / max(chosen.exclusion_s, chosen.cycle_s)) % len(chosen.energies)]
    for place, target in enumerate(_targets(measured, chosen, rt, taken), start=1):
        taken[target] = rt
        products = _products(there, target, energy, chosen)
        spectrum = _measured(products, chosen, rng, stray=6)
        if len(spectrum):
            written.add(rt + place * step, 2, spectrum, target, energy)


def _height(one: SimulatedAnalyte, rt: float) -> float:
    return float(one.height * emg(np.array([rt]), one.rt_s, one.fwhm_s, 0.3)[0])


def _targets(measured: MassSpectrum, chosen: Instrument, rt: float, taken: dict[float, float]) -> list[float]:
    """The strongest ions not lately taken."""
    found: list[float] = []
    for k in np.argsort(-measured.intensity, kind="stable"):
        if measured.intensity[k] < chosen.least_taken or len(found) == chosen.top:
            break
        mz = float(measured.mz[k])
        lately = any(abs(mz - one) < 0.02 and rt - when < chosen.exclusion_s for one, when in taken.items())
        if not lately and all(abs(mz - one) > chosen.isolation_th for one in found):
            found.append(mz)
    return found


def _products(
    there: Sequence[tuple[SimulatedAnalyte, float]], target: float, energy: float, chosen: Instrument
) -> MassSpectrum:
    mz, counts = [np.empty(0)], [np.empty(0)]
    for one, height in there:
        inside = np.abs(one.ions.mz - target) <= chosen.isolation_th
        if not inside.any() or not one.products:
            continue
        ions = one.products[min(one.products, key=lambda each: abs(each - energy))]
        amount = height * float(one.ions.intensity[inside].sum()) / one.ions.base_peak * chosen.yield_
        mz.append(ions.mz)
        counts.append(ions.intensity / ions.intensity.sum() * amount)
    return spectrum_from_peaks(np.concatenate(mz), np.concatenate(counts))


def _measured(
    ideal: MassSpectrum, chosen: Instrument, rng: np.random.Generator, *, stray: int
) -> MassSpectrum:
    """With scatter of masses and counts, stray ions, and without what is below the threshold."""
    noise = rng.uniform(chosen.mz_low, chosen.mz_high, stray)
    mz = np.concatenate([ideal.mz * (1 + rng.normal(0, chosen.ppm * 1e-6, len(ideal))), noise])
    counts = ideal.intensity * rng.lognormal(0, chosen.share, len(ideal))
    counts = np.concatenate([counts, chosen.threshold * rng.lognormal(0.3, 0.5, stray)])
    seen = counts >= chosen.threshold
    return _resolved(spectrum_from_peaks(np.round(mz[seen], 5), np.round(counts[seen])))


def _resolved(spectrum: MassSpectrum, power: float = 25_000.0) -> MassSpectrum:
    """Ions that lie within a peak's width are one, at their centre of gravity."""
    if len(spectrum) < 2:
        return spectrum
    group = np.cumsum(np.diff(spectrum.mz, prepend=spectrum.mz[0]) > spectrum.mz / power)
    counts = np.asarray(np.bincount(group, spectrum.intensity), np.float64)
    moment = np.asarray(np.bincount(group, spectrum.mz * spectrum.intensity), np.float64)
    return spectrum_from_peaks(moment / counts, counts)


def _table(written: _Written, polarity: int) -> ScanTable:
    return ScanTable(
        np.array(written.rt),
        np.concatenate(([0], np.cumsum([len(one) for one in written.spectra]))),
        np.concatenate([one.mz for one in written.spectra]),
        np.concatenate([one.intensity for one in written.spectra]),
        np.array(written.level),
        np.array(written.precursor),
        np.full(len(written.rt), polarity),
        np.array(written.energy),
    )


def _metadata(sample_name: str) -> Metadata:
    return Metadata(
        format="simulation",
        reader="simulate",
        technique=Technique.LC_MS,
        instrument=INSTRUMENT,
        sample_name=sample_name,
        simulated=True,
        details={"software": MARKER},
    )
