"""What every way of taking a run apart hands back, and how its spectra and hints are told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from library.answer import Component, Confidence, Family, Optical, Peaks
from library.confidence import Chances
from library.families import FamilyHint
from library.statement import Thresholds
from spectra.model import MassSpectrum


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """What is in a run.

    Parameters
    ----------
    components : in order. explained_share : 0..1 of the signal, of those that are named.
    warnings : what has to be said of the run. parameters : thresholds used.
    optical : the spectrum itself, of infrared and Raman runs.
    """

    components: tuple[Component, ...]
    explained_share: float
    warnings: tuple[str, ...]
    parameters: dict[str, float]
    optical: Optical | None = None


def parameters_of(rule: Thresholds, least_shown: float) -> dict[str, float]:
    """Thresholds as the answer tells them."""
    return {
        "least_match_factor": rule.least_score,
        "least_shown_match_factor": least_shown,
        "least_ions": rule.least_ions,
        "least_probability_identified": rule.identified,
        "least_probability_group": rule.grouped,
        "least_family_match_factor": rule.hint_score,
        "least_family_share": rule.hint_share,
        "assumed_share_unknown": rule.unknowns,
    }


def peaks_of(spectrum: MassSpectrum) -> Peaks:
    """In percent of the base peak."""
    percent = 100 * spectrum.intensity / (spectrum.base_peak or 1.0)
    return Peaks(np.round(spectrum.mz, 4).tolist(), np.round(percent, 2).tolist())


def confidence_of(told: Chances | None) -> Confidence | None:
    """As the answer tells it."""
    if told is None:
        return None
    return Confidence(*(round(chance, 3) for chance in (told.compound, told.group, told.absent)))


def family_of_hint(found: FamilyHint | None) -> Family | None:
    """As the answer tells it."""
    if found is None:
        return None
    return Family(
        family=found.family,
        cls=found.cls,
        share=round(found.share, 3),
        relative=found.relative.name,
        relative_inchikey=found.relative.inchikey,
        mass_difference=None if found.mass_difference is None else round(found.mass_difference, 4),
        meaning=found.meaning,
    )
