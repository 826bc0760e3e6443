"""Mixtures in one spectrum: what is found, what is not added, and what the numbers mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from library.formats.msp import read_msp
from library.mixture import unmix
from library.record import Record
from library.release import Release, build_release, open_release
from spectra.model import MassSpectrum, spectrum_from_peaks

Ions = dict[int, float]
COCAINE: Ions = {42: 20, 77: 25, 82: 100, 83: 35, 94: 30, 96: 25, 105: 30, 182: 95, 198: 12, 272: 9, 303: 25}
CAFFEINE: Ions = {42: 10, 55: 25, 67: 35, 82: 25, 109: 55, 136: 5, 165: 5, 193: 10, 194: 100, 195: 10}
LIDOCAINE: Ions = {42: 6, 58: 10, 72: 4, 77: 5, 86: 100, 87: 6, 105: 4, 120: 4, 234: 2}
LEVAMISOLE: Ions = {
    51: 20,
    73: 35,
    77: 18,
    101: 40,
    121: 20,
    127: 15,
    148: 100,
    176: 15,
    203: 35,
    204: 95,
    205: 15,
}
PAIR = ("Fentanyl", "U-47700")
LIBRARY = {"Cocaine": COCAINE, "Caffeine": CAFFEINE, "Lidocaine": LIDOCAINE, "Levamisole": LEVAMISOLE}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("library")
    blocks = [
        f"Name: {name}\nFormula: C{k + 9}H12\nNum Peaks: {len(ions)}\n"
        + "\n".join(f"{m} {i}" for m, i in ions.items())
        for k, (name, ions) in enumerate(LIBRARY.items())
    ]
    (folder / "small.msp").write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    report = build_release(read_msp(folder / "small.msp"), folder, name="small", source="", licence="")
    return open_release(report.directory)


def mixed(*shares: tuple[Ions, float], spread: float = 0.0, seed: int = 1) -> MassSpectrum:
    """Spectra added by summed intensity, every ion of each off by a share."""
    rng = np.random.default_rng(seed)
    mass: list[float] = []
    height: list[float] = []
    for ions, share in shares:
        values = np.array(list(ions.values())) * np.exp(spread * rng.normal(size=len(ions)))
        mass += list(ions)
        height += (share * values / values.sum()).tolist()
    return spectrum_from_peaks(mass, height)


def names(spectrum: MassSpectrum, release: Release) -> list[str]:
    return [part.reference.name for part in unmix([release], spectrum, mz_low=40).parts]


def test_lists_of_principal_ions_are_no_parts_even_where_they_list_every_ion(tmp_path: Path) -> None:
    mass, height = (np.array(one, np.float64) for one in zip(*COCAINE.items(), strict=True))
    whole = Record("Cocaine", np.append(41, mass), np.append(0.2, height), partial=True, mz_low=40.0)
    report = build_release([whole], tmp_path, name="lists", source="", licence="")
    assert names(mixed((COCAINE, 1)), open_release(report.directory)) == []


def test_one_substance_is_one_part_however_the_instrument_tilts_it(release: Release) -> None:
    for seed in range(5):
        assert names(mixed((COCAINE, 1), spread=0.15, seed=seed), release) == ["Cocaine"]


@pytest.mark.parametrize("tilt", [-0.4, 0.4])
def test_another_tuning_neither_makes_a_part_nor_hides_one(release: Release, tilt: float) -> None:
    def turned(ions: Ions) -> Ions:
        return {mass: height * float(np.exp(tilt * (mass - 150) / 100)) for mass, height in ions.items()}

    assert names(mixed((turned(COCAINE), 1)), release) == ["Cocaine"]
    found = unmix([release], mixed((turned(COCAINE), 1), (turned(LEVAMISOLE), 0.1)), mz_low=40)
    assert [part.reference.name for part in found.parts] == ["Cocaine", "Levamisole"]
    assert found.parts[1].share == pytest.approx(0.1 / 1.1, abs=0.03)


@pytest.mark.parametrize("share", [1.0, 0.4, 0.1])
def test_a_second_substance_is_found_with_its_share(release: Release, share: float) -> None:
    found = unmix([release], mixed((COCAINE, 1), (CAFFEINE, share)), mz_low=40)
    assert {part.reference.name for part in found.parts} == {"Cocaine", "Caffeine"}
    minor = next(part for part in found.parts if part.reference.name == "Caffeine")
    assert minor.share == pytest.approx(share / (1 + share), rel=0.05)
    assert minor.match_factor > 900
    assert minor.named
    assert {109, 194} <= set(minor.own_ions)
    assert minor.worse > 10
    assert found.explained > 0.98


def test_three_substances_come_in_order_of_their_share(release: Release) -> None:
    spectrum = mixed((COCAINE, 1), (LEVAMISOLE, 0.5), (CAFFEINE, 0.25), spread=0.1)
    assert names(spectrum, release) == ["Cocaine", "Levamisole", "Caffeine"]


def test_what_no_part_explains_is_the_residual(release: Release) -> None:
    stranger = {61: 60, 113: 100, 139: 30, 171: 80, 229: 50}
    found = unmix([release], mixed((COCAINE, 1), (stranger, 0.5)), mz_low=40)
    assert [part.reference.name for part in found.parts] == ["Cocaine"]
    strongest = found.residual.mz[found.residual.intensity.argsort()[::-1][:5]]
    assert set(strongest.tolist()) == set(stranger)
    assert found.explained == pytest.approx(2 / 3, abs=0.02)


def test_the_limit_of_parts_is_kept(release: Release) -> None:
    spectrum = mixed((COCAINE, 1), (CAFFEINE, 1))
    assert len(unmix([release], spectrum, most=1).parts) == 1


def test_without_ions_or_libraries_there_is_no_part(release: Release) -> None:
    nothing = unmix([release], MassSpectrum(np.empty(0), np.empty(0)))
    assert nothing.parts == ()
    assert nothing.explained == 0.0
    alone = unmix([], mixed((COCAINE, 1)))
    assert alone.parts == ()
    assert len(alone.residual) == len(COCAINE)


@pytest.mark.data
def test_real_spectra_of_two_drugs_are_told_from_their_sum(data_dir: Path, tmp_path: Path) -> None:
    report = build_release(
        read_msp(data_dir / "ei_ms" / "swgdrug_3.9.msp"), tmp_path, name="swg", source="", licence=""
    )
    measured = {r.name: r for r in read_msp(data_dir / "ei_queries" / "queries.msp") if isinstance(r, Record)}
    spectra = [spectrum_from_peaks(measured[name].mz, measured[name].intensity) for name in PAIR]
    heights = [
        share * one.intensity / one.intensity.sum() for one, share in zip(spectra, (1.0, 0.3), strict=True)
    ]
    together = spectrum_from_peaks(np.concatenate([one.mz for one in spectra]), np.concatenate(heights))
    found = unmix([open_release(report.directory)], together, mz_low=40)
    named = [{one.name.casefold() for one in part.group} for part in found.parts]
    assert len(named) == 2
    assert all(name.casefold() in group for name, group in zip(PAIR, named, strict=True))
