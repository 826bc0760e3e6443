"""The points of all scans of a run in one ascending row, so that many are looked up at once.

Promises: sums between two m/z and nearest neighbours in other scans, for any number of points in one pass.
Refuses scans without a time axis.
"""

from __future__ import annotations

import numpy as np

from spectra.errors import InvalidMeasurement
from spectra.model import Floats, Ints, ScanTable

_SCAN_STEP = 1e6  # Th; keeps the scans apart in one ascending row of places


class Points:
    """The points of a run as one ascending row of places: scan, then m/z."""

    def __init__(self, scans: ScanTable) -> None:
        if not scans.has_time:
            raise InvalidMeasurement("features need scans on a time axis")
        self.table = scans
        self.scan = np.repeat(np.arange(len(scans)), np.diff(scans.offset))
        self.place = self.scan * _SCAN_STEP + scans.mz
        self._summed = np.concatenate(([0.0], np.cumsum(scans.intensity)))

    def between(self, scan: Ints, low: Floats, high: Floats) -> Floats:
        """Summed intensity of each ``scan`` from m/z ``low`` to ``high``; all of one shape."""
        first = np.searchsorted(self.place, scan * _SCAN_STEP + low)
        last = np.searchsorted(self.place, scan * _SCAN_STEP + high, side="right")
        return np.asarray(self._summed[last] - self._summed[first], np.float64)

    def nearest(self, points: Ints, ahead: int, reach: Floats) -> Ints:
        """For each point the one nearest in m/z ``ahead`` scans later, −1 where none is within ``reach``."""
        wanted = self.place[points] + ahead * _SCAN_STEP
        right = np.minimum(np.searchsorted(self.place, wanted), len(self.place) - 1)
        left = np.maximum(right - 1, 0)
        away_left, away_right = np.abs(self.place[left] - wanted), np.abs(self.place[right] - wanted)
        best = np.where(away_left <= away_right, left, right)
        return np.where(np.minimum(away_left, away_right) <= reach, best, -1)
