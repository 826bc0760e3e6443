"""Measures of the inverted search by their formulas, and the joint explanation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.model import MassSpectrum, spectrum_from_peaks
from spectra.similarity.in_source import NOTHING_MATCHED, Agreement, explain, forward, indices, inverted


def spectrum(**peaks: float) -> MassSpectrum:
    """Of ``m100_05=3``: intensity 3 at m/z 100.05."""
    mz = [float(key[1:].replace("_", ".")) for key in peaks]
    return spectrum_from_peaks(mz, list(peaks.values()))


NOTHING = spectrum_from_peaks([], [])


def test_inverted_measures_are_those_of_their_formulas() -> None:
    query = spectrum(m50=10, m91_056=40, m119_083=100, m150_135=20)
    reference = spectrum(m91_054=30, m119_086=50, m105_07=20, m150_128=10, m151=900)
    found = inverted(query, reference, highest=150.2, tolerance=0.01)
    assert found.explained == pytest.approx(90 / 110)
    x, y = np.array([30, 20, 50, 10.0]), np.array([40, 0, 100, 20.0])
    assert found.cosine == pytest.approx(x @ y / np.linalg.norm(x) / np.linalg.norm(y))
    assert found.bias_th == pytest.approx(np.std([0.002, 0.003, 0.007], ddof=1))
    assert found.matched == 3


def test_bias_of_one_match_is_its_distance_and_of_none_is_fixed() -> None:
    assert inverted(spectrum(m91_05=1), spectrum(m91_054=1), highest=200).bias_th == pytest.approx(0.004)
    assert inverted(spectrum(m91=1), spectrum(m92=1), highest=200) == Agreement(0, 0, NOTHING_MATCHED, 0)
    assert inverted(NOTHING, spectrum(m92=1), highest=200).matched == 0
    assert inverted(spectrum(m92=1), NOTHING, highest=200).explained == 0


def test_a_mixture_holds_its_parts_but_is_none_of_them() -> None:
    part = spectrum(m91_05=40, m119_08=100)
    whole = spectrum(m91_05=40, m119_08=100, m182_12=300)
    assert inverted(whole, part, highest=200).explained == 1
    assert inverted(whole, part, highest=200).cosine == pytest.approx(1)
    assert forward(whole, part, highest=200).explained == pytest.approx(140 / 440)
    x, y = np.array([40, 100, 300.0]), np.array([40, 100, 0.0])
    expected = x @ y / np.linalg.norm(x) / np.linalg.norm(y)
    assert forward(whole, part, highest=200).cosine == pytest.approx(expected)


def test_indices_weigh_mass_error_and_bias() -> None:
    some = [Agreement(0.9, 0.8, 0.01, 3), Agreement(0.7, 0.6, 0.03, 2)]
    first, second = indices(0.004, some)
    assert first == pytest.approx(0.996 * 0.8 * 0.98)
    assert second == pytest.approx(0.996 * 0.7 * 0.98)
    assert indices(0.0, []) == (0, 0)


def test_an_ion_is_credited_once() -> None:
    """Both references show m/z 91; only one of them is there."""
    there = [spectrum(m91_05=20, m150_13=80), spectrum(m91_05=90, m119_08=10)]
    rival = [spectrum(m91_05=10, m164_14=90), spectrum(m91_05=95, m133_1=5)]
    found = explain(there, [there, rival])
    assert found.share == pytest.approx([1, 0], abs=0.01)
    assert found.explained == pytest.approx([1, 1], abs=1e-6)
    assert all(len(one) == 0 or one.intensity.max() < 1e-6 for one in found.residual)


@given(st.floats(0.05, 0.95))
def test_amounts_of_a_mixture_come_back(part: float) -> None:
    a = [spectrum(m91_05=20, m150_13=80), spectrum(m91_05=90, m119_08=10)]
    b = [spectrum(m82_07=10, m304_15=90), spectrum(m82_07=20, m182_12=80)]
    mixed = [
        spectrum_from_peaks(
            np.concatenate((x.mz, y.mz)),
            np.concatenate(
                (part * x.intensity / x.intensity.sum(), (1 - part) * y.intensity / y.intensity.sum())
            ),
        )
        for x, y in zip(a, b, strict=True)
    ]
    found = explain(mixed, [a, b])
    assert found.share == pytest.approx([part, 1 - part], abs=1e-6)
    assert found.needed == pytest.approx([part, 1 - part], abs=1e-6)


def test_what_no_reference_shows_is_the_residual() -> None:
    query = [spectrum(m91_05=20, m150_13=80, m237_2=50)]
    found = explain(query, [[spectrum(m91_05=20, m150_13=80)]])
    (left,) = found.residual
    assert left.mz[left.intensity.argmax()] == 237.2
    assert left.intensity.max() == pytest.approx(50 / 80, abs=0.05)
    assert found.explained[0] == pytest.approx(100 / 150, abs=0.03)


def test_equal_references_need_each_other_not() -> None:
    query = [spectrum(m91_05=20, m150_13=80)]
    found = explain(query, [query, query])
    assert found.share.sum() == pytest.approx(1)
    assert found.needed == pytest.approx([0, 0], abs=1e-9)


def test_without_references_nothing_is_explained() -> None:
    found = explain([spectrum(m91_05=20)], [])
    assert found.explained.tolist() == [0]
    assert found.residual[0].intensity.tolist() == [1]
    partial = explain([spectrum(m91_05=20), spectrum(m65=5)], [[spectrum(m91_05=20), None]])
    assert partial.explained == pytest.approx([1, 0], abs=0.01)
