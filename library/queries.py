"""Spectra to be searched as records, from a run that any reader made.

Promises: every scan and curve is either a query or a `Skipped` that says why not; the number of the scan or
curve, from 1, stands in ``line``. A scan with a precursor is a product-ion spectrum; a whole spectrum is
electron ionisation after a gas chromatograph or where nothing speaks against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from library.formats.optical import records_of_curves
from library.record import AnyRecord, Reason, Record, Skipped, SpectrumKind
from spectra.model import Run, Technique

_WHOLE = {
    Technique.GC_MS: SpectrumKind.EI,
    Technique.MS: SpectrumKind.EI,
    Technique.UNKNOWN: SpectrumKind.EI,
}


def queries_of(run: Run, path: Path, kind: SpectrumKind | None = None) -> Iterator[AnyRecord]:
    """Every spectrum of a run as a query, scans first.

    Parameters
    ----------
    path : what the run was read from; names curves without a title.
    kind : what all mass spectra are taken for; told from the run where not given.
    """
    for scan in range(len(run.scans)):
        yield _scan(run, scan, kind)
    yield from records_of_curves(run, path)


def _scan(run: Run, scan: int, kind: SpectrumKind | None) -> Record | Skipped:
    name = run.titles[scan] if run.titles else f"scan {scan + 1}"
    spectrum = run.scans.spectrum(scan)
    told = kind or _kind(run, scan)
    if not len(spectrum):
        return Skipped(scan + 1, name, Reason.NO_PEAKS, "no peaks")
    if told is None:
        text = "a survey scan of soft ionisation holds no fragments to compare"
        return Skipped(scan + 1, name, Reason.NOT_COMPARABLE, text)
    precursor, energy = run.scans.precursor_mz[scan], run.scans.collision_ev[scan]
    return Record(
        name=name,
        mz=spectrum.mz,
        intensity=spectrum.intensity,
        line=scan + 1,
        kind=told,
        precursor_mz=float(precursor) if np.isfinite(precursor) else None,
        polarity=int(run.scans.polarity[scan]),
        energy_ev=float(energy) if np.isfinite(energy) else None,
        instrument=run.metadata.instrument,
    )


def _kind(run: Run, scan: int) -> SpectrumKind | None:
    if np.isfinite(run.scans.precursor_mz[scan]) or run.scans.ms_level[scan] > 1:
        return SpectrumKind.MSMS
    return _WHOLE.get(run.metadata.technique)
