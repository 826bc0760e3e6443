"""Product-ion spectra brought to the ions of a run that they were made of.

Promises: scans of one ion and one energy are summed, the nearest to its apex first; what else stood in the
isolation window at that time is told with its share; where nothing was isolated (all-ion modes), product ions
are those that rise and fall with the ion. Refuses to guess a precursor that a scan does not tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spectra.chromatography.features import Feature
from spectra.chromatography.isotopologues import HEAVY, NEUTRON
from spectra.chromatography.points import Points
from spectra.model import Floats, Ints, MassSpectrum, ScanTable, spectrum_from_peaks

ISOLATION_TH = 0.8  # half width; files seldom tell, instruments isolate 0.5 to 1
ISOTOPES = (NEUTRON, 2 * NEUTRON, 3 * NEUTRON, *HEAVY, NEUTRON + HEAVY[1])
SUMMED = 5  # scans of one energy that are summed
LEAST_CO_ISOLATED = 0.02  # of what the isolation window held
LEAST_TOGETHER = 0.85  # correlation of elution profiles
LEAST_PRODUCT = 0.005  # of the strongest ion of an all-ion scan


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """One summed product-ion spectrum.

    Parameters
    ----------
    precursor_mz : Th, of the feature; where there is none, as the scans tell.
    rt_s : of the scan nearest to the apex.
    collision_ev : NaN where the scans do not tell.
    spectrum : summed counts. scans : how many were summed.
    others : m/z in Th of further features in the isolation window, by falling share.
    shares : of the feature itself and then of them, 0..1 of what the window held.
    """

    precursor_mz: float
    rt_s: float
    collision_ev: float
    spectrum: MassSpectrum
    scans: int
    others: tuple[float, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Attached:
    """``of`` : by place of the feature its spectra, ascending energy; ``alone`` : those of no feature."""

    of: dict[int, list[Products]]
    alone: list[list[Products]]


def attach(
    scans: ScanTable, features: Sequence[Feature], ppm: float, isolation: float = ISOLATION_TH
) -> Attached:
    """Bring scans that tell a precursor to their features.

    A scan belongs to the feature that is there when it is taken and has its precursor's m/z within ``ppm``,
    else to the strongest within ``isolation`` Th if none is that near (instruments may tell the middle of the
    window only). Scans of heavier isotopologues are left out: they show the same ions once more.
    """
    places = np.flatnonzero(~np.isnan(scans.precursor_mz))
    mz = np.array([one.mz for one in features])
    owner: dict[tuple[int, float], list[int]] = defaultdict(list)
    stray: list[int] = []
    for scan in places.tolist():
        found = _feature_of(scans, scan, features, mz, ppm, isolation)
        if found < 0:
            if not _is_isotopologue(scans, scan, features, mz, ppm):
                stray.append(scan)
        else:
            owner[found, _energy(scans.collision_ev[scan])].append(scan)
    of: dict[int, list[Products]] = defaultdict(list)
    for (feature, energy), own in sorted(owner.items()):
        of[feature].append(_summed(scans, own, energy, feature, features, mz, isolation))
    return Attached(dict(of), _strays(scans, stray))


def together(
    points: Points, feature: Feature, gentle: Floats, gentle_s: Floats, ppm: float, energy: float
) -> Products | None:
    """The product ions of all-ion scans that rise and fall with a feature.

    Parameters
    ----------
    points : of the scans of high energy.
    gentle, gentle_s : (scans,) the feature's chromatogram at low energy and its times, s.

    Returns
    -------
    None where fewer than four scans cover the feature, or no ion goes with it.
    """
    table = points.table
    reach = max(feature.fwhm_s, 1.0) * 1.5
    window = np.flatnonzero(np.abs(table.rt_s - feature.rt_s) <= reach)
    if len(window) < 4:
        return None
    apex = int(window[np.abs(table.rt_s[window] - feature.rt_s).argmin()])
    ions = table.spectrum(apex)
    kept = (ions.intensity >= LEAST_PRODUCT * ions.base_peak) & (ions.mz <= feature.mz + 0.5)
    mz, height = ions.mz[kept], ions.intensity[kept]
    half = mz * max(ppm, 10.0) * 1e-6
    scan = np.broadcast_to(window[:, None], (len(window), len(mz)))
    profiles = points.between(
        scan, np.broadcast_to(mz - half, scan.shape), np.broadcast_to(mz + half, scan.shape)
    )
    own = np.interp(table.rt_s[window], gentle_s, gentle)
    with_it = _correlation(profiles, own) >= LEAST_TOGETHER
    if not with_it.any():
        return None
    spectrum = spectrum_from_peaks(mz[with_it], height[with_it])
    return Products(feature.mz, float(table.rt_s[apex]), energy, spectrum, 1, (), (1.0,))


def _correlation(profiles: Floats, own: Floats) -> Floats:
    """(ions,) Pearson's r of each column with ``own``, 0 where either is flat."""
    a, b = profiles - profiles.mean(axis=0), own - own.mean()
    norm = np.sqrt((a**2).sum(axis=0) * (b**2).sum())
    return np.asarray((a * b[:, None]).sum(axis=0) / np.where(norm > 0, norm, np.inf), np.float64)


