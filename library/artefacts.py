"""What the instrument and its consumables put into every run: recognised by pattern, never called a drug.

A pattern is a set of ions that dominate a spectrum; the patterns are data (`library/data/artefacts.toml`),
each with the chemistry that explains it. What a hot inlet makes of a substance is told by identity
(`made_in_inlet`): such a product is no artefact of the instrument, and its parent may be what was handed in.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from spectra.model import MassSpectrum
from spectra.nominal import nominal_mass


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of artefact.

    base : the base peak is one of these masses.
    required : these masses have at least ``least_percent`` of the base peak, all of them.
    any_of : of these masses at least ``least_any`` have at least ``least_percent`` of the base peak.
    family : masses that belong to the pattern (with their isotope ions one and two units above).
    least_share : the family holds at least this share of the summed intensity.
    """

    code: str
    name: str
    base: frozenset[int]
    required: frozenset[int]
    any_of: frozenset[int]
    least_any: int
    least_percent: float
    family: frozenset[int]
    least_share: float


@dataclass(frozen=True, slots=True)
class InletProduct:
    """A substance that a hot inlet makes of another.

    product : first block of its InChIKey. name, parent : in words. reaction : what the parent does.
    source : where that is described.
    """

    product: str
    name: str
    parent: str
    reaction: str
    source: str


@cache
def patterns() -> tuple[Pattern, ...]:
    """The shipped patterns, in the order in which they are tried."""
    return tuple(
        Pattern(
            code=row["code"],
            name=row["name"],
            base=frozenset(row["base"]),
            required=frozenset(row.get("required", ())),
            any_of=frozenset(row.get("any_of", ())),
            least_any=row.get("least_any", 0),
            least_percent=row["least_percent"],
            family=frozenset(row["family"]),
            least_share=row["least_share"],
        )
        for row in _shipped()["pattern"]
    )


@cache
def made_in_inlet(connectivity: str) -> tuple[InletProduct, ...]:
    """What may have become a substance in the inlet, by the first block of its InChIKey."""
    products = (InletProduct(**row) for row in _shipped()["inlet"])
    return tuple(one for one in products if one.product == connectivity)


@cache
def _shipped() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(
        resources.files("library.data").joinpath("artefacts.toml").read_text(encoding="utf-8")
    )


def artefact_of(spectrum: MassSpectrum) -> Pattern | None:
    """The artefact this spectrum shows, or None."""
    if not len(spectrum):
        return None
    mass, intensity = nominal_mass(spectrum.mz), spectrum.intensity
    percent = dict(zip(mass.tolist(), (100 * intensity / intensity.max()).tolist(), strict=True))
    base = int(mass[int(np.argmax(intensity))])
    return next((p for p in patterns() if _fits(p, base, percent)), None)


def _fits(pattern: Pattern, base: int, percent: dict[int, float]) -> bool:
    present = {mass for mass, value in percent.items() if value >= pattern.least_percent}
    if base not in pattern.base or not pattern.required <= present:
        return False
    if len(pattern.any_of & present) < pattern.least_any:
        return False
    family = {mass + isotope for mass in pattern.family for isotope in (0, 1, 2)}
    own = sum(value for mass, value in percent.items() if mass in family)
    return own >= pattern.least_share * sum(percent.values())
