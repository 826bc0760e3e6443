"""Electron ionisation beyond one peak, one reference: divided components, retention indices, faulty runs."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from library.answer import Component, Decision, Identification, Source
from library.formats.msp import read_msp
from library.identify import identify
from library.release import Release, build_release, open_release
from spectra.chromatography.retention import Ladder
from spectra.model import MassSpectrum, Metadata, Run, ScanTable, Technique, spectrum_from_peaks
from spectra.simulate import SimulatedPeak, simulate_run

Ions = dict[int, float]
COCAINE: Ions = {42: 20, 51: 8, 77: 25, 82: 100, 83: 35, 94: 30, 96: 25, 105: 30, 122: 10, 182: 95}
COCAINE |= {198: 12, 272: 9, 303: 25}
CAFFEINE: Ions = {42: 10, 55: 25, 67: 35, 82: 25, 109: 55, 136: 5, 165: 5, 193: 10, 194: 100, 195: 10}
PSILOCIN: Ions = {
    42: 4,
    58: 100,
    59: 4,
    77: 3,
    103: 2,
    117: 3,
    130: 4,
    146: 6,
    159: 3,
    160: 3,
    204: 14,
    205: 2,
}
ISOMER_A: Ions = {44: 9, 56: 8, 58: 100, 59: 5, 65: 9, 91: 17, 119: 14, 120: 2, 134: 3, 162: 2}
ISOMER_B: Ions = {44: 9, 56: 8, 58: 100, 59: 5, 65: 8, 91: 16, 119: 15, 120: 2, 134: 3, 162: 2}
ENTRIES: list[tuple[str, str, str, float | None, Ions]] = [
    ("Cocaine", "ZPUCINDJVBIVPJ-LJISPDSOSA-N", "C17H21NO4", 2200.0, COCAINE),
    ("Caffeine", "RYYVLZVUVIJVGH-UHFFFAOYSA-N", "C8H10N4O2", None, CAFFEINE),
    ("Psilocin", "SPCIYGNTAMCTRO-UHFFFAOYSA-N", "C12H16N2O", None, PSILOCIN),
    ("Isomer A", "AAAAAAAAAAAAAA-UHFFFAOYSA-N", "C11H15NO", 1500.0, ISOMER_A),
    ("Isomer B", "BBBBBBBBBBBBBB-UHFFFAOYSA-N", "C11H15NO", 1620.0, ISOMER_B),
]
SOURCE = Source("run.mzML", "0" * 64, "mzML", "test", "gc_ms", "", "", "", True)
LADDER = Ladder("alkane", (70.0, 150.0, 250.0, 340.0), (1300.0, 1500.0, 1800.0, 2300.0))


def spectrum(ions: Ions) -> MassSpectrum:
    return spectrum_from_peaks(list(ions), list(ions.values()))


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    blocks = []
    for name, key, formula, index, ions in ENTRIES:
        head = f"Name: {name}\nInChIKey: {key}\nFormula: {formula}\n"
        head += "" if index is None else f"RI: {index}\n"
        blocks.append(head + f"Num Peaks: {len(ions)}\n" + "\n".join(f"{m} {i}" for m, i in ions.items()))
    folder = tmp_path_factory.mktemp("library")
    (folder / "small.msp").write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    report = build_release(read_msp(folder / "small.msp"), folder, name="small", source="", licence="")
    return open_release(report.directory)


def run_of(*peaks: tuple[Ions, float], polarity: int = 0) -> Run:
    elutes = [SimulatedPeak(spectrum(ions), rt_s, 2e5, 3.0, 0.2) for ions, rt_s in peaks]
    made = simulate_run(
        elutes, rng=np.random.default_rng(5), duration_s=300, start_s=60, mz_high=400, bleed=3000, solvent=0
    )
    scans = made.scans
    if polarity:
        sign = np.full(len(scans), polarity, np.int64)
        scans = ScanTable(scans.rt_s, scans.offset, scans.mz, scans.intensity, polarity=sign)
    return Run(made.metadata, scans)


def single(*parts: tuple[Ions, float]) -> Run:
    """One spectrum without time axis: the parts added by summed intensity."""
    mass = [m for ions, _ in parts for m in ions]
    height = [share * i / sum(ions.values()) for ions, share in parts for i in ions.values()]
    together = spectrum_from_peaks(mass, height)
    scans = ScanTable(np.array([np.nan]), np.array([0, len(together)]), together.mz, together.intensity)
    return Run(Metadata("msp", "msp", Technique.MS), scans)


def at(answer: Identification, rt_s: float) -> Component:
    return min(answer.components, key=lambda c: abs((c.rt_min or 0) * 60 - rt_s))


def test_a_spectrum_of_two_substances_is_divided_into_groups(release: Release) -> None:
    answer = identify(single((COCAINE, 1), (CAFFEINE, 0.4)), [release], source=SOURCE)
    assert [c.candidates[0].name for c in answer.components] == ["Cocaine", "Caffeine"]
    assert {c.decision for c in answer.components} == {Decision.GROUP}
    assert all(c.divided for c in answer.components)
    large, small = (c.area_share for c in answer.components)
    assert small / large == pytest.approx(0.4, rel=0.1)


def test_a_spectrum_of_one_substance_is_not_divided(release: Release) -> None:
    (component,) = identify(single((COCAINE, 1)), [release], source=SOURCE).components
    assert not component.divided
    assert component.decision is Decision.IDENTIFIED


def test_peaks_that_come_at_the_same_moment_are_divided(release: Release) -> None:
    answer = identify(run_of((COCAINE, 150), (CAFFEINE, 150)), [release], source=SOURCE)
    near = [c for c in answer.components if abs((c.rt_min or 0) - 2.5) < 0.05]
    assert {c.candidates[0].name for c in near} == {"Cocaine", "Caffeine"}


def test_what_the_libraries_lack_is_not_made_up_from_parts(release: Release) -> None:
    stranger: Ions = {61: 40, 82: 30, 113: 100, 139: 30, 171: 80, 194: 40, 229: 50, 266: 20}
    answer = identify(single((stranger, 1)), [release], source=SOURCE)
    assert [c.decision for c in answer.components] == [Decision.UNKNOWN]


def test_a_retention_index_orders_isomers_and_is_shown(release: Release) -> None:
    run = run_of((ISOMER_A, 190))
    without = at(identify(run, [release], source=SOURCE), 190)
    answer = identify(run, [release], source=SOURCE, ladder=LADDER)
    found = at(answer, 190)
    assert without.retention_index is None
    assert found.retention_index == pytest.approx(1620, abs=25)
    assert found.candidates[0].name == "Isomer B"
    assert abs(found.candidates[0].retention_index_error or 99) < 25
    assert {one.name for one in found.candidates} >= {"Isomer A", "Isomer B"}


def test_a_candidate_without_index_is_neither_dropped_nor_favoured(release: Release) -> None:
    found = at(identify(run_of((CAFFEINE, 200)), [release], source=SOURCE, ladder=LADDER), 200)
    assert found.candidates[0].name == "Caffeine"
    assert found.candidates[0].retention_index_error is None
    wrong = at(identify(run_of((COCAINE, 100)), [release], source=SOURCE, ladder=LADDER), 100)
    assert wrong.candidates[0].name == "Cocaine"


def test_negative_ions_are_said_and_nothing_is_named(release: Release) -> None:
    answer = identify(run_of((COCAINE, 150), polarity=-1), [release], source=SOURCE)
    assert {c.decision for c in answer.components} == {Decision.UNKNOWN}
    assert any("negative ions" in one for one in answer.warnings)


def test_a_blank_run_says_so(release: Release) -> None:
    answer = identify(run_of(), [release], source=SOURCE)
    assert not [c for c in answer.components if c.decision in {Decision.IDENTIFIED, Decision.GROUP}]
    assert any("blank" in one for one in answer.warnings)


def test_what_the_inlet_may_have_made_is_said(release: Release) -> None:
    answer = identify(run_of((PSILOCIN, 150)), [release], source=SOURCE)
    assert any("psilocin may come from psilocybin" in one for one in answer.warnings)


def test_new_fields_come_back_as_they_went(release: Release) -> None:
    answer = identify(run_of((ISOMER_A, 190)), [release], source=SOURCE, ladder=LADDER)
    assert msgspec.json.decode(msgspec.json.encode(answer), type=Identification) == answer
    assert 0.8 < (at(answer, 190).quality or 0) <= 1


def test_ions_at_the_limit_of_the_detector_are_told(release: Release) -> None:
    run = run_of((COCAINE, 120), (CAFFEINE, 200))
    scans = run.scans
    cut = ScanTable(scans.rt_s, scans.offset, scans.mz, np.minimum(scans.intensity, 1.2e5))
    answer = identify(Run(run.metadata, cut), [release], source=SOURCE)
    assert {82, 182} <= set(at(answer, 120).saturated_ions)
    assert at(answer, 120).candidates[0].name == "Cocaine"
    assert not at(answer, 120).tails
    assert at(identify(run, [release], source=SOURCE), 120).saturated_ions == []
