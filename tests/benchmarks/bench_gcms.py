"""GC-MS from run to answer: simulated runs of real spectra, sums of spectra without time, a real mixture.

Run: ``python tests/benchmarks/bench_gcms.py [runs] [sums] [real] [speed]`` (all four without a word; the
evaluation data beside the checkout, or ``XBT_EVALUATION_DATA``). Prints Markdown tables.

The library is SWGDRUG 3.9; what is to be found are spectra it does not hold: another replicate of a compound
with several (taken out of the library), the measured spectra of `ei_queries`, and those of MassBank, whose
compounds the library holds by another measurement. Spectra that show ions above the molecular ion of the
substance they are filed under are derivatives and left out. Half of the compounds served to choose what
`library.mixture` is fitted to; what is printed is the other half. "Right" counts isomer groups: a component
is right where its group holds what eluted. Seeds are fixed.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from library.answer import Component, Decision, Source
from library.formats.msp import read_msp
from library.forms import FormKind
from library.formula import nominal_mass
from library.groups import isomer_group
from library.identify import identify
from library.mixture import unmix
from library.prepare import connectivity
from library.record import Record, SpectrumKind
from library.release import Release, build_release, open_release
from library.search.ei import search
from library.substances import classify_form
from spectra.chromatography.deconvolution import deconvolve
from spectra.model import MassSpectrum, Run, spectrum_from_peaks
from spectra.readers import read
from spectra.similarity.mass import unit_mass, unit_table
from spectra.similarity.match_factor import match_factors
from spectra.simulate import SimulatedPeak, simulate_run

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
SOURCE = Source("run", "0" * 64, "simulation", "simulate", "gc_ms", "", "", "", True)
NAMED = frozenset({Decision.IDENTIFIED, Decision.GROUP})
WIDTH_S = 2.4  # full width at half height, six scans
APART = (0.3, 0.5, 1.0, 2.0)
RATIOS = (1, 5, 20, 100)
PEER_INSTALLED = find_spec("pyms") is not None
RUNS, PEER_RUNS, PAIRS = 4, 1, 4  # the peer takes ten seconds a run: it gets the first ones
TALLEST = 2e6  # counts of the base peak of a pair's larger one
SUMS = {"1 : 0.4": (1.0, 0.4), "1 : 0.1": (1.0, 0.1), "1 : 0.5 : 0.2": (1.0, 0.5, 0.2)}
MIXED = 60
ISOTOPOLOGUES = 8.5  # Th above the molecule: what six chlorine atoms bring
Named = list[tuple[float, set[str]]]  # time, compounds of the isomer group


@dataclass(frozen=True, slots=True)
class Pool:
    """A library, and spectra of compounds it holds that are none of its own."""

    release: Release
    spectra: Mapping[str, Sequence[MassSpectrum]]


def pool(folder: Path, half: int | None = 1) -> Pool:
    """The library and the spectra to be found, of one half of the compounds or of all."""
    records = [one for one in read_msp(DATA / "ei_ms" / "swgdrug_3.9.msp") if isinstance(one, Record)]
    out = held_out(records)
    library = [one for k, one in enumerate(records) if k not in out]
    report = build_release(library, folder, name="swgdrug", source="", licence="")
    found: dict[str, list[MassSpectrum]] = defaultdict(list)
    known = {connectivity(one.inchikey) for one in library if not labelled(one)} - {""}
    for compound, record in [(connectivity(records[k].inchikey), records[k]) for k in out] + others():
        if compound in known and (half is None or half_of(compound) == half):
            found[compound].append(from_40(record))
    return Pool(open_release(report.directory), dict(sorted(found.items())))


def half_of(compound: str) -> int:
    return hashlib.sha256(compound.encode()).digest()[0] % 2


def held_out(records: Sequence[Record]) -> set[int]:
    """One replicate of every compound with several, copies and what is filed under a wrong name left in.

    A labelled standard is no replicate: its key may be that of the compound, its spectrum is another.
    """
    rows: dict[str, list[int]] = defaultdict(list)
    for k, record in enumerate(records):
        if record.inchikey and not labelled(record):
            rows[connectivity(record.inchikey)].append(k)
    counts = np.cumsum([0, *(len(one.mz) for one in records)])
    table = unit_table(
        counts, np.concatenate([r.mz for r in records]), np.concatenate([r.intensity for r in records])
    )
    rng, out = np.random.default_rng(1), set()
    for _, own in sorted(rows.items()):
        if len(own) < 2:
            continue
        k = int(rng.choice(own))
        best = match_factors(table.row(k), table, np.array([j for j in own if j != k])).match_factor.max()
        if 600 <= best <= 985 and len(records[k].mz) >= 20:
            out.add(k)
    return out


def labelled(record: Record) -> bool:
    return classify_form(record.name, record.formula, record.inchikey).kind is FormKind.ISOTOPOLOGUE


def others() -> list[tuple[str, Record]]:
    """Measured spectra of other laboratories, with their compounds."""
    with (DATA / "ei_queries" / "truth.csv").open(newline="") as stream:
        truth = [connectivity(row["inchikey_swgdrug"]) for row in csv.DictReader(stream)]
    queries = list(read_msp(DATA / "ei_queries" / "queries.msp"))
    found = [(c, r) for c, r in zip(truth, queries, strict=True) if isinstance(r, Record)]
    for record in read_msp(DATA / "ei_ms" / "massbank_ei_open.msp"):
        if isinstance(record, Record) and len(record.mz) >= 15 and underivatised(record):
            found.append((connectivity(record.inchikey), record))
    return found


def underivatised(record: Record) -> bool:
    """Nothing of 1 % of the base peak where no isotopologue of the molecule reaches."""
    mz, intensity = np.asarray(record.mz), np.asarray(record.intensity)
    above = intensity[mz > nominal_mass(record.formula) + ISOTOPOLOGUES]
    return bool(above.max(initial=0.0) < 0.01 * intensity.max())


def from_40(record: Record) -> MassSpectrum:
    mz, intensity = np.round(np.asarray(record.mz)), np.asarray(record.intensity)
    return spectrum_from_peaks(mz[mz >= 40], intensity[mz >= 40])


def draw(
    spectra: Mapping[str, Sequence[MassSpectrum]], count: int, rng: np.random.Generator
) -> list[tuple[str, MassSpectrum]]:
    """Different compounds, of each one of its spectra."""
    names = list(spectra)
    chosen = [names[k] for k in rng.choice(len(names), count, replace=False)]
    return [(one, spectra[one][int(rng.integers(len(spectra[one])))]) for one in chosen]


# Runs ------------------------------------------------------------------------------------------------------


def paired_run(source: Pool, apart: float, ratio: float, seed: int) -> tuple[Run, list[tuple[float, str]]]:
    """Pairs that overlap, 40 s between them, over rising bleed: the run and what elutes when."""
    rng = np.random.default_rng(seed)
    peaks, truth = [], []
    for k, (compound, spectrum) in enumerate(draw(source.spectra, 2 * PAIRS, rng)):
        rt_s = 170 + 40 * (k // 2) + (k % 2) * apart * WIDTH_S + rng.uniform(-0.2, 0.2) * (k % 2 == 0)
        height = TALLEST / (ratio if k % 2 else 1.0)
        peaks.append(SimulatedPeak(spectrum, rt_s, height, WIDTH_S, 0.5))
        truth.append((rt_s, compound))
    return simulate_run(peaks, rng=rng, duration_s=PAIRS * 40.0 + 80), truth


def ours(run: Run, source: Pool) -> Named:
    answer = identify(run, [source.release], source=SOURCE)
    return [named(one) for one in answer.components if one.decision in NAMED and one.rt_min is not None]


def named(component: Component) -> tuple[float, set[str]]:
    keys = component.candidates[0].isomer_group_inchikeys
    return 60 * (component.rt_min or 0.0), {connectivity(key) for key in keys}


def pymassspec(run: Run, source: Pool, least: float = 0.8) -> Named:
    """Biller–Biemann of PyMassSpec as its manual shows it, and the best cosine of √intensities.

    Its licence (GPL-2.0) keeps it out of our dependencies; install it by hand to see its columns.
    """
    from pyms.BillerBiemann import BillerBiemann, num_ions_threshold, rel_threshold
    from pyms.IntensityMatrix import IntensityMatrix
    from pyms.Noise.SavitzkyGolay import savitzky_golay
    from pyms.TopHat import tophat

    from spectra.chromatography.ions import ion_table

    table = ion_table(run.scans)
    matrix = IntensityMatrix(table.rt_s.tolist(), table.mass.tolist(), table.counts.T.tolist())
    for k in range(matrix.size[1]):
        matrix.set_ic_at_index(k, tophat(savitzky_golay(matrix.get_ic_at_index(k)), struct="1.5m"))
    peaks = num_ions_threshold(
        rel_threshold(BillerBiemann(matrix, points=9, scans=2), percent=2), n=3, cutoff=1000
    )
    found: Named = []
    units = source.release.units
    lengths = np.sqrt(
        [units.intensity[a:b].sum() for a, b in zip(units.offset[:-1], units.offset[1:], strict=True)]
    )
    owner = np.repeat(np.arange(len(units)), np.diff(units.offset))
    for peak in peaks:
        spectrum = peak.mass_spectrum
        heights = np.zeros(4100)
        heights[np.asarray(spectrum.mass_list, int)] = spectrum.mass_spec
        along = np.bincount(owner, np.sqrt(heights[units.mass] * units.intensity), minlength=len(units))
        cosine = along / np.maximum(lengths * np.sqrt(heights.sum()), 1e-9)
        if cosine.max() >= least:
            found.append((peak.rt, group_of(source.release, int(cosine.argmax()), heights)))
    return found


def group_of(release: Release, row: int, heights: np.ndarray) -> set[str]:
    """The isomer group of an entry as the spectrum shows it, by the same rule as ours."""
    from library.search.ei import Hit

    mass = np.flatnonzero(heights)
    query = unit_mass(mass, heights[mass])
    match = float(match_factors(query, release.units, np.array([row])).match_factor[0])
    reference = release.entry(int(release.rows(SpectrumKind.EI)[row]))
    group = isomer_group([release], Hit(reference, match, match, 0, 0.0, match), query)
    return {connectivity(one.inchikey) for one in group}


def counted(found: Named, truth: Sequence[tuple[float, str]]) -> np.ndarray:
    """(right major, right minor, named, named rightly); truth alternates between major and minor."""
    right = [any(abs(t - rt) < WIDTH_S and c in group for rt, group in found) for t, c in truth]
    true = [any(abs(t - rt) < 2 * WIDTH_S and c in group for t, c in truth) for rt, group in found]
    return np.array([sum(right[0::2]), sum(right[1::2]), len(found), sum(true)])


def ceiling(source: Pool) -> float:
    """Share of the spectra that are named rightly when they come clean and alone."""
    queries = [(c, one) for c, spectra in source.spectra.items() for one in spectra[:1]]
    offset = np.cumsum([0, *(len(one) for _, one in queries)])
    from spectra.model import Metadata, ScanTable

    scans = ScanTable(
        np.full(len(queries), np.nan),
        offset,
        np.concatenate([one.mz for _, one in queries]),
        np.concatenate([one.intensity for _, one in queries]),
    )
    answer = identify(Run(Metadata("msp", "msp"), scans), [source.release], source=SOURCE)
    pairs = zip(queries, answer.components, strict=True)
    return float(np.mean([k.decision in NAMED and c in named(k)[1] for (c, _), k in pairs]))


def runs(source: Pool, out: Callable[[str], None] = print) -> None:
    """The curve over overlap and ratio, ours beside PyMassSpec."""
    out(f"Clean and alone, {ceiling(source):.1%} of these spectra are named rightly.\n")
    out(
        "| apart (widths) | ratio | ours: major | minor | precision "
        "| PyMassSpec + cosine: major | minor | precision |"
    )
    out("|---|---|---|---|---|---|---|---|")
    for apart in APART:
        for ratio in RATIOS:
            counts = np.zeros((2, 4))
            for seed in range(RUNS):
                run, truth = paired_run(source, apart, ratio, seed)
                counts[0] += counted(ours(run, source), truth)
                if seed < PEER_RUNS and PEER_INSTALLED:
                    counts[1] += counted(pymassspec(run, source), truth)
            cells = [rates(counts[0], RUNS * PAIRS), rates(counts[1], PEER_RUNS * PAIRS)]
            out(f"| {apart} | 1:{ratio} | {cells[0]} | {cells[1]} |")


def rates(counts: np.ndarray, pairs: int) -> str:
    precision = f"{counts[3] / counts[2]:.2f}" if counts[2] else "–"
    return f"{counts[0] / pairs:.2f} | {counts[1] / pairs:.2f} | {precision}"


# Sums without time axis ------------------------------------------------------------------------------------

Groups = list[set[str]]


def sums(source: Pool, out: Callable[[str], None] = print) -> None:
    """Several spectra in one: ours, which has to find how many there are, beside ways that are told."""
    ways = {
        "ours": divided,
        "single search, best n (told n)": best_n,
        "subtraction (told n)": subtracted,
        "plain NNLS, largest n (told n)": plain_nnls,
    }
    out("| mixture | way | every part | smallest part | precision |\n|---|---|---|---|---|")
    for label, shares in SUMS.items():
        counts = {way: np.zeros(4) for way in ways}
        for truth, spectrum in mixtures(source, shares, MIXED, 3):
            for way, work in ways.items():
                counts[way] += scored(work(source.release, spectrum, len(shares)), truth)
        for way, (right, smallest, said, true) in counts.items():
            every = right / (MIXED * len(shares))
            out(f"| {label} | {way} | {every:.2f} | {smallest / MIXED:.2f} | {true / max(said, 1):.2f} |")


def mixtures(
    source: Pool, shares: Sequence[float], count: int, seed: int
) -> Iterator[tuple[list[str], MassSpectrum]]:
    """Compounds and the sum of their spectra, shares of summed intensity."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        drawn = draw(source.spectra, len(shares), rng)
        height = [s * one.intensity / one.intensity.sum() for s, (_, one) in zip(shares, drawn, strict=True)]
        mass = np.concatenate([one.mz for _, one in drawn])
        yield [compound for compound, _ in drawn], spectrum_from_peaks(mass, np.concatenate(height))


