"""Thin-layer chromatography: where a spot went, what it did with reagents, and which standard does the same.

Promises: a spot is compared with standards of its own plate only; a substance agrees if, on every plate it
was run on as a standard, a spot of the sample lies within the tolerance and shows no other colour; standards
that the plates do not tell apart name each other. Refuses a standard that gave no spot or two.

Rf is the way of the spot over the way of the eluent front, both from the start (IUPAC, retardation factor).
The correction to reference values is linear between standards of known Rf (Clarke's Analysis of Drugs and
Poisons, chapter on thin-layer chromatography).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from spectra.errors import InvalidMeasurement
from spectra.model import Floats

TOLERANCE = 0.03  # of Rf between lanes of one plate; a laboratory sets its own from its own plates


@dataclass(frozen=True, slots=True)
class Spot:
    """A spot.

    Parameters
    ----------
    rf : 0..1.
    colours : seen, by reagent or lamp ("uv254"); a reagent that was not used is left out, one that showed
        nothing is there with "none".
    """

    rf: float
    colours: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.rf <= 1:
            raise InvalidMeasurement(f"Rf {self.rf:g}: a spot lies between the start and the front, 0 to 1")


@dataclass(frozen=True, slots=True)
class Plate:
    """One plate: the spots of the sample, and of each standard by its name.

    Parameters
    ----------
    eluent : its name, such as "toluene, acetone, ethanol, ammonia 45:45:7:3".
    """

    eluent: str
    sample: tuple[Spot, ...]
    standards: Mapping[str, tuple[Spot, ...]]

    def __post_init__(self) -> None:
        for name, spots in self.standards.items():
            if len(spots) != 1:
                raise InvalidMeasurement(
                    f"standard {name} has {len(spots)} spots on the plate with {self.eluent}: run a fresh one"
                )


@dataclass(frozen=True, slots=True)
class Agreement:
    """A spot of the sample beside a standard on one plate.

    Parameters
    ----------
    spot : index in ``Plate.sample``; None where no spot lies within the tolerance.
    difference : Rf of the nearest spot less that of the standard; NaN where the sample has no spot.
    same, other : reagents with the same colour as the standard, and with another one.
    """

    eluent: str
    spot: int | None
    difference: float
    same: tuple[str, ...]
    other: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether place and colours are those of the standard."""
        return self.spot is not None and not self.other


