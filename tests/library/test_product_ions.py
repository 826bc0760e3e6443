"""Product ions: what is measured of a query and candidates, how sure that makes, what unknowns are like."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from library.build import build_release
from library.product_ions import FEATURES, chances_of, evidence, isomers_held, relatives
from library.record import Record, SpectrumKind
from library.release import Release, open_release
from library.search.msms import Mode, Query, elsewhere, search
from spectra.model import spectrum_from_peaks

# fentanyl and its isomers break alike; the acetyl analogue is lighter by CH2
FENTANYL = {
    105.0699: 420,
    132.0808: 60,
    134.0964: 80,
    146.0964: 40,
    188.1434: 999,
    216.1383: 90,
    281.2012: 30,
}
ACETYL = {105.0699: 400, 132.0808: 60, 134.0964: 90, 146.0964: 40, 188.1434: 999, 202.1226: 90}
OTHER = {91.0542: 999, 119.0855: 300, 245.1648: 120}


def record(name: str, key: str, formula: str, mz: float, ions: dict[float, float], energy: str) -> Record:
    return Record(
        name, np.array(list(ions)), np.array(list(ions.values())), key + "-UHFFFAOYSA-N", formula,
        kind=SpectrumKind.MSMS, precursor_mz=mz, adduct="[M+H]+", polarity=1, energy=energy,
    )  # fmt: skip


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    records = [
        record("Fentanyl", "PJMPHNIQZUBGLI", "C22H28N2O", 337.2274, FENTANYL, "20 eV"),
        record("Fentanyl", "PJMPHNIQZUBGLI", "C22H28N2O", 337.2274, FENTANYL | {105.0699: 900}, "40 eV"),
        record("isobar", "AAAAAAAAAAAAAA", "C22H28N2O", 337.2275, OTHER, "20 eV"),
        record("Acetylfentanyl", "FYIUUQUPOKIKNI", "C21H26N2O", 323.2118, ACETYL, "20 eV"),
    ]
    folder: Path = tmp_path_factory.mktemp("libraries")
    return open_release(build_release(iter(records), folder, name="a", source="", licence="").directory)


def asked(ions: dict[float, float], precursor: float | None = 337.2275) -> Query:
    return Query(spectrum_from_peaks(np.array(list(ions)), np.array(list(ions.values()))), precursor, 1)


def sure_of(release: Release, query: Query) -> float:
    (hits,) = search([release], [query])
    told = chances_of(query, hits, [release], 1, 0.2)
    assert told is not None
    assert told.compound <= told.group <= 1 - told.absent + 1e-9
    return told.compound


def test_every_feature_is_finite_with_and_without_rivals(release: Release) -> None:
    for ions in (FENTANYL, FENTANYL | OTHER, {188.1434: 1.0}):
        (hits,) = search([release], [asked(ions)])
        values = evidence(asked(ions), hits, 1, 2, 300.0)
        assert values.shape == (len(FEATURES),)
        assert np.isfinite(values).all()


def test_shares_of_intensity_on_common_ions(release: Release) -> None:
    query = asked({105.0699: 500, 188.1434: 400, 250.0: 100})
    (hits,) = search([release], [query])
    values = dict(zip(FEATURES, evidence(query, hits, 1, 2, 300.0), strict=True))
    assert values["explained"] == pytest.approx(0.9)
    assert values["lead_elsewhere"] == pytest.approx(values["score"] - 0.3)


def test_atoms_of_the_best_formula_count(release: Release) -> None:
    (hits,) = search([release], [asked(FENTANYL)])
    values = dict(zip(FEATURES, evidence(asked(FENTANYL), hits, 1, 2, 0.0), strict=True))
    kinds = ("carbon", "nitrogen", "oxygen", "sulfur", "halogens")
    assert [values[kind] for kind in kinds] == [22, 2, 1, 0, 0]


def test_what_is_alike_at_another_precursor_is_seen(release: Release) -> None:
    ((found,),) = search([release], [asked(ACETYL)], mode=Mode.OPEN, top=1)
    assert found.reference.name == "Acetylfentanyl"
    assert elsewhere([release], asked(ACETYL)) == pytest.approx(found.score, abs=1e-3)
    below = elsewhere([release], asked(ACETYL, 323.2118))
    assert 0 < below < found.score
    assert elsewhere([release], replace(asked(ACETYL), polarity=-1)) == 0
    assert elsewhere([release], asked({500.0: 1.0}, 337.2275)) == 0


def test_a_spectrum_that_agrees_is_surer_than_one_that_hardly_does(release: Release) -> None:
    poor = {188.1434: 100.0, 120.05: 999, 160.07: 700, 210.02: 400}
    assert sure_of(release, asked(FENTANYL)) > sure_of(release, asked(poor)) + 0.3


def test_without_a_precursor_or_a_hit_there_is_no_chance(release: Release) -> None:
    (hits,) = search([release], [asked(FENTANYL)])
    assert chances_of(asked(FENTANYL, None), hits, [release], 1, 0.2) is None
    assert chances_of(asked(FENTANYL), [], [release], 1, 0.2) is None


def test_compounds_of_a_formula_are_counted_once(release: Release) -> None:
    assert isomers_held([release], "C22H28N2O") == 2
    assert isomers_held([release, release], "C22H28N2O") == 2
    assert isomers_held([release], "C9H8O4") == 0
    assert isomers_held([release], "") == 0


def test_an_unknown_is_told_with_what_it_has_more(release: Release) -> None:
    heavier = {m + (14.01565 if m > 200 else 0): i for m, i in FENTANYL.items()}
    found = relatives([release], asked(heavier, 337.2274 + 14.01565))
    assert found is not None
    assert (found.family, found.relative.name, found.meaning) == ("fentanyl", "Fentanyl", "+CH2")
    assert found.mass_difference == pytest.approx(14.0157, abs=1e-3)
    assert relatives([release], asked({300.1: 1.0, 301.3: 2.0}, 500.0)) is None
