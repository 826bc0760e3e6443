"""Thin-layer plates: places, colours, and what they leave open."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.chromatography.tlc import (
    Plate,
    Spot,
    corrected_rf,
    match,
    relative_rf,
    resolved,
    retardation_factor,
    unexplained,
)
from spectra.errors import InvalidMeasurement

COCAINE = (Spot(0.62, {"uv254": "dark", "dragendorff": "orange"}),)
LIDOCAINE = (Spot(0.64, {"uv254": "dark", "dragendorff": "orange"}),)
CAFFEINE = (Spot(0.30, {"uv254": "dark", "dragendorff": "none"}),)
STANDARDS = {"cocaine": COCAINE, "lidocaine": LIDOCAINE, "caffeine": CAFFEINE}
FIRST = Plate(
    "A",
    (
        Spot(0.63, {"uv254": "dark", "dragendorff": "Orange "}),
        Spot(0.31, {"uv254": "dark", "dragendorff": "none"}),
        Spot(0.05, {"uv254": "dark"}),
    ),
    STANDARDS,
)
SECOND = Plate(
    "B",
    (Spot(0.40, {"uv254": "dark"}), Spot(0.10, {"uv254": "dark"})),
    {"cocaine": (Spot(0.41, {"uv254": "dark"}),), "lidocaine": (Spot(0.70, {"uv254": "dark"}),)},
)


def test_rf_is_the_way_of_the_spot_over_that_of_the_front() -> None:
    assert retardation_factor([10, 50, 90], origin=10, front=90) == pytest.approx([0, 0.5, 1])
    assert relative_rf([0.3, 0.6], 0.6) == pytest.approx([0.5, 1.0])


def test_one_plate_leaves_two_standards_alike() -> None:
    first, second, third = match([FIRST])
    assert {first.name, second.name, third.name} == {"cocaine", "lidocaine", "caffeine"}
    assert all(one.agrees for one in (first, second, third))
    alike = {one.name: one.alike for one in (first, second, third)}
    assert alike == {"cocaine": ("lidocaine",), "lidocaine": ("cocaine",), "caffeine": ()}
    assert not resolved(FIRST)


def test_a_second_eluent_tells_them_apart() -> None:
    found = {one.name: one for one in match([FIRST, SECOND])}
    assert found["cocaine"].agrees
    assert found["cocaine"].alike == ()
    assert not found["lidocaine"].agrees
    assert found["lidocaine"].plates[1].spot is None
    assert found["lidocaine"].plates[1].difference == pytest.approx(-0.30)
    assert resolved(SECOND)


def test_what_no_standard_explains_is_told() -> None:
    plates = [FIRST, SECOND]
    assert unexplained(plates, match(plates)) == {"A": (2,), "B": (1,)}


def test_another_colour_speaks_against_a_standard_in_the_same_place() -> None:
    plate = Plate("A", (Spot(0.62, {"dragendorff": "none", "uv254": "dark"}),), {"cocaine": COCAINE})
    (found,) = match([plate])
    assert not found.agrees
    assert (found.plates[0].other, found.plates[0].same) == (("dragendorff",), ("uv254",))


def test_a_reagent_that_was_not_used_says_nothing() -> None:
    (found,) = match([Plate("A", (Spot(0.62),), {"cocaine": COCAINE})])
    assert found.agrees
    assert found.plates[0].same == ()


def test_an_empty_lane_agrees_with_nothing() -> None:
    (found,) = match([Plate("A", (), {"cocaine": COCAINE})])
    assert not found.agrees
    assert np.isnan(found.plates[0].difference)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.floats(0.001, 0.2))
def test_agreement_is_within_the_tolerance_and_never_beyond(places: list[float], tolerance: float) -> None:
    plate = Plate("A", tuple(Spot(rf) for rf in places), {"x": (Spot(0.5),)})
    (found,) = match([plate], tolerance)
    nearest = min(abs(rf - 0.5) for rf in places)
    assert found.agrees == (round(nearest, 6) <= tolerance)


@given(st.floats(0.1, 0.9))
def test_a_correction_with_the_values_on_record_changes_nothing(rf: float) -> None:
    assert corrected_rf([rf], [0.2, 0.5, 0.8], [0.2, 0.5, 0.8]) == pytest.approx([rf])


def test_a_correction_moves_neighbours_alike() -> None:
    assert corrected_rf([0.2, 0.4, 0.6], [0.2, 0.6], [0.3, 0.7]) == pytest.approx([0.3, 0.5, 0.7])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: retardation_factor([5], 10, 90), "between the start and the front"),
        (lambda: retardation_factor([50], 90, 10), "beyond the start"),
        (lambda: relative_rf([0.5], 0.0), "must have moved"),
        (lambda: corrected_rf([0.5], [0.5], [0.4]), "two standards"),
        (lambda: corrected_rf([0.5], [0.2, 0.6], [0.7, 0.3]), "another order"),
        (lambda: Spot(1.2), "0 to 1"),
        (lambda: Spot(float("nan")), "0 to 1"),
        (lambda: Plate("A", (), {"cocaine": ()}), "cocaine has 0 spots"),
        (lambda: match([]), "needs a plate"),
    ],
)
def test_what_cannot_be_a_plate_is_refused(call: object, says: str) -> None:
    with pytest.raises(InvalidMeasurement, match=says):
        call()  # type: ignore[operator]
