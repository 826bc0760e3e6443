"""Infrared mixtures made by adding measured spectra: what is found, what falsely, how far shares are off.

Run: ``python tests/benchmarks/bench_infrared.py`` (the evaluation data beside the checkout, or
``XBT_EVALUATION_DATA``). Materials are all mid-infrared spectra of different materials in that data. They
are split into two halves by a fixed order: parameters were chosen on the first, the table is of the second;
the library always holds both, so that half of it can only be called falsely. Each mixture has 2 to 4
materials, by area of their bands, each shifted for itself, with a baseline and noise. Plain NNLS over all
references, its threshold chosen on the first half, stands beside it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import nnls

from library.answer import Decision
from library.mixtures_optical import Mixture, unmix_spectrum
from library.optical import decision
from library.record import OpticalRecord, SpectrumKind
from library.release import Release, build_release, open_release
from spectra.errors import InvalidMeasurement, UnreadableFile
from spectra.model import Axis, Floats, OpticalSpectrum, Ordinate
from spectra.optical.conditioning import State, baseline, condition, strength
from spectra.readers import read
from spectra.similarity.optical import INFRARED, WINDOWS, absorbance, correlation_hqi, derivative, profile

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
FOLDERS = (
    "raw/jcamp", "raw/bruker-opus", "raw/bruker-dpt", "raw/omnic-spa", "raw/galactic-spc",
    "raw/perkinelmer-sp", "ftir",
)  # fmt: skip
LEFT_OUT = (
    "TUMIX", "POLYS", "jtpolys", "s_evenx",  # mixtures
    "m_ordz", "SUBTRACT",  # differences
    "carbon monoxide", "hydrogen sulfide",  # absorb next to nothing in the regions compared
    "infrared_spectra/butadiene",  # 1,3-butadiene once more
    "Ft-ir.spc", "cheminfo_ir-spectrum/absorbance.spc",  # polystyrene once more
    "emodine", "test_input", "background", "IG_",  # not infrared absorption
)  # fmt: skip
SAME = 850.0  # derivative hit quality of two files of one material
COVERED = 0.97
X = np.arange(620.0, 3740.0, 1.0)
FINE = (X[:, None] + np.arange(-0.375, 0.5, 0.25)).ravel()  # lines are averaged, as an instrument does
MIXTURES = 150


@dataclass(frozen=True)
class Material:
    name: str
    spectrum: OpticalSpectrum


@dataclass(frozen=True)
class Kind:
    """How mixtures are made.

    Parameters
    ----------
    minor : share of one part; the others have at least 10 %, and so have all where it is None.
    noise : standard deviation, absorbance at 1 cm⁻¹; the strongest band has 0.3 to 1.
    elsewhere : measured otherwise than the references: a wider line, strengths that change with wavenumber.
    """

    title: str
    minor: float | None
    noise: float
    elsewhere: bool = False


@dataclass(frozen=True)
class Case:
    """A mixture and what it is made of: name -> share."""

    spectrum: OpticalSpectrum
    shares: dict[str, float]


@dataclass
class Tally:
    """Counts over mixtures."""

    minor: list[bool] = field(default_factory=list)  # found, of parts of the share asked for
    every: list[bool] = field(default_factory=list)
    false: int = 0
    named: int = 0
    errors: list[float] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)
    grouped: int = 0


@dataclass(frozen=True)
class Called:
    """What a method says of one part: the names it may be, share and interval."""

    names: tuple[str, ...]
    share: float
    low: float = 0.0
    high: float = 1.0


def materials(data: Path = DATA) -> list[Material]:
    """One spectrum of each material, by name."""
    found: list[Material] = []
    slopes: list[Floats] = []
    for path in sorted(p for folder in FOLDERS for p in (data / folder).rglob("*") if p.is_file()):
        one = None if any(part in str(path) for part in LEFT_OUT) else _of_file(path)
        slope = _slope(one.spectrum) if one else np.empty(0)
        if one and not any(correlation_hqi(slope, other) > SAME for other in slopes):
            found.append(one)
            slopes.append(slope)
    return sorted(found, key=lambda one: one.name)


def _of_file(path: Path) -> Material | None:
    try:
        curves = read(path).optical
    except (UnreadableFile, InvalidMeasurement):
        return None
    name = f"{path.parent.name}/{path.name}"
    usable = [curve for curve in curves if _usable(curve)]
    return Material(name, usable[0]) if usable else None


def _usable(curve: OpticalSpectrum) -> bool:
    if curve.axis is not Axis.WAVENUMBER or curve.ordinate is Ordinate.SINGLE_BEAM:
        return False
    try:
        ready = condition(curve, INFRARED)
    except InvalidMeasurement:
        return False
    clear = float(np.percentile(ready.signal, 99.5)) > 50 * ready.noise
    return clear and ready.state is State.MEASURED and len(ready.profile) >= COVERED * len(INFRARED)


def _slope(spectrum: OpticalSpectrum) -> Floats:
    return derivative(profile(spectrum, INFRARED), INFRARED, WINDOWS[0]).y


def library(records: Sequence[Material], folder: Path) -> Release:
    """A release of the materials."""
    made = [OpticalRecord(one.name, one.spectrum, SpectrumKind.INFRARED) for one in records]
    report = build_release(made, folder, name="materials", source="evaluation data", licence="not stated")
    return open_release(report.directory)


def mixtures(some: Sequence[Material], seed: int, kind: Kind, *, count: int = MIXTURES) -> list[Case]:
    """Mixtures of 2 to 4."""
    rng = np.random.default_rng(seed)
    return [_mixture(some, rng, kind) for _ in range(count)]


def _mixture(some: Sequence[Material], rng: np.random.Generator, kind: Kind) -> Case:
    count = int(rng.integers(2, 5))
    chosen = [some[k] for k in rng.choice(len(some), count, replace=False)]
    shares = _shares(rng, count, kind.minor)
    y = np.zeros(len(X))
    for one, share in zip(chosen, shares, strict=True):
        y += share * _unit(one, float(np.clip(rng.normal(0, 1.0), -3, 3)))
    if kind.elsewhere:
        y = gaussian_filter1d(y, rng.uniform(0, 2)) * (X / 1500) ** rng.uniform(-0.5, 0.5)
    y *= rng.uniform(0.3, 1.0) / np.percentile(y, 99.8)
    place = (X - X[0]) / np.ptp(X)
    drift = rng.normal(0, 0.05) * place + rng.normal(0, 0.03) * np.cos(np.pi * place * rng.uniform(0.5, 2))
    y = y + drift + rng.uniform(0, 0.1) + rng.normal(0, kind.noise, len(X))
    spectrum = OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, X, y)
    return Case(spectrum, {one.name: float(share) for one, share in zip(chosen, shares, strict=True)})


def _shares(rng: np.random.Generator, count: int, minor: float | None) -> Floats:
    if minor is None:
        return np.asarray(0.1 + (1 - 0.1 * count) * rng.dirichlet(np.ones(count)), np.float64)
    rest = 0.1 + (1 - minor - 0.1 * (count - 1)) * rng.dirichlet(np.ones(count - 1))
    return np.append(rest, minor)


def _unit(one: Material, shift: float) -> Floats:
    """The material on the axis of the mixtures, moved, its bands of area 1."""
    flat = profile(one.spectrum, INFRARED)
    y = absorbance(one.spectrum)
    fine = np.interp(FINE - shift, one.spectrum.x, y - np.percentile(y, 2)).reshape(len(X), -1).mean(axis=1)
    return np.asarray(fine / strength(flat, INFRARED), np.float64)


def tally(cases: Iterable[Case], answers: Iterable[Sequence[Called]], minor: float | None) -> Tally:
    """Counts: a material is found if a part's names hold it; each part stands for one material."""
    out = Tally()
    for case, called in zip(cases, answers, strict=True):
        open_ = dict(case.shares)
        for one in called:
            hit = next((name for name in one.names if name in open_), None)
            out.named += 1
            out.grouped += len(one.names) > 1
            out.false += hit is None
            if hit is not None:
                true = open_.pop(hit)
                out.errors.append(one.share - true)
                out.covered.append(one.low <= true <= one.high)
        out.every += [name not in open_ for name in case.shares]
        out.minor += [name not in open_ for name, share in case.shares.items() if minor in (None, share)]
    return out


