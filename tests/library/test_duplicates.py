"""Which entries are the same measurement told twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.columns import offsets
from library.duplicates import SIMILAR, Spectra, exact_leaders, near_curves, near_leaders
from library.record import OpticalRecord, SpectrumKind
from library.release import build_release, open_release
from spectra.model import Axis, Floats, OpticalSpectrum, Ordinate
from spectra.readers import read
from spectra.similarity.optical import INFRARED


def spectra(*peaks: list[tuple[float, float]], unit: bool = False) -> Spectra:
    flat = [pair for one in peaks for pair in one]
    mz, intensity = np.array([m for m, _ in flat]), np.array([i for _, i in flat], np.float32)
    return Spectra(offsets([len(one) for one in peaks]), mz, intensity, np.full(len(peaks), unit))


def led(conditions: list[int], table: Spectra) -> dict[int, int]:
    return dict(near_leaders(np.array(conditions, np.uint64), np.arange(len(conditions)), table))


def test_the_first_of_equal_entries_leads() -> None:
    conditions, content = np.array([1, 2, 1, 1, 2], np.uint64), np.array([7, 7, 7, 8, 7], np.uint64)
    assert exact_leaders(conditions, content).tolist() == [0, 1, 0, 3, 1]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_exact_leaders_are_those_a_dictionary_finds(keys: list[tuple[int, int]]) -> None:
    first: dict[tuple[int, int], int] = {}
    expected = [first.setdefault(key, row) for row, key in enumerate(keys)]
    columns = np.array(keys, np.uint64)
    assert exact_leaders(columns[:, 0], columns[:, 1]).tolist() == expected


@pytest.mark.parametrize("unit", [True, False])
def test_near_copies_follow_the_one_with_more_ions(unit: bool) -> None:
    table = spectra(
        [(82, 100), (182, 80), (303, 20)],
        [(82, 99), (182, 81), (303, 20), (304, 0.1)],
        [(82, 10), (182, 80), (303, 20)],
        unit=unit,
    )
    assert led([5, 5, 5], table) == {0: 1}


def test_other_conditions_are_never_merged() -> None:
    same = [(82.0, 100.0), (182.0, 80.0)]
    assert led([1, 2, 3], spectra(same, same, same)) == {}
    assert led([1, 2, 1], spectra(same, same, same)) == {2: 0}


def test_product_ions_are_compared_by_accurate_mass() -> None:
    one, shifted, other = [(182.1180, 10.0)], [(182.1200, 10.0)], [(182.0800, 10.0)]
    assert led([1, 1, 1], spectra(one, shifted, other)) == {1: 0}
    assert led([1, 1, 1], spectra(one, shifted, other, unit=True)) == {1: 0, 2: 0}


def test_more_than_are_compared_at_once_still_end_with_few_leaders() -> None:
    count = 2500
    table = spectra(*[[(82.0, 100.0), (182.0, 80.0 + row * 1e-3)] for row in range(count)])
    found = led([9] * count, table)
    assert len(found) >= count - 3
    assert not set(found.values()) & set(found)


@given(st.lists(st.lists(st.integers(1, 40), min_size=3, max_size=3), min_size=2, max_size=8))
def test_what_is_merged_is_similar_and_leaders_lead_themselves(rows: list[list[int]]) -> None:
    table = spectra(*[[(100.0 + 10 * k, float(i)) for k, i in enumerate(one)] for one in rows])
    found = led([1] * len(rows), table)
    roots = np.sqrt(np.array(rows, float))
    roots /= np.linalg.norm(roots, axis=1, keepdims=True)
    for row, leader in found.items():
        assert leader not in found
        assert roots[row] @ roots[leader] >= SIMILAR - 1e-6
    free = [row for row in range(len(rows)) if row not in found]
    for place, row in enumerate(free):
        assert all(roots[row] @ roots[other] < SIMILAR + 1e-6 for other in free[place + 1 :])


X = np.arange(600.0, 3800.0, 1.0)


def bands(seed: int, shift: float = 0.0) -> Floats:
    rng = np.random.default_rng(seed)
    places, widths, heights = rng.uniform(670, 3600, 14), rng.uniform(6, 15, 14), rng.uniform(0.2, 1, 14)
    return np.asarray(
        (heights * np.exp(-0.5 * ((X[:, None] - places - shift) / widths) ** 2)).sum(1), np.float64
    )


def curve(y: Floats, ordinate: Ordinate = Ordinate.ABSORBANCE, every: int = 1) -> OpticalSpectrum:
    return OpticalSpectrum(Axis.WAVENUMBER, ordinate, X[::every], y[::every])


def led_curves(conditions: list[int], curves: list[OpticalSpectrum]) -> dict[int, int]:
    points = np.array([len(one.x) for one in curves])
    keys, rows = np.array(conditions, np.uint64), np.arange(len(curves))
    return dict(near_curves(keys, rows, points, curves.__getitem__, INFRARED))


def test_one_curve_told_in_other_units_scales_and_steps_is_one() -> None:
    y = bands(1)
    told = [
        curve(y),
        curve(10**-y, Ordinate.TRANSMITTANCE),
        curve(0.3 * y + 0.05),
        curve(y, every=2),
        curve(np.round(y, 3)),
    ]
    assert led_curves([4] * len(told), told) == {1: 0, 2: 0, 3: 0, 4: 0}
    assert led_curves([4, 4], [told[3], told[0]]) == {0: 1}
    assert led_curves([1, 2, 3, 4, 5], told) == {}


def test_other_measurements_of_a_compound_stay() -> None:
    y, noise = bands(1), np.random.default_rng(3).normal(0, 0.02, len(X))
    by_atr, other_form = curve(y * 1000 / X), curve(y + 0.3 * bands(2))
    assert (
        led_curves([4] * 5, [curve(y), by_atr, other_form, curve(bands(1, shift=2.5)), curve(y + noise)])
        == {}
    )
    short = OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, X[300:], y[300:])
    assert led_curves([4, 4], [curve(y), short]) == {}


def test_curves_that_cannot_be_compared_are_not_merged() -> None:
    beam = curve(bands(1), Ordinate.SINGLE_BEAM)
    flat = curve(np.ones(len(X)))
    assert led_curves([4] * 4, [beam, beam, flat, flat]) == {}


def test_an_import_merges_them_and_tells_where_they_were(tmp_path: Path) -> None:
    y = bands(1)
    records = [
        OpticalRecord(name, one, SpectrumKind.INFRARED, source_id=source)
        for name, one, source in (
            ("Caffeine", curve(y), "a"),
            ("caffeine", curve(10**-y, Ordinate.TRANSMITTANCE), "b"),
            ("Caffeine", curve(y * 1000 / X), "c"),
            ("Lactose", curve(y), "d"),
        )
    ]
    report = build_release(records, tmp_path, name="ir", source="made", licence="free")
    release = open_release(report.directory)
    assert report.counts["near_duplicate"] == 1
    assert [release.entry(row).merged for row in range(len(release))] == [("b",), (), ()]


@pytest.mark.data
def test_a_measurement_in_two_formats_is_one_and_two_films_are_two(data_dir: Path) -> None:
    raw = data_dir / "raw"
    files = (
        "galactic-spc/galacticdata/POLYS.SPC",
        "jcamp/chemclipse/jtpolys.jdx",
        "galactic-spc/galacticdata/SINGLE_POLYMER_FILM.SPC",
        "galactic-spc/rohanisaac_spc/Ft-ir.spc",
        "bruker-opus/OpenSpecy_ftir_polystyrene.0",
    )
    assert led_curves([4] * 5, [read(raw / file).optical[0] for file in files]) == {1: 0}
