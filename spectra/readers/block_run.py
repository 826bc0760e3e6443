"""Records of a spectral library as a measurement: their spectra, without a time axis.

Whatever text or JSON they come from, records are `MspBlock`s here. What a record says that was not
understood becomes a warning; a record without a peak is left out with one. Retention times are counted in
a warning and not kept: the spectra of a library lie on no common time axis.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Metadata, Run, Technique
from spectra.readers.msp import MspBlock
from spectra.readers.scans import MAX_POINTS, MAX_SCANS, scan_table

PRECURSOR_KEYS = ("precursormz", "precursor_mz", "precursor m/z", "pepmass")
LEVEL_KEYS = ("spectrum_type", "spectrumtype", "ms_level", "mslevel", "ms level")
POLARITY_KEYS = ("ion_mode", "ionmode", "ionization_mode", "ionization mode", "polarity", "scan polarity")
ADDUCT_KEYS = ("precursor_type", "precursortype", "adduct", "precursor type", "ion_type")
ENERGY_KEYS = ("collision_energy", "collisionenergy", "collision energy", "ce")
_INSTRUMENT_KEYS = ("instrument", "source_instrument", "instrument_type", "instrumenttype", "instrument type")
_TIME_KEYS = ("rtinseconds", "retentiontime", "retention_time", "retention time")
_LEVEL = re.compile(r"(?:ms\D{0,3})?([1-9])|(msms|ms/ms)", re.IGNORECASE)
_ADDUCT_CHARGE = re.compile(r"\]\d*([+-])")
_VOLTS = re.compile(
    r"(?:hcd|cid|orifice\d?)?\s*\+?(\d+(?:\.\d+)?)\s*(?:e?v)?(?:\s*\(nominal\))?", re.IGNORECASE
)
_FIRST_FIGURE = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
_NOT_ISOLATED = re.compile(r"\bei\b|in-source")  # ways to fragment everything at once
_MAX_WARNINGS = 50


def run_of_blocks(blocks: Iterable[MspBlock], *, kind: str, reader: str) -> Run:
    """All spectra with at least one peak, named, with level, precursor, polarity and collision energy.

    Raises
    ------
    UnreadableFile : more peaks or spectra than are read.
    """
    warnings: list[str] = []
    kept = _kept(blocks, warnings)
    levels = [ms_level(block) for block in kept]
    told = [block.get(*ENERGY_KEYS) for block in kept]
    energies = [energy_ev(text) for text in told]
    _note_energies(told, energies, warnings)
    table = scan_table(
        np.full(len(kept), np.nan),
        [len(block.mz) for block in kept],
        np.concatenate([block.mz for block in kept]) if kept else (),
        np.concatenate([block.intensity for block in kept]) if kept else (),
        warnings=warnings,
        any_order=True,
        ms_level=levels,
        precursor_mz=[
            precursor_mz(b) if level > 1 else np.nan for b, level in zip(kept, levels, strict=True)
        ],
        polarity=[polarity(block) for block in kept],
        collision_ev=energies,
    )
    titles = tuple(block.get("name") for block in kept)
    timed = sum(retention_s(block) > 0 for block in kept)
    if timed:
        warnings.append(f"{timed} spectra name a retention time; they are shown without a time axis.")
    return Run(_metadata(kept, kind, reader), table, titles=titles, warnings=_shortened(warnings))


def ms_level(block: MspBlock) -> int:
    """As the record says; else 2 where it names a precursor with its adduct, as a library of MS/MS does."""
    text = block.get(*LEVEL_KEYS).strip()
    found = _LEVEL.fullmatch(text)
    if found:
        return int(found[1] or 2)
    source = block.get("instrument_type", "instrumenttype", "ionization").lower()
    adduct = block.get(*ADDUCT_KEYS)
    fragments = "]" in adduct and (not adduct.startswith("[M]") or bool(block.get(*ENERGY_KEYS)))
    whole = _NOT_ISOLATED.search(source) is not None
    return 2 if fragments and not whole and np.isfinite(precursor_mz(block)) else 1


def _precursor(block: MspBlock, level: int) -> float:
    return precursor_mz(block) if level > 1 else float("nan")


def precursor_mz(block: MspBlock) -> float:
    """Th, NaN where the record names none."""
    try:
        mz = float(block.get(*PRECURSOR_KEYS).split()[0].replace(",", "."))
    except (ValueError, IndexError):
        return float("nan")
    return mz if np.isfinite(mz) and mz > 0 else float("nan")


def polarity(block: MspBlock) -> int:
    """+1, −1, or 0 where neither the mode nor the adduct nor the charge tells."""
    mode = block.get(*POLARITY_KEYS).strip().lower()
    if mode not in ("", "n/a", "na", "none") and mode[0] in "p+n-":
        return 1 if mode[0] in "p+" else -1
    charge = _ADDUCT_CHARGE.search(block.get(*ADDUCT_KEYS))
    sign = charge[1] if charge else next((s for s in "+-" if s in block.get("charge")), "")
    return {"+": 1, "-": -1}.get(sign, 0)


def energy_ev(text: str) -> float:
    """A single energy in eV; NaN for none, several, a ramp, and energies in per cent or normalised units."""
    found = _VOLTS.fullmatch(text.strip())
    return float(found[1]) if found else float("nan")


def retention_s(block: MspBlock) -> float:
    """s, NaN where the record tells none; minutes unless it says seconds."""
    key = next((key for key in _TIME_KEYS if block.get(key)), "")
    text = block.get(key).lower() if key else ""
    figure = _FIRST_FIGURE.match(text)
    if not figure:
        return float("nan")
    rest = text[figure.end() :].strip()
    seconds = key == "rtinseconds" or rest.startswith("s")
    return float(figure[0]) * (1.0 if seconds else 60.0)


def _kept(blocks: Iterable[MspBlock], warnings: list[str]) -> list[MspBlock]:
    kept: list[MspBlock] = []
    points = 0
    for block in blocks:
        label = f"{block.get('name') or 'spectrum'} (line {block.line})"
        warnings += [f"{label}: {problem}." for problem in block.problems]
        points += len(block.mz)
        if points > MAX_POINTS or len(kept) >= MAX_SCANS:
            expected = f"at most {MAX_POINTS} peaks in {MAX_SCANS} spectra"
            raise UnreadableFile(Fault.TOO_LARGE, where=f"line {block.line}", expected=expected)
        kept += [block] if len(block.mz) else []
    return kept


def _note_energies(told: list[str], energies: list[float], warnings: list[str]) -> None:
    unread = [text for text, energy in zip(told, energies, strict=True) if text and not np.isfinite(energy)]
    unread = [text for text in unread if text.lower() not in ("nan", "n/a", "na", "none", "0")]
    if unread:
        warnings.append(
            f"{len(unread)} collision energies are no single figure in eV, e.g. {unread[0][:60]!r}."
        )


def _metadata(blocks: list[MspBlock], kind: str, reader: str) -> Metadata:
    first = blocks[0] if blocks else MspBlock(0, (), np.empty(0), np.empty(0))
    details = {"comment": first.get("comments", "comment")[:500]} if len(blocks) == 1 else {}
    return Metadata(
        format=kind,
        reader=reader,
        technique=Technique.MS,
        instrument=first.get(*_INSTRUMENT_KEYS),
        sample_name=first.get("name") if len(blocks) == 1 else "",
        details={key: value for key, value in details.items() if value},
    )


def _shortened(warnings: list[str]) -> tuple[str, ...]:
    if len(warnings) <= _MAX_WARNINGS:
        return tuple(warnings)
    return (*warnings[:_MAX_WARNINGS], f"{len(warnings) - _MAX_WARNINGS} more remarks of this kind.")
