"""References as another instrument would show them: its gain may fall or rise with mass.

Promises: one smooth factor exp(b·m) per reference, b being what the strong common ions ask for and no more
than instruments differ; nothing appears or vanishes. Refuses to explain ratios of single ions: a mass
analyser's tuning and age change heavy ions together against light ones, while isomers differ ion by ion.
"""

from __future__ import annotations

import numpy as np

from spectra.model import Floats, Ints
from spectra.similarity.mass import FULL_SCALE, HIGHEST_MASS, UnitSpectrum, UnitTable, Whole
from spectra.similarity.match_factor import flat_ions, share, summed

USUAL = 0.3  # natural logs per 100 Th: how much two instruments differ
SCATTER = 0.3  # natural logs: how much one ion scatters about the line
STRONG = 5  # of 999: weaker ions say nothing of a ratio
FEWEST = 3.0  # ions that a slope needs


def levelled(query: UnitSpectrum, table: UnitTable, rows: Ints) -> UnitTable:
    """The rows, their intensities turned so that they rise with mass as the query's do.

    The slope b of ln(u/l) against mass over ions of at least `STRONG` in both, weights √min(u, l), is a
    ridge regression: shrunk as if b were drawn from a normal distribution of width `USUAL`, and each ion
    scattered by `SCATTER`.

    Parameters
    ----------
    rows : (k,) int64 row numbers of ``table``.

    Returns
    -------
    A table of k rows with the masses of ``rows``; base peak 999, each ion at least 1.
    """
    owner, ions = flat_ions(table, rows)
    mass, l = table.mass[ions], table.intensity[ions].astype(np.float64)  # noqa: E741 - as in the formula
    above = _above_middle(query, owner, mass, l, np.maximum(table.start[rows], query.start))
    turned = l * np.exp(above)
    offset = np.append(0, np.cumsum(np.bincount(owner, minlength=len(rows))))
    base = np.zeros(len(rows))
    np.maximum.at(base, owner, turned)
    height = np.floor(FULL_SCALE * turned / base[owner] + 0.5)
    return UnitTable(
        offset, mass, np.maximum(height, 1).astype(np.int32), table.start[rows], table.floor[rows]
    )


def _above_middle(query: UnitSpectrum, owner: Ints, mass: Whole, l: Floats, begin: Whole) -> Floats:  # noqa: E741
    """(ions,) b·(m − mean m of the ions that told b)."""
    dense, n = np.zeros(HIGHEST_MASS + 1), len(begin)
    dense[query.mass] = query.intensity
    u, x = dense[mass], mass / 100.0
    least = np.minimum(u, l)
    weight = np.where((least >= STRONG) & (mass >= begin[owner]), np.sqrt(least), 0.0)
    ratio = np.log(np.maximum(u, 1.0) / l)
    total = summed(owner, weight, n)
    middle, level = (share(summed(owner, weight * one, n), total)[owner] for one in (x, ratio))
    number = share(total**2, summed(owner, weight**2, n))
    spread = share(summed(owner, weight * (x - middle) ** 2, n), total)
    rise = share(summed(owner, weight * (x - middle) * (ratio - level), n), total)
    doubt = share(np.full(n, (SCATTER / USUAL) ** 2), number)
    slope = np.where(number >= FEWEST, share(rise, spread + doubt), 0.0)
    return np.asarray(slope[owner] * (x - middle), np.float64)
