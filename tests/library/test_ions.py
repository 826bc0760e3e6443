"""Ions gathered to molecules: adducts that agree, fragments made in the source, and what stays apart."""

from __future__ import annotations

import numpy as np
import pytest

from library.adducts import ion_mz
from library.ions import molecules, with_fragments
from spectra.chromatography.features import Feature
from spectra.model import spectrum_from_peaks

COCAINE = "C17H21NO4"


def feature(mz: float, height: float = 1e6, rt_s: float = 60.0, charge: int = 1) -> Feature:
    pattern = np.array([1.0, 0.2, 0.02])
    return Feature(mz, rt_s, rt_s - 6, rt_s + 6, 5.0, height, 5 * height, charge, 20, pattern)


def test_adducts_of_one_molecule_are_one() -> None:
    ions = [
        feature(ion_mz(COCAINE, one), 1e6 / k) for k, one in enumerate(("[M+H]+", "[M+Na]+", "[2M+H]+"), 1)
    ]
    (one,) = molecules(ions, 1, 5.0)
    assert one.adducts[0] == "[M+H]+"
    assert set(one.adducts) == {"[M+H]+", "[M+Na]+", "[2M+H]+"}
    assert one.mass == pytest.approx(303.1471, abs=1e-3)
    assert one.supported


def test_a_sodium_adduct_that_is_the_strongest_is_read_as_such() -> None:
    ions = [feature(ion_mz(COCAINE, "[M+Na]+"), 1e6), feature(ion_mz(COCAINE, "[M+H]+"), 1e5)]
    (one,) = molecules(ions, 1, 5.0)
    assert one.adducts == ("[M+Na]+", "[M+H]+")
    assert one.mass == pytest.approx(303.1471, abs=1e-3)


def test_an_ion_alone_is_taken_for_the_protonated_one_and_not_supported() -> None:
    (positive,) = molecules([feature(304.1543)], 1, 5.0)
    (negative,) = molecules([feature(304.1543)], -1, 5.0)
    assert (positive.adducts, negative.adducts) == (("[M+H]+",), ("[M-H]-",))
    assert not positive.supported


def test_other_times_and_charges_are_other_molecules() -> None:
    late = feature(ion_mz(COCAINE, "[M+Na]+"), 1e5, rt_s=66.0)
    assert len(molecules([feature(ion_mz(COCAINE, "[M+H]+")), late], 1, 5.0)) == 2
    (double,) = molecules([feature(304.1543, charge=2)], 1, 5.0)
    assert double.adducts == ("[M+2H]2+",)


def test_fragments_made_in_the_source_go_to_their_molecule() -> None:
    ions = [
        feature(304.1543),
        feature(182.1176, 1e5),
        feature(200.05, 1e5),
        feature(182.1176, 1e5, rt_s=90.0),
    ]
    products = {0: spectrum_from_peaks([82.0651, 182.1176], [30.0, 100.0])}
    kept = with_fragments(molecules(ions, 1, 5.0), ions, products, 5.0)
    assert [one.ions for one in kept] == [(0, 1), (2,), (3,)]
    assert kept[0].adducts == ("[M+H]+", "")


def test_nothing_gives_nothing() -> None:
    assert molecules([], 1, 5.0) == []
    assert with_fragments([], [], {}, 5.0) == []
