"""The dense index: the same values as pair by pair, the same rows as sorting all, whatever was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from library.index.profiles import MEASURES, PLAIN, ProfileIndex, build, derived
from library.record import OpticalRecord, Record, SpectrumKind
from library.release import Release, build_release, open_release
from library.search.optical import search
from spectra.errors import InvalidMeasurement, UnreadableFile
from spectra.model import Axis, Floats, OpticalSpectrum, Ordinate
from spectra.optical.sampling import Sampling, converted
from spectra.readers import read
from spectra.similarity.optical import (
    INFRARED,
    WINDOWS,
    absorbance,
    correlation_hqi,
    derivative,
    profile,
)

X = np.arange(500.0, 3900.0, 1.9)


def made(seed: int, *, low: float = 0.0, high: float = 5000.0) -> OpticalSpectrum:
    """Ten bands at random places."""
    rng = np.random.default_rng(seed)
    x = X[(low <= X) & (high >= X)]
    places, heights, widths = rng.uniform(600, 3600, 10), rng.uniform(0.1, 1, 10), rng.uniform(6, 25, 10)
    y = (heights * np.exp(-0.5 * ((x[:, None] - places) / widths) ** 2)).sum(axis=1)
    return OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, x, y, title=f"spectrum {seed}")


def distorted(
    spectrum: OpticalSpectrum, seed: int, *, noise: float, shift: float, tilt: float
) -> OpticalSpectrum:
    """Another instrument's view: noise and tilt as shares of the highest band, in transmittance."""
    rng, a = np.random.default_rng(seed), absorbance(spectrum)
    a = (a - np.percentile(a, 5)) / np.ptp(a)
    slope = tilt * np.linspace(0, 1, len(a))
    y = 10 ** -(a + slope + rng.normal(0, noise, len(a)))
    return OpticalSpectrum(Axis.WAVENUMBER, Ordinate.TRANSMITTANCE, spectrum.x + shift, y)


def by_hand(query: OpticalSpectrum, reference: OpticalSpectrum, measure: str) -> float:
    """The hit quality index from its definition, over the range both were measured in."""
    one, other = profile(query, INFRARED), profile(reference, INFRARED)
    if measure != PLAIN:
        window = int(measure.rpartition("_")[2])
        one, other = derivative(one, INFRARED, window), derivative(other, INFRARED, window)
    first, last = max(one.first, other.first), min(one.last, other.last)
    return correlation_hqi(one.y[first:last], other.y[first:last])


@pytest.mark.parametrize("measure", MEASURES)
def test_values_are_those_of_the_definition(measure: str) -> None:
    references = [made(seed, low=400 + 30 * seed, high=3900 - 40 * seed) for seed in range(12)]
    queries = [made(seed, low=300 + 60 * seed) for seed in range(0, 12, 3)]
    index = ProfileIndex(build(references, INFRARED), INFRARED)
    for query, found in zip(queries, index.compare(queries, measure=measure, shifts=(0.0,)), strict=True):
        expected = [by_hand(query, reference, measure) for reference in references]
        assert found.score == pytest.approx(expected, abs=0.01)


def test_the_best_rows_are_those_of_a_full_sort() -> None:
    index = ProfileIndex(build([made(seed) for seed in range(700)], INFRARED), INFRARED)
    for found in index.compare([made(seed) for seed in (3, 500, 9999)]):
        assert found.top(10).tolist() == np.argsort(-found.score, kind="stable")[:10].tolist()


def test_a_batch_gives_what_single_queries_give() -> None:
    index = ProfileIndex(build([made(seed) for seed in range(40)], INFRARED), INFRARED)
    queries = [
        distorted(made(seed), seed, noise=0.02 * (seed % 4), shift=seed % 3, tilt=0.2) for seed in range(40)
    ]
    for query, found in zip(queries, index.compare(queries), strict=True):
        alone = index.compare([query])[0]
        assert found.measure == alone.measure
        assert found.score == pytest.approx(alone.score, abs=1e-2)


