"""What an LC-MS run contains: features gathered to molecules, product ions searched, masses read.

Promises: a substance is named only by its product ions and an isotope pattern that does not speak against it;
an accurate mass alone gives candidates marked ``mass_only`` and never a name; isomers of one family whose
product ions nobody has measured stand in the group of what was found. Refuses to compare masses of unit
resolution with accurate references, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from library.answer import Candidate, Component, Decision, Peaks
from library.contents import Contents, confidence_of, family_of_hint, parameters_of, peaks_of
from library.families import FamilyHint
from library.formula import BadFormula
from library.ions import Molecule, molecules, with_fragments
from library.isotopes import fits
from library.product_ions import chances_of, relatives
from library.record import SpectrumKind
from library.release import Release
from library.search.chimeric import unmixed
from library.search.msms import Hit, Query, indistinguishable, search
from library.starter import WholeIon, by_precursor
from library.statement import THRESHOLDS, Evidence, decide
from library.substances import load_substances
from spectra.chromatography.features import Feature, Features, Points, find_features
from spectra.chromatography.tandem import Products, attach, together
from spectra.model import Floats, MassSpectrum, Run, ScanTable, Technique
from spectra.similarity.accurate import Tolerance, ToleranceUnit
from spectra.similarity.cleaning import clean_spectrum

RULE = THRESHOLDS[SpectrumKind.MSMS]
# Where isotopes agree with the formula they are evidence of their own, and the product ions may agree less:
# of 64 drugs that the library lacks, none more was named at 600 than at 750 (tests/benchmarks/bench_lcms.py).
WITH_ISOTOPES = replace(RULE, least_score=600.0)
SHOWN = 5  # candidates per component
LEAST_SHOWN = 300.0  # of 1000: a candidate worth showing
MOST_FEATURES = 600  # the strongest; what is weaker counts as signal only
MOST_LISTED = 1000  # spectra of a list without time axis: an answer is no library
MOST_UNKNOWN = 30  # components without candidate and product ions that are listed, and at least
LEAST_UNKNOWN = 0.005  # of the signal
CERTAIN_ISOTOPES = 30.0  # times the weakest feature: then M + 1 of a small molecule is seen
FLAT = 0.5  # of the scans above half height within 3 % of the apex: a detector at its limit
SMALLEST_PPM = 5.0
NEAR_S = 30.0  # of an apex: scans of another ion that still show this one


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """A molecule and its product-ion spectra."""

    molecule: Molecule | None
    feature: Feature | None
    area: float
    products: tuple[Products, ...]
    polarity: int


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A spectrum searched for a molecule, what was found, and which precursors were taken out of it."""

    query: Query
    products: Products
    co_isolated: tuple[float, ...]
    hits: list[Hit]


def applies(run: Run) -> bool:
    """Whether the run is of whole ions, in time or as a list of product-ion spectra."""
    scans, technique = run.scans, run.metadata.technique
    if not len(scans) or technique is Technique.GC_MS:
        return False
    if not scans.has_time:
        return bool((scans.ms_level > 1).all())
    return technique is Technique.LC_MS or not bool(np.isnan(scans.precursor_mz).all())


def contents(run: Run, releases: Sequence[Release], tell: Callable[[float, str], None]) -> Contents:
    """What the run contains, each polarity for itself."""
    warnings: list[str] = []
    parts: list[tuple[_Measured, ...]] = []
    signal = 0.0
    for polarity in np.unique(run.scans.polarity).tolist():
        scans = _of(run.scans, run.scans.polarity == polarity)
        measured, area, notes = _measure(scans, polarity)
        parts.append(measured)
        signal += area
        warnings += notes
    everything = [one for part in parts for one in part]
    tell(0.4, "search")
    asked = _search(releases, everything)
    tell(0.8, "group")
    rows = [_component(one, found, releases, signal) for one, found in zip(everything, asked, strict=True)]
    listed, left_out = _listed(rows)
    if left_out:
        share = sum(one.area_share for one in left_out)
        warnings.append(
            f"{len(left_out)} further ions ({share:.1%} of the signal) resemble nothing; they are not listed"
        )
    named = [one for one in rows if one.decision in (Decision.IDENTIFIED, Decision.GROUP)]
    warnings += _doubts(run, releases, everything, named)
    return Contents(
        listed,
        min(1.0, sum(one.area_share for one in named)),
        tuple(dict.fromkeys(warnings)),
        parameters_of(RULE, LEAST_SHOWN),
    )


