"""What an import makes of records: sound ions, forms, precursors, and what is doubtful."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.forms import FormKind
from library.prepare import Doubt, Entry, prepare
from library.record import Reason, Record, Skipped, SpectrumKind

COCAINE = Record(
    name="Cocaine",
    mz=np.array([82.0, 105.0, 182.0, 198.0, 272.0, 303.0]),
    intensity=np.array([100.0, 20.0, 80.0, 9.0, 5.0, 20.0]),
    inchikey="ZPUCINDJVBIVPJ-LJISPDSOSA-N",
    formula="C17H21NO4",
)
PROTONATED = replace(
    COCAINE, kind=SpectrumKind.MSMS, precursor_mz=304.1543, adduct="[M+H]+", polarity=1, energy="20 eV"
)


def only(record: Record) -> Entry:
    (told,) = prepare([record]).told
    assert isinstance(told, Entry)
    return told


def doubts(record: Record) -> list[Doubt]:
    return [doubt for doubt, _ in only(record).doubts]


def test_a_sound_record_raises_no_doubt() -> None:
    assert doubts(COCAINE) == doubts(PROTONATED) == []


def test_ions_are_sorted_and_equal_ones_summed() -> None:
    batch = prepare(
        [
            replace(
                COCAINE, mz=np.array([303.0, 82.0, 82.0, 50.0]), intensity=np.array([1.0, 2.0, 3.0, 0.0])
            ),
            COCAINE,
        ]
    )
    assert batch.sizes.tolist() == [2, 6]
    assert batch.mz[:2].tolist() == [82.0, 303.0]
    assert batch.intensity[:2].tolist() == [5.0, 1.0]


@pytest.mark.parametrize(
    ("mz", "intensity", "kept"),
    [
        ([82.0, np.nan, 182.0], [1.0, 1.0, 1.0], [82.0, 182.0]),
        ([82.0, 105.0, 182.0], [1.0, -1.0, 1.0], [82.0, 182.0]),
        ([82.0, 105.0, 182.0], [1.0, np.inf, 1.0], [82.0, 182.0]),
        ([82.0, -105.0, 182.0], [1.0, 1.0, 1.0], [82.0, 182.0]),
        ([82.0, 182.0, 303.0], [1.0, 1.0], [82.0, 182.0]),
    ],
)
def test_broken_ions_are_left_out_and_told(
    mz: list[float], intensity: list[float], kept: list[float]
) -> None:
    broken = replace(COCAINE, mz=np.array(mz), intensity=np.array(intensity))
    batch = prepare([broken])
    assert batch.mz.tolist() == kept
    assert Doubt.REPAIRED in doubts(broken)


@pytest.mark.parametrize(
    ("mz", "intensity", "reason"),
    [
        ([], [], Reason.NO_PEAKS),
        ([np.nan], [1.0], Reason.NO_PEAKS),
        ([82.0], [0.0], Reason.NO_SIGNAL),
    ],
)
def test_a_record_without_an_ion_costs_no_other(
    mz: list[float], intensity: list[float], reason: Reason
) -> None:
    empty = replace(COCAINE, mz=np.array(mz), intensity=np.array(intensity), line=7)
    batch = prepare([COCAINE, empty, PROTONATED])
    first, skipped, last = batch.told
    assert isinstance(first, Entry)
    assert isinstance(skipped, Skipped)
    assert (skipped.reason, skipped.line) == (reason, 7)
    assert isinstance(last, Entry)
    assert batch.sizes.tolist() == [6, 6]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"formula": "C9H13N"}, [Doubt.IONS_ABOVE_FORMULA]),
        ({"formula": "C9H13N", "name": "Amphetamine TMS derivative"}, []),
        ({"formula": ""}, [Doubt.NO_FORMULA]),
        ({"formula": "C17X"}, [Doubt.FORMULA_UNREAD]),
        ({"inchikey": ""}, [Doubt.NO_INCHIKEY]),
        ({"problems": ("3 peaks announced, 2 found",)}, [Doubt.REPAIRED]),
        ({"mz": np.array([82.0, 303.0]), "intensity": np.array([9.0, 1.0])}, [Doubt.FEW_IONS]),
        ({"mz": np.array([82.0]), "intensity": np.array([9.0]), "partial": True}, []),
    ],
)
def test_what_is_doubtful_of_an_electron_ionisation_spectrum(
    change: dict[str, object], expected: list[Doubt]
) -> None:
    assert doubts(replace(COCAINE, **change)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"precursor_mz": 304.2}, []),  # as precise as it is written
        ({"precursor_mz": 304.0}, []),
        ({"precursor_mz": 304.0543}, [Doubt.PRECURSOR_WRONG]),
        ({"precursor_mz": 303.1}, [Doubt.PRECURSOR_WRONG]),
        ({"adduct": "[M+Na]+"}, [Doubt.PRECURSOR_WRONG]),
        ({"adduct": "[M+Na]+", "precursor_mz": 326.1363}, []),
        ({"adduct": "M plus something"}, [Doubt.ADDUCT_UNREAD]),
        ({"polarity": -1}, [Doubt.POLARITY_WRONG]),
        ({"formula": "", "precursor_mz": 1.0}, [Doubt.NO_FORMULA]),
        ({"precursor_mz": None}, [Doubt.PRECURSOR_COMPUTED]),
        ({"precursor_mz": None, "adduct": ""}, [Doubt.NO_PRECURSOR]),
    ],
)
def test_what_is_doubtful_of_a_product_ion_spectrum(change: dict[str, object], expected: list[Doubt]) -> None:
    assert doubts(replace(PROTONATED, **change)) == expected  # type: ignore[arg-type]


def test_a_missing_precursor_is_computed() -> None:
    record = only(replace(PROTONATED, precursor_mz=None, polarity=0)).record
    assert isinstance(record, Record)
    assert record.precursor_mz == pytest.approx(304.15433, abs=1e-5)
    assert record.polarity == 1


def test_salts_labels_and_derivatives_lead_to_their_parent() -> None:
    names = ("Cocaine", "Cocaine hydrochloride", "Cocaine-d3", "Cocaine TMS derivative")
    formulas = ("C17H21NO4", "C17H22ClNO4", "C17H18D3NO4", "")
    entries = [
        only(replace(COCAINE, name=name, formula=formula, inchikey=""))
        for name, formula in zip(names, formulas, strict=True)
    ]
    assert [entry.form.kind for entry in entries] == [
        FormKind.BASE,
        FormKind.SALT,
        FormKind.ISOTOPOLOGUE,
        FormKind.DERIVATIVE,
    ]
    assert {entry.form.parent for entry in entries} == {"cocaine"}


peaks = st.lists(
    st.tuples(
        st.floats(allow_nan=True, allow_infinity=True, width=32),
        st.floats(allow_nan=True, allow_infinity=True, width=32),
    ),
    max_size=30,
)


@given(st.lists(peaks, max_size=6))
def test_whatever_the_ions_are_entries_are_sound(spectra: list[list[tuple[float, float]]]) -> None:
    records = [
        replace(COCAINE, mz=np.array([m for m, _ in one]), intensity=np.array([i for _, i in one]))
        for one in spectra
    ]
    batch = prepare(records)
    assert len(batch.told) == len(records)
    assert len(batch.sizes) == sum(isinstance(one, Entry) for one in batch.told)
    assert batch.sizes.sum() == len(batch.mz) == len(batch.intensity)
    assert np.isfinite(batch.mz).all()
    assert (batch.mz > 0).all()
    assert np.isfinite(batch.intensity).all()
    assert (batch.intensity > 0).all()
    ends = np.cumsum(batch.sizes)
    for first, last in zip(ends - batch.sizes, ends, strict=True):
        assert last > first
        assert (np.diff(batch.mz[first:last]) > 0).all()
