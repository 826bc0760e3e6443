"""GRAMS SPC files: mass spectra and GC-MS runs, optical and other spectra, diode arrays, chromatograms.

Reads the new format in either byte order and the old one, with an even, a shared or an own x axis. Curves
over wavelength at several times are a diode array; other curves are spectra one by one, whatever their x
axis is: NMR, decays, interferograms. A detector over the time of a run is a trace.

The library spc-io (0.2.1) reads the same numbers, and the tests compare with it; it is not used to read
because it refuses the old and the big-endian format, and new files whose log it cannot part into pairs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spectra.model import (
    Axis,
    DiodeArray,
    Floats,
    Metadata,
    OpticalSpectrum,
    Ordinate,
    Run,
    Technique,
    Trace,
)
from spectra.readers.grams_units import SECONDS, X_UNITS, y_of_code
from spectra.readers.optical import XUnit, YUnit, any_x_unit, optical_spectrum, technique, y_unit
from spectra.readers.scans import scan_table
from spectra.readers.spc_layout import NEW, NEW_BIG_ENDIAN, OLD, OWN_X, Container, Header
from spectra.readers.spc_new import read_new
from spectra.readers.spc_old import read_old

name = "spc"
formats = (
    "GRAMS SPC with mass spectra (GC-MS run or single spectrum)",
    "GRAMS SPC with optical spectra (old, new and big-endian; even, shared or own x; several)",
    "GRAMS SPC with NMR, decays, interferograms, chromatograms",
)

_X_IS_MZ = 9
_GAS, _LIQUID, _NMR, _RAMAN = 1, 3, 10, 11  # experiment codes
_CHROMATOGRAMS = {_GAS: Technique.GC, 2: Technique.UNKNOWN, _LIQUID: Technique.LC, 14: Technique.LC}
_RUN_UNITS = (5, 11, 30)  # minutes, days and hours: no decay that a spectrometer records lasts as long


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """A version byte of SPC after a flag byte, in what is not a text nor a ZIP archive."""
    if len(head) < 32 or head.startswith(b"PK") or (head[:32].isascii() and b"\0" not in head[:64]):
        return False
    if head[1] == OLD:  # which knows no x of its own: a bitmap picture begins with such a flag
        return head[0] < OWN_X and _is_unit(head[16]) and b"\0" in head[:64]
    return head[1] in (NEW, NEW_BIG_ENDIAN) and _is_unit(head[28])


def _is_unit(code: int) -> bool:
    return code <= 30 or code == 255


def read(path: Path) -> Run:
    """The file as a run; times in s, intensities as counted. Raises `UnreadableFile`."""
    container = _container(path.read_bytes())
    if container.header.x_unit == _X_IS_MZ:
        return _mass(container)
    if _is_chromatogram(container.header):
        return _chromatogram(container)
    return _optical(container, _x_unit(container.header))


def _container(data: bytes) -> Container:
    if data[1] == OLD:
        return read_old(data)
    return read_new(data, order=">" if data[1] == NEW_BIG_ENDIAN else "<")


def _mass(container: Container) -> Run:
    header, curves = container.header, container.subfiles
    warnings = _log_warning(header)
    table = scan_table(
        _times(container, warnings),
        [len(curve.x) for curve in curves],
        np.concatenate([curve.x for curve in curves]),
        np.concatenate([curve.y for curve in curves]),
        warnings=warnings,
        any_order=True,  # GRAMS writes the greatest m/z first
    )
    return Run(
        _metadata(header, _mass_technique(header)),
        table,
        titles=() if table.has_time else (header.memo,) * len(table),
        warnings=tuple(warnings),
    )


def _log_warning(header: Header) -> list[str]:
    return ["The log at the end of the file is cut short; the data are whole."] if header.log_is_cut else []


def _mass_technique(header: Header) -> Technique:
    if not header.is_multifile:
        return Technique.MS
    if header.experiment == _GAS or header.source.startswith("MS_59"):
        return Technique.GC_MS  # HP 5970, 5971 … are mass detectors of gas chromatographs
    return Technique.LC_MS if header.experiment == _LIQUID else Technique.UNKNOWN


def _times(container: Container, warnings: list[str]) -> Floats:
    z = np.array([curve.z for curve in container.subfiles])
    if not container.header.is_multifile:
        return np.full(len(z), np.nan)
    seconds = SECONDS.get(container.header.z_unit)
    if seconds is None:
        warnings.append(
            "The file does not say that its scans lie on a time axis; they are shown without one."
        )
        return np.full(len(z), np.nan)
    return z * seconds


def _is_chromatogram(header: Header) -> bool:
    timed = header.x_unit in SECONDS
    return timed and (header.x_unit in _RUN_UNITS or header.experiment in _CHROMATOGRAMS)


def _chromatogram(container: Container) -> Run:
    """Each curve as a trace; times that fall are turned round."""
    header = container.header
    y_is = _y_unit(header)
    traces = []
    for curve, title in zip(container.subfiles, _titles(container), strict=True):
        order = np.argsort(curve.x, kind="stable")
        seconds = curve.x[order] * SECONDS[header.x_unit]
        unit = y_is.unit if y_is.ordinate is Ordinate.INTENSITY else y_is.ordinate.value
        traces.append(Trace(title or "signal", seconds, curve.y[order], unit))
    found = _CHROMATOGRAMS.get(header.experiment, Technique.UNKNOWN)
    return Run(_metadata(header, found), traces=tuple(traces), warnings=tuple(_log_warning(header)))


def _x_unit(header: Header) -> XUnit:
    if header.x_unit in SECONDS:
        return XUnit(Axis.TIME, SECONDS[header.x_unit])
    words = header.labels[0] if header.x_unit == 0 else f"code {header.x_unit}"
    unit = X_UNITS.get(header.x_unit) or any_x_unit(words)
    if header.experiment == _RAMAN and unit.axis is Axis.WAVENUMBER:
        return XUnit(Axis.RAMAN_SHIFT)
    return unit


def _y_unit(header: Header) -> YUnit:
    named = header.y_unit == 0 and header.labels[1]
    return y_unit(header.labels[1]) if named else y_of_code(header.y_unit)


def _optical(container: Container, x_is: XUnit) -> Run:
    header, curves = container.header, container.subfiles
    y_is = _y_unit(header)
    warnings = _log_warning(header)
    titles = _titles(container)
    optical = tuple(
        optical_spectrum(curve.x, curve.y, x_is, y_is, title=title, warnings=warnings)
        for curve, title in zip(curves, titles, strict=True)
    )
    if x_is == XUnit(Axis.OTHER):
        warnings.append("The file does not say what x is.")
    metadata = _metadata(header, _technique(header, optical))
    array = _diode_array(container, optical, y_is)
    if array is not None:
        return Run(metadata, diode_arrays=(array,), warnings=tuple(warnings))
    return Run(metadata, optical=optical, warnings=tuple(warnings))


def _technique(header: Header, optical: tuple[OpticalSpectrum, ...]) -> Technique:
    decay = optical[0].axis is Axis.TIME and "FID=TRUE" in header.log
    return Technique.NMR if decay or header.experiment == _NMR else technique(optical)


def _titles(container: Container) -> list[str]:
    header, curves = container.header, container.subfiles
    if len(curves) == 1:
        return [header.memo]
    unit = header.labels[2] or ("s" if header.z_unit in SECONDS else "")
    factor = SECONDS.get(header.z_unit, 1.0)
    return [f"{header.memo} [{k}] {curve.z * factor:g} {unit}".strip() for k, curve in enumerate(curves, 1)]


def _diode_array(
    container: Container, optical: tuple[OpticalSpectrum, ...], y_is: YUnit
) -> DiodeArray | None:
    """The curves as one array, if they lie at rising times over the same wavelengths."""
    seconds = SECONDS.get(container.header.z_unit)
    times = np.array([curve.z for curve in container.subfiles]) * (seconds or np.nan)
    wave = optical[0].x
    if len(optical) < 2 or optical[0].axis is not Axis.WAVELENGTH or not np.all(np.diff(times) > 0):
        return None
    if any(len(one.x) != len(wave) or not np.array_equal(one.x, wave) for one in optical[1:]):
        return None
    value = np.vstack([one.y for one in optical])
    return DiodeArray(container.header.memo, times, wave, value, y_is.ordinate.value)


def _metadata(header: Header, found: Technique) -> Metadata:
    details = {
        "memo": header.memo,
        "method": header.method,
        "resolution": header.resolution,
        "log": header.log,
    }
    return Metadata(
        format="GRAMS SPC",
        reader=name,
        technique=found,
        instrument=header.source,
        acquired_at=header.date,
        sample_name=header.memo,
        details={key: value for key, value in details.items() if value},
    )
