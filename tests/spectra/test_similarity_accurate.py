"""Accurate masses, cleaning, entropy, cosines: by hand, by law, and beside ms_entropy and matchms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.errors import InvalidMeasurement
from spectra.model import MassSpectrum, spectrum_from_peaks
from spectra.similarity.accurate import Tolerance, ToleranceUnit, inside, step, steps, windows
from spectra.similarity.cleaning import CleanSpectra, clean_spectra, clean_spectrum
from spectra.similarity.cosine import cosine, cosines, modified_cosine, neutral_loss_cosine
from spectra.similarity.entropy import entropies, entropy_similarity, spectral_entropy, weighted

BETWEEN = Tolerance(0.020_05)  # four-decimal data never lie on this edge, where float32 rounding would decide
NARROWER, WIDER = Tolerance(0.019_9), Tolerance(0.020_2)
PAIRS = 1000

peaks = st.lists(
    st.tuples(st.floats(20, 400), st.floats(1e-3, 1e6)),
    min_size=1,
    max_size=40,
    unique_by=lambda peak: peak[0],
)


def spectrum(*ions: tuple[float, float]) -> MassSpectrum:
    return spectrum_from_peaks([mz for mz, _ in ions], [height for _, height in ions])


def test_edges_belong_to_the_window() -> None:
    edges = windows(steps([100.0, 200.0]), Tolerance(0.02).around(steps([100.0, 200.0])))
    found, match = inside(edges, steps([99.97999, 99.98, 100.02, 100.02001, 200.0]))
    assert found.tolist() == [1, 2, 4]
    assert match.tolist() == [0, 0, 1]


def test_ppm_grow_with_the_mass() -> None:
    ten = Tolerance(10, ToleranceUnit.PPM)
    assert ten.around(steps([100.0, 1000.0])).tolist() == [100, 1000]
    assert ten.reach(step(1000.0)) == 1000
    assert ten.around(steps([3000.0, 3000.06])).tolist() == [2499, 2499]


@pytest.mark.parametrize("bad", [float("nan"), -1.0, 20_001.0])
def test_no_mass_beyond_the_range(bad: float) -> None:
    with pytest.raises(InvalidMeasurement, match="between 0 and 20000"):
        steps([100.0, bad])
    with pytest.raises(InvalidMeasurement, match="between 0 and 20000"):
        step(bad)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_no_tolerance_that_is_none(bad: float) -> None:
    with pytest.raises(InvalidMeasurement, match="positive"):
        Tolerance(bad)


def test_windows_must_not_touch() -> None:
    close = steps([100.0, 100.04])
    with pytest.raises(InvalidMeasurement, match="clean the spectrum"):
        windows(close, Tolerance(0.02).around(close))


def test_cleaning_by_hand() -> None:
    raw = [(100.00, 30.0), (100.04, 10.0), (100.08, 5.0), (150.0, 0.4), (199.0, 80.0), (120.0, 55.0)]
    clean = clean_spectrum([mz for mz, _ in raw], [height for _, height in raw], 200.0)
    # 100.08 is out of reach of 100.00, but not of the mean of the first two, 100.01? It is: 0.07 away.
    assert clean.mz == pytest.approx([100.01, 100.08, 120.0])
    assert clean.intensity == pytest.approx([0.4, 0.05, 0.55])


def test_the_precursor_stays_where_none_was_isolated() -> None:
    assert len(clean_spectrum([199.0, 200.0], [1.0, 1.0], 200.0, below_precursor=None)) == 2
    assert len(clean_spectrum([199.0, 200.0], [1.0, 1.0])) == 2
    assert len(clean_spectrum([199.0, 200.0], [1.0, 1.0], 200.0)) == 0


@pytest.mark.parametrize(("mz", "height"), [([1.0], [-1.0]), ([np.nan], [1.0]), ([1.0, 2.0], [1.0])])
def test_cleaning_refuses_what_is_no_spectrum(mz: list[float], height: list[float]) -> None:
    with pytest.raises(InvalidMeasurement):
        clean_spectrum(mz, height)


@given(st.lists(peaks, min_size=1, max_size=5), st.floats(0, 2))
def test_cleaning_laws(spectra: list[list[tuple[float, float]]], gap: float) -> None:
    offset = np.cumsum([0, *(len(one) for one in spectra)])
    mz, height = np.array([peak for one in spectra for peak in one]).T
    table = clean_spectra(offset, mz, height, gap=gap)
    for row, raw in enumerate(spectra):
        clean = table.row(row)
        alone = clean_spectrum([mz for mz, _ in raw], [height for _, height in raw], gap=gap)
        assert clean.mz.tolist() == alone.mz.tolist()
        assert clean.intensity == pytest.approx(alone.intensity)
        assert clean.intensity.sum() == pytest.approx(1)
        assert (np.diff(clean.mz) > gap).all()
        assert clean.intensity.min() >= 0.01 * clean.intensity.max() * (1 - 1e-12)
        assert clean.mz.min() >= min(raw)[0] - 1e-9
        assert clean.mz.max() <= max(raw)[0] + 1e-9


def test_a_million_ions_are_cleaned_in_a_moment() -> None:
    rng = np.random.default_rng(3)
    clean = clean_spectrum(rng.uniform(50, 1500, 1_000_000), rng.random(1_000_000))
    assert 10_000 < len(clean) < 29_000
    assert np.diff(clean.mz).min() > 0.05


def test_entropy_by_hand() -> None:
    assert spectral_entropy(np.ones(4)) == pytest.approx(np.log(4))
    assert spectral_entropy(np.array([5.0])) == 0
    assert spectral_entropy(np.empty(0)) == 0
    assert entropies(np.array([0, 2, 2, 3]), np.array([0.5, 0.5, 1.0])) == pytest.approx([np.log(2), 0, 0])


def test_weights_lift_weak_ions_of_poor_spectra_only() -> None:
    share = np.array([0.9, 0.1])
    power = 0.25 + 0.25 * spectral_entropy(share)
    raised = share**power
    assert weighted(np.array([0, 2]), share) == pytest.approx(raised / raised.sum())
    rich = np.full(30, 1 / 30)
    assert weighted(np.array([0, 30]), rich) == pytest.approx(rich)


@given(peaks, peaks)
def test_entropy_similarity_laws(a: list[tuple[float, float]], b: list[tuple[float, float]]) -> None:
    one, two = (clean_spectrum(*np.array(raw).T) for raw in (a, b))
    forward = entropy_similarity(one, two)
    assert forward == pytest.approx(entropy_similarity(two, one))
    assert -1e-12 <= forward <= 1 + 1e-12
    assert entropy_similarity(one, one) == pytest.approx(1)


def test_unweighted_similarity_is_the_textbook_one() -> None:
    a, b = spectrum((100, 0.5), (120, 0.5)), spectrum((100, 0.25), (140, 0.75))
    mixed = spectral_entropy(np.array([0.75, 0.5, 0.75]))
    expected = 1 - (2 * mixed - spectral_entropy(a.intensity) - spectral_entropy(b.intensity)) / np.log(4)
    assert entropy_similarity(a, b, weigh=False) == pytest.approx(expected)


def test_nothing_resembles_nothing() -> None:
    empty, one = MassSpectrum(np.empty(0), np.empty(0)), spectrum((100, 1))
    assert entropy_similarity(empty, one) == 0
    assert entropy_similarity(empty, empty) == 0
    assert cosine(empty, one).score == 0
    assert cosines(one, CleanSpectra(np.array([0, 0]), np.empty(0), np.empty(0)))[0].tolist() == [0]


def test_an_ion_is_used_once() -> None:
    a, b = spectrum((100.0, 3), (100.01, 4)), spectrum((100.005, 5))
    found = cosine(a, b)
    assert found.matched_ions == 1
    assert found.score == pytest.approx(4 / 5)


def test_modified_cosine_finds_the_moved_ion() -> None:
    a, b = spectrum((100, 3), (150, 4)), spectrum((100, 3), (164.01565, 4))
    assert cosine(a, b).score == pytest.approx(9 / 25)
    moved = modified_cosine(a, b, 200.0, 214.01565)
    assert (moved.score, moved.matched_ions) == (pytest.approx(1), 2)
    lost = neutral_loss_cosine(a, b, 200.0, 214.01565)
    assert (lost.score, lost.matched_ions) == (pytest.approx(16 / 25), 1)


@given(peaks, st.lists(peaks, min_size=1, max_size=4))
def test_many_cosines_are_the_single_ones(
    a: list[tuple[float, float]], others: list[list[tuple[float, float]]]
) -> None:
    query = clean_spectrum(*np.array(a).T)
    cleaned = [clean_spectrum(*np.array(raw).T) for raw in others]
    table = CleanSpectra(
        np.cumsum([0, *(len(one) for one in cleaned)]),
        np.concatenate([one.mz for one in cleaned]),
        np.concatenate([one.intensity for one in cleaned]),
    )
    scores, matched = cosines(query, table)
    single = [cosine(query, one, mz_power=1, intensity_power=0.5) for one in cleaned]
    assert scores == pytest.approx([one.score for one in single])
    assert matched.tolist() == [one.matched_ions for one in single]


@pytest.fixture(scope="module")
def massbank(data_dir: Path) -> dict[str, Any]:
    with np.load(data_dir / "massbank" / "ms2_positive.npz") as arrays:
        return {name: arrays[name] for name in ("mz", "intensity", "offset", "precursor_mz")}


def raw_spectrum(massbank: dict[str, Any], row: int) -> tuple[Any, Any]:
    ions = slice(massbank["offset"][row], massbank["offset"][row + 1])
    mz, height = massbank["mz"][ions], massbank["intensity"][ions].astype(float)
    # Equal intensities leave the order of merging open: make them differ.
    return mz, height * (1 + 1e-5 * np.arange(len(mz)))


@pytest.mark.data
def test_cleaning_as_ms_entropy_does(massbank: dict[str, Any]) -> None:
    """Its Python text; its compiled twin differs from that in 4 of 1,000 spectra (13 of 3,000 tried)."""
    reference = pytest.importorskip("ms_entropy.spectra.tools", reason="the reference is not installed")
    rows = np.random.default_rng(1).choice(len(massbank["precursor_mz"]), 1500, replace=False)
    different = 0
    for row in rows.tolist():
        mz, height = raw_spectrum(massbank, row)
        precursor = float(massbank["precursor_mz"][row])
        peaks = np.column_stack((mz, height)).astype(np.float32)
        theirs = reference.clean_spectrum(peaks, max_mz=precursor - 1.6, min_ms2_difference_in_da=0.05)
        ours = clean_spectrum(mz, height, precursor)
        same = len(ours) == len(theirs) and np.allclose(ours.mz, theirs[:, 0], atol=2e-4, rtol=0)
        different += not (same and np.allclose(ours.intensity, theirs[:, 1], atol=2e-6, rtol=0))
    assert different == 0


def pairs_of(massbank: dict[str, Any]) -> list[tuple[MassSpectrum, MassSpectrum, float, float]]:
    """Pairs of a compound's neighbourhood, so that ions are shared."""
    rng = np.random.default_rng(2)
    order = np.argsort(massbank["precursor_mz"], kind="stable")
    first = rng.integers(0, len(order) - 20, PAIRS)
    chosen = np.column_stack((order[first], order[first + rng.integers(1, 20, PAIRS)]))
    known = massbank["precursor_mz"]
    return [
        (spectrum_from_peaks(*raw_spectrum(massbank, a)), spectrum_from_peaks(*raw_spectrum(massbank, b)),
         float(known[a]), float(known[b]))
        for a, b in chosen.tolist()
    ]  # fmt: skip