def _of(scans: ScanTable, keep: np.ndarray) -> ScanTable:
    """Some of the scans."""
    if bool(keep.all()):
        return scans
    counts = np.diff(scans.offset)
    points, rows = np.repeat(keep, counts), np.flatnonzero(keep)
    offset = np.concatenate(([0], np.cumsum(counts[rows])))
    return ScanTable(
        scans.rt_s[rows],
        offset,
        scans.mz[points],
        scans.intensity[points],
        scans.ms_level[rows],
        scans.precursor_mz[rows],
        scans.polarity[rows],
        scans.collision_ev[rows],
    )


# --- what was measured ------------------------------------------------------------------------------------


def _measure(scans: ScanTable, polarity: int) -> tuple[tuple[_Measured, ...], float, list[str]]:
    """Molecules with their product ions, the signal in counts·s, and what is odd about the run."""
    if not scans.has_time:
        return tuple(_untimed(scans, polarity)), 1.0, _of_list(scans)
    gentle, hard = _energies(scans)
    features = find_features(gentle) if len(gentle) else Features((), 0.0, SMALLEST_PPM, True)
    if not features.accurate:
        return tuple(_plain(features, polarity)), features.signal, [UNIT_RESOLUTION]
    ions, ppm = features.ions[:MOST_FEATURES], features.tolerance_ppm
    attached = attach(scans.level(2), ions, ppm)
    of = {k: tuple(found) for k, found in attached.of.items()}
    if len(hard):
        of |= _all_ion(gentle, hard, ions, ppm, of)
    strongest = {k: max(found, key=lambda one: one.spectrum.intensity.sum()) for k, found in of.items()}
    gathered = molecules(ions, polarity, ppm)
    gathered = with_fragments(gathered, ions, {k: one.spectrum for k, one in strongest.items()}, ppm)
    measured = [_measured(one, ions, of, polarity) for one in gathered]
    measured += [_Measured(None, None, 0.0, tuple(own), polarity) for own in attached.alone]
    return tuple(measured), features.signal, _notes(gentle, features)


def _measured(
    one: Molecule, ions: Sequence[Feature], of: dict[int, tuple[Products, ...]], polarity: int
) -> _Measured:
    products = next((of[k] for k in one.ions if k in of), ())
    area = sum(ions[k].area for k in one.ions)
    return _Measured(one, ions[one.ions[0]], area, products, polarity)


def _plain(features: Features, polarity: int) -> list[_Measured]:
    return [
        _Measured(Molecule(one.mz, (k,), ("",)), one, one.area, (), polarity)
        for k, one in enumerate(features.ions[:MOST_UNKNOWN])
    ]


def _untimed(scans: ScanTable, polarity: int) -> list[_Measured]:
    """Each spectrum of a list as a molecule of its own; all count the same."""
    nan = float("nan")
    found = []
    for scan in range(min(len(scans), MOST_LISTED)):
        spectrum, mz = scans.spectrum(scan), float(scans.precursor_mz[scan])
        if len(spectrum):
            energy = float(scans.collision_ev[scan])
            products = Products(mz, nan, energy, spectrum, 1, (), (1.0,))
            found.append(_Measured(None, None, 1.0 / len(scans), (products,), polarity))
    return found


