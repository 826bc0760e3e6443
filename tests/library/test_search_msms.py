"""Search of product-ion spectra in real releases: identity, open, hybrid, and queries that say little."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from library.build import build_release
from library.formats.msp import read_msp
from library.record import Record, SpectrumKind
from library.release import Release, open_release
from library.search.msms import Hit, Mode, Query, indistinguishable, search
from spectra.model import MassSpectrum, spectrum_from_peaks
from spectra.similarity.accurate import Tolerance, ToleranceUnit
from spectra.similarity.cleaning import clean_spectrum
from spectra.similarity.entropy import entropy_similarity

PARENT = {105.07: 100.0, 132.081: 20.0, 188.1434: 80.0, 216.1383: 10.0, 281.2: 5.0}
SHIFT = 14.01565


def record(
    name: str, ions: dict[float, float], precursor: float, key: str, energy: str = "20 eV", polarity: int = 1
) -> Record:
    return Record(
        name=name,
        mz=np.array(list(ions)),
        intensity=np.array(list(ions.values())),
        inchikey=f"{key * 14}-UHFFFAOYSA-N",
        kind=SpectrumKind.MSMS,
        precursor_mz=precursor,
        polarity=polarity,
        energy=energy,
    )


def release_of(folder: Path, *records: Record, name: str = "own") -> Release:
    report = build_release(records, folder, name=name, source="made here", licence="CC0")
    return open_release(report.directory)


def query(ions: dict[float, float], precursor: float | None = 337.2274, polarity: int = 0) -> Query:
    return Query(spectrum_from_peaks(list(ions), list(ions.values())), precursor, polarity)


def names(hits: Sequence[Hit]) -> list[str]:
    return [hit.reference.name for hit in hits]


@pytest.fixture
def release(tmp_path: Path) -> Release:
    moved = {105.07: 100.0, 132.081: 20.0, 188.1434 + SHIFT: 80.0, 216.1383 + SHIFT: 10.0}
    return release_of(
        tmp_path,
        record("Fentanyl", PARENT, 337.2274, "A", "20 eV"),
        record("Fentanyl", {**PARENT, 188.1434: 20.0}, 337.2274, "A", "40 eV"),
        record("Analogue", moved, 337.2274 + SHIFT, "B"),
        record("Isomer", {105.07: 100.0, 146.0964: 60.0, 188.1434: 30.0}, 337.2274, "C"),
        record("Negative", PARENT, 337.2274, "D", polarity=-1),
        record("Stranger", {60.0: 1.0, 70.0: 2.0}, 500.0, "E"),
    )


def test_identity_gathers_the_energies_of_a_compound(release: Release) -> None:
    hits = search([release], [query(PARENT, 337.2284, 1)])[0]
    assert names(hits) == ["Fentanyl", "Isomer"]
    best = hits[0]
    assert best.score == pytest.approx(1000, abs=0.01)
    assert best.reference.energy == "20 eV"
    assert (best.spectra, best.energies) == (2, ("20 eV", "40 eV"))
    assert 900 < best.consensus < 1000
    assert 0 < best.support <= 50
    assert best.matched_ions == 5
    assert best.cosine == pytest.approx(1)
    assert best.precursor_error_ppm == pytest.approx(1e6 * 0.001 / 337.2274)
    assert best.precursor_difference == pytest.approx(0.001)


def test_polarity_counts_only_where_it_is_known(release: Release) -> None:
    assert "Negative" in names(search([release], [query(PARENT)])[0])


def test_open_search_needs_no_precursor(release: Release) -> None:
    hits = search([release], [query(PARENT, None, 1)], mode=Mode.OPEN)[0]
    assert names(hits) == ["Fentanyl", "Isomer", "Analogue"]
    assert hits[0].precursor_error_ppm is None
    assert all(hit.support == 0 for hit in hits)


def test_hybrid_search_finds_the_analogue(release: Release) -> None:
    analogue = search([release], [query(PARENT, 337.2274, 1)], mode=Mode.HYBRID)[0][1]
    assert analogue.reference.name == "Analogue"
    assert (analogue.matched_ions, analogue.shifted_ions) == (2, 2)
    assert analogue.precursor_difference == pytest.approx(-SHIFT)
    opened = search([release], [query(PARENT, 337.2274, 1)], mode=Mode.OPEN)[0]
    assert analogue.score > next(hit for hit in opened if hit.reference.name == "Analogue").score + 200


def test_several_releases_are_one_library(tmp_path: Path, release: Release) -> None:
    other = release_of(tmp_path, record("Fentanyl again", PARENT, 337.2274, "A"), name="other")
    both = search([other, release], [query(PARENT, 337.2274, 1)])[0]
    assert names(both) == ["Fentanyl again", "Isomer"]
    assert both[0].spectra == 3
    assert both[0].support > search([release], [query(PARENT, 337.2274, 1)])[0][0].support


@pytest.mark.parametrize("mode", list(Mode))
def test_odd_queries_stop_no_other(release: Release, mode: Mode) -> None:
    empty = MassSpectrum(np.empty(0), np.empty(0))
    odd = [
        Query(empty, 337.2274),
        Query(MassSpectrum(np.array([337.2]), np.array([1.0])), 337.2274),  # the precursor alone
        query({105.07: 1.0}),
        query(dict.fromkeys(PARENT, 1.0)),
        query(PARENT, float("nan")),
        query(PARENT, 1e9),
        query({105.07: 1.0, 5e5: 3.0}, 1e6),
        query(PARENT),
    ]
    answers = search([release], odd, mode=mode)
    assert [bool(hits) for hits in answers[:2]] == [False, False]
    assert [bool(hits) for hits in answers[2:4]] == [True, True]
    assert [bool(hits) for hits in answers[4:7]] == [mode is Mode.OPEN] * 3
    assert names(answers[7])[0] == "Fentanyl"
    assert 0 < answers[2][0].score < 800
    assert answers[2][0].matched_ions == 1


def test_scan_ranges_make_cut_spectra_comparable(tmp_path: Path) -> None:
    low = {51.0: 50.0, 77.0: 90.0, 105.0: 100.0}
    release = release_of(tmp_path, record("Full scan", {**low, **PARENT}, 337.2274, "A"))
    asked = Query(query(PARENT).spectrum, 337.2274, 1, mz_low=105.05)
    plain = search([release], [asked])[0][0]
    cut = search([release], [asked], scan_ranges=True)[0][0]
    assert cut.score > plain.score + 100


def test_what_is_as_near_as_the_best_is_named(release: Release) -> None:
    hits = search([release], [query(PARENT, 337.2274, 1)])[0]
    assert names(indistinguishable(hits)) == ["Fentanyl"]
    assert indistinguishable([]) == []
    both = search([release], [query(PARENT, 337.2274)])[0]
    assert names(indistinguishable(both)) == ["Fentanyl", "Negative"]


def test_no_library_no_hits() -> None:
    assert search([], [query(PARENT)]) == [[]]


@pytest.mark.data
def test_real_spectra_find_their_own_compound(tmp_path: Path, data_dir: Path) -> None:
    read = read_msp(data_dir / "esi_msms" / "massbank_esi_open.msp")
    records = [one for one in read if isinstance(one, Record) and one.kind is SpectrumKind.MSMS][:600]
    report = build_release(records, tmp_path, name="massbank", source="MassBank", licence="per record")
    release = open_release(report.directory)
    rng = np.random.default_rng(4)
    usable = [one for one in records if one.precursor_mz and len(one.mz) >= 5 and one.inchikey]
    chosen = [usable[k] for k in rng.choice(len(usable), 40, replace=False)]
    queries = [Query(spectrum_from_peaks(one.mz, one.intensity), one.precursor_mz) for one in chosen]
    for mode in Mode:
        answers = search([release], queries, mode=mode, top=5)
        found = 0
        for one, hits in zip(chosen, answers, strict=True):
            clean = clean_spectrum(one.mz, one.intensity, one.precursor_mz)
            if len(clean) < 3:
                continue
            ranks = [hit.score + hit.support for hit in hits]
            assert ranks == sorted(ranks, reverse=True)
            assert max(hit.score for hit in hits) > 940  # of near duplicates the import keeps one
            found += one.inchikey[:14] in [hit.reference.inchikey[:14] for hit in hits]
            if mode is not Mode.HYBRID:
                own = hits[0].reference
                again = clean_spectrum(own.spectrum.mz, own.spectrum.intensity, own.precursor_mz)
                assert hits[0].score == pytest.approx(1000 * entropy_similarity(clean, again), abs=0.01)
        assert found >= 30


def test_a_tolerance_can_be_chosen(release: Release) -> None:
    near = query({mz + 0.015: height for mz, height in PARENT.items()}, 337.2274, 1)
    assert search([release], [near])[0]
    assert not search([release], [near], tolerance=Tolerance(0.005))[0]
    heavy = query({**PARENT, 4000.0: 1.0}, 5000.0)
    assert search([release], [heavy], mode=Mode.OPEN, tolerance=Tolerance(20, ToleranceUnit.PPM))[0]
