"""From run to answer: what is named, a group, an artefact or unknown, and what the shares say."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from library import figures
from library.answer import SCHEMA, Component, Decision, Identification, Source
from library.formats.msp import read_msp
from library.identify import identify
from library.release import Release, build_release, open_release
from spectra.errors import InvalidMeasurement
from spectra.model import MassSpectrum, Metadata, Run, ScanTable, Technique
from spectra.readers import read
from spectra.simulate import SimulatedPeak, simulate_run

COCAINE = {
    42: 20,
    51: 8,
    77: 25,
    82: 100,
    83: 35,
    94: 30,
    96: 25,
    105: 30,
    122: 10,
    182: 95,
    198: 12,
    272: 9,
    303: 25,
}
CAFFEINE = {42: 10, 55: 25, 67: 35, 82: 25, 109: 55, 136: 5, 165: 5, 193: 10, 194: 100, 195: 10}
# Two positional isomers whose spectra differ by less than two laboratories do.
ISOMER_A = {44: 9, 56: 8, 58: 100, 59: 5, 65: 9, 91: 17, 119: 14, 120: 2, 134: 3, 162: 2}
ISOMER_B = {44: 9, 56: 8, 58: 100, 59: 5, 65: 8, 91: 16, 119: 15, 120: 2, 134: 3, 162: 2}
KEYS = {
    "Cocaine": "ZPUCINDJVBIVPJ-LJISPDSOSA-N",
    "Caffeine": "RYYVLZVUVIJVGH-UHFFFAOYSA-N",
    "Isomer A": "AAAAAAAAAAAAAA-UHFFFAOYSA-N",
    "Isomer B": "BBBBBBBBBBBBBB-UHFFFAOYSA-N",
}
FORMULAS = {"Cocaine": "C17H21NO4", "Caffeine": "C8H10N4O2", "Isomer A": "C11H15NO", "Isomer B": "C11H15NO"}
SOURCE = Source("run.mzML", "0" * 64, "mzML", "test", "gc_ms", "", "", "", True)


def spectrum(ions: dict[int, float]) -> MassSpectrum:
    return MassSpectrum(np.array(list(ions), float), np.array(list(ions.values()), float))


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    lines = []
    for name, ions in {
        "Cocaine": COCAINE,
        "Caffeine": CAFFEINE,
        "Isomer A": ISOMER_A,
        "Isomer B": ISOMER_B,
    }.items():
        peaks = "\n".join(f"{m} {i}" for m, i in ions.items())
        head = f"Name: {name}\nInChIKey: {KEYS[name]}\nFormula: {FORMULAS[name]}\nNum Peaks: {len(ions)}"
        lines.append(f"{head}\n{peaks}\n")
    folder = tmp_path_factory.mktemp("library")
    (folder / "small.msp").write_text("\n".join(lines), encoding="utf-8")
    report = build_release(
        read_msp(folder / "small.msp"), folder, name="small", source="test", licence="none"
    )
    return open_release(report.directory)


def run_of(*peaks: SimulatedPeak) -> Run:
    return simulate_run(
        peaks, rng=np.random.default_rng(5), duration_s=300, start_s=60, mz_high=400, bleed=3000, solvent=0
    )


def peak(ions: dict[int, float], rt_s: float, height: float = 1e5) -> SimulatedPeak:
    return SimulatedPeak(spectrum(ions), rt_s, height, 3.0, 0.2)


def at(answer: Identification, rt_s: float) -> Component:
    return min(answer.components, key=lambda c: abs((c.rt_min or 0) * 60 - rt_s))


def test_a_substance_with_no_rival_is_identified(release: Release) -> None:
    answer = identify(run_of(peak(COCAINE, 120), peak(CAFFEINE, 250)), [release], source=SOURCE)
    named = at(answer, 120)
    assert named.decision is Decision.IDENTIFIED
    assert named.candidates[0].name == "Cocaine"
    assert named.candidates[0].isomer_group == ["Cocaine"]
    assert named.rt_min == pytest.approx(2.0, abs=0.02)
    assert at(answer, 250).candidates[0].name == "Caffeine"


def test_isomers_that_look_alike_are_named_as_a_group(release: Release) -> None:
    named = at(identify(run_of(peak(ISOMER_A, 150)), [release], source=SOURCE), 150)
    assert named.decision is Decision.GROUP
    assert set(named.candidates[0].isomer_group) == {"Isomer A", "Isomer B"}
    assert len(named.candidates[0].isomer_group_inchikeys) == 2


def test_what_is_not_in_the_library_stays_unknown_and_unexplained(release: Release) -> None:
    stranger = {61: 40, 87: 20, 113: 100, 139: 30, 171: 80, 203: 60, 229: 50, 266: 20}
    answer = identify(run_of(peak(stranger, 200)), [release], source=SOURCE)
    assert at(answer, 200).decision is Decision.UNKNOWN
    assert answer.unexplained_share > 0.8


def test_without_a_library_everything_is_unknown_and_it_says_so() -> None:
    answer = identify(run_of(peak(COCAINE, 120)), [], source=SOURCE)
    assert {c.decision for c in answer.components} == {Decision.UNKNOWN}
    assert any("no library" in warning for warning in answer.warnings)


def test_shares_add_up(release: Release) -> None:
    answer = identify(run_of(peak(COCAINE, 120, 3e5), peak(CAFFEINE, 250, 1e5)), [release], source=SOURCE)
    assert answer.explained_share + answer.unexplained_share == pytest.approx(1)
    assert sum(c.area_share for c in answer.components) <= 1 + 1e-9
    assert at(answer, 120).area_share > at(answer, 250).area_share


def test_a_single_spectrum_is_a_component_without_time(release: Release) -> None:
    ions = spectrum(COCAINE)
    scans = ScanTable(np.array([np.nan]), np.array([0, len(ions)]), ions.mz, ions.intensity)
    answer = identify(Run(Metadata("msp", "msp", Technique.MS), scans), [release], source=SOURCE)
    assert [c.rt_min for c in answer.components] == [None]
    assert answer.components[0].candidates[0].name == "Cocaine"


def test_a_run_without_signal_is_refused(release: Release) -> None:
    scans = ScanTable(np.arange(9.0), np.zeros(10, np.int64), np.empty(0), np.empty(0))
    with pytest.raises(InvalidMeasurement):
        identify(Run(Metadata("mzML", "test"), scans), [release], source=SOURCE)


def test_json_comes_back_as_it_went(release: Release) -> None:
    answer = identify(run_of(peak(COCAINE, 120)), [release], source=SOURCE)
    text = msgspec.json.encode(answer)
    assert json.loads(text)["schema"] == SCHEMA
    assert msgspec.json.decode(text, type=Identification) == answer


@pytest.mark.parametrize(("kind", "head"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_pictures_are_what_they_say_and_equal_for_equal_answers(
    release: Release, kind: str, head: bytes
) -> None:
    answer = identify(run_of(peak(COCAINE, 120), peak(ISOMER_A, 200)), [release], source=SOURCE)
    assert figures.sheet(answer, kind).startswith(head)
    assert figures.chromatogram(answer, kind) == figures.chromatogram(answer, kind)
    assert figures.mirror(answer.components[0], 1, kind).startswith(head)


def test_a_hostile_name_in_a_picture_is_text(release: Release) -> None:
    answer = identify(run_of(peak(COCAINE, 120)), [release], source=SOURCE)
    first = answer.components[0]
    evil = msgspec.structs.replace(
        first.candidates[0], name="<script>$x^2$</script>", isomer_group=["<script>a$b$"]
    )
    drawn = figures.mirror(msgspec.structs.replace(first, candidates=[evil]))
    assert b"<script" not in drawn


@pytest.mark.data
def test_the_real_drug_mixture_is_named(data_dir: Path, tmp_path: Path) -> None:
    told = json.loads((data_dir / "gcms_truth" / "truth.json").read_text())["DRUG_SAMPLE.SPC"]
    truth = told["components"] + told["minor_probable"][:2]  # the third is an ester
    records = read_msp(data_dir / "ei_ms" / "swgdrug_3.9.msp")
    report = build_release(records, tmp_path, name="swgdrug", source="SWGDRUG 3.9", licence="not stated")
    run = read(data_dir / "gcms_truth" / "DRUG_SAMPLE.SPC")
    answer = identify(run, [open_release(report.directory)], source=SOURCE)
    by_name = {f"{k}-Monoacetylmorphine": f"O-{k}-Monoacetylmorphine" for k in (3, 6)}
    for expected in truth:
        found = at(answer, 60 * expected["rt"])
        assert found.rt_min == pytest.approx(expected["rt"], abs=0.02)
        assert found.candidates[0].name == by_name.get(expected["name"], expected["name"])
        assert found.decision in {Decision.IDENTIFIED, Decision.GROUP}
    named = [c for c in answer.components if c.decision in {Decision.IDENTIFIED, Decision.GROUP}]
    assert len(named) == len(truth)
    assert answer.explained_share > 0.85
    esters = [c for c in answer.components if c.artefact == "Fatty-acid methyl ester"]
    assert [round(c.rt_min or 0, 2) for c in esters] == [5.04]
    assert any("siloxane" in c.artefact for c in answer.components)
