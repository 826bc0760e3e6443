"""Learning how sure answers may be, from replicate spectra whose compound is known.

Promises: no query is compared with itself; half of the compounds are hidden from the library, so that "not in
the library" is learned too; every judgement of a model is of compounds it was not fitted to. A curve only
rises (or only falls) where the feature can only speak for (or against) a candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from library.confidence import Calibration, Curve, Model, probability
from library.evidence import COMPARED, FEATURES, compound_of, evidence
from library.groups import isomer_group
from library.prepare import connectivity
from library.record import Record
from library.release import Release, build_release, open_release
from library.search.ei import search
from spectra.model import Floats, MassSpectrum, spectrum_from_peaks
from spectra.similarity.mass import unit_mass

LEAST_IONS = 5
QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
RIDGE = 3.0  # penalty on the squared weights
FOLDS = 5

# +1: more of it speaks for the candidate, −1: against it, 0: the data decide.
DIRECTIONS = {
    "match": 1, "lead": 1, "lead_outside": 1, "nearness": -1, "separation": 1, "entropy_match": 1,
    "entropy_lead": 1, "heavy_match": 1, "heavy_lead": 1, "cosine": 1, "cosine_lead": 1, "highest_ion": -1,
    "above_molecule": -1, "formula_vote": 1, "spread": -1, "tilt": -1, "explained": 1, "group": -1,
}  # fmt: skip
_OF_THE_GROUP = ("lead", "separation", "group")  # a lead over an isomer does not speak for the group


@dataclass(frozen=True, slots=True, eq=False)
class Experience:
    """Queries with known compounds, one row each.

    Parameters
    ----------
    values : (rows, features) float64.
    compound : (rows,) the true compound; rows of one compound are never split between fit and judgement.
    right, grouped, absent : (rows,) bool: the best candidate is right; its group is; it is hidden.
    size : (rows,) members of the group.
    """

    values: Floats
    compound: np.ndarray
    right: np.ndarray
    grouped: np.ndarray
    absent: np.ndarray
    size: np.ndarray

    def label(self, statement: str) -> Floats:
        """(rows,) float64, 0 or 1: whether "compound", "group" or "absent" is true."""
        chosen = {"compound": self.right, "group": self.grouped, "absent": self.absent}[statement]
        return chosen.astype(np.float64)


def joined(parts: Sequence[Experience]) -> Experience:
    """Several as one."""
    fields = Experience.__slots__
    return Experience(*(np.concatenate([getattr(part, name) for part in parts]) for name in fields))


def replicates(
    records: Sequence[Record], folder: Path, rng: np.random.Generator, *, hidden_share: float = 0.5
) -> Experience:
    """One query for each compound with several spectra, searched with a share of all compounds hidden.

    Parameters
    ----------
    records : EI spectra; those without InChIKey or with fewer than `LEAST_IONS` ions are left out.
    folder : where the library is built.
    """
    usable = [one for one in records if one.inchikey and len(one.mz) >= LEAST_IONS]
    compounds = np.array([connectivity(one.inchikey) for one in usable])
    names, owner, count = np.unique(compounds, return_inverse=True, return_counts=True)
    hidden = rng.random(len(names)) < hidden_share
    order = rng.permutation(len(usable))
    first = dict(zip(owner[order[::-1]].tolist(), order[::-1].tolist(), strict=True))
    queries = [first[one] for one in np.flatnonzero(count > 1).tolist()]
    shown = ~hidden[owner]
    shown[queries] = False
    report = build_release(
        (usable[k] for k in np.flatnonzero(shown)), folder, name="shown", source="", licence=""
    )
    spectra = [spectrum_from_peaks(usable[k].mz, usable[k].intensity) for k in queries]
    return judged([open_release(report.directory)], spectra, compounds[queries])


def judged(
    releases: Sequence[Release], spectra: Sequence[MassSpectrum], truth: Sequence[str] | np.ndarray
) -> Experience:
    """Features and outcomes of spectra whose compound (first block of the InChIKey) is known.

    A query without any hit is left out: there is nothing to be sure of.
    """
    held = {
        connectivity(release.text("inchikey", row)) for release in releases for row in range(len(release))
    }
    rows = list(_rows(releases, spectra, truth))
    return Experience(
        np.array([values for values, *_ in rows]).reshape(len(rows), len(FEATURES)),
        np.array([compound for _, compound, _ in rows]),
        np.array([compound == group[0] for _, compound, group in rows], bool),
        np.array([compound in group for _, compound, group in rows], bool),
        np.array([compound not in held for _, compound, _ in rows], bool),
        np.array([len(set(group)) for *_, group in rows]),
    )


def _rows(
    releases: Sequence[Release], spectra: Sequence[MassSpectrum], truth: Sequence[str] | np.ndarray
) -> Iterator[tuple[Floats, str, list[str]]]:
    found = search(releases, spectra, top=COMPARED)
    for spectrum, compound, hits in zip(spectra, truth, found, strict=True):
        if hits:
            query = unit_mass(spectrum.mz, spectrum.intensity)
            group = isomer_group(releases, hits[0], query)
            yield evidence(query, hits, group), str(compound), [compound_of(one) for one in group]


def fit(values: Floats, label: Floats, features: Sequence[str], directions: Sequence[int]) -> Model:
    """Curves that make the label most likely, under a ridge on their weights (L-BFGS-B).

    Parameters
    ----------
    values : (rows, features) float64. label : (rows,) 0 or 1.
    directions : per feature: +1 its curve never falls, −1 it never rises, 0 either.
    """
    knots = [np.unique(np.quantile(column, QUANTILES)) for column in values.T]
    ramps = _ramps(values, knots)
    signs = np.repeat(directions, [len(one) - 1 for one in knots])
    limits = {1: (0.0, None), -1: (None, 0.0), 0: (None, None)}
    found = minimize(
        _loss(ramps, label), np.zeros(1 + len(signs)), jac=True, method="L-BFGS-B",
        bounds=[(None, None), *(limits[int(sign)] for sign in signs)], options={"maxiter": 400},
    )  # fmt: skip
    ends = np.cumsum([len(one) - 1 for one in knots])
    weights = np.split(found.x[1:], ends[:-1])
    curves = [
        Curve(name, tuple(k.tolist()), tuple(w.tolist()))
        for name, k, w in zip(features, knots, weights, strict=True)
    ]
    return Model(float(found.x[0]), tuple(curve for curve in curves if any(curve.weights)))


def _ramps(values: Floats, knots: Sequence[Floats]) -> Floats:
    """(rows, all stretches between knots): 0 below a stretch, 1 above it, linear within."""
    columns = [
        np.clip((column - low) / (high - low), 0.0, 1.0)
        for column, own in zip(values.T, knots, strict=True)
        for low, high in pairwise(own.tolist())
    ]
    return np.array(columns).T


def _loss(ramps: Floats, label: Floats) -> Callable[[Floats], tuple[float, Floats]]:
    def loss(weights: Floats) -> tuple[float, Floats]:
        odds = weights[0] + ramps @ weights[1:]
        wrong = 1.0 / (1.0 + np.exp(-odds)) - label
        value = float(
            np.logaddexp(0.0, odds).sum() - label @ odds + 0.5 * RIDGE * (weights[1:] @ weights[1:])
        )
        return value, np.concatenate(([wrong.sum()], ramps.T @ wrong + RIDGE * weights[1:]))

    return loss


def directions_of(statement: str) -> list[int]:
    """Direction per feature for "compound", "group" or "absent"."""
    sign = -1 if statement == "absent" else 1
    free = () if statement == "compound" else _OF_THE_GROUP
    return [0 if name in free else sign * DIRECTIONS.get(name, 0) for name in FEATURES]


def crossed(seen: Experience, statement: str, rng: np.random.Generator) -> Floats:
    """(rows,) probability of each row by a model fitted to the other compounds' rows (`FOLDS` parts)."""
    names, owner = np.unique(seen.compound, return_inverse=True)
    part = rng.integers(0, FOLDS, len(names))[owner]
    label, told = seen.label(statement), np.zeros(len(owner))
    for k in range(FOLDS):
        model = fit(seen.values[part != k], label[part != k], FEATURES, directions_of(statement))
        told[part == k] = probability(model, FEATURES, seen.values[part == k])
    return told


