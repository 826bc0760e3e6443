"""Older scores of unit-mass spectra that searches are compared with, one query against many rows at once.

All compare ions from the later of the two scan starts on, u and l being intensities at mass m; ions that only
one spectrum has count in its norm. Equal scores are left to the caller; 0 where nothing is in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from spectra.model import Floats, Ints
from spectra.similarity.mass import HIGHEST_MASS, NOISE_FLOOR, UnitSpectrum, UnitTable, Whole
from spectra.similarity.match_factor import flat_ions, share, summed


class Weighting(Enum):
    """Exponents (a, b) of the weight mᵃ·Iᵇ.

    ROOT and STEIN_SCOTT: Stein & Scott, JASMS 1994, doi 10.1016/1044-0305(94)87009-8; KIM as commonly quoted
    for Kim et al. 2012.
    """

    ROOT = (0.0, 0.5)
    BOTH_ROOTS = (0.5, 0.5)
    KIM = (1.3, 0.53)
    STEIN_SCOTT = (3.0, 0.6)


def weighted_cosines(
    query: UnitSpectrum, table: UnitTable, rows: Ints, weighting: Weighting = Weighting.ROOT
) -> Floats:
    """(k,) float64, 0..1: Σ w_u·w_l / √(Σ w_u² · Σ w_l²), w = mᵃ·Iᵇ."""
    both = _side_by_side(query, table, rows)
    a, b = weighting.value
    w_u, w_l = both.mass**a * both.u**b, both.mass**a * both.l**b
    dot, norm_l = summed(both.owner, w_u * w_l, len(rows)), summed(both.owner, w_l**2, len(rows))
    norm_u = _tail(query, query.mass**a * query.intensity**b, both.begin)
    return np.minimum(share(dot, np.sqrt(norm_u[0] * norm_l)), 1.0)


def simple_similarity(query: UnitSpectrum, table: UnitTable, rows: Ints) -> Floats:
    """(k,) float64, 0..999.5: 1000·cos² − 0.5 of weights √I, as NIST's simple similarity search.

    Source: Samokhin, JASMS 2024, doi 10.1021/jasms.4c00350.
    """
    return np.maximum(1000 * weighted_cosines(query, table, rows) ** 2 - 0.5, 0.0)


def composites(query: UnitSpectrum, table: UnitTable, rows: Ints) -> Floats:
    """(k,) float64, 0..1: (N_u·F_D + N_c·F_R) / (N_u + N_c), the composite of Stein & Scott 1994.

    F_D is the squared cosine of weights m³·I⁰·⁶ (`Weighting.STEIN_SCOTT`), F_R the mean over adjacent common
    ions of the ratio of their intensity ratios, turned so that it is at most 1; N_u ions of the query, N_c
    common ions. Without two common ions F_R is 0.
    """
    both, n = _side_by_side(query, table, rows), len(rows)
    common = np.flatnonzero((both.u > 0) & (both.l > 0))
    owner, u, l = both.owner[common], both.u[common], both.l[common]  # noqa: E741
    here = np.flatnonzero(owner[1:] == owner[:-1]) + 1
    turned = (u[here] / u[here - 1]) * (l[here - 1] / l[here])
    pairs = np.bincount(owner[here], minlength=n).astype(np.float64)
    ratio = share(summed(owner[here], np.minimum(turned, 1 / turned), n), pairs)
    n_common = np.bincount(owner, minlength=n).astype(np.float64)
    n_query = _tail(query, np.ones(len(query.mass)), both.begin)[0]
    cosine = weighted_cosines(query, table, rows, Weighting.STEIN_SCOTT)
    return share(n_query * cosine**2 + n_common * ratio, n_query + n_common)


def entropy_similarities(query: UnitSpectrum, table: UnitTable, rows: Ints) -> Floats:
    """(k,) float64, 0..1: weighted spectral entropy similarity at unit mass.

    Each spectrum, from the later scan start on, sums to 1; where its entropy S < 3 its intensities are first
    raised to 0.25 + 0.25·S; similarity = 1 − (2·S_AB − S_A − S_B)/ln 4, S_AB of the mean of the two. Source:
    Li et al., Nat. Methods 2021, 18:1524. Ours: an ion of the query below a row's ``floor`` that a row of
    principal ions does not list is left out.
    """
    both, n = _side_by_side(query, table, rows), len(rows)
    a, b = _query_spread(query, table.floor[rows], both), _spread(both.owner, both.l, n)
    gain = np.where((a > 0) & (b > 0), _entropic(a + b) - _entropic(a) - _entropic(b), 0.0)
    return np.asarray(np.clip(summed(both.owner, gain, n) / np.log(4.0), 0.0, 1.0), np.float64)


def _query_spread(query: UnitSpectrum, floor: Whole, both: _SideBySide) -> Floats:
    """The query's intensities at the rows' ions, spread over what each row could show."""
    mass, dense = both.mass.astype(np.int64), np.zeros(HIGHEST_MASS + 1)
    spread = np.zeros(len(mass))
    # Full rows that begin alike are treated at once, each list of principal ions alone
    kind = np.where(floor == NOISE_FLOOR, both.begin, -1 - np.arange(len(floor)))
    for one in np.unique(kind).tolist():
        rows = np.flatnonzero(kind == one)
        ions = np.flatnonzero(kind[both.owner] == one)
        seen = query.mass >= both.begin[rows[0]]
        if one < 0:
            seen &= (query.intensity >= floor[rows[0]]) | np.isin(query.mass, mass[ions])
        dense[query.mass] = 0.0
        dense[query.mass[seen]] = _spread(np.zeros(int(seen.sum()), np.int64), query.intensity[seen], 1)
        spread[ions] = dense[mass[ions]]
    return spread


@dataclass(frozen=True, slots=True, eq=False)
class _SideBySide:
    """Ions of the rows from the later scan start on, flat, with the query's beside them."""

    begin: Ints  # (rows,)
    owner: Ints  # (ions,) position in rows
    mass: Floats
    u: Floats  # 0 where the query has none
    l: Floats  # noqa: E741 - the letter of the formula


