"""What can be measured of a query and its best candidates: the numbers a probability is made of.

Promises: every feature is finite, and computed in the mass range both spectra were scanned in; what a
reference that lists principal ions only does not tell counts neither for nor against it. Refuses nothing:
without a second candidate, a lead is the lead over nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from library.formula import BadFormula, nominal_mass
from library.prepare import connectivity
from library.release import Reference
from library.search.ei import Hit
from spectra.model import Floats
from spectra.similarity.mass import FULL_SCALE, UnitSpectrum, UnitTable, unit_table
from spectra.similarity.match_factor import match_factors, visible

COMPARED = 10  # candidates looked at, the best one included
SIGNIFICANT = 10  # of 999: an ion that is surely there
STRONG = 50  # of 999: an ion whose ratio can be compared
HEAVY = 0.6  # of the molecular mass: above it, ions tell substances of one family apart
ISOTOPES = 4  # Th above the molecular ion that isotopes reach

FEATURES = (
    "match",  # match factor / 1000
    "reverse_excess",  # (reverse match factor − match factor) / 1000: what the query has beside the reference
    "lead",  # match factor over the second compound's, / 1000
    "lead_outside",  # over the best compound outside the isomer group
    "separation",  # lead over the distance between the first two references
    "entropy_match",  # weighted spectral-entropy similarity, 0..1 (Li 2021, doi 10.1038/s41592-021-01331-z)
    "entropy_lead",
    "heavy_match",  # the same above HEAVY of the molecular mass
    "heavy_lead",
    "cosine",  # weights m^1.3·I^0.53 (Kim 2012, doi 10.1093/bioinformatics/bts083)
    "cosine_lead",
    "highest_ion",  # Th between the highest ions, at most 20
    "molecular_ion",  # log of 1 + the query's intensity at the candidate's molecular mass; −1: no formula
    "molecular_ion_excess",  # the same minus that of the reference
    "above_molecule",  # log of 1 + per mille of the query's intensity above the molecular ion; −1: no formula
    "formula_vote",  # share of the candidates, weighted by match, that have the best one's formula
    "spread",  # 80th percentile of |log ratio| of strong ions
    "tilt",  # |slope| of the log ratio against mass, per 100 Th
    "explained",  # share of the query's intensity on ions of the reference
    "ions",  # log of the number of significant ions
    "entropy",  # of the reference, nats
    "group",  # log of the number of members of the isomer group
)


@dataclass(frozen=True, slots=True, eq=False)
class _Dense:
    """The candidates' spectra side by side, the query repeated for each as that one could be compared."""

    mass: Floats  # (masses,)
    query: Floats  # (candidates, masses)
    reference: Floats  # (candidates, masses)


def evidence(query: UnitSpectrum, hits: Sequence[Hit], group: Sequence[Reference]) -> Floats:
    """(len(FEATURES),) float64: what speaks for and against the best of ``hits``.

    Parameters
    ----------
    hits : best first, at least one; `COMPARED` of them are looked at.
    group : the isomer group of the best hit, its own reference included (`library.groups`).
    """
    hits = hits[:COMPARED]
    table = visible(query, _table(hits), np.arange(len(hits)))
    dense = _dense(query, table)
    match = np.array([hit.match_factor for hit in hits]) / 1000
    inside = {compound_of(one) for one in group}
    outside = np.array([compound_of(hit.reference) not in inside for hit in hits])
    second = match_factors(table.row(0), table, np.arange(len(table))[1:2]).match_factor / 1000
    entropies = entropy_similarity(dense.query, dense.reference)
    formula = hits[0].reference.formula
    molecule = molecular_mass(formula)
    heavy = dense.mass >= HEAVY * (molecule or _highest(dense.query[0], dense.mass))
    upper = entropy_similarity(dense.query * heavy, dense.reference * heavy)
    cosines = _cosine(_weighted(dense.query, dense.mass), _weighted(dense.reference, dense.mass))
    ratio = _ratios(dense)
    ion = _molecular_ion(dense, molecule)
    values = {
        "match": match[0],
        "reverse_excess": hits[0].reverse_match_factor / 1000 - match[0],
        "lead": _lead(match),
        "lead_outside": match[0] - match[outside].max(initial=0.0),
        "separation": _lead(match) / (1.01 - second.sum()),
        "entropy_match": entropies[0],
        "entropy_lead": _lead(entropies),
        "heavy_match": upper[0],
        "heavy_lead": _lead(upper),
        "cosine": cosines[0],
        "cosine_lead": _lead(cosines),
        "highest_ion": min(
            20.0, abs(_highest(dense.query[0], dense.mass) - _highest(dense.reference[0], dense.mass))
        ),
        "molecular_ion": ion[0],
        "molecular_ion_excess": ion[1],
        "above_molecule": ion[2],
        "formula_vote": _vote(match, [hit.reference.formula for hit in hits]),
        "spread": ratio[0],
        "tilt": ratio[1],
        "explained": _share(dense.query[0], dense.reference[0] >= 1),
        "ions": np.log1p(np.count_nonzero(query.intensity >= SIGNIFICANT)),
        "entropy": _entropy(_normalised(dense.reference[:1]))[0],
        "group": np.log(len(group)),
    }
    return np.array([values[name] for name in FEATURES], np.float64)


