"""Made-up LC-MS/MS runs: the same from the same generator, marked, and with what was put in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spectra.errors import InvalidMeasurement
from spectra.model import MassSpectrum, Technique, spectrum_from_peaks
from spectra.readers import read
from spectra.simulate_liquid import Instrument, SimulatedAnalyte, simulate_liquid_run
from spectra.writers import write_mzml

ION = spectrum_from_peaks([304.1543, 305.1576], [1.0, 0.19])
PRODUCTS = {20.0: spectrum_from_peaks([182.1176, 82.0651], [3.0, 1.0])}


def run(*analytes: SimulatedAnalyte, seed: int = 1, **how: float):  # type: ignore[no-untyped-def]
    return simulate_liquid_run(analytes, rng=np.random.default_rng(seed), duration_s=60.0, **how)  # type: ignore[arg-type]


def test_what_is_put_in_comes_out() -> None:
    made = run(SimulatedAnalyte(ION, PRODUCTS, 30.0, 1e6))
    full = made.scans.level(1)
    apex = full.spectrum(int(np.abs(full.rt_s - 30.0).argmin()))
    strongest = apex.mz[apex.intensity.argmax()]
    assert strongest == pytest.approx(304.1543, abs=0.003)
    assert apex.base_peak == pytest.approx(1e6, rel=0.3)
    tandem = made.scans.level(2)
    near = np.abs(tandem.precursor_mz - 304.1543) < 0.01
    assert near.any()
    assert set(tandem.collision_ev) <= {20.0, 40.0}
    products = tandem.spectrum(int(np.flatnonzero(near)[0]))
    assert products.mz[products.intensity.argmax()] == pytest.approx(182.1176, abs=0.003)


def test_runs_are_equal_for_equal_seeds_and_say_that_they_are_simulated(tmp_path: Path) -> None:
    one, same, other = (run(SimulatedAnalyte(ION, PRODUCTS, 30.0, 1e6), seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.scans.mz, same.scans.mz)
    assert not np.array_equal(one.scans.mz, other.scans.mz)
    write_mzml(one, tmp_path / "run.mzML")
    back = read(tmp_path / "run.mzML")
    assert back.metadata.simulated
    assert back.metadata.technique is Technique.LC_MS
    assert np.array_equal(back.scans.ms_level, one.scans.ms_level)


def test_without_product_ion_scans_there_are_none_and_the_polarity_is_kept() -> None:
    made = run(SimulatedAnalyte(ION, {}, 30.0, 1e6), instrument=Instrument(top=0), polarity=-1)
    assert set(made.scans.ms_level) == {1}
    assert set(made.scans.polarity) == {-1}


@pytest.mark.parametrize(
    "wrong",
    [
        SimulatedAnalyte(ION, PRODUCTS, 30.0, 0.0),
        SimulatedAnalyte(ION, PRODUCTS, 30.0, 1e5, fwhm_s=0.0),
        SimulatedAnalyte(MassSpectrum(np.empty(0), np.empty(0)), {}, 30.0, 1e5),
    ],
)
def test_what_cannot_be_is_refused(wrong: SimulatedAnalyte) -> None:
    with pytest.raises(InvalidMeasurement):
        run(wrong)
