"""Ions of one molecule in an LC-MS run: what leaves the column together and differs by an adduct.

Promises: each feature belongs to one molecule; an ion without a partner is read as the protonated one (in
negative mode, the one that lost a proton), and says so by having no partner. Refuses charges the data deny.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from library.adducts import USUAL, Adduct, parse_adduct
from spectra.chromatography.features import Feature
from spectra.model import Floats, MassSpectrum

TOGETHER = 0.35  # of a peak's width: apexes nearer than this leave together
LEAST_FRAGMENT = 0.05  # of a product-ion spectrum's base peak
MOST_FRAGMENT = 0.5  # of the whole ion's area: what is stronger is taken for a substance of its own
RARER = 0.1  # what an adduct's place in the list costs, in partners


@dataclass(frozen=True, slots=True)
class Molecule:
    """One substance's ions.

    Parameters
    ----------
    mass : u, of the molecule. ions : places of its features, its strongest first. adducts : of each; "" for
        a fragment made in the source.
    supported : whether a second ion speaks for the mass.
    """

    mass: float
    ions: tuple[int, ...]
    adducts: tuple[str, ...]

    @property
    def supported(self) -> bool:
        return sum(bool(adduct) for adduct in self.adducts) > 1


def molecules(features: Sequence[Feature], polarity: int, ppm: float) -> list[Molecule]:
    """Features gathered to molecules, by falling height of their strongest ion."""
    mz, rt = _columns(features)
    free = np.ones(len(features), bool)
    found = []
    for k in np.argsort([-one.height for one in features], kind="stable").tolist():
        if not free[k]:
            continue
        free[k] = False
        beside = np.flatnonzero(free & (np.abs(rt - rt[k]) <= TOGETHER * features[k].fwhm_s))
        adduct, partners = _best_reading(features[k], mz[beside], polarity, ppm)
        ions = [int(beside[place]) for place in partners]
        free[ions] = False
        found.append(Molecule(adduct.mass(features[k].mz), (k, *ions), (adduct.name, *partners.values())))
    return found


def with_fragments(
    found: Sequence[Molecule], features: Sequence[Feature], products: dict[int, MassSpectrum], ppm: float
) -> list[Molecule]:
    """Molecules that are but fragments of a stronger one, made in the source, given to it.

    Parameters
    ----------
    products : by place of a feature, its product ions: what it may lose in the source as well.
    """
    gone: set[int] = set()
    kept: list[Molecule] = []
    for number, one in enumerate(found):
        if number in gone:
            continue
        main = features[one.ions[0]]
        own = products.get(one.ions[0])
        fragments = [] if own is None else _strong(own)
        taken = [
            other
            for other in range(number + 1, len(found))
            if other not in gone and _is_fragment(features[found[other].ions[0]], main, fragments, ppm)
        ]
        gone.update(taken)
        ions = tuple(ion for other in taken for ion in found[other].ions)
        kept.append(Molecule(one.mass, one.ions + ions, one.adducts + ("",) * len(ions)))
    return kept


def _strong(spectrum: MassSpectrum) -> list[float]:
    strong: list[float] = spectrum.mz[spectrum.intensity >= LEAST_FRAGMENT * spectrum.base_peak].tolist()
    return strong


def _is_fragment(other: Feature, main: Feature, fragments: Sequence[float], ppm: float) -> bool:
    if other.mz >= main.mz - 1 or other.area > MOST_FRAGMENT * main.area:
        return False
    if abs(other.rt_s - main.rt_s) > TOGETHER * main.fwhm_s:
        return False
    return any(abs(other.mz - mz) <= max(2 * ppm * 1e-6 * mz, 0.003) for mz in fragments)


def _columns(features: Sequence[Feature]) -> tuple[Floats, Floats]:
    return np.array([one.mz for one in features]), np.array([one.rt_s for one in features])


def _best_reading(
    feature: Feature, beside: Floats, polarity: int, ppm: float
) -> tuple[Adduct, dict[int, str]]:
    """The adduct for which most other ions find a place, and which those are."""
    best, best_worth = (_adducts(polarity)[0], dict[int, str]()), -1.0
    for rank, adduct in enumerate(_adducts(polarity)):
        if abs(adduct.charge) != feature.charge:
            continue
        partners = _partners(adduct, adduct.mass(feature.mz), beside, polarity, ppm)
        worth = len(partners) - RARER * rank
        if worth > best_worth and (partners or not rank or best_worth < 0):
            best, best_worth = (adduct, partners), worth
    return best


def _partners(own: Adduct, mass: float, beside: Floats, polarity: int, ppm: float) -> dict[int, str]:
    """Places among ``beside`` of other ions of the molecule, and their adducts."""
    found: dict[int, str] = {}
    for adduct in _adducts(polarity):
        expected = adduct.mz(mass)
        if adduct.name == own.name or not len(beside):
            continue
        place = int(np.abs(beside - expected).argmin())
        if abs(beside[place] - expected) <= 2 * ppm * 1e-6 * expected:
            found.setdefault(place, adduct.name)
    return found


@cache
def _adducts(polarity: int) -> tuple[Adduct, ...]:
    adducts = (parse_adduct(text) for text in USUAL)
    return tuple(one for one in adducts if one.polarity == (polarity or 1))