def _of_list(scans: ScanTable) -> list[str]:
    if len(scans) <= MOST_LISTED:
        return []
    return [
        f"of {len(scans)} spectra the first {MOST_LISTED} were compared; `xbt library search` takes them all"
    ]


def _energies(scans: ScanTable) -> tuple[ScanTable, ScanTable]:
    """Full scans of low energy, and all-ion scans: those of higher energy without an isolated precursor."""
    full = np.isnan(scans.precursor_mz)
    energy = np.where(np.isnan(scans.collision_ev), 0.0, scans.collision_ev)
    lowest = energy[full & (scans.ms_level == 1)].min(initial=np.inf)
    gentle = full & (scans.ms_level == 1) & (energy <= lowest)
    return _of(scans, gentle), _of(scans, full & ~gentle)


def _all_ion(
    gentle: ScanTable,
    hard: ScanTable,
    ions: Sequence[Feature],
    ppm: float,
    known: dict[int, tuple[Products, ...]],
) -> dict[int, tuple[Products, ...]]:
    """Product ions that go with features that have none of their own."""
    low, found = Points(gentle), dict[int, tuple[Products, ...]]()
    scans = np.arange(len(gentle))
    levels = [(one, Points(_of(hard, _energy_of(hard) == one))) for one in np.unique(_energy_of(hard))]
    for k, ion in enumerate(ions):
        if k in known:
            continue
        reach = ion.mz * ppm * 1e-6
        profile = low.between(scans, np.full(len(scans), ion.mz - reach), np.full(len(scans), ion.mz + reach))
        own = [together(high, ion, profile, gentle.rt_s, ppm, float(energy)) for energy, high in levels]
        found[k] = tuple(one for one in own if one is not None)
    return {k: own for k, own in found.items() if own}


def _energy_of(scans: ScanTable) -> Floats:
    return np.where(np.isnan(scans.collision_ev), 0.0, scans.collision_ev)


UNIT_RESOLUTION = (
    "the masses are of unit resolution: they tell no formula, and cannot be compared with accurate references"
)


def _notes(gentle: ScanTable, features: Features) -> list[str]:
    if not len(gentle):
        return ["there is no full scan: amounts and isotopes are not known"]
    if not features.ions:
        return ["no ion rises and falls: a blank, or nothing reached the instrument"]
    flat = [one for one in features.ions[:5] if _flat(gentle, one)]
    if flat:
        masses = ", ".join(f"{one.mz:.4f}" for one in flat)
        return [f"overloaded: m/z {masses} stays at its highest value; its mass and isotopes may be wrong"]
    return []


def _flat(gentle: ScanTable, one: Feature) -> bool:
    """Whether a peak has no top."""
    scans = np.flatnonzero((gentle.rt_s >= one.rt_start_s) & (gentle.rt_s <= one.rt_end_s))
    reach = np.full(len(scans), one.mz * SMALLEST_PPM * 4e-6)
    seen = Points(gentle).between(scans, one.mz - reach, one.mz + reach)
    upper = seen[seen >= one.height / 2]
    return len(upper) >= 6 and float((upper >= 0.97 * upper.max()).mean()) >= FLAT


# --- what the libraries say -------------------------------------------------------------------------------


def _search(releases: Sequence[Release], measured: Sequence[_Measured]) -> list[_Asked | None]:
    """For each molecule the spectrum that finds most, and what it finds."""
    tolerance = Tolerance(10, ToleranceUnit.PPM)
    asked: list[tuple[int, Query, Products, tuple[float, ...]]] = []
    for number, one in enumerate(measured):
        for products in _with_all(one.products or _shared(one, measured)):
            spectrum = products.spectrum
            if products.others:
                everyone = [products.precursor_mz, *products.others]
                spectrum = unmixed(releases, spectrum, everyone, products.shares, one.polarity)[0]
            mz = None if np.isnan(products.precursor_mz) else products.precursor_mz
            asked.append((number, Query(spectrum, mz, one.polarity), products, products.others))
    known = [k for k, (_, query, _, _) in enumerate(asked) if query.precursor_mz is not None]
    hits: dict[int, list[Hit]] = dict(
        zip(
            known,
            search(releases, [asked[k][1] for k in known], precursor_tolerance=tolerance),
            strict=True,
        )
    )
    best: list[_Asked | None] = [None] * len(measured)
    for k, (number, query, products, others) in enumerate(asked):
        new, held = _Asked(query, products, others, hits.get(k, [])), best[number]
        if held is None or _worth(new) > _worth(held):
            best[number] = new
    return best


