"""Infrared and Raman reference spectra from measurement files, one record per curve.

Any file that `spectra.readers` reads can be such a reference: libraries of this kind are folders of
instrument files. Refuses ultraviolet and single-beam spectra, lists of bands, and curves too short to
compare.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from library.formats.msp import identity_of
from library.record import OpticalRecord, Reason, Skipped, SpectrumKind
from spectra.errors import Fault, UnreadableFile
from spectra.model import Axis, OpticalSpectrum, Ordinate, Run, Technique
from spectra.readers.msp import MspBlock

LEAST_POINTS = 64
LEAST_SPAN_CM = 300.0
_COMPARED = {Axis.WAVENUMBER: SpectrumKind.INFRARED, Axis.RAMAN_SHIFT: SpectrumKind.RAMAN}


def read_optical(path: Path) -> Iterator[OpticalRecord | Skipped]:
    """Records of the curves of a measurement file, named by their titles, else by the file.

    Raises
    ------
    OSError : the file cannot be opened.
    UnreadableFile : no reader knows the file, it is broken, or holds no optical spectrum.
    """
    from spectra.readers import read

    run = read(path)
    if not run.optical:
        raise UnreadableFile(Fault.UNKNOWN_FORMAT, expected="reference spectra of a library")
    yield from records_of_curves(run, path)


def records_of_curves(run: Run, path: Path) -> Iterator[OpticalRecord | Skipped]:
    """Records of the curves of a run that was read from ``path``."""
    told = run.metadata.details
    how = "; ".join(told[key] for key in ("accessory", "experiment", "samplingprocedure") if key in told)
    headers = (
        ("cas", told.get("casregistryno", "")),
        ("formula", told.get("molform", "")),
        ("comment", how),  # ATR or transmission: what it can be compared with
    )
    for number, curve in enumerate(run.optical, start=1):
        name = (curve.title or run.metadata.sample_name or path.stem).removesuffix(path.suffix)
        block = MspBlock(number, (("name", name), *headers), np.empty(0), np.empty(0), run.warnings)
        raman = run.metadata.technique is Technique.RAMAN
        yield optical_record(block, curve, instrument=run.metadata.instrument, raman=raman)


def optical_record(
    block: MspBlock, curve: OpticalSpectrum, *, instrument: str, raman: bool = False
) -> OpticalRecord | Skipped:
    """The record of a curve with the headers of ``block``, or why it is left out."""
    name = block.get("name")
    if not name:
        return Skipped(block.line, "", Reason.NO_NAME, "the record has no name")
    reason = _refusal(curve)
    if reason:
        return Skipped(block.line, name, Reason.NOT_COMPARABLE, reason)
    if not np.ptp(curve.y):
        return Skipped(block.line, name, Reason.NO_SIGNAL, "all values are the same")
    kind = SpectrumKind.RAMAN if raman else _COMPARED[curve.axis]
    return OpticalRecord(
        **identity_of(block), spectrum=curve, kind=kind, instrument=instrument, problems=block.problems
    )


def _refusal(curve: OpticalSpectrum) -> str:
    """Why a curve cannot be compared with others; "" where it can."""
    if curve.axis not in _COMPARED:
        return f"no infrared or Raman spectrum, but against {curve.axis.value}"
    if curve.ordinate is Ordinate.SINGLE_BEAM:
        return "a single-beam spectrum: the background is still in it"
    span = float(np.ptp(curve.x)) if len(curve.x) else 0.0
    if len(curve.x) < LEAST_POINTS or span < LEAST_SPAN_CM:
        return f"too short to compare: {len(curve.x)} points over {span:.0f} cm⁻¹"
    step = np.diff(curve.x)
    return "a list of bands, no curve" if step.max() > 0.25 * span else ""