def _side_by_side(query: UnitSpectrum, table: UnitTable, rows: Ints) -> _SideBySide:
    begin = np.maximum(table.start[rows].astype(np.int64), query.start)
    owner, ions = flat_ions(table, rows)
    dense = np.zeros(HIGHEST_MASS + 1)
    dense[query.mass] = query.intensity
    mass = table.mass[ions]
    inside = mass >= begin[owner]
    owner, mass, ions = owner[inside], mass[inside], ions[inside]
    heights = table.intensity[ions].astype(np.float64)
    return _SideBySide(begin, owner, mass.astype(np.float64), dense[mass], heights)


def _tail(query: UnitSpectrum, weight: Floats, begin: Ints) -> Floats:
    """(2, rows): Σ weight² and number of the query's ions from each ``begin`` on."""
    first = np.searchsorted(query.mass, begin)
    sums = np.append(np.cumsum(weight[::-1] ** 2)[::-1], 0.0)[first]
    return np.array([sums, len(query.mass) - first], np.float64)


def _spread(owner: Ints, intensity: NDArray[np.floating | np.integer], rows: int) -> Floats:
    """Intensities that sum to 1 per row, the strong ones of rows with few lowered first."""
    share_ = intensity / summed(owner, intensity.astype(np.float64), rows)[owner]
    entropy = -summed(owner, _entropic(share_), rows)
    raised = share_ ** np.minimum(0.25 + 0.25 * entropy, 1.0)[owner]
    return np.asarray(raised / summed(owner, raised, rows)[owner], np.float64)


def _entropic(part: Floats) -> Floats:
    """x·ln x, 0 at 0."""
    return np.asarray(part * np.log(np.where(part > 0, part, 1.0)), np.float64)
