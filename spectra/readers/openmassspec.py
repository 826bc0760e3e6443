"""From what openmassspec-io decodes of a vendor's file to a `Run`: the part that Thermo and Shimadzu share.

The library (Rust, no vendor code, no .NET) hands over one spectrum at a time, so limits hold while it reads.
Continuum scans are told by their points, not by the flag of the scan: the library gives the stored peaks of a
Thermo scan that is flagged as profile. Normalised collision energies are not electronvolts; they are counted
in a warning and left out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import Fault, InvalidMeasurement, UnreadableFile
from spectra.model import Floats, Metadata, Run, ScanTable, Technique, Trace
from spectra.readers.centroid import looks_continuous
from spectra.readers.scans import MAX_POINTS, MAX_SCAN_POINTS, check_limits, scan_table

_AGAIN = "Copy the file again from the instrument, or convert it to mzML with ProteoWizard's msconvert."
_POLARITY = {"positive": 1, "negative": -1}
_TRACES = {"TIC": "TIC as stored"}
_ENDED_EARLY = re.compile(r"unexpected end|only \d+ bytes remain|end of file", re.IGNORECASE)


def read_vendor(path: Path, *, reader: str, format: str) -> Run:  # noqa: A002
    """The run; times in s.

    Raises
    ------
    UnreadableFile : TRUNCATED or MALFORMED with the library's place, TOO_LARGE while it reads.
    """
    import openmassspec_io

    try:
        info = openmassspec_io.run_info(str(path))
        spectra = _bounded(openmassspec_io.iter_spectra(str(path)))
        chromatograms = openmassspec_io.read_chromatograms(str(path))
    except UnreadableFile:
        raise
    except BaseException as error:  # a panic of the native part is no `Exception`
        if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
            raise
        raise _unreadable(error, format) from error
    warnings: list[str] = []
    table = _table(spectra, warnings)
    metadata = _metadata(info, spectra, reader=reader, format=format)
    _note_other_detectors(info, warnings)
    return Run(metadata, table, _traces(chromatograms, warnings), warnings=tuple(warnings))


def _unreadable(error: BaseException, format: str) -> UnreadableFile:  # noqa: A002
    place = re.search(r"offset (0x[0-9a-f]{1,16})", str(error))
    where = f"byte {int(place[1], 16)}" if place else ""
    fault = Fault.TRUNCATED if _ENDED_EARLY.search(str(error)) else Fault.MALFORMED
    return UnreadableFile(fault, where=where, expected=f"a whole {format} file", remedy=_AGAIN)


class _Spectrum:
    """One spectrum, with only what is kept of it."""

    def __init__(self, given: Any) -> None:
        self.rt_s = float(given.retention_time_sec)
        self.mz: Floats = np.asarray(given.mz, np.float64)
        self.intensity: Floats = np.asarray(given.intensity, np.float64)
        self.level = max(int(given.ms_level or 1), 1)
        self.polarity = _POLARITY.get(str(given.polarity), 0)
        self.filter = str(given.filter or "")
        self.precursor: dict[str, Any] = given.precursor or {}

    @property
    def precursor_mz(self) -> float:
        mz = self.precursor.get("selected_mz") or self.precursor.get("target_mz")
        return float(mz) if mz else np.nan

    @property
    def is_normalised(self) -> bool:
        return bool(self.precursor.get("ce_is_nce")) and self.precursor.get("collision_energy") is not None

    @property
    def collision_ev(self) -> float:
        energy = self.precursor.get("collision_energy")
        return np.nan if energy is None or self.is_normalised else float(energy)


def _bounded(given: Any) -> list[_Spectrum]:
    spectra: list[_Spectrum] = []
    points = 0
    for one in given:
        spectra.append(_Spectrum(one))
        points += len(spectra[-1].mz)
        if points > MAX_POINTS or len(spectra[-1].mz) > MAX_SCAN_POINTS:
            break  # refused below, before more is decoded
    check_limits([len(spectrum.mz) for spectrum in spectra])
    return spectra


def _table(spectra: list[_Spectrum], warnings: list[str]) -> ScanTable:
    normalised = sum(spectrum.is_normalised for spectrum in spectra)
    if normalised:
        warnings.append(
            f"{normalised} scans state a normalised collision energy, which is not in eV; it was left out."
        )
    return scan_table(
        [spectrum.rt_s for spectrum in spectra],
        [len(spectrum.mz) for spectrum in spectra],
        np.concatenate([spectrum.mz for spectrum in spectra]) if spectra else (),
        np.concatenate([spectrum.intensity for spectrum in spectra]) if spectra else (),
        warnings=warnings,
        ms_level=[spectrum.level for spectrum in spectra],
        precursor_mz=[spectrum.precursor_mz for spectrum in spectra],
        polarity=[spectrum.polarity for spectrum in spectra],
        collision_ev=[spectrum.collision_ev for spectrum in spectra],
        profile=[looks_continuous(spectrum.mz, spectrum.intensity) for spectrum in spectra],
    )


def _traces(chromatograms: list[Any], warnings: list[str]) -> tuple[Trace, ...]:
    kept = []
    for one in chromatograms:
        try:
            kept.append(Trace(_TRACES.get(one.id, one.id), one.time_sec, one.intensity))
        except InvalidMeasurement:
            warnings.append(f"The stored chromatogram {one.id} is not a valid trace; it was left out.")
    return tuple(kept)


def _note_other_detectors(info: Any, warnings: list[str]) -> None:
    controllers = str(info.extra.get("opentfraw.controller_count", "1"))
    if controllers.isdigit() and int(controllers) > 1:
        warnings.append(f"{int(controllers) - 1} further detectors (UV, analogue) of the file are not read.")


def _metadata(info: Any, spectra: list[_Spectrum], *, reader: str, format: str) -> Metadata:  # noqa: A002
    extra = {key.partition(".")[2].replace("_", " "): value for key, value in info.extra.items()}
    first = next((spectrum.filter for spectrum in spectra if spectrum.filter), "")
    details = {
        key: str(value)[:500]
        for key, value in extra.items()
        if value not in ("", "0") and not key.startswith("user label")
    }
    details |= {"scan filter": first, "serial number": str(info.instrument_serial_number or "")}
    return Metadata(
        format=format,
        reader=reader,
        technique=_technique(first),
        instrument=str(info.instrument_name or ""),
        acquired_at=str(info.start_timestamp or ""),
        sample_name=extra.get("sample id", "") or extra.get("sample name", ""),
        details={key: value for key, value in details.items() if value},
    )


def _technique(scan_filter: str) -> Technique:
    words = set(scan_filter.upper().split())
    if "EI" in words:
        return Technique.GC_MS
    return Technique.LC_MS if words & {"ESI", "NSI", "APCI", "APPI"} else Technique.UNKNOWN
