"""Infrared mixtures made by adding measured spectra: what is found, what falsely, how far shares are off.

Run: ``python tests/benchmarks/bench_infrared.py`` (the evaluation data beside the checkout, or
``XBT_EVALUATION_DATA``). Materials are all mid-infrared spectra of different materials in that data. They
are split into two halves by a fixed order: parameters were chosen on the first, the table is of the second;
the library always holds both, so that half of it can only be called falsely. Each mixture has 2 to 4
materials, by area of their bands, each shifted for itself, with a baseline and noise. Plain NNLS over all
references, its threshold chosen on the first half, stands beside it. Then: whether "could hide below x %"
holds (the materials stand in for the watch list), spectra measured another way than the library (ATR), and
spectra that hold nothing to search. About four minutes on a quiet machine.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: products are small

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import nnls

from library.answer import Decision
from library.optical.contents import decision
from library.optical.mixture import Mixture, unmix_spectrum
from library.record import OpticalRecord, SpectrumKind
from library.release import Release, build_release, open_release
from library.substances import load_substances
from spectra.errors import InvalidMeasurement, UnreadableFile
from spectra.model import Axis, Floats, OpticalSpectrum, Ordinate
from spectra.optical.conditioning import State, baseline, condition, strength
from spectra.optical.sampling import Sampling, converted
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
MIXTURES = 40
HIDING = 40


@dataclass(frozen=True)
class Material:
    name: str
    spectrum: OpticalSpectrum


@dataclass(frozen=True)
class Kind:
    """How mixtures are made.

    Parameters
    ----------
    parts : how many materials.
    minor : share of one part; the others have at least 10 %, and so have all where it is None.
    noise : standard deviation, absorbance at 1 cm⁻¹; the strongest band has 0.3 to 1.
    elsewhere : measured otherwise than the references: a wider line, strengths that change with wavenumber.
    """

    title: str
    parts: tuple[int, ...]
    minor: float | None
    noise: float = 0.001
    elsewhere: bool = False


@dataclass(frozen=True)
class Case:
    """A mixture, what it is made of (name -> share), its absorbance without baseline and noise, of which
    ``height`` is an area of 1, and how its instrument sees absorbance."""

    spectrum: OpticalSpectrum
    shares: dict[str, float]
    clean: Floats
    height: float
    seen: Callable[[Floats], Floats]


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


def library(records: Sequence[Material], folder: Path, keys: Sequence[str]) -> Release:
    """A release of the materials, under the InChIKeys of others as far as these go."""
    made = [
        OpticalRecord(one.name, one.spectrum, SpectrumKind.INFRARED, inchikey=key)
        for one, key in zip_longest(records, keys[: len(records)], fillvalue="")
    ]
    report = build_release(made, folder, name="materials", source="evaluation data", licence="not stated")
    return open_release(report.directory)


def mixtures(some: Sequence[Material], seed: int, kind: Kind, *, count: int = MIXTURES) -> list[Case]:
    """Mixtures of 2 to 4."""
    rng = np.random.default_rng(seed)
    return [_mixture(some, rng, kind) for _ in range(count)]


def _mixture(some: Sequence[Material], rng: np.random.Generator, kind: Kind) -> Case:
    count = int(rng.choice(kind.parts))
    chosen = [some[k] for k in rng.choice(len(some), count, replace=False)]
    shares = _shares(rng, count, kind.minor)
    y = np.zeros(len(X))
    for one, share in zip(chosen, shares, strict=True):
        y += share * _unit(one, _shift(rng))
    seen = partial(_elsewhere, rng.uniform(0, 2), rng.uniform(-0.5, 0.5)) if kind.elsewhere else np.asarray
    y = seen(y)
    height = rng.uniform(0.3, 1.0) / float(np.percentile(y, 99.8))
    true = {one.name: float(share) for one, share in zip(chosen, shares, strict=True)}
    return Case(_measured(y * height, rng, kind.noise), true, y * height, height, seen)


def _elsewhere(width: float, power: float, y: Floats) -> Floats:
    return np.asarray(gaussian_filter1d(y, width) * (X / 1500) ** power, np.float64)


def _shift(rng: np.random.Generator) -> float:
    return float(np.clip(rng.normal(0, 1.0), -3, 3))


def _measured(y: Floats, rng: np.random.Generator, noise: float) -> OpticalSpectrum:
    """Absorbance with a baseline and noise."""
    place = (X - X[0]) / np.ptp(X)
    drift = rng.normal(0, 0.05) * place + rng.normal(0, 0.03) * np.cos(np.pi * place * rng.uniform(0.5, 2))
    y = y + drift + rng.uniform(0, 0.1) + rng.normal(0, noise, len(X))
    return OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, X, y)


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


def kinds() -> list[Kind]:
    """Rows of the table."""
    alone = [
        Kind(f"{parts} parts, {title}", (parts,), minor)
        for minor, title in ((None, "all ≥ 10 %"), (0.05, "one of 5 %"))
        for parts in (2, 3, 4)
    ]
    several = (2, 3, 4)
    return [
        *alone,
        Kind("2 to 4, all ≥ 10 %, three times the noise", several, None, 0.003),
        Kind("2 to 4, one of 5 %, three times the noise", several, 0.05, 0.003),
        Kind("2 to 4, all ≥ 10 %, measured otherwise", several, None, elsewhere=True),
        Kind("2 to 4, one of 5 %, measured otherwise", several, 0.05, elsewhere=True),
        Kind("2 to 4, one of 2 %", several, 0.02),
    ]


def tally_of(release: Release, half: Sequence[Material], kind: Kind, *, seed: int, count: int) -> Tally:
    """Counts over mixtures of one kind."""
    cases = mixtures(half, seed, kind, count=count)
    return tally(cases, (called(unmix_spectrum([release], case.spectrum)) for case in cases), kind.minor)


def found_in_mixtures(bench: Bench, count: int) -> Iterator[str]:
    """Rows of the table, each followed by that of plain NNLS."""
    yield (
        "| mixtures | recall of the parts named | recall of all | false additions | groups | "
        "share off, median points | within ± 5 points | in 95 % interval | ms |\n" + "|---" * 9 + "|"
    )
    plain = Plain(bench.every)
    for kind in kinds():
        cases = mixtures(bench.shown, 5, kind, count=count)
        start = time.perf_counter()
        answers = [called(unmix_spectrum([bench.release], case.spectrum)) for case in cases]
        taken = 1000 * (time.perf_counter() - start) / len(cases)
        yield row(kind.title, tally(cases, answers, kind.minor), taken)
        least = best_threshold(plain, mixtures(bench.tuned, 6, kind, count=count), kind.minor)
        start = time.perf_counter()
        beside = [plain.called(plain.shares(case), least) for case in cases]
        taken = 1000 * (time.perf_counter() - start) / len(cases)
        yield row(f"— NNLS alone, threshold {least:.0%}", tally(cases, beside, kind.minor), taken)


def hiding(bench: Bench, count: int) -> Iterator[str]:
    """How often a material is named at shares around the one below which it is said to hide."""
    yield "| could hide | materials tried | median share said | named at 0.5 × | at 1 × | at 1.5 × |"
    yield "|---" * 6 + "|"
    several = (2, 3, 4)
    for kind in (
        Kind("2 to 4 parts", several, None),
        Kind("three times the noise", several, None, 0.003),
        Kind("measured otherwise", several, None, elsewhere=True),
    ):
        rng = np.random.default_rng(7)
        said: list[float] = []
        named: dict[float, list[bool]] = {0.5: [], 1.0: [], 1.5: []}
        for case in mixtures(bench.shown, 8, kind, count=count):
            answer = unmix_spectrum([bench.release], case.spectrum)
            there = [one for one in answer.hidden if bench.of_key[one.key].name not in case.shares]
            sure = [one for one in there if one.share < 0.4]
            if sure:
                chosen = sure[int(rng.integers(len(sure)))]
                said.append(chosen.share)
                for times, seen in named.items():
                    share = times * chosen.share
                    material = bench.of_key[chosen.key]
                    added = case.height * share / (1 - share) * case.seen(_unit(material, _shift(rng)))
                    spectrum = _measured(case.clean + added, rng, kind.noise)
                    calls = called(unmix_spectrum([bench.release], spectrum))
                    seen.append(any(material.name in one.names for one in calls))
        rates = " | ".join(f"{np.mean(seen):.2f}" for seen in named.values())
        yield f"| {kind.title} | {len(said)} | {np.median(said):.1%} | {rates} |"


def crystals(bench: Bench, count: int) -> Iterator[str]:
    """Mixtures as an ATR crystal shows them, against a library measured in transmission."""
    yield "| seen by ATR, the library by transmission | recall of all | false | within ± 5 points | taken |"
    yield "|---" * 5 + "|"
    cases = mixtures(bench.shown, 9, Kind("", (2, 3, 4), None), count=count)
    rng = np.random.default_rng(10)
    seen = [_measured(case.clean * (1000 / X), rng, 0.001) for case in cases]
    for title, sampling in (("known", Sampling.ATR), ("not known", Sampling.UNKNOWN)):
        answers = [unmix_spectrum([bench.release], one, sampling=sampling) for one in seen]
        yield _crystal_row(title, cases, answers)
    left = [unmix_spectrum([bench.release], one, sampling=Sampling.TRANSMISSION) for one in seen]
    yield _crystal_row("called transmission: nothing done", cases, left)
    plain = [unmix_spectrum([bench.release], case.spectrum) for case in cases]
    yield _crystal_row("the same by transmission, not known", cases, plain)


def _crystal_row(title: str, cases: Sequence[Case], answers: Sequence[Mixture]) -> str:
    out = tally(cases, [called(one) for one in answers], None)
    off = np.abs(np.array(out.errors or [np.nan]))
    changed = sum(one.way.changed for one in answers)
    shown = f"{np.mean(out.every):.3f} | {out.false / max(out.named, 1):.3f} | {np.mean(off <= 0.05):.3f}"
    return f"| {title} | {shown} | corrected {changed} of {len(answers)} |"


POLYSTYRENE = (
    ("bruker-opus/OpenSpecy_ftir_polystyrene.0", "galactic-spc/rohanisaac_spc/Ft-ir.spc"),
    ("bruker-opus/OpenSpecy_ftir_polystyrene.0", "galactic-spc/galacticdata/SINGLE_POLYMER_FILM.SPC"),
)


def measured_pairs() -> Iterator[str]:
    """Likeness of polystyrene by ATR and its films, as measured and corrected, and at which shift."""
    yield "| polystyrene by ATR against | as measured | corrected |\n|---|---|---|"
    for crystal, film in POLYSTYRENE:
        query, other = (read(DATA / "raw" / name).optical[0] for name in (crystal, film))
        told = [_likeness(query, converted(other, number)) for number in (0, -1)]
        yield f"| {Path(film).name} | " + " | ".join(f"{s:.0f} at {d:+.1f} cm⁻¹" for s, d in told) + " |"


def _likeness(query: OpticalSpectrum, other: OpticalSpectrum) -> tuple[float, float]:
    """Derivative hit quality index at the best shift, and by how much the query's bands lie higher."""
    own = _slope(query)
    moved = [(s, derivative(profile(other, INFRARED, shift=-s), INFRARED, WINDOWS[0])) for s in SHIFTS]
    return max((correlation_hqi(own[p.first : p.last], p.y[p.first : p.last]), s) for s, p in moved)


