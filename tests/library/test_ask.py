"""One question for every kind of spectrum, against a release that holds them all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from library.answer import Decision
from library.ask import ask
from library.build import build_release
from library.record import OpticalRecord, Record, SpectrumKind
from library.release import Release, open_release
from spectra.model import Axis, OpticalSpectrum, Ordinate

COCAINE = ("Cocaine", "ZPUCINDJVBIVPJ-LJISPDSOSA-N", "C17H21NO4")
FENTANYL = ("Fentanyl", "PJMPHNIQZUBGLI-UHFFFAOYSA-N", "C22H28N2O")
CAFFEINE = ("Caffeine", "RYYVLZVUVIJVGH-UHFFFAOYSA-N", "C8H10N4O2")


def record(substance: tuple[str, str, str], ions: dict[float, float], **told: object) -> Record:
    name, inchikey, formula = substance
    return Record(
        name,
        np.array(list(ions)),
        np.array(list(ions.values())),
        inchikey,
        formula,
        **told,  # type: ignore[arg-type]
    )


EI = record(COCAINE, {82.0: 999, 94: 300, 105: 250, 182: 800, 198: 80, 272: 60, 303: 200})
MSMS = record(
    FENTANYL, {105.0699: 420, 134.0964: 60, 188.1434: 999, 216.1383: 90},
    kind=SpectrumKind.MSMS, precursor_mz=337.2274, adduct="[M+H]+", polarity=1, energy_ev=30.0,
)  # fmt: skip
GENTLE = record(
    CAFFEINE, {138.0662: 20, 195.0877: 999},
    kind=SpectrumKind.IN_SOURCE, precursor_mz=195.0877, energy_ev=30.0,
)  # fmt: skip
HARD = record(
    CAFFEINE, {69.0447: 150, 83.0604: 90, 110.0713: 340, 138.0662: 999, 195.0877: 400},
    kind=SpectrumKind.IN_SOURCE, precursor_mz=195.0877, energy_ev=90.0,
)  # fmt: skip


def curve(*bands: float) -> OpticalRecord:
    x = np.linspace(600.0, 3900.0, 1651)
    y = sum(np.exp(-0.5 * ((x - band) / 12) ** 2) for band in bands)
    spectrum = OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, x, y)
    return OpticalRecord(f"material {bands[0]:.0f}", spectrum, SpectrumKind.INFRARED)


POWDERS = [curve(700, 1100, 1710, 2950), curve(820, 1240, 1600, 3050), curve(760, 1380, 1450, 2850)]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder: Path = tmp_path_factory.mktemp("libraries")
    records = [EI, MSMS, GENTLE, HARD, *POWDERS]
    report = build_release(iter(records), folder, name="all", source="made", licence="none")
    return open_release(report.directory)


def test_every_kind_is_answered_in_the_order_asked(release: Release) -> None:
    answers = ask([release], [POWDERS[1], GENTLE, EI, HARD, MSMS])
    assert [answer.queries for answer in answers] == [(0,), (1, 3), (2,), (4,)]
    names = [answer.rows[0].reference.name for answer in answers]
    assert names == ["material 820", "Caffeine", "Cocaine", "Fentanyl"]


def test_only_calibrated_kinds_tell_a_probability(release: Release) -> None:
    whole, product, curve_ = ask([release], [EI, MSMS, POWDERS[0]])
    for answer in (whole, product):
        assert answer.rows[0].probability is not None
        assert 0 <= answer.rows[0].probability <= 1
    assert curve_.rows[0].probability is None


def test_one_ion_is_not_enough_to_say(release: Release) -> None:
    poor = record(("unknown", "", ""), {82.0: 10.0})
    (answer,) = ask([release], [poor])
    assert answer.decision is Decision.UNKNOWN
    assert answer.note.startswith("not enough to say: 1 of ")
    assert answer.rows[0].probability is None


def test_a_mass_without_a_fragment_names_nothing(release: Release) -> None:
    (answer,) = ask([release], [record(CAFFEINE, {195.0877: 100.0}, kind=SpectrumKind.IN_SOURCE)])
    assert answer.decision is not Decision.IDENTIFIED


def test_what_cannot_be_compared_says_why_and_stops_no_other(release: Release) -> None:
    x = np.linspace(3600.0, 3900.0, 200)
    short = replace(POWDERS[0], spectrum=OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, x, np.sin(x)))
    refused, answered = ask([release], [short, EI])
    assert "too little" in refused.note
    assert refused.decision is Decision.UNKNOWN
    assert answered.rows


def test_probabilities_of_later_candidates_never_pass_the_first(data_dir: Path, tmp_path: Path) -> None:
    from library.formats import read_library
    from library.shelf import open_wanted

    library = data_dir / "ei_ms" / "massbank_ei_open.msp"
    releases = open_wanted([str(library)], tmp_path, tmp_path)
    queries = [one for one in read_library(library) if isinstance(one, Record)][:20]
    for answer in ask(releases, queries, top=5):
        chances = [row.probability for row in answer.rows if row.probability is not None]
        assert chances == sorted(chances, reverse=True)
        assert sum(chances) <= 1.0 + 1e-9
