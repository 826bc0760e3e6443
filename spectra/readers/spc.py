"""GRAMS SPC files: mass spectra and GC-MS runs, infrared, Raman and ultraviolet spectra, diode arrays.

Reads the new format in either byte order and the old one, with an even, a shared or an own x axis. Curves
over wavelength at several times are a diode array; other optical curves are spectra one by one. Refuses
interferograms, NMR and whatever else has no mass and no light on its x axis, saying what it is.

The library spc-io (0.2.1) reads the same numbers, and the tests compare with it; it is not used to read
because it refuses the old and the big-endian format, and new files whose log it cannot part into pairs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Axis, DiodeArray, Floats, Metadata, OpticalSpectrum, Run, Technique
from spectra.readers.grams_units import OTHER_X_UNITS, SECONDS, X_UNITS, y_of_code
from spectra.readers.optical import XUnit, YUnit, optical_spectrum, technique, x_unit, y_unit
from spectra.readers.scans import scan_table
from spectra.readers.spc_layout import NEW, NEW_BIG_ENDIAN, OLD, OWN_X, Container, Header
from spectra.readers.spc_new import read_new
from spectra.readers.spc_old import read_old

name = "spc"
formats = (
    "GRAMS SPC with mass spectra (GC-MS run or single spectrum)",
    "GRAMS SPC with optical spectra (old, new and big-endian; even, shared or own x; several)",
)

_X_IS_MZ = 9
_GAS, _LIQUID, _RAMAN = 1, 3, 11  # experiment codes


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


def _x_unit(header: Header) -> XUnit:
    unit = X_UNITS.get(header.x_unit) or (x_unit(header.labels[0]) if header.x_unit == 0 else None)
    if unit is None:
        kind = OTHER_X_UNITS.get(header.x_unit, f"an axis of code {header.x_unit}")
        raise UnreadableFile(
            Fault.UNSUPPORTED,
            where="header",
            expected=f"mass or optical spectra; the x axis of this file holds {kind}",
            remedy="Hand in the spectrum itself, or set the unit of its x axis in GRAMS.",
        )
    if header.experiment == _RAMAN and unit.axis is Axis.WAVENUMBER:
        return XUnit(Axis.RAMAN_SHIFT)
    return unit


def _optical(container: Container, x_is: XUnit) -> Run:
    header, curves = container.header, container.subfiles
    y_is = y_unit(header.labels[1]) if header.y_unit == 0 and header.labels[1] else y_of_code(header.y_unit)
    warnings = _log_warning(header)
    titles = _titles(container)
    optical = tuple(
        optical_spectrum(curve.x, curve.y, x_is, y_is, title=title, warnings=warnings)
        for curve, title in zip(curves, titles, strict=True)
    )
    metadata = _metadata(header, technique(optical))
    array = _diode_array(container, optical, y_is)
    if array is not None:
        return Run(metadata, diode_arrays=(array,), warnings=tuple(warnings))
    return Run(metadata, optical=optical, warnings=tuple(warnings))


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
