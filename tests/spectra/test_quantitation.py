"""Contents and their budgets against a published example and simulation."""

from __future__ import annotations

import numpy as np
import pytest

from spectra.chromatography.calibration import calibrate
from spectra.chromatography.quantitation import (
    Factor,
    Measured,
    Preparation,
    by_relative_response,
    content,
    homogeneity,
    milligrams_per_unit,
    percent_by_mass,
    single_point,
)
from spectra.errors import InvalidMeasurement


def test_the_cadmium_standard_of_the_eurachem_guide() -> None:
    """QUAM:2012, example A1: c = 1000·m·P/V = 1002.7 mg/L, u = 0.9 mg/L as printed."""
    found = content(
        [
            Factor("unit", 1000.0),
            Factor("mass", 100.28, 0.05),
            Factor("purity", 0.9999, 0.000058),
            Factor("volume", 100.0, 0.07, -1),
        ]
    )
    assert found.value == pytest.approx(1002.7, abs=0.05)
    assert found.standard_uncertainty == pytest.approx(0.9, abs=0.05)
    assert found.budget[0].name == "volume"
    assert sum(part.share for part in found.budget) == pytest.approx(1.0)


def test_an_uncertainty_is_the_spread_of_simulated_contents() -> None:
    rng = np.random.default_rng(7)
    factors = [Factor("curve", 0.42, 0.01), Factor("volume", 10.0, 0.05), Factor("mass", 12.5, 0.1, -1)]
    drawn = [rng.normal(f.value, f.standard_uncertainty, 200_000) ** f.exponent for f in factors]
    assert content(factors).standard_uncertainty == pytest.approx(np.prod(drawn, axis=0).std(), rel=0.01)


def test_base_for_salt_changes_value_and_uncertainty_alike() -> None:
    salt = content([Factor("salt", 100.0, 2.0)])
    base = salt.times(193.25 / 229.70)
    assert (base.value, base.expanded_uncertainty) == pytest.approx((84.13, 3.365), abs=0.005)


def test_crumbs_that_differ_dominate_the_budget() -> None:
    found = content([Factor("curve", 80.0, 1.0), homogeneity([60.0, 80.0, 100.0])])
    assert found.budget[0].name == "homogeneity"
    assert found.standard_uncertainty == pytest.approx(80 * np.hypot(0.25, 1 / 80))


def test_one_standard() -> None:
    found = single_point(50.0, 100.0, Factor("standard", 10.0, 0.1), repeatability=0.02)
    assert found.value == pytest.approx(5.0)
    assert found.standard_uncertainty == pytest.approx(5 * np.sqrt(0.01**2 + 2 * 0.02**2))


def test_another_substances_curve_gives_an_estimate_only() -> None:
    found = by_relative_response(10.0, "gc_ms")
    assert (found.low, found.high) == (5.0, 20.0)
    with pytest.raises(InvalidMeasurement, match="without a standard"):
        by_relative_response(10.0, "ftir")


@pytest.mark.parametrize(
    ("factors", "says"),
    [
        ([], "needs factors"),
        ([Factor("mass", 1.0), Factor("mass", 2.0)], "a name of its own"),
        ([Factor("mass", 0.0)], "mass: a factor must be"),
        ([Factor("mass", 1.0, -0.1)], "mass: an uncertainty"),
        ([Factor("mass", float("nan"))], "mass: a factor must be"),
    ],
)
def test_factors_that_mean_nothing_are_refused(factors: list[Factor], says: str) -> None:
    with pytest.raises(InvalidMeasurement, match=says):
        content(factors)


def test_a_tablet_in_percent_and_in_milligrams() -> None:
    """20.0 mg of a 250 mg tablet in 10 mL, diluted 50 times: 0.024 mg/mL is 60 % and 150 mg."""
    made = Preparation(Measured(10.0, 0.02), Measured(20.0, 0.1), Measured(250.0, 0.5), Measured(50.0))
    amount = Factor("curve", 0.024, 0.0003)
    share, unit = percent_by_mass(amount, made), milligrams_per_unit(amount, made)
    assert (share.value, unit.value) == (pytest.approx(60.0), pytest.approx(150.0))
    relative = np.sqrt((0.0003 / 0.024) ** 2 + (0.02 / 10) ** 2 + (0.1 / 20) ** 2)
    assert share.standard_uncertainty / share.value == pytest.approx(relative)
    assert unit.standard_uncertainty / unit.value == pytest.approx(np.hypot(relative, 0.5 / 250))
    assert share.budget[0].name == "curve"