def _shared(one: _Measured, measured: Sequence[_Measured]) -> tuple[Products, ...]:
    """Spectra of another ion in whose isolation window this one was, as if they were its own."""
    if one.feature is None:
        return ()
    mz = one.feature.mz
    held = [each for other in measured for each in other.products if mz in each.others]
    return tuple(
        _turned(each, mz) for each in held if each.rt_s and abs(each.rt_s - one.feature.rt_s) < NEAR_S
    )


def _turned(products: Products, mz: float) -> Products:
    """The same spectrum as that of the co-isolated ion."""
    ions = (products.precursor_mz, *products.others)
    place = ions.index(mz)
    others = tuple(each for each in ions if each != mz)
    shares = (products.shares[place], *(s for k, s in enumerate(products.shares) if k != place))
    return replace(products, precursor_mz=mz, others=others, shares=shares)


def _worth(asked: _Asked) -> tuple[bool, float]:
    """Spectra on which something can be named come first."""
    if not asked.hits:
        return False, -1.0
    best = asked.hits[0]
    return best.score >= WITH_ISOTOPES.least_score and ions_of(best) >= RULE.least_ions, best.score


def ions_of(hit: Hit) -> int:
    """Product ions in common, and the isolated ion itself, whose mass agrees."""
    return hit.matched_ions + 1


def _with_all(products: Sequence[Products]) -> list[Products]:
    """Spectra of several energies, and their mean besides."""
    if len(products) < 2:
        return list(products)
    mz = np.concatenate([one.spectrum.mz for one in products])
    shares = [one.spectrum.intensity / (one.spectrum.intensity.sum() or 1.0) for one in products]
    mean = clean_spectrum(mz, np.concatenate(shares), products[0].precursor_mz, floor=0.0)
    return [*products, replace(products[0], spectrum=mean, collision_ev=float("nan"))]


def _component(one: _Measured, asked: _Asked | None, releases: Sequence[Release], signal: float) -> Component:
    """A component, its number still 0."""
    hits = [hit for hit in asked.hits if hit.score >= LEAST_SHOWN] if asked else []
    seen = _seen(one)
    if hits and asked:
        group = _group(hits)
        candidates = [
            _candidate(rank, hit, group if rank == 1 else group[:0], seen)
            for rank, hit in enumerate(hits[:SHOWN], start=1)
        ]
        fit = candidates[0].isotopes_fit
        sure = chances_of(asked.query, hits, releases, len(indistinguishable(hits)), RULE.unknowns)
        found = Evidence(hits[0].score, ions_of(hits[0]), len(group), sure, family=False)
        decision = Decision.UNKNOWN if fit is False else decide(found, WITH_ISOTOPES if fit else RULE)
        family = _hint(one, asked, releases, signal) if decision is Decision.UNKNOWN else None
        if family and fit is not False:
            decision = Decision.FAMILY
        row = _row(one, asked, signal, decision, candidates, family, "msms")
        return msgspec.structs.replace(row, confidence=confidence_of(sure))
    family = _hint(one, asked, releases, signal) if asked else None
    candidates = _by_mass(one, seen)
    decision = Decision.UNKNOWN if family is None else Decision.FAMILY
    compared = "msms" if asked and not candidates else "mass"
    return _row(one, asked, signal, decision, candidates, family, compared)


