"""The values every reader returns and every calculation takes.

Arrays are checked once, when a value is made, and are read-only from then on: whatever holds a
`ScanTable` may rely on finite, ordered numbers. Times are seconds, m/z is in Th, intensities are
counts as the instrument wrote them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectra.errors import InvalidMeasurement

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _frozen(values: ArrayLike, dtype: type) -> NDArray[Any]:
    array: NDArray[Any] = np.ascontiguousarray(values, dtype=dtype).view()
    array.flags.writeable = False
    return array


def _finite(array: Floats) -> bool:
    return bool(np.isfinite(array).all())


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InvalidMeasurement(message)


class Technique(StrEnum):
    """How a run was measured, as far as the file tells."""

    GC_MS = "gc_ms"
    LC_MS = "lc_ms"
    MS = "ms"  # mass spectra without a time axis
    GC = "gc"  # a detector without mass spectra (FID …)
    LC = "lc"  # a detector without mass spectra (UV, CAD …)
    FTIR = "ftir"
    RAMAN = "raman"
    UV = "uv"
    NMR = "nmr"
    EPR = "epr"
    IMS = "ims"  # ion mobility
    OTHER = "other"  # told by the file, and none of these
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class MassSpectrum:
    """One centroid mass spectrum.

    Parameters
    ----------
    mz : (n,) float64, Th, strictly ascending, > 0.
    intensity : (n,) float64, ≥ 0.

    Raises
    ------
    InvalidMeasurement : lengths differ, a value is not finite, m/z not ascending, an intensity negative.
    """

    mz: Floats
    intensity: Floats

    def __post_init__(self) -> None:
        mz, intensity = _frozen(self.mz, np.float64), _frozen(self.intensity, np.float64)
        _require(mz.ndim == 1 and mz.shape == intensity.shape, "m/z and intensity need the same length")
        _require(_finite(mz) and bool(np.all(mz > 0)), "m/z must be finite and positive")
        _require(bool(np.all(np.diff(mz) > 0)), "m/z must ascend")
        _require(_finite(intensity) and bool(np.all(intensity >= 0)), "intensity must be finite and ≥ 0")
        object.__setattr__(self, "mz", mz)
        object.__setattr__(self, "intensity", intensity)

    def __len__(self) -> int:
        return len(self.mz)

    @property
    def base_peak(self) -> float:
        """Greatest intensity, 0 for an empty spectrum."""
        return float(self.intensity.max(initial=0.0))


def spectrum_from_peaks(mz: ArrayLike, intensity: ArrayLike) -> MassSpectrum:
    """A `MassSpectrum` from peaks in any order: sorted, equal m/z summed, zero intensities dropped."""
    m, i = np.asarray(mz, np.float64), np.asarray(intensity, np.float64)
    _require(m.ndim == 1 and m.shape == i.shape, "m/z and intensity need the same length")
    if bool(np.all(m[1:] > m[:-1])):
        keep = i != 0
        return MassSpectrum(m[keep], i[keep])
    unique, where = np.unique(m, return_inverse=True)
    summed = np.bincount(where, weights=i, minlength=len(unique))
    keep = summed != 0
    return MassSpectrum(unique[keep], summed[keep])


@dataclass(frozen=True, slots=True, eq=False)
class ScanTable:
    """All mass scans of a run as flat arrays (one row of `offset` per scan, compressed sparse rows).

    Parameters
    ----------
    rt_s : (scans,) float64, retention time in s, non-decreasing and ≥ 0; all NaN if there is no time axis.
    offset : (scans + 1,) int64, scan k owns points ``offset[k]:offset[k+1]``.
    mz, intensity : (points,) float64; within a scan m/z ascends (equal values allowed), intensity ≥ 0.
    ms_level : (scans,) int64 ≥ 1; 1 everywhere when omitted.
    precursor_mz : (scans,) float64, NaN where there is none; NaN everywhere when omitted.
    polarity : (scans,) int64, +1, −1, or 0 where the file does not tell; 0 everywhere when omitted.
    collision_ev : (scans,) float64, collision energy as the file gives it, eV; NaN where there is none.

    Raises
    ------
    InvalidMeasurement : any of the above does not hold.
    """

    rt_s: Floats
    offset: Ints
    mz: Floats
    intensity: Floats
    ms_level: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    precursor_mz: Floats = field(default_factory=lambda: np.empty(0, np.float64))
    polarity: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    collision_ev: Floats = field(default_factory=lambda: np.empty(0, np.float64))

    def __post_init__(self) -> None:
        scans = len(self.rt_s)
        level = self.ms_level if len(self.ms_level) else np.ones(scans, np.int64)
        precursor = self.precursor_mz if len(self.precursor_mz) else np.full(scans, np.nan)
        polarity = self.polarity if len(self.polarity) else np.zeros(scans, np.int64)
        collision = self.collision_ev if len(self.collision_ev) else np.full(scans, np.nan)
        fields = {
            "rt_s": _frozen(self.rt_s, np.float64),
            "offset": _frozen(self.offset, np.int64),
            "mz": _frozen(self.mz, np.float64),
            "intensity": _frozen(self.intensity, np.float64),
            "ms_level": _frozen(level, np.int64),
            "precursor_mz": _frozen(precursor, np.float64),
            "polarity": _frozen(polarity, np.int64),
            "collision_ev": _frozen(collision, np.float64),
        }
        for name, array in fields.items():
            _require(array.ndim == 1, f"{name} must be one-dimensional")
            object.__setattr__(self, name, array)
        self._check_shape(scans)
        self._check_values()

    def _check_shape(self, scans: int) -> None:
        _require(len(self.offset) == scans + 1, "offset needs one more entry than there are scans")
        per_scan = (self.ms_level, self.precursor_mz, self.polarity, self.collision_ev)
        _require(all(len(column) == scans for column in per_scan), "one entry per scan")
        _require(int(self.offset[0]) == 0 and bool(np.all(np.diff(self.offset) >= 0)), "offset must ascend")
        points = int(self.offset[-1])
        _require(
            len(self.mz) == points and len(self.intensity) == points, "offset must end at the last point"
        )

    def _check_values(self) -> None:
        _require(
            bool(np.all(np.isnan(self.rt_s)))
            or (
                _finite(self.rt_s) and bool(np.all(self.rt_s >= 0)) and bool(np.all(np.diff(self.rt_s) >= 0))
            ),
            "retention times must be finite and non-decreasing",
        )
        _require(_finite(self.mz) and bool(np.all(self.mz > 0)), "m/z must be finite and positive")
        rising = np.diff(self.mz) >= 0
        boundaries = self.offset[1:-1]
        rising[boundaries[(boundaries > 0) & (boundaries < len(self.mz))] - 1] = True
        _require(bool(np.all(rising)), "m/z must ascend within a scan")
        _require(
            _finite(self.intensity) and bool(np.all(self.intensity >= 0)), "intensity must be finite and ≥ 0"
        )
        _require(bool(np.all(self.ms_level >= 1)), "MS level starts at 1")
        _require(bool(np.isin(self.polarity, (-1, 0, 1)).all()), "polarity is −1, 0 or +1")

    def __len__(self) -> int:
        return len(self.rt_s)

    @property
    def has_time(self) -> bool:
        """Whether the scans lie on a time axis."""
        return bool(len(self.rt_s)) and not bool(np.isnan(self.rt_s[0]))

    def total_ion_current(self) -> Floats:
        """(scans,) float64: sum of intensities per scan."""
        cumulative = np.concatenate(([0.0], np.cumsum(self.intensity)))
        return cumulative[self.offset[1:]] - cumulative[self.offset[:-1]]

    def spectrum(self, scan: int) -> MassSpectrum:
        """Scan number ``scan`` (from 0) as a spectrum; equal m/z are summed."""
        points = slice(int(self.offset[scan]), int(self.offset[scan + 1]))
        return spectrum_from_peaks(self.mz[points], self.intensity[points])

    def level(self, ms_level: int) -> ScanTable:
        """Only the scans of one MS level."""
        keep = np.flatnonzero(self.ms_level == ms_level)
        if len(keep) == len(self):
            return self
        counts = np.diff(self.offset)
        points = np.repeat(self.ms_level == ms_level, counts)
        return ScanTable(
            self.rt_s[keep],
            np.concatenate(([0], np.cumsum(counts[keep]))),
            self.mz[points],
            self.intensity[points],
            self.ms_level[keep],
            self.precursor_mz[keep],
            self.polarity[keep],
            self.collision_ev[keep],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A chromatogram that is not made of mass scans (TIC as stored, UV, FID).

    Parameters
    ----------
    name : what was recorded, as the file names it.
    time_s : (n,) float64, s, non-decreasing.
    value : (n,) float64, finite.
    unit : unit of ``value`` as the file names it, "" if unknown.
    """

    name: str
    time_s: Floats
    value: Floats
    unit: str = ""

    def __post_init__(self) -> None:
        time, value = _frozen(self.time_s, np.float64), _frozen(self.value, np.float64)
        _require(time.ndim == 1 and time.shape == value.shape, "time and value need the same length")
        _require(_finite(time) and _finite(value), "a trace must be finite")
        _require(bool(np.all(np.diff(time) >= 0)), "times must be non-decreasing")
        object.__setattr__(self, "time_s", time)
        object.__setattr__(self, "value", value)


