"""What is said of each molecule of an LC-MS run: candidates, decision, and what stands beside them.

Promises: a name needs product ions, and an isotope pattern that does not speak against it; an accurate
mass alone gives candidates marked ``mass_only``; isomers of one family that nobody has measured stand in the
group.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from library.answer import Candidate, Component, Decision, Peaks
from library.contents import confidence_of, family_of_hint, peaks_of
from library.families import FamilyHint
from library.formula import BadFormula
from library.isotopes import fits
from library.liquid.matched import RULE, WITH_ISOTOPES, Asked, ions_of
from library.liquid.measured import MOST_UNKNOWN, Measured
from library.product_ions import chances_of, relatives
from library.release import Release
from library.search.msms import Hit, indistinguishable
from library.starter import WholeIon, by_precursor
from library.statement import Evidence, decide
from library.substances import load_substances
from spectra.chromatography.features import Feature
from spectra.model import Floats, MassSpectrum

SHOWN = 5  # candidates per component
LEAST_SHOWN = 300.0  # of 1000: a candidate worth showing
LEAST_UNKNOWN = 0.005  # of the signal


def component_of(one: Measured, asked: Asked | None, releases: Sequence[Release], signal: float) -> Component:
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


def _hint(one: Measured, asked: Asked, releases: Sequence[Release], signal: float) -> FamilyHint | None:
    """What it may be a relative of; asked for what a run shows clearly, and for spectra of a short list."""
    return relatives(releases, asked.query) if one.area >= LEAST_UNKNOWN * signal else None


def _seen(one: Measured) -> Floats | None:
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


def _by_mass(one: Measured, seen: Floats | None) -> list[Candidate]:
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
    one: Measured,
    asked: Asked | None,
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


def listed(rows: Sequence[Component]) -> tuple[tuple[Component, ...], list[Component]]:
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