SHIFTS = np.arange(-5, 5.5, 0.5).tolist()


def nothing_to_search(bench: Bench) -> Iterator[str]:
    """What is said of spectra that hold nothing to search, ten of each, and what is named in them."""
    yield "| ten spectra of | said | named |\n|---|---|---|"
    rng = np.random.default_rng(11)
    cases = mixtures(bench.shown, 12, Kind("", (2, 3, 4), None), count=10)
    dark = np.zeros(len(X))
    lit = [10 ** -_measured(case.clean, rng, 0.001).y for case in cases]
    made = {
        "an empty crystal": [_measured(dark, rng, 0.0005) for _ in cases],
        "an empty crystal, as transmittance": [_as(10 ** -rng.normal(0, 5e-4, len(X)), True) for _ in cases],
        "noise": [_measured(dark, rng, 0.05) for _ in cases],
        "transmittance that is called absorbance": [_as(each, False) for each in lit],
        "absorbance that is called transmittance": [_as(case.spectrum.y, True) for case in cases],
        "a sample too thick (absorbance cut at 3)": [
            _measured(np.minimum(12 * case.clean, 3.0), rng, 0.001) for case in cases
        ],
        "strongest bands cut at 60 %": [
            _measured(np.minimum(case.clean, 0.6 * case.clean.max()), rng, 0.001) for case in cases
        ],
    }
    for title, spectra in made.items():
        answers = [unmix_spectrum([bench.release], one) for one in spectra]
        states = Counter(one.conditioned.state.value for one in answers)
        said = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        counts = tally(cases, [called(one) for one in answers], None)
        yield f"| {title} | {said} | {counts.named}, {counts.false} of them falsely |"


