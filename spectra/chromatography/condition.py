"""What is wrong with a GC-MS run as a whole: said before anything is read into its peaks.

Promises: each fault is told with what it was seen by; a run without fault gives none. Refuses to repair: an
ion cut off by the detector or a stretch that was never recorded cannot be made up for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from spectra.chromatography.deconvolution import ComponentPeak
from spectra.chromatography.ions import CEILING, FLAT, at_limit, ion_table
from spectra.model import ScanTable
from spectra.nominal import nominal_mass

SILENT_SHARE = 0.02  # of the run: a shorter pause is a solvent or a valve
SILENT_SCANS = 10
LOPSIDED = 4.0  # front over tail of a peak: more than fits the column
OVERLOADED_SHARE = 0.05  # of the signal, of a peak whose shape counts
SOFT_TOP = 0.85  # of a spectrum's intensity in its base peak and the isotopes beside it
LARGEST = 10  # components asked whether ions broke up


class Fault(StrEnum):
    """The kinds of fault; the value is stable."""

    BLANK = "blank"
    SILENT = "silent"
    SATURATED = "saturated"
    OVERLOADED = "overloaded"
    SOFT_IONISATION = "soft_ionisation"
    NEGATIVE = "negative"


# With these, references of positive electron ionisation say nothing about the run.
NOT_COMPARABLE = frozenset({Fault.SOFT_IONISATION, Fault.NEGATIVE})


@dataclass(frozen=True, slots=True)
class Condition:
    """A fault and what it was seen by.

    Parameters
    ----------
    share : 0..1, of the scans (silent, negative), components (soft ionisation), signal (overloaded).
    rt_s : where it is, s; empty where it concerns the whole run.
    """

    fault: Fault
    share: float
    rt_s: tuple[float, ...] = ()


def conditions(scans: ScanTable, components: Sequence[ComponentPeak]) -> tuple[Condition, ...]:
    """All faults of a run with a time axis.

    Parameters
    ----------
    scans : of MS level 1.
    components : as deconvolution found them.
    """
    asked = (_negative(scans), _silent(scans), _saturated(scans), _overloaded(components), _soft(components))
    found = [one for one in asked if one is not None]
    if not components:
        found.append(Condition(Fault.BLANK, 1.0))
    return tuple(found)


def _negative(scans: ScanTable) -> Condition | None:
    share = float((scans.polarity < 0).mean()) if len(scans) else 0.0
    return Condition(Fault.NEGATIVE, share) if share else None


def _silent(scans: ScanTable) -> Condition | None:
    """Stretches without a single ion between the first scan and the last, written or left out."""
    time, recorded = scans.rt_s, scans.total_ion_current() > 0
    if len(time) < SILENT_SCANS:
        return None
    usual = float(np.median(np.diff(time)))
    heard = np.concatenate(([time[0] - usual], time[recorded], [time[-1] + usual]))
    pause = np.diff(heard) - usual
    long = pause > max(SILENT_SCANS * usual, SILENT_SHARE * float(time[-1] - time[0]))
    if not long.any():
        return None
    share = float(pause[long].sum()) / float(time[-1] - time[0] + usual)
    return Condition(Fault.SILENT, min(share, 1.0), tuple(heard[:-1][long].tolist()))


def _saturated(scans: ScanTable) -> Condition | None:
    """Ions whose top is flat at the greatest intensity of the run."""
    highest = scans.intensity >= CEILING * scans.intensity.max(initial=0.0)
    if np.count_nonzero(highest) < FLAT:
        return None
    table = ion_table(scans)
    scan = np.flatnonzero(at_limit(table.counts).any(axis=0))
    if not len(scan):
        return None
    first = np.concatenate(([True], np.diff(scan) > 3))
    return Condition(Fault.SATURATED, len(scan) / len(table.rt_s), tuple(table.rt_s[scan[first]].tolist()))


def _overloaded(components: Sequence[ComponentPeak]) -> Condition | None:
    """Large peaks that rise slowly and end at once: more than the column holds."""
    whole = sum(one.area for one in components)
    large = [one for one in components if one.area > OVERLOADED_SHARE * whole]
    fronting = [one for one in large if one.rt_s - one.rt_start_s > LOPSIDED * (one.rt_end_s - one.rt_s)]
    if not fronting:
        return None
    share = sum(one.area for one in fronting) / whole
    return Condition(Fault.OVERLOADED, share, tuple(one.rt_s for one in fronting))


def _soft(components: Sequence[ComponentPeak]) -> Condition | None:
    """Molecules that stayed whole: nearly all intensity in one ion and its isotopes, at the upper end."""
    largest = sorted(components, key=lambda one: -one.area)[:LARGEST]
    whole = [one for one in largest if _unbroken(one)]
    share = len(whole) / len(largest) if largest else 0.0
    return Condition(Fault.SOFT_IONISATION, share) if share > 0.5 else None


def _unbroken(component: ComponentPeak) -> bool:
    mass, intensity = nominal_mass(component.spectrum.mz), component.spectrum.intensity
    base = int(mass[intensity.argmax()])
    beside = (mass >= base - 1) & (mass <= base + 2)
    return base > 100 and float(intensity[beside].sum()) > SOFT_TOP * float(intensity.sum())
