"""The inverted index gives what comparing every row gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from library.index import nominal
from library.index.nominal import NominalIndex, Scan
from library.index.nominal_build import build
from spectra.similarity.mass import UnitSpectrum, UnitTable, unit_mass, unit_table
from spectra.similarity.match_factor import match_factors

Ions = dict[int, float]

# Few masses, and many ions of intensity 1, so that neighbours, chance ties and weak ions all occur.
spectra = st.dictionaries(
    st.integers(30, 50), st.one_of(st.integers(1, 3), st.integers(1, 999)).map(float), min_size=1
)
tables = st.lists(spectra, min_size=1, max_size=12)
lows = st.one_of(st.none(), st.integers(28, 45).map(float))


def table(rows: list[Ions], partial: list[bool], low: list[float]) -> UnitTable:
    scaled = [{**row, 60: 999.0} for row in rows]  # a base peak, so that what is weak stays weak
    offset = np.cumsum([0, *(len(row) for row in scaled)])
    flat = [pair for row in scaled for pair in row.items()]
    return unit_table(offset, [m for m, _ in flat], [i for _, i in flat], mz_low=low, partial=partial)


def reached(units: UnitTable, query: UnitSpectrum, index: NominalIndex) -> None:
    """No row that reaches a match factor is left out."""
    scores = match_factors(query, units, np.arange(len(units))).match_factor
    for least in (*np.unique(scores)[-5:], 600.0, 0.1):
        rows = np.flatnonzero(scores >= least)
        assert np.isin(rows, index.reaching(query, float(least))).all()


def full_scan(index: NominalIndex, query: UnitSpectrum, top: int) -> list[int]:
    cosine = index.cosines(query, np.arange(len(index)))
    order = np.argsort(-cosine, kind="stable")[:top]
    return order[cosine[order] > 0].tolist()


@settings(max_examples=300)
@given(
    rows=tables,
    asked=spectra,
    low=lows,
    starts=st.lists(lows, min_size=12, max_size=12),
    partial=st.integers(0, 2),
)
def test_no_row_that_reaches_a_match_factor_is_left_out(
    rows: list[Ions], asked: Ions, low: float | None, starts: list[float | None], partial: int
) -> None:
    known = [np.nan if start is None else start for start in starts[: len(rows)]]
    units = table(rows, [partial == 2 or (partial == 1 and k % 2 == 0) for k in range(len(rows))], known)
    asked = {**asked, 60: 999.0}
    query = unit_mass(list(asked), list(asked.values()), mz_low=low)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nominal, "FEW", 0)
        patch.setattr(nominal, "RESCORING", 10**6)
        reached(units, query, NominalIndex(units, build(units)))


@settings(max_examples=100)
@given(seed=st.integers(0, 2**32 - 1), top=st.integers(1, 8), partial=st.booleans(), late=st.booleans())
def test_the_best_by_cosine_are_those_of_a_full_scan(seed: int, top: int, partial: bool, late: bool) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        dict(zip(rng.choice(60, 12, replace=False) + 30.0, rng.pareto(1, 12) + 0.01, strict=True))
        for _ in range(80)
    ]
    rows += rows[:10]  # ties
    offset = np.arange(len(rows) + 1) * 12
    flat = [pair for row in rows for pair in row.items()]
    units = unit_table(
        offset,
        [m for m, _ in flat],
        [i for _, i in flat],
        partial=[partial] * len(rows),
        mz_low=rng.choice([29.0, 40, 55, np.nan], len(rows)),
    )
    base = rows[int(rng.integers(80))]
    query = unit_mass(
        list(base), [i * rng.lognormal(0, 0.5) for i in base.values()], mz_low=50 if late else None
    )
    index = NominalIndex(units, build(units))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nominal, "FEW", 0)
        patch.setattr(nominal, "RESCORING", 10**6)
        got, cosine = index.best(query, top)
    assert got.tolist() == full_scan(index, query, top)
    assert cosine == pytest.approx(index.cosines(query, got))


@pytest.mark.parametrize("rescoring", [1, 50, 10**6])
def test_blocks_of_many_scan_starts_are_ruled_out_as_rows_are(
    rescoring: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    counts = rng.integers(1, 25, 1500)
    mass = np.concatenate([np.sort(rng.choice(150, count, replace=False)) + 12.0 for count in counts])
    intensity = np.where(rng.random(len(mass)) < 0.3, 0.001, rng.pareto(1, len(mass)) + 0.01)
    low = rng.choice([12.0, 29, 40, 41, 95, 97, 140, np.nan], 1500)
    units = unit_table(np.append(0, np.cumsum(counts)), mass, intensity, mz_low=low)
    monkeypatch.setattr(nominal, "FEW", 0)
    monkeypatch.setattr(nominal, "RESCORING", rescoring)
    index = NominalIndex(units, build(units))
    assert len(np.unique(units.start)) > 20
    for row in range(0, 1500, 60):
        one, start = units.row(row), [None, 30.0, 41, 94, 120][row // 60 % 5]
        query = unit_mass(one.mass, one.intensity * rng.lognormal(0, 0.5, len(one.mass)), mz_low=start)
        for top in (1, 10, 300):
            assert index.best(query, top)[0].tolist() == full_scan(index, query, top)
        reached(units, query, index)


def test_a_scan_goes_on_where_it_was() -> None:
    units = table([{30 + k: 500.0 + 7 * k, 40: 90.0 * k} for k in range(9)], [False] * 9, [np.nan] * 9)
    index, query = NominalIndex(units, build(units)), units.row(4)
    scan = Scan(index, query)
    assert scan.best(3)[0].tolist() == full_scan(index, query, 3)
    assert scan.reaching(650).tolist() == index.reaching(query, 650).tolist()
    assert scan.best(5)[0].tolist() == full_scan(index, query, 5)


def test_the_cosine_is_that_of_the_weights() -> None:
    units = unit_table([0, 2, 4], [50, 60, 40, 60], [999, 500, 999, 999])
    index = NominalIndex(units, build(units))
    query = unit_mass([50, 60], [999, 999])
    dot = 50 * 999 + 60 * np.sqrt(999 * 500)
    norm = np.sqrt((50 * 999 + 60 * 999) * (50 * 999 + 60 * 500))
    assert index.cosines(query, np.arange(2)) == pytest.approx(
        [dot / norm, 60 / np.sqrt((50 + 60) * 60)], rel=1e-3
    )


@pytest.mark.parametrize("start", [50, 51])  # 51 adds the column to norms too
def test_an_index_naming_rows_that_are_not_there_is_refused(start: int) -> None:
    units = unit_table([0, 1, 2], [51, 51], [1, 1])
    arrays = build(units)
    arrays["row"] = arrays["row"] + np.int32(1)
    index = NominalIndex(units, arrays)
    with pytest.raises(ValueError, match="row number"):
        index.best(unit_mass([51], [1], mz_low=start), 1)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("order", [0, 7], "row number"),
        ("group", [0, 1], "scan starts"),
        ("norm", [[1.0]], "norms"),
        ("weight", [1.0], "postings"),
    ],
)
def test_damaged_arrays_are_refused(name: str, value: list[object], told: str) -> None:
    units = unit_table([0, 2, 4], [50, 60, 50, 61], [9, 9, 9, 1])
    arrays = build(units)
    arrays[name] = np.array(value, arrays[name].dtype)
    with pytest.raises(ValueError, match=told):
        NominalIndex(units, arrays).products(np.arange(2), np.ones(nominal.AXIS, np.float32))


def test_an_empty_table_and_a_query_below_its_own_start_have_nothing() -> None:
    units = unit_table([0], [], [])
    assert len(NominalIndex(units, build(units)).best(unit_mass([50], [1]), 3)[0]) == 0
    units = unit_table([0, 1], [50], [1])
    index = NominalIndex(units, build(units))
    late = unit_mass([50], [1], mz_low=90)
    assert len(index.best(late, 3)[0]) == 0


@pytest.mark.data
def test_real_spectra_have_the_same_scores(data_dir: Path) -> None:
    with np.load(data_dir / "massbank" / "ei.npz", allow_pickle=False) as data:
        units = unit_table(data["offset"], data["mz"], data["intensity"])
    index = NominalIndex(units, build(units))
    for row in range(7, len(units), 1500):
        query = units.row(row)
        reached(units, query, index)
        assert index.best(query, 25)[0].tolist() == full_scan(index, query, 25)
