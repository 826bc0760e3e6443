"""The fragment index gives what comparing spectrum by spectrum gives, in every kind of search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.index.fragments import FragmentIndex, build
from spectra.errors import InvalidMeasurement
from spectra.model import Floats, MassSpectrum
from spectra.similarity.accurate import Tolerance, ToleranceUnit, step, steps
from spectra.similarity.cleaning import CleanSpectra, clean_spectra, clean_spectrum
from spectra.similarity.entropy import entropy_similarity, gain, weighted_spectrum

NARROW = Tolerance(5, ToleranceUnit.PPM)
EMPTY = MassSpectrum(np.empty(0), np.empty(0))


def library(rows: int, seed: int = 0) -> tuple[CleanSpectra, Floats]:
    """Spectra that share ions and losses, on 0.01 Th: many pairs stand on the edge of the tolerance."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 30, rows)
    offset = np.concatenate(([0], np.cumsum(counts)))
    mz = np.round(rng.integers(50, 110, offset[-1]) * 2 + rng.integers(-3, 4, offset[-1]) * 0.01, 2)
    precursor = np.round(rng.integers(120, 130, rows) * 2 + 0.01 * rng.integers(0, 3, rows), 2)
    precursor[rng.random(rows) < 0.1] = np.nan
    return clean_spectra(offset, mz, rng.exponential(1, offset[-1]), precursor), precursor


def index_of(spectra: CleanSpectra, precursor: Floats) -> FragmentIndex:
    return FragmentIndex(build(spectra.offset, spectra.mz, spectra.intensity, precursor))


def hybrid_by_hand(
    a: MassSpectrum, b: MassSpectrum, from_a: float, from_b: float, tolerance: Tolerance
) -> float:
    """Ion by ion, as the docstring of `FragmentIndex.hybrid` says."""
    x, y = weighted_spectrum(a.intensity) / 2, weighted_spectrum(b.intensity) / 2
    first, second = steps(a.mz).tolist(), steps(b.mz).tolist()
    reach = [tolerance.reach(mz) for mz in first]
    direct = [(i, j) for i, m in enumerate(first) for j, n in enumerate(second) if abs(m - n) <= reach[i]]
    used_a, used_b = {i for i, _ in direct}, {j for _, j in direct}
    moved = [] if np.isnan(from_b) else [
        (i, j) for i, m in enumerate(first) for j, n in enumerate(second)
        if abs((step(from_a) - m) - (step(from_b) - n)) <= reach[i] and i not in used_a and j not in used_b
    ]  # fmt: skip
    return sum(float(gain(x[[i]], y[[j]])[0]) for i, j in direct + moved)


@pytest.mark.parametrize("tolerance", [Tolerance(0.02), NARROW])
@pytest.mark.parametrize("seed", range(3))
def test_open_search_is_the_similarity_of_each_pair(tolerance: Tolerance, seed: int) -> None:
    spectra, precursor = library(300, seed)
    index = index_of(spectra, precursor)
    for row in range(0, 300, 97):
        query = spectra.row(row)
        expected = [entropy_similarity(query, spectra.row(k), tolerance) for k in range(300)]
        scores = index.open(query, tolerance)
        assert scores == pytest.approx(expected, abs=1e-6)
        rows, best = index.best(query, 7, tolerance)
        order = np.lexsort((np.arange(300), -scores))[: len(rows)]
        assert rows.tolist() == order.tolist()
        assert best == pytest.approx(scores[order])


@pytest.mark.parametrize("seed", range(3))
def test_identity_search_looks_at_its_window_only(seed: int) -> None:
    spectra, precursor = library(300, seed)
    index = index_of(spectra, precursor)
    for row in np.flatnonzero(np.isfinite(precursor))[::71].tolist():
        query = spectra.row(row)
        rows, scores = index.identity(query, precursor[row], Tolerance(0.01))
        near = np.flatnonzero(np.abs(steps(np.nan_to_num(precursor)) - step(precursor[row])) <= 1000)
        assert sorted(rows.tolist()) == near.tolist()
        assert scores == pytest.approx([entropy_similarity(query, spectra.row(k)) for k in rows.tolist()])


@pytest.mark.parametrize("tolerance", [Tolerance(0.02), NARROW])
@pytest.mark.parametrize("seed", range(3))
def test_hybrid_search_is_exact(tolerance: Tolerance, seed: int) -> None:
    spectra, precursor = library(300, seed)
    index = index_of(spectra, precursor)
    for row in range(0, 300, 83):
        query, own = spectra.row(row), 251.37 if np.isnan(precursor[row]) else float(precursor[row])
        expected = np.array(
            [hybrid_by_hand(query, spectra.row(k), own, float(precursor[k]), tolerance) for k in range(300)]
        )
        rows, scores = index.hybrid(query, own, 12, tolerance)
        assert scores == pytest.approx(np.sort(expected)[::-1][: len(scores)])
        assert scores == pytest.approx(expected[rows])
        assert len(rows) == min(12, int((expected > 0).sum()))


def test_many_equal_spectra_stand_by_row() -> None:
    spectra = clean_spectra(np.arange(0, 2001, 2), np.tile([100.0, 150.0], 1000), np.ones(2000))
    index = index_of(spectra, np.full(1000, 200.0))
    assert index.hybrid(spectra.row(0), 200.0, 5)[0].tolist() == [0, 1, 2, 3, 4]
    assert index.best(spectra.row(0), 5)[0].tolist() == [0, 1, 2, 3, 4]


