"""Pairs of neighbouring ions of which one has intensity 1, or which only ions of intensity 1 keep apart.

Such an ion counts if the query has it stronger and is passed over if not: which ions are neighbours depends
on the query, so that every pair that may be is stored, keyed by masses and by which of the two is that weak.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectra.model import Ints
from spectra.similarity.mass import HIGHEST_MASS, NOISE_FLOOR

Array = NDArray[Any]

LONGEST_RUN = 40  # ions of intensity 1 passed over; a row with more in a row is told as irregular


def far_pairs(owner: Array, mass: Array, height: Array) -> tuple[dict[str, Array], Ints]:
    """The pairs of ions flat in order of row and mass, and the rows of which not all are given.

    Returns
    -------
    ``far`` int32, ascending: ((HIGHEST_MASS + 1)·mass + lighter mass)·4 + (1 if the heavier has intensity 1)
    + (2 if the lighter has); ``far_offset`` int64, where the pairs of each key stand; ``far_row`` int32;
    ``far_ratio`` float32, √(intensity of the lighter / of the heavier).
    """
    weak = height < NOISE_FLOOR
    seconds, firsts = [], []
    second = np.arange(1, len(owner))
    for step in range(1, LONGEST_RUN + 2):
        second = second[second >= step]
        first = second - step
        linked = owner[first] == owner[second]
        first, second = first[linked], second[linked]
        kept = weak[first] | weak[second] if step == 1 else slice(None)
        firsts.append(first[kept])
        seconds.append(second[kept])
        second = second[weak[first]]
        if not len(second):
            break
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    key = (mass[second].astype(np.int64) * (HIGHEST_MASS + 1) + mass[first]) * 4
    key += weak[second] + 2 * weak[first]
    order = np.argsort(key, kind="stable")
    first, second = first[order], second[order]
    far, far_offset = grouped(key[order])
    ratio = np.sqrt(height[first] / height[second]).astype(np.float32)
    arrays: dict[str, Array] = {
        "far": far,
        "far_offset": far_offset,
        "far_row": owner[second],
        "far_ratio": ratio,
    }
    return arrays, np.unique(owner[_unfinished(owner, weak)]).astype(np.int64)


def grouped(key: Array) -> tuple[NDArray[np.int32], Ints]:
    """Distinct values of an ascending key, and where each begins, with the end of all as the last."""
    begin = np.flatnonzero(np.append(True, key[1:] != key[:-1])[: len(key)])
    return key[begin].astype(np.int32), np.append(begin, len(key)).astype(np.int64)


def _unfinished(owner: Array, weak: Array) -> Ints:
    """Ions that end a run of more than `LONGEST_RUN` weak ones in their row."""
    run = LONGEST_RUN + 1
    if len(owner) < run:
        return np.empty(0, np.int64)
    count = np.concatenate(([0], np.cumsum(weak)))
    full = (count[run:] - count[:-run] == run) & (owner[run - 1 :] == owner[: len(owner) - run + 1])
    return np.flatnonzero(full) + run - 1
