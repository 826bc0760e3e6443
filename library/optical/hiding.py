"""Which substances of the watch list a spectrum could hide, and up to which share."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from library.optical.naming import LEAST_SHARE, needed_likeness
from library.optical.rows import Rows
from library.substances import load_substances
from spectra.model import Floats
from spectra.optical.grid import Grid
from spectra.optical.hidden import hidden_below
from spectra.optical.mixture import Unmixed
from spectra.optical.significance import Settings


@dataclass(frozen=True, slots=True)
class Hidden:
    """A substance that was not found: below ``share``, 0..1, it would not have been; 1 is any share."""

    key: str
    name: str
    inchikey: str
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was found in a spectrum.

    Parameters
    ----------
    area : of the bands of the whole spectrum, in its unit times cm⁻¹.
    explained : 0..1 of the spectrum.
    usable : (rows,) bool, references that could be parts of it.
    told : keys of the substances named.
    """

    found: Unmixed
    area: float
    explained: float
    usable: Sequence[bool]
    told: Set[str]


def hidden(rows: Rows, grid: Grid, seen: Seen, settings: Settings) -> tuple[Hidden, ...]:
    """For each substance of the watch list that was not told, by name; its reference found last decides."""
    known, listed = load_substances(), []
    watched = {key: numbers for key, numbers in rows.watched.items() if key not in seen.told}
    shares = _shares(rows, [row for numbers in watched.values() for row in numbers], grid, seen, settings)
    for key, numbers in watched.items():
        substance = known.by_key(key)
        if substance is not None:
            share = max(LEAST_SHARE, *(shares[row] for row in numbers))
            listed.append(Hidden(key, substance.name_en, substance.inchikey, share))
    return tuple(sorted(listed, key=lambda one: one.name.casefold()))


def _shares(rows: Rows, asked: Sequence[int], grid: Grid, seen: Seen, settings: Settings) -> dict[int, float]:
    """The share of the spectrum of each row below which it is not found."""
    needed = needed_likeness(seen.explained)
    if not asked or needed > 1000:
        return dict.fromkeys(asked, 1.0)
    count = int(np.sum(seen.usable))
    amounts: Floats = hidden_below(
        seen.found, rows.slopes(asked), grid, references=count, settings=settings, likeness=needed
    )
    areas = [
        amount * rows[row].strength if seen.usable[row] and np.isfinite(amount) else np.inf
        for row, amount in zip(asked, amounts.tolist(), strict=True)
    ]
    shares = [area / (area + seen.area) if np.isfinite(area) else 1.0 for area in areas]
    return dict(zip(asked, shares, strict=True))
