"""From an infrared or Raman spectrum to the answer: shares, groups, what is left, what could hide."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from library import figures
from library.answer import Decision, Identification, Source
from library.identify import identify
from library.optical.mixture import unmix_spectrum
from library.record import OpticalRecord, SpectrumKind
from library.release import Release, build_release, open_release
from library.substances import load_substances
from spectra.model import Axis, Floats, Metadata, OpticalSpectrum, Ordinate, Run, Technique
from spectra.optical.air import VAPOUR
from spectra.optical.conditioning import strength
from spectra.optical.sampling import Sampling
from spectra.readers import read
from spectra.similarity.optical import INFRARED, profile

X = np.arange(600.0, 3800.0, 1.0)
SOURCE = Source("sample.spa", "0" * 64, "omnic", "omnic", "ftir", "", "", "", False)
NAMES = ("Cocaine", "Caffeine", "Paracetamol", "Lactose", "Mannitol", "Ketamine", "Fentanyl", "Xylazine")


def bands(seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    places, widths, heights = rng.uniform(670, 3600, 14), rng.uniform(6, 15, 14), rng.uniform(0.2, 1, 14)
    return np.asarray(
        (heights * np.exp(-0.5 * ((X[:, None] - places) / widths) ** 2)).sum(axis=1), np.float64
    )


def curve(
    y: Floats, ordinate: Ordinate = Ordinate.ABSORBANCE, axis: Axis = Axis.WAVENUMBER
) -> OpticalSpectrum:
    return OpticalSpectrum(axis, ordinate, X, y)


def unit(name: str) -> Floats:
    y = bands(NAMES.index(name))
    return y / strength(profile(curve(y), INFRARED), INFRARED)


def sample(shares: dict[str, float], noise: float = 0.001, seed: int = 3) -> OpticalSpectrum:
    y = sum((share * unit(name) for name, share in shares.items()), np.zeros(len(X)))
    y = 0.6 * y / y.max() + 0.05 + 1e-5 * X
    return curve(y + np.random.default_rng(seed).normal(0, noise, len(X)))


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    known = load_substances()
    records = []
    for number, name in enumerate(NAMES):
        substance = known.by_key(name.lower())
        key = substance.inchikey if substance else ""
        formula = substance.formula if substance else ""
        records.append(
            OpticalRecord(name, curve(bands(number)), SpectrumKind.INFRARED, inchikey=key, formula=formula)
        )
    twin = curve(bands(0) + 0.0005 * bands(50))
    records.append(OpticalRecord("Cocaine's twin", twin, SpectrumKind.INFRARED))
    report = build_release(
        records, tmp_path_factory.mktemp("libraries"), name="ir", source="made", licence="free"
    )
    return open_release(report.directory)


def answer(spectrum: OpticalSpectrum, release: Release | None) -> Identification:
    run = Run(Metadata("omnic", "omnic", Technique.FTIR), optical=(spectrum,))
    return identify(run, [release] if release else [], source=SOURCE)


def named(found: Identification) -> dict[str, float]:
    said = (Decision.IDENTIFIED, Decision.GROUP)
    return {c.candidates[0].name: c.area_share for c in found.components if c.decision in said}


def test_a_mixture_is_named_with_shares_that_hold_the_truth(release: Release) -> None:
    true = {"Caffeine": 0.5, "Paracetamol": 0.3, "Mannitol": 0.2}
    found = answer(sample(true), release)
    assert named(found) == pytest.approx(true, abs=0.02)
    for component in found.components:
        share = true[component.candidates[0].name]
        assert component.decision is Decision.IDENTIFIED
        assert component.share_low <= share <= component.share_high
        assert component.compared == "infrared"
        assert component.rt_min is None
    assert found.explained_share > 0.97
    assert any("estimates" in warning for warning in found.warnings)


def test_a_small_share_is_found(release: Release) -> None:
    found = answer(sample({"Caffeine": 0.95, "Fentanyl": 0.05}), release)
    assert named(found) == pytest.approx({"Caffeine": 0.95, "Fentanyl": 0.05}, abs=0.01)


def test_materials_that_look_the_same_are_a_group(release: Release) -> None:
    found = answer(sample({"Cocaine": 0.6, "Lactose": 0.4}), release)
    first = found.components[0]
    assert first.decision is Decision.GROUP
    assert set(first.candidates[0].isomer_group) == {"Cocaine", "Cocaine's twin"}
    assert [c.rank for c in first.candidates] == [1, 2]
    assert first.candidates[1].isomer_group[0] == first.candidates[1].name


def test_what_no_reference_explains_is_a_component_without_a_name(release: Release) -> None:
    y = 0.5 * unit("Caffeine")
    stranger = bands(99)
    stranger = 0.5 * stranger / strength(profile(curve(stranger), INFRARED), INFRARED)
    found = answer(curve(0.5 * (y + stranger) / (y + stranger).max()), release)
    assert found.components[-1].decision is Decision.UNKNOWN
    assert found.components[-1].area_share > 0.3
    assert found.unexplained_share > 0.3
    alone = answer(curve(0.5 * stranger / stranger.max()), release)
    assert named(alone) == {}


def test_what_could_hide_is_said_for_the_watch_list_and_holds(release: Release) -> None:
    true = {"Caffeine": 0.7, "Lactose": 0.3}
    found = answer(sample(true, noise=0.003), release)
    hiding = {one.name: one.below for one in found.optical.hiding}
    assert set(hiding) == {"Fentanyl", "Xylazine"}
    assert all(0 < below < 0.2 for below in hiding.values())
    share = 1.5 * hiding["Fentanyl"]  # the least is 1 %
    mixed = {name: (1 - share) * part for name, part in true.items()} | {"Fentanyl": share}
    assert "Fentanyl" in named(answer(sample(mixed, noise=0.003), release))
    assert "Fentanyl" not in {one.name for one in answer(sample(mixed), release).optical.hiding}


@pytest.mark.parametrize("shift", [-2.0, 1.3, 2.5])
def test_vapour_in_sample_and_references_holds_no_shift_and_adds_no_part(
    shift: float, tmp_path: Path
) -> None:
    strengths = np.random.default_rng(7).uniform(0.3, 1.0, len(VAPOUR))
    air = (strengths / (1 + ((X[:, None] - np.array(VAPOUR)) / 1.5) ** 2)).sum(axis=1)
    records = [
        OpticalRecord(name, curve(bands(number) + 0.15 * number * air), SpectrumKind.INFRARED)
        for number, name in enumerate(NAMES)
    ]
    report = build_release(records, tmp_path, name="damp", source="made", licence="free")
    moved = np.interp(X - shift, X, bands(2))
    noise = np.random.default_rng(8).normal(0, 5e-4, len(X))
    found = unmix_spectrum([open_release(report.directory)], curve(0.5 * moved + 0.1 * air + noise))
    assert found.conditioned.vapour
    assert [one.references[0].name for one in found.constituents] == [NAMES[2]]
    assert found.constituents[0].shift_cm1 == pytest.approx(shift, abs=0.3)


@pytest.mark.parametrize("spacing", [2.3, 3.8, 7.7, 21.0])
@pytest.mark.parametrize("shift", [-3.0, 0.6, 2.7])
def test_the_lines_of_a_gas_are_found_shifted(spacing: float, shift: float, tmp_path: Path) -> None:
    fine = np.arange(600.0, 3800.0, 0.25)
    comb = np.arange(2750.0, 3100.0, spacing)
    lines = np.exp(-0.5 * ((comb - 2920) / 90) ** 2) / (1 + ((fine[:, None] - comb) / 0.4) ** 2)
    gas = lines.sum(axis=1) + 0.2 * np.interp(fine, X, bands(9))
    records = [
        OpticalRecord(name, curve(bands(number)), SpectrumKind.INFRARED) for number, name in enumerate(NAMES)
    ]
    held = OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, fine, gas)
    records.append(OpticalRecord("gas", held, SpectrumKind.INFRARED))
    report = build_release(records, tmp_path, name="gas", source="made", licence="free")
    y = np.interp(fine - shift, fine, gas) + 0.7 * np.interp(fine, X, bands(2))
    noise = np.random.default_rng(8).normal(0, 1e-3, len(fine))
    spectrum = OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, fine, 0.5 * y + noise)
    found = unmix_spectrum([open_release(report.directory)], spectrum)
    shifts = {one.references[0].name: one.shift_cm1 for one in found.constituents}
    assert shifts == pytest.approx({"gas": shift, NAMES[2]: 0.0}, abs=0.3)


def by_atr(spectrum: OpticalSpectrum) -> OpticalSpectrum:
    return curve(spectrum.y * 1000 / X)


def library_of(comments: str, folder: Path, *, atr: bool = False) -> Release:
    records = [
        OpticalRecord(
            name,
            by_atr(curve(bands(number))) if atr else curve(bands(number)),
            SpectrumKind.INFRARED,
            comments=comments,
        )
        for number, name in enumerate(NAMES)
    ]
    report = build_release(records, folder, name="ir", source="made", licence="free")
    return open_release(report.directory)


@pytest.mark.parametrize(
    ("query", "references", "changed"),
    [
        ("Diamant-ATR", "TRANSMISSION", True),
        ("", "", True),
        ("", "KBr pellet", True),
        ("Diamant-ATR", "", True),
    ],
)
def test_a_spectrum_by_atr_is_compared_with_references_by_transmission(
    query: str, references: str, changed: bool, tmp_path: Path
) -> None:
    true = {"Caffeine": 0.5, "Paracetamol": 0.3, "Mannitol": 0.2}
    run = Run(
        Metadata("jcamp", "jcamp", Technique.FTIR, details={"samplingprocedure": query}),
        optical=(by_atr(sample(true)),),
    )
    found = identify(run, [library_of(references, tmp_path)], source=SOURCE)
    assert named(found) == pytest.approx(true, abs=0.03)
    said = [warning for warning in found.warnings if "as if measured by ATR" in warning]
    assert len(said) == changed
    assert ("fits best" in said[0]) is not ("ATR" in query and bool(references))


def test_the_other_way_round_and_where_both_are_alike(tmp_path: Path) -> None:
    true = {"Caffeine": 0.6, "Lactose": 0.4}
    other = unmix_spectrum([library_of("ATR", tmp_path / "a", atr=True)], sample(true))
    assert other.way.changed
    assert other.way.query is Sampling.TRANSMISSION
    same = unmix_spectrum([library_of("ATR", tmp_path / "b", atr=True)], by_atr(sample(true)))
    assert not same.way.changed
    for found in (other, same):
        assert {one.references[0].name: one.share for one in found.constituents} == pytest.approx(
            true, abs=0.03
        )


def test_what_is_said_to_be_transmission_is_left_alone(tmp_path: Path) -> None:
    release = library_of("TRANSMISSION", tmp_path)
    found = unmix_spectrum([release], by_atr(sample({"Caffeine": 1.0})), sampling=Sampling.TRANSMISSION)
    assert not found.way.changed
    assert found.way.known


@pytest.mark.parametrize(
    ("y", "ordinate", "state"),
    [
        (np.full(len(X), 0.2), Ordinate.ABSORBANCE, "empty"),
        (np.ones(len(X)), Ordinate.TRANSMITTANCE, "empty"),
        (np.random.default_rng(1).normal(0, 0.05, len(X)), Ordinate.ABSORBANCE, "weak"),
        (np.minimum(40 * bands(1), 3.5), Ordinate.ABSORBANCE, "saturated"),
        (1 - 0.5 * bands(1) / bands(1).max(), Ordinate.ABSORBANCE, "inverted"),
        (0.05 + 0.5 * bands(1) / bands(1).max(), Ordinate.TRANSMITTANCE, "inverted"),
    ],
)
def test_what_cannot_be_taken_apart_is_said_and_not_searched(
    release: Release, y: Floats, ordinate: Ordinate, state: str
) -> None:
    found = answer(curve(y, ordinate), release)
    assert found.optical.state == state
    assert found.components == []
    assert found.optical.hiding == []
    assert any("nothing was searched" in warning for warning in found.warnings)
    assert figures.chromatogram(found, "svg").startswith(b"<?xml")


def test_without_a_library_the_whole_spectrum_is_unknown(release: Release) -> None:
    found = answer(sample({"Caffeine": 1.0}), None)
    assert named(found) == {}
    assert found.explained_share == 0
    assert any("nothing was compared" in warning for warning in found.warnings)


def test_a_single_beam_alone_is_not_taken_for_a_spectrum(release: Release) -> None:
    found = answer(curve(bands(1), Ordinate.SINGLE_BEAM), release)
    assert found.optical is None
    assert found.components == []


def test_the_answer_survives_the_way_through_json(release: Release) -> None:
    found = answer(sample({"Caffeine": 0.6, "Mannitol": 0.4}), release)
    again = msgspec.json.decode(msgspec.json.encode(found), type=Identification)
    assert again == found
    assert figures.chromatogram(again, "svg") == figures.chromatogram(found, "svg")
    assert figures.mirror(again.components[0], 1, "svg").startswith(b"<?xml")
    assert figures.sheet(again, "pdf").startswith(b"%PDF")


def test_raman_is_taken_apart_over_a_fluorescent_background(tmp_path: Path) -> None:
    one, two = bands(3), bands(4)
    records = [
        OpticalRecord(name, curve(1000 * y, Ordinate.INTENSITY, Axis.RAMAN_SHIFT), SpectrumKind.RAMAN)
        for name, y in (("one", one), ("two", two), ("three", bands(5)))
    ]
    report = build_release(records, tmp_path, name="raman", source="made", licence="free")
    glow = 4000 * np.exp(-0.5 * ((X - 1800) / 1200) ** 2)
    y = 700 * one + 300 * two + glow + np.random.default_rng(2).normal(0, 2, len(X))
    spectrum = curve(y, Ordinate.INTENSITY, Axis.RAMAN_SHIFT)
    found = unmix_spectrum([open_release(report.directory)], spectrum, kind=SpectrumKind.RAMAN)
    assert {c.references[0].name for c in found.constituents} == {"one", "two"}
    assert found.explained > 0.95


@pytest.mark.data
def test_a_film_of_two_polymers_holds_polystyrene(data_dir: Path, tmp_path: Path) -> None:
    files = ("bruker-opus/OpenSpecy_ftir_polystyrene.0", "omnic-spa/OpenSpecy_polyethylene.spa")
    curves = [read(data_dir / "raw" / file).optical[0] for file in files]
    names = ("polystyrene", "Parafilm")
    records = [
        OpticalRecord(name, each, SpectrumKind.INFRARED) for name, each in zip(names, curves, strict=True)
    ]
    report = build_release(records, tmp_path, name="films", source="evaluation data", licence="not stated")
    films = read(data_dir / "raw" / "galactic-spc" / "galacticdata" / "POLYS.SPC")
    found = identify(films, [open_release(report.directory)], source=SOURCE)
    assert "polystyrene" in named(found)
    assert found.unexplained_share > 0.2  # the other film is not in the library


@pytest.mark.data
@pytest.mark.parametrize(
    "film", ["rohanisaac_spc/Ft-ir.spc", "galacticdata/SINGLE_POLYMER_FILM.SPC"], ids=["thick", "thin"]
)
def test_polystyrene_on_diamond_is_explained_by_its_film(data_dir: Path, tmp_path: Path, film: str) -> None:
    raw = data_dir / "raw"
    records = [OpticalRecord("film", read(raw / "galactic-spc" / film).optical[0], SpectrumKind.INFRARED)]
    report = build_release(records, tmp_path, name="films", source="evaluation data", licence="not stated")
    crystal = read(raw / "bruker-opus" / "OpenSpecy_ftir_polystyrene.0")
    found = identify(crystal, [open_release(report.directory)], source=SOURCE)
    assert "film" in named(found)
