"""Maxima of ion chromatograms, with their place between two scans."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from spectra.model import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Apexes:
    """Maxima of all ions, in any order.

    Parameters
    ----------
    ion : (n,) int64, column of the ion table.
    scan : (n,) int64, scan of the maximum.
    position : (n,) float64, apex in scans, between ``scan − ½`` and ``scan + ½``.
    height : (n,) float64, counts above the background.
    width : (n,) float64, full width at half maximum in scans.
    """

    ion: Ints
    scan: Ints
    position: Floats
    height: Floats
    width: Floats

    def __len__(self) -> int:
        return len(self.ion)


def find_apexes(signal: Floats, smooth: Floats, least: Floats) -> Apexes:
    """All local maxima of every ion that stand out.

    Parameters
    ----------
    signal : (scans, ions) float64, counts above the background.
    smooth : (scans, ions) float64, the same, smoothed; maxima are sought here.
    least : (scans, ions) float64, smallest height that counts at each place.

    Notes
    -----
    The place between scans is the vertex of the parabola through the three points around the maximum.
    A plateau counts once, at its first scan.
    """
    middle = smooth[1:-1]
    top = (middle > smooth[:-2]) & (middle >= smooth[2:]) & (middle >= least[1:-1])
    scan, ion = np.nonzero(top)
    scan = scan + 1
    left, centre, right = smooth[scan - 1, ion], smooth[scan, ion], smooth[scan + 1, ion]
    curvature = left - 2 * centre + right
    shift = np.where(curvature < 0, 0.5 * (left - right) / np.where(curvature < 0, curvature, -1.0), 0.0)
    position = scan + np.clip(shift, -0.5, 0.5)
    return Apexes(ion, scan, position, signal[scan, ion], half_widths(smooth, scan, ion))


def half_widths(smooth: Floats, scan: Ints, ion: Ints, reach: int = 60) -> Floats:
    """(n,) float64: full width at half maximum of each apex in scans, by linear interpolation.

    A side that never falls to half within ``reach`` scans counts as ``reach``.
    """
    return _side(smooth, scan, ion, -1, reach) + _side(smooth, scan, ion, +1, reach)


def _side(smooth: Floats, scan: Ints, ion: Ints, step: int, reach: int) -> Floats:
    half = smooth[scan, ion] / 2
    width = np.full(len(scan), float(reach))
    open_ = np.arange(len(scan))
    above = smooth[scan, ion]
    for k in range(1, reach + 1):
        here = np.clip(scan[open_] + step * k, 0, len(smooth) - 1)
        value = smooth[here, ion[open_]]
        falls = value <= half[open_]
        done = open_[falls]
        drop = above[open_][falls] - value[falls]
        width[done] = (
            k - 1 + np.where(drop > 0, (above[open_][falls] - half[done]) / np.where(drop > 0, drop, 1), 1)
        )
        above[open_] = value
        open_ = open_[~falls]
        if not len(open_):
            break
    return width


def typical_width(apexes: Apexes, strongest: int = 200) -> float:
    """Median full width at half maximum of the strongest apexes, in scans (1 … 40); 3 without any."""
    if not len(apexes):
        return 3.0
    order = np.argsort(apexes.height)[::-1][:strongest]
    return float(np.clip(np.median(apexes.width[order]), 1.0, 40.0))


def smooth_scans(counts: Floats, width: float) -> Floats:
    """Gaussian smoothing along the scans, σ a sixth of the peak width: narrow peaks stay as they are."""
    sigma = width / 6
    return (
        np.asarray(ndimage.gaussian_filter1d(counts, sigma, axis=0, mode="nearest"))
        if sigma > 0.5
        else counts
    )