def _as(y: Floats, transmittance: bool) -> OpticalSpectrum:
    ordinate = Ordinate.TRANSMITTANCE if transmittance else Ordinate.ABSORBANCE
    return OpticalSpectrum(Axis.WAVENUMBER, ordinate, X, y)


@dataclass(frozen=True)
class Bench:
    """All materials, those of the mixtures, those parameters were chosen on, and the library of all.

    Each material stands in the library under the key of a substance of the watch list.
    """

    every: list[Material]
    shown: list[Material]
    tuned: list[Material]
    release: Release
    of_key: dict[str, Material]


def bench_of(folder: Path, *, tuning: bool) -> Bench:
    every = materials()
    first, second = halves(every)
    watched = [one for one in load_substances() if one.watch]
    release = library(every, folder, [one.inchikey for one in watched])
    of_key = {one.key: material for one, material in zip(watched, every, strict=False)}
    shown, tuned = (first, second) if tuning else (second, first)
    return Bench(every, shown, tuned, release, of_key)


PARTS = ("mixtures", "hiding", "crystals", "nothing")


def main(argv: Sequence[str] = ()) -> None:
    """Print the tables.

    ``--tuning``: of the half parameters were chosen on; a number: how many mixtures a row; names of `PARTS`:
    only those.
    """
    count = next((int(word) for word in argv if word.isdigit()), MIXTURES)
    asked = [word for word in argv if word in PARTS] or PARTS
    with tempfile.TemporaryDirectory() as folder:
        bench = bench_of(Path(folder), tuning="--tuning" in argv)
        print(f"{len(bench.every)} materials, {len(bench.shown)} of them in the mixtures, {count} a row.\n")
        tables: dict[str, Callable[[], Iterator[str]]] = {
            "mixtures": lambda: found_in_mixtures(bench, count),
            "hiding": lambda: hiding(bench, HIDING * count // MIXTURES),
            "crystals": lambda: chain(measured_pairs(), ("",), crystals(bench, count)),
            "nothing": lambda: nothing_to_search(bench),
        }
        for part in asked:
            for line in tables[part]():
                print(line, flush=True)
            print()
        print(f"{time.process_time():.0f} s of processor time in all.")


if __name__ == "__main__":
    main(sys.argv[1:])