@dataclass(frozen=True, slots=True)
class Match:
    """A standard on all its plates; ``alike`` are the standards that these plates do not tell from it."""

    name: str
    plates: tuple[Agreement, ...]
    alike: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether every plate agrees."""
        return all(one.agrees for one in self.plates)


def retardation_factor(spot: ArrayLike, origin: float, front: float) -> Floats:
    """(n,) float64, Rf of spots at (n,) ``spot``, all in mm from one edge of the plate.

    Raises
    ------
    InvalidMeasurement : the front is not beyond the origin, or a spot not between them.
    """
    at = np.atleast_1d(np.asarray(spot, np.float64))
    if not front > origin:
        raise InvalidMeasurement("the front must lie beyond the start: measure both from the same edge")
    if not (np.isfinite(at).all() and (at >= origin).all() and (at <= front).all()):
        raise InvalidMeasurement("a spot must lie between the start and the front")
    return np.asarray((at - origin) / (front - origin), np.float64)


def relative_rf(rf: ArrayLike, standard_rf: float) -> Floats:
    """(n,) float64: Rf over that of a standard on the same plate.

    Raises
    ------
    InvalidMeasurement : the standard stayed at the start.
    """
    if not 0 < standard_rf <= 1:
        raise InvalidMeasurement("the standard must have moved: its Rf lies between 0 and 1")
    return np.asarray(np.atleast_1d(np.asarray(rf, np.float64)) / standard_rf, np.float64)


def corrected_rf(rf: ArrayLike, measured: ArrayLike, reference: ArrayLike) -> Floats:
    """(n,) float64: Rf as the plate of the reference values would show it.

    Linear between standards, with start (0) and front (1) as the outermost: what differs between plates
    (layer, humidity, saturation) moves neighbours alike.

    Parameters
    ----------
    measured, reference : (m ≥ 2,) Rf of the standards on this plate and on record, same order.

    Raises
    ------
    InvalidMeasurement : fewer than two standards, or their order on the plate is not that on record.
    """
    here, there = np.asarray(measured, np.float64), np.asarray(reference, np.float64)
    if len(here) < 2 or here.shape != there.shape:
        raise InvalidMeasurement("a correction needs two standards at least, each with both values")
    order = np.argsort(here)
    x, y = np.concatenate(([0.0], here[order], [1.0])), np.concatenate(([0.0], there[order], [1.0]))
    if (np.diff(x) <= 0).any() or (np.diff(y) <= 0).any():
        raise InvalidMeasurement("the standards lie in another order than on record: check the plate")
    return np.asarray(np.interp(np.asarray(rf, np.float64), x, y), np.float64)


def match(plates: Sequence[Plate], tolerance: float = TOLERANCE) -> tuple[Match, ...]:
    """Every standard beside the sample, those that agree first, the nearest in Rf before others.

    Raises
    ------
    InvalidMeasurement : no plate, or a tolerance that is not above zero.
    """
    if not plates or not tolerance > 0:
        raise InvalidMeasurement("a comparison needs a plate and a tolerance above zero")
    names = list(dict.fromkeys(name for plate in plates for name in plate.standards))
    found = [_match(name, names, plates, tolerance) for name in names]
    return tuple(sorted(found, key=lambda one: (not one.agrees, _distance(one))))


def unexplained(plates: Sequence[Plate], matches: Iterable[Match]) -> dict[str, tuple[int, ...]]:
    """Spots of the sample, by eluent, that no agreeing standard explains."""
    taken = {(one.eluent, one.spot) for found in matches if found.agrees for one in found.plates}
    return {
        plate.eluent: tuple(i for i in range(len(plate.sample)) if (plate.eluent, i) not in taken)
        for plate in plates
    }


def resolved(plate: Plate, tolerance: float = TOLERANCE) -> bool:
    """Whether the standards of a plate lie further apart than the tolerance, each from the next."""
    places = sorted(spots[0].rf for spots in plate.standards.values())
    return all(_rounded(upper - lower) > tolerance for lower, upper in pairwise(places))


def _match(name: str, names: Sequence[str], plates: Sequence[Plate], tolerance: float) -> Match:
    own = [plate for plate in plates if name in plate.standards]
    alike = (other for other in names if other != name and _alike(name, other, own, tolerance))
    return Match(name, tuple(_agreement(name, plate, tolerance) for plate in own), tuple(alike))


def _alike(name: str, other: str, plates: Sequence[Plate], tolerance: float) -> bool:
    """Whether no plate that both were run on tells them apart; false where there is none."""
    both = [plate for plate in plates if other in plate.standards]
    pairs = [(plate.standards[name][0], plate.standards[other][0]) for plate in both]
    return bool(pairs) and all(
        _rounded(abs(one.rf - two.rf)) <= tolerance and not _other(one, two) for one, two in pairs
    )


def _agreement(name: str, plate: Plate, tolerance: float) -> Agreement:
    """The spot that agrees best: within the tolerance, then without another colour, then nearest."""
    standard = plate.standards[name][0]
    if not plate.sample:
        return Agreement(plate.eluent, None, float("nan"), (), ())

    def rank(i: int) -> tuple[bool, int, float]:
        away = abs(plate.sample[i].rf - standard.rf)
        return _rounded(away) > tolerance, len(_other(plate.sample[i], standard)), away

    best = min(range(len(plate.sample)), key=rank)
    spot, difference = plate.sample[best], plate.sample[best].rf - standard.rf
    if _rounded(abs(difference)) > tolerance:
        return Agreement(plate.eluent, None, difference, (), ())
    return Agreement(plate.eluent, best, difference, _same(spot, standard), _other(spot, standard))


def _rounded(difference: float) -> float:
    """Rf are read to two or three decimals: 0.35 − 0.32 is 0.03."""
    return round(difference, 6)


def _same(one: Spot, two: Spot) -> tuple[str, ...]:
    return tuple(name for name in sorted(one.colours.keys() & two.colours.keys()) if _seen(one, two, name))


def _other(one: Spot, two: Spot) -> tuple[str, ...]:
    shared = sorted(one.colours.keys() & two.colours.keys())
    return tuple(name for name in shared if not _seen(one, two, name))


def _seen(one: Spot, two: Spot, reagent: str) -> bool:
    return one.colours[reagent].strip().casefold() == two.colours[reagent].strip().casefold()


def _distance(found: Match) -> float:
    return float(np.nanmean([abs(one.difference) for one in found.plates] + [0.0]))
