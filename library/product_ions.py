"""How sure the best candidate of a product-ion spectrum is, and what an unknown is a relative of.

What can be measured of a query and its best candidates are the numbers that probability is made of.
Promises: every feature is finite, for a query with a precursor and at least one hit of identity search.
Refuses nothing: without a second candidate, a lead is the lead over nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from library.confidence import Chances, calibration, chances
from library.families import FamilyHint, Likeness, hint
from library.formula import BadFormula, parse_formula
from library.record import SpectrumKind
from library.release import Release, key_of
from library.search.msms import FULL_SCALE, Hit, Mode, Query, cleaned, elsewhere, search
from library.statement import THRESHOLDS
from spectra.model import Floats, MassSpectrum
from spectra.similarity.accurate import FRAGMENT_TOLERANCE, inside, steps, windows
from spectra.similarity.entropy import entropy_similarity, spectral_entropy

COMPARED = 10  # candidates looked at, the best one included
HINT_IONS = 5
ACCURATE = 0.005  # Th: two precursors of 5 ppm at m/z 500

ATOMS = {
    "carbon": ("C",),
    "nitrogen": ("N",),
    "oxygen": ("O",),
    "sulfur": ("S", "P"),
    "halogens": ("F", "Cl", "Br", "I"),
}

FEATURES = (
    "score",  # weighted spectral-entropy similarity with the best spectrum of the best compound, 0..1
    "consensus",  # similarity with all its spectra merged
    "lead",  # score + support over the second compound's
    "lead_third",
    "consensus_lead",  # over the best other compound's
    "lead_elsewhere",  # score over that of the best spectrum of another precursor
    "cosine",  # weights m/z·√I
    "cosine_lead",
    "nearness",  # distance to the reference over the reference's distance to its nearest rival
    "explained",  # share of the query's intensity on ions of the reference
    "matched",  # log of 1 + ions in common
    "ions",  # log of 1 + ions of the query
    "entropy",  # of the query, nats
    "precursor",  # log of m/z: heavy ions have many isomers
    "group",  # log of the number of compounds the spectrum does not tell apart
    "isomers",  # log of 1 + the number of compounds of the best one's formula that the libraries hold
    "carbon",  # atoms in the formula of the best one: some kinds leave more isomers than others
    "nitrogen",
    "oxygen",
    "sulfur",  # and phosphorus
    "halogens",
)


def evidence(query: Query, hits: Sequence[Hit], group: int, isomers: int, other: float) -> Floats:
    """(len(FEATURES),) float64: what speaks for and against the best of ``hits``.

    Parameters
    ----------
    query : as asked, with its precursor.
    hits : of identity search, best first, at least one; `COMPARED` of them are looked at.
    group : how many of them the spectrum does not tell apart (`library.search.msms.indistinguishable`).
    isomers : compounds of the best one's formula that the libraries hold (`isomers_held`).
    other : 0..1000, the best score of another precursor (`library.search.msms.elsewhere`).
    """
    hits, best = hits[:COMPARED], hits[0]
    own = cleaned(query).spectrum
    others = [cleaned(Query(hit.reference.spectrum, hit.reference.precursor_mz)).spectrum for hit in hits]
    likeness = np.array([entropy_similarity(others[0], other) for other in others[1:]])
    score = np.array([hit.score for hit in hits]) / FULL_SCALE
    ranked = score + np.array([hit.support for hit in hits]) / FULL_SCALE
    cosine = np.array([hit.cosine for hit in hits])
    consensus = np.array([hit.consensus for hit in hits]) / FULL_SCALE
    values = {
        "score": score[0],
        "consensus": consensus[0],
        "lead": _lead(ranked),
        "lead_third": ranked[0] - (ranked[2] if len(ranked) > 2 else 0.0),
        "consensus_lead": _lead(consensus),
        "lead_elsewhere": score[0] - other / FULL_SCALE,
        "cosine": cosine[0],
        "cosine_lead": _lead(cosine),
        "nearness": (1.0 - score[0]) / (1.01 - likeness.max(initial=0.0)),
        "explained": _explained(own, others[0]),
        "matched": np.log1p(best.matched_ions),
        "ions": np.log1p(len(own)),
        "entropy": spectral_entropy(own.intensity),
        "precursor": np.log(query.precursor_mz or 1.0),
        "group": np.log(group),
        "isomers": np.log1p(isomers),
        **_atoms(best.reference.formula),
    }
    return np.array([values[name] for name in FEATURES], np.float64)


def chances_of(
    query: Query, hits: Sequence[Hit], releases: Sequence[Release], group: int, unknowns: float
) -> Chances | None:
    """How sure the best of ``hits`` is, as for `evidence`; None without a hit or without a precursor.

    Parameters
    ----------
    unknowns : 0..1, share of what is asked that no library holds.
    """
    if not hits or query.precursor_mz is None:
        return None
    isomers = isomers_held(releases, hits[0].reference.formula)
    values = evidence(query, hits, group, isomers, elsewhere(releases, query))
    return chances(calibration("msms"), values, unknowns=unknowns)


def relatives(releases: Sequence[Release], query: Query) -> FamilyHint | None:
    """The family of what shares fragments or neutral losses with an unknown; an accurate mass reads the rest.

    Of analogues with `HINT_IONS` ions in common, at their own or a shifted place.
    """
    rule = THRESHOLDS[SpectrumKind.MSMS]
    mode = Mode.OPEN if query.precursor_mz is None else Mode.HYBRID
    (near,) = search(releases, [query], mode=mode, top=COMPARED)
    likenesses = [
        Likeness(hit.reference, hit.score, hit.precursor_difference)
        for hit in near
        if hit.matched_ions + hit.shifted_ions >= HINT_IONS
    ]
    return hint(likenesses, least_score=rule.hint_score, least_share=rule.hint_share, within=ACCURATE)


def isomers_held(releases: Sequence[Release], formula: str) -> int:
    """How many compounds of this formula the releases hold product ions of; 0 where it is not known."""
    if not formula:
        return 0
    key, held = key_of(formula), [(release, release.rows(SpectrumKind.MSMS)) for release in releases]
    same = [release.compound_key[rows[release.formula_key[rows] == key]] for release, rows in held]
    return len(np.unique(np.concatenate(same))) if same else 0


def _atoms(formula: str) -> dict[str, float]:
    """Atoms by kind; none of a formula that is missing or not understood."""
    try:
        counts = dict(parse_formula(formula.strip("[]+-")))
    except BadFormula:
        counts = {}
    return {name: float(sum(counts.get(one, 0) for one in kinds)) for name, kinds in ATOMS.items()}


def _lead(values: Floats) -> float:
    return float(values[0] - values[1:].max(initial=0.0))


def _explained(query: MassSpectrum, reference: MassSpectrum) -> float:
    """Share of the query's intensity that is on ions of the reference, 0..1; 0 of an empty one."""
    own, total = steps(query.mz), float(query.intensity.sum())
    _, match = inside(windows(own, FRAGMENT_TOLERANCE.around(own)), steps(reference.mz))
    return min(float(query.intensity[match].sum()) / total, 1.0) if total else 0.0