def calibrated(seen: Experience, trained_on: str) -> Calibration:
    """The models of all statements, fitted to everything seen."""
    models = {
        statement: fit(seen.values, seen.label(statement), FEATURES, directions_of(statement))
        for statement in ("compound", "group", "absent")
    }
    return Calibration(FEATURES, models, trained_on, float(seen.absent.mean()))


def as_json(made: Calibration) -> dict[str, object]:
    """What `library.confidence.calibration_from` reads; numbers of four significant digits."""
    return {
        "trained_on": made.trained_on,
        "share_absent": _rounded(made.share_absent),
        "features": list(made.features),
        "models": {
            statement: {
                "intercept": _rounded(model.intercept),
                "curves": [
                    {
                        "feature": curve.feature,
                        "knots": [_rounded(value) for value in curve.knots],
                        "weights": [_rounded(value) for value in curve.weights],
                    }
                    for curve in model.curves
                ],
            }
            for statement, model in made.models.items()
        },
    }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def calibration_error(told: Floats, label: Floats, bins: int = 10) -> float:
    """Expected calibration error: mean |share right − mean probability| over equal bins, weighted by size."""
    place = np.minimum((told * bins).astype(int), bins - 1)
    size = np.bincount(place, minlength=bins)
    gap = np.bincount(place, weights=told - label, minlength=bins)
    return float(np.abs(gap[size > 0]).sum() / len(told))


def ranking_quality(told: Floats, label: Floats) -> float:
    """Area under the ROC curve: chance that a right answer is told a higher value than a wrong one."""
    _, place, count = np.unique(told, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count - 1) / 2  # mid-ranks of ties
    right = label > 0
    n = int(right.sum())
    above = rank[place][right].sum() - n * (n + 1) / 2
    return float(above / (n * (len(label) - n))) if 0 < n < len(label) else float("nan")


def recall_at(told: Floats, label: Floats, error: float) -> float:
    """Largest share of right answers that can be accepted, at most ``error`` of the accepted being wrong."""
    order = np.argsort(-told, kind="stable")
    right = np.cumsum(label[order])
    wrong = 1.0 - right / np.arange(1, len(order) + 1)
    allowed = np.flatnonzero(wrong <= error)
    return float(right[allowed[-1]] / label.sum()) if len(allowed) else 0.0
