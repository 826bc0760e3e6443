"""Spectra of several precursors: each keeps its own ions, and its share of what nobody explains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from library.record import Record, SpectrumKind
from library.release import Release, build_release, open_release
from library.search.chimeric import unmixed
from spectra.model import MassSpectrum, spectrum_from_peaks

FIRST, SECOND = {91.05: 60.0, 120.08: 100.0, 150.1: 30.0}, {77.04: 40.0, 105.07: 100.0, 120.08: 20.0}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    records = [
        Record(
            name=name,
            mz=np.array(list(ions)),
            intensity=np.array(list(ions.values())),
            kind=SpectrumKind.MSMS,
            precursor_mz=mz,
            adduct="[M+H]+",
            polarity=1,
        )
        for name, ions, mz in (("first", FIRST, 300.1), ("second", SECOND, 300.4))
    ]
    folder: Path = tmp_path_factory.mktemp("two")
    return open_release(build_release(records, folder, name="two", source="test", licence="test").directory)


def mixed(part: float, **more: float) -> MassSpectrum:
    mz = [*FIRST, *SECOND, *(float(key[1:]) for key in more)]
    heights = [*FIRST.values(), *(part * value for value in SECOND.values()), *more.values()]
    return spectrum_from_peaks(mz, heights)


@pytest.mark.parametrize("part", [1.0, 0.3, 0.1])
def test_each_precursor_keeps_its_own_ions(release: Release, part: float) -> None:
    shares = (1 / (1 + part), part / (1 + part))
    one, other = unmixed([release], mixed(part), [300.1, 300.4], shares, 1)
    assert set(one.mz) == set(FIRST)
    assert {77.04, 105.07} <= set(other.mz)
    assert 91.05 not in other.mz
    assert one.intensity / one.base_peak == pytest.approx(np.array([60, 100, 30]) / 100, abs=0.03)


def test_what_nobody_explains_is_divided_by_share(release: Release) -> None:
    one, other = unmixed([release], mixed(0.5, m211=40.0), [300.1, 300.4], (0.75, 0.25), 1)
    left = [float(each.intensity[each.mz == 211.0][0]) for each in (one, other)]
    assert left[0] == pytest.approx(3 * left[1])


def test_without_a_candidate_a_spectrum_stays_whole(release: Release) -> None:
    whole = mixed(0.5)
    assert unmixed([release], whole, [400.1, 400.4], (0.5, 0.5), 1) == [whole, whole]
    assert unmixed([], whole, [300.1], (1.0,), 1) == [whole]
