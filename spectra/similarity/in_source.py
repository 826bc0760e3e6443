"""Likeness of in-source spectra taken at several voltages, and which references together explain them.

Promises: the measures of the inverted library search as published (Moorthy & Sisco, JASMS 2021 32:1725;
PMC9808410), and a joint explanation in which an ion counts once however many references show it.
Refuses nothing but impossible numbers: an empty spectrum agrees with nothing.

The inverted measures ask whether a reference can be *in* the query, so they suit mixtures; the forward ones
ask whether the query *is* the reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from spectra.model import Floats, Ints, MassSpectrum, spectrum_from_peaks

TOLERANCE_TH = 0.01
NOTHING_MATCHED = 0.99  # bias of a reference without a common ion
STRENGTH = -0.3  # exponent of the weights: weak ions count, noise does not decide
LEAST_WEIGHED = 0.01  # of the strongest ion of a spectrum


@dataclass(frozen=True, slots=True)
class Agreement:
    """A query and a reference at one voltage.

    Parameters
    ----------
    explained : 0..1, share of the asking side's intensity that lies at ions of the other (FPIE for the
        inverted search, "fraction of peak intensity explained").
    cosine : 0..1, over the ions of the asking side (RevMF) or, forward, of both.
    bias_th : standard deviation of the distances of matched ions in Th, the distance itself if one is
        matched, `NOTHING_MATCHED` if none is.
    matched : ions of the asking side that the other shows.
    """

    explained: float
    cosine: float
    bias_th: float
    matched: int


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What references together make of spectra at several voltages.

    Parameters
    ----------
    share : (references,) float64, 0..1, of the summed intensity, each voltage counting the same.
    needed : (references,) float64, 0..1, how much of it stays unexplained when one is left out and the
        others may take over: what that reference alone accounts for.
    explained : (voltages,) float64, 0..1, share of each spectrum's intensity.
    residual : what is left of each spectrum, base peak 1 of the spectrum itself.
    """

    share: Floats
    needed: Floats
    explained: Floats
    residual: tuple[MassSpectrum, ...]


def inverted(
    query: MassSpectrum, reference: MassSpectrum, *, highest: float, tolerance: float = TOLERANCE_TH
) -> Agreement:
    """How much of a reference the query shows: FPIE, RevMF and bias of the inverted library search.

    FPIE = Σ intensity of reference ions with a query ion within ``tolerance`` / Σ intensity of all. RevMF =
    x·y / (|x||y|) over the reference's ions, y the intensity of the nearest query ion or 0. Of equally near
    query ions the lighter one is taken.

    Parameters
    ----------
    highest : reference ions above this m/z are left out ([M+H]+ and ``tolerance``).
    """
    inside = reference.mz <= highest
    return _agreement(reference.mz[inside], reference.intensity[inside], query, tolerance)


def forward(
    query: MassSpectrum, reference: MassSpectrum, *, highest: float, tolerance: float = TOLERANCE_TH
) -> Agreement:
    """How much of the query up to m/z ``highest`` the reference shows; the cosine is over ions of both."""
    inside = query.mz <= highest
    one = _agreement(query.mz[inside], query.intensity[inside], reference, tolerance)
    back = inverted(query, reference, highest=highest, tolerance=tolerance)
    norm = np.linalg.norm(query.intensity[inside])
    matched = _nearest(query.mz[inside], reference.mz, tolerance) >= 0
    common = np.linalg.norm(query.intensity[inside][matched])
    cosine = back.cosine * float(common / norm) if norm > 0 else 0.0
    return Agreement(one.explained, min(cosine, 1.0), one.bias_th, one.matched)


def indices(mass_error_th: float, agreements: Sequence[Agreement]) -> tuple[float, float]:
    """Index 1 and index 2 of the inverted library search, 0..1, over the voltages measured.

    (1 − |Δm|) · mean(FPIE or RevMF) · (1 − mean bias), with Δm in Th between target and precursor.
    """
    if not agreements:
        return 0.0, 0.0
    trust = max(1 - abs(mass_error_th), 0.0) * (1 - float(np.mean([one.bias_th for one in agreements])))
    explained = float(np.mean([one.explained for one in agreements]))
    return max(trust, 0.0) * explained, max(trust, 0.0) * float(np.mean([one.cosine for one in agreements]))


