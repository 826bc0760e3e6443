"""Product-ion spectra of several precursors taken apart: who made which ion.

Promises: the best candidates of every precursor in the isolation window are fitted together by non-negative
least squares; each precursor keeps what the others do not account for, and of what no candidate explains the
share that it has of the ions isolated. Refuses nothing: without a candidate the whole is divided so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from library.release import Release
from library.search.msms import Hit, Query, search
from spectra.model import Floats, MassSpectrum
from spectra.similarity.accurate import FRAGMENT_TOLERANCE, PRECURSOR_TOLERANCE, Tolerance
from spectra.similarity.cleaning import clean_spectrum

CANDIDATES = 4  # of each precursor
OTHERS_OWN = 0.5  # of an ion: from there on it is left to the other precursors
LEAST_SCORE = 100.0  # of 1000: what explains less is no candidate


def unmixed(
    releases: Sequence[Release],
    spectrum: MassSpectrum,
    precursors: Sequence[float],
    shares: Sequence[float],
    polarity: int,
    *,
    precursor_tolerance: Tolerance = PRECURSOR_TOLERANCE,
) -> list[MassSpectrum]:
    """What of a spectrum each precursor may have made.

    Parameters
    ----------
    precursors : m/z in Th of all that the isolation window held, at least one; ``shares`` 0..1 of each.
    """
    queries = [Query(spectrum, mz, polarity) for mz in precursors]
    found = search(releases, queries, top=CANDIDATES, precursor_tolerance=precursor_tolerance)
    clean = clean_spectrum(spectrum.mz, spectrum.intensity, max(precursors))
    owner, columns = _columns(clean, found)
    if not owner or not len(clean):
        return [spectrum] * len(precursors)
    amounts = nnls(columns, clean.intensity)[0]
    made = np.zeros((len(precursors), len(clean)))
    np.add.at(made, owner, (columns * amounts).T)
    known = made.sum(axis=0) > 0
    return [
        _left(clean, np.where(known, made.sum(axis=0) - own, (1 - share) * clean.intensity), known)
        for own, share in zip(made, shares, strict=True)
    ]


def _columns(clean: MassSpectrum, found: Sequence[Sequence[Hit]]) -> tuple[list[int], Floats]:
    """The precursor of each candidate, and (ions + 1, candidates) its spectrum at the query's ions."""
    owner, columns = [], []
    for precursor, hits in enumerate(found):
        for hit in hits:
            if hit.score >= LEAST_SCORE:
                owner.append(precursor)
                columns.append(_placed(hit, clean))
    return owner, np.array(columns).reshape(len(columns), len(clean)).T


def _placed(hit: Hit, clean: MassSpectrum) -> Floats:
    """(ions,) the reference's intensities, sum 1 with those the query lacks."""
    own = clean_spectrum(
        hit.reference.spectrum.mz, hit.reference.spectrum.intensity, hit.reference.precursor_mz
    )
    values = np.zeros(len(clean))
    for mz, intensity in zip(own.mz.tolist(), own.intensity.tolist(), strict=True):
        away = np.abs(clean.mz - mz)
        if len(away) and away.min() <= FRAGMENT_TOLERANCE.value:
            values[away.argmin()] += intensity
    return values


def _left(clean: MassSpectrum, others: Floats, known: NDArray[np.bool_]) -> MassSpectrum:
    keep = ~known | (others < OTHERS_OWN * clean.intensity)
    left = clean.intensity - others
    keep &= left > 0
    return MassSpectrum(clean.mz[keep], left[keep])
