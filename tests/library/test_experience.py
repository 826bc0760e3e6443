"""Experience: nothing is compared with itself, what is hidden is absent, outcomes are as they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from library import experience, product_ions
from library.calibration import Experience, Terms, crossed, ranking_quality
from library.evidence import FEATURES
from library.experience import QUERIES_PER_COMPOUND, laboratories, leaving_out, replicates, veiled
from library.record import Record, SpectrumKind
from library.release import Release
from spectra.model import spectrum_from_peaks


def key(number: int) -> str:
    return "".join(chr(65 + (number // 26**k) % 26) for k in range(14)) + "-UHFFFAOYSA-N"


def whole(number: int, rng: np.random.Generator, formula: str = "") -> Record:
    """One of two spectra of a compound: its own ions, measured anew."""
    own = np.random.default_rng(number)
    mz = np.sort(own.choice(np.arange(50, 300), 12, replace=False)).astype(float)
    intensity = own.uniform(50, 999, 12) * rng.uniform(0.9, 1.1, 12)
    return Record(f"compound {number}", mz, intensity, key(number), formula or f"C{number}H12")


def products(number: int, rng: np.random.Generator, energy: str) -> Record:
    own = np.random.default_rng(number)
    mz = np.sort(own.uniform(60, 190, 8))
    return Record(
        f"compound {number}", mz, own.uniform(50, 999, 8) * rng.uniform(0.9, 1.1, 8), key(number), "C12H12",
        kind=SpectrumKind.MSMS, precursor_mz=200.1 + 0.0001 * number, polarity=1, energy=energy,
    )  # fmt: skip


def coherent(seen: Experience, features: int) -> None:
    assert seen.values.shape == (len(seen.right), features)
    assert np.isfinite(seen.values).all()
    assert not (seen.right & seen.absent).any()
    assert not (seen.right & ~seen.grouped).any()


def test_half_hidden_replicates_are_found_where_they_are_held(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    records = [whole(number, rng) for number in range(40) for _ in range(2)]
    seen = replicates(records, tmp_path, rng)
    coherent(seen, len(FEATURES))
    assert 0.2 < seen.absent.mean() < 0.8
    assert seen.right[~seen.absent].all()


def test_what_is_left_out_is_absent_and_what_has_replicates_asks_twice(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    records = [whole(number, rng) for number in range(30)] + [whole(number, rng) for number in range(4)]
    labelled = [whole(99, rng, "C9H8D4"), whole(99, rng, "C9H8D4")]
    seen = leaving_out([*records, *labelled], tmp_path, rng, rounds=2, alone=5)
    coherent(seen, len(FEATURES))
    assert seen.absent.sum() <= 2 * (4 + 5)
    held = seen.of(np.flatnonzero(~seen.absent))
    assert set(held.compound) <= {key(number)[:14] for number in range(4)}
    assert held.right.mean() > 0.7
    assert key(99)[:14] not in seen.compound


def test_a_veiled_spectrum_shows_what_exceeds_its_error() -> None:
    rng = np.random.default_rng(4)
    full = spectrum_from_peaks(np.arange(50, 150), np.geomspace(1, 1000, 100))
    for _ in range(20):
        weak, floor = veiled(full, rng)
        error = floor.intensity[0]
        assert 0.002 * 1000 <= error <= 0.2 * 1000
        assert (weak.intensity >= error).all()
        assert set(weak.mz) <= set(floor.mz)
        assert len(weak) < len(full)


def test_a_laboratory_never_answers_itself(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    several = [
        (products(number, rng, energy), laboratory)
        for number in range(20)
        for laboratory in ("a", "b")
        for energy in ("10", "20", "30", "40")
    ]
    alone = [(products(number, rng, "10"), "a") for number in range(20, 30)]
    records, laboratory = zip(*several, *alone, strict=True)
    seen = laboratories(records, laboratory, tmp_path / "half", rng)
    coherent(seen, len(product_ions.FEATURES))
    names, count = np.unique(seen.compound, return_counts=True)
    assert set(names) <= {key(number)[:14] for number in range(20)}
    assert count.max() <= QUERIES_PER_COMPOUND
    assert seen.absent.any()
    assert seen.right[~seen.absent].mean() > 0.9
    assert set(seen.origin) == {"a", "b"}


def test_nothing_of_the_laboratory_that_asks_is_in_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[tuple[set[str], set[str]]] = []
    real = experience.compared

    def seen_by(releases: Sequence[Release], records: Sequence[Record], *told: Any) -> Experience:
        shown = {release.entry(k).instrument for release in releases for k in range(len(release))}
        held.append((shown, {one.instrument for one in records}))
        return real(releases, records, *told)

    monkeypatch.setattr(experience, "compared", seen_by)
    rng = np.random.default_rng(4)
    homes = [home for number in range(12) for home in ("a", "b", "c")[number % 2 :]]
    numbers = [number for number in range(12) for _ in ("a", "b", "c")[number % 2 :]]
    records = [
        replace(products(number, rng, "10"), instrument=home)
        for number, home in zip(numbers, homes, strict=True)
    ]
    laboratories(records, homes, tmp_path, rng, hidden_share=0.2)
    assert held
    assert all(shown and not shown & asking for shown, asking in held)


def test_chances_can_be_judged_by_models_that_know_neither_compound_nor_laboratory() -> None:
    rng = np.random.default_rng(5)
    rows = 600
    feature, home = rng.uniform(-2, 2, rows), np.repeat(["a", "b", "c"], rows // 3)
    right = rng.random(rows) < 1 / (1 + np.exp(-2 * feature))
    right[home == "c"] = feature[home == "c"] < 0  # a laboratory whose answers are the other way round
    terms = Terms(("feature",), {}, ())
    names = np.array([str(number) for number in range(rows)])
    seen = Experience(feature[:, None], names, right, right, ~right, np.ones(rows), home)
    known, strange = (
        crossed(seen, "compound", np.random.default_rng(0), terms, strangers=strangers)
        for strangers in (False, True)
    )
    c = home == "c"
    assert ranking_quality(strange[c], right[c].astype(float)) < 0.1
    assert not np.allclose(known, strange)