NO_SCANS = ScanTable(np.empty(0), np.zeros(1, np.int64), np.empty(0), np.empty(0))


class Axis(StrEnum):
    """What a spectrum is recorded against; its unit stands in `AXIS_UNIT`."""

    WAVENUMBER = "wavenumber"
    RAMAN_SHIFT = "raman_shift"  # from the exciting line
    WAVELENGTH = "wavelength"
    CHEMICAL_SHIFT = "chemical_shift"
    FREQUENCY = "frequency"
    TIME = "time"  # a decay or a drift; what a detector records during a run is a `Trace`
    MAGNETIC_FIELD = "magnetic_field"
    POTENTIAL = "potential"
    POINT = "point"  # the number of the point, where an interferogram tells no more
    OTHER = "other"  # as the file names it

    @property
    def label(self) -> str:
        """In words, without the unit."""
        return self.value.replace("_", " ").replace("raman", "Raman")


AXIS_UNIT = {
    Axis.WAVENUMBER: "cm⁻¹",
    Axis.RAMAN_SHIFT: "cm⁻¹",
    Axis.WAVELENGTH: "nm",
    Axis.CHEMICAL_SHIFT: "ppm",
    Axis.FREQUENCY: "Hz",
    Axis.TIME: "s",
    Axis.MAGNETIC_FIELD: "mT",
    Axis.POTENTIAL: "V",
    Axis.POINT: "",
    Axis.OTHER: "",
}
POSITIVE_AXES = frozenset({Axis.WAVENUMBER, Axis.WAVELENGTH})
FALLING_AXES = frozenset({Axis.WAVENUMBER, Axis.CHEMICAL_SHIFT, Axis.FREQUENCY})  # as such spectra are drawn