def called(answer: Mixture) -> list[Called]:
    """What is named, alone or as a group."""
    named = [one for one in answer.constituents if decision(one, answer) is not Decision.UNKNOWN]
    return [Called(tuple(r.name for r in one.references), one.share, one.low, one.high) for one in named]


class Plain:
    """Non-negative least squares over all references at once: absorbance less baseline, and a threshold."""

    def __init__(self, some: Sequence[Material]) -> None:
        self.names = [one.name for one in some]
        flat = [profile(one.spectrum, INFRARED) for one in some]
        self.rows = np.array([(one.y - baseline(one, INFRARED)) for one in flat])
        self.rows /= np.array([strength(one, INFRARED) for one in flat])[:, None]

    def shares(self, case: Case) -> Floats:
        one = profile(case.spectrum, INFRARED)
        amounts = nnls(self.rows.T, one.y - baseline(one, INFRARED))[0]
        return np.asarray(amounts / max(amounts.sum(), 1e-12), np.float64)

    def called(self, shares: Floats, least: float) -> list[Called]:
        return [Called((self.names[k],), float(shares[k])) for k in np.flatnonzero(shares >= least)]


def best_threshold(plain: Plain, cases: Sequence[Case], minor: float | None) -> float:
    """The threshold with the best F1 over all parts."""
    shares = [plain.shares(case) for case in cases]

    def score(least: float) -> float:
        out = tally(cases, [plain.called(each, least) for each in shares], minor)
        return 2 * sum(out.every) / max(len(out.every) + out.named, 1)

    return max((0.01, 0.02, 0.03, 0.05, 0.08), key=score)


