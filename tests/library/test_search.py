from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from library.formats.msp import read_msp
from library.record import Record
from library.release import Release, build_release, open_release
from library.search.ei import POOL, PURE, SURE, agreement, robust_score, search
from spectra.model import Floats, MassSpectrum, spectrum_from_peaks
from spectra.similarity.mass import unit_mass
from spectra.similarity.match_factor import match_factors

Make = Callable[..., Release]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(*records: Record, name: str = "own") -> Release:
        return open_release(build_release(records, tmp_path, name=name, source="", licence="").directory)

    return build


def record(name: str, ions: dict[int, float], **more: object) -> Record:
    made = Record(name, np.array(list(ions), np.float64), np.array(list(ions.values()), np.float64))
    return replace(made, **more)  # type: ignore[arg-type]


def query(ions: dict[int, float]) -> MassSpectrum:
    return spectrum_from_peaks(list(ions), list(ions.values()))


COCAINE = record("Cocaine", {82: 999, 94: 300, 182: 800, 303: 200}, inchikey="ZPUCINDJVBIVPJ-LJISPDSOSA-N")
CAFFEINE = record("Caffeine", {55: 300, 67: 400, 109: 700, 194: 999}, formula="C8H10N4O2")


def test_the_same_spectrum_comes_first(make: Make) -> None:
    ((first, *_),) = search([make(COCAINE, CAFFEINE)], [query({82: 99.9, 94: 30, 182: 80, 303: 20})])
    assert first.reference.name == "Cocaine"
    assert first.match_factor == pytest.approx(999.5)
    assert first.matched_ions == 4
    assert first.score == pytest.approx(1000, abs=1)


def test_what_shares_no_ion_is_no_hit(make: Make) -> None:
    release = make(COCAINE, CAFFEINE)
    assert search([release], [query({500: 1.0})]) == [[]]
    assert [len(hits) for hits in search([release], [query({194: 1.0}), query({82: 1.0, 55: 1})])] == [1, 2]


def test_no_queries_and_no_releases_are_no_hits(make: Make) -> None:
    assert search([make(COCAINE)], []) == []
    assert search([], [query({82: 1.0})]) == [[]]


def test_an_empty_spectrum_has_no_hits(make: Make) -> None:
    assert search([make(COCAINE)], [query({})]) == [[]]


def test_a_compound_takes_one_place_over_all_releases(make: Make) -> None:
    worse = replace(COCAINE, intensity=np.array([999.0, 500, 300, 50]), name="Cocain", line=2)
    releases = [make(worse, CAFFEINE), make(COCAINE, name="other")]
    (hits,) = search(releases, [query({82: 999, 94: 300, 182: 800, 303: 200})])
    assert [(hit.reference.library, hit.reference.name) for hit in hits] == [("other", "Cocaine")]


def test_a_labelled_standard_does_not_push_out_what_people_take(make: Make) -> None:
    ions = {82: 999.0, 94: 290, 182: 800, 303: 200}
    labelled = record("Cocaine-d3", ions, formula="C17H18D3NO4", inchikey=COCAINE.inchikey)
    (hits,) = search([make(labelled, COCAINE)], [query(ions)])
    assert [hit.reference.form for hit in hits] == ["base", "isotopologue"]
    assert hits[1].match_factor > hits[0].match_factor


def test_an_instrument_started_late_is_not_punished(make: Make) -> None:
    early = record("Amine", {15: 500, 28: 999, 30: 999, 58: 800, 91: 300})
    ((hit,),) = search([make(early)], [query({58: 800, 91: 300})])
    assert hit.match_factor > 998
    ((told,),) = search([make(early)], [query({58: 800, 91: 300})], mz_low=29)
    assert told.match_factor < 850


