"""Retention indices: the place of a peak among the members of a homologous series run by the same method.

Promises: a member of the series has its own index exactly; between members the index rises with the time;
what a ladder is worth is measured by leaving each inner rung out (`left_out`). Refuses to extrapolate:
outside its first and last rung there is no index, and neither is one without two rungs.

A ladder is found in a run by the ions of its series and by molecular ions that rise with the time, so that
nothing about the method has to be known beforehand; it is kept as JSON with the method it belongs to.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator

from spectra.chromatography.deconvolution import ComponentPeak
from spectra.errors import InvalidMeasurement
from spectra.model import Floats
from spectra.nominal import nominal_mass

SCHEMA = "xbt.ladder/1"
LEAST_RUNGS = 3  # a run with fewer members of a series holds no ladder
LEAST_AREA = 0.02  # of the median rung: smaller homologues are impurities of the standard


class Interpolation(StrEnum):
    """How an index is read between two rungs; the value is stable."""

    LINEAR = "linear"  # temperature programme: van den Dool & Kratz 1963
    ISOTHERMAL = "isothermal"  # constant temperature: Kováts 1958, logarithm of the adjusted time
    CUBIC = "cubic"  # temperature programme that bends: monotone cubic through all rungs


class ColumnClass(StrEnum):
    """Where a reference index comes from, as against the run."""

    SAME_METHOD = "same_method"
    SAME_PHASE = "same_phase"  # another laboratory or instrument
    PREDICTED = "predicted"


# Standard deviation of the difference of two indices, index units: usual reproducibility, and usual errors of
# predicted indices. A cautious choice: measure it for a method of one's own.
SPREAD: Mapping[ColumnClass, float] = {
    ColumnClass.SAME_METHOD: 5.0,
    ColumnClass.SAME_PHASE: 15.0,
    ColumnClass.PREDICTED: 65.0,
}
MISTAKEN = 0.02  # share of reference indices that are simply wrong, so that none can rule a candidate out
INDEX_RANGE = 3000.0  # index units over which a wrong index may lie anywhere


@dataclass(frozen=True, slots=True)
class Series:
    """A homologous series as electron ionisation shows it.

    base : one of these masses leads. required : these reach a fifth of it.
    head : molecular mass without 14 for every carbon atom that counts.
    loss : what the molecular ion loses first, so that two ions tell its mass.
    """

    base: frozenset[int]
    required: frozenset[int]
    head: int
    loss: int


# Methyl esters: McLafferty ion 74, 87; C(n)H(2n)O2 + CH2, n carbon atoms of the acid; loss of OCH3.
# Alkanes: C(n)H(2n+2); loss of C2H5.
SERIES: Mapping[str, Series] = {
    "fame": Series(frozenset({74}), frozenset({87}), 46, 31),
    "alkane": Series(frozenset({43, 57, 71}), frozenset({57, 71, 85}), 2, 29),
}


@dataclass(frozen=True, slots=True)
class Ladder:
    """Times and indices of a series under one method.

    Parameters
    ----------
    series : key of `SERIES`, or what else the indices count.
    rt_s : retention times, s, strictly ascending.
    index : retention indices, strictly ascending; 100 × number of carbon atoms.
    interpolation : how to read between them.
    dead_s : time of what is not held back, s; counts for `Interpolation.ISOTHERMAL` only.
    method : the acquisition method the ladder holds for, as the instrument names it.
    column : where reference indices come from.

    Raises
    ------
    InvalidMeasurement : fewer than two rungs, not ascending, or a dead time at or after the first rung.
    """

    series: str
    rt_s: tuple[float, ...]
    index: tuple[float, ...]
    interpolation: Interpolation = Interpolation.CUBIC
    dead_s: float = 0.0
    method: str = ""
    column: ColumnClass = ColumnClass.SAME_PHASE

    def __post_init__(self) -> None:
        if len(self.rt_s) < 2 or len(self.rt_s) != len(self.index):
            raise InvalidMeasurement("a ladder needs two rungs or more, each with a time and an index")
        values = (*self.rt_s, *self.index, self.dead_s)
        ascending = all(np.all(np.diff(one) > 0) for one in (self.rt_s, self.index))
        if not (all(map(math.isfinite, values)) and ascending):
            raise InvalidMeasurement("times and indices of a ladder must be finite and ascend together")
        if not 0 <= self.dead_s < self.rt_s[0]:
            raise InvalidMeasurement("the dead time of a ladder must lie before its first rung")


def retention_index(ladder: Ladder, rt_s: ArrayLike) -> Floats:
    """Index of each time, same shape, NaN outside the ladder.

    Linear: I = Iₙ + (Iₙ₊₁ − Iₙ)·(t − tₙ)/(tₙ₊₁ − tₙ) (van den Dool & Kratz, J. Chromatogr. 11 (1963) 463).
    Isothermal: the same with log(t − dead time) for t (Kováts, Helv. Chim. Acta 41 (1958) 1915). Cubic: the
    monotone cubic of Fritsch & Carlson through all rungs.

    Parameters
    ----------
    rt_s : any shape, s.
    """
    time, knots = np.asarray(rt_s, np.float64), np.asarray(ladder.rt_s)
    inside = (time >= knots[0]) & (time <= knots[-1])
    x = np.where(inside, time, knots[0])
    if ladder.interpolation is Interpolation.ISOTHERMAL:
        x, knots = np.log(x - ladder.dead_s), np.log(knots - ladder.dead_s)
    if ladder.interpolation is Interpolation.CUBIC:
        value = PchipInterpolator(knots, ladder.index)(x)
    else:
        value = np.interp(x, knots, ladder.index)
    return np.asarray(np.where(inside, value, np.nan), np.float64)


def left_out(ladder: Ladder) -> Floats:
    """(rungs − 2,) float64: index of each inner rung by the other rungs, minus its true one.

    Raises
    ------
    InvalidMeasurement : fewer than four rungs, of which two would be left between which nothing is tested.
    """
    count = len(ladder.rt_s)
    if count < 4:
        raise InvalidMeasurement("a ladder can be checked against itself from four rungs on")
    errors = [
        retention_index(_without(ladder, k), ladder.rt_s[k]) - ladder.index[k] for k in range(1, count - 1)
    ]
    return np.array(errors, np.float64)


def _without(ladder: Ladder, rung: int) -> Ladder:
    return replace(
        ladder,
        rt_s=ladder.rt_s[:rung] + ladder.rt_s[rung + 1 :],
        index=ladder.index[:rung] + ladder.index[rung + 1 :],
    )


def log_likelihood_ratio(difference: float, column: ColumnClass) -> float:
    """What a difference of indices says for a candidate against any other, natural logarithm.

    A Gaussian of the column class's `SPREAD`, with a share `MISTAKEN` of wrong references, over an even
    chance anywhere in `INDEX_RANGE`: at most about +4, and never below log(MISTAKEN) ≈ −4, so that a wrong
    index in a library costs a candidate its lead and not its place.
    """
    spread = SPREAD[column]
    density = math.exp(-0.5 * (difference / spread) ** 2) / (spread * math.sqrt(2 * math.pi))
    return math.log(MISTAKEN + (1 - MISTAKEN) * density * INDEX_RANGE)


def find_ladder(components: Sequence[ComponentPeak], series: str, *, method: str = "") -> Ladder:
    """The members of a series in a run of its standard.

    A component belongs where the series' ions lead, with a molecular ion of the series and its first loss.
    Of what could be the same member the chain of rising carbon numbers with the largest summed log area is
    taken: the fronting of an overloaded peak looks the same and is smaller.

    Parameters
    ----------
    components : as deconvolution gives them. series : key of `SERIES`.

    Raises
    ------
    InvalidMeasurement : fewer than `LEAST_RUNGS` members.
    """
    kind = SERIES[series]
    members = [(c.rt_s, _carbon_atoms(c, kind), c.area) for c in components]
    known = sorted((rt, n, area) for rt, n, area in members if n)
    largest = {n: max(a for _, m, a in known if m == n) for _, n, _ in known}
    middle = float(np.median(list(largest.values()))) if known else 0.0
    chain = _rising([one for one in known if one[2] >= LEAST_AREA * middle])
    if len(chain) < LEAST_RUNGS:
        raise InvalidMeasurement(
            f"{len(chain)} members of the series '{series}' were found, a ladder needs {LEAST_RUNGS}"
        )
    return Ladder(
        series, tuple(rt for rt, _, _ in chain), tuple(100.0 * n for _, n, _ in chain), method=method
    )


def _carbon_atoms(component: ComponentPeak, series: Series) -> int:
    """Carbon atoms of a member of the series by its molecular ion, 0 if it is none."""
    mass, intensity = nominal_mass(component.spectrum.mz), component.spectrum.intensity
    percent = np.bincount(mass, 100 * intensity / component.spectrum.base_peak)
    percent = np.concatenate([percent, np.zeros(3)])
    leads = int(percent.argmax()) in series.base
    if not leads or any(m >= len(percent) or percent[m] < 20 for m in series.required):
        return 0
    possible = np.arange(series.head + 14 * 5, len(percent) - 2, 14)
    own, lost, below = percent[possible], percent[possible - series.loss], percent[possible - 1]
    fits = np.flatnonzero((own >= 0.2) & (own > below) & (lost >= 0.2))
    return int((possible[fits[-1]] - series.head) // 14) if len(fits) else 0


def _rising(members: Sequence[tuple[float, int, float]]) -> list[tuple[float, int, float]]:
    """The chain of strictly rising times and carbon numbers with the greatest sum of log areas."""
    best: list[tuple[float, int]] = []
    for k, (rt_s, carbon, area) in enumerate(members):
        before = [(best[j][0], j) for j in range(k) if members[j][0] < rt_s and members[j][1] < carbon]
        score, last = max(before, default=(0.0, -1))
        best.append((score + math.log1p(area), last))
    at = max(range(len(best)), key=lambda k: best[k][0], default=-1)
    chain = []
    while at >= 0:
        chain.append(members[at])
        at = best[at][1]
    return chain[::-1]


def ladder_to_json(ladder: Ladder) -> str:
    """The ladder as it is kept with a method."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "series": ladder.series,
            "method": ladder.method,
            "column": ladder.column.value,
            "interpolation": ladder.interpolation.value,
            "dead_s": ladder.dead_s,
            "rt_s": list(ladder.rt_s),
            "index": list(ladder.index),
        },
        indent=2,
    )


def ladder_from_json(text: str) -> Ladder:
    """Read what `ladder_to_json` wrote.

    Raises
    ------
    InvalidMeasurement : it is no ladder.
    """
    try:
        told = json.loads(text)
        if told["schema"] != SCHEMA:
            raise InvalidMeasurement(f"a ladder of schema {SCHEMA} is expected, not {told['schema']!r}")
        return Ladder(
            series=str(told["series"]),
            rt_s=tuple(float(one) for one in told["rt_s"]),
            index=tuple(float(one) for one in told["index"]),
            interpolation=Interpolation(told.get("interpolation", Interpolation.CUBIC)),
            dead_s=float(told.get("dead_s", 0.0)),
            method=str(told.get("method", "")),
            column=ColumnClass(told.get("column", ColumnClass.SAME_PHASE)),
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidMeasurement(f"this is no retention ladder: {error}") from None
