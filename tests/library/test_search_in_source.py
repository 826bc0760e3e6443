"""Samples measured by direct ionisation: what is in them, by which ion, and what cannot be told apart."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from library.adducts import ion_mz
from library.formats.msp import read_msp
from library.record import Record, SpectrumKind
from library.release import Release, build_release, open_release
from library.search.in_source import Levels, explain_mixture, search
from library.starter import starter_records
from spectra.model import MassSpectrum, spectrum_from_peaks

VOLTS = (30.0, 60.0, 90.0)


def release(records: Sequence[Record], folder: Path, name: str = "made") -> Release:
    return open_release(build_release(records, folder, name=name, source="test", licence="test").directory)


def record(name: str, formula: str, volt: float, peaks: dict[float, float]) -> Record:
    return Record(
        name=name,
        mz=np.array(list(peaks)),
        intensity=np.array(list(peaks.values()), float),
        formula=formula,
        kind=SpectrumKind.IN_SOURCE,
        precursor_mz=ion_mz(formula, "[M+H]+"),
        adduct="[M+H]+",
        polarity=1,
        energy=f"{volt:g} V",
        energy_ev=volt,
    )


def peaks(**given: float) -> MassSpectrum:
    return spectrum_from_peaks([float(key[1:].replace("_", ".")) for key in given], list(given.values()))


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return release(list(starter_records()), tmp_path_factory.mktemp("starter"), "starter")


def test_ions_other_than_the_protonated_one_are_read(starter: Release) -> None:
    ammonium, dimer = ion_mz("C4H8O3", "[M+NH4]+"), ion_mz("C4H8O3", "[2M+H]+")
    found = explain_mixture([starter], {30.0: spectrum_from_peaks([ammonium + 0.002, 50.1], [100, 1])})
    ghb = next(hit for hit in found.hits if hit.reference.parent == "ghb")
    assert ghb.adduct == "[M+NH4]+"
    assert ghb.error_th == pytest.approx(0.002)
    assert ghb.mass_only
    found = explain_mixture([starter], {30.0: spectrum_from_peaks([dimer], [100])})
    assert "[2M+H]+" in {hit.adduct for hit in found.hits if hit.reference.parent == "ghb"}


def test_the_starter_pack_finds_cocaine_and_says_what_is_left(starter: Release) -> None:
    levels = {
        30.0: peaks(m182_12=9, m304_155=100, m200_02=30),
        60.0: peaks(m82_066=11, m105_035=3, m182_12=100, m304_156=30, m200_02=5),
        90.0: peaks(m82_066=70, m105_035=30, m182_12=100, m150_093=25, m200_02=1),
    }
    found = explain_mixture([starter], levels)
    assert found.hits[0].reference.name == "Cocaine"
    assert found.hits[0].needed > 0.4
    assert not found.hits[0].mass_only
    assert set(found.hits[0].levels) == set(found.hits[0].forward) == set(VOLTS)
    assert found.hits[0].forward[30.0].explained == pytest.approx(109 / 139, abs=0.01)
    left = found.residual[30.0]
    assert left.mz[left.intensity.argmax()] == pytest.approx(200.02)
    assert 0.5 < found.explained[30.0] < 0.9


def test_isomers_that_explain_equally_well_are_one_group(tmp_path: Path) -> None:
    same = {91.054: 50.0, 119.086: 20.0, 178.123: 100.0}
    other = {105.07: 100.0, 178.123: 3.0}
    held = release(
        [
            record("2-MMC", "C11H15NO", 30, same),
            record("3-MMC", "C11H15NO", 30, {**same, 91.054: 52.0}),
            record("Another isomer", "C11H15NO", 30, other),
        ],
        tmp_path,
    )
    (hits,) = search([held], [{30.0: spectrum_from_peaks(list(same), list(same.values()))}])
    assert {one.name for one in hits[0].group} == {"2-MMC", "3-MMC"}
    assert hits[0].reference.name == hits[0].group[0].name == "2-MMC"
    assert all(hit.needed == 0 for hit in hits[1:])


def test_isomers_that_are_both_there_are_both_found(tmp_path: Path) -> None:
    one, other = {91.054: 80.0, 178.123: 20.0}, {105.07: 90.0, 178.123: 10.0}
    held = release(
        [record("A", "C11H15NO", 30, one), record("B", "C11H15NO", 30, other)],
        tmp_path,
    )
    both = spectrum_from_peaks([*one, *other], [*one.values(), *other.values()])
    hits = explain_mixture([held], {30.0: both}).hits
    assert {hit.reference.name for hit in hits if hit.needed} == {"A", "B"}


def test_a_measured_isomer_comes_before_one_known_by_mass_only(starter: Release) -> None:
    levels = {30.0: peaks(m91_056=60, m133_104=40, m150_131=100)}
    hits = explain_mixture([starter], levels).hits
    assert not hits[0].mass_only
    assert {"Methamphetamine", "Phentermine"} >= {hits[0].reference.name}


def test_nothing_fits_nothing(starter: Release) -> None:
    found = explain_mixture([starter], {30.0: peaks(m50_5=1)})
    assert not found.hits
    assert found.explained == {30.0: 0}
    assert not explain_mixture([], {30.0: peaks(m50_5=1)}).hits
    with pytest.raises(ValueError, match="voltage"):
        explain_mixture([starter], {})


# --- measured spectra -------------------------------------------------------------------------------------


def replicate(one: Record) -> str:
    found = re.search(r"replicate (\d)", one.comments)
    return found[1] if found else ""


@pytest.fixture(scope="module")
def measured(data_dir: Path) -> list[Record]:
    path = data_dir / "dart_ms" / "dart_isCID_reference.msp"
    return [one for one in read_msp(path) if isinstance(one, Record)]


@pytest.fixture(scope="module")
def held_out(measured: list[Record], tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Everything but the first replicate of each compound."""
    kept = [one for one in measured if replicate(one) != "1"]
    return release(kept, tmp_path_factory.mktemp("dart"), "dart")


