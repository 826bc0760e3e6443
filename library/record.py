"""Reference spectra as library files tell them, before a release is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from spectra.model import Floats, OpticalSpectrum


class SpectrumKind(StrEnum):
    """What a reference spectrum can be compared with; the value is stable."""

    EI = "ei"  # electron ionisation, 70 eV, compared at unit mass
    MSMS = "msms"  # product ions of an isolated precursor
    IN_SOURCE = "in_source"  # fragments made in the ion source of a direct-ionisation instrument (DART)
    INFRARED = "infrared"
    RAMAN = "raman"


class Reason(StrEnum):
    """Why a record was left out; the value is stable."""

    NO_NAME = "no_name"
    NO_PEAKS = "no_peaks"
    INCOMPLETE = "incomplete"  # less than half the peaks it announces
    MZ_RANGE = "mz_range"
    NO_SIGNAL = "no_signal"  # all intensities zero
    NOT_COMPARABLE = "not_comparable"  # no kind of spectrum that is searched
    UNREADABLE = "unreadable"  # a file of several that cannot be read


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A reference spectrum as its file tells it.

    Parameters
    ----------
    name : never empty.
    mz, intensity : (n,) float64, n ≥ 1, file order, Th and the file's own unit.
    inchikey, formula, cas, source_id, comments : "" where the file does not tell.
    retention_index : as given, None where missing.
    partial : principal ions only; ions weaker than the weakest listed one are unknown.
    mz_low : where the scan started, None where not known.
    kind : what it can be compared with.
    precursor_mz, adduct, polarity : of product-ion and in-source spectra; None, "" and 0 where not told.
    energy : collision energy or orifice voltage as the file writes it; ``energy_ev`` the same as one number
        in eV or V, None where the file tells none or several.
    instrument, licence : as the file writes them.
    line : of the file, from 1, or the number of the record in JSON; 0 if not from a file.
    file : its name where an import takes several, else "".
    problems : what had to be left out or repaired, in plain words.
    """

    name: str
    mz: Floats
    intensity: Floats
    inchikey: str = ""
    formula: str = ""
    cas: str = ""
    synonyms: tuple[str, ...] = ()
    retention_index: float | None = None
    source_id: str = ""
    comments: str = ""
    partial: bool = False
    mz_low: float | None = None
    line: int = 0
    problems: tuple[str, ...] = ()
    kind: SpectrumKind = SpectrumKind.EI
    precursor_mz: float | None = None
    adduct: str = ""
    polarity: int = 0
    energy: str = ""
    energy_ev: float | None = None
    instrument: str = ""
    licence: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class OpticalRecord:
    """An infrared or Raman reference spectrum; fields as in `Record`."""

    name: str
    spectrum: OpticalSpectrum
    kind: SpectrumKind
    inchikey: str = ""
    formula: str = ""
    cas: str = ""
    synonyms: tuple[str, ...] = ()
    source_id: str = ""
    comments: str = ""
    instrument: str = ""
    licence: str = ""
    line: int = 0
    problems: tuple[str, ...] = ()
    file: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record left out: where, what it calls itself, why (stable code, and in plain words)."""

    line: int
    name: str
    reason: Reason
    text: str
    file: str = ""


AnyRecord = Record | OpticalRecord | Skipped
