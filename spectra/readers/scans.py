"""What every reader needs to turn raw columns into a valid `ScanTable`, saying what it repaired.

The limits live here so that each reader can apply them before it allocates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectra.errors import Fault, UnreadableFile
from spectra.model import Floats, Ints, Metadata, ScanTable
from spectra.readers.centroid import PICKED, pick_peaks

MAX_POINTS = 20_000_000
MAX_SCAN_POINTS = 2_000_000
MAX_SCANS = 1_000_000
LEAST_MZ = 0.5  # no ion is lighter than a proton; less is a broken number
SIMULATED_MARKER = "XBT simulated run"

_HELP = "Export a shorter mass or time range, or centroided data, from the instrument's software."


def check_limits(counts: ArrayLike) -> None:
    """Refuse counts of points per scan beyond what is read.

    Raises
    ------
    UnreadableFile : `Fault.TOO_LARGE`, more than 1,000,000 scans, 2,000,000 points in one, 20,000,000 in all.
    """
    points = np.asarray(counts, dtype=np.float64)
    for found, limit, what in (
        (len(points), MAX_SCANS, "scans"),
        (points.max(initial=0), MAX_SCAN_POINTS, "points a scan"),
        (points.sum(), MAX_POINTS, "points in all"),
    ):
        if found > limit:
            raise UnreadableFile(
                Fault.TOO_LARGE, where=f"{found:.0f} {what}", expected=f"at most {limit} {what}", remedy=_HELP
            )


def scan_table(
    rt_s: ArrayLike,
    counts: ArrayLike,
    mz: ArrayLike,
    intensity: ArrayLike,
    *,
    warnings: list[str],
    ms_level: ArrayLike = (),
    precursor_mz: ArrayLike = (),
    polarity: ArrayLike = (),
    collision_ev: ArrayLike = (),
    profile: ArrayLike = (),
    any_order: bool = False,
) -> ScanTable:
    """A valid table from what a file holds; every repair is added to ``warnings``.

    Points that are not finite or have m/z < 0.5 are left out, negative intensities become 0, points are put
    in ascending m/z within their scan, scans in the order of time. Scans without any time get NaN.

    Parameters
    ----------
    rt_s : (scans,) s. counts : (scans,) points per scan, summing to the length of ``mz``.
    mz, intensity : (points,). ms_level, precursor_mz, polarity, collision_ev : (scans,), or empty for 1, NaN,
    0 and NaN.
    profile : (scans,) bool, or empty for none: continuum scans, of which only the peaks are kept.
    any_order : the format promises no order of m/z, so that sorting is no repair to speak of.
    """
    n = np.asarray(counts, dtype=np.int64)
    scan = np.repeat(np.arange(len(n)), n)
    m, i = np.asarray(mz, np.float64), np.asarray(intensity, np.float64)
    scan, m, i = _measurable(scan, m, i, warnings)
    i = _non_negative(i, warnings)
    time = _times(np.asarray(rt_s, np.float64), warnings)
    order = np.argsort(time, kind="stable")
    columns = _Columns(ms_level, precursor_mz, polarity, collision_ev, profile)
    if np.any(order != np.arange(len(order))):
        warnings.append("The scans were not in the order of time; they were sorted.")
        rank = np.argsort(order, kind="stable")
        scan, time, columns = rank[scan], time[order], columns.taken(order)
    if not any_order:
        _note_falling(scan, m, warnings)
    scan, m, i = _ascending(scan, m, i)
    offset = np.concatenate(([0], np.cumsum(np.bincount(scan, minlength=len(n)))))
    if columns.profile.any():
        warnings.append(f"{int(columns.profile.sum())} scans were continuum (profile) data; {PICKED}.")
        offset, m, i = pick_peaks(offset, m, i, columns.profile)
    return ScanTable(time, offset, m, i, *columns.of_the_table)


class _Columns:
    """What a file tells once a scan; empty where it tells nothing."""

    def __init__(
        self,
        ms_level: ArrayLike,
        precursor_mz: ArrayLike,
        polarity: ArrayLike,
        collision_ev: ArrayLike,
        profile: ArrayLike,
    ) -> None:
        self.of_the_table = (
            np.asarray(ms_level, np.int64),
            np.asarray(precursor_mz, np.float64),
            np.asarray(polarity, np.int64),
            np.asarray(collision_ev, np.float64),
        )
        self.profile = np.asarray(profile, np.bool_)

    def taken(self, order: Ints) -> _Columns:
        columns = (*self.of_the_table, self.profile)
        return _Columns(*(column[order] if len(column) else column for column in columns))


def is_simulated(metadata: Metadata) -> bool:
    """Whether any text of the file carries the marker of a simulated run."""
    texts = (metadata.instrument, metadata.sample_name, *metadata.details.values())
    return any(SIMULATED_MARKER in text for text in texts)


def _measurable(
    scan: Ints, mz: Floats, intensity: Floats, warnings: list[str]
) -> tuple[Ints, Floats, Floats]:
    good: NDArray[np.bool_] = np.isfinite(mz) & np.isfinite(intensity) & (mz >= LEAST_MZ)
    if good.all():
        return scan, mz, intensity
    warnings.append(f"{int((~good).sum())} points without a usable m/z or intensity were left out.")
    return scan[good], mz[good], intensity[good]


def _non_negative(intensity: Floats, warnings: list[str]) -> Floats:
    below = intensity < 0
    if not below.any():
        return intensity
    warnings.append(f"{int(below.sum())} negative intensities were set to 0.")
    return np.where(below, 0.0, intensity)


def _times(rt_s: Floats, warnings: list[str]) -> Floats:
    good = np.isfinite(rt_s) & (rt_s >= 0)
    if good.all():
        return rt_s
    if len(rt_s) and not np.isnan(rt_s).all():
        warnings.append(
            f"{int((~good).sum())} scans have no usable time; the run is shown without a time axis."
        )
    return np.full(len(rt_s), np.nan)


def _note_falling(scan: Ints, mz: Floats, warnings: list[str]) -> None:
    falling = (np.diff(mz) < 0) & (np.diff(scan) == 0)
    if falling.any():
        touched = len(np.unique(scan[1:][falling]))
        warnings.append(f"In {touched} scans the ions were not in the order of m/z; they were sorted.")


def _ascending(scan: Ints, mz: Floats, intensity: Floats) -> tuple[Ints, Floats, Floats]:
    step = np.diff(scan)
    if np.all((step > 0) | ((step == 0) & (np.diff(mz) >= 0))):
        return scan, mz, intensity
    order = np.lexsort((mz, scan))
    return scan[order], mz[order], intensity[order]
