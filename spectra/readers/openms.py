"""From what pyopenms read to a `Run`: the part that mzML, mzXML and mzData share.

Keeps spectra of every MS level (m/z as float64, intensities as the float32 that pyopenms holds) with time,
polarity, precursor and collision energy, and every chromatogram as a trace. Continuum spectra are reduced to
peaks, with a warning.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import InvalidMeasurement
from spectra.model import Metadata, Run, ScanTable, Technique, Trace
from spectra.readers.centroid import looks_continuous
from spectra.readers.scans import check_limits, scan_table
from spectra.readers.xml_text import malformed

_GAS = re.compile(r"gas.chromatograph|\bgc\b|\bEI (?:Full|SIM)\b", re.IGNORECASE)
_TIC = "TOTAL_ION_CURRENT_CHROMATOGRAM"
_MAX_TRACES = 10_000


def load(loader: Any, path: Path, what: str) -> Any:
    """An ``MSExperiment`` of the file.

    Raises
    ------
    UnreadableFile : `Fault.MALFORMED`, with the line where a plain XML parser stumbles too.
    """
    import pyopenms

    experiment = pyopenms.MSExperiment()
    try:
        loader.load(str(path), experiment)
    except RuntimeError as error:
        raise malformed(path, what) from error
    return experiment


def run_of(experiment: Any, metadata: Metadata, warnings: list[str], collision_ev: Any = ()) -> Run:
    """The run; times in s. ``collision_ev`` where the library does not give it, (scans,)."""
    table = _table(experiment, warnings, collision_ev)
    timeless = len(table) and not table.has_time
    titles = tuple(spectrum.getNativeID() for spectrum in experiment) if timeless else ()
    return Run(metadata, table, _traces(experiment, warnings), titles, tuple(warnings))


def _table(experiment: Any, warnings: list[str], collision_ev: Any) -> ScanTable:
    spectra = list(experiment)
    peaks = [spectrum.get_peaks() for spectrum in spectra]
    return scan_table(
        [spectrum.getRT() for spectrum in spectra],
        [len(mz) for mz, _ in peaks],
        np.concatenate([mz for mz, _ in peaks]) if peaks else (),
        np.concatenate([intensity for _, intensity in peaks]) if peaks else (),
        warnings=warnings,
        ms_level=[max(spectrum.getMSLevel(), 1) for spectrum in spectra],
        precursor_mz=[_precursor(spectrum) for spectrum in spectra],
        polarity=[_polarity(spectrum) for spectrum in spectra],
        collision_ev=collision_ev or [_collision(spectrum) for spectrum in spectra],
        profile=[_is_profile(spectrum, *pair) for spectrum, pair in zip(spectra, peaks, strict=True)],
    )


def _is_profile(spectrum: Any, mz: Any, intensity: Any) -> bool:
    """What the file says; where it says nothing, what the points look like."""
    kind = str(spectrum.getType()).rpartition(".")[2]
    return kind == "PROFILE" or (kind == "UNKNOWN" and looks_continuous(mz, intensity))


def _precursor(spectrum: Any) -> float:
    found = spectrum.getPrecursors()
    mz = float(found[0].getMZ()) if found else np.nan
    return mz if mz > 0 else np.nan


def _collision(spectrum: Any) -> float:
    found = spectrum.getPrecursors()
    if not found:
        return np.nan
    if found[0].metaValueExists("collision energy"):
        return float(found[0].getMetaValue("collision energy"))
    energy = float(found[0].getActivationEnergy())
    return energy if energy > 0 else np.nan


def _polarity(spectrum: Any) -> int:
    sign = str(spectrum.getInstrumentSettings().getPolarity()).rpartition(".")[2]
    return {"POSITIVE": 1, "NEGATIVE": -1}.get(sign, 0)


def _traces(experiment: Any, warnings: list[str]) -> tuple[Trace, ...]:
    kept, broken = [], 0
    chromatograms = experiment.getChromatograms()
    if len(chromatograms) > _MAX_TRACES:
        warnings.append(f"Only the first {_MAX_TRACES} of {len(chromatograms)} chromatograms were read.")
    check_limits([one.size() for one in chromatograms[:_MAX_TRACES]])
    for chromatogram in chromatograms[:_MAX_TRACES]:
        time, value = chromatogram.get_peaks()
        try:
            kept.append(Trace(_trace_name(chromatogram), np.asarray(time), np.asarray(value)))
        except InvalidMeasurement:
            broken += 1
    if broken:
        warnings.append(f"{broken} stored chromatograms are not valid traces; they were left out.")
    return tuple(kept)


def _trace_name(chromatogram: Any) -> str:
    if str(chromatogram.getChromatogramType()).endswith(_TIC):
        return "TIC as stored"
    steps = (chromatogram.getPrecursor().getMZ(), chromatogram.getProduct().getMZ())
    transition = " > ".join(f"{mz:g}" for mz in steps if mz > 0)
    return " ".join(filter(None, (chromatogram.getNativeID()[:200], transition and f"({transition})")))


def metadata_of(experiment: Any, *, format: str, reader: str) -> Metadata:  # noqa: A002
    """What pyopenms knows about instrument, sample and processing."""
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
        "ionisation": ", ".join(sorted(_sources(instrument) - {"IONMETHODNULL"})),
        "scan filter": next((_meta_value(spectrum, "filter string") for spectrum in experiment), ""),
    }
    return Metadata(
        format=format,
        reader=reader,
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


def _sources(instrument: Any) -> set[str]:
    return {str(source.getIonizationMethod()).rpartition(".")[2] for source in instrument.getIonSources()}


def _technique(instrument: Any, details: dict[str, str]) -> Technique:
    """No XML format states the chromatography; electron ionisation, or the word, tells of a gas one."""
    sources = _sources(instrument)
    texts = (instrument.getName(), instrument.getModel(), details["software"], details["scan filter"])
    if "EI" in sources or _GAS.search(" ".join(texts)):
        return Technique.GC_MS
    return Technique.LC_MS if sources & {"ESI", "NESI", "APCI", "APPI"} else Technique.UNKNOWN