def scored(found: Groups, truth: Sequence[str]) -> np.ndarray:
    """(parts right, smallest part right, parts said, parts said rightly)."""
    right = [any(one in group for group in found) for one in truth]
    true = [any(one in group for one in truth) for group in found]
    return np.array([sum(right), right[-1], len(found), sum(true)], float)


def divided(release: Release, spectrum: MassSpectrum, _parts: int) -> Groups:
    parts = unmix([release], spectrum, mz_low=40).parts
    return [{connectivity(one.inchikey) for one in part.group} for part in parts if part.named]


def best_n(release: Release, spectrum: MassSpectrum, parts: int) -> Groups:
    hits = search([release], [spectrum], top=parts, mz_low=40)[0]
    query = unit_mass(spectrum.mz, spectrum.intensity, mz_low=40)
    return [{connectivity(one.inchikey) for one in isomer_group([release], hit, query)} for hit in hits]


def subtracted(release: Release, spectrum: MassSpectrum, parts: int) -> Groups:
    """The best hit taken away by least squares, what is left searched again."""
    found: Groups = []
    left = spectrum
    for _ in range(parts):
        if not len(left):
            break
        hit = search([release], [left], top=1, mz_low=40)[0][0]
        query = unit_mass(left.mz, left.intensity, mz_low=40)
        found.append({connectivity(one.inchikey) for one in isomer_group([release], hit, query)})
        reference = heights_of(hit.reference.spectrum)
        heights = heights_of(left)
        rest = np.maximum(heights - reference * (heights @ reference) / (reference @ reference), 0.0)
        mass = np.flatnonzero(rest > 0.005 * heights.max())
        left = spectrum_from_peaks(mass, rest[mass])
    return found


