"""Measured against expected, by the tolerances of a named guideline.

Promises: each check keeps what was expected, measured and allowed, so that it can be printed. Refuses to
check what a guideline has no tolerance for: the answer is None, not "passed".
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from library.answer import Candidate, Peaks
from spectra.model import Floats

IONS = 4  # strongest ions of the reference whose ratios are compared, the strongest of them included
_SLACK = 1e-9
_UNIT_MASS = 0.5


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison; ``allowed`` is the greatest |measured − expected|, in their unit."""

    what: str  # "m/z 182", "retention", "mass"
    expected: float
    measured: float
    allowed: float

    @property
    def passes(self) -> bool:
        """Whether the measurement is within the tolerance, limits included."""
        return abs(self.measured - self.expected) <= self.allowed + _SLACK


@dataclass(frozen=True, slots=True)
class RatioClass:
    """Holds for expected ratios above ``above``; the tolerance is relative to the ratio or absolute."""

    above: float
    relative: float | None
    absolute: float | None

    def allowed(self, expected: float) -> float:
        """Greatest deviation of a ratio."""
        return self.relative * expected if self.relative is not None else float(self.absolute or 0.0)


@dataclass(frozen=True, slots=True)
class Guideline:
    """Tolerances of one document; None where it has none that is on record.

    Parameters
    ----------
    compared : with what its classes "ei" and "other" were held together afterwards; "not compared" where the
        document could not be read.
    """

    code: str
    source: str
    compared: dict[str, str]
    ei: tuple[RatioClass, ...]
    other: tuple[RatioClass, ...]
    retention_relative: dict[str, float]  # by "gc" and "lc"
    retention_minutes: float | None
    mass_ppm: float | None
    mass_mda_below_200: float | None


@cache
def guidelines() -> dict[str, Guideline]:
    """By code.

    Raises
    ------
    KeyError, TypeError : the table is incomplete.
    """
    text = resources.files("library").joinpath("data", "tolerances.toml").read_text("utf-8")
    return {code: _guideline(code, entry) for code, entry in tomllib.loads(text).items()}


def ratio_check(guideline: Guideline, what: str, expected: float, measured: float, *, ei: bool) -> Check:
    """A ratio (0..1 of the strongest ion) against that of the reference."""
    classes = guideline.ei if ei else guideline.other
    holding = next((one for one in classes if expected > one.above), classes[-1])
    return Check(what, expected, measured, holding.allowed(expected))


def retention_check(guideline: Guideline, separation: str, expected: float, measured: float) -> Check | None:
    """A retention time in minutes against that of a standard; ``separation`` is "gc" or "lc"."""
    relative = guideline.retention_relative.get(separation)
    allowed = guideline.retention_minutes if relative is None else relative * expected
    return None if allowed is None else Check("retention", expected, measured, allowed)


def mass_check(guideline: Guideline, expected: float, measured: float) -> Check | None:
    """An accurate m/z against that of the formula."""
    if guideline.mass_ppm is None:
        return None
    allowed = guideline.mass_ppm * expected * 1e-6
    if expected < 200 and guideline.mass_mda_below_200 is not None:
        allowed = guideline.mass_mda_below_200 / 1000
    return Check("mass", expected, measured, allowed)


def ion_ratios(guideline: Guideline, candidate: Candidate, measured: Peaks, *, ei: bool) -> tuple[Check, ...]:
    """Ratios of the strongest ions of a reference spectrum, in it and in the component's.

    Relative to the strongest ion of the reference. Empty for a reference of principal ions only: its ratios
    are rounded too coarsely, or come from tables. A library is another instrument than a standard measured in
    the same batch: what fails here is a reason to look, what passes is no proof.
    """
    if candidate.partial or not candidate.spectrum.mz:
        return ()
    intensity = np.asarray(candidate.spectrum.intensity, np.float64)
    strongest = np.argsort(-intensity, kind="stable")[:IONS]
    masses = np.asarray(candidate.spectrum.mz, np.float64)[strongest]
    expected, found = intensity[strongest], _at(masses, measured)
    if found[0] <= 0:
        return ()
    pairs = zip(masses[1:], expected[1:] / expected[0], found[1:] / found[0], strict=True)
    return tuple(
        ratio_check(guideline, f"m/z {mass:g}", float(want), float(got), ei=ei) for mass, want, got in pairs
    )


def _at(masses: ArrayLike, spectrum: Peaks) -> Floats:
    """Intensity of a spectrum within half a mass unit of each mass."""
    mz, intensity = np.asarray(spectrum.mz, np.float64), np.asarray(spectrum.intensity, np.float64)
    near = np.abs(mz[None, :] - np.asarray(masses, np.float64)[:, None]) <= _UNIT_MASS
    return np.asarray(np.where(near, intensity[None, :], 0.0).sum(1), np.float64)


def _guideline(code: str, entry: dict[str, Any]) -> Guideline:
    return Guideline(
        code=code,
        source=entry["source"],
        compared=entry["compared"],
        ei=_classes(entry["ei"]),
        other=_classes(entry["other"]),
        retention_relative=entry.get("retention_relative", {}),
        retention_minutes=entry.get("retention_minutes"),
        mass_ppm=entry.get("mass_ppm"),
        mass_mda_below_200=entry.get("mass_mda_below_200"),
    )


def _classes(rows: list[dict[str, float]]) -> tuple[RatioClass, ...]:
    return tuple(RatioClass(row["above"], row.get("relative"), row.get("absolute")) for row in rows)