class Ordinate(StrEnum):
    """What an optical spectrum tells at each place."""

    ABSORBANCE = "absorbance"  # −log10 of the transmitted share
    TRANSMITTANCE = "transmittance"  # share, 1 = everything passes
    REFLECTANCE = "reflectance"  # share
    SINGLE_BEAM = "single_beam"  # detector signal against nothing
    INTERFEROGRAM = "interferogram"  # detector signal as the mirror moves: not yet a spectrum
    INTENSITY = "intensity"  # counts (Raman, emission), another quantity, or arbitrary units


@dataclass(frozen=True, slots=True, eq=False)
class OpticalSpectrum:
    """One infrared, Raman or ultraviolet spectrum, or another curve over a continuous axis (NMR, EPR …).

    Parameters
    ----------
    axis, ordinate : what x and y are; x in the unit of `AXIS_UNIT`, transmittance and reflectance as shares,
        not percent.
    x : (n,) float64, finite, strictly ascending, > 0 if wavenumbers or wavelengths.
    y : (n,) float64, finite.
    title : as the file names it.
    x_unit : what x is as the file names it, for `Axis.OTHER`; else "".
    y_unit : unit of y as the file names it, for `Ordinate.INTENSITY`; "" if unknown.

    Raises
    ------
    InvalidMeasurement : any of the above does not hold.
    """

    axis: Axis
    ordinate: Ordinate
    x: Floats
    y: Floats
    title: str = ""
    x_unit: str = ""
    y_unit: str = ""

    def __post_init__(self) -> None:
        x, y = _frozen(self.x, np.float64), _frozen(self.y, np.float64)
        _require(x.ndim == 1 and x.shape == y.shape, "x and y need the same length")
        _require(_finite(x) and _finite(y), "an optical spectrum must be finite")
        _require(bool(np.all(np.diff(x) > 0)), "x must ascend")
        _require(self.axis not in POSITIVE_AXES or bool(np.all(x > 0)), "x must be positive")
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y)

    @property
    def unit_of_x(self) -> str:
        """The unit of x, as the file names it where the axis has none of its own."""
        return self.x_unit or AXIS_UNIT[self.axis]