def entropy_similarity(one: Floats, other: Floats) -> Floats:
    """(rows,) float64, 0..1: weighted spectral-entropy similarity of rows of binned spectra.

    1 − (2·S(a + b) − S(a) − S(b)) / ln 4 with a, b normalised, and intensities raised to 0.25 + S/4 where the
    spectral entropy S is below 3 (Li et al. 2021, doi 10.1038/s41592-021-01331-z). 0 where either is empty.
    """
    a, b = _reweighted(one), _reweighted(other)
    value = 1 - (2 * _entropy((a + b) / 2) - _entropy(a) - _entropy(b)) / np.log(4)
    return np.where((a.sum(1) > 0) & (b.sum(1) > 0), np.clip(value, 0.0, 1.0), 0.0)


def compound_of(reference: Reference) -> str:
    """What tells compounds apart: connectivity, or the name where there is no InChIKey."""
    return connectivity(reference.inchikey) or reference.name.casefold()


def molecular_mass(formula: str) -> int:
    """Mass number of the molecular ion; 0 where the formula is missing or not understood."""
    try:
        return nominal_mass(formula) if formula else 0
    except BadFormula:
        return 0


def _table(hits: Sequence[Hit]) -> UnitTable:
    """The candidates' spectra as they are compared, one row each."""
    references = [hit.reference for hit in hits]
    spectra = [reference.spectrum for reference in references]
    return unit_table(
        np.concatenate(([0], np.cumsum([len(one) for one in spectra]))),
        np.concatenate([one.mz for one in spectra]),
        np.concatenate([one.intensity for one in spectra]),
        mz_low=[np.nan if one.mz_low is None else one.mz_low for one in references],
        partial=[one.partial for one in references],
    )


def _dense(query: UnitSpectrum, table: UnitTable) -> _Dense:
    rows, ions = len(table), np.repeat(np.arange(len(table)), np.diff(table.offset))
    width = 1 + int(max(query.mass.max(initial=0), table.mass.max(initial=0)))
    mass = np.arange(width, dtype=np.float64)
    asked, told = np.zeros((rows, width)), np.zeros((rows, width))
    asked[:, query.mass] = query.intensity
    told[ions, table.mass] = table.intensity
    outside = mass < np.maximum(table.start, query.start)[:, None]
    told[outside] = 0.0
    asked[outside | ((told == 0) & (asked < table.floor[:, None]))] = 0.0
    return _Dense(mass, asked, told)


def _lead(values: Floats) -> float:
    return float(values[0] - values[1:].max(initial=0.0))


def _highest(intensity: Floats, mass: Floats) -> float:
    return float(mass[intensity >= SIGNIFICANT].max(initial=0.0))


def _share(intensity: Floats, where: np.ndarray) -> float:
    return float(intensity[where].sum() / max(intensity.sum(), 1.0))


def _normalised(rows: Floats) -> Floats:
    total = rows.sum(1, keepdims=True)
    return np.asarray(np.divide(rows, total, out=np.zeros(rows.shape), where=total > 0), np.float64)


def _entropy(rows: Floats) -> Floats:
    logs = np.log(rows, out=np.zeros(rows.shape), where=rows > 0)
    return np.asarray(-(rows * logs).sum(1), np.float64)


def _reweighted(rows: Floats) -> Floats:
    shares = _normalised(rows)
    power = np.minimum(0.25 + 0.25 * _entropy(shares), 1.0)[:, None]
    return _normalised(np.asarray(np.where(shares > 0, shares**power, 0.0), np.float64))


def _weighted(rows: Floats, mass: Floats) -> Floats:
    return np.asarray(rows**0.53 * mass**1.3, np.float64)


def _cosine(one: Floats, other: Floats) -> Floats:
    norm = np.sqrt((one**2).sum(1) * (other**2).sum(1))
    product = (one * other).sum(1)
    return np.asarray(np.divide(product, norm, out=np.zeros(len(norm)), where=norm > 0), np.float64)


def _molecular_ion(dense: _Dense, molecule: int) -> tuple[float, float, float]:
    if not molecule:
        return -1.0, 0.0, -1.0
    width = len(dense.mass)
    query, reference = dense.query[0], dense.reference[0]
    seen, told = (float(np.log1p(row[molecule])) if molecule < width else 0.0 for row in (query, reference))
    above = 1000 * _share(query, dense.mass >= molecule + ISOTOPES)
    return seen, seen - told, float(np.log1p(above))


def _vote(match: Floats, formulas: Sequence[str]) -> float:
    weight = np.exp(20 * (match - match[0]))
    same = np.array([formula == formulas[0] for formula in formulas])
    return float(weight[same].sum() / weight.sum())


def _ratios(dense: _Dense) -> tuple[float, float]:
    """80th percentile of |log ratio| of strong ions, and |slope| of the log ratio per 100 Th, at most 5."""
    query, reference = dense.query[0], dense.reference[0]
    strong = (query >= STRONG) | (reference >= STRONG)
    floor = 0.005 * FULL_SCALE
    ratio = np.log((query[strong] + floor) / (reference[strong] + floor))
    spread = float(np.quantile(np.abs(ratio), 0.8)) if len(ratio) else 5.0
    x = dense.mass[strong] / 100
    x = x - (x.mean() if len(x) else 0.0)
    tilt = abs(float((x * ratio).sum() / (x**2).sum())) if len(x) > 3 else 0.0
    return min(spread, 5.0), min(tilt, 5.0)
