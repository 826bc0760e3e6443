"""LC-MS runs: what product ions name, what masses only suggest, what is said of runs that show nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from library.adducts import ion_mz
from library.answer import Component, Decision, Identification, Source
from library.identify import identify
from library.isotopes import pattern
from library.record import Record, SpectrumKind
from library.release import Release, build_release, open_release
from library.starter import starter_records
from spectra.model import MassSpectrum, Metadata, Run, ScanTable, Technique, spectrum_from_peaks
from spectra.readers import read
from spectra.simulate_liquid import Instrument, SimulatedAnalyte, simulate_liquid_run

SOURCE = Source("run.mzML", "0" * 64, "mzML", "test", "lc_ms", "", "", "", simulated=True)
NAMED = {Decision.IDENTIFIED, Decision.GROUP}
NEUTRON = 1.0033548


@pytest.fixture(scope="module")
def records() -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for one in starter_records(SpectrumKind.MSMS):
        if one.adduct == "[M+H]+":
            found.setdefault(one.name, []).append(one)
    return found


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Release:
    kept = starter_records(SpectrumKind.MSMS)
    folder = tmp_path_factory.mktemp("starter")
    return open_release(build_release(kept, folder, name="starter", source="test", licence="test").directory)


def analyte(
    records: dict[str, list[Record]], name: str, rt_s: float, height: float = 2e6
) -> SimulatedAnalyte:
    """With isotopes and a sodium adduct; product ions as the starter pack has them."""
    own, formula = records[name], records[name][0].formula
    mz = ion_mz(formula, "[M+H]+")
    ions = [mz, mz + NEUTRON, mz + 2 * NEUTRON - 0.003, ion_mz(formula, "[M+Na]+")]
    products = {float(one.energy_ev or 25): spectrum_from_peaks(one.mz, one.intensity) for one in own}
    return SimulatedAnalyte(spectrum_from_peaks(ions, [*pattern(formula), 0.1]), products, rt_s, height)


def answer_to(run: Run, *releases: Release) -> Identification:
    answer = identify(run, releases, source=SOURCE)
    assert msgspec.json.decode(msgspec.json.encode(answer), type=Identification) == answer
    return answer


def simulated(*analytes: SimulatedAnalyte, instrument: Instrument | None = None, polarity: int = 1) -> Run:
    rng = np.random.default_rng(8)
    return simulate_liquid_run(analytes, rng=rng, duration_s=120.0, instrument=instrument, polarity=polarity)


def at(answer: Identification, rt_s: float, name: str) -> Component:
    near = [c for c in answer.components if c.rt_min and abs(60 * c.rt_min - rt_s) < 5]
    return next(c for c in near if c.candidates and c.candidates[0].name == name)


def test_product_ions_name_what_is_there_with_its_ions(
    records: dict[str, list[Record]], starter: Release
) -> None:
    run = simulated(analyte(records, "Cocaine", 40.0), analyte(records, "Ketamine", 80.0, 5e5))
    answer = answer_to(run, starter)
    named = [c for c in answer.components if c.decision in NAMED]
    assert {c.candidates[0].name for c in named} == {"Cocaine", "Ketamine"}
    cocaine = at(answer, 40.0, "Cocaine")
    assert cocaine.compared == "msms"
    assert cocaine.precursor_mz == pytest.approx(304.1543, abs=0.001)
    assert cocaine.neutral_mass == pytest.approx(303.1471, abs=0.001)
    assert {"[M+H]+", "[M+Na]+"} <= set(cocaine.adducts)
    assert abs(cocaine.candidates[0].precursor_error_ppm or 99) < 5
    assert cocaine.candidates[0].matched_ions >= 3
    assert cocaine.candidates[0].isotopes_fit is True
    assert cocaine.candidates[0].energies
    assert answer.explained_share > 0.95
    assert [c.number for c in answer.components] == list(range(1, len(answer.components) + 1))


def test_without_product_ions_masses_suggest_and_nothing_is_named(
    records: dict[str, list[Record]], starter: Release
) -> None:
    run = simulated(analyte(records, "Cocaine", 40.0), instrument=Instrument(top=0))
    answer = answer_to(run, starter)
    maybe = at(answer, 40.0, "Cocaine")
    assert maybe.decision is Decision.UNKNOWN
    assert maybe.candidates[0].mass_only
    assert maybe.compared == "mass"
    assert "Scopolamine" in maybe.candidates[0].isomer_group
    assert answer.explained_share == 0
    assert any("masses alone name nothing" in text for text in answer.warnings)


def test_two_drugs_in_one_isolation_window_are_both_found(
    records: dict[str, list[Record]], starter: Release
) -> None:
    pairs = [
        (a, b)
        for a in sorted(records)
        for b in sorted(records)
        if a < b
        and 0.1 < abs((records[a][0].precursor_mz or 0) - (records[b][0].precursor_mz or 0)) < 0.3
        and min(len(one.mz) for one in (*records[a], *records[b])) >= 6
    ]
    first, second = pairs[0]
    run = simulated(analyte(records, first, 60.0, 4e6), analyte(records, second, 60.4, 4e5))
    answer = answer_to(run, starter)
    for name in (first, second):
        found = at(answer, 60.0, name)
        assert found.decision in NAMED
        assert len(found.co_isolated) == 1
        assert found.purity < 1


def test_a_pattern_that_lacks_its_chlorine_is_not_believed(
    records: dict[str, list[Record]], starter: Release
) -> None:
    ketamine = analyte(records, "Ketamine", 60.0)
    mz, height = ketamine.ions.mz, ketamine.ions.intensity
    wrong = spectrum_from_peaks(mz, np.where(np.abs(mz - mz[0] - 2) < 0.1, 0.01, height))
    run = simulated(SimulatedAnalyte(wrong, ketamine.products, 60.0, 2e6))
    found = at(answer_to(run, starter), 60.0, "Ketamine")
    assert found.candidates[0].isotopes_fit is False
    assert found.decision is Decision.UNKNOWN


def test_the_wrong_polarity_names_nothing_and_is_said(
    records: dict[str, list[Record]], tmp_path: Path
) -> None:
    positive = [one for one in starter_records(SpectrumKind.MSMS) if one.polarity > 0]
    report = build_release(positive, tmp_path, name="positive", source="test", licence="test")
    run = simulated(analyte(records, "Cocaine", 40.0), polarity=-1)
    answer = answer_to(run, open_release(report.directory))
    assert not [c for c in answer.components if c.decision in NAMED]
    assert any("negative ions" in text for text in answer.warnings)


def test_a_blank_is_said_to_be_one(starter: Release) -> None:
    answer = answer_to(simulated(instrument=Instrument(eluent=5)), starter)
    assert not [c for c in answer.components if c.decision in NAMED]
    assert answer.explained_share == 0
    flat = ScanTable(
        np.arange(50.0), np.arange(0, 101, 2), np.tile([100.01234, 200.04321], 50), np.full(100, 5e4)
    )
    silent = answer_to(Run(Metadata("mzML", "test", Technique.LC_MS), flat), starter)
    assert not silent.components
    assert any("blank" in text for text in silent.warnings)


def test_an_overloaded_peak_is_said_to_be_one(records: dict[str, list[Record]], starter: Release) -> None:
    run = simulated(analyte(records, "Cocaine", 60.0, 1e8), instrument=Instrument(share=0.005))
    table = run.scans
    cut = ScanTable(
        table.rt_s, table.offset, table.mz, np.minimum(table.intensity, 2e7),
        table.ms_level, table.precursor_mz, table.polarity, table.collision_ev,
    )  # fmt: skip
    answer = answer_to(Run(run.metadata, cut), starter)
    assert any("overloaded" in text and "304.15" in text for text in answer.warnings)


def test_product_ions_without_time_are_searched_one_by_one(
    records: dict[str, list[Record]], starter: Release
) -> None:
    own = [records["Cocaine"][0], records["MDMA"][0]]
    nan = np.full(2, np.nan)
    table = ScanTable(
        nan,
        np.cumsum([0, *(len(one.mz) for one in own)]),
        np.concatenate([one.mz for one in own]),
        np.concatenate([one.intensity for one in own]),
        np.full(2, 2),
        np.array([one.precursor_mz for one in own], float),
    )
    answer = answer_to(Run(Metadata("MGF", "mgf", Technique.MS), table), starter)
    assert [c.candidates[0].name for c in answer.components] == ["Cocaine", "MDMA"]
    assert {c.rt_min for c in answer.components} == {None}


def test_of_a_long_list_only_the_first_are_compared(starter: Release) -> None:
    n = 1100
    table = ScanTable(
        np.full(n, np.nan),
        np.arange(n + 1),
        np.full(n, 82.0651),
        np.ones(n),
        np.full(n, 2),
        np.full(n, 304.1543),
    )
    answer = answer_to(Run(Metadata("MGF", "mgf", Technique.MS), table), starter)
    assert len(answer.components) <= 1000
    assert any("first 1000" in text for text in answer.warnings)


def test_all_ion_scans_lend_their_products_to_what_rises_with_them(
    records: dict[str, list[Record]], starter: Release
) -> None:
    run = all_ion(analyte(records, "Cocaine", 40.0), analyte(records, "Ketamine", 80.0))
    answer = answer_to(run, starter)
    named = {c.candidates[0].name for c in answer.components if c.decision in NAMED}
    assert named == {"Cocaine", "Ketamine"}


def all_ion(*analytes: SimulatedAnalyte) -> Run:
    """Full scans of no energy and of 25 eV in turn."""
    rng, time = np.random.default_rng(2), np.arange(0.0, 120.0, 0.5)
    spectra: list[MassSpectrum] = []
    for k, rt in enumerate(time.tolist()):
        mz, counts = [np.array([111.1])], [np.array([2e4])]
        for one in analytes:
            height = one.height * np.exp(-0.5 * ((rt - one.rt_s) / 2.0) ** 2)
            ions = one.ions if k % 2 == 0 else one.products[min(one.products, key=lambda e: abs(e - 25))]
            mz.append(ions.mz * (1 + rng.normal(0, 1e-6, len(ions))))
            counts.append(height * ions.intensity / ions.base_peak)
        seen = np.concatenate(counts) > 500
        spectra.append(spectrum_from_peaks(np.concatenate(mz)[seen], np.concatenate(counts)[seen]))
    table = ScanTable(
        time,
        np.cumsum([0, *(len(one) for one in spectra)]),
        np.concatenate([one.mz for one in spectra]),
        np.concatenate([one.intensity for one in spectra]),
        polarity=np.ones(len(time), np.int64),
        collision_ev=np.where(np.arange(len(time)) % 2, 25.0, 0.0),
    )
    return Run(Metadata("mzML", "test", Technique.LC_MS), table)


@pytest.mark.data
def test_amitriptyline_is_named_in_a_real_run(data_dir: Path, starter: Release) -> None:
    answer = answer_to(read(data_dir / "raw" / "mzxml" / "DOM_b.mzXML"), starter)
    named = [c for c in answer.components if c.decision in NAMED]
    assert [c.candidates[0].name for c in named] == ["Amitriptyline"]
    assert named[0].precursor_mz == pytest.approx(278.1903, abs=0.001)
    assert named[0].candidates[0].match_factor > 900


@pytest.mark.data
def test_a_run_of_unit_resolution_is_not_compared_with_accurate_masses(
    data_dir: Path, starter: Release
) -> None:
    answer = answer_to(read(data_dir / "raw" / "waters-raw" / "violet.raw"), starter)
    assert not any(c.candidates for c in answer.components)
    assert any("unit resolution" in text for text in answer.warnings)
