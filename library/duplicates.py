"""Which entries of an import are the same measurement told twice, or as good as.

Promises: an entry is only ever merged with one of the same conditions (`library.prepare.Entry`), so that no
stereoisomer, energy or adduct is lost; every merged entry has a leader, which is kept; leaders lead
themselves. Exact copies are all found. Near ones are compared within 1,000 of one compound and conditions:
mass spectra by their ions, infrared and Raman spectra by the slopes of their absorbance, so that another
scale, another ordinate or another step is no other measurement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from library.columns import places
from library.index import profiles
from spectra.model import Floats, Ints, OpticalSpectrum
from spectra.nominal import nominal_mass
from spectra.similarity.optical import WINDOWS, CommonAxis

SIMILAR = 0.99  # cosine of √intensity (EI: √(m·intensity) at unit mass)
SAME_ION = 0.01  # Th between neighbours of a chain of ions taken for one
# r² of the slopes of two infrared or Raman spectra. The same measurement in two formats has 1.0000; films of
# polystyrene at most 0.92, and a film and the crystal of an ATR accessory, brought to the same shift, 0.96.
SIMILAR_CURVES = 0.995
ENDS = 5  # places by which the ranges of the same measurement may differ
MOST_COMPARED = 1000
CELLS_AT_ONCE = 4_000_000
_AXIS = 8192

Flags = NDArray[np.bool_]
Keys = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """Mass spectra in compressed sparse rows (`library.prepare.Batch`), and whether each is compared at
    unit mass."""

    offset: Ints
    mz: Floats
    intensity: NDArray[np.float32]
    unit: Flags


def exact_leaders(conditions: Keys, content: Keys) -> Ints:
    """(rows,) int64: the first row of the same conditions and content, the row itself where there is none."""
    order = np.lexsort((content, conditions))
    conditions, content = conditions[order], content[order]
    new = np.append(True, (conditions[1:] != conditions[:-1]) | (content[1:] != content[:-1]))
    leader = np.empty(len(order), np.int64)
    leader[order] = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))]
    return leader


def near_leaders(conditions: Keys, rows: Ints, spectra: Spectra) -> Iterator[tuple[int, int]]:
    """(row, leader) of rows that are nearly the same as another of the same conditions.

    Parameters
    ----------
    rows : those to compare; of a pair the one with more ions leads, the first of equals.
    """
    ions = spectra.offset[rows + 1] - spectra.offset[rows]
    order = np.lexsort((rows, -ions, conditions[rows]))
    rows = rows[order]
    group = conditions[rows]
    begins = np.flatnonzero(np.append(True, group[1:] != group[:-1])) if len(rows) else np.empty(0, np.int64)
    counts = np.diff(np.append(begins, len(rows)))
    several = counts > 1
    for some in _portions(begins[several], counts[several]):
        members = rows[np.concatenate([np.arange(first, first + count) for first, count in some])]
        number = np.repeat(np.arange(len(some)), [count for _, count in some])
        yield from _led(members, _similar(members, number, spectra))


def near_curves(
    conditions: Keys, rows: Ints, points: Ints, curve: Callable[[int], OpticalSpectrum], axis: CommonAxis
) -> Iterator[tuple[int, int]]:
    """(row, leader) of optical entries that are nearly the same as another of the same conditions.

    Parameters
    ----------
    rows : those to compare, of one kind; of a pair the one with more ``points`` leads, the first of equals.
    curve : gives the spectrum of a row.
    """
    order = np.lexsort((rows, -points[rows], conditions[rows]))
    rows = rows[order]
    group = conditions[rows]
    bounds = np.flatnonzero(np.append(True, group[1:] != group[:-1])) if len(rows) else np.empty(0, np.int64)
    for first, last in pairwise([*bounds.tolist(), len(rows)]):
        for start in range(first, last, MOST_COMPARED):
            members = rows[start : min(last, start + MOST_COMPARED)]
            if len(members) > 1:
                yield from _led(members, _alike([curve(row) for row in members.tolist()], axis))


def _alike(curves: Sequence[OpticalSpectrum], axis: CommonAxis) -> tuple[Ints, Ints]:
    """Pairs (earlier, later) of curves that are similar, in order of the later one."""
    index = profiles.build(curves, axis)
    slopes = index[profiles.derived(WINDOWS[0])]
    alike = slopes @ slopes.T >= np.sqrt(SIMILAR_CURVES)
    for end in ("first", "last"):
        alike &= np.abs(index[end][:, None] - index[end]) <= ENDS
    later, earlier = np.nonzero(np.tril(alike, -1))
    return earlier, later


def _portions(begins: Ints, counts: Ints) -> Iterator[list[tuple[int, int]]]:
    """(first, count) of groups, cut at `MOST_COMPARED`, as many as are compared at once."""
    portion: list[tuple[int, int]] = []
    cells = 0
    for begin, count in zip(begins.tolist(), counts.tolist(), strict=True):
        for first in range(begin, begin + count, MOST_COMPARED):
            portion.append((first, min(MOST_COMPARED, begin + count - first)))
            cells += portion[-1][1] ** 2
            if cells > CELLS_AT_ONCE:
                yield portion
                portion, cells = [], 0
    if portion:
        yield portion


def _similar(members: Ints, group: Ints, spectra: Spectra) -> tuple[Ints, Ints]:
    """Pairs (earlier, later) of members of one group that are similar, in order of the later one."""
    counts = spectra.offset[members + 1] - spectra.offset[members]
    where = places(spectra.offset, members)
    owner = np.repeat(np.arange(len(members)), counts)
    mz, intensity = spectra.mz[where], spectra.intensity[where].astype(np.float64)
    unit = spectra.unit[members][owner]
    own = len(members) * _AXIS
    column = group[owner] * _AXIS + np.minimum(nominal_mass(mz), _AXIS - 1)
    column[~unit] = own + _chains(group[owner[~unit]], mz[~unit])
    kinds, dense = np.unique(column, return_inverse=True)
    summed = csr_array((intensity, (owner, dense)), shape=(len(members), len(kinds)))
    return _pairs(summed, np.where(kinds < own, kinds % _AXIS, 1.0))


def _pairs(summed: csr_array, weight: Floats) -> tuple[Ints, Ints]:
    summed.sum_duplicates()
    root = np.sqrt(summed.data * weight[summed.indices])
    weights = csr_array((root, summed.indices, summed.indptr), shape=summed.shape)
    owner = np.repeat(np.arange(summed.shape[0]), np.diff(summed.indptr))
    norm = np.sqrt(np.bincount(owner, weights=weights.data**2, minlength=summed.shape[0]))
    weights.data /= norm[owner]
    products = (weights @ weights.T).tocoo()
    first, second = products.coords
    alike = (first < second) & (products.data >= SIMILAR)
    order = np.lexsort((first[alike], second[alike]))
    return first[alike][order].astype(np.int64), second[alike][order].astype(np.int64)


def _chains(group: Ints, mz: Floats) -> Ints:
    """A number for each ion, equal for those of one group that lie in a chain of steps ≤ `SAME_ION`."""
    order = np.lexsort((mz, group))
    new = np.append(True, (np.diff(group[order]) != 0) | (np.diff(mz[order]) > SAME_ION))
    chain = np.empty(len(order), np.int64)
    chain[order] = np.cumsum(new) - 1
    return chain


def _led(members: Ints, pairs: tuple[Ints, Ints]) -> Iterator[tuple[int, int]]:
    led: dict[int, int] = {}
    for first, second in zip(pairs[0].tolist(), pairs[1].tolist(), strict=True):
        if first not in led and second not in led:
            led[second] = first
    for second, first in led.items():
        yield int(members[second]), int(members[first])