def plain_nnls(release: Release, spectrum: MassSpectrum, parts: int) -> Groups:
    """Non-negative least squares of the 150 best hits; the largest parts."""
    hits = search([release], [spectrum], top=150, mz_low=40)[0]
    design = np.stack([heights_of(hit.reference.spectrum) for hit in hits], axis=1)
    amount, _ = nnls(design, heights_of(spectrum))
    largest = np.argsort(amount * design.sum(axis=0))[::-1][:parts]
    query = unit_mass(spectrum.mz, spectrum.intensity, mz_low=40)
    return [{connectivity(one.inchikey) for one in isomer_group([release], hits[k], query)} for k in largest]


def heights_of(spectrum: MassSpectrum) -> np.ndarray:
    unit = unit_mass(spectrum.mz, spectrum.intensity)
    heights = np.zeros(4100)
    heights[unit.mass] = unit.intensity
    return heights


# A real mixture, and time ----------------------------------------------------------------------------------


def real(release: Release, out: Callable[[str], None] = print) -> None:
    """`DRUG_SAMPLE.SPC`: each expected substance, and whatever else is named."""
    path = DATA / "gcms_truth" / "DRUG_SAMPLE.SPC"
    told = json.loads((DATA / "gcms_truth" / "truth.json").read_text())[path.name]
    answer = identify(read(path), [release], source=SOURCE)
    out("| expected | at (min) | decision | first candidate | match |\n|---|---|---|---|---|")
    expected = [*told["components"], *told["minor_probable"]]
    for one in expected:
        near = min(answer.components, key=lambda c: abs((c.rt_min or 0) - one["rt"]))
        first = near.candidates[0] if near.candidates else None
        name, match = (first.name, f"{first.match_factor:.0f}") if first else (near.artefact, "–")
        out(f"| {one['name']} | {one['rt']} | {near.decision.value} | {name} | {match} |")
    times = [one["rt"] for one in expected]
    false = [
        c.candidates[0].name
        for c in answer.components
        if c.decision in NAMED and min(abs((c.rt_min or 0) - rt) for rt in times) > 0.03
    ]
    out(f"\nNamed beside them: {', '.join(false) or 'nothing'}.")


