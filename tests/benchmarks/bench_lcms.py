"""What is found in simulated LC-MS/MS runs and in DART mixtures, from references of other laboratories.

Run: ``python tests/benchmarks/bench_lcms.py [runs]`` (the evaluation data beside the checkout, or
``XBT_EVALUATION_DATA``). Product ions of two laboratories of MassBank make the runs; all others are the
library. DART mixtures are made of the first replicate of each compound, the others are the library.
Prints Markdown.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from library.adducts import ion_mz
from library.answer import Component, Decision, Identification, Source
from library.formats.msp import read_msp
from library.identify import identify
from library.isotopes import pattern
from library.record import Record
from library.release import Release, build_release, open_release
from library.search.in_source import explain_mixture
from spectra.chromatography.features import find_features
from spectra.model import MassSpectrum, ScanTable, spectrum_from_peaks
from spectra.readers import read
from spectra.simulate_liquid import SimulatedAnalyte, simulate_liquid_run

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
QUERY_LABORATORIES = ("BAFG", "Athens_Univ")
NAMED = (Decision.IDENTIFIED, Decision.GROUP)
NEUTRON = 1.0033548
NEAR_S = 6.0
SOURCE = Source("run.mzML", "0" * 64, "mzML", "bench", "lc_ms", "", "", "", simulated=True)
VOLTS = (30.0, 60.0, 90.0)


@dataclass(frozen=True)
class Compound:
    """A drug that runs are made of."""

    key: str
    name: str
    formula: str
    products: dict[float, MassSpectrum]

    @property
    def mz(self) -> float:
        return ion_mz(self.formula, "[M+H]+")


@dataclass
class Tally:
    """Counts over runs; ``false`` and ``wrong`` are named components, and those named as one substance."""

    there: int = 0
    found: int = 0
    alone: int = 0
    named: int = 0
    false: int = 0
    wrong: int = 0

    def row(self, title: str) -> str:
        precision = 1 - self.false / self.named if self.named else 1.0
        recall = self.found / self.there if self.there else 0.0
        counts = f"{self.named} | {self.alone} | {self.wrong}"
        return f"| {title} | {self.there} | {recall:.3f} | {precision:.3f} | {counts} |"


HEAD = (
    "| runs | drugs in them | recall | precision | components named | as one substance | of those wrong |"
    "\n|---|---|---|---|---|---|---|"
)


def main(argv: Sequence[str] = ()) -> None:
    runs = int(argv[0]) if argv else 12
    with tempfile.TemporaryDirectory() as folder:
        compounds, strangers, library = liquid_data(Path(folder))
        print(f"{len(compounds)} compounds of {', '.join(QUERY_LABORATORIES)}; {len(library):,} references\n")
        print(HEAD)
        for drugs in (5, 10, 20):
            print(mixtures(compounds, [library], runs, drugs).row(f"{runs} of {drugs} drugs"))
        for part in (0.5, 0.1):
            major, minor = pairs(compounds, [library], 4 * runs, part)
            print(major.row(f"pairs in one isolation window 1 : {part}, the greater"))
            print(minor.row(f"pairs in one isolation window 1 : {part}, the lesser"))
        print(mixtures(strangers, [library], runs, 10).row(f"{runs} of 10 drugs that the library lacks"))
        for line in absent([library], runs):
            print(line)
        print()
        for line in dart(Path(folder)):
            print(line)
        print()
        for line in true_ions(compounds):
            print(line)
        print()
        for line in times([library]):
            print(line)


# --- LC-MS/MS ---------------------------------------------------------------------------------------------


def liquid_data(folder: Path) -> tuple[list[Compound], list[Compound], Release]:
    """Compounds of the query laboratories that another one measured, those none did, and the library."""
    path = DATA / "esi_msms" / "massbank_esi_open.msp"
    records = [one for one in read_msp(path) if isinstance(one, Record)]
    own = [one for one in records if laboratory(one) in QUERY_LABORATORIES]
    others = [one for one in records if laboratory(one) not in QUERY_LABORATORIES]
    report = build_release(others, folder, name="others", source="MassBank", licence="per record")
    held = {one.inchikey[:14] for one in others if one.adduct == "[M+H]+" and "QQ" not in one.instrument}
    grouped: dict[str, list[Record]] = defaultdict(list)
    for one in own:
        if one.adduct == "[M+H]+" and one.energy_ev and one.formula and one.inchikey:
            grouped[one.inchikey[:14]].append(one)
    made = [compound(key, some) for key, some in sorted(grouped.items())]
    compounds = [one for one in made if one is not None]
    known = [one for one in compounds if one.key in held]
    every = {one.inchikey[:14] for one in others}
    return known, [one for one in compounds if one.key not in every], open_release(report.directory)


def laboratory(record: Record) -> str:
    parts = record.source_id.split("-")
    return parts[1] if len(parts) > 2 else ""


def compound(key: str, records: Sequence[Record]) -> Compound | None:
    products = {
        float(one.energy_ev): spectrum_from_peaks(one.mz, one.intensity)
        for one in records
        if one.energy_ev and len(one.mz) > 1
    }
    if not products:
        return None
    return Compound(key, records[0].name, records[0].formula, products)


def analyte(one: Compound, rt_s: float, height: float) -> SimulatedAnalyte:
    """With its isotopes and, weakly, its sodium adduct."""
    share = pattern(one.formula)
    sodium = ion_mz(one.formula, "[M+Na]+")
    mz = [one.mz, one.mz + NEUTRON, one.mz + 2 * NEUTRON - 0.003, sodium]
    ions = spectrum_from_peaks(mz, [*share, 0.08])
    return SimulatedAnalyte(ions, one.products, rt_s, height)


def mixtures(compounds: Sequence[Compound], releases: Sequence[Release], runs: int, drugs: int) -> Tally:
    """Runs of different drugs at random times and heights over a factor of 100; every third pair isobaric."""
    tally, rng = Tally(), np.random.default_rng(drugs)
    for _ in range(runs):
        chosen = [compounds[k] for k in rng.permutation(len(compounds))[:drugs]]
        for k in range(0, drugs - 1, 6):
            near = [c for c in compounds if 0 < abs(c.mz - chosen[k].mz) < 0.5 and c not in chosen] or chosen[
                k + 1 : k + 2
            ]
            chosen[k + 1] = near[int(rng.integers(len(near)))]
        times_s = rng.uniform(20, 220, len(chosen))
        heights = 10 ** rng.uniform(5.3, 7.3, len(chosen))
        made = [analyte(c, t, h) for c, t, h in zip(chosen, times_s.tolist(), heights.tolist(), strict=True)]
        run = simulate_liquid_run(made, rng=rng)
        answer = identify(run, releases, source=SOURCE)
        count(tally, answer, {(c.key, t) for c, t in zip(chosen, times_s.tolist(), strict=True)})
    return tally


def pairs(
    compounds: Sequence[Compound], releases: Sequence[Release], runs: int, part: float
) -> tuple[Tally, Tally]:
    """Two drugs that leave together and are isolated together, of different mass."""
    major, minor, rng = Tally(), Tally(), np.random.default_rng(round(100 * part))
    couples = [
        (a, b) for a in compounds for b in compounds if a.key != b.key and 0.03 < abs(a.mz - b.mz) < 0.45
    ]
    for k in rng.permutation(len(couples))[:runs].tolist():
        first, second = couples[k]
        made = [analyte(first, 100.0, 4e6), analyte(second, 100.5, 4e6 * part)]
        answer = identify(simulate_liquid_run(made, rng=rng, duration_s=160.0), releases, source=SOURCE)
        both = {(first.key, 100.0), (second.key, 100.5)}
        count(major, answer, {(first.key, 100.0)}, allowed=both)
        count(minor, answer, {(second.key, 100.5)}, allowed=both)
    return major, minor


def absent(releases: Sequence[Release], runs: int) -> Iterable[str]:
    """Runs without a drug: how many components are named."""
    rng, named = np.random.default_rng(1), 0
    for _ in range(runs):
        answer = identify(simulate_liquid_run([], rng=rng, duration_s=120.0), releases, source=SOURCE)
        named += sum(one.decision in NAMED for one in answer.components)
    yield f"\n{runs} runs without a drug: {named} components named."


def count(
    tally: Tally,
    answer: Identification,
    truth: set[tuple[str, float]],
    allowed: set[tuple[str, float]] | None = None,
) -> None:
    named = [one for one in answer.components if one.decision in NAMED]
    tally.there += len(truth)
    tally.found += sum(any(holds(one, key, rt) for one in named) for key, rt in truth)
    tally.named += len(named)
    for one in named:
        right = any(holds(one, key, rt) for key, rt in allowed or truth)
        single = one.decision is Decision.IDENTIFIED
        tally.false += not right
        tally.alone += single
        tally.wrong += single and not right


def holds(one: Component, key: str, rt_s: float) -> bool:
    """Whether the compound is in the group that the component is said to be."""
    there = one.rt_min is None or abs(60 * one.rt_min - rt_s) <= NEAR_S
    return there and any(each.startswith(key) for each in one.candidates[0].isomer_group_inchikeys)


# --- DART -------------------------------------------------------------------------------------------------


def dart(folder: Path) -> Iterable[str]:
    """Mixtures of the first replicates at three voltages."""
    path = DATA / "dart_ms" / "dart_isCID_reference.msp"
    records = [one for one in read_msp(path) if isinstance(one, Record)]
    kept = [one for one in records if replicate(one) != "1"]
    library = open_release(build_release(kept, folder, name="dart", source="NIST", licence="NIST").directory)
    samples: dict[str, dict[float, MassSpectrum]] = defaultdict(dict)
    for one in records:
        if replicate(one) == "1" and one.energy_ev is not None:
            samples[one.name.casefold()][one.energy_ev] = spectrum_from_peaks(one.mz, one.intensity)
    yield "| DART mixtures, 30/60/90 V | components there | recall | precision |\n|---|---|---|---|"
    rng, names = np.random.default_rng(5), sorted(samples)
    for parts in ((1, 0.5), (1, 0.1), (1, 0.5, 0.2), (1, 0.5, 0.2, 0.1)):
        there = found = said = right = 0
        for _ in range(40):
            chosen = [names[k] for k in rng.permutation(len(names))[: len(parts)]]
            mixed = mixture([samples[name] for name in chosen], parts, rng)
            groups = [
                {each.name.casefold() for each in hit.group}
                for hit in explain_mixture([library], mixed).hits
                if hit.needed > 0 and not hit.mass_only
            ]
            there, said = there + len(chosen), said + len(groups)
            found += sum(any(name in group for group in groups) for name in chosen)
            right += sum(bool(group & set(chosen)) for group in groups)
        title = " : ".join(f"{part:g}" for part in parts)
        yield f"| {title} | {there} | {found / there:.3f} | {right / max(said, 1):.3f} |"


def replicate(one: Record) -> str:
    found = re.search(r"replicate (\d)", one.comments)
    return found[1] if found else ""


def mixture(
    samples: Sequence[dict[float, MassSpectrum]], parts: Sequence[float], rng: np.random.Generator
) -> dict[float, MassSpectrum]:
    """Spectra of equal sum added with 5 % scatter of intensities and 0.5 mTh of masses."""
    levels = {}
    for volt in VOLTS:
        mz = np.concatenate([one[volt].mz for one in samples])
        scaled = [
            p * one[volt].intensity / one[volt].intensity.sum() for p, one in zip(parts, samples, strict=True)
        ]
        shown = np.concatenate(scaled) * rng.lognormal(0, 0.05, len(mz))
        levels[volt] = spectrum_from_peaks(mz + rng.normal(0, 0.0005, len(mz)), shown)
    return levels


# --- time and peers ---------------------------------------------------------------------------------------


def true_ions(compounds: Sequence[Compound]) -> Iterable[str]:
    """Whole ions of five runs of 20 drugs, found by us and by pyOpenMS, and what else is listed."""
    yield "| features in 5 simulated runs of 20 drugs | whole ions found | further features |\n|---|---|---|"
    rng = np.random.default_rng(4)
    counts = {"xbt": [0, 0, 0], "pyOpenMS": [0, 0, 0]}
    for _ in range(5):
        chosen = [compounds[k] for k in rng.permutation(len(compounds))[:20]]
        when, height = rng.uniform(20, 220, 20).tolist(), (10 ** rng.uniform(5, 7.3, 20)).tolist()
        made = [analyte(c, t, h) for c, t, h in zip(chosen, when, height, strict=True)]
        scans = simulate_liquid_run(made, rng=rng).scans.level(1)
        truth = [(c.mz, t) for c, t in zip(chosen, when, strict=True)]
        ours = [(one.mz, one.rt_s) for one in find_features(scans).ions]
        theirs = [(mz, rt) for mz, rt, _ in peer_features(scans)]
        for name, found in (("xbt", ours), ("pyOpenMS", theirs)):
            hits = [
                any(abs(mz - own) < 8e-6 * mz and abs(rt - place) < 4 for own, place in found)
                for mz, rt in truth
            ]
            counts[name][0] += sum(hits)
            counts[name][1] += len(truth)
            counts[name][2] += len(found) - sum(hits)
    for name, (hit, there, more) in counts.items():
        yield f"| {name} | {hit} of {there} | {more} |"


FILES = ("mzxml/DOM_b.mzXML", "thermo-raw/ginkgotoxin-ms-switching.raw", "thermo-raw/MS_ESI.RAW")


def times(releases: Sequence[Release]) -> Iterable[str]:
    """Processor seconds, the least of three: reading, features beside pyOpenMS, the whole answer."""
    yield (
        "| file | reader, s | features, s | features found | pyOpenMS, s | found | answer, s |\n"
        + "|---" * 7
        + "|"
    )
    for name in FILES:
        path = DATA / "raw" / name
        run = read(path)
        scans = run.scans.level(1)
        mine, theirs = least(lambda s=scans: find_features(s)), least(lambda s=scans: peer_features(s))
        row = [
            f"{least(lambda p=path: read(p))[0]:.2f}",
            f"{mine[0]:.2f}",
            str(len(mine[1].ions)),
            f"{theirs[0]:.2f}",
            str(len(theirs[1])),
            f"{least(lambda r=run: identify(r, releases, source=SOURCE))[0]:.2f}",
        ]
        yield f"| {path.name} | " + " | ".join(row) + " |"


def least(act, times: int = 3):  # type: ignore[no-untyped-def]
    took, answer = np.inf, None
    for _ in range(times):
        began = time.process_time()
        answer = act()
        took = min(took, time.process_time() - began)
    return took, answer


def peer_features(scans: ScanTable) -> list[tuple[float, float, float]]:
    """(m/z, s, area) of the features that pyOpenMS finds: traces within 5 ppm, elution peaks, isotopes."""
    import pyopenms

    experiment = pyopenms.MSExperiment()
    for k in range(len(scans)):
        spectrum = pyopenms.MSSpectrum()
        piece = slice(int(scans.offset[k]), int(scans.offset[k + 1]))
        spectrum.set_peaks((scans.mz[piece].copy(), scans.intensity[piece].astype(np.float32)))
        spectrum.setRT(float(scans.rt_s[k]))
        spectrum.setMSLevel(1)
        experiment.addSpectrum(spectrum)
    detection = pyopenms.MassTraceDetection()
    settings = detection.getDefaults()
    settings.setValue("mass_error_ppm", 5.0)
    settings.setValue("noise_threshold_int", float(3 * np.quantile(scans.intensity, 0.25)))
    detection.setParameters(settings)
    split = pyopenms.ElutionPeakDetection().detectPeaks(detection.run(experiment))
    features = pyopenms.FeatureMap()
    pyopenms.FeatureFindingMetabo().run(split, features)
    return [(one.getMZ(), one.getRT(), one.getIntensity()) for one in features]


if __name__ == "__main__":
    main(sys.argv[1:])
