"""mzML 1.1, plain or indexed, through pyopenms.

Reads all spectra of every MS level (m/z as float64, intensities as the float32 that pyopenms keeps), their
times and precursors, and the stored total ion current. Before the library sees the file, the text itself
is checked: a DTD or an entity is forbidden whatever it does, the announced array lengths must stay within
the limits, and the closing tag must be there. Refuses encodings other than ASCII's relatives, which could
hide such a declaration.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np

from spectra.errors import Fault, InvalidMeasurement, UnreadableFile
from spectra.model import Metadata, Run, ScanTable, Technique, Trace
from spectra.readers.scans import check_limits, scan_table

name = "mzml"
formats = ("mzML", "indexed mzML")

_ROOT = re.compile(rb"<(?:indexedmzML|mzML)[\s>]")
_ENCODING = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_ENCODINGS = (b"utf-8", b"iso-8859-1", b"us-ascii", b"ascii", b"windows-1252", b"latin1")
_DECLARATION = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_LENGTH = re.compile(rb"""<spectrum\s[^>]*?defaultArrayLength\s*=\s*["'](\d{1,18})["']""")
_CLOSING_TAG = b"</mzML>"
_GAS = re.compile(r"gas.chromatograph|\bgc\b", re.IGNORECASE)


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """The root element stands within the first bytes."""
    return _ROOT.search(head) is not None


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    _check_text(path)
    import pyopenms

    experiment = pyopenms.MSExperiment()
    try:
        pyopenms.MzMLFile().load(str(path), experiment)
    except RuntimeError as error:
        raise _malformed(path) from error
    _check_spectra(experiment)
    warnings: list[str] = []
    table = _table(experiment, warnings)
    metadata = _metadata(experiment)
    titles = () if table.has_time else tuple(spectrum.getNativeID() for spectrum in experiment)
    return Run(metadata, table, _traces(experiment, warnings), titles, tuple(warnings))


def _check_text(path: Path) -> None:
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
        encoding = _ENCODING.match(text)
        if encoding and encoding[1].lower() not in _ENCODINGS:
            raise UnreadableFile(Fault.UNSUPPORTED, where="line 1", expected="UTF-8")
        declaration = _DECLARATION.search(text)
        if declaration:
            raise UnreadableFile(
                Fault.FORBIDDEN,
                where=f"byte {declaration.start()}",
                expected="mzML without a DTD or entities",
            )
        if text.find(_CLOSING_TAG, max(0, len(text) - 2**20)) < 0 and text.find(_CLOSING_TAG) < 0:
            raise UnreadableFile(
                Fault.TRUNCATED,
                where=f"byte {len(text)}",
                expected="the closing tag </mzML>",
                remedy="Copy or export the file again.",
            )
        check_limits([int(found[1]) for found in _LENGTH.finditer(text)])


def _malformed(path: Path) -> UnreadableFile:
    """The library does not say where; a plain XML parser may (there is no declaration left to obey)."""
    where = ""
    with path.open("rb") as stream:
        try:
            expat.ParserCreate().ParseFile(stream)
        except expat.ExpatError as error:
            where = f"line {error.lineno}"
    return UnreadableFile(
        Fault.MALFORMED, where=where, expected="well-formed mzML 1.1", remedy="Export the file again."
    )


def _check_spectra(experiment: Any) -> None:
    if not experiment.size() and experiment.getNrChromatograms():
        raise UnreadableFile(
            Fault.UNSUPPORTED,
            expected="mass spectra; this file holds chromatograms of single transitions only",
            remedy="Export the full scans of the run.",
        )


def _table(experiment: Any, warnings: list[str]) -> ScanTable:
    spectra = list(experiment)
    peaks = [spectrum.get_peaks() for spectrum in spectra]
    profile = sum(str(spectrum.getType()).endswith("PROFILE") for spectrum in spectra)
    if profile:
        warnings.append(f"{profile} spectra are continuum (profile) data; peaks were not picked.")
    return scan_table(
        [spectrum.getRT() for spectrum in spectra],
        [len(mz) for mz, _ in peaks],
        np.concatenate([mz for mz, _ in peaks]) if peaks else (),
        np.concatenate([intensity for _, intensity in peaks]) if peaks else (),
        warnings=warnings,
        ms_level=[max(spectrum.getMSLevel(), 1) for spectrum in spectra],
        precursor_mz=[_precursor(spectrum) for spectrum in spectra],
    )


def _precursor(spectrum: Any) -> float:
    found = spectrum.getPrecursors()
    mz = float(found[0].getMZ()) if found else np.nan
    return mz if mz > 0 else np.nan


def _traces(experiment: Any, warnings: list[str]) -> tuple[Trace, ...]:
    """The stored total ion current; other chromatograms are counted, not read."""
    kept, others = [], 0
    for chromatogram in experiment.getChromatograms():
        time, value = chromatogram.get_peaks()
        try:
            if str(chromatogram.getChromatogramType()).endswith("TOTAL_ION_CURRENT_CHROMATOGRAM"):
                kept.append(Trace("TIC as stored", np.asarray(time), np.asarray(value)))
            else:
                others += 1
        except InvalidMeasurement:
            warnings.append("The stored total ion current is not a valid trace; it was left out.")
    if others:
        warnings.append(f"{others} chromatograms of single ions or transitions were left out.")
    return tuple(kept)


def _metadata(experiment: Any) -> Metadata:
    instrument = experiment.getInstrument()
    model = instrument.getModel() or instrument.getName() or instrument.getCustomizations()
    acquired = _meta_value(experiment, "acquired at") or experiment.getDateTime().get()
    sample = experiment.getSample()
    details = {
        "software": " ".join(
            filter(None, (instrument.getSoftware().getName(), instrument.getSoftware().getVersion()))
        ),
        "processing": ", ".join(_processing(experiment)),
        "source": next((file.getNameOfFile() for file in experiment.getSourceFiles()), ""),
        "comment": experiment.getComment() or sample.getComment(),
        "run": _meta_value(experiment, "mzml_id"),
        "serial number": _meta_value(instrument, "instrument serial number"),
    }
    return Metadata(
        format="mzML",
        reader=name,
        technique=_technique(instrument, details),
        instrument=" ".join(filter(None, (instrument.getVendor(), model))),
        acquired_at="" if acquired.startswith("0000") else acquired,
        sample_name=sample.getName(),
        details={key: value[:500] for key, value in details.items() if value},
    )


def _processing(experiment: Any) -> list[str]:
    first = next(iter(experiment), None)
    names = [step.getSoftware().getName() for step in first.getDataProcessing()] if first is not None else []
    return sorted(set(filter(None, names)))


def _meta_value(owner: Any, key: str) -> str:
    return str(owner.getMetaValue(key)) if owner.metaValueExists(key) else ""


def _technique(instrument: Any, details: dict[str, str]) -> Technique:
    """mzML states no chromatography; electron ionisation, or the word itself, tells of a gas one."""
    sources = {str(source.getIonizationMethod()).rpartition(".")[2] for source in instrument.getIonSources()}
    if "EI" in sources or _GAS.search(
        " ".join((instrument.getName(), instrument.getModel(), details["software"]))
    ):
        return Technique.GC_MS
    return Technique.LC_MS if sources & {"ESI", "NESI", "APCI", "APPI"} else Technique.UNKNOWN
