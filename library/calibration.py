"""Learning how sure answers may be, from searches whose right answer is known (`library.experience`).

Promises: every judgement of a model is of compounds it was not fitted to. A curve only rises (or only falls)
where the feature can only speak for (or against) a candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import minimize

from library import evidence, product_ions
from library.confidence import Calibration, Curve, Model, probability
from spectra.model import Floats, Ints

QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
RIDGE = 3.0  # penalty on the squared weights
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Terms:
    """What the models of a technique are made of.

    Parameters
    ----------
    features : in the order of their values.
    directions : +1: more of it speaks for the candidate, −1: against it; not named: the data decide.
    within : features that do not speak for the group as they do for the compound, such as the lead over an
        isomer.
    alone : of these, those that only tell "compound".
    ridge : penalty on the squared weights.
    """

    features: tuple[str, ...]
    directions: Mapping[str, int]
    within: tuple[str, ...]
    alone: tuple[str, ...] = ()
    ridge: float = RIDGE

    def features_of(self, statement: str) -> tuple[str, ...]:
        """What "compound", "group" or "absent" is told from."""
        if statement == "compound":
            return self.features
        return tuple(name for name in self.features if name not in self.alone)

    def directions_of(self, statement: str) -> list[int]:
        """Direction per feature for "compound", "group" or "absent"."""
        sign = -1 if statement == "absent" else 1
        free = () if statement == "compound" else self.within
        told = self.features_of(statement)
        return [0 if name in free else sign * self.directions.get(name, 0) for name in told]


# How far an isomer lies behind, and how many lie near, depends on how many the library holds. With these left
# out of "group" and "absent", chances hold better on drugs (docs/identification.md).
LEADS = ("lead", "separation", "entropy_lead", "heavy_lead", "cosine_lead", "group")

TERMS = {
    "ei": Terms(
        evidence.FEATURES,
        {
            "match": 1, "lead": 1, "lead_outside": 1, "separation": 1, "entropy_match": 1,
            "entropy_lead": 1, "heavy_match": 1, "heavy_lead": 1, "cosine": 1, "cosine_lead": 1,
            "highest_ion": -1, "above_molecule": -1, "formula_vote": 1, "spread": -1, "tilt": -1,
            "explained": 1, "group": -1,
        },
        LEADS,
        LEADS,
    ),
    "msms": Terms(
        product_ions.FEATURES,
        {
            "score": 1, "consensus": 1, "lead": 1, "lead_third": 1, "consensus_lead": 1, "lead_elsewhere": 1,
            "cosine": 1, "cosine_lead": 1, "nearness": -1, "explained": 1, "matched": 1, "group": -1,
        },
        ("lead", "consensus_lead", "cosine_lead", "group"),
        ridge=10.0,  # of 3, 10, 20 and 30 that with the least calibration error on laboratories held out
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Experience:
    """Queries with known compounds, one row each.

    Parameters
    ----------
    values : (rows, features) float64.
    compound : (rows,) the true compound; rows of one compound are never split between fit and judgement.
    right, grouped, absent : (rows,) bool: the best candidate is right; its group is; it is hidden.
    size : (rows,) members of the group.
    origin : (rows,) who measured the query, "" where that is not known.
    """

    values: Floats
    compound: np.ndarray
    right: np.ndarray
    grouped: np.ndarray
    absent: np.ndarray
    size: np.ndarray
    origin: np.ndarray

    def label(self, statement: str) -> Floats:
        """(rows,) float64, 0 or 1: whether "compound", "group" or "absent" is true."""
        chosen = {"compound": self.right, "group": self.grouped, "absent": self.absent}[statement]
        return chosen.astype(np.float64)

    def of(self, rows: Ints) -> Experience:
        """Some of the rows, or several times the same."""
        return Experience(*(getattr(self, name)[rows] for name in Experience.__slots__))


def joined(parts: Sequence[Experience]) -> Experience:
    """Several as one."""
    fields = Experience.__slots__
    return Experience(*(np.concatenate([getattr(part, name) for part in parts]) for name in fields))


def fit(
    values: Floats,
    label: Floats,
    features: Sequence[str],
    directions: Sequence[int],
    ridge: float = RIDGE,
) -> Model:
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
        _loss(ramps, label, ridge), np.zeros(1 + len(signs)), jac=True, method="L-BFGS-B",
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


def _loss(ramps: Floats, label: Floats, ridge: float) -> Callable[[Floats], tuple[float, Floats]]:
    def loss(weights: Floats) -> tuple[float, Floats]:
        odds = weights[0] + ramps @ weights[1:]
        wrong = 1.0 / (1.0 + np.exp(-odds)) - label
        value = float(
            np.logaddexp(0.0, odds).sum() - label @ odds + 0.5 * ridge * (weights[1:] @ weights[1:])
        )
        return value, np.concatenate(([wrong.sum()], ramps.T @ wrong + ridge * weights[1:]))

    return loss


def crossed(
    seen: Experience, statement: str, rng: np.random.Generator, terms: Terms, *, strangers: bool = False
) -> Floats:
    """(rows,) probability of each row by a model fitted to the other compounds' rows (`FOLDS` parts).

    Parameters
    ----------
    strangers : the model has not seen the laboratory of the row either.
    """
    names, owner = np.unique(seen.compound, return_inverse=True)
    part = rng.integers(0, FOLDS, len(names))[owner]
    home = _dealt(seen.origin) if strangers else np.zeros(len(part), np.int64)
    told = np.zeros(len(part))
    for k, h in np.unique(np.stack((part, home), axis=1), axis=0).tolist():
        own, rest = (part == k) & (home == h), (part != k) & ((home != h) | (not strangers))
        model = _fitted(seen.of(np.flatnonzero(rest)), statement, terms)
        told[own] = probability(model, terms.features, seen.values[own])
    return told


def _dealt(origin: np.ndarray) -> Ints:
    """(rows,) part of each row's laboratory: from the largest down, one to each of `FOLDS` parts in turn."""
    _, place, size = np.unique(origin, return_inverse=True, return_counts=True)
    turn = np.empty(len(size), np.int64)
    turn[np.argsort(-size, kind="stable")] = np.arange(len(size)) % FOLDS
    return np.asarray(turn[place], np.int64)


def _fitted(seen: Experience, statement: str, terms: Terms) -> Model:
    told = terms.features_of(statement)
    values = seen.values[:, [terms.features.index(name) for name in told]]
    return fit(values, seen.label(statement), told, terms.directions_of(statement), terms.ridge)


def calibrated(seen: Experience, trained_on: str, terms: Terms) -> Calibration:
    """The models of all statements, fitted to everything seen."""
    models = {statement: _fitted(seen, statement, terms) for statement in ("compound", "group", "absent")}
    return Calibration(terms.features, models, trained_on, float(seen.absent.mean()))


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
