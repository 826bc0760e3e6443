"""How a library record was measured, and so what it can be compared with, from the record's own words.

The rules for the kind, first that holds:

1. DART, "in-source" or an orifice voltage in the instrument, ionisation or energy: in-source fragments.
2. A level of two or more, stated or told by adduct and precursor (`spectra.readers.block_run.ms_level`):
   product ions.
3. EI in the instrument or ionisation: electron ionisation, of whatever mass accuracy.
4. Another ionisation (ESI, APCI, CI, MALDI …) without fragmentation: comparable with nothing.
5. A gas chromatograph without another word: electron ionisation.
6. A precursor: product ions. Nothing at all: electron ionisation, as libraries without such words are.
"""

from __future__ import annotations

import re
from typing import TypedDict

import numpy as np

from library.record import SpectrumKind
from spectra.readers.block_run import (
    ADDUCT_KEYS,
    ENERGY_KEYS,
    energy_ev,
    ms_level,
    polarity,
    precursor_mz,
)
from spectra.readers.msp import MspBlock

_TYPE_KEYS = ("instrument_type", "instrumenttype", "instrument type", "source_instrument")
_INSTRUMENT_KEYS = ("instrument", "instrument name", "instrument_name")
_IONISATION_KEYS = (
    "ionization",
    "ionisation",
    "ion_source",
    "ionsource",
    "ionization type",
    ".ionizationmode",
)
_FRAGMENTATION_KEYS = ("fragmentation_mode", "fragmentation mode", "fragmentation", "fragmentation_method")
_LICENCE_KEYS = ("licence", "license")
_NOTHING = frozenset({"nan", "n/a", "na", "none", "null", "-1"})

_IN_SOURCE = re.compile(r"\bdart\b|\bin[\s-]?source\b|\borifice", re.IGNORECASE)
_ELECTRON = re.compile(r"\bei\b|electron (?:impact|ioni[sz]ation)", re.IGNORECASE)
_SOFT = re.compile(
    r"\b(?:(?:nano-?|d|h)?esi|apci|appi|maldi|fab|ci|nci|pci|fd|fi|lc)\b|electrospray|chemical ioni[sz]ation",
    re.IGNORECASE,
)
_GAS = re.compile(r"\bgc\b|\bgcms\b|gas chromatograph", re.IGNORECASE)
_FIGURE = re.compile(r"(?<![\w.])[+-]?(\d+(?:\.\d+)?)(?=\s*e?V\b)")
_ANY_FIGURE = re.compile(r"(?<![\w.])\d")


class Conditions(TypedDict):
    """Fields of `library.record.Record`."""

    kind: SpectrumKind
    precursor_mz: float | None
    adduct: str
    polarity: int
    energy: str
    energy_ev: float | None
    instrument: str
    licence: str


def conditions(block: MspBlock) -> Conditions | None:
    """How the record was measured; None for one that is comparable with nothing that is searched."""
    kind = kind_of(block)
    if kind is None:
        return None
    precursor, energy = precursor_mz(block), _stated(block, ENERGY_KEYS)
    return Conditions(
        kind=kind,
        precursor_mz=float(precursor) if np.isfinite(precursor) and kind is not SpectrumKind.EI else None,
        adduct="" if kind is SpectrumKind.EI else block.get(*ADDUCT_KEYS),
        polarity=polarity(block),
        energy=energy,
        energy_ev=single_energy(energy),
        instrument=_instrument(block),
        licence=block.get(*_LICENCE_KEYS),
    )


def kind_of(block: MspBlock) -> SpectrumKind | None:
    """By the rules of the module."""
    ionisation = f"{block.get(*_TYPE_KEYS)} {block.get(*_IONISATION_KEYS)}"
    source = f"{ionisation} {block.get(*_INSTRUMENT_KEYS)}"
    if _IN_SOURCE.search(f"{source} {block.get(*_FRAGMENTATION_KEYS)} {block.get(*ENERGY_KEYS)}"):
        return SpectrumKind.IN_SOURCE
    if ms_level(block) > 1:
        return SpectrumKind.MSMS
    if _ELECTRON.search(source):
        return SpectrumKind.EI
    if _SOFT.search(ionisation):
        return None
    if _GAS.search(source):
        return SpectrumKind.EI
    return SpectrumKind.MSMS if np.isfinite(precursor_mz(block)) else SpectrumKind.EI


def single_energy(text: str) -> float | None:
    """The one energy or voltage a text tells, in eV or V; None for none, several, shares and ramps."""
    known = energy_ev(text)
    if np.isfinite(known):
        return known
    found = _FIGURE.findall(text)
    return float(found[0]) if len(found) == len(_ANY_FIGURE.findall(text)) == 1 else None


def _stated(block: MspBlock, keys: tuple[str, ...]) -> str:
    value = block.get(*keys)
    return "" if value.lower() in _NOTHING else value


def _instrument(block: MspBlock) -> str:
    """Type and make, each once."""
    told = (block.get(*_TYPE_KEYS), block.get(*_INSTRUMENT_KEYS))
    return "; ".join(dict.fromkeys(filter(None, told)))
