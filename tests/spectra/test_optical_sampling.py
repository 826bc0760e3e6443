"""ATR and transmission: what files say, and spectra of one made to look like the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.model import Axis, OpticalSpectrum, Ordinate
from spectra.optical.sampling import EQUAL_CM1, Sampling, converted, power, sampling_of

X = np.arange(600.0, 3800.0, 2.0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["A225/Q Platinum ATR, Diamond #183EBA8E"], Sampling.ATR),
        (["MIR_ATR_MAXH_microplastics.XPM"], Sampling.ATR),
        (["Diamant-ATR"], Sampling.ATR),
        (["TRANS *010A984F"], Sampling.TRANSMISSION),
        (["TRANSMISSION", "LIQUID (NEAT)"], Sampling.TRANSMISSION),
        (["gas"], Sampling.TRANSMISSION),
        (["KBr pellet"], Sampling.TRANSMISSION),
        (["Integrating Sphere Unit", "DRIFT"], Sampling.UNKNOWN),
        (["ATR", "corrected to transmission"], Sampling.UNKNOWN),
        (["atropine sulfate", "transparent crystals"], Sampling.UNKNOWN),
        ([], Sampling.UNKNOWN),
    ],
)
def test_what_files_say(words: list[str], said: Sampling) -> None:
    assert sampling_of(words) is said


@given(st.sampled_from(list(Sampling)), st.sampled_from(list(Sampling)))
def test_there_and_back_is_nothing(one: Sampling, other: Sampling) -> None:
    assert power(one, other) == -power(other, one)
    y = np.exp(-0.5 * ((X - 1700) / 12) ** 2)
    spectrum = OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, X, y)
    back = converted(converted(spectrum, power(one, other)), power(other, one))
    assert back.y == pytest.approx(y)


def test_bands_of_atr_are_weaker_towards_high_wavenumbers() -> None:
    seen = converted(
        OpticalSpectrum(Axis.WAVENUMBER, Ordinate.TRANSMITTANCE, X, np.full(len(X), 0.1)),
        power(Sampling.TRANSMISSION, Sampling.ATR),
    )
    assert seen.ordinate is Ordinate.ABSORBANCE
    assert seen.y == pytest.approx(EQUAL_CM1 / X)
