"""Several substances in one electron-ionisation spectrum: which, and how much of it each explains.

Promises: each part carries how well it matches what the others leave of the spectrum, how much worse the fit
is without it, and the isomers it cannot be told from; a further part is told only where the chance that it is
there reaches `CHANCE`. Refuses entries that list principal ions only: what they do not tell would have
to come from other parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from library.groups import isomer_group
from library.record import SpectrumKind
from library.release import Reference, Release
from library.search.ei import ISOTOPOLOGUE_HANDICAP, Hit
from spectra.model import Floats, Ints, MassSpectrum, spectrum_from_peaks
from spectra.similarity.mass import UnitSpectrum, UnitTable, unit_mass
from spectra.similarity.match_factor import flat_ions, match_factors, summed
from spectra.similarity.tilt import levelled

# By which an ion of one substance differs between instruments: a share of it, and at least so much of 999.
SPREAD, FLOOR = 0.1, 2.0
MASS_POWER = 0.5  # heavy ions tell more; (m/100) to this power weighs a residual
PROMISING = 1500  # entries that share enough with the spectrum to be looked at again
TRIED = 16  # entries that are fitted together with the other parts at each step
SWEEPS = 3  # times every part is sought again
MOST = 4  # parts; what one spectrum can tell apart
LEAST_MATCH = 400.0  # match factor with what the others leave: below, a part has no name

# Log odds that a further part is there, fitted to sums of one to three replicate spectra of one half of the
# compounds (tests/benchmarks/bench_gcms.py reports the other half): how much worse the fit is without the
# part, its ions that the others hardly touch, its likeness to them, its reverse match with what they leave.
CHANCE = 0.3  # of the other half of the compounds, about nine in ten of the parts told are then right
_ODDS = {"start": -6.7, "log_worse": 3.8, "log_own_ions": 1.25, "likeness": -5.2, "reverse": 6.3}
OWN_ION = 5.0  # of 999: an ion of a part that counts as its own where it is twice all others'


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One substance of a mixture.

    Parameters
    ----------
    reference : the library spectrum that fits; ``group`` what it cannot be told from, itself first.
    share : 0..1 of the fitted intensity.
    match_factor, reverse_match_factor : 0..1000, with what the other parts leave of the spectrum.
    worse : ≥ 1, by which factor the sum of squared residuals grows without this part.
    own_ions : masses that this part explains and the others hardly touch.
    spectrum : what the others leave, where this part is more than a fifth of them.
    chance : 0..1 that a substance of the group is there; 1 for the only part.
    """

    reference: Reference
    group: tuple[Reference, ...]
    share: float
    match_factor: float
    reverse_match_factor: float
    worse: float
    own_ions: tuple[int, ...]
    spectrum: MassSpectrum
    chance: float

    @property
    def named(self) -> bool:
        """Whether it matches well enough to be given a name."""
        return self.match_factor >= LEAST_MATCH


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """What a spectrum is made of, the largest part first; ``residual`` is what no part explains.

    ``explained`` : 0..1 of the intensity where the spectrum was scanned.
    """

    parts: tuple[Part, ...]
    explained: float
    residual: MassSpectrum