def _energy(value: float) -> float:
    return float("nan") if np.isnan(value) else round(float(value), 1)


def _feature_of(
    scans: ScanTable, scan: int, features: Sequence[Feature], mz: Floats, ppm: float, isolation: float
) -> int:
    """Place of the feature a scan was made of, −1 if there is none."""
    if not len(mz):
        return -1
    told, time = scans.precursor_mz[scan], scans.rt_s[scan]
    away = np.abs(mz - told)
    for reach in (max(told * ppm * 1e-6, 0.005), isolation):
        near = [k for k in np.flatnonzero(away <= reach).tolist() if _there(features[k], time)]
        if near:
            return max(near, key=lambda k: features[k].height * _fallen(features[k], time))
    return -1


def _is_isotopologue(
    scans: ScanTable, scan: int, features: Sequence[Feature], mz: Floats, ppm: float
) -> bool:
    told, time = scans.precursor_mz[scan], scans.rt_s[scan]
    reach = max(told * ppm * 1e-6, 0.005)
    lighter = np.concatenate([np.abs(mz + shift - told) <= reach for shift in ISOTOPES]).nonzero()[0]
    return any(_there(features[k % len(mz)], time) for k in lighter.tolist())


def _there(feature: Feature, time: float) -> bool:
    return feature.rt_start_s - feature.fwhm_s <= time <= feature.rt_end_s + feature.fwhm_s


def _fallen(feature: Feature, time: float) -> float:
    """0..1 of a feature's height that a peak of its width still has at ``time``."""
    sigma = max(feature.fwhm_s, 0.5) / 2.355
    return float(np.exp(-0.5 * ((time - feature.rt_s) / sigma) ** 2))


def _summed(
    scans: ScanTable,
    own: Sequence[int],
    energy: float,
    feature: int,
    features: Sequence[Feature],
    mz: Floats,
    isolation: float,
) -> Products:
    this = features[feature]
    nearest = sorted(own, key=lambda scan: abs(scans.rt_s[scan] - this.rt_s))[:SUMMED]
    time = float(scans.rt_s[nearest[0]])
    inside = [k for k in np.flatnonzero(np.abs(mz - this.mz) <= isolation).tolist() if k != feature]
    held = {k: features[k].height * _fallen(features[k], time) for k in inside if _there(features[k], time)}
    whole = this.height * _fallen(this, time) + sum(held.values())
    shares = {k: value / whole for k, value in held.items() if value >= LEAST_CO_ISOLATED * whole}
    others = sorted(shares, key=lambda k: -shares[k])
    return Products(
        precursor_mz=this.mz,
        rt_s=time,
        collision_ev=energy,
        spectrum=_sum(scans, nearest),
        scans=len(nearest),
        others=tuple(features[k].mz for k in others),
        shares=(1 - sum(shares.values()), *(shares[k] for k in others)),
    )


def _sum(scans: ScanTable, chosen: Sequence[int]) -> MassSpectrum:
    pieces = [slice(int(scans.offset[k]), int(scans.offset[k + 1])) for k in chosen]
    return spectrum_from_peaks(
        np.concatenate([scans.mz[piece] for piece in pieces]),
        np.concatenate([scans.intensity[piece] for piece in pieces]),
    )


def _strays(scans: ScanTable, stray: Sequence[int]) -> list[list[Products]]:
    """Scans of no feature by precursor (0.01 Th) and energy, the strongest first summed."""
    groups: dict[float, dict[float, list[int]]] = defaultdict(lambda: defaultdict(list))
    total = scans.total_ion_current()
    for scan in stray:
        if total[scan] > 0:
            place = round(float(scans.precursor_mz[scan]), 2)
            groups[place][_energy(scans.collision_ev[scan])].append(scan)
    return [
        [_of_scans(scans, by_energy[energy], energy, total) for energy in sorted(by_energy)]
        for _, by_energy in sorted(groups.items())
    ]


def _of_scans(scans: ScanTable, own: Sequence[int], energy: float, total: Floats) -> Products:
    strong: Ints = np.array(sorted(own, key=lambda scan: -total[scan])[:SUMMED])
    return Products(
        precursor_mz=float(np.median(scans.precursor_mz[strong])),
        rt_s=float(scans.rt_s[strong[0]]),
        collision_ev=energy,
        spectrum=_sum(scans, strong.tolist()),
        scans=len(strong),
        others=(),
        shares=(1.0,),
    )