def _hint(one: _Measured, asked: _Asked, releases: Sequence[Release], signal: float) -> FamilyHint | None:
    """What it may be a relative of; asked for what a run shows clearly, and for spectra of a short list."""
    return relatives(releases, asked.query) if one.area >= LEAST_UNKNOWN * signal else None


def _seen(one: _Measured) -> Floats | None:
    """The isotope pattern, where it can be believed."""
    feature = one.feature
    if feature is None or feature.charge != 1 or feature.isotopes[1] <= 0:
        return None
    return feature.isotopes


def _fit(formula: str, seen: Floats | None) -> bool | None:
    try:
        return None if seen is None or not formula else fits(formula, seen)
    except BadFormula:
        return None


def _group(hits: Sequence[Hit]) -> list[tuple[str, str]]:
    """Name and InChIKey of what product ions do not tell apart, best first.

    Isomers of the best one's family that no library searched holds stand last: nothing speaks against them.
    """
    group = [(hit.reference.name, hit.reference.inchikey) for hit in indistinguishable(hits)]
    held = {hit.reference.inchikey[:14] for hit in hits}
    best = load_substances().by_key(hits[0].reference.parent) if hits[0].reference.parent else None
    return group + [
        (one.name_en, one.inchikey)
        for one in load_substances()
        if best and (one.formula, one.family) == (best.formula, best.family) and one.inchikey[:14] not in held
    ]


def _candidate(rank: int, hit: Hit, group: Sequence[tuple[str, str]], seen: Floats | None) -> Candidate:
    group = group or [(hit.reference.name, hit.reference.inchikey)]
    return Candidate(
        rank=rank,
        name=hit.reference.name,
        inchikey=hit.reference.inchikey,
        formula=hit.reference.formula,
        match_factor=round(hit.score, 1),
        reverse_match_factor=round(hit.consensus, 1),
        matched_ions=hit.matched_ions,
        isomer_group=[name for name, _ in group],
        isomer_group_inchikeys=[key for _, key in group],
        library=hit.reference.library,
        reference=hit.reference.number,
        spectrum=peaks_of(hit.reference.spectrum),
        partial=hit.reference.partial,
        adduct=hit.reference.adduct,
        precursor_error_ppm=None if hit.precursor_error_ppm is None else round(hit.precursor_error_ppm, 2),
        energies=list(hit.energies),
        isotopes_fit=_fit(hit.reference.formula, seen),
    )


def _by_mass(one: _Measured, seen: Floats | None) -> list[Candidate]:
    """Starter substances of that mass; a single ion counts as protonated (deprotonated) only."""
    if one.feature is None or one.molecule is None or not one.molecule.adducts[0]:
        return []
    polarity = one.polarity or 1
    own = one.molecule.adducts[0]
    ions = [ion for ion in by_precursor(one.feature.mz, polarity) if ion.adduct == own]
    ions = [ion for ion in ions if _fit(ion.substance.formula, seen) is not False]
    names = [ion.substance.name_en for ion in ions]
    keys = [ion.substance.inchikey for ion in ions]
    return [_mass_candidate(rank, ion, names, keys, seen) for rank, ion in enumerate(ions[:SHOWN], start=1)]


def _mass_candidate(
    rank: int, ion: WholeIon, names: list[str], keys: list[str], seen: Floats | None
) -> Candidate:
    return Candidate(
        rank=rank,
        name=ion.substance.name_en,
        inchikey=ion.substance.inchikey,
        formula=ion.substance.formula,
        match_factor=0.0,
        reverse_match_factor=0.0,
        matched_ions=0,
        isomer_group=names,
        isomer_group_inchikeys=keys,
        library="starter",
        reference=-1,
        spectrum=Peaks([round(ion.mz, 4)], [100.0]),
        adduct=ion.adduct,
        precursor_error_ppm=round(ion.error_ppm, 2),
        mass_only=True,
        isotopes_fit=_fit(ion.substance.formula, seen),
    )