@dataclass(frozen=True, slots=True, eq=False)
class _Entries:
    """EI entries of a release that may be fitted, their ions flat."""

    release: Release
    row: Ints  # of the unit spectra
    compound: np.ndarray
    handicap: Floats  # 0..1 of the gain that an isotopologue loses
    owner: Ints  # of each ion, place in ``row``
    mass: Ints
    intensity: Floats

    def only(self, keep: Ints) -> _Entries:
        """Some of the entries, ``keep`` ascending."""
        place = np.full(len(self.row), -1)
        place[keep] = np.arange(len(keep))
        ions = np.flatnonzero(place[self.owner] >= 0)
        return _Entries(
            self.release,
            self.row[keep],
            self.compound[keep],
            self.handicap[keep],
            place[self.owner[ions]],
            self.mass[ions],
            self.intensity[ions],
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Target:
    """A spectrum on whole masses 0..width − 1, and the root of the weight of each."""

    query: UnitSpectrum
    height: Floats
    root: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Parts by (library, entry) and how much of each; ``misfit`` is the weighted sum of squared residuals."""

    chosen: tuple[tuple[int, int], ...]
    amount: Floats
    misfit: float


_opened: WeakKeyDictionary[Release, _Entries] = WeakKeyDictionary()


def unmix(
    releases: Sequence[Release], spectrum: MassSpectrum, *, mz_low: float | None = None, most: int = MOST
) -> Mixture:
    """Take a spectrum apart by the libraries.

    Parameters
    ----------
    spectrum : of one substance or of several, no time axis needed.
    mz_low : where the scan started, Th; the first ion where not given.
    most : parts at most, ≥ 1.
    """
    target = _target(unit_mass(spectrum.mz, spectrum.intensity, mz_low=mz_low))
    everything = [_entries(release) for release in releases if SpectrumKind.EI in release.kinds]
    shown = [_promising(one, target) for one in everything if len(one.row)]
    solver = _Solver(shown, target)
    fit = _Fit((), np.empty(0), float(((target.height * target.root) ** 2).sum()))
    parts: list[Part] = []
    while len(fit.chosen) < most:
        further = solver.levelled(solver.refined(solver.added(fit)))
        if len(further.chosen) == len(fit.chosen):
            break
        told = solver.parts(further, releases)
        if min(part.chance for part in told) < CHANCE:
            break
        fit, parts = further, told
    left = np.maximum(target.height - solver.sum_of(fit), 0.0)
    whole = float(target.height.sum())
    return Mixture(
        tuple(sorted(parts, key=lambda part: -part.share)),
        1.0 - float(left.sum()) / whole if whole else 0.0,
        spectrum_from_peaks(np.flatnonzero(left), left[left > 0]),
    )


def _target(query: UnitSpectrum) -> _Target:
    width = int(query.mass.max(initial=0)) + 30  # references may have ions above the spectrum's last one
    height = np.zeros(width)
    height[query.mass] = query.intensity
    root = (np.arange(width) / 100) ** MASS_POWER / (FLOOR + SPREAD * height)
    root[: query.start] = 0.0
    return _Target(query, height, root)


def _entries(release: Release) -> _Entries:
    if release not in _opened:
        number, units = release.rows(SpectrumKind.EI), release.units
        row = np.flatnonzero(~np.asarray(release.partial)[number])
        owner, ions = flat_ions(units, row)
        _opened[release] = _Entries(
            release,
            row,
            np.asarray(release.compound_key[number])[row],
            ISOTOPOLOGUE_HANDICAP / 1000 * np.asarray(release.labelled[number])[row],
            owner,
            np.asarray(units.mass)[ions].astype(np.int64),
            np.asarray(units.intensity)[ions].astype(np.float64),
        )
    return _opened[release]


def _promising(entries: _Entries, target: _Target) -> _Entries:
    gain = _gains(entries, target, target.height)
    if len(gain) <= PROMISING:
        return entries
    return entries.only(np.sort(np.argpartition(gain, -PROMISING)[-PROMISING:]))


def _gains(entries: _Entries, target: _Target, residual: Floats) -> Floats:
    """(entries,) by how much each alone lessens the misfit of ``residual``: (Σ w·r·l)² / Σ w·l²."""
    weight = np.append(target.root**2, target.root[-1] ** 2)
    rest = np.append(residual, 0.0)
    place = np.minimum(entries.mass, len(residual))
    heavy = weight[place] * entries.intensity
    along = summed(entries.owner, heavy * rest[place], len(entries.row))
    length = summed(entries.owner, heavy * entries.intensity, len(entries.row))
    return np.maximum(along, 0.0) ** 2 / np.maximum(length, 1e-12) * (1 - entries.handicap)


class _Solver:
    """The fits of one spectrum; dense spectra of entries are made once, and turned where they are parts."""

    def __init__(self, libraries: Sequence[_Entries], target: _Target) -> None:
        self.libraries = libraries
        self.target = target
        self._dense: dict[tuple[int, int], Floats] = {}

    def dense(self, entry: tuple[int, int]) -> Floats:
        if entry not in self._dense:
            self._dense[entry] = self._heights(self._unit(entry))
        return self._dense[entry]

    def _heights(self, one: UnitSpectrum) -> Floats:
        heights = np.zeros(len(self.target.height))
        inside = one.mass < len(heights)
        heights[one.mass[inside]] = one.intensity[inside]
        return heights

    def sum_of(self, fit: _Fit) -> Floats:
        total = np.zeros(len(self.target.height))
        for entry, amount in zip(fit.chosen, fit.amount, strict=True):
            total += amount * self.dense(entry)
        return total

    def fitted(self, chosen: tuple[tuple[int, int], ...]) -> _Fit:
        """Non-negative least squares of these entries."""
        root, height = self.target.root, self.target.height
        if not chosen:
            return _Fit((), np.empty(0), float(((height * root) ** 2).sum()))
        amount, norm = nnls(np.stack([self.dense(one) * root for one in chosen], axis=1), height * root)
        return _Fit(chosen, amount, float(norm**2))

    def added(self, fit: _Fit) -> _Fit:
        """The best fit with one more part; the same where none helps."""
        taken = {self._compound(entry) for entry in fit.chosen}
        tried = (
            self.fitted((*fit.chosen, entry))
            for entry in self._leading(fit)
            if self._compound(entry) not in taken
        )
        positive = [one for one in tried if one.amount[-1] > 0]
        return min(positive, key=lambda one: one.misfit, default=fit)

    def refined(self, fit: _Fit) -> _Fit:
        """Every part sought again in what the others leave, until none changes."""
        for _ in range(SWEEPS if len(fit.chosen) > 1 else 0):
            before = fit
            for entry in before.chosen:
                others = self.fitted(tuple(one for one in fit.chosen if one != entry))
                again = self.added(others)
                fit = again if again.misfit < fit.misfit * (1 - 1e-9) else fit
            if fit is before:
                break
        return fit

    def levelled(self, fit: _Fit) -> _Fit:
        """The fit with every part as this spectrum's instrument would show it (`spectra.similarity.tilt`).

        What another tuning leaves of the largest part is as much as a part of a tenth.
        """
        whole = self.sum_of(fit)
        for entry, amount in zip(fit.chosen, fit.amount, strict=True):
            own = amount * self.dense(entry)
            left = np.maximum(self.target.height - (whole - own), 0.0)
            mass = np.flatnonzero((left > 0.5) & (own > whole - own))
            query = unit_mass(mass, left[mass], mz_low=self.target.query.start)
            library = self.libraries[entry[0]]
            turned = levelled(query, library.release.units, library.row[entry[1] : entry[1] + 1])
            self._dense[entry] = self._heights(turned.row(0))
        return self.fitted(fit.chosen)

    def parts(self, fit: _Fit, releases: Sequence[Release]) -> list[Part]:
        """What may be said of every part."""
        return [self._part(fit, k, releases) for k in range(len(fit.chosen))]

    def _part(self, fit: _Fit, k: int, releases: Sequence[Release]) -> Part:
        entry, others = fit.chosen[k], fit.chosen[:k] + fit.chosen[k + 1 :]
        own = fit.amount[k] * self.dense(entry)
        rest = self.sum_of(fit) - own
        left = np.maximum(self.target.height - rest, 0.0)
        mass = np.flatnonzero(left > 0.5)
        query = unit_mass(mass, left[mass], mz_low=self.target.query.start)
        library, row = self.libraries[entry[0]], np.array([self.libraries[entry[0]].row[entry[1]]])
        match = match_factors(query, library.release.units, row)
        number = int(library.release.rows(SpectrumKind.EI)[row[0]])
        score, reverse = float(match.match_factor[0]), float(match.reverse_match_factor[0])
        hit = Hit(library.release.entry(number), score, reverse, int(match.common[0]), 0.0, score)
        own_ions = np.flatnonzero((own > OWN_ION) & (own > 2 * rest))
        worse = self.fitted(others).misfit / max(fit.misfit, 1e-9)
        likeness = self._likeness(entry, others)
        return Part(
            reference=hit.reference,
            group=isomer_group(releases, hit, query),
            share=float(own.sum() / max(float((own + rest).sum()), 1e-9)),
            match_factor=score,
            reverse_match_factor=reverse,
            worse=worse,
            own_ions=tuple(own_ions.tolist()),
            spectrum=_where(left, own > rest / 5),
            chance=_chance(worse, len(own_ions), likeness, reverse) if others else 1.0,
        )

    def _likeness(self, entry: tuple[int, int], others: Sequence[tuple[int, int]]) -> float:
        """0..1, match factor with the other part it resembles most."""
        mine = self._unit(entry)
        return max((_match(mine, self._unit(one)) for one in others), default=0.0) / 1000

    def _unit(self, entry: tuple[int, int]) -> UnitSpectrum:
        library = self.libraries[entry[0]]
        return library.release.units.row(int(library.row[entry[1]]))

    def _compound(self, entry: tuple[int, int]) -> int:
        return int(self.libraries[entry[0]].compound[entry[1]])

    def _leading(self, fit: _Fit) -> list[tuple[int, int]]:
        """Entries of different compounds that alone explain most of what is left, the best first."""
        left = self.target.height - self.sum_of(fit)
        ranked: list[tuple[float, int, int]] = []
        for place, library in enumerate(self.libraries):
            gain = _gains(library, self.target, left)
            top = np.argsort(-gain, kind="stable")[: 3 * TRIED]
            ranked += [(-float(gain[k]), place, int(k)) for k in top if gain[k] > 0]
        seen: dict[int, tuple[int, int]] = {}
        for _, place, k in sorted(ranked):
            seen.setdefault(self._compound((place, k)), (place, k))
        return list(seen.values())[:TRIED]


def _where(height: Floats, here: NDArray[np.bool_]) -> MassSpectrum:
    mass = np.flatnonzero(here & (height > 0))
    return spectrum_from_peaks(mass, height[mass])


def _match(one: UnitSpectrum, other: UnitSpectrum) -> float:
    table = UnitTable(
        np.array([0, len(other.mass)]), other.mass, other.intensity, np.array([other.start]), np.array([2])
    )
    return float(match_factors(one, table, np.array([0])).match_factor[0])


def _chance(worse: float, own_ions: int, likeness: float, reverse: float) -> float:
    odds = _ODDS["start"] + _ODDS["log_worse"] * np.log(worse) + _ODDS["log_own_ions"] * np.log1p(own_ions)
    odds += _ODDS["likeness"] * likeness + _ODDS["reverse"] * reverse / 1000
    return float(1 / (1 + np.exp(-odds)))
