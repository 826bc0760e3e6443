from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from library.formats.msp import read_msp
from library.record import Record
from library.release import Release, build_release, open_release
from library.search.hybrid import hybrid, molecular_masses, plausible_masses
from spectra.model import spectrum_from_peaks
from spectra.similarity.mass import unit_mass
from spectra.similarity.shifted import hybrid_scores

FENTANYL = Record(
    "Fentanyl",
    np.array([91.0, 105, 146, 189, 202, 245, 336]),
    np.array([100.0, 300, 600, 400, 100, 999, 5]),
    inchikey="PJMPHNIQZUBGLI-UHFFFAOYSA-N",
    formula="C22H28N2O",
)
CAFFEINE = Record(
    "Caffeine",
    np.array([55.0, 67, 109, 194]),
    np.array([300.0, 400, 700, 999]),
    inchikey="RYYVLZVUVIJVGH-UHFFFAOYSA-N",
    formula="C8H10N4O2",
)


def release_of(folder: Path, *records: Record) -> Release:
    return open_release(build_release(records, folder, name="own", source="", licence="").directory)


@pytest.fixture
def own(tmp_path: Path) -> Release:
    return release_of(tmp_path, CAFFEINE, FENTANYL)


def test_an_analogue_finds_its_relative_with_the_difference(own: Release) -> None:
    analogue = spectrum_from_peaks([91, 105, 164, 207, 220, 263, 354], [100, 300, 600, 400, 100, 999, 15])
    for known in (354, None):
        first = hybrid([own], [analogue], [known])[0][0]
        assert (first.reference.name, first.difference) == ("Fentanyl", 18)
        assert first.score > 950


def test_masses_tried_are_the_heads_of_the_heaviest_clusters() -> None:
    query = unit_mass([91, 245, 246, 334, 335, 336, 337], [999, 900, 150, 20, 30, 200, 40])
    assert plausible_masses(query) == (336, 245, 91)


def test_nothing_to_search_in_or_for_is_no_analogue(own: Release) -> None:
    assert hybrid([own], [], []) == []
    assert hybrid([], [spectrum_from_peaks([91], [1])], [91]) == [[]]
    assert hybrid([own], [spectrum_from_peaks([], [])], [None]) == [[]]
    with pytest.raises(ValueError, match="zip"):
        hybrid([own], [], [91])


@pytest.mark.data
def test_the_best_are_those_of_a_full_comparison(tmp_path: Path, data_dir: Path) -> None:
    release = release_of(tmp_path, *_records(data_dir / "ei_ms" / "swgdrug_3.9.msp"))
    masses = molecular_masses(release)
    known = np.flatnonzero(masses)
    for one in _records(data_dir / "ei_queries" / "queries.msp")[::60]:
        unit = unit_mass(one.mz, one.intensity)
        mass = plausible_masses(unit)[0]
        scores = hybrid_scores(unit, release.units, known, mass - masses[known])
        best: dict[int, float] = {}
        for key, score in zip(release.compound_key[known].tolist(), scores.tolist(), strict=True):
            best[key] = max(score, best.get(key, 0.0))
        (hits,) = hybrid([release], [spectrum_from_peaks(one.mz, one.intensity)], [mass], top=10)
        assert [hit.score for hit in hits] == pytest.approx(sorted(best.values(), reverse=True)[:10])


def _records(path: Path) -> list[Record]:
    return [one for one in read_msp(path) if isinstance(one, Record)]
