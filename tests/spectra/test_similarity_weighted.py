from __future__ import annotations

import itertools
import math

import ms_entropy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.similarity.mass import unit_mass, unit_table
from spectra.similarity.weighted import (
    Weighting,
    composites,
    entropy_similarities,
    simple_similarity,
    weighted_cosines,
)

Ions = dict[int, int]
ions = st.dictionaries(st.integers(30, 45), st.integers(1, 999), min_size=1, max_size=12)


def scaled(peaks: Ions) -> Ions:
    unit = unit_mass(list(peaks), list(peaks.values()))
    return dict(zip(unit.mass.tolist(), unit.intensity.tolist(), strict=True))


def seen(peaks: Ions, start: int) -> Ions:
    return {mass: height for mass, height in sorted(peaks.items()) if mass >= start}


def cosine(query: Ions, row: Ions, a: float, b: float) -> float:
    def norm(peaks: Ions) -> float:
        return sum((m**a * i**b) ** 2 for m, i in peaks.items())

    dot = sum(m ** (2 * a) * (query[m] * row[m]) ** b for m in query.keys() & row.keys())
    return dot / math.sqrt(norm(query) * norm(row)) if dot else 0.0


def composite(query: Ions, row: Ions) -> float:
    common = sorted(query.keys() & row.keys())
    ratios = [query[n] / query[m] * row[m] / row[n] for m, n in itertools.pairwise(common)]
    ratio = sum(min(r, 1 / r) for r in ratios) / len(ratios) if ratios else 0.0
    whole = len(query) + len(common)
    return (len(query) * cosine(query, row, 3, 0.6) ** 2 + len(common) * ratio) / whole if whole else 0.0


def entropy(query: Ions, row: Ions) -> float:
    both = [np.array(list(one.items()), np.float32) for one in (query, row)]
    return float(
        ms_entropy.calculate_entropy_similarity(
            *both, ms2_tolerance_in_da=0.4, clean_spectra=True, noise_threshold=0
        )
    )


@given(asked=ions, rows=st.lists(ions, min_size=1, max_size=4))
def test_scores_are_those_of_their_definitions(asked: Ions, rows: list[Ions]) -> None:
    asked, rows = scaled(asked), [scaled(row) for row in rows]
    flat = [pair for row in rows for pair in row.items()]
    table = unit_table(np.cumsum([0, *map(len, rows)]), [m for m, _ in flat], [i for _, i in flat])
    query, every = unit_mass(list(asked), list(asked.values())), np.arange(len(rows))
    got = {weighting: weighted_cosines(query, table, every, weighting) for weighting in Weighting}
    composed, simple = composites(query, table, every), simple_similarity(query, table, every)
    entropic = entropy_similarities(query, table, every)
    for k, row in enumerate(rows):
        start = max(min(asked), min(row))
        u, l = seen(asked, start), seen(row, start)  # noqa: E741
        for weighting, cosines in got.items():
            assert cosines[k] == pytest.approx(cosine(u, l, *weighting.value))
        assert composed[k] == pytest.approx(composite(u, l))
        assert simple[k] == pytest.approx(max(1000 * cosine(u, l, 0, 0.5) ** 2 - 0.5, 0))
        assert entropic[k] == pytest.approx(entropy(u, l) if u and l else 0.0, abs=2e-4)
