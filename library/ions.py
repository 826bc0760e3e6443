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
from spectra.model import Floats, Ints, MassSpectrum

TOGETHER = 0.35  # of a peak's width: apexes nearer than this leave together
LEAST_FRAGMENT = 0.05  # of a product-ion spectrum's base peak
MOST_FRAGMENT = 0.5  # of the whole ion's area: what is stronger is taken for a substance of its own
LEAST_REACH_TH = 0.003  # of light fragments
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
    main = [features[one.ions[0]] for one in found]
    mz, rt = _columns(main)
    area, free = np.array([one.area for one in main]), np.ones(len(found), bool)
    kept: list[Molecule] = []
    for number, one in enumerate(found):
        if not free[number]:
            continue
        free[number] = False
        own, whole = products.get(one.ions[0]), main[number]
        beside = free & (np.abs(rt - whole.rt_s) <= TOGETHER * whole.fwhm_s)
        beside &= (mz < whole.mz - 1) & (area <= MOST_FRAGMENT * whole.area)
        taken = [] if own is None else _among(np.flatnonzero(beside), mz, _strong(own), ppm)
        free[taken] = False
        ions = tuple(ion for other in taken for ion in found[other].ions)
        kept.append(Molecule(one.mass, one.ions + ions, one.adducts + ("",) * len(ions)))
    return kept


def _strong(spectrum: MassSpectrum) -> Floats:
    return spectrum.mz[spectrum.intensity >= LEAST_FRAGMENT * spectrum.base_peak]


def _among(places: Ints, mz: Floats, fragments: Floats, ppm: float) -> list[int]:
    """Those of ``places`` whose m/z is that of a fragment."""
    if not len(places) or not len(fragments):
        return []
    reach = np.maximum(2 * ppm * 1e-6 * fragments, LEAST_REACH_TH)
    near = (np.abs(mz[places][:, None] - fragments) <= reach).any(axis=1)
    return [int(place) for place in places[near]]


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
    if not len(beside):
        return {}
    adducts, (molecules, bare, charge) = _adducts(polarity), _terms(polarity)
    expected = bare + molecules * mass / charge
    away = np.abs(beside[:, None] - expected)
    place = away.argmin(axis=0)
    near = away[place, np.arange(len(adducts))] <= 2 * ppm * 1e-6 * expected
    found: dict[int, str] = {}
    for k in np.flatnonzero(near).tolist():
        if adducts[k].name != own.name:
            found.setdefault(int(place[k]), adducts[k].name)
    return found


@cache
def _terms(polarity: int) -> tuple[Floats, Floats, Floats]:
    """Molecules, m/z of what is added, and number of charges of each adduct."""
    adducts = _adducts(polarity)
    return (
        np.array([float(one.molecules) for one in adducts]),
        np.array([one.mz(0.0) for one in adducts]),
        np.array([float(abs(one.charge)) for one in adducts]),
    )


@cache
def _adducts(polarity: int) -> tuple[Adduct, ...]:
    adducts = (parse_adduct(text) for text in USUAL)
    return tuple(one for one in adducts if one.polarity == (polarity or 1))
