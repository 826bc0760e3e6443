"""Instrument artefacts are recognised by pattern; drugs that share an ion with one are not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from library.artefacts import artefact_of, made_in_inlet, patterns
from library.formats.msp import read_msp
from library.record import Record
from spectra.model import MassSpectrum, spectrum_from_peaks


def spectrum(ions: dict[int, float]) -> MassSpectrum:
    return spectrum_from_peaks(list(ions), list(ions.values()))


@pytest.mark.parametrize(
    ("code", "ions"),
    [
        ("siloxane", {73: 60, 147: 20, 207: 100, 208: 20, 281: 35, 282: 9, 355: 12, 96: 8}),
        ("siloxane", {73: 90, 147: 30, 221: 25, 281: 40, 355: 100, 356: 30, 267: 10}),
        ("fatty_ester", {74: 100, 87: 68, 55: 25, 43: 30, 41: 25, 143: 15, 227: 8, 270: 6, 75: 15}),
        ("phthalate", {149: 100, 150: 10, 167: 30, 57: 30, 71: 20, 279: 8, 113: 8, 43: 20}),
        ("solvent_ethyl_acetate", {43: 100, 45: 14, 61: 14, 70: 9, 73: 5, 88: 5, 42: 7}),
        ("solvent_chloroform", {83: 100, 85: 64, 47: 28, 87: 10, 48: 16, 49: 9}),
        ("solvent_dichloromethane", {49: 100, 84: 65, 86: 40, 51: 32, 88: 7, 47: 15}),
        ("alkane", {57: 100, 43: 80, 71: 70, 85: 50, 41: 40, 55: 30, 99: 15, 113: 10, 56: 15}),
    ],
)
def test_a_pattern_is_recognised(code: str, ions: dict[int, float]) -> None:
    found = artefact_of(spectrum(ions))
    assert found is not None
    assert found.code == code


def test_nothing_is_made_of_an_empty_spectrum() -> None:
    assert artefact_of(MassSpectrum(np.empty(0), np.empty(0))) is None


def test_every_pattern_can_be_met() -> None:
    for pattern in patterns():
        assert pattern.base <= pattern.family
        assert pattern.required | pattern.any_of <= {m + d for m in pattern.family for d in (0, 1, 2)}


def test_what_the_inlet_makes_names_its_parent() -> None:
    (psilocin,) = made_in_inlet("SPCIYGNTAMCTRO")
    assert (psilocin.name, psilocin.parent) == ("psilocin", "psilocybin")
    assert psilocin.source
    assert made_in_inlet("RYYVLZVUVIJVGH") == ()


@pytest.mark.data
def test_no_drug_of_the_evaluation_library_looks_like_an_artefact(data_dir: Path) -> None:
    records = [r for r in read_msp(data_dir / "ei_ms" / "swgdrug_3.9.msp") if isinstance(r, Record)]
    called = {
        r.name: found.code
        for r in records
        if (found := artefact_of(spectrum_from_peaks(r.mz, r.intensity))) is not None
    }
    solvents = r"^(ethyl acetate|chloroform|methylene chloride)$"
    esters = r"phthalate|stearate|palmitate|methyl ester|cosane$|decane$"
    own = re.compile(f"{solvents}|{esters}", re.IGNORECASE)
    assert {name: code for name, code in called.items() if not own.search(name)} == {}
