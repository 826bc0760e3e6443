"""Chances: coherent, monotone where they must be, and learned from what is seen."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.answer import Decision
from library.calibration import (
    TERMS,
    as_json,
    calibration_error,
    fit,
    ranking_quality,
    recall_at,
)
from library.confidence import Chances, calibration, calibration_from, chances, probability
from library.evidence import FEATURES, entropy_similarity
from library.record import SpectrumKind
from library.statement import THRESHOLDS, Evidence, decide

EI = THRESHOLDS[SpectrumKind.EI]
VALUES = st.lists(st.floats(-3, 20), min_size=len(FEATURES), max_size=len(FEATURES)).map(np.array)


@given(VALUES)
def test_chances_are_coherent_whatever_is_measured(values: np.ndarray) -> None:
    told = chances(calibration("ei"), values)
    assert 0 <= told.compound <= told.group <= 1
    assert 0 <= told.absent <= 1 - told.group + 1e-12


@given(VALUES, st.floats(0, 1))
def test_a_better_match_never_lowers_the_chance(values: np.ndarray, more: float) -> None:
    better = values.copy()
    better[FEATURES.index("match")] += more
    assert chances(calibration("ei"), better).compound >= chances(calibration("ei"), values).compound - 1e-12


def test_a_fit_finds_the_curve_behind_the_outcomes_and_keeps_its_direction() -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(-2, 2, (4000, 2))
    label = (rng.random(4000) < 1 / (1 + np.exp(-2 * x[:, 0]))).astype(float)
    model = fit(x, label, ("a", "b"), (1, -1))
    told = probability(model, ("a", "b"), x)
    assert calibration_error(told, label) < 0.03
    assert ranking_quality(told, label) > 0.8
    assert all(weight >= 0 for curve in model.curves if curve.feature == "a" for weight in curve.weights)
    wrong_way = fit(x, label, ("a", "b"), (-1, 0))
    assert not any(curve.feature == "a" for curve in wrong_way.curves)


def test_the_written_form_comes_back() -> None:
    known = calibration("ei")
    again = calibration_from(json.loads(json.dumps(as_json(known))))
    assert again == known
    assert known.features == FEATURES
    assert set(known.models) == {"compound", "group", "absent"}


@pytest.mark.parametrize("technique", sorted(TERMS))
def test_what_speaks_for_a_candidate_speaks_against_its_absence(technique: str) -> None:
    terms = TERMS[technique]
    assert set(terms.directions) <= set(terms.features)
    assert terms.directions_of("group") == [-one for one in terms.directions_of("absent")]
    assert calibration(technique).features == terms.features


@given(VALUES, st.floats(0.01, 0.98))
def test_fewer_unknowns_make_every_answer_surer(values: np.ndarray, unknowns: float) -> None:
    many, few = (chances(calibration("ei"), values, unknowns=share) for share in (unknowns + 0.01, unknowns))
    assert 0 <= few.compound <= few.group <= 1 - few.absent + 1e-9
    assert few.compound >= many.compound - 1e-12
    assert few.absent <= many.absent + 1e-12


def test_the_share_of_unknowns_follows_bayes_rule() -> None:
    known = calibration("ei")
    values = np.zeros(len(FEATURES))
    told = chances(known, values)
    assert chances(known, values, unknowns=known.share_absent).absent == pytest.approx(told.absent)
    odds = told.absent / (1 - told.absent) * (0.2 / 0.8) / (known.share_absent / (1 - known.share_absent))
    assert chances(known, values, unknowns=0.2).absent == pytest.approx(odds / (1 + odds))


def test_measures_of_a_ranking() -> None:
    told, label = np.array([0.9, 0.8, 0.7, 0.2]), np.array([1.0, 1.0, 0.0, 1.0])
    assert ranking_quality(told, label) == pytest.approx(2 / 3)
    assert recall_at(told, label, 0.0) == pytest.approx(2 / 3)
    assert recall_at(told, label, 0.25) == pytest.approx(1)
    assert calibration_error(np.array([0.25, 0.25, 0.25, 0.25]), np.array([1.0, 0, 0, 0])) == 0


def test_entropy_similarity_is_one_for_equal_spectra_and_zero_for_nothing_in_common() -> None:
    one = np.array([[0.0, 5, 3, 0], [1, 2, 3, 4]])
    assert entropy_similarity(one, one) == pytest.approx([1, 1])
    assert entropy_similarity(one[:1], one[:1, ::-1] * [1, 0, 0, 1]) == pytest.approx([0])


def said(
    score: float = 900, ions: int = 40, group: int = 1, sure: float = 0.98, family: bool = False
) -> Decision:
    return decide(Evidence(score, ions, group, Chances(sure, sure, 1 - sure), family), EI)


def test_one_substance_is_named_only_where_it_is_sure() -> None:
    assert said() is Decision.IDENTIFIED
    assert said(sure=0.7) is Decision.GROUP  # it, or an isomer that no library holds
    assert said(sure=0.2) is Decision.UNKNOWN
    assert said(sure=0.2, family=True) is Decision.FAMILY
    assert said(group=2) is Decision.GROUP


def test_nothing_is_named_on_few_ions_or_a_poor_match_however_sure() -> None:
    assert said(ions=3) is Decision.UNKNOWN
    assert said(score=599) is Decision.UNKNOWN
    assert said(score=599, family=True) is Decision.FAMILY


def test_nothing_is_named_where_most_of_the_spectrum_could_be_scatter() -> None:
    sure = Chances(0.98, 0.98, 0.02)
    assert decide(Evidence(900, 40, 1, sure, False, blur=0.2), EI) is Decision.IDENTIFIED
    assert decide(Evidence(900, 40, 1, sure, False, blur=0.21), EI) is Decision.UNKNOWN


def test_without_a_calibration_the_score_decides() -> None:
    msms = THRESHOLDS[SpectrumKind.MSMS]
    assert decide(Evidence(930, 9, 1, None, False), msms) is Decision.IDENTIFIED
    assert decide(Evidence(930, 9, 2, None, False), msms) is Decision.GROUP
    assert decide(Evidence(800, 9, 1, None, False), msms) is Decision.GROUP
    assert decide(Evidence(600, 9, 1, None, True), msms) is Decision.FAMILY