@pytest.mark.data
def test_entropy_similarity_as_ms_entropy(massbank: dict[str, Any]) -> None:
    reference = pytest.importorskip("ms_entropy", reason="the reference for entropy is not installed")
    positive = 0
    for a, b, precursor_a, precursor_b in pairs_of(massbank):
        one, two = (
            clean_spectrum(a.mz, a.intensity, precursor_a),
            clean_spectrum(b.mz, b.intensity, precursor_b),
        )
        table = [np.column_stack((s.mz, s.intensity)).astype(np.float32) for s in (one, two)]
        options = {"ms2_tolerance_in_da": BETWEEN.value, "clean_spectra": False}
        for weigh, theirs in (
            (True, reference.calculate_entropy_similarity),
            (False, reference.calculate_unweighted_entropy_similarity),
        ):
            less, ours, more = (
                entropy_similarity(one, two, width, weigh=weigh) for width in (NARROWER, BETWEEN, WIDER)
            )
            if less != more:
                continue  # merged ions can lie on the edge, where float32 decides
            assert ours == pytest.approx(theirs(*table, **options), abs=2e-6)
            positive += ours > 0.1
    assert positive > PAIRS // 2


@pytest.mark.data
@pytest.mark.filterwarnings("ignore")
def test_cosines_as_matchms(massbank: dict[str, Any]) -> None:
    matchms = pytest.importorskip("matchms", reason="the reference for cosines is not installed")
    similarity = pytest.importorskip(
        "matchms.similarity", reason="the reference for cosines is not installed"
    )
    settings = {"tolerance": BETWEEN.value, "mz_power": 1.0, "intensity_power": 0.5}
    powers = {"mz_power": 1.0, "intensity_power": 0.5}
    for a, b, precursor_a, precursor_b in pairs_of(massbank):
        one, two = (
            matchms.Spectrum(mz=s.mz, intensities=s.intensity, metadata={"precursor_mz": p})
            for s, p in ((a, precursor_a), (b, precursor_b))
        )
        shifted = (a, b, precursor_a, precursor_b, BETWEEN)
        for theirs, ours in (
            (similarity.CosineGreedy, cosine(a, b, BETWEEN, **powers)),
            (similarity.ModifiedCosineGreedy, modified_cosine(*shifted, **powers)),
            (similarity.NeutralLossesCosine, neutral_loss_cosine(*shifted, **powers)),
        ):
            expected = theirs(**settings).pair(one, two)
            assert ours.score == pytest.approx(float(expected["score"]), abs=1e-9)
            assert ours.matched_ions == int(expected["matches"])
