"""What was measured in an LC-MS run: molecules with their product-ion spectra, of one polarity.

Promises: each feature belongs to one molecule; a list of spectra without a time axis gives a molecule for
each; what is odd about the run (no full scan, nothing that rises, a detector at its limit) is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from library.ions import Molecule, molecules, with_fragments
from spectra.chromatography.features import Feature, Features, find_features
from spectra.chromatography.points import Points
from spectra.chromatography.tandem import Products, attach, together
from spectra.model import Floats, ScanTable

MOST_FEATURES = 600  # the strongest; what is weaker counts as signal only
MOST_LISTED = 1000  # spectra of a list without time axis: an answer is no library
UNIT_RESOLUTION = (
    "the masses are of unit resolution: they tell no formula, and cannot be compared with accurate references"
)
FLAT = 0.5  # of the scans above half height within 3 % of the apex: a detector at its limit
SMALLEST_PPM = 5.0
MOST_UNKNOWN = 30  # components without candidate and product ions that are listed, and at least


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A molecule and its product-ion spectra."""

    molecule: Molecule | None
    feature: Feature | None
    area: float
    products: tuple[Products, ...]
    polarity: int


def some_scans(scans: ScanTable, keep: np.ndarray) -> ScanTable:
    """Some of the scans."""
    if bool(keep.all()):
        return scans
    counts = np.diff(scans.offset)
    points, rows = np.repeat(keep, counts), np.flatnonzero(keep)
    offset = np.concatenate(([0], np.cumsum(counts[rows])))
    return ScanTable(
        scans.rt_s[rows],
        offset,
        scans.mz[points],
        scans.intensity[points],
        scans.ms_level[rows],
        scans.precursor_mz[rows],
        scans.polarity[rows],
        scans.collision_ev[rows],
    )


def measure(scans: ScanTable, polarity: int) -> tuple[tuple[Measured, ...], float, list[str]]:
    """Molecules with their product ions, the signal in counts·s, and what is odd about the run."""
    if not scans.has_time:
        return tuple(_untimed(scans, polarity)), 1.0, _of_list(scans)
    gentle, hard = _energies(scans)
    features = find_features(gentle) if len(gentle) else Features((), 0.0, SMALLEST_PPM, True)
    if not features.accurate:
        return tuple(_plain(features, polarity)), features.signal, [UNIT_RESOLUTION]
    ions, ppm = features.ions[:MOST_FEATURES], features.tolerance_ppm
    attached = attach(scans.level(2), ions, ppm)
    of = {k: tuple(found) for k, found in attached.of.items()}
    if len(hard):
        of |= _all_ion(gentle, hard, ions, ppm, of)
    strongest = {k: max(found, key=lambda one: one.spectrum.intensity.sum()) for k, found in of.items()}
    gathered = molecules(ions, polarity, ppm)
    gathered = with_fragments(gathered, ions, {k: one.spectrum for k, one in strongest.items()}, ppm)
    measured = [_measured(one, ions, of, polarity) for one in gathered]
    measured += [Measured(None, None, 0.0, tuple(own), polarity) for own in attached.alone]
    return tuple(measured), features.signal, _notes(gentle, features)


def _measured(
    one: Molecule, ions: Sequence[Feature], of: dict[int, tuple[Products, ...]], polarity: int
) -> Measured:
    products = next((of[k] for k in one.ions if k in of), ())
    area = sum(ions[k].area for k in one.ions)
    return Measured(one, ions[one.ions[0]], area, products, polarity)


def _plain(features: Features, polarity: int) -> list[Measured]:
    return [
        Measured(Molecule(one.mz, (k,), ("",)), one, one.area, (), polarity)
        for k, one in enumerate(features.ions[:MOST_UNKNOWN])
    ]


def _untimed(scans: ScanTable, polarity: int) -> list[Measured]:
    """Each spectrum of a list as a molecule of its own; all count the same."""
    nan = float("nan")
    found = []
    for scan in range(min(len(scans), MOST_LISTED)):
        spectrum, mz = scans.spectrum(scan), float(scans.precursor_mz[scan])
        if len(spectrum):
            energy = float(scans.collision_ev[scan])
            products = Products(mz, nan, energy, spectrum, 1, (), (1.0,))
            found.append(Measured(None, None, 1.0 / len(scans), (products,), polarity))
    return found


def _of_list(scans: ScanTable) -> list[str]:
    if len(scans) <= MOST_LISTED:
        return []
    return [
        f"of {len(scans)} spectra the first {MOST_LISTED} were compared; `xbt library search` takes them all"
    ]


def _energies(scans: ScanTable) -> tuple[ScanTable, ScanTable]:
    """Full scans of low energy, and all-ion scans: those of higher energy without an isolated precursor."""
    full = np.isnan(scans.precursor_mz)
    energy = np.where(np.isnan(scans.collision_ev), 0.0, scans.collision_ev)
    lowest = energy[full & (scans.ms_level == 1)].min(initial=np.inf)
    gentle = full & (scans.ms_level == 1) & (energy <= lowest)
    return some_scans(scans, gentle), some_scans(scans, full & ~gentle)


def _all_ion(
    gentle: ScanTable,
    hard: ScanTable,
    ions: Sequence[Feature],
    ppm: float,
    known: dict[int, tuple[Products, ...]],
) -> dict[int, tuple[Products, ...]]:
    """Product ions that go with features that have none of their own."""
    low, found = Points(gentle), dict[int, tuple[Products, ...]]()
    scans = np.arange(len(gentle))
    levels = [(one, Points(some_scans(hard, _energy_of(hard) == one))) for one in np.unique(_energy_of(hard))]
    for k, ion in enumerate(ions):
        if k in known:
            continue
        reach = ion.mz * ppm * 1e-6
        profile = low.between(scans, np.full(len(scans), ion.mz - reach), np.full(len(scans), ion.mz + reach))
        own = [together(high, ion, profile, gentle.rt_s, ppm, float(energy)) for energy, high in levels]
        found[k] = tuple(one for one in own if one is not None)
    return {k: own for k, own in found.items() if own}


def _energy_of(scans: ScanTable) -> Floats:
    return np.where(np.isnan(scans.collision_ev), 0.0, scans.collision_ev)


def _notes(gentle: ScanTable, features: Features) -> list[str]:
    if not len(gentle):
        return ["there is no full scan: amounts and isotopes are not known"]
    if not features.ions:
        return ["no ion rises and falls: a blank, or nothing reached the instrument"]
    flat = [one for one in features.ions[:5] if _flat(gentle, one)]
    if flat:
        masses = ", ".join(f"{one.mz:.4f}" for one in flat)
        return [f"overloaded: m/z {masses} stays at its highest value; its mass and isotopes may be wrong"]
    return []


def _flat(gentle: ScanTable, one: Feature) -> bool:
    """Whether a peak has no top."""
    scans = np.flatnonzero((gentle.rt_s >= one.rt_start_s) & (gentle.rt_s <= one.rt_end_s))
    reach = np.full(len(scans), one.mz * SMALLEST_PPM * 4e-6)
    seen = Points(gentle).between(scans, one.mz - reach, one.mz + reach)
    upper = seen[seen >= one.height / 2]
    return len(upper) >= 6 and float((upper >= 0.97 * upper.max()).mean()) >= FLAT
