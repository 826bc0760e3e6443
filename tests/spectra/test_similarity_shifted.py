from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.similarity.mass import unit_mass, unit_table
from spectra.similarity.shifted import hybrid_bounds, hybrid_scores

Ions = dict[int, int]
ions = st.dictionaries(st.integers(30, 50), st.integers(1, 999), min_size=1, max_size=12)


def literal(query: Ions, row: Ions, difference: int) -> float:
    """The rule ion by ion."""
    start = max(min(query), min(row))
    u = {m: i for m, i in query.items() if m >= start and i > 1}
    l = {m: i for m, i in row.items() if m >= start and i > 1}  # noqa: E741
    moved: dict[int, float] = {m: float(i) for m, i in l.items()}
    for m, i in l.items():
        to = m + difference
        amount = min(i - u.get(m, 0), u.get(to, 0) - l.get(to, 0))
        if difference and amount > 0:
            moved[m] -= amount
            moved[to] = moved.get(to, 0.0) + amount
    return 1000 * max(squared_cosine(u, l), squared_cosine(u, moved))


def squared_cosine(u: Ions, l: dict[int, float] | Ions) -> float:  # noqa: E741
    dot = sum(m * math.sqrt(u[m] * l[m]) for m in u.keys() & l.keys())
    norm = sum(m * i for m, i in u.items()) * sum(m * i for m, i in l.items())
    return dot**2 / norm if dot else 0.0


@given(asked=ions, rows=st.lists(ions, min_size=1, max_size=5), difference=st.integers(-8, 8))
def test_scores_are_those_of_the_rule_and_below_their_bound(
    asked: Ions, rows: list[Ions], difference: int
) -> None:
    flat = [pair for row in rows for pair in row.items()]
    table = unit_table(np.cumsum([0, *map(len, rows)]), [m for m, _ in flat], [i for _, i in flat])
    query, every = unit_mass(list(asked), list(asked.values())), np.arange(len(rows))
    differences = np.full(len(rows), difference)
    got = hybrid_scores(query, table, every, differences)
    asked = dict(zip(query.mass.tolist(), query.intensity.tolist(), strict=True))
    for k in range(len(rows)):
        unit = table.row(k)
        row = dict(zip(unit.mass.tolist(), unit.intensity.tolist(), strict=True))
        assert got[k] == pytest.approx(literal(asked, row, difference))
    assert (got <= hybrid_bounds(query, table, every, differences) + 1e-9).all()


def test_a_methyl_group_more_is_seen_through() -> None:
    relative, analogue = {91: 300, 146: 999, 189: 400, 245: 800}, {91: 300, 160: 999, 203: 400, 259: 800}
    table = unit_table([0, 4], list(relative), list(relative.values()))
    query = unit_mass(list(analogue), list(analogue.values()))
    assert hybrid_scores(query, table, np.array([0]), np.array([14]))[0] == pytest.approx(1000)
    assert hybrid_scores(query, table, np.array([0]), np.array([0]))[0] < 30