@dataclass(frozen=True, slots=True, eq=False)
class DiodeArray:
    """Ultraviolet spectra over time, as a diode-array detector writes them.

    Parameters
    ----------
    name : what was recorded, as the file names it.
    time_s : (times,) float64, s, non-decreasing.
    wavelength_nm : (wavelengths,) float64, nm, strictly ascending, > 0.
    value : (times, wavelengths) float64, finite.
    unit : unit of ``value`` as the file names it, "" if unknown.
    """

    name: str
    time_s: Floats
    wavelength_nm: Floats
    value: Floats
    unit: str = ""

    def __post_init__(self) -> None:
        time, wave = _frozen(self.time_s, np.float64), _frozen(self.wavelength_nm, np.float64)
        value = _frozen(self.value, np.float64)
        _require(value.shape == (len(time), len(wave)), "one value per time and wavelength")
        _require(_finite(time) and _finite(wave) and _finite(value), "a diode array must be finite")
        _require(bool(np.all(np.diff(time) >= 0)), "times must be non-decreasing")
        _require(bool(np.all(np.diff(wave) > 0)) and bool(np.all(wave > 0)), "wavelengths must ascend")
        for name, array in (("time_s", time), ("wavelength_nm", wave), ("value", value)):
            object.__setattr__(self, name, array)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a laboratory record needs to know about a file.

    ``acquired_at`` is as written in the file (no time zone is invented); ``details`` keeps every further
    field the reader understood; ``simulated`` is true when the file itself says that no instrument made it.
    """

    format: str
    reader: str
    technique: Technique = Technique.UNKNOWN
    instrument: str = ""
    acquired_at: str = ""
    sample_name: str = ""
    simulated: bool = False
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A file as read: what was measured, what is known about it, and what was not understood.

    A file may hold mass scans, traces, optical spectra and diode arrays, alone or together; ``scans`` is
    `NO_SCANS` for a file without mass spectra. ``titles`` names the scans of a spectrum file (one per scan),
    and is empty for a chromatographic run.
    ``warnings`` lists, in plain words, everything the reader had to leave out or repair.
    """

    metadata: Metadata
    scans: ScanTable = NO_SCANS
    traces: tuple[Trace, ...] = ()
    titles: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    optical: tuple[OpticalSpectrum, ...] = ()
    diode_arrays: tuple[DiodeArray, ...] = ()

    def __post_init__(self) -> None:
        _require(not self.titles or len(self.titles) == len(self.scans), "one title per scan, or none")