def _row(
    one: _Measured,
    asked: _Asked | None,
    signal: float,
    decision: Decision,
    candidates: list[Candidate],
    family: FamilyHint | None,
    compared: str,
) -> Component:
    feature = one.feature
    spectrum = asked.query.spectrum if asked else _isotopes(feature)
    times: list[float | None] = [None, None, None]
    if feature is not None:
        times = [t / 60 for t in (feature.rt_s, feature.rt_start_s, feature.rt_end_s)]
    elif asked and not np.isnan(asked.products.rt_s):
        times = [asked.products.rt_s / 60] * 3
    share = asked.products.shares[0] if asked else 1.0
    mz = feature.mz if feature else (asked.query.precursor_mz if asked else None)
    energies = sorted({p.collision_ev for p in one.products if not np.isnan(p.collision_ev)})
    return Component(
        number=0,
        rt_min=times[0],
        rt_start_min=times[1],
        rt_end_min=times[2],
        area=one.area,
        area_share=min(1.0, one.area / (signal or 1.0)),
        purity=max(0.0, min(1.0, share)),
        spectrum=peaks_of(spectrum),
        decision=decision,
        artefact="",
        candidates=candidates,
        family=family_of_hint(family),
        compared=compared,
        polarity=one.polarity,
        precursor_mz=None if mz is None else round(mz, 5),
        neutral_mass=round(one.molecule.mass, 5) if one.molecule and one.molecule.adducts[0] else None,
        adducts=list(one.molecule.adducts) if one.molecule else [],
        energies=energies,
        co_isolated=[round(each, 4) for each in asked.co_isolated] if asked else [],
    )


def _isotopes(feature: Feature | None) -> MassSpectrum:
    if feature is None:
        return MassSpectrum(np.empty(0), np.empty(0))
    step = 1.0033548 / feature.charge
    seen = feature.isotopes > 0
    mz: Floats = feature.mz + step * np.arange(3.0)
    return MassSpectrum(mz[seen], feature.isotopes[seen])


def _listed(rows: Sequence[Component]) -> tuple[tuple[Component, ...], list[Component]]:
    """Components worth a line, by time and numbered; and those that are not."""
    silent = sorted((one for one in rows if not _tells(one)), key=lambda one: -one.area_share)
    shown = [one for k, one in enumerate(silent) if k < MOST_UNKNOWN and one.area_share >= LEAST_UNKNOWN]
    kept = [one for one in rows if _tells(one)] + shown
    kept.sort(key=lambda one: (one.rt_min is not None, one.rt_min or 0.0))
    listed = tuple(_numbered(one, number) for number, one in enumerate(kept, start=1))
    chosen = set(map(id, shown))
    return listed, [one for one in silent if id(one) not in chosen]


def _numbered(one: Component, number: int) -> Component:
    return msgspec.structs.replace(one, number=number)


def _tells(one: Component) -> bool:
    return bool(one.candidates) or one.family is not None


def _doubts(
    run: Run, releases: Sequence[Release], measured: Sequence[_Measured], named: Sequence[Component]
) -> list[str]:
    doubts = []
    if not any(SpectrumKind.MSMS in release.kinds for release in releases):
        doubts.append("no library of product ions was searched")
    if measured and not any(one.products for one in measured):
        doubts.append(
            "there are no product-ion scans: masses alone name nothing, candidates are of that mass"
        )
    for polarity in np.unique(run.scans.polarity).tolist():
        if polarity and not named and not _references(releases, polarity):
            sign = "negative" if polarity < 0 else "positive"
            doubts.append(f"the run is of {sign} ions; the libraries hold no product ions of that polarity")
    return doubts


def _references(releases: Sequence[Release], polarity: int) -> int:
    """How many product-ion references may be of that polarity."""
    return sum(
        int((np.asarray(release.peaks(SpectrumKind.MSMS).polarity) * polarity >= 0).sum())
        for release in releases
        if SpectrumKind.MSMS in release.kinds
    )
