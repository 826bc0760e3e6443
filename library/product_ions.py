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
from library.record import SpectrumKind
from library.release import Release, key_of
from library.search.msms import FULL_SCALE, Hit, Mode, Query, cleaned, search
from library.statement import THRESHOLDS
from spectra.model import Floats, MassSpectrum
from spectra.similarity.accurate import FRAGMENT_TOLERANCE, inside, steps, windows
from spectra.similarity.entropy import entropy_similarity, spectral_entropy

COMPARED = 10  # candidates looked at, the best one included
WIDEST = 10.0  # ppm: as far as precursors may lie apart
HINT_IONS = 5
ACCURATE = 0.005  # Th: two precursors of 5 ppm at m/z 500

FEATURES = (
    "score",  # weighted spectral-entropy similarity with the best spectrum of the best compound, 0..1
    "support",  # what further spectra of it add (`library.search.msms.Hit`)
    "consensus",  # similarity with all its spectra merged
    "lead",  # score + support over the second compound's
    "lead_third",
    "consensus_lead",  # over the best other compound's
    "cosine",  # weights m/z·√I
    "cosine_lead",
    "nearness",  # distance to the reference over the reference's distance to its nearest rival
    "separation",  # lead over the distance between the first two references
    "explained",  # share of the query's intensity on ions of the reference
    "told",  # share of the reference's intensity on ions of the query
    "matched",  # log of 1 + ions in common
    "ions",  # log of 1 + ions of the query
    "entropy",  # of the query, nats
    "entropy_difference",  # |query − reference|, nats: another energy
    "precursor_error",  # |ppm|
    "precursor",  # log of m/z: heavy ions have many isomers
    "spectra",  # log of the number of spectra compared
    "energies",  # log of 1 + collision energies among them
    "spectra_share",  # share of all compared spectra that are the best compound's
    "competitors",  # log of the number of compounds within the precursor's tolerance, at most `COMPARED`
    "group",  # log of the number of compounds the spectrum does not tell apart
    "isomers",  # log of 1 + the number of compounds of the best one's formula that the libraries hold
)


def evidence(query: Query, hits: Sequence[Hit], group: int, isomers: int) -> Floats:
    """(len(FEATURES),) float64: what speaks for and against the best of ``hits``.

    Parameters
    ----------
    query : as asked, with its precursor.
    hits : of identity search, best first, at least one; `COMPARED` of them are looked at.
    group : how many of them the spectrum does not tell apart (`library.search.msms.indistinguishable`).
    isomers : compounds of the best one's formula that the libraries hold (`isomers_held`).
    """
    hits, best = hits[:COMPARED], hits[0]
    own = cleaned(query).spectrum
    others = [cleaned(Query(hit.reference.spectrum, hit.reference.precursor_mz)).spectrum for hit in hits]
    likeness = np.array([entropy_similarity(others[0], other) for other in others[1:]])
    score = np.array([hit.score for hit in hits]) / FULL_SCALE
    ranked = score + np.array([hit.support for hit in hits]) / FULL_SCALE
    cosine = np.array([hit.cosine for hit in hits])
    consensus = np.array([hit.consensus for hit in hits]) / FULL_SCALE
    spectra = np.array([hit.spectra for hit in hits])
    explained, told = _shares(own, others[0])
    entropy, entropy_told = spectral_entropy(own.intensity), spectral_entropy(others[0].intensity)
    values = {
        "score": score[0],
        "support": best.support / FULL_SCALE,
        "consensus": consensus[0],
        "lead": _lead(ranked),
        "lead_third": ranked[0] - (ranked[2] if len(ranked) > 2 else 0.0),
        "consensus_lead": _lead(consensus),
        "cosine": cosine[0],
        "cosine_lead": _lead(cosine),
        "nearness": (1.0 - score[0]) / (1.01 - likeness.max(initial=0.0)),
        "separation": _lead(ranked) / (1.01 - (likeness[0] if len(likeness) else 0.0)),
        "explained": explained,
        "told": told,
        "matched": np.log1p(best.matched_ions),
        "ions": np.log1p(len(own)),
        "entropy": entropy,
        "entropy_difference": abs(entropy - entropy_told),
        "precursor_error": min(abs(best.precursor_error_ppm or 0.0), WIDEST),
        "precursor": np.log(query.precursor_mz or 1.0),
        "spectra": np.log(best.spectra),
        "energies": np.log1p(len(best.energies)),
        "spectra_share": spectra[0] / spectra.sum(),
        "competitors": np.log(len(hits)),
        "group": np.log(group),
        "isomers": np.log1p(isomers),
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
    values = evidence(query, hits, group, isomers_held(releases, hits[0].reference.formula))
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


def _lead(values: Floats) -> float:
    return float(values[0] - values[1:].max(initial=0.0))


def _shares(query: MassSpectrum, reference: MassSpectrum) -> tuple[float, float]:
    """Shares of the intensity of each that is on ions of the other, 0..1; 0 of an empty one."""
    own, other = steps(query.mz), steps(reference.mz)
    found, match = inside(windows(own, FRAGMENT_TOLERANCE.around(own)), other)
    shares = (query.intensity[match].sum(), reference.intensity[found].sum())
    totals = (query.intensity.sum(), reference.intensity.sum())
    explained, told = (
        min(float(part / whole), 1.0) if whole else 0.0 for part, whole in zip(shares, totals, strict=True)
    )
    return explained, told