def test_principal_ions_are_compared_as_such(make: Make) -> None:
    listed = record("Cocaine", {82: 100, 182: 80}, partial=True, mz_low=40)
    ((hit,),) = search([make(listed)], [query({42: 500, 82: 999, 94: 400, 182: 799})])
    assert hit.reference.partial
    assert hit.match_factor == pytest.approx(999.5, abs=1.0)


def test_a_list_has_no_advantage_over_a_full_spectrum(make: Make) -> None:
    ions = {82: 999.0, 94: 300, 182: 800, 303: 300}
    listed, full = record("List", ions, partial=True, mz_low=40), record("Full", ions, mz_low=40)
    noisy = query({**ions, 42: 250, 105: 200, 150: 250})
    (hits,) = search([make(listed), make(full, name="full")], [noisy])
    assert [hit.reference.name for hit in hits] == ["List", "Full"]
    assert hits[0].match_factor > hits[1].match_factor + 50
    assert hits[0].score == pytest.approx(hits[1].score)


def test_an_impure_spectrum_ranks_by_what_bears_contamination(make: Make) -> None:
    release = make(COCAINE, CAFFEINE)
    mixed = query({82: 999, 94: 300, 182: 800, 303: 200, 55: 90, 350: 200})
    ((pure, *_),) = search([release], [mixed], purity=[PURE])
    ((impure, *_),) = search([release], [mixed], purity=[0.6])
    assert pure.match_factor == impure.match_factor
    assert pure.score == pytest.approx(
        agreement(unit_mass(mixed.mz, mixed.intensity), release.units, np.array([0]))[0]
    )
    assert impure.score > impure.match_factor
    with pytest.raises(ValueError, match="zip"):
        search([release], [mixed], purity=[])


def test_a_hit_tells_what_speaks_against_it(make: Make) -> None:
    ((hit, *_),) = search([make(COCAINE)], [query({50: 500, 82: 999, 94: 300, 182: 800, 200: 60, 201: 20})])
    assert (hit.missing, hit.unexplained) == (
        (303,),
        (200,),
    )
    assert hit.explained == pytest.approx((999 + 300 + 800) / (999 + 300 + 800 + 60 + 20), rel=1e-2)


@pytest.mark.data
@pytest.mark.parametrize("purity", [1.0, 0.5])
def test_hits_among_thousands_are_those_of_the_full_comparison(
    tmp_path: Path, data_dir: Path, purity: float
) -> None:
    report = build_release(
        read_msp(data_dir / "ei_ms" / "swgdrug_3.9.msp"), tmp_path, name="s", source="", licence=""
    )
    release = open_release(report.directory)
    measured = [one for one in read_msp(data_dir / "ei_queries" / "queries.msp") if isinstance(one, Record)]
    some = [spectrum_from_peaks(one.mz, one.intensity) for one in measured[::17]]
    found = search([release], some, top=8, purity=[purity] * len(some))
    for spectrum, hits in zip(some, found, strict=True):
        unit = unit_mass(spectrum.mz, spectrum.intensity)
        exact = match_factors(unit, release.units, np.arange(len(release)))
        if purity == 1.0:
            # the twenty compounds best by match factor, put in order by agreement
            sure = [factor for factor in best_of(release, exact.match_factor)[:POOL] if factor >= SURE]
            pool = np.flatnonzero(exact.match_factor >= min(sure, default=SURE))
            scores = np.zeros(len(release))
            scores[pool] = agreement(unit, release.units, pool)
            assert hits[0].score >= best_of(release, scores)[0] - 1e-9
        else:
            expected = best_of(release, robust_score(exact))[:8]
            assert [hit.score for hit in hits] == pytest.approx(expected)


def best_of(release: Release, scores: Floats) -> list[float]:
    best: dict[int, float] = {}
    handicapped = scores - 50 * release.labelled
    for key, value in zip(release.compound_key.tolist(), handicapped.tolist(), strict=True):
        best[key] = max(value, best.get(key, 0.0))
    return sorted(best.values(), reverse=True)