@given(st.lists(st.floats(60, 240), min_size=1, max_size=12), st.floats(100, 250))
def test_scores_stay_within_their_range(mz: list[float], precursor: float) -> None:
    query = clean_spectrum(mz, np.arange(1, len(mz) + 1), precursor)
    rows, scores = INDEX.hybrid(query, precursor, 5)
    assert ((scores > 0) & (scores <= 1 + 1e-9)).all()
    assert len(set(rows.tolist())) == len(rows)
    assert INDEX.open(query).max(initial=0) <= 1 + 1e-5


INDEX = index_of(*library(200))


def test_queries_that_say_little() -> None:
    """No ion, one ion, all ions equal: an honest result each."""
    assert not INDEX.open(EMPTY).any()
    assert len(INDEX.hybrid(EMPTY, 200.0, 5)[0]) == 0
    assert not INDEX.identity(EMPTY, 250.0)[1].any()
    single = clean_spectrum([120.0], [3.0])
    assert 0 < INDEX.open(single).max() < 1
    flat = clean_spectrum(np.arange(60.0, 220.0, 2), np.ones(80))
    assert 0 < INDEX.hybrid(flat, 260.0, 1)[1][0] < 1


def test_a_million_ions_end() -> None:
    rng = np.random.default_rng(1)
    query = clean_spectrum(rng.uniform(50, 1500, 1_000_000), rng.random(1_000_000))
    assert INDEX.open(query).max() < 0.05
    assert len(INDEX.hybrid(query, 1600.0, 3)[0]) == 3


def test_an_empty_library() -> None:
    empty = index_of(clean_spectra(np.array([0, 0]), [], []), np.array([100.0]))
    query = clean_spectrum([50.0, 60.0], [1, 1])
    assert empty.open(query).tolist() == [0]
    assert empty.hybrid(query, 100.0, 3)[0].tolist() == []
    assert empty.identity(query, 100.0)[0].tolist() == [0]


def test_ions_outside_the_scanned_range_are_unknown() -> None:
    full = clean_spectrum([50.0, 60.0, 100.0, 120.0], [5, 3, 1, 2])
    cut = clean_spectrum([100.0, 120.0], [1, 2])
    index = index_of(
        clean_spectra(np.array([0, 4, 6]), [50.0, 60, 100, 120, 100, 120], [5, 3, 1, 2, 1, 2]),
        np.array([150.0, 150.0]),
    )
    low = np.array([90.0, 90.0])
    assert index.identity(cut, 150.0)[1][0] < 0.7
    power = weighted_spectrum(full.intensity)[2:]
    expected = entropy_similarity(cut, MassSpectrum(cut.mz, power / power.sum()), weigh=False)
    assert entropy_similarity(cut, cut) == pytest.approx(1)
    scores = index.identity(cut, 150.0, mz_low=low)[1]
    assert scores[1] == pytest.approx(1)
    assert scores[0] > 0.9
    assert expected > 0.9
    unknown = np.array([np.nan, np.nan])
    assert index.identity(cut, 150.0, mz_low=unknown)[1] == pytest.approx(index.identity(cut, 150.0)[1])


def test_threads_give_what_one_gives() -> None:
    spectra, _ = library(200)
    queries = [spectra.row(row) for row in range(100)]
    alone = [INDEX.best(query, 5) for query in queries]
    beside = INDEX.together(lambda query: INDEX.best(query, 5), queries, threads=2)
    for (rows, scores), (others, values) in zip(alone, beside, strict=True):
        assert rows.tolist() == others.tolist()
        assert scores.tolist() == values.tolist()


@pytest.mark.parametrize(
    ("mz", "intensity", "told"),
    [
        ([100.0, 100.03], [0.5, 0.5], "apart"),
        ([100.0, 110.0], [5.0, 5.0], "sum to 1"),
        ([100.0, 110.0, 120.0], [0.5, 0.5, 0.0], "positive"),
        ([100.0, 25_000.0], [0.5, 0.5], "between 0 and"),
    ],
)
def test_queries_that_were_not_cleaned_are_refused(
    mz: list[float], intensity: list[float], told: str
) -> None:
    with pytest.raises(InvalidMeasurement, match=told):
        INDEX.open(MassSpectrum(np.array(mz), np.array(intensity)))


def test_a_tolerance_that_fits_two_ions_is_refused() -> None:
    with pytest.raises(InvalidMeasurement, match="too wide"):
        INDEX.open(clean_spectrum([100.0, 190.0], [1, 1]), Tolerance(1.5))


@pytest.mark.parametrize(
    ("offset", "mz", "intensity"),
    [
        ([0, 2], [110.0, 100.0], [0.5, 0.5]),
        ([0, 2], [100.0, 110.0], [5.0, 5.0]),
        ([0, 3], [100.0, 110.0], [0.5, 0.5]),
        ([0, 1], [np.nan], [1.0]),
    ],
)
def test_libraries_that_were_not_cleaned_are_refused(offset: Any, mz: Any, intensity: Any) -> None:
    with pytest.raises(InvalidMeasurement):
        build(offset, mz, intensity, [200.0])


def test_damaged_row_numbers_are_refused() -> None:
    spectra, precursor = library(20)
    arrays = build(spectra.offset, spectra.mz, spectra.intensity, precursor)
    arrays["posting_row"] = arrays["posting_row"] + 20
    with pytest.raises(InvalidMeasurement, match="damaged"):
        FragmentIndex(arrays)