@pytest.fixture(scope="module")
def samples(measured: list[Record]) -> dict[str, dict[float, MassSpectrum]]:
    """The first replicate of each compound by name and voltage."""
    found: dict[str, dict[float, MassSpectrum]] = defaultdict(dict)
    for one in measured:
        if replicate(one) == "1" and one.energy_ev is not None:
            found[one.name.casefold()][one.energy_ev] = spectrum_from_peaks(one.mz, one.intensity)
    return dict(found)


def components(held: Release, levels: Levels) -> list[set[str]]:
    hits = explain_mixture([held], levels).hits
    return [{one.name.casefold() for one in hit.group} for hit in hits if hit.needed]


@pytest.mark.data
@pytest.mark.parametrize("volts", [VOLTS, (30.0, 60.0), (30.0, 90.0), (30.0,)])
def test_replicates_are_found_with_any_voltage_left_out(
    held_out: Release, samples: dict[str, dict[float, MassSpectrum]], volts: tuple[float, ...]
) -> None:
    assert len(samples) == 14
    for name, levels in samples.items():
        found = components(held_out, {volt: levels[volt] for volt in volts})
        assert found, name
        assert name in found[0], (name, found)


@pytest.mark.data
def test_noise_does_not_mislead(held_out: Release, samples: dict[str, dict[float, MassSpectrum]]) -> None:
    rng = np.random.default_rng(4)
    for name, levels in samples.items():
        noisy = {volt: disturbed(one, rng) for volt, one in levels.items()}
        assert name in components(held_out, noisy)[0], name


@pytest.mark.data
@pytest.mark.parametrize(("parts", "least"), [((1, 0.3), 0.95), ((1, 0.1), 0.95), ((1, 0.5, 0.2), 0.9)])
def test_mixtures_are_taken_apart(
    held_out: Release,
    samples: dict[str, dict[float, MassSpectrum]],
    parts: tuple[float, ...],
    least: float,
) -> None:
    rng, names = np.random.default_rng(5), sorted(samples)
    right, found_all, true_all = 0, 0, 0
    for _ in range(12):
        chosen = [names[k] for k in rng.permutation(len(names))[: len(parts)]]
        found = components(held_out, mixed([samples[name] for name in chosen], parts, rng))
        right += sum(any(name in group for group in found) for name in chosen)
        found_all += len(found)
        true_all += len(chosen)
    assert right / true_all >= least
    assert found_all <= 1.1 * true_all


def disturbed(one: MassSpectrum, rng: np.random.Generator) -> MassSpectrum:
    """Masses off by 2 mTh, intensities by 20 %, and 10 noise peaks of up to 2 %."""
    mz = np.concatenate((one.mz + rng.normal(0, 0.002, len(one)), rng.uniform(60, 400, 10)))
    noise = rng.uniform(0, 0.02, 10) * one.base_peak
    return spectrum_from_peaks(mz, np.concatenate((one.intensity * rng.lognormal(0, 0.2, len(one)), noise)))


def mixed(
    samples: Sequence[Levels], parts: Sequence[float], rng: np.random.Generator
) -> dict[float, MassSpectrum]:
    levels = {}
    for volt in VOLTS:
        mz = np.concatenate([one[volt].mz for one in samples])
        scaled = [
            part * one[volt].intensity / one[volt].intensity.sum()
            for one, part in zip(samples, parts, strict=True)
        ]
        shown = np.concatenate(scaled) * rng.lognormal(0, 0.05, len(mz))
        levels[volt] = spectrum_from_peaks(mz + rng.normal(0, 0.0005, len(mz)), shown)
    return levels
