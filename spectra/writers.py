"""Runs back into files that every mass spectrometry program opens: mzML and ANDI/AIA netCDF.

Precision: times and m/z are written as float64; intensities as float32 in mzML (what pyopenms holds) and
float64 in netCDF. A simulated run says so in the file, and is recognised when read again. mzML takes the
traces along as chromatograms; what it has no place for is told by `lost_in_mzml`. ANDI knows one MS level
and needs a time for every scan: other runs are refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import InvalidMeasurement
from spectra.model import Metadata, Run, ScanTable, Technique, Trace
from spectra.readers.scans import SIMULATED_MARKER

_SOFTWARE = "XBT"
_STORED_TOTAL = "TIC as stored"  # the name that readers give it
_ISO = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})")


def write_mzml(run: Run, path: Path) -> None:
    """Write all scans and traces as mzML 1.1, arrays compressed with zlib.

    Raises
    ------
    InvalidMeasurement : the run has neither an ion nor a trace.
    OSError, RuntimeError : the file cannot be written.
    """
    import pyopenms

    if not any(len(trace.value) for trace in run.traces):
        _require_points(run)
    experiment = pyopenms.MSExperiment()
    _describe(experiment, run.metadata, pyopenms)
    for scan in range(len(run.scans)):
        experiment.addSpectrum(_spectrum(run, scan, pyopenms))
    experiment.setChromatograms([_chromatogram(trace, pyopenms) for trace in run.traces])
    file = pyopenms.MzMLFile()
    options = file.getOptions()
    options.setCompression(True)
    options.setMz32Bit(False)
    options.setIntensity32Bit(True)
    file.setOptions(options)
    file.store(str(path), experiment)


def lost_in_mzml(run: Run) -> tuple[str, ...]:
    """What `write_mzml` has no place for, in plain words."""
    units = sorted({trace.unit for trace in run.traces if trace.unit})
    found = (
        (run.optical, f"{len(run.optical)} optical spectra (JCAMP-DX or CSV holds them)"),
        (run.diode_arrays, f"{len(run.diode_arrays)} diode arrays (CSV holds them)"),
        (run.titles, "the names of the scans"),
        (units, f"the units of the traces ({', '.join(units)[:60]})"),
        (run.metadata.details.keys() - {"software"}, "the further details of the file"),
    )
    return tuple(text for lost, text in found if lost)


def write_andi(run: Run, path: Path) -> None:
    """Write the run as ANDI/AIA mass spectrometry (ASTM E2077), netCDF-3.

    Raises
    ------
    InvalidMeasurement : no ions, no time axis, or scans of more than one MS level.
    OSError : the file cannot be written.
    """
    from scipy.io import netcdf_file

    _require_points(run)
    if not run.scans.has_time or np.any(run.scans.ms_level != 1):
        raise InvalidMeasurement("ANDI holds scans of one MS level, each with its time")
    with netcdf_file(str(path), "w") as content:
        for key, value in _andi_attributes(run.metadata).items():
            setattr(content, key, value.encode("cp1252", "replace"))
        _andi_variables(content, run.scans)
        _andi_instrument(content, run.metadata.instrument)


def _require_points(run: Run) -> None:
    if not len(run.scans) or not len(run.scans.mz):
        raise InvalidMeasurement("a file needs at least one scan with one ion")


def _describe(experiment: Any, metadata: Metadata, pyopenms: Any) -> None:
    instrument, sample = experiment.getInstrument(), experiment.getSample()
    instrument.setName(_xml(metadata.instrument))
    instrument.setCustomizations(_xml(metadata.instrument))  # the name itself is kept only if it is a CV term
    software = instrument.getSoftware()
    written_by = _xml(metadata.details.get("software", _SOFTWARE))
    software.setName(SIMULATED_MARKER if metadata.simulated else written_by)
    instrument.setSoftware(software)
    made = {Technique.GC_MS: "EI", Technique.LC_MS: "ESI"}.get(metadata.technique)
    if made:
        source = pyopenms.IonSource()
        source.setIonizationMethod(getattr(pyopenms.IonSource.IonizationMethod, made))
        instrument.setIonSources([source])
    experiment.setInstrument(instrument)
    sample.setName(_xml(metadata.sample_name))
    experiment.setSample(sample)
    if metadata.acquired_at:
        experiment.setMetaValue("acquired at", _xml(metadata.acquired_at))
    found = _ISO.match(metadata.acquired_at)
    if found:
        moment = pyopenms.DateTime()
        moment.set(f"{found[1]} {found[2]}")
        experiment.setDateTime(moment)


def _xml(text: str) -> str:
    """Without the control characters that no XML can hold."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _spectrum(run: Run, scan: int, pyopenms: Any) -> Any:
    scans = run.scans
    points = slice(int(scans.offset[scan]), int(scans.offset[scan + 1]))
    spectrum = pyopenms.MSSpectrum()
    spectrum.set_peaks((scans.mz[points].copy(), scans.intensity[points].astype(np.float32)))
    spectrum.setMSLevel(int(scans.ms_level[scan]))
    spectrum.setType(pyopenms.SpectrumSettings.SpectrumType.CENTROID)
    spectrum.setNativeID(f"scan={scan + 1}")
    if scans.has_time:
        spectrum.setRT(float(scans.rt_s[scan]))
    polarity = int(scans.polarity[scan])
    if polarity:
        of = pyopenms.IonSource.Polarity
        recorded = spectrum.getInstrumentSettings()
        recorded.setPolarity(of.POSITIVE if polarity > 0 else of.NEGATIVE)
        spectrum.setInstrumentSettings(recorded)
    spectrum.setPrecursors(_precursors(scans, scan, pyopenms))
    return spectrum


