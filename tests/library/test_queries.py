"""Queries from runs: what a scan is taken for, and what is left out with a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from library.queries import queries_of
from library.record import OpticalRecord, Reason, Record, Skipped, SpectrumKind
from spectra.model import Axis, Metadata, OpticalSpectrum, Ordinate, Run, ScanTable, Technique

NAN = float("nan")
HERE = Path("made.mzML")


def run(technique: Technique) -> Run:
    """A survey scan, a product-ion scan, an empty one."""
    scans = ScanTable(
        rt_s=np.array([1.0, 2.0, 3.0]),
        offset=np.array([0, 2, 4, 4]),
        mz=np.array([100.0, 200.0, 105.07, 188.14]),
        intensity=np.array([5.0, 10.0, 30.0, 100.0]),
        ms_level=np.array([1, 2, 2]),
        precursor_mz=np.array([NAN, 337.2274, 337.2274]),
        polarity=np.array([1, 1, 1]),
        collision_ev=np.array([NAN, 30.0, 30.0]),
    )
    return Run(Metadata("mzML", "made", technique), scans)


def test_a_scan_with_a_precursor_is_a_product_ion_query_with_its_conditions() -> None:
    _, query, _ = queries_of(run(Technique.LC_MS), HERE)
    assert isinstance(query, Record)
    assert (query.kind, query.precursor_mz, query.energy_ev) == (SpectrumKind.MSMS, 337.2274, 30.0)
    assert (query.line, query.polarity, list(query.mz)) == (2, 1, [105.07, 188.14])


def test_a_survey_scan_is_left_out_and_an_empty_one_too() -> None:
    survey, _, empty = queries_of(run(Technique.LC_MS), HERE)
    assert isinstance(survey, Skipped)
    assert survey.reason is Reason.NOT_COMPARABLE
    assert isinstance(empty, Skipped)
    assert empty.reason is Reason.NO_PEAKS


def test_a_whole_spectrum_after_a_gas_chromatograph_is_electron_ionisation() -> None:
    first, *_ = queries_of(run(Technique.GC_MS), HERE)
    assert isinstance(first, Record)
    assert first.kind is SpectrumKind.EI


def test_the_person_who_asks_may_say_what_the_spectra_are() -> None:
    kinds = {
        q.kind
        for q in queries_of(run(Technique.LC_MS), HERE, SpectrumKind.IN_SOURCE)
        if isinstance(q, Record)
    }
    assert kinds == {SpectrumKind.IN_SOURCE}


def test_curves_follow_the_scans_and_are_named_after_the_file() -> None:
    x = np.linspace(650.0, 4000.0, 500)
    curve = OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, x, np.sin(x / 100))
    first, *_ = queries_of(replace(Run(Metadata("x", "y")), optical=(curve,)), Path("powder.spa"))
    assert isinstance(first, OpticalRecord)
    assert (first.name, first.kind) == ("powder", SpectrumKind.INFRARED)
