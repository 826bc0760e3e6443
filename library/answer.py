"""The answer for one file: components, candidates, and what stayed unexplained.

One frozen value that goes to people, to machines and into the laboratory's record alike; its JSON form is
versioned by ``SCHEMA`` and documented in docs/identify.md.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

SCHEMA = "xbt.identification/1"


class Decision(StrEnum):
    """What may be said of a component."""

    IDENTIFIED = "identified"  # one substance stands out
    GROUP = (
        "group"  # one of several this technique cannot separate; of one: it, or an isomer not in the library
    )
    FAMILY = "family"  # nothing in the library, but it looks like a relative of what is
    ARTEFACT = "artefact"  # made by the instrument or its consumables
    UNKNOWN = "unknown"


class Peaks(msgspec.Struct, frozen=True):
    """A spectrum as lists, intensities in percent of the base peak."""

    mz: list[float]
    intensity: list[float]


class Candidate(msgspec.Struct, frozen=True):
    """A reference the component resembles."""

    rank: int
    name: str
    inchikey: str
    formula: str
    match_factor: float  # 0..1000
    reverse_match_factor: float  # 0..1000
    matched_ions: int
    isomer_group: list[str]  # names this technique cannot tell apart, this one included
    isomer_group_inchikeys: list[str]  # same order
    library: str
    reference: int  # record number in that library release
    spectrum: Peaks
    partial: bool = False  # the reference lists principal ions only
    missing_ions: list[
        int
    ] = []  # of the reference, 5 % of its base peak or more, where the query was scanned
    unexplained_ions: list[int] = []  # of the query, 5 % of its base peak or more
    explained: float | None = None  # 0..1 of the query's intensity
    adduct: str = ""  # the ion it was found by, such as "[M+H]+"; "" for electron ionisation
    precursor_error_ppm: float | None = None  # measured − expected
    energies: list[str] = []  # of its references that were compared, best first
    mass_only: bool = False  # nothing but an accurate mass speaks for it
    isotopes_fit: bool | None = None  # whether M + 1 and M + 2 are what its formula makes; None: not seen
    ratios_passed: int = 0  # of ion ratios tested, those that agree with the reference
    ratios_tested: int = 0
    retention_index_error: float | None = None  # measured − reference; None where either is not known


class Absorbed(msgspec.Struct, frozen=True):
    """An infrared or Raman curve above its baseline."""

    cm1: list[float]
    height: list[float]  # absorbance; Raman: counts


class Hiding(msgspec.Struct, frozen=True):
    """A substance of the watch list that was not found, and what this measurement would not have shown."""

    name: str
    inchikey: str
    below: float  # 0..1 of the spectrum; 1: any share


class Optical(msgspec.Struct, frozen=True):
    """An infrared or Raman spectrum and what was made of it."""

    kind: str  # "infrared" or "raman"
    state: str  # "measured"; "empty", "weak", "saturated", "inverted": nothing was searched
    signal: Absorbed
    residual: list[float]  # signal less all components, same places
    hiding: list[Hiding] = []


class Confidence(msgspec.Struct, frozen=True):
    """Chances of the statements about a component, 0..1 each (docs/identification.md)."""

    compound: float  # the best candidate is the substance
    group: float  # the substance is in the best candidate's isomer group
    absent: float  # the substance is not in the libraries searched


class Family(msgspec.Struct, frozen=True):
    """A hint: what the component resembles, and how it differs from its nearest relative."""

    family: str  # code of the substance table, such as "fentanyl"
    cls: str  # class code, such as "opioid"
    share: float  # 0..1 of what resembles the component
    relative: str
    relative_inchikey: str
    mass_difference: float | None  # component − relative in Th, None where its molecular ion is not known
    meaning: str  # that difference as a change of formula, such as "+CH2"; "" if it is no usual one


class Component(msgspec.Struct, frozen=True):
    """What deconvolution found at one retention time."""

    number: int
    rt_min: float | None  # None: the file has no time axis
    rt_start_min: float | None
    rt_end_min: float | None
    area: float  # counts·s
    area_share: float  # 0..1 of the signal above the baseline
    purity: float  # 0..1 own share of the signal under the peak
    spectrum: Peaks
    decision: Decision
    artefact: str  # what it is an artefact of, "" if none
    candidates: list[Candidate]
    confidence: Confidence | None = (
        None  # None: no candidate, an artefact, or an answer made before there was any
    )
    family: Family | None = None
    compared: str = "ei"  # kind of reference: "ei", "msms", "in_source"; "mass" where only a mass was known
    polarity: int = 0  # +1, −1; 0 where it does not matter or is not told
    precursor_mz: float | None = None  # of its strongest whole ion, Th
    neutral_mass: float | None = None  # u, as its ions tell; of one ion alone, as if it were protonated
    adducts: list[str] = []  # of its ions, strongest first; "" a fragment made in the source
    energies: list[float] = []  # eV (V in the source) at which it was measured
    co_isolated: list[float] = []  # Th: other ions in the isolation window, whose products were taken out
    share_low: float | None = None  # 95 % interval of area_share; None: not estimated
    share_high: float | None = None
    shift_cm1: float | None = None  # infrared, Raman: its bands lie higher than the reference's
    f_value: float | None = None  # how much worse the sum of all components fits without this one
    part: Absorbed | None = None  # its part of an infrared or Raman spectrum
    quality: float | None = None  # 0..1 of its signal around the apex that the fit explains
    saturated_ions: list[int] = []  # at the limit of the detector: their heights are told by their flanks
    tails: bool = False  # leaves the column slowly: column or inlet holds it back
    retention_index: float | None = None  # by the ladder of the method
    divided: bool = False  # one of several that the libraries found in the spectrum of one peak


class Source(msgspec.Struct, frozen=True):
    """The file, as its reader describes it."""

    name: str
    sha256: str
    format: str
    reader: str
    technique: str
    instrument: str
    acquired_at: str
    sample_name: str
    simulated: bool


class LibraryUsed(msgspec.Struct, frozen=True):
    name: str
    version: int
    digest: str
    spectra: int


class Curve(msgspec.Struct, frozen=True):
    """A line to draw: retention time in minutes against counts."""

    rt_min: list[float]
    intensity: list[float]


class LadderUsed(msgspec.Struct, frozen=True):
    """The retention ladder that indices were read from."""

    series: str
    method: str
    rt_s: list[float]
    index: list[float]


class Identification(msgspec.Struct, frozen=True):
    """The whole answer for one file."""

    schema: str
    software: str
    file: Source
    parameters: dict[str, float]
    libraries: list[LibraryUsed]
    components: list[Component]
    explained_share: float
    unexplained_share: float
    tic: Curve
    warnings: list[str]
    optical: Optical | None = None  # of infrared and Raman runs
    ladder: LadderUsed | None = None  # None: no retention index