def test_another_instrument_finds_its_substance() -> None:
    references = [made(seed) for seed in range(200)]
    index = ProfileIndex(build(references, INFRARED), INFRARED)
    queries = [
        distorted(one, seed, noise=0.01, shift=(-4, -1, 0, 3)[seed % 4], tilt=0.5)
        for seed, one in enumerate(references)
    ]
    found = index.compare(queries)
    assert [int(one.top(1)[0]) for one in found] == list(range(200))
    assert found[0].shift[0] == -4
    assert found[3].shift[3] in (2, 4)


def test_half_of_the_axis_is_needed() -> None:
    index = ProfileIndex(build([made(1, high=2800), made(1)], INFRARED), INFRARED)
    upper = index.compare([made(1, low=1400)], shifts=(0.0,))[0]
    assert upper.score[0] == 0
    assert upper.score[1] > 990


def test_what_cannot_be_compared_never_matches() -> None:
    beam = OpticalSpectrum(Axis.WAVENUMBER, Ordinate.SINGLE_BEAM, X, np.ones(len(X)))
    flat = OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, X, np.full(len(X), 0.3))
    index = ProfileIndex(build([beam, made(1), flat], INFRARED), INFRARED)
    found = index.compare([made(1), flat])
    assert found[0].top(5).tolist() == [1]
    assert found[1].top(5).tolist() == []
    assert len(ProfileIndex(build([], INFRARED), INFRARED).compare([made(1)])[0].top(3)) == 0


def test_an_index_can_be_mapped(tmp_path: Path) -> None:
    arrays = build([made(seed) for seed in range(5)], INFRARED)
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    mapped = {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in arrays}
    assert ProfileIndex(mapped, INFRARED).compare([made(3)])[0].top(1).tolist() == [3]