def speed(release: Release, out: Callable[[str], None] = print) -> None:
    """A run of 10,000 scans, 60 compounds, the best of three."""
    records = [one for one in read_msp(DATA / "ei_ms" / "swgdrug_3.9.msp") if isinstance(one, Record)]
    rng = np.random.default_rng(2)
    chosen = [records[k] for k in rng.choice(len(records), 60, replace=False)]
    peaks = [SimulatedPeak(from_40(one), 200 + 60 * k, 5e5, WIDTH_S) for k, one in enumerate(chosen)]
    run = simulate_run(peaks, rng=rng, duration_s=4000.0, start_s=120.0)
    taken = [seconds(lambda: deconvolve(run.scans)) for _ in range(3)]
    whole = [seconds(lambda: identify(run, [release], source=SOURCE)) for _ in range(3)]
    out(
        f"{len(run.scans)} scans, {len(run.scans.mz)} points: deconvolution {min(taken):.2f} s, "
        f"run to answer {min(whole):.2f} s."
    )


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(argv: Sequence[str]) -> None:
    chosen = argv or ("runs", "sums", "real", "speed")
    with tempfile.TemporaryDirectory() as folder:
        source = pool(Path(folder) / "held")
        print(
            f"{len(source.spectra)} compounds, {sum(map(len, source.spectra.values()))} spectra.\n",
            flush=True,
        )
        if "runs" in chosen:
            runs(source)
        if "sums" in chosen:
            sums(source)
        if {"real", "speed"} & set(chosen):
            report = build_release(
                read_msp(DATA / "ei_ms" / "swgdrug_3.9.msp"),
                Path(folder) / "whole",
                name="swgdrug",
                source="",
                licence="",
            )
            whole = open_release(report.directory)
            for name, part in (("real", real), ("speed", speed)):
                if name in chosen:
                    part(whole)


if __name__ == "__main__":
    main(sys.argv[1:])
