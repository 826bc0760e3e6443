"""Cosine scores of product-ion spectra of accurate mass: plain, modified (shifted ions too), neutral losses.

Σ wᵃ·wᵇ over matched ions / √(Σ wᵃ² · Σ wᵇ²) over all ions, w = (m/z)^``mz_power`` · I^``intensity_power``:
0 (nothing in common) .. 1. An ion is used once: pairs are taken from the largest product down (greedy; of
equal products the pair that stands last by m/z), as matchms 0.33 `CosineGreedy`, `ModifiedCosineGreedy` and
`NeutralLossesCosine` do. Sources: Stein & Scott 1994, doi 10.1016/1044-0305(94)87009-8; modified cosine:
Watrous et al. 2012, doi 10.1073/pnas.1203689109.
Ions may be any distance apart; masses are compared as `spectra.similarity.accurate` says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spectra.model import Floats, Ints, MassSpectrum
from spectra.similarity.accurate import FRAGMENT_TOLERANCE, Tolerance, inside, step, steps, windows
from spectra.similarity.cleaning import CleanSpectra


@dataclass(frozen=True, slots=True)
class Cosine:
    """A cosine score.

    Parameters
    ----------
    score : 0..1.
    matched_ions : pairs that count.
    """

    score: float
    matched_ions: int


NOTHING = Cosine(0.0, 0)


def cosine(
    a: MassSpectrum,
    b: MassSpectrum,
    tolerance: Tolerance = FRAGMENT_TOLERANCE,
    *,
    mz_power: float = 0.0,
    intensity_power: float = 1.0,
) -> Cosine:
    """Cosine over ions of equal m/z; a tolerance in ppm is taken of ``a``'s ions."""
    return _greedy(a, b, _pairs(a, b, tolerance, 0), mz_power, intensity_power)


def modified_cosine(
    a: MassSpectrum,
    b: MassSpectrum,
    precursor_a: float,
    precursor_b: float,
    tolerance: Tolerance = FRAGMENT_TOLERANCE,
    *,
    mz_power: float = 0.0,
    intensity_power: float = 1.0,
) -> Cosine:
    """Cosine over ions of equal m/z or neutral loss: some carry what two analogues differ in.

    Parameters
    ----------
    precursor_a, precursor_b : Th; when they agree within the tolerance this is `cosine`.

    Raises
    ------
    InvalidMeasurement : a precursor is not an m/z.
    """
    shift = _shift(precursor_a, precursor_b)
    if abs(shift) <= tolerance.reach(step(precursor_a)):
        return cosine(a, b, tolerance, mz_power=mz_power, intensity_power=intensity_power)
    pairs = np.concatenate((_pairs(a, b, tolerance, 0), _pairs(a, b, tolerance, shift)), axis=1)
    return _greedy(a, b, pairs, mz_power, intensity_power)


def neutral_loss_cosine(
    a: MassSpectrum,
    b: MassSpectrum,
    precursor_a: float,
    precursor_b: float,
    tolerance: Tolerance = FRAGMENT_TOLERANCE,
    *,
    mz_power: float = 0.0,
    intensity_power: float = 1.0,
) -> Cosine:
    """Cosine over ions of equal neutral loss (precursor − m/z); ions from the precursor on are left out.

    Raises
    ------
    InvalidMeasurement : a precursor is not an m/z.
    """
    a, b = _below(a, precursor_a), _below(b, precursor_b)
    pairs = _pairs(a, b, tolerance, _shift(precursor_a, precursor_b))
    return _greedy(a, b, pairs, mz_power, intensity_power)


def cosines(
    query: MassSpectrum,
    references: CleanSpectra,
    tolerance: Tolerance = FRAGMENT_TOLERANCE,
    *,
    mz_power: float = 1.0,
    intensity_power: float = 0.5,
) -> tuple[Floats, Ints]:
    """`cosine` of one cleaned spectrum with many: scores (rows,) float64, matched ions (rows,) int64.

    Parameters
    ----------
    query, references : ions more than twice the tolerance apart, so that each has one partner at most.
    """
    own = steps(query.mz)
    found, match = inside(windows(own, tolerance.around(own)), steps(references.mz))
    rows = len(references)
    owner = np.repeat(np.arange(rows), np.diff(references.offset))
    x = _weight(query.mz, query.intensity, mz_power, intensity_power)
    y = _weight(references.mz, references.intensity, mz_power, intensity_power)
    products = np.bincount(owner[found], weights=x[match] * y[found], minlength=rows)
    norms = np.sqrt((x**2).sum() * np.bincount(owner, weights=y**2, minlength=rows))
    scores = np.divide(products, norms, out=np.zeros(rows), where=norms > 0)
    return np.minimum(scores, 1.0), np.bincount(owner[found], minlength=rows)


def _weight(mz: Floats, intensity: Floats, mz_power: float, intensity_power: float) -> Floats:
    return np.asarray(mz**mz_power * intensity**intensity_power, np.float64)


def _shift(precursor_a: float, precursor_b: float) -> int:
    return step(precursor_a) - step(precursor_b)


def _below(spectrum: MassSpectrum, precursor: float) -> MassSpectrum:
    keep = spectrum.mz < precursor
    return MassSpectrum(spectrum.mz[keep], spectrum.intensity[keep])


def _pairs(a: MassSpectrum, b: MassSpectrum, tolerance: Tolerance, shift: int) -> Ints:
    """(2, pairs): ions of ``a`` and of ``b`` moved by ``shift`` steps that lie within the tolerance."""
    own, other = steps(a.mz), steps(b.mz).astype(np.int64) + shift
    half = tolerance.around(own)
    begin = np.searchsorted(other, own - half, side="left")
    count = np.searchsorted(other, own + half, side="right") - begin
    first = np.repeat(np.arange(len(own)), count)
    within = np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)
    return np.array((first, np.repeat(begin, count) + within), np.int64)


def _greedy(a: MassSpectrum, b: MassSpectrum, pairs: Ints, mz_power: float, intensity_power: float) -> Cosine:
    x = _weight(a.mz, a.intensity, mz_power, intensity_power)
    y = _weight(b.mz, b.intensity, mz_power, intensity_power)
    norm = float(np.sqrt((x**2).sum() * (y**2).sum()))
    if not pairs.size or norm <= 0:
        return NOTHING
    product = x[pairs[0]] * y[pairs[1]]
    used_a: set[int] = set()
    used_b: set[int] = set()
    total, matched = 0.0, 0
    for k in np.argsort(product, kind="stable")[::-1].tolist():
        first, second = int(pairs[0, k]), int(pairs[1, k])
        if first not in used_a and second not in used_b:
            used_a.add(first)
            used_b.add(second)
            total, matched = total + float(product[k]), matched + 1
    return Cosine(min(total / norm, 1.0), matched)