def explain(
    query: Sequence[MassSpectrum],
    references: Sequence[Sequence[MassSpectrum | None]],
    *,
    tolerance: float = TOLERANCE_TH,
) -> Explanation:
    """Non-negative amounts of the references that together come nearest to the query at all voltages.

    Each spectrum is scaled to sum 1; all voltages of a reference share one amount, so that its fragments
    at 90 V speak for its whole ion at 30 V. Least squares of intensities weighted by strength^−0.3. An ion of
    a reference that the query lacks counts against it; where a reference has no spectrum at a voltage,
    nothing is said.

    Parameters
    ----------
    references : for each, one spectrum per query spectrum, None where there is none.
    """
    axes = [_axis(one, [r[k] for r in references], tolerance) for k, one in enumerate(query)]
    shown = [_placed(one, axis, tolerance) for one, axis in zip(query, axes, strict=True)]
    made = [
        np.array([_placed(r[k], axis, tolerance) for r in references]).reshape(len(references), len(axis))
        for k, axis in enumerate(axes)
    ]
    y = np.concatenate([np.empty(0), *shown])
    matrix = np.concatenate([np.empty((len(references), 0)), *made], axis=1).T
    weight = np.concatenate([np.empty(0), *(_weights(one) for one in shown)])
    amounts = _amounts(matrix, y, weight)
    fitted = [amounts @ one for one in made]
    explained = np.array([np.minimum(f, s).sum() for f, s in zip(fitted, shown, strict=True)])
    contribution = matrix * amounts
    total = max(float(contribution.sum()), 1e-12)
    return Explanation(
        share=contribution.sum(axis=0) / total * (explained.mean() if len(query) else 0.0),
        needed=_needed(matrix, y, weight, amounts, len(query)),
        explained=explained,
        residual=tuple(
            _left(one, axis, s - f) for one, axis, s, f in zip(query, axes, shown, fitted, strict=True)
        ),
    )


def _amounts(matrix: Floats, y: Floats, weight: Floats) -> Floats:
    if not matrix.size:
        return np.zeros(matrix.shape[1])
    return np.asarray(nnls(matrix * weight[:, None], y * weight)[0], np.float64)


def _needed(matrix: Floats, y: Floats, weight: Floats, amounts: Floats, voltages: int) -> Floats:
    """Drop of the explained share when a reference is left out and the others are fitted again."""
    needed = np.zeros(len(amounts))
    whole = np.minimum(matrix @ amounts, y).sum()
    for k in np.flatnonzero(amounts):
        others = np.arange(len(amounts)) != k
        refitted = matrix[:, others] @ _amounts(matrix[:, others], y, weight)
        needed[k] = max(whole - np.minimum(refitted, y).sum(), 0.0) / voltages
    return needed


def _agreement(mz: Floats, intensity: Floats, other: MassSpectrum, tolerance: float) -> Agreement:
    near = _nearest(mz, other.mz, tolerance)
    found = near >= 0
    there = np.zeros(len(mz))
    there[found] = other.intensity[near[found]]
    away = np.abs(mz[found] - other.mz[near[found]])
    norm = float(np.linalg.norm(intensity) * np.linalg.norm(there))
    total = float(intensity.sum())
    return Agreement(
        explained=float(intensity[found].sum()) / total if total > 0 else 0.0,
        cosine=min(float(intensity @ there) / norm, 1.0) if norm > 0 else 0.0,
        bias_th=_bias(away),
        matched=int(found.sum()),
    )


def _bias(away: Floats) -> float:
    if not len(away):
        return NOTHING_MATCHED
    return float(away[0]) if len(away) == 1 else float(np.std(away, ddof=1))


def _nearest(mz: Floats, others: Floats, tolerance: float) -> Ints:
    """(n,) place in ``others`` (ascending) nearest to each ``mz``, −1 where none is within ``tolerance``."""
    if not len(others):
        return np.full(len(mz), -1)
    right = np.minimum(np.searchsorted(others, mz), len(others) - 1)
    left = np.maximum(right - 1, 0)
    place = np.where(np.abs(others[left] - mz) <= np.abs(others[right] - mz), left, right)
    return np.where(np.abs(others[place] - mz) <= tolerance, place, -1)


def _axis(query: MassSpectrum, references: Sequence[MassSpectrum | None], tolerance: float) -> Floats:
    """Ascending m/z: the query's ions, and once each those of references that the query lacks."""
    rest = np.sort(np.concatenate([np.empty(0), *(one.mz for one in references if one is not None)]))
    rest = rest[_nearest(rest, query.mz, tolerance) < 0]
    alone = np.concatenate((np.ones(min(len(rest), 1), bool), np.diff(rest) > tolerance))
    return np.sort(np.concatenate((query.mz, rest[alone])))


def _placed(spectrum: MassSpectrum | None, axis: Floats, tolerance: float) -> Floats:
    """(axis,) intensities, sum 1; ions of a chain longer than the tolerance go to its nearest place."""
    values = np.zeros(len(axis))
    if spectrum is None or not spectrum.intensity.any():
        return values
    near = _nearest(spectrum.mz, axis, 2 * tolerance)
    np.add.at(values, near[near >= 0], spectrum.intensity[near >= 0])
    return np.asarray(values / spectrum.intensity.sum(), np.float64)


def _weights(shown: Floats) -> Floats:
    least = LEAST_WEIGHED * float(shown.max(initial=0.0))
    return (shown + least) ** STRENGTH if least > 0 else np.ones(len(shown))


def _left(query: MassSpectrum, axis: Floats, rest: Floats) -> MassSpectrum:
    """What of the query is not explained."""
    total, base = float(query.intensity.sum()), query.base_peak
    left = np.maximum(rest, 0.0)
    return spectrum_from_peaks(axis[left > 0], left[left > 0] * (total / base if base > 0 else 0.0))