def halves(some: Sequence[Material]) -> tuple[list[Material], list[Material]]:
    """Two halves of the materials, in an order that has nothing to do with their names."""
    order = np.random.default_rng(20).permutation(len(some))
    return [some[k] for k in order[::2]], [some[k] for k in order[1::2]]


def row(name: str, out: Tally, milliseconds: float) -> str:
    off = np.abs(np.array(out.errors)) if out.errors else np.array([np.nan])
    named = max(out.named, 1)
    return (
        f"| {name} | {np.mean(out.minor):.3f} | {np.mean(out.every):.3f} | {out.false / named:.3f} | "
        f"{out.grouped / named:.3f} | {100 * np.median(off):.1f} | {np.mean(off <= 0.05):.3f} | "
        f"{np.mean(out.covered):.2f} | {milliseconds:.0f} |"
    )


KINDS = (
    Kind("all parts ≥ 10 %", None, 0.001),
    Kind("one part of 5 %", 0.05, 0.001),
    Kind("all parts ≥ 10 %, three times the noise", None, 0.003),
    Kind("one part of 5 %, three times the noise", 0.05, 0.003),
    Kind("all parts ≥ 10 %, measured otherwise", None, 0.001, elsewhere=True),
    Kind("one part of 5 %, measured otherwise", 0.05, 0.001, elsewhere=True),
    Kind("one part of 2 %", 0.02, 0.001),
)


def tally_of(release: Release, half: Sequence[Material], kind: Kind, *, seed: int, count: int) -> Tally:
    """Counts over mixtures of one kind."""
    cases = mixtures(half, seed, kind, count=count)
    return tally(cases, (called(unmix_spectrum([release], case.spectrum)) for case in cases), kind.minor)


def measure(
    release: Release,
    half: Sequence[Material],
    plain: Plain,
    tuned: Sequence[Material],
    *,
    seed: int,
    count: int,
) -> Iterator[str]:
    """Rows of the table, each followed by that of plain NNLS."""
    for kind in KINDS:
        cases = mixtures(half, seed, kind, count=count)
        start = time.perf_counter()
        answers = [called(unmix_spectrum([release], case.spectrum)) for case in cases]
        taken = 1000 * (time.perf_counter() - start) / len(cases)
        yield row(kind.title, tally(cases, answers, kind.minor), taken)
        least = best_threshold(plain, mixtures(tuned, seed + 1, kind, count=count), kind.minor)
        start = time.perf_counter()
        beside = [plain.called(plain.shares(case), least) for case in cases]
        taken = 1000 * (time.perf_counter() - start) / len(cases)
        yield row(f"— NNLS alone, threshold {least:.0%}", tally(cases, beside, kind.minor), taken)


def main(argv: Sequence[str] = ()) -> None:
    """Print the table; ``--tuning``: of the half parameters were chosen on; a number: how many mixtures."""
    count = next((int(word) for word in argv if word.isdigit()), MIXTURES)
    some = materials()
    first, second = halves(some)
    shown, tuned = (first, second) if "--tuning" in argv else (second, first)
    with tempfile.TemporaryDirectory() as folder:
        release = library(some, Path(folder))
        print(f"{len(some)} materials, {len(shown)} of them in the mixtures, {count} mixtures a row.\n")
        print("| mixtures | recall of the parts named | recall of all | false additions | groups | "
              "share off, median points | within ± 5 points | in 95 % interval | ms |")  # fmt: skip
        print("|---|---|---|---|---|---|---|---|---|")
        for line in measure(release, shown, Plain(some), tuned, seed=5, count=count):
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