def test_a_blotter_is_dissolved_whole() -> None:
    found = milligrams_per_unit(Factor("curve", 0.05, 0.001), Preparation(Measured(2.0, 0.01)))
    assert found.value == pytest.approx(0.1)


def test_what_was_said_of_the_procedure_stands_in_the_budget() -> None:
    made = Preparation(
        Measured(10.0),
        Measured(20.0),
        standard_purity=Measured(0.98, 0.005),
        recovery=Measured(0.95, 0.02),
        homogeneity=0.1,
        precision=0.03,
    )
    found = percent_by_mass(Factor("curve", 0.5, 0.005), made)
    assert found.value == pytest.approx(100 * 0.5 * 10 * 0.98 / 0.95 / 20)
    named = {part.name for part in found.budget if part.share > 0}
    assert named == {"curve", "content of the standard", "recovery", "homogeneity", "precision"}
    assert found.budget[0].name == "homogeneity"


def test_an_amount_without_its_masses_is_refused() -> None:
    amount, made = Factor("curve", 0.5), Preparation(Measured(10.0))
    with pytest.raises(InvalidMeasurement, match="mass of what was dissolved"):
        percent_by_mass(amount, made)
    with pytest.raises(InvalidMeasurement, match="mass of the whole unit"):
        milligrams_per_unit(amount, Preparation(Measured(10.0), Measured(20.0)))


@pytest.mark.parametrize(
    ("freedom", "k"),
    [
        (1, 13.97),
        (2, 4.53),
        (3, 3.31),
        (4, 2.87),
        (5, 2.65),
        (10, 2.28),
        (20, 2.13),
        (50, 2.05),
        (np.inf, 2.0),
    ],
)
def test_the_coverage_factor_is_that_of_the_accreditation_bodies(freedom: float, k: float) -> None:
    """EA-4/02 M:2022, annex E, table E.1 (95.45 %)."""
    found = content([Factor("curve", 1.0, 0.1, degrees_of_freedom=freedom)])
    assert found.coverage_factor == pytest.approx(k, abs=0.005)
    assert found.times(2.0).expanded_uncertainty == pytest.approx(0.2 * k, abs=0.002)


def test_what_is_well_known_gives_back_degrees_of_freedom() -> None:
    """Welch & Satterthwaite with equal parts of 4 and infinitely many: 16."""
    found = content([Factor("curve", 1.0, 0.1, degrees_of_freedom=4), Factor("volume", 1.0, 0.1)])
    assert found.degrees_of_freedom == pytest.approx(16.0)
    with pytest.raises(InvalidMeasurement, match="degrees of freedom"):
        content([Factor("curve", 1.0, 0.1, degrees_of_freedom=0)])


def test_contents_hold_the_truth_as_often_as_they_say() -> None:
    """4,000 simulated determinations by six standards, a volume and a mass: 95.45 % within 4.4 deviations."""
    rng = np.random.default_rng(20261122)
    levels, truth, inside = np.array([1.0, 2, 5, 10, 20, 50]), 12.0, 0
    for _ in range(4000):
        curve = calibrate(levels, rng.normal(levels, 0.3))
        volume, mass = rng.normal(10.0, 0.05), rng.normal(20.0, 0.1)
        read = curve.amount_of(rng.normal(truth * mass / volume / 2, 0.3))
        amount = Factor(
            "curve", read.value, read.standard_uncertainty, degrees_of_freedom=read.degrees_of_freedom
        )
        made = Preparation(Measured(10.0, 0.05), Measured(20.0, 0.1))
        found = percent_by_mass(amount, made)
        inside += abs(found.value - 100 * truth / 2) <= found.expanded_uncertainty
    assert 0.94 <= inside / 4000 <= 0.97
