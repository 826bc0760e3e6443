"""What an infrared or Raman spectrum is a mixture of, over several releases, with shares and what could hide.

Promises: every compound takes one place; materials the spectrum cannot separate are named together; each
share has an interval; for the substances on the watch list, the share below which this very measurement
would not have shown them; references measured another way (ATR, transmission) are compared as if measured
this way, and it is told. Refuses to search a spectrum that holds nothing to search: an empty crystal, noise,
a saturated or an inverted one; its state says so.

Shares are of the absorbance (Raman: of the scattering; ATR: of the absorbance that transmission would show),
not by weight: how strongly materials absorb differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from library.optical.hiding import Hidden, Seen, hidden
from library.optical.naming import LEAST_SHARE
from library.optical.rows import Rows
from library.record import SpectrumKind
from library.release import Reference, Release
from library.segments import AXES
from spectra.model import Floats, Ints, OpticalSpectrum
from spectra.optical.air import vapour_slopes
from spectra.optical.conditioning import Conditioned, State, condition
from spectra.optical.grid import Grid
from spectra.optical.mixture import Unmixed, unmix
from spectra.optical.sampling import Sampling, power
from spectra.optical.significance import Settings
from spectra.similarity.optical import CommonAxis

AREA_KNOWN = 0.03  # relative uncertainty of the area of a reference's bands, from its baseline
CLEAR = 0.98  # explained: other ways of measuring are not tried
# Of what is left unexplained otherwise: another way of measuring is taken. In 24 mixtures of each kind, of
# the half of tests/benchmarks/bench_infrared.py that serves for choosing, a wrong change left 0.97 or more
# of it, the right one less than 0.8 for 20 of 24 by ATR.
LESS_LEFT = 0.85


@dataclass(frozen=True, slots=True)
class Way:
    """How query and references were measured.

    Parameters
    ----------
    query : of the spectrum. references : of those whose record does not say.
    known : both were known beforehand for all that was compared; otherwise what fits best was taken.
    changed : some references were compared as if measured the other way.
    """

    query: Sampling
    references: Sampling
    known: bool
    changed: bool


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


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """A spectrum taken apart.

    Parameters
    ----------
    constituents : greatest share first; none where nothing stood out or the state is not ``measured``.
    explained : 0..1 of the amplitude of the spectrum's slope that the constituents give, noise taken off.
    residual : (n,) float64, signal less all constituents, on the common axis.
    hidden : substances of the watch list that the releases hold, by name.
    way : how it and the references were measured.
    """

    conditioned: Conditioned
    constituents: tuple[Constituent, ...]
    explained: float
    residual: Floats
    hidden: tuple[Hidden, ...]
    way: Way


def unmix_spectrum(
    releases: Sequence[Release],
    spectrum: OpticalSpectrum,
    *,
    kind: SpectrumKind = SpectrumKind.INFRARED,
    settings: Settings | None = None,
    sampling: Sampling = Sampling.UNKNOWN,
) -> Mixture:
    """The materials that a spectrum is a mixture of.

    Parameters
    ----------
    sampling : how it was measured.

    Raises
    ------
    InvalidMeasurement : see `spectra.similarity.optical.profile`.
    """
    axis, chosen = AXES[kind], settings or Settings()
    ready = condition(spectrum, axis)
    rows = Rows(releases, kind, axis, ready.window)
    if ready.state is not State.MEASURED or not len(rows):
        untold = Way(sampling, Sampling.UNKNOWN, known=True, changed=False)
        return Mixture(ready, (), 0.0, ready.signal, (), untold)
    air = vapour_slopes(axis, ready.window) if ready.vapour else None
    grid = Grid(axis.parts, axis.step, ready.keep, air, np.log(axis.x))
    usable = rows.usable(ready.profile)
    way, rows, found, explained = _best_way(rows, ready, grid, usable, chosen, sampling)
    constituents = _constituents(rows, found, explained)
    residual = ready.signal - sum((one.curve for one in constituents), np.zeros(len(axis)))
    area = sum(rows[part.row].strength * part.amount for part in found.parts) / max(explained, 1e-6)
    told = {reference.parent for one in constituents for reference in one.references}
    seen = Seen(found, area, explained, usable.tolist(), told)
    return Mixture(ready, constituents, explained, residual, hidden(rows, grid, seen, chosen), way)


def _best_way(
    rows: Rows,
    ready: Conditioned,
    grid: Grid,
    usable: NDArray[np.bool_],
    settings: Settings,
    sampling: Sampling,
) -> tuple[Way, Rows, Unmixed, float]:
    """The way of measuring that leaves least; where it is not known, the one that changes least first."""
    best: tuple[Way, Rows, Unmixed, float] | None = None
    for way, powers in _ways(rows, sampling):
        seen = rows.as_seen(way.query, powers)
        found = unmix(ready.slope, seen, grid, usable=usable, settings=settings)
        explained = _explained(ready, grid, found)
        if best is None or 1 - explained < LESS_LEFT * (1 - best[3]):
            best = way, seen, found, explained
        if best[3] >= CLEAR:
            break
    if best is None:
        raise AssertionError("there is always one way")
    return best


def _ways(rows: Rows, sampling: Sampling) -> Iterator[tuple[Way, Ints]]:
    """What may be so, and the power of each row's absorbance then; the fewest changes first."""
    both = (Sampling.TRANSMISSION, Sampling.ATR)
    told = rows.sampling if rows.kind is SpectrumKind.INFRARED else []
    if not told:
        yield Way(sampling, sampling, known=True, changed=False), np.zeros(len(rows), np.int64)
        return
    unknown = Sampling.UNKNOWN in told
    found: dict[tuple[int, ...], Way] = {}
    for query in both if sampling is Sampling.UNKNOWN else (sampling,):
        for others in both if unknown else (query,):
            powers = tuple(power(others if each is Sampling.UNKNOWN else each, query) for each in told)
            known = not unknown and sampling is not Sampling.UNKNOWN
            found.setdefault(powers, Way(query, others, known, any(powers)))
    for powers in sorted(found, key=lambda each: sum(map(abs, each))):
        yield found[powers], np.array(powers, np.int64)


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


def _constituents(rows: Rows, found: Unmixed, explained: float) -> tuple[Constituent, ...]:
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
    rows: Rows, found: Unmixed, members: list[int], shares: Floats, spread: Floats
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


def _references(rows: Rows, numbers: Sequence[int]) -> tuple[Reference, ...]:
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
