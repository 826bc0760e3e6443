"""Which product-ion spectrum of each molecule finds most in the libraries, and what it finds.

Promises: every spectrum of a molecule is searched, and their mean besides; what was isolated with it is taken
out first; a molecule without a spectrum of its own takes that of the ion in whose window it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from library.liquid.measured import Measured
from library.record import SpectrumKind
from library.release import Release
from library.search.chimeric import unmixed
from library.search.msms import Hit, Query, search
from library.statement import THRESHOLDS
from spectra.chromatography.tandem import Products
from spectra.similarity.accurate import Tolerance, ToleranceUnit
from spectra.similarity.cleaning import clean_spectrum

RULE = THRESHOLDS[SpectrumKind.MSMS]
# Where isotopes agree with the formula they are evidence of their own, and the product ions may agree less:
# of 64 drugs that the library lacks, none more was named at 600 than at 750 (tests/benchmarks/bench_lcms.py).
WITH_ISOTOPES = replace(RULE, least_score=600.0)
NEAR_S = 30.0  # of an apex: scans of another ion that still show this one


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A spectrum searched for a molecule, what was found, and which precursors were taken out of it."""

    query: Query
    products: Products
    co_isolated: tuple[float, ...]
    hits: list[Hit]


def best_spectra(releases: Sequence[Release], measured: Sequence[Measured]) -> list[Asked | None]:
    """For each molecule the spectrum that finds most, and what it finds."""
    tolerance = Tolerance(10, ToleranceUnit.PPM)
    asked: list[tuple[int, Query, Products, tuple[float, ...]]] = []
    for number, one in enumerate(measured):
        for products in _with_all(one.products or _shared(one, measured)):
            spectrum = products.spectrum
            if products.others:
                everyone = [products.precursor_mz, *products.others]
                spectrum = unmixed(releases, spectrum, everyone, products.shares, one.polarity)[0]
            mz = None if np.isnan(products.precursor_mz) else products.precursor_mz
            asked.append((number, Query(spectrum, mz, one.polarity), products, products.others))
    known = [k for k, (_, query, _, _) in enumerate(asked) if query.precursor_mz is not None]
    hits: dict[int, list[Hit]] = dict(
        zip(
            known,
            search(releases, [asked[k][1] for k in known], precursor_tolerance=tolerance),
            strict=True,
        )
    )
    best: list[Asked | None] = [None] * len(measured)
    for k, (number, query, products, others) in enumerate(asked):
        new, held = Asked(query, products, others, hits.get(k, [])), best[number]
        if held is None or _worth(new) > _worth(held):
            best[number] = new
    return best


def _shared(one: Measured, measured: Sequence[Measured]) -> tuple[Products, ...]:
    """Spectra of another ion in whose isolation window this one was, as if they were its own."""
    if one.feature is None:
        return ()
    mz = one.feature.mz
    held = [each for other in measured for each in other.products if mz in each.others]
    return tuple(
        _turned(each, mz) for each in held if each.rt_s and abs(each.rt_s - one.feature.rt_s) < NEAR_S
    )


def _turned(products: Products, mz: float) -> Products:
    """The same spectrum as that of the co-isolated ion."""
    ions = (products.precursor_mz, *products.others)
    place = ions.index(mz)
    others = tuple(each for each in ions if each != mz)
    shares = (products.shares[place], *(s for k, s in enumerate(products.shares) if k != place))
    return replace(products, precursor_mz=mz, others=others, shares=shares)


def _worth(asked: Asked) -> tuple[bool, float]:
    """Spectra on which something can be named come first."""
    if not asked.hits:
        return False, -1.0
    best = asked.hits[0]
    return best.score >= WITH_ISOTOPES.least_score and ions_of(best) >= RULE.least_ions, best.score


def ions_of(hit: Hit) -> int:
    """Product ions in common, and the isolated ion itself, whose mass agrees."""
    return hit.matched_ions + 1


def _with_all(products: Sequence[Products]) -> list[Products]:
    """Spectra of several energies, and their mean besides."""
    if len(products) < 2:
        return list(products)
    mz = np.concatenate([one.spectrum.mz for one in products])
    shares = [one.spectrum.intensity / (one.spectrum.intensity.sum() or 1.0) for one in products]
    mean = clean_spectrum(mz, np.concatenate(shares), products[0].precursor_mz, floor=0.0)
    return [*products, replace(products[0], spectrum=mean, collision_ev=float("nan"))]
