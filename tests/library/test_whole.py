"""A whole spectrum nobody holds: its family is told where hits and analogues agree, with what it has more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from library.answer import Decision
from library.build import build_release
from library.record import Record
from library.release import Release, open_release
from library.search.ei import search
from library.whole import COMPARED, Statement, state
from spectra.model import spectrum_from_peaks
from spectra.similarity.mass import unit_mass

CORE = {42: 300, 77: 150, 91: 120, 105: 250, 132: 80, 146: 600, 189: 350}
HEAVY = {202: 120, 245: 700, 336: 120}
MEMBERS = {
    "Fentanyl": ("PJMPHNIQZUBGLI", "C22H28N2O", 0),
    "Furanylfentanyl": ("FZJVHWISUGFFQV", "C24H26N2O2", 38),
}


def ions(more: int) -> tuple[np.ndarray, np.ndarray]:
    told = CORE | {mass + more: height for mass, height in HEAVY.items()}
    return np.array(list(told), float), np.array(list(told.values()), float)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder: Path = tmp_path_factory.mktemp("libraries")
    records = [
        Record(name, *ions(more), inchikey=f"{key}-UHFFFAOYSA-N", formula=formula)
        for name, (key, formula, more) in MEMBERS.items()
    ]
    return open_release(build_release(iter(records), folder, name="a", source="", licence="").directory)


def said(release: Release, mz: np.ndarray, intensity: np.ndarray) -> Statement:
    spectrum = spectrum_from_peaks(mz, intensity)
    (hits,) = search([release], [spectrum], top=COMPARED)
    return state(unit_mass(mz, intensity), hits, [release], shown=3, least=0.0)


def test_what_nothing_resembles_has_no_family(release: Release) -> None:
    told = said(release, np.array([58.0, 63, 119, 167, 251]), np.array([999.0, 50, 90, 300, 100]))
    assert told.decision is Decision.UNKNOWN
    assert told.family is None


def test_a_homologue_is_like_its_relative_and_has_ch2_more(release: Release) -> None:
    told = said(release, *ions(14))
    assert told.decision is Decision.FAMILY
    assert told.family is not None
    assert (told.family.family, told.family.mass_difference, told.family.meaning) == ("fentanyl", 14, "+CH2")
