"""Spectra as JCAMP-DX, which programs for infrared, Raman, ultraviolet and mass spectra open.

Optical spectra follow version 4.24 (McDonald and Wilks, Appl. Spectrosc. 42 (1988) 151): an even axis becomes
a table (X++(Y..Y)) of whole numbers, exact to 5·10⁻¹⁰ of the greatest ordinate and 10⁻⁶ of a step; any other
axis becomes pairs, exact. Mass spectra follow version 5.01 (Lampen et al., Appl. Spectrosc. 48 (1994) 1545)
as peak tables, exact. Several spectra are linked blocks of one file. Refuses a run over time, which belongs
into mzML; what else the format has no place for is told by `lost_in_jcamp`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spectra.errors import InvalidMeasurement
from spectra.model import Axis, Floats, Metadata, OpticalSpectrum, Ordinate, Run, Technique
from spectra.readers.scans import SIMULATED_MARKER

_X_UNITS = {
    Axis.WAVENUMBER: "1/CM",
    Axis.RAMAN_SHIFT: "1/CM",
    Axis.WAVELENGTH: "NANOMETERS",
    Axis.CHEMICAL_SHIFT: "PPM",
    Axis.FREQUENCY: "HZ",
    Axis.TIME: "SECONDS",
    Axis.MAGNETIC_FIELD: "MILLITESLA",
    Axis.POTENTIAL: "VOLTS",
    Axis.POINT: "POINTS",
    Axis.OTHER: "ARBITRARY UNITS",
}
_LIGHT = frozenset({Axis.WAVENUMBER, Axis.RAMAN_SHIFT, Axis.WAVELENGTH})
_KINDS = {
    Technique.NMR: "NMR SPECTRUM",
    Technique.EPR: "EPR SPECTRUM",
    Technique.IMS: "ION MOBILITY SPECTRUM",
    Technique.OTHER: "SPECTRUM",
}
_Y_UNITS = {
    Ordinate.ABSORBANCE: "ABSORBANCE",
    Ordinate.TRANSMITTANCE: "TRANSMITTANCE",
    Ordinate.REFLECTANCE: "REFLECTANCE",
    Ordinate.SINGLE_BEAM: "SINGLE BEAM",
    Ordinate.INTERFEROGRAM: "INTERFEROGRAM",
    Ordinate.INTENSITY: "INTENSITY",
}
_WHOLE = 1_000_000_000  # the greatest ordinate of a table of whole numbers
_UNEVEN = 1e-6  # of a step: more, and the x are written one by one
_IN_LINE = 6  # ordinates a line, so that no line exceeds 80 characters


def write_jcamp(run: Run, path: Path) -> None:
    """Write the optical spectra, and mass spectra without a time axis (or a single one), as JCAMP-DX.

    Raises
    ------
    InvalidMeasurement : neither an optical spectrum nor a mass spectrum that is not one of a run over time.
    OSError : the file cannot be written.
    """
    blocks = list(_blocks(run))
    if not blocks:
        raise InvalidMeasurement("JCAMP-DX is written for spectra, not for what was recorded over time")
    with path.open("w", encoding="utf-8", newline="\r\n") as stream:
        if len(blocks) > 1:
            stream.writelines(_lines(_link(run.metadata, len(blocks))))
        for block in blocks:
            stream.writelines(_lines(block))
        if len(blocks) > 1:
            stream.write("##END=\n")


def lost_in_jcamp(run: Run) -> tuple[str, ...]:
    """What `write_jcamp` has no place for, in plain words."""
    scans = 0 if _has_single_spectra(run) else len(run.scans)
    levels = bool(np.any(run.scans.ms_level > 1) or np.any(run.scans.polarity != 0))
    found = (
        (scans, f"{scans} mass scans over time (mzML holds them)"),
        (run.traces, f"{len(run.traces)} traces (CSV or mzML holds them)"),
        (run.diode_arrays, f"{len(run.diode_arrays)} diode arrays (CSV holds them)"),
        (not scans and levels, "MS levels, precursors and polarity (mzML holds them)"),
        (run.metadata.details, "the further details of the file"),
    )
    return tuple(text for lost, text in found if lost)


def _has_single_spectra(run: Run) -> bool:
    return len(run.scans) == 1 or not run.scans.has_time


def _blocks(run: Run) -> Iterator[list[str]]:
    for one in run.optical:
        yield _optical(run.metadata, one)
    if _has_single_spectra(run):
        for scan in range(len(run.scans)):
            yield _mass(run, scan)


def _lines(block: list[str]) -> Iterator[str]:
    return (f"{line}\n" for line in block)


def _plain(text: str) -> str:
    """A text that can stand behind a label: one line, and no sign that begins a remark or a label."""
    return " ".join(text.split()).replace("$$", "$ $").replace("##", "# #")[:200]


def _link(metadata: Metadata, blocks: int) -> list[str]:
    return [
        f"##TITLE= {_plain(metadata.sample_name)}",
        "##JCAMP-DX= 5.01",
        "##DATA TYPE= LINK",
        f"##BLOCKS= {blocks}",
        *_common(metadata),
    ]


def _common(metadata: Metadata) -> list[str]:
    origin = SIMULATED_MARKER if metadata.simulated else f"XBT, from {metadata.format}"
    told = {"ORIGIN": origin, "OWNER": "not stated", "SPECTROMETER/DATA SYSTEM": metadata.instrument}
    lines = [f"##{label}= {_plain(text)}" for label, text in told.items() if text]
    return lines + ([f"##LONG DATE= {_plain(metadata.acquired_at)}"] if metadata.acquired_at else [])


def _optical(metadata: Metadata, one: OpticalSpectrum) -> list[str]:
    head = [
        f"##TITLE= {_plain(one.title or metadata.sample_name)}",
        "##JCAMP-DX= 4.24",
        f"##DATA TYPE= {_kind(one, metadata.technique)}",
        *_common(metadata),
        f"##XUNITS= {_plain(one.x_unit) or _X_UNITS[one.axis]}",
        f"##YUNITS= {_plain(one.y_unit) or _Y_UNITS[one.ordinate]}",
        f"##FIRSTX= {_figure(one.x[0])}",
        f"##LASTX= {_figure(one.x[-1])}",
        f"##FIRSTY= {_figure(one.y[0])}",
        f"##MAXX= {_figure(one.x.max())}",
        f"##MINX= {_figure(one.x.min())}",
        f"##MAXY= {_figure(one.y.max())}",
        f"##MINY= {_figure(one.y.min())}",
        f"##NPOINTS= {len(one.x)}",
        "##XFACTOR= 1",
    ]
    return [*head, *(_curve(one) if _is_even(one.x) else _pairs(one)), "##END="]


def _kind(one: OpticalSpectrum, technique: Technique) -> str:
    if one.ordinate is Ordinate.INTERFEROGRAM:
        return "INFRARED INTERFEROGRAM"
    if technique is Technique.NMR and one.axis is Axis.TIME:
        return "NMR FID"
    if technique in _KINDS or one.axis not in _LIGHT:
        return _KINDS.get(technique, "SPECTRUM")
    if one.axis is Axis.RAMAN_SHIFT or technique is Technique.RAMAN:
        return "RAMAN SPECTRUM"
    return "INFRARED SPECTRUM" if one.axis is Axis.WAVENUMBER else "UV/VIS SPECTRUM"


def _is_even(x: Floats) -> bool:
    if len(x) < 3:
        return False
    even = np.linspace(x[0], x[-1], len(x))
    return float(np.abs(x - even).max()) <= _UNEVEN * float(even[1] - even[0])


def _curve(one: OpticalSpectrum) -> list[str]:
    factor = float(np.abs(one.y).max()) / _WHOLE or 1.0
    whole = np.rint(one.y / factor).astype(np.int64)
    lines = [
        f"{one.x[k]:.9g} {' '.join(map(str, whole[k : k + _IN_LINE].tolist()))}"
        for k in range(0, len(whole), _IN_LINE)
    ]
    step = (one.x[-1] - one.x[0]) / (len(one.x) - 1)
    return [
        f"##YFACTOR= {_figure(factor)}",
        f"##DELTAX= {_figure(step)}",
        "##XYDATA= (X++(Y..Y))",
        *lines,
    ]


def _pairs(one: OpticalSpectrum) -> list[str]:
    return ["##YFACTOR= 1", "##XYPOINTS= (XY..XY)", *_listed(one.x, one.y)]


def _mass(run: Run, scan: int) -> list[str]:
    points = slice(int(run.scans.offset[scan]), int(run.scans.offset[scan + 1]))
    mz, intensity = run.scans.mz[points], run.scans.intensity[points]
    title = run.titles[scan] if run.titles else run.metadata.sample_name
    time = [f"##.RETENTION TIME= {_figure(run.scans.rt_s[scan])}"] if run.scans.has_time else []
    return [
        f"##TITLE= {_plain(title)}",
        "##JCAMP-DX= 5.01",
        "##DATA TYPE= MASS SPECTRUM",
        "##DATA CLASS= PEAK TABLE",
        *_common(run.metadata),
        *time,
        "##XUNITS= M/Z",
        "##YUNITS= RELATIVE ABUNDANCE",
        "##XFACTOR= 1",
        "##YFACTOR= 1",
        f"##NPOINTS= {len(mz)}",
        "##PEAK TABLE= (XY..XY)",
        *_listed(mz, intensity),
        "##END=",
    ]


def _listed(x: Floats, y: Floats) -> list[str]:
    return [f"{_figure(a)}, {_figure(b)}" for a, b in zip(x, y, strict=True)]


def _figure(value: float) -> str:
    """The shortest figure that is read back as the same float64."""
    return repr(float(value))
