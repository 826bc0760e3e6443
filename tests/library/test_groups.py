from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from library.formats.msp import read_msp
from library.groups import isomer_group, margin_of
from library.record import Record
from library.release import Release, build_release, open_release
from library.search.ei import search
from spectra.model import spectrum_from_peaks
from spectra.similarity.mass import UnitSpectrum, unit_mass

Make = Callable[..., Release]

MZ = np.array([56.0, 58, 65, 91, 119, 147, 162])
AS_3 = np.array([40.0, 999, 60, 120, 90, 20, 15])


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(*records: Record, name: str = "own") -> Release:
        return open_release(build_release(records, tmp_path, name=name, source="", licence="").directory)

    return build


def cathinone(name: str, inchikey: str, intensity: np.ndarray = AS_3, formula: str = "C11H15NO") -> Record:
    return Record(name, MZ, intensity, inchikey=inchikey, formula=formula)


THREE = cathinone("3-MMC", "QEMXAQXGHIVDNP-UHFFFAOYSA-N")
FOUR = cathinone("4-MMC", "YELGFTGWJGBAQU-UHFFFAOYSA-N", AS_3 * [1, 1, 1.1, 0.9, 1.1, 1, 1])
OTHER = cathinone("other formula", "VVVVVVVVVVVVVV-UHFFFAOYSA-N", formula="C12H17NO")
UNLIKE = cathinone("unlike", "WWWWWWWWWWWWWW-UHFFFAOYSA-N", AS_3[::-1])


def names(releases: list[Release], asked: Record) -> list[str]:
    return names_of(releases, asked, unit_mass(asked.mz, asked.intensity))


def names_of(releases: list[Release], asked: Record, query: UnitSpectrum) -> list[str]:
    hits = search(releases, [spectrum_from_peaks(asked.mz, asked.intensity)])[0]
    hit = next(hit for hit in hits if hit.reference.name == asked.name)
    return [reference.name for reference in isomer_group(releases, hit, query)]


def test_isomers_with_like_spectra_are_named_together_the_hit_first(make: Make) -> None:
    release = make(FOUR, THREE, OTHER, UNLIKE)
    assert names([release], THREE) == ["3-MMC", "4-MMC"]
    assert names([release], FOUR) == ["4-MMC", "3-MMC"]
    assert names([release], UNLIKE) == ["unlike"]


def test_an_isomer_that_fits_the_query_clearly_worse_is_left_out(make: Make) -> None:
    far = replace(FOUR, intensity=AS_3 * [1, 1, 6, 0.2, 6, 1, 1])
    release = make(THREE, far)
    assert names([release], THREE) == ["3-MMC"]


def test_the_fewer_ions_a_query_shows_the_wider_its_group(make: Make) -> None:
    few, many = (unit_mass(np.arange(40.0, 40 + n), np.geomspace(999, 20, n)) for n in (4, 100))
    assert margin_of(few) == pytest.approx(115)
    assert margin_of(many) == pytest.approx(43)


def test_stereoisomers_are_together_whatever_their_spectra(make: Make) -> None:
    left = cathinone("left", "QEMXAQXGHIVDNP-LLLLLLLLSA-N", AS_3[::-1])
    assert names([make(THREE, left)], THREE) == ["3-MMC", "left"]


def test_a_group_spans_releases_and_names_a_substance_once(make: Make) -> None:
    both = [make(THREE), make(FOUR, replace(THREE, name="Metaphedrone"), name="other")]
    assert names(both, THREE) == ["3-MMC", "4-MMC"]


def test_labelled_standards_are_not_in_the_group_of_what_people_take(make: Make) -> None:
    labelled = replace(FOUR, name="4-MMC-d3", inchikey="")
    assert names([make(THREE, labelled)], THREE) == ["3-MMC"]


def test_without_a_formula_a_substance_stands_alone(make: Make) -> None:
    bare = [replace(one, formula="") for one in (THREE, FOUR)]
    assert names([make(*bare)], bare[0]) == ["3-MMC"]


def test_a_list_of_principal_ions_joins_the_group_of_the_full_spectrum(make: Make) -> None:
    listed = replace(FOUR, mz=MZ[[1, 3]], intensity=FOUR.intensity[[1, 3]], partial=True, mz_low=40.0)
    release = make(THREE, listed)
    assert names([release], THREE) == ["3-MMC", "4-MMC"]
    measured = unit_mass(FOUR.mz, FOUR.intensity, mz_low=40.0)
    assert names_of([release], listed, measured) == ["4-MMC", "3-MMC"]


def test_a_hit_of_another_library_is_refused(make: Make) -> None:
    release, other = make(THREE), make(FOUR, name="other")
    ((hit,),) = search([release], [spectrum_from_peaks(THREE.mz, THREE.intensity)])
    with pytest.raises(KeyError):
        isomer_group([other], hit, unit_mass(THREE.mz, THREE.intensity))


@pytest.mark.data
def test_groups_of_a_drug_library_stay_small(tmp_path: Path, data_dir: Path) -> None:
    report = build_release(
        read_msp(data_dir / "ei_ms" / "swgdrug_3.9.msp"), tmp_path, name="s", source="", licence=""
    )
    release = open_release(report.directory)
    rows = range(0, len(release), 40)
    entries = [release.entry(row) for row in rows]
    sizes = []
    for entry in entries:
        hits = search([release], [entry.spectrum], top=3)[0]
        hit = next(hit for hit in hits if hit.match_factor > 990)
        query = unit_mass(entry.spectrum.mz, entry.spectrum.intensity, mz_low=entry.mz_low)
        group = isomer_group([release], hit, query)
        assert {reference.formula for reference in group if reference.formula} <= {hit.reference.formula}
        sizes.append(len(group))
    assert 1 < np.mean(sizes) < 2
    assert max(sizes) <= 15


def test_a_key_without_stereochemistry_is_two_substances_where_names_differ_by_a_marker(make: Make) -> None:
    flat = "ZPUCINDJVBIVPJ-UHFFFAOYSA-N"
    cocaine, pseudo, same = (
        cathinone(n, flat) for n in ("Cocaine", "Pseudococaine", "Benzoylmethylecgonine")
    )
    assert names([make(cocaine, replace(pseudo, intensity=AS_3 * 0.9), same)], cocaine) == [
        "Cocaine",
        "Pseudococaine",
    ]