def _precursors(scans: ScanTable, scan: int, pyopenms: Any) -> list[Any]:
    mz, energy = float(scans.precursor_mz[scan]), float(scans.collision_ev[scan])
    if np.isnan(mz) and np.isnan(energy):
        return []
    precursor = pyopenms.Precursor()
    if not np.isnan(mz):
        precursor.setMZ(mz)
    if not np.isnan(energy):
        precursor.setMetaValue("collision energy", energy)
    return [precursor]


def _chromatogram(trace: Trace, pyopenms: Any) -> Any:
    chromatogram = pyopenms.MSChromatogram()
    chromatogram.set_peaks((trace.time_s.copy(), trace.value.copy()))
    chromatogram.setNativeID(_xml(trace.name))
    kinds = pyopenms.ChromatogramSettings.ChromatogramType
    if trace.name == _STORED_TOTAL:
        chromatogram.setChromatogramType(kinds.TOTAL_ION_CURRENT_CHROMATOGRAM)
    elif trace.unit.upper().endswith("AU"):  # AU, mAU: absorbance units
        chromatogram.setChromatogramType(kinds.ABSORPTION_CHROMATOGRAM)
    return chromatogram


def _andi_attributes(metadata: Metadata) -> dict[str, str]:
    gas = metadata.technique is Technique.GC_MS
    attributes = {
        "dataset_completeness": "C1",
        "ms_template_revision": "1.0.1",
        "netcdf_revision": "3.0",
        "languages": "English",
        "administrative_comments": SIMULATED_MARKER if metadata.simulated else "",
        "experiment_title": metadata.sample_name,
        "experiment_date_time_stamp": metadata.acquired_at,
        "experiment_type": "Centroided Mass Spectrum",
        "source_file_format": metadata.format,
        "test_separation_type": "Gas-Liquid Chromatography" if gas else "No Chromatography",
        "test_ionization_mode": "Electron Impact" if gas else "",
        "raw_data_mass_format": "Double",
        "raw_data_time_format": "Double",
        "raw_data_intensity_format": "Double",
        "units": "Seconds",
    }
    return {key: value for key, value in attributes.items() if value}


def _andi_variables(content: Any, scans: ScanTable) -> None:
    content.createDimension("scan_number", len(scans))
    content.createDimension("point_number", len(scans.mz))
    counts = np.diff(scans.offset)
    for name, values, kind in (
        ("scan_acquisition_time", scans.rt_s, "d"),
        ("scan_index", scans.offset[:-1], "i"),
        ("point_count", counts, "i"),
        ("actual_scan_number", np.arange(len(scans)), "i"),
        ("total_intensity", scans.total_ion_current(), "d"),
    ):
        content.createVariable(name, kind, ("scan_number",))[:] = values
    for name, values, unit in (
        ("mass_values", scans.mz, b"M/Z"),
        ("intensity_values", scans.intensity, b"Counts"),
    ):
        variable = content.createVariable(name, "d", ("point_number",))
        variable[:] = values
        variable.units = unit


def _andi_instrument(content: Any, instrument: str) -> None:
    content.createDimension("instrument_number", 1)
    content.createDimension("_32_byte_string", 32)
    variable = content.createVariable("instrument_name", "c", ("instrument_number", "_32_byte_string"))
    variable[0] = np.frombuffer(instrument.encode("cp1252", "replace")[:32].ljust(32, b"\0"), "S1")
