"""The instrument of the demonstration: files computed from the starter library's principal ions.

Every file says itself that it is simulated. The same sample gives the same run.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from library.record import SpectrumKind
from library.starter import starter_records
from library.substances import load_substances
from spectra.model import MassSpectrum, Run, spectrum_from_peaks
from spectra.simulate import SimulatedPeak, simulate_run
from spectra.writers import write_andi, write_mzml
from web.demo.scenario import FileKind, SamplePlan

TOTAL_HEIGHT = 2e7  # counts at the apexes of all peaks together; column bleed stays far below
DURATION_S = 1080.0
_CUT_AT = 0.6  # of the bytes


def references() -> dict[str, MassSpectrum]:
    """Spectra of the starter library by substance key."""
    substances = load_substances()
    found = {}
    for record in starter_records(SpectrumKind.EI):
        substance = substances.by_inchikey(record.inchikey)
        if substance is not None:
            found[substance.key] = spectrum_from_peaks(record.mz, record.intensity)
    return found


def measure(plan: SamplePlan, spectra: Mapping[str, MassSpectrum], acquired: datetime) -> Run:
    """The run of a sample.

    Raises
    ------
    KeyError : the library has no spectrum of a substance.
    """
    peaks = []
    for part in plan.contains:
        spectrum = spectra[part.substance]
        height = TOTAL_HEIGHT * part.share / 100 * spectrum.base_peak / float(spectrum.intensity.sum())
        peaks.append(SimulatedPeak(spectrum, part.rt_min * 60, height))
    rng = np.random.default_rng(zlib.crc32(plan.key.encode()))
    run = simulate_run(peaks, rng=rng, duration_s=DURATION_S, sample_name=f"{plan.key} (simulated)")
    stamp = acquired.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
    return replace(run, metadata=replace(run.metadata, acquired_at=stamp))


def write_file(
    plan: SamplePlan, spectra: Mapping[str, MassSpectrum], folder: Path, acquired: datetime
) -> Path:
    """Write the instrument file of a sample, or find the one that is there already."""
    file = folder / plan.file_name
    if file.is_file():
        return file
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{plan.file_name}.part"
    run = measure(plan, spectra, acquired)
    (write_andi if plan.file is FileKind.ANDI else write_mzml)(run, part)
    if plan.file is FileKind.CUT:
        whole = part.read_bytes()
        part.write_bytes(whole[: int(len(whole) * _CUT_AT)])
    return part.replace(file)
