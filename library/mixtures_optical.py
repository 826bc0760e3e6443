"""What an infrared or Raman spectrum is a mixture of, over several releases, with shares and what could hide.

Promises: every compound takes one place; materials the spectrum cannot separate are named together; each
share has an interval; for the substances on the watch list, the share below which this very measurement
would not have shown them. Refuses to search a spectrum that holds nothing to search: an empty crystal,
noise, a saturated or an inverted one; its state says so.

Shares are of the absorbance (Raman: of the scattering), not by weight: how strongly materials absorb
differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from library.index.profiles import PLAIN, derived
from library.record import SpectrumKind
from library.release import Reference, Release
from library.search.optical import AXES
from library.substances import load_substances
from spectra.model import Floats, OpticalSpectrum
from spectra.optical.conditioning import Conditioned, State, baseline, condition
from spectra.optical.grid import Grid
from spectra.optical.hidden import hidden_below
from spectra.optical.mixture import Unmixed, unmix
from spectra.optical.shifts import MOVES
from spectra.optical.significance import Settings
from spectra.similarity.optical import CommonAxis, Profile, derivative, profile

LEAST_SHARE = 0.01  # below, a part cannot be told from a flaw in the form of the other references
AREA_KNOWN = 0.03  # relative uncertainty of the area of a reference's bands, from its baseline
REFERENCES_KEPT = 300  # of each release, moved along the axis: 90 kB each; most samples hold the same few
LEAST_COVERED = 0.9  # of a query's range that a reference must cover to be a part of it


_moved_of: WeakKeyDictionary[Release, dict[tuple[int, int], Floats]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, eq=False)
class Constituent:
    """One material in the mixture.

    Parameters
    ----------
    references : it, then what it cannot be told from here, one for each compound, best first.
    share, low, high : 0..1 of the spectrum's absorbance; 95 % interval. It holds the scatter of the fit, what
        baselines leave open, and that what is not explained may belong to it; not how strongly it absorbs.
    shift_cm1 : by how much its bands lie higher than the reference's.
    f_value : how much worse the fit is without it.
    likeness : 0..1000, hit quality index of the reference and what the other constituents leave.
    curve : (n,) float64, its part of the absorbance on the common axis.
    """

    references: tuple[Reference, ...]
    share: float
    low: float
    high: float
    shift_cm1: float
    f_value: float
    likeness: float
    curve: Floats


@dataclass(frozen=True, slots=True)
class Hidden:
    """A substance that was not found: below ``share``, 0..1, it would not have been; 1 is any share."""

    key: str
    name: str
    inchikey: str
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """A spectrum taken apart.

    Parameters
    ----------
    constituents : greatest share first; none where nothing stood out or the state is not ``measured``.
    explained : 0..1 of the amplitude of the spectrum's slope that the constituents give, noise taken off.
    residual : (n,) float64, signal less all constituents, on the common axis.
    hidden : substances of the watch list that the releases hold, by name.
    """

    conditioned: Conditioned
    constituents: tuple[Constituent, ...]
    explained: float
    residual: Floats
    hidden: tuple[Hidden, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """An amount of 1 of one row: as absorbance, and the area of that."""

    curve: Floats  # (n,), above its baseline
    strength: float  # > 0


class _Rows:
    """The rows of all releases in one numbering; what is known of a row is worked out once."""

    def __init__(
        self, releases: Sequence[Release], kind: SpectrumKind, axis: CommonAxis, window: int
    ) -> None:
        self.axis, self.window = axis, window
        self.releases = [release for release in releases if len(release.rows(kind))]
        self._index = [release.index(kind) for release in self.releases]
        self._first = [int(release.rows(kind)[0]) for release in self.releases]
        self._ends = np.cumsum([0, *(len(index["first"]) for index in self._index)])
        self.blocks = [index[derived(window)] for index in self._index]
        self.watched: dict[str, list[int]] = {}  # rows of substances on the watch list
        for release, start in zip(self.releases, self._ends, strict=False):
            for key, numbers in _watched(release, kind).items():
                self.watched.setdefault(key, []).extend(int(start) + number for number in numbers)
        self._known: dict[int, _Row] = {}

    def __len__(self) -> int:
        return int(self._ends[-1])

    def usable(self, one: Profile) -> np.ndarray:
        """(rows,) bool: those measured over nearly all of the range of the query."""
        if not len(self):
            return np.zeros(0, bool)
        first = np.concatenate([index["first"] for index in self._index])
        last = np.concatenate([index["last"] for index in self._index])
        common = np.minimum(last, one.last) - np.maximum(first, one.first)
        return np.asarray(common >= LEAST_COVERED * len(one))

    def slope(self, row: int) -> Floats:
        place, inside = self._where(row)
        return np.asarray(self.blocks[place][inside], np.float64)

    def __getitem__(self, row: int) -> _Row:
        if row not in self._known:
            self._known[row] = self._made(row)
        return self._known[row]

    def moved(self, row: int) -> Floats:
        """(moves, n) float64: the slope of the reference as it was measured, moved; in the row's unit."""
        place, inside = self._where(row)
        release = self.releases[place]
        kept = _moved_of.setdefault(release, {})
        key = (self._first[place] + inside, self.window)
        if key not in kept:
            while len(kept) >= REFERENCES_KEPT:
                kept.pop(next(iter(kept)))
            kept[key] = self._read_moved(row)
        return kept[key]

    def _read_moved(self, row: int) -> Floats:
        curve = self.entry(row).curve
        if curve is None:
            raise TypeError(row)
        slopes = [
            derivative(profile(curve, self.axis, shift=-float(move)), self.axis, self.window)
            for move in MOVES
        ]
        still = slopes[len(MOVES) // 2]
        inside = still.y[still.first : still.last]
        return np.array([one.y for one in slopes]) / (float(np.linalg.norm(inside - inside.mean())) or 1.0)

    def entry(self, row: int) -> Reference:
        place, inside = self._where(row)
        return self.releases[place].entry(self._first[place] + inside)

    def compound(self, row: int) -> int:
        place, inside = self._where(row)
        return int(self.releases[place].compound_key[self._first[place] + inside])

    def _where(self, row: int) -> tuple[int, int]:
        place = int(np.searchsorted(self._ends, row, side="right")) - 1
        return place, row - int(self._ends[place])

    def _made(self, row: int) -> _Row:
        place, inside = self._where(row)
        index = self._index[place]
        plain = np.asarray(index[PLAIN][inside], np.float64)
        one = Profile(plain, int(index["first"][inside]), int(index["last"][inside]))
        slope = derivative(one, self.axis, self.window).y[one.first : one.last]
        length = float(np.linalg.norm(slope - slope.mean())) or 1.0
        curve = (plain - baseline(one, self.axis)) / length
        area = self.axis.step * float(curve.sum())
        return _Row(curve, max(area, 1e-12))


def unmix_spectrum(
    releases: Sequence[Release],
    spectrum: OpticalSpectrum,
    *,
    kind: SpectrumKind = SpectrumKind.INFRARED,
    settings: Settings | None = None,
) -> Mixture:
    """The materials that a spectrum is a mixture of.

    Raises
    ------
    InvalidMeasurement : see `spectra.similarity.optical.profile`.
    """
    axis, chosen = AXES[kind], settings or Settings()
    ready = condition(spectrum, axis)
    rows = _Rows(releases, kind, axis, ready.window)
    if ready.state is not State.MEASURED or not len(rows):
        return Mixture(ready, (), 0.0, ready.signal, ())
    grid = Grid(axis.parts, axis.step, ready.keep)
    usable = rows.usable(ready.profile)
    found = unmix(ready.slope, rows.blocks, grid, usable=usable, load=rows.moved, settings=chosen)
    explained = _explained(ready, grid, found)
    constituents = _constituents(rows, found, explained)
    residual = ready.signal - sum((one.curve for one in constituents), np.zeros(len(axis)))
    area = sum(rows[part.row].strength * part.amount for part in found.parts) / max(explained, 1e-6)
    told = {reference.parent for one in constituents for reference in one.references}

    def limit(row: int) -> float:
        if not usable[row]:
            return np.inf
        return hidden_below(found, rows.slope(row), grid, references=int(usable.sum()), settings=chosen)

    hidden = _hidden(rows, area, told, limit)
    return Mixture(ready, constituents, explained, residual, hidden)


def _explained(ready: Conditioned, grid: Grid, found: Unmixed) -> float:
    """1 − √(left over / all), both as sums of squares of the slope without what noise gives."""
    if not found.parts:
        return 0.0
    window, step = ready.window, grid.step
    chance = ready.noise**2 * 12 / (window * (window**2 - 1)) / step**2 * int(grid.keep.sum())
    whole = grid.centred(ready.slope)
    all_of_it = max(float(whole @ whole) - chance, np.finfo(float).tiny)
    left = max(float(found.residual @ found.residual) - chance, 0.0)
    return float(1 - np.sqrt(min(left / all_of_it, 1.0)))


def _constituents(rows: _Rows, found: Unmixed, explained: float) -> tuple[Constituent, ...]:
    """Parts of one compound together, greatest share first."""
    if not found.parts:
        return ()
    areas = np.array([rows[part.row].strength for part in found.parts])
    contributions = areas * np.array([part.amount for part in found.parts])
    total = float(contributions.sum())
    shares = explained * contributions / total
    jacobian = explained / total * (np.eye(len(shares)) - contributions[:, None] / total)
    spread = jacobian @ (found.covariance * np.outer(areas, areas)) @ jacobian.T
    groups: dict[int, list[int]] = {}
    for k, part in enumerate(found.parts):
        groups.setdefault(rows.compound(part.row), []).append(k)
    open_ = np.hypot(AREA_KNOWN, 1 - explained) / 1.96 * np.diag(shares)
    spread = spread + open_ @ open_
    made = [_constituent(rows, found, members, shares, spread) for members in groups.values()]
    return tuple(sorted((one for one in made if one.share >= LEAST_SHARE), key=lambda one: -one.share))


def _constituent(
    rows: _Rows, found: Unmixed, members: list[int], shares: Floats, spread: Floats
) -> Constituent:
    parts = [found.parts[k] for k in members]
    share = float(shares[members].sum())
    margin = 1.96 * float(np.sqrt(max(spread[np.ix_(members, members)].sum(), 0.0)))
    curves = [part.amount * _moved(rows[part.row].curve, part.shift_cm1, rows.axis) for part in parts]
    return Constituent(
        references=_references(rows, [row for part in parts for row in (part.row, *part.alike)]),
        share=share,
        low=max(0.0, share - margin),
        high=min(1.0, share + margin),
        shift_cm1=parts[0].shift_cm1,
        f_value=max(part.f_value for part in parts),
        likeness=max(part.likeness for part in parts),
        curve=np.sum(curves, axis=0),
    )


def _references(rows: _Rows, numbers: Sequence[int]) -> tuple[Reference, ...]:
    """One reference for each compound, in order."""
    first: dict[int, int] = {}
    for row in numbers:
        first.setdefault(rows.compound(row), row)
    return tuple(rows.entry(row) for row in first.values())


def _moved(curve: Floats, shift: float, axis: CommonAxis) -> Floats:
    out = np.zeros(len(curve))
    for part in axis.parts:
        out[part] = np.interp(axis.x[part] - shift, axis.x[part], curve[part])
    return out


def _hidden(rows: _Rows, area: float, told: Set[str], limit: Callable[[int], float]) -> tuple[Hidden, ...]:
    """For each substance of the watch list that was not told, the reference that is found last decides.

    ``area`` is that of the whole spectrum; ``limit`` gives the least amount of a row that is found.
    """
    known, listed = load_substances(), []
    for key, numbers in rows.watched.items():
        substance = known.by_key(key)
        if substance is None or key in told:
            continue
        areas = [limit(row) * rows[row].strength for row in numbers]
        share = max((one / (one + area) if np.isfinite(one) else 1.0 for one in areas), default=1.0)
        listed.append(Hidden(key, substance.name_en, substance.inchikey, max(float(share), LEAST_SHARE)))
    return tuple(sorted(listed, key=lambda one: one.name.casefold()))


_watched_of: WeakKeyDictionary[Release, dict[SpectrumKind, dict[str, list[int]]]] = WeakKeyDictionary()


def _watched(release: Release, kind: SpectrumKind) -> dict[str, list[int]]:
    """Rows of a kind, counted from its first, of substances on the watch list, by key."""
    of_kinds = _watched_of.setdefault(release, {})
    if kind not in of_kinds:
        watched = {one.key for one in load_substances() if one.watch}
        of_kinds[kind] = {}
        for row, entry in enumerate(release.rows(kind)):
            parent = release.text("parent", int(entry))
            if parent in watched:
                of_kinds[kind].setdefault(parent, []).append(row)
    return of_kinds[kind]