def optical(name: str, spectrum: OpticalSpectrum) -> OpticalRecord:
    return OpticalRecord(name, spectrum, SpectrumKind.INFRARED)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Many spectra of one compound, one each of two others, and one of electron ionisation."""
    many = [distorted(made(1), seed, noise=0.01, shift=0, tilt=0.1 * seed) for seed in range(30)]
    others = [optical("second", made(2)), optical("third", made(3))]
    electron = Record("fourth", np.array([50.0, 51.0, 77.0]), np.array([20.0, 30.0, 100.0]))
    report = build_release(
        [electron, *(optical("first", one) for one in many), *others],
        tmp_path_factory.mktemp("optical"),
        name="optical",
        source="made",
        licence="none",
    )
    return open_release(report.directory)


def test_a_compound_takes_one_place(held: Release) -> None:
    hits = search([held], [made(1), made(3)], top=3)
    assert [hit.score for hit in hits[0]] == sorted((hit.score for hit in hits[0]), reverse=True)
    assert hits[0][0].reference.name == "first"
    assert [hit.reference.name for hit in hits[0]].count("first") == 1
    assert hits[1][0].reference.name == "third"
    assert hits[1][0].score > 999
    assert hits[1][0].correlation > 999
    assert hits[1][0].shift_cm1 == 0


def test_the_same_release_twice_gives_the_same_compounds(held: Release) -> None:
    once, twice = (search(some, [made(2)], top=2)[0] for some in ([held], [held, held]))
    assert [hit.reference.name for hit in once] == [hit.reference.name for hit in twice]
    assert search([], [made(2)]) == [[]]


def test_a_query_of_the_other_kind_is_refused_by_name(held: Release) -> None:
    with pytest.raises(InvalidMeasurement, match=r"spectrum 1.*raman"):
        search([held], [made(1)], kind=SpectrumKind.RAMAN)


FOLDERS = ("ftir", "raw/jcamp", "raw/bruker-opus", "raw/bruker-dpt", "raw/omnic-spa", "raw/galactic-spc")


def real(data_dir: Path) -> list[OpticalSpectrum]:
    """Infrared spectra of real instruments that differ from each other."""
    found: list[OpticalSpectrum] = []
    for path in sorted(path for folder in FOLDERS for path in (data_dir / folder).rglob("*")):
        try:
            run = read(path) if path.is_file() and path.stat().st_size < 3e6 else None
        except UnreadableFile:
            continue
        for spectrum in run.optical[:1] if run else ():
            if spectrum.axis is Axis.WAVENUMBER and spectrum.x[0] > 50 and usable(spectrum):
                found.append(spectrum)
    scores = np.array([one.score for one in ProfileIndex(build(found, INFRARED), INFRARED).compare(found)])
    return [one for place, one in enumerate(found) if not (scores[place, :place] > 950).any()]


def usable(spectrum: OpticalSpectrum) -> bool:
    try:
        return bool(np.ptp(profile(spectrum, INFRARED).y) > 0)
    except InvalidMeasurement:
        return False


def shares(spectra: list[OpticalSpectrum], **how: float) -> float:
    """Share of spectra that their distorted form finds at rank 1."""
    index = ProfileIndex(build(spectra, INFRARED), INFRARED)
    queries = [distorted(one, seed, **how) for seed, one in enumerate(spectra)]
    first: list[Floats | int] = [
        int(one.top(1)[0]) if len(one.top(1)) else -1 for one in index.compare(queries)
    ]
    return float(np.mean(np.array(first) == np.arange(len(spectra))))


@pytest.mark.data
def test_real_spectra_are_found_through_noise_shift_and_baseline(data_dir: Path) -> None:
    spectra = real(data_dir)
    assert len(spectra) > 50
    assert shares(spectra, noise=0.01, shift=0.0, tilt=0.0) >= 0.98
    assert shares(spectra, noise=0.0, shift=3.0, tilt=0.0) >= 0.98
    assert shares(spectra, noise=0.0, shift=0.0, tilt=2.0) >= 0.98
    assert shares(spectra, noise=0.05, shift=-2.0, tilt=1.0) >= 0.93


def test_measures_are_named_for_their_windows() -> None:
    assert [derived(window) for window in WINDOWS] == list(MEASURES[1:])


@pytest.mark.parametrize(
    ("query", "comments", "power"),
    [
        (Sampling.ATR, "TRANSMISSION", 1),
        (Sampling.UNKNOWN, "TRANSMISSION", 1),
        (Sampling.ATR, "", 1),
        (Sampling.UNKNOWN, "", 1),
        (Sampling.TRANSMISSION, "TRANSMISSION", 0),
    ],
)
def test_a_query_by_atr_is_compared_as_if_by_transmission(
    query: Sampling, comments: str, power: int, tmp_path: Path
) -> None:
    records = [
        OpticalRecord(f"material {k}", made(k), SpectrumKind.INFRARED, comments=comments) for k in range(8)
    ]
    report = build_release(records, tmp_path, name="ir", source="made", licence="free")
    one = made(3)
    seen = OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, one.x, one.y * 1000 / one.x)
    (hits,) = search([open_release(report.directory)], [seen], sampling=[query])
    assert hits[0].reference.name == "material 3"
    assert hits[0].power == power
    assert (hits[0].score > 990) is bool(power)


def test_references_by_atr_and_by_transmission_stand_side_by_side(tmp_path: Path) -> None:
    records = [
        OpticalRecord(name, converted(made(k), number), SpectrumKind.INFRARED, comments=comments)
        for k, (name, number, comments) in enumerate((("one", 0, "KBr pellet"), ("two", -1, "Diamond ATR")))
    ]
    report = build_release(records, tmp_path, name="ir", source="made", licence="free")
    release = open_release(report.directory)
    for k, name in enumerate(("one", "two")):
        for way, number in ((Sampling.TRANSMISSION, 0), (Sampling.ATR, -1)):
            (hits,) = search([release], [converted(made(k), number)], sampling=[way])
            assert hits[0].reference.name == name
            assert hits[0].score > 990
            assert hits[0].power == number * -1 - k


def test_raman_has_no_such_ways(tmp_path: Path) -> None:
    raman = OpticalSpectrum(Axis.RAMAN_SHIFT, Ordinate.INTENSITY, X, np.interp(X, made(1).x, made(1).y))
    report = build_release(
        [OpticalRecord("one", raman, SpectrumKind.RAMAN)], tmp_path, name="r", source="made", licence="free"
    )
    (hits,) = search([open_release(report.directory)], [raman], kind=SpectrumKind.RAMAN)
    assert hits[0].power == 0
