"""Spectral entropy and entropy similarity of product-ion spectra of accurate mass.

Source: Li et al. 2021, Nature Methods 18:1524, doi 10.1038/s41592-021-01331-z; the form that sums over
matched ions only: Li & Fiehn 2023, doi 10.1038/s41592-023-02012-9.
Refuses spectra with ions nearer than twice the tolerance: `spectra.similarity.cleaning` makes them fit.
"""

from __future__ import annotations

import numpy as np

from spectra.model import Floats, Ints, MassSpectrum
from spectra.similarity.accurate import FRAGMENT_TOLERANCE, Tolerance, inside, steps, windows

FULL_ENTROPY = 3.0  # nat; from there on intensities are taken as they are
LEAST_EXPONENT = 0.25
PER_NAT = float(1 / np.log(2))


def spectral_entropy(intensity: Floats) -> float:
    """S = −Σ p ln p in nat, p = I/ΣI; 0 for one ion or none, ln n for n equal ions.

    Parameters
    ----------
    intensity : (n,) ≥ 0, any unit.
    """
    share = np.asarray(intensity, np.float64)
    share = share[share > 0]
    if not len(share):
        return 0.0
    share = share / share.sum()
    return max(float(-(share * np.log(share)).sum()), 0.0)


def entropies(offset: Ints, intensity: Floats) -> Floats:
    """(rows,) float64, nat: `spectral_entropy` of compressed sparse rows that sum to 1 (or are empty)."""
    return np.maximum(-_row_sums(offset, intensity * np.log(intensity)), 0.0)


def weighted_spectrum(intensity: Floats) -> Floats:
    """`weighted` of one spectrum of sum 1 without zeros."""
    logarithm = np.log(intensity)
    entropy = -float(intensity @ logarithm)
    if entropy >= FULL_ENTROPY or not len(intensity):
        return intensity
    logarithm *= LEAST_EXPONENT * (1 + max(entropy, 0.0))
    raised: Floats = np.exp(logarithm, out=logarithm)
    raised /= np.add.reduce(raised)
    return raised


def weighted(offset: Ints, intensity: Floats) -> Floats:
    """(ions,) float64, sum 1 per row: I^(0.25 + 0.25·S) where S < 3, lest a few ions decide alone.

    Parameters
    ----------
    offset, intensity : compressed sparse rows, each of sum 1 (or empty), intensities > 0.
    """
    counts = np.diff(offset)
    entropy = entropies(offset, intensity)
    exponent = np.where(entropy < FULL_ENTROPY, LEAST_EXPONENT * (1 + entropy), 1.0)
    raised = intensity ** np.repeat(exponent, counts)
    return np.asarray(raised / np.repeat(_row_sums(offset, raised), counts), np.float64)


def entropy_similarity(
    a: MassSpectrum,
    b: MassSpectrum,
    tolerance: Tolerance = FRAGMENT_TOLERANCE,
    *,
    weigh: bool = True,
) -> float:
    """Similarity 1 − (2·S(AB) − S(A) − S(B))/ln 4, 0 (no ion in common) .. 1 (equal).

    Equal to Σ f(x + y) − f(x) − f(y) over matched ions, f(x) = x·log₂ x, x and y scaled to sum ½ each.

    Parameters
    ----------
    a, b : cleaned spectra, scaled to sum 1 here; 0 if one is empty.
    tolerance : in ppm it is taken of ``a``'s ions.
    weigh : raise intensities as `weighted` does first.

    Raises
    ------
    InvalidMeasurement : ions of one spectrum are not more than twice the tolerance apart.
    """
    first, second = steps(a.mz), steps(b.mz)
    windows(second, tolerance.around(second))
    found, match = inside(windows(first, tolerance.around(first)), second)
    x, y = _halves(a.intensity, weigh), _halves(b.intensity, weigh)
    return float(gain(x[match], y[found]).sum())


def gain(x: Floats, y: Floats) -> Floats:
    """What matched ions add to the similarity: f(x + y) − f(x) − f(y), f(x) = x·log₂ x, all > 0."""
    both = np.asarray(x + y, np.float64)
    total: Floats = np.log(both)  # the natural logarithm is the fastest one
    total *= both
    for part in (x, y):
        np.log(part, out=both)
        both *= part
        total -= both
    total *= PER_NAT
    return total


def _halves(intensity: Floats, weigh: bool) -> Floats:
    total = intensity.sum()
    share = intensity / total if total > 0 else intensity
    return (weighted_spectrum(share) if weigh else share) / 2


def _row_sums(offset: Ints, values: Floats) -> Floats:
    sums = np.zeros(len(offset) - 1)
    filled = np.flatnonzero(np.diff(offset))
    if len(filled):
        sums[filled] = np.add.reduceat(values, offset[filled])
    return sums
