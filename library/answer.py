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
    GROUP = "group"  # one of several that this technique cannot separate
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
