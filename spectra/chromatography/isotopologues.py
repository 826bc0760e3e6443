"""Isotopes of the ions of an LC-MS run: charge and pattern of each peak, and which peaks are isotopologues.

Promises: what lies one or two neutrons above another peak that leaves the column with it, and is no higher
than isotopes can make it, is an isotopologue.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spectra.chromatography.points import Points
from spectra.chromatography.traces import Peaks, counting
from spectra.model import Floats, Ints

Flags = NDArray[np.bool_]

NEUTRON = 1.0033548  # u, ¹³C less ¹²C
HEAVY = (1.99579, 1.99705, 1.99795, 2.00425)  # u, ³⁴S, ³⁷Cl, ⁸¹Br and ¹⁸O less the lightest isotope
MOST_ISOTOPE = 1.5  # ¹³C of a pure hydrocarbon, and half as much again for the scatter
MOST_HEAVY = 2.2  # of four chlorine or two bromine atoms


def isotopes_of(points: Points, found: Peaks, tolerance: Floats) -> tuple[Ints, Floats]:
    """Charge, and intensities of M, M+1, M+2 summed over the scans above half height, M = 1."""
    lengths = found.half[1] - found.half[0] + 1
    scan = np.repeat(found.half[0], lengths) + counting(lengths)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    wide = tolerance[owner]

    def summed(offset_low: float, offset_high: float) -> Floats:
        mz = found.mz[owner]
        values = points.between(scan, mz + offset_low - wide, mz + offset_high + wide)
        return np.asarray(np.bincount(owner, values, minlength=len(lengths)), np.float64)

    own = np.maximum(summed(0, 0), 1e-12)
    half_step = summed(NEUTRON / 2, NEUTRON / 2) / own
    one, two = summed(NEUTRON, NEUTRON) / own, summed(HEAVY[0], 2 * NEUTRON) / own
    double = (half_step > 0.2) & (half_step < MOST_ISOTOPE * 2 * found.mz / 14 * 0.0108)
    pattern = np.stack([np.ones(len(own)), np.where(double, half_step, one), np.where(double, one, two)], 1)
    return np.where(double, 2, 1), pattern


def isotopologues(found: Peaks, tolerance: Floats) -> Flags:
    """Which peaks are heavier isotopologues of another."""
    order = np.argsort(found.mz)
    heavier = np.zeros(len(order), bool)
    shifts = [(NEUTRON, True), (NEUTRON / 2, True), (2 * NEUTRON, True), *((shift, False) for shift in HEAVY)]
    sorted_mz = found.mz[order]
    reach = 1 + (found.half[1] - found.half[0]) / 2
    for shift, carbon in shifts:
        low = np.searchsorted(sorted_mz, found.mz - shift - tolerance)
        counts = np.searchsorted(sorted_mz, found.mz - shift + tolerance, side="right") - low
        own = np.repeat(np.arange(len(order)), counts)
        parent = order[np.repeat(low, counts) + counting(counts)]
        most = MOST_ISOTOPE * found.mz[own] / 14 * 0.0108 if carbon else np.full(len(own), MOST_HEAVY)
        near = np.abs(found.apex[parent] - found.apex[own]) <= reach[own]
        heavier[own[near & (found.height[own] <= np.maximum(most, 0.05) * found.height[parent])]] = True
    return heavier
