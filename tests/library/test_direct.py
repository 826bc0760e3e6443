"""Direct ionisation: samples by title and voltage or by time, what is named, what only a mass suggests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from library.answer import Component, Decision, Identification, Source
from library.identify import identify
from library.record import Record, SpectrumKind
from library.release import Release, build_release, open_release
from library.starter import starter_records
from spectra.model import MassSpectrum, Metadata, Run, ScanTable, Technique, spectrum_from_peaks
from spectra.readers import read

SOURCE = Source("run.msp", "0" * 64, "MSP", "test", "ms", "", "", "", simulated=True)
NAMED = {Decision.IDENTIFIED, Decision.GROUP}


@pytest.fixture(scope="module")
def measured() -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for one in starter_records(SpectrumKind.IN_SOURCE):
        if len(one.mz) > 3:
            found.setdefault(one.name, []).append(one)
    return found


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Release:
    kept = starter_records(SpectrumKind.IN_SOURCE)
    folder = tmp_path_factory.mktemp("starter")
    return open_release(build_release(kept, folder, name="starter", source="test", licence="test").directory)


def levels(*parts: tuple[list[Record], float]) -> dict[float, MassSpectrum]:
    """Spectra by voltage of records, each in its part."""
    found: dict[float, list[tuple[Record, float]]] = {}
    for records, part in parts:
        for one in records:
            found.setdefault(one.energy_ev or 30.0, []).append((one, part))
    return {
        volt: spectrum_from_peaks(
            np.concatenate([one.mz for one, _ in own]),
            np.concatenate([part * one.intensity / one.intensity.sum() for one, part in own]) * 1e5,
        )
        for volt, own in found.items()
    }


def listed(sample: dict[float, MassSpectrum], polarity: int = 1) -> Run:
    spectra, n = list(sample.values()), len(sample)
    return Run(
        Metadata("MSP", "msp", Technique.MS), table(np.full(n, np.nan), spectra, list(sample), polarity)
    )


def table(
    rt_s: np.ndarray, spectra: Sequence[MassSpectrum], volts: Sequence[float], polarity: int = 1
) -> ScanTable:
    n = len(spectra)
    return ScanTable(
        rt_s,
        np.cumsum([0, *(len(one) for one in spectra)]),
        np.concatenate([one.mz for one in spectra]),
        np.concatenate([one.intensity for one in spectra]),
        polarity=np.full(n, polarity),
        collision_ev=np.array(volts, float),
    )


def answer_to(run: Run, *releases: Release) -> Identification:
    answer = identify(run, releases, source=SOURCE)
    assert msgspec.json.decode(msgspec.json.encode(answer), type=Identification) == answer
    return answer


def named(answer: Identification) -> list[Component]:
    return [one for one in answer.components if one.decision in NAMED]


def test_a_mixture_is_told_with_voltages_ions_and_ratios(
    measured: dict[str, list[Record]], starter: Release
) -> None:
    sample = levels((measured["Cocaine"], 1.0), (measured["Methamphetamine"], 0.3))
    answer = answer_to(listed(sample), starter)
    first, second = named(answer)
    assert first.candidates[0].name == "Cocaine"
    assert "Methamphetamine" in second.candidates[0].isomer_group
    assert first.compared == "in_source"
    assert first.energies == sorted(sample)
    assert first.adducts == ["[M+H]+"]
    assert first.candidates[0].ratios_tested > 0
    assert first.candidates[0].ratios_passed >= first.candidates[0].ratios_tested / 2
    assert first.area_share > second.area_share
    assert answer.explained_share > 0.9


def test_a_mass_alone_is_never_a_name(starter: Release) -> None:
    answer = answer_to(listed({30.0: spectrum_from_peaks([122.0964, 77.7], [100.0, 3.0])}), starter)
    assert not named(answer)
    assert answer.explained_share == 0
    assert all(c.mass_only and c.match_factor == 0 for one in answer.components for c in one.candidates)


def test_air_is_taken_from_a_sample_held_for_a_while(
    measured: dict[str, list[Record]], starter: Release
) -> None:
    (own,) = [one for volt, one in levels((measured["Cocaine"], 1.0)).items() if volt == 30.0]
    air = spectrum_from_peaks([279.159], [3e3])
    both = spectrum_from_peaks([*own.mz, *air.mz], [*own.intensity, *air.intensity])
    spectra = [both if 20 <= k < 30 else air for k in range(60)]
    metadata = Metadata("mzML", "test", Technique.UNKNOWN, instrument="AccuTOF DART")
    answer = answer_to(Run(metadata, table(np.arange(60.0), spectra, [30.0] * 60)), starter)
    assert {one.candidates[0].name for one in named(answer)} == {"Cocaine"}
    assert 279.159 not in answer.components[0].spectrum.mz
    assert answer.components[0].rt_min == pytest.approx(20 / 60, abs=0.2)
    assert any("one voltage only" in text for text in answer.warnings)


def test_negative_ions_are_said_to_be_the_wrong_ones(
    measured: dict[str, list[Record]], starter: Release
) -> None:
    answer = answer_to(listed(levels((measured["Cocaine"], 1.0)), polarity=-1), starter)
    assert not named(answer)
    assert any("negative ions" in text for text in answer.warnings)


@pytest.mark.data
def test_a_file_of_many_samples_is_told_sample_by_sample(data_dir: Path, starter: Release) -> None:
    run = read(data_dir / "dart_ms" / "dart_isCID_reference.msp")
    assert set(np.unique(run.scans.collision_ev)) == {30.0, 60.0, 90.0}
    answer = answer_to(run, starter)
    names = {name for one in named(answer) for name in one.candidates[0].isomer_group}
    assert {"Acetylfentanyl", "Acetyl fentanyl"} & names
    assert {"Amphetamine", "Methamphetamine", "mCPP", "Scopolamine"} <= names
