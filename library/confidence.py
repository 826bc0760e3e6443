"""How sure an answer may be: the chance that the best candidate is right, from what was measured.

Promises: of answers given a chance of 9 in 10, about nine of ten are right, on spectra like those the curves
were fitted to (`library/data/<technique>_calibration.json` names them); more of what speaks for a candidate
never lowers its chance; compound ≤ group ≤ 1 − absent. Refuses to extrapolate: beyond the outermost knot a
feature counts as at the knot.

A model is a logistic of a sum of piecewise-linear curves, one per feature (a generalised additive model,
Hastie & Tibshirani 1986), so that what each feature adds can be read off and drawn.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from spectra.model import Floats


@dataclass(frozen=True, slots=True)
class Curve:
    """What one feature adds to the log odds: 0 at the first knot, ``weights[j]`` more at knot j + 1."""

    feature: str
    knots: tuple[float, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """The log odds of one statement: an intercept and a curve per feature."""

    intercept: float
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """The models of one technique.

    Parameters
    ----------
    features : names, in the order in which values are given.
    models : by statement: "compound", "group", "absent".
    trained_on : what they were fitted to, in plain words.
    share_absent : 0..1, share of the training queries whose compound was not in the library.
    """

    features: tuple[str, ...]
    models: Mapping[str, Model]
    trained_on: str
    share_absent: float


@dataclass(frozen=True, slots=True)
class Chances:
    """0..1 each: the best candidate is the compound; it is in the isomer group; it is not in the library."""

    compound: float
    group: float
    absent: float


@cache
def calibration(technique: str) -> Calibration:
    """The shipped models of a technique ("ei", "msms").

    Raises
    ------
    FileNotFoundError : there are none.
    """
    path = resources.files("library.data").joinpath(f"{technique}_calibration.json")
    return calibration_from(json.loads(path.read_text(encoding="utf-8")))


def calibration_from(values: Mapping[str, object]) -> Calibration:
    """Read models from their JSON form, as `library.calibration.as_json` writes it.

    Raises
    ------
    KeyError, TypeError, ValueError : the JSON is of another shape.
    """
    plain = json.loads(json.dumps(values))
    models = {
        statement: Model(
            float(model["intercept"]),
            tuple(
                Curve(one["feature"], tuple(one["knots"]), tuple(one["weights"])) for one in model["curves"]
            ),
        )
        for statement, model in plain["models"].items()
    }
    return Calibration(tuple(plain["features"]), models, plain["trained_on"], float(plain["share_absent"]))


def chances(known: Calibration, values: Floats, *, unknowns: float | None = None) -> Chances:
    """What the features of one query say.

    Parameters
    ----------
    values : (features,) float64, as ``known.features`` names them.
    unknowns : 0 < share < 1 of what is asked that no library holds; that of the training where not given.
    """
    row = np.asarray(values, np.float64)[None, :]
    compound, group, absent = (
        float(probability(known.models[statement], known.features, row)[0])
        for statement in ("compound", "group", "absent")
    )
    group = max(compound, group)
    told = Chances(compound, group, min(absent, 1.0 - group))
    return told if unknowns is None else assuming(told, known.share_absent, unknowns)


def assuming(told: Chances, learned: float, unknowns: float) -> Chances:
    """Chances where another share of what is asked is absent: Bayes' rule for a changed prior.

    What is right is held, so its odds against "absent" grow by what the odds of being held grow by (Saerens,
    Latinne & Decaestecker 2002, doi 10.1162/089976602753284446).
    """
    held, absent = (1 - unknowns) / (1 - learned), unknowns / learned
    whole = held * (1 - told.absent) + absent * told.absent
    compound, group = (min(chance * held / whole, 1.0) for chance in (told.compound, told.group))
    return Chances(compound, group, min(told.absent * absent / whole, 1.0 - group))


def probability(model: Model, features: Sequence[str], values: Floats) -> Floats:
    """(rows,) float64, 0..1: 1 / (1 + exp(−log odds)).

    Parameters
    ----------
    values : (rows, features) float64.
    """
    odds = np.full(len(values), model.intercept)
    for curve in model.curves:
        knots = np.asarray(curve.knots)
        heights = np.concatenate(([0.0], np.cumsum(curve.weights)))
        odds += np.interp(values[:, features.index(curve.feature)], knots, heights)
    return np.asarray(1.0 / (1.0 + np.exp(-odds)), np.float64)
