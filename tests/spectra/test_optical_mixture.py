"""Taking sums apart: the right references, amounts and shifts, nothing from noise, and what could hide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from spectra.model import Floats
from spectra.optical.grid import Grid
from spectra.optical.hidden import hidden_below
from spectra.optical.mixture import Unmixed
from spectra.optical.mixture import unmix as unmix_references
from spectra.optical.references import Stored
from spectra.optical.shifts import MOVES, moved
from spectra.optical.significance import Settings, f_needed, f_of, independent

STEP = 2.0
PLACES = 500
GRID = Grid((slice(0, 300), slice(300, PLACES)), STEP, np.ones(PLACES, bool))
X = STEP * np.arange(PLACES)


def shape(seed: int, shift: float = 0.0) -> Floats:
    """The slope of ten bands, of length 1."""
    rng = np.random.default_rng(seed)
    places, widths, heights = rng.uniform(20, 980, 10), rng.uniform(6, 14, 10), rng.uniform(0.2, 1, 10)
    t = (X[:, None] - places - shift) / widths
    y = (-heights / widths * t * np.exp(-0.5 * t**2)).sum(axis=1)
    unshifted = (X[:, None] - places) / widths
    still = (-heights / widths * unshifted * np.exp(-0.5 * unshifted**2)).sum(axis=1)
    return np.asarray(y / np.linalg.norm(still), np.float64)


ROWS = np.array([shape(seed) for seed in range(30)])


def unmix(y: Floats, blocks: list[Floats], grid: Grid, usable: NDArray[np.bool_] | None = None) -> Unmixed:
    return unmix_references(y, Stored(blocks, grid.parts, grid.step), grid, usable=usable)


def mixed(amounts: dict[int, float], shifts: dict[int, float], noise: float, seed: int = 0) -> Floats:
    y = sum((a * shape(k, shifts.get(k, 0.0)) for k, a in amounts.items()), np.zeros(PLACES))
    return y + np.random.default_rng(seed).normal(0, noise / np.sqrt(PLACES), PLACES)


@settings(max_examples=20)
@given(
    st.lists(st.integers(0, 29), min_size=1, max_size=4, unique=True),
    st.lists(st.floats(0.1, 1.0), min_size=4, max_size=4),
    st.lists(st.floats(-3.0, 3.0), min_size=4, max_size=4),
    st.integers(0, 99),
)
def test_parts_amounts_and_shifts_are_found(
    rows: list[int], amounts: list[float], shifts: list[float], seed: int
) -> None:
    true = dict(zip(rows, amounts, strict=False))
    moved_by = dict(zip(rows, shifts, strict=False))
    found = unmix(mixed(true, moved_by, 0.005, seed), [ROWS[:11], ROWS[11:]], GRID)
    assert {part.row for part in found.parts} == set(true)
    for part in found.parts:
        assert part.amount == pytest.approx(true[part.row], abs=0.02)
        assert part.shift_cm1 == pytest.approx(moved_by[part.row], abs=0.5)
        assert part.low <= part.amount <= part.high
        assert part.likeness > (900 if part.amount > 0.5 else 500)  # weak bands drown in the noise


@pytest.mark.parametrize("seed", range(12))
def test_noise_holds_nothing(seed: int) -> None:
    assert unmix(mixed({}, {}, 1.0, seed), [ROWS], GRID).parts == ()


def test_what_is_not_in_the_library_does_not_become_a_sum_of_others() -> None:
    found = unmix(mixed({}, {}, 0.01) + shape(77), [ROWS], GRID)
    left = float(np.linalg.norm(found.residual))
    assert left > 0.7
    assert all(part.likeness < 400 for part in found.parts)


def test_a_negative_amount_is_no_part() -> None:
    found = unmix(mixed({3: 1.0, 4: -0.5}, {}, 0.005), [ROWS], GRID)
    assert 4 not in {part.row for part in found.parts}


def test_a_twin_is_named_beside_the_part() -> None:
    rows = np.concatenate((ROWS, ROWS[5:6] + 1e-4 * ROWS[6:7]))
    found = unmix(mixed({5: 1.0, 9: 0.6}, {}, 0.01), [rows], GRID)
    assert {part.row for part in found.parts} in ({5, 9}, {30, 9})
    twins = {part.row: part.alike for part in found.parts}
    assert {5, 30} in ({row, *alike} for row, alike in twins.items())
    assert twins[9] == ()


def test_rows_that_may_not_be_used_are_not() -> None:
    usable = np.ones(len(ROWS), bool)
    usable[5] = False
    found = unmix(mixed({5: 1.0}, {}, 0.01), [ROWS], GRID, usable=usable)
    assert 5 not in {part.row for part in found.parts}


@pytest.mark.parametrize("y", [np.zeros(PLACES), np.full(PLACES, 3.0)])
def test_a_flat_spectrum_and_an_empty_library_give_nothing(y: Floats) -> None:
    assert unmix(y, [ROWS], GRID).parts == ()
    assert unmix(ROWS[0], [np.zeros((0, PLACES))], GRID).parts == ()


def test_places_left_out_do_not_count() -> None:
    keep = np.ones(PLACES, bool)
    keep[100:140] = False
    spoilt = mixed({5: 1.0, 9: 0.5}, {}, 0.005)
    spoilt[100:140] += 50
    found = unmix(spoilt, [ROWS], Grid(GRID.parts, STEP, keep))
    assert {part.row for part in found.parts} == {5, 9}


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    inside = []
    for seed in range(40):
        for part in unmix(mixed({5: 1.0, 9: 0.3}, {5: 0.7}, 0.1, seed), [ROWS[:12]], GRID).parts:
            inside.append(part.low <= {5: 1.0, 9: 0.3}.get(part.row, -1.0) <= part.high)
    assert np.mean(inside) >= 0.85


def test_another_resolution_adds_no_part() -> None:
    kernel = np.exp(-0.5 * (np.arange(-4, 5) / 1.2) ** 2)
    wide = np.convolve(mixed({5: 1.0, 9: 0.5}, {}, 0.0), kernel / kernel.sum(), "same")
    found = unmix(wide, [ROWS], GRID)
    assert {part.row for part in found.parts} == {5, 9}


def test_another_instruments_strengths_add_no_part_where_they_are_known_to_differ() -> None:
    tilt = np.exp(0.5 * (X / X[-1] - 0.5))
    seen = tilt * mixed({5: 1.0, 9: 0.5}, {}, 0.01)
    known = Grid(GRID.parts, STEP, GRID.keep, weights=X / X[-1])
    found = unmix(seen, [ROWS], known)
    assert {part.row for part in found.parts} == {5, 9}
    left, before = (unmix(seen, [ROWS], grid).residual for grid in (known, GRID))
    assert np.linalg.norm(left) < 0.5 * np.linalg.norm(before)


def test_what_could_hide_is_found_just_above_and_not_well_below() -> None:
    noise = mixed({}, {}, 0.2, 4)
    known = 0.9 * ROWS[3]
    found = unmix(noise + known, [ROWS], GRID)
    least = hidden_below(found, ROWS[12:13], GRID, references=len(ROWS), settings=Settings())[0]
    above = unmix(noise + known + 1.3 * least * ROWS[12], [ROWS], GRID)
    below = unmix(noise + known + 0.5 * least * ROWS[12], [ROWS], GRID)
    assert 12 in {part.row for part in above.parts}
    assert 12 not in {part.row for part in below.parts}


def test_the_limit_holds_in_repeated_measurements_with_all_parts_fitted_anew() -> None:
    seen: dict[float, list[bool]] = {0.5: [], 1.5: []}
    known = 0.9 * ROWS[3] + 0.4 * ROWS[7]
    for seed in range(24):
        found = unmix(known + mixed({}, {}, 0.15, seed), [ROWS], GRID)
        row = [k for k in range(len(ROWS)) if k not in {part.row for part in found.parts}][seed % 20]
        least = hidden_below(found, ROWS[row : row + 1], GRID, references=len(ROWS), settings=Settings())[0]
        for times, answers in seen.items():
            again = unmix(known + times * least * ROWS[row] + mixed({}, {}, 0.15, 100 + seed), [ROWS], GRID)
            answers.append(any(row in (part.row, *part.alike) for part in again.parts))
    assert np.mean(seen[1.5]) >= 0.95
    assert np.mean(seen[0.5]) <= 0.1


def test_what_the_parts_can_take_of_a_reference_raises_its_limit() -> None:
    found = unmix(mixed({3: 1.0, 4: 0.6}, {}, 0.05), [ROWS], GRID)
    rows = np.array([ROWS[3], 0.8 * ROWS[3] + 0.6 * ROWS[12], ROWS[12]])
    alone, made, free = hidden_below(found, rows, GRID, references=30, settings=Settings()).tolist()
    assert alone > 20 * free
    assert made > 1.4 * free
    alike = hidden_below(found, rows[2:], GRID, references=30, settings=Settings(), likeness=900.0)[0]
    assert alike > free


def test_a_reference_without_shape_hides_at_any_amount() -> None:
    found = unmix(mixed({3: 1.0}, {}, 0.1), [ROWS], GRID)
    assert hidden_below(found, np.zeros((1, PLACES)), GRID, references=30, settings=Settings()) == [np.inf]


def test_independent_places_of_white_and_of_smoothed_noise() -> None:
    white = np.random.default_rng(3).normal(size=PLACES)
    smooth = np.convolve(white, np.ones(10) / 10, "same")
    assert independent(white, GRID) > 0.75 * PLACES
    assert independent(smooth, GRID) < 0.25 * PLACES
    assert independent(np.zeros(PLACES), GRID) == PLACES


def test_f_has_the_tail_that_it_says() -> None:
    assert f_needed(20.0, 0.05) == pytest.approx(3.4928, abs=1e-4)  # a printed table of F, 2 and 20
    assert f_needed(60.0, 0.01) == pytest.approx(4.9774, abs=1e-4)
    assert f_of(10.0, 5.0, 50.0) == pytest.approx(25.0)


@given(st.sampled_from(list(MOVES[1:-1])))
def test_a_moved_curve_is_the_curve_of_moved_bands(move: float) -> None:
    line = moved(shape(8), GRID.parts, GRID.step)[list(MOVES).index(move)]
    inside = np.r_[8:292, 308 : PLACES - 8]
    assert np.abs(line - shape(8, float(move)))[inside].max() < 0.02 * np.abs(line).max()
