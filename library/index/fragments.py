"""Inverted index over product-ion spectra: which references hold an ion, which lose a neutral.

Promises: exact weighted entropy similarities (`spectra.similarity.entropy`), by one comparison rule in every
path (whole steps of 10 µTh, `spectra.similarity.accurate`); plain arrays that a release stores and maps back;
nothing but work arrays changes after construction, so that threads may search side by side.
Refuses: spectra that were not cleaned, and tolerances that could match one ion with two.

Two orders of the same ions: postings by m/z (and by neutral loss), which an ion of the query reads from
where its window starts to where it ends; and spectra by precursor, which an identity search reads in one
piece. Formulas: Li & Fiehn 2023, doi 10.1038/s41592-023-02012-9.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from library.index.scatter import Rows, Singles, gather_slices, scatter_add, top_rows, within
from spectra.errors import InvalidMeasurement
from spectra.model import Floats, Ints, MassSpectrum
from spectra.similarity.accurate import (
    FRAGMENT_TOLERANCE,
    HIGHEST_MZ,
    PRECURSOR_TOLERANCE,
    STEPS_PER_TH,
    Steps,
    Tolerance,
    inside,
    step,
    steps,
    windows,
)
from spectra.similarity.entropy import PER_NAT, gain, weighted, weighted_spectrum

THREADS = 2
THREADS_PAY = 200_000
BLOCKS_PER_THREAD = 4  # so that none waits long for the other at the end
NO_PRECURSOR = 0
RESCORED_FIRST = 64
SUM_ERROR = 1e-4
LEAST_SHARE = 1e-30  # of a spectrum; less is 0 to float32
ROUNDING = 1e-5  # of sums in float32, amply

Array = NDArray[Any]
Query = TypeVar("Query")
Answer = TypeVar("Answer")


def build(
    offset: ArrayLike, mz: ArrayLike, intensity: ArrayLike, precursor_mz: ArrayLike
) -> dict[str, Array]:
    """The arrays of a `FragmentIndex` over cleaned spectra.

    Parameters
    ----------
    offset : (rows + 1,) compressed sparse rows over the next two; rows may be empty and are never found.
    mz, intensity : (ions,) as `spectra.similarity.cleaning.clean_spectra` gives them.
    precursor_mz : (rows,) Th, NaN or 0 where unknown: found by open search only.

    Returns
    -------
    ``posting_*`` by m/z, ``loss_*`` by neutral loss, ``ion_*`` by precursor and m/z, ``spectrum_*`` per row
    in order of precursor; m/z in steps, rows as given here, intensities weighted and of sum ½.

    Raises
    ------
    InvalidMeasurement : a row does not ascend or does not sum to 1; an m/z is out of range.
    """
    bounds = np.asarray(offset, np.int64)
    precursor = steps(np.nan_to_num(np.asarray(precursor_mz, np.float64), nan=0.0))
    place, share = steps(mz), np.asarray(intensity, np.float64)
    _check(bounds, place, share)
    part = (weighted(bounds, share) / 2).astype(np.float32)
    order = np.argsort(precursor, kind="stable").astype(np.int32)
    counts = np.diff(bounds)
    owner = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return {
        **_postings(owner, place, part),
        **_losses(owner, place, part, precursor),
        **_spectra(bounds, place, part, precursor, order),
        "gap": np.array([_gap(owner, place)], np.int32),
    }


def _check(offset: Ints, mz: Steps, intensity: Floats) -> None:
    if int(offset[-1]) != len(mz) or mz.shape != intensity.shape:
        raise InvalidMeasurement("offset, m/z and intensity do not belong together")
    begins = offset[:-1][np.diff(offset) > 0]
    falls = mz[1:] <= mz[:-1]
    falls[begins[begins > 0] - 1] = False
    if falls.any():
        raise InvalidMeasurement("m/z must ascend within a spectrum: clean the spectra first")
    sums = np.add.reduceat(intensity, begins) if len(begins) else np.ones(1)
    if (np.abs(sums - 1) > SUM_ERROR).any() or (intensity < LEAST_SHARE).any():
        raise InvalidMeasurement("intensities must be positive and sum to 1: clean the spectra first")


def _sorted_places(key: Steps) -> tuple[Steps, Ints]:
    """Keys ascending and where each stood. Key and place in one number: one plain sort, stable and lean."""
    packed = key.astype(np.int64)
    packed <<= 32
    packed |= np.arange(len(key))
    packed.sort()
    ascending = (packed >> 32).astype(np.int32)
    packed &= 0xFFFFFFFF
    return ascending, packed


def _postings(owner: Rows, place: Steps, part: Singles) -> dict[str, Array]:
    mz, order = _sorted_places(place)
    own = part[order]
    return {
        "posting_mz": mz,
        "posting_row": owner[order],
        "posting_part": own,
        "posting_log": own * np.log(own),
    }


def _losses(owner: Rows, place: Steps, part: Singles, precursor: Steps) -> dict[str, Array]:
    of_ion = precursor[owner]
    known = of_ion > NO_PRECURSOR
    if not known.all():
        owner, place, part, of_ion = owner[known], place[known], part[known], of_ion[known]
    loss, order = _sorted_places(of_ion - place)
    return {"loss_mz": loss, "loss_row": owner[order], "loss_part": part[order]}


def _spectra(offset: Ints, place: Steps, part: Singles, precursor: Steps, order: Rows) -> dict[str, Array]:
    counts = np.diff(offset)[order]
    ends = np.cumsum(counts)
    ions = np.arange(len(place)) + np.repeat(offset[:-1][order] - (ends - counts), counts)
    position = np.empty_like(order)
    position[order] = np.arange(len(order), dtype=np.int32)
    return {
        "ion_mz": place[ions],
        "ion_part": part[ions],
        "spectrum_offset": np.concatenate(([0], ends)).astype(np.int64),
        "spectrum_precursor": precursor[order],
        "spectrum_row": order,
        "spectrum_position": position,
    }


def _gap(owner: Rows, place: Steps) -> int:
    apart = np.diff(place)[owner[1:] == owner[:-1]]
    return int(apart.min()) if len(apart) else int(np.iinfo(np.int32).max)


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """A query: ions and their half windows in steps, windows, intensities weighted and of sum ½."""

    mz: Steps
    half: Ints
    edges: Steps
    part: Floats

    def losses(self, precursor: int) -> _Prepared:
        """The same ions as neutral losses, ascending: the last ion first."""
        loss, half = (precursor - self.mz)[::-1], self.half[::-1]
        return _Prepared(loss, half, windows(loss, half), self.part[::-1])


class FragmentIndex:
    """Searches over the arrays of `build`; rows are those given there.

    Parameters
    ----------
    arrays : as `build` gives them, possibly mapped from a file.

    Raises
    ------
    InvalidMeasurement : a row number in the arrays is out of range.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._arrays = arrays
        self._posting = (arrays["posting_row"], arrays["posting_part"], arrays["posting_log"])
        self._loss = (arrays["loss_row"], arrays["loss_part"])
        self._count = len(arrays["spectrum_row"])
        self._gap = int(arrays["gap"][0])
        self._local = threading.local()
        if not all(within(arrays[name], self._count) for name in ("posting_row", "loss_row", "spectrum_row")):
            raise InvalidMeasurement("the index is damaged: a row number is out of range")

    def __len__(self) -> int:
        return self._count

    def open(self, query: MassSpectrum, tolerance: Tolerance = FRAGMENT_TOLERANCE) -> Singles:
        """(rows,) float32: similarity with every reference, 0 (nothing in common) .. 1 (equal).

        Parameters
        ----------
        query : cleaned; an empty one resembles nothing.
        tolerance : in ppm it is taken of the query's ions.

        Raises
        ------
        InvalidMeasurement : the query is not clean, or the tolerance could match one ion with two.
        """
        scores = np.zeros(self._count, np.float32)
        self._add_fragments(scores, self._prepared(query, tolerance))
        return scores

    def best(
        self, query: MassSpectrum, top: int, tolerance: Tolerance = FRAGMENT_TOLERANCE
    ) -> tuple[Ints, Floats]:
        """The ``top`` rows by `open` similarity, best first, equal ones by row, and their similarity > 0."""
        scores = self._cleared()
        self._add_fragments(scores, self._prepared(query, tolerance))
        return _positive(top_rows(scores, top), scores)

    def identity(
        self,
        query: MassSpectrum,
        precursor_mz: float,
        within: Tolerance = PRECURSOR_TOLERANCE,
        tolerance: Tolerance = FRAGMENT_TOLERANCE,
        *,
        mz_low: Floats | None = None,
    ) -> tuple[Ints, Floats]:
        """Rows whose precursor is that of the query, in order of precursor, and (rows,) float64 similarities.

        Parameters
        ----------
        precursor_mz : Th.
        within : of the precursor, in ppm of the query's.
        mz_low : (rows of the index,) Th, below which query or reference were not scanned, NaN where unknown.
            Ions below it are unknown, not absent: the rest of both spectra is scaled to the whole.
        """
        prepared = self._prepared(query, tolerance)
        first, last = self._window(precursor_mz, within)
        rows = self._arrays["spectrum_row"][first:last].astype(np.int64)
        offset = self._arrays["spectrum_offset"][first : last + 1]
        ions = slice(int(offset[0]), int(offset[-1]))
        mz, part = self._arrays["ion_mz"][ions], self._arrays["ion_part"][ions]
        begin = None if mz_low is None else np.nan_to_num(mz_low[rows], nan=0.0)
        if begin is not None and begin.any():
            owner = np.repeat(np.arange(len(rows)), np.diff(offset))
            return rows, _from(prepared, mz, part, owner, steps(begin))
        found, match = inside(prepared.edges, mz)
        of = offset.searchsorted(found + ions.start, side="right")
        of -= 1
        return rows, _sums(prepared.part[match], part[found], of, len(rows))

    def near(self, precursor_mz: float, within: Tolerance = PRECURSOR_TOLERANCE) -> Rows:
        """Rows whose precursor is this one, in order of precursor."""
        rows: Rows = self._arrays["spectrum_row"][slice(*self._window(precursor_mz, within))]
        return rows

    def hybrid(
        self,
        query: MassSpectrum,
        precursor_mz: float,
        top: int,
        tolerance: Tolerance = FRAGMENT_TOLERANCE,
    ) -> tuple[Ints, Floats]:
        """The ``top`` rows by similarity over fragments and neutral losses together, and it, exactly.

        A pair of ions counts if they agree in m/z, or in neutral loss where neither agrees in m/z with an ion
        of the other spectrum: analogues show a moved part of their ions. Best first, equal ones by row, > 0.
        """
        prepared = self._prepared(query, tolerance)
        centre = step(precursor_mz)
        bound = self._cleared()
        self._add_fragments(bound, prepared)
        same = self._arrays["spectrum_row"][slice(*self._between(centre, centre))]
        direct = bound[same]  # of the same precursor, what agrees in loss agrees in m/z: nothing to add
        self._add_losses(bound, prepared.losses(centre))
        bound[same] = direct
        return self._settle(bound, prepared, centre, top)

    def together(
        self, search: Callable[[Query], Answer], queries: Sequence[Query], threads: int | None = None
    ) -> list[Answer]:
        """``search`` of each query, in their order, by threads side by side: the sums run outside Python.

        Parameters
        ----------
        threads : where not given, two for a library of `THREADS_PAY` spectra or more, else one: the sums of a
            small one are too short to make up for the waiting of the threads for each other.
        """
        threads = threads or (THREADS if len(self) >= THREADS_PAY else 1)
        if threads < 2 or len(queries) < 2:
            return [search(query) for query in queries]
        size = max(1, len(queries) // (threads * BLOCKS_PER_THREAD))
        blocks = [queries[first : first + size] for first in range(0, len(queries), size)]
        with ThreadPoolExecutor(threads) as pool:
            answers = pool.map(lambda block: [search(query) for query in block], blocks)
            return [answer for block in answers for answer in block]

    def _prepared(self, query: MassSpectrum, tolerance: Tolerance) -> _Prepared:
        mz, intensity = _steps_of(query), query.intensity
        half = tolerance.around(mz)
        if not len(mz):
            return _Prepared(mz, half, mz, intensity)
        if 2 * int(half[-1]) >= self._gap:
            raise InvalidMeasurement("the tolerance is too wide for this index: an ion could match two")
        total, least = float(np.add.reduce(intensity)), float(np.minimum.reduce(intensity))
        if abs(total - 1) > SUM_ERROR or least < LEAST_SHARE:
            raise InvalidMeasurement("intensities must be positive and sum to 1: clean the spectrum first")
        return _Prepared(mz, half, windows(mz, half), weighted_spectrum(intensity) / 2)

    def _window(self, precursor_mz: float, within: Tolerance) -> tuple[int, int]:
        """Which spectra, in order of precursor, have that one."""
        centre = step(precursor_mz)
        reach = within.reach(centre)
        return self._between(centre - reach, centre + reach)

    def _between(self, low: int, high: int) -> tuple[int, int]:
        """Which spectra, in order of precursor, have a known one from ``low`` to ``high`` steps."""
        edges = np.array((max(low, NO_PRECURSOR + 1), high + 1), np.int32)
        first, last = self._arrays["spectrum_precursor"].searchsorted(edges).tolist()
        return first, max(first, last)

    def _cleared(self) -> Singles:
        """A score per row, 0, in this thread's own memory."""
        scores = self._work("scores", self._count)
        scores.fill(0)
        return scores

    def _work(self, name: str, size: int, dtype: type[np.generic] = np.float32) -> Array:
        """Memory of this thread that is used again: fresh pages cost more than the sums."""
        kept: Array | None = getattr(self._local, name, None)
        if kept is None or len(kept) < size:
            kept = np.empty(size + size // 4, dtype)
            setattr(self._local, name, kept)
        return kept[:size]

    def _add_fragments(self, scores: Singles, prepared: _Prepared) -> None:
        row, part, log = self._posting
        places = self._arrays["posting_mz"].searchsorted(prepared.edges)
        counts = places[1::2] - places[::2]
        rows, y, fy = self._room(counts)
        gather_slices(places, row, part, rows, y)
        gather_slices(places, row, log, rows, fy)
        self._add(scores, prepared, counts, rows, y, fy)

    def _add_losses(self, scores: Singles, prepared: _Prepared) -> None:
        row, part = self._loss
        places = self._arrays["loss_mz"].searchsorted(prepared.edges)
        counts = places[1::2] - places[::2]
        rows, y, fy = self._room(counts)
        gather_slices(places, row, part, rows, y)
        np.log(y, out=fy)
        fy *= y
        self._add(scores, prepared, counts, rows, y, fy)

    def _room(self, counts: Ints) -> tuple[Rows, Singles, Singles]:
        """For the row of each posting, its intensity y and f(y)."""
        total = int(np.add.reduce(counts))
        return self._work("rows", total, np.int32), self._work("y", total), self._work("fy", total)

    def _add(
        self, scores: Singles, prepared: _Prepared, counts: Ints, rows: Rows, y: Singles, fy: Singles
    ) -> None:
        """Add f(x + y) − f(x) − f(y), ``counts`` postings for each ion x; y and fy are used up."""
        x = prepared.part.astype(np.float32)
        y += np.repeat(x, counts)
        fy += np.repeat(x * np.log(x), counts)
        sums = self._work("sums", len(y))
        np.log(y, out=sums)
        sums *= y
        sums -= fy
        scatter_add(scores, rows, sums, PER_NAT)

    def _settle(self, bound: Singles, prepared: _Prepared, precursor: int, top: int) -> tuple[Ints, Floats]:
        """Exact scores from the largest bound down, until no row left can be among the best."""
        most, exact = max(RESCORED_FIRST, 2 * top), np.empty(0)
        while True:
            rows = top_rows(bound, most)
            rows = rows[bound[rows] > 0]
            further = self._hybrid_scores(prepared, precursor, rows[len(exact) :])
            exact = np.concatenate((exact, further))
            order = np.lexsort((rows, -exact))[:top]
            rest = float(bound[rows[-1]]) if len(rows) == most else 0.0
            if rest <= 0 or (len(order) == top and exact[order[-1]] > rest + ROUNDING):
                return rows[order], exact[order]
            most *= 4

    def _hybrid_scores(self, prepared: _Prepared, precursor: int, rows: Ints) -> Floats:
        position = self._arrays["spectrum_position"][rows].astype(np.int64)
        offset = self._arrays["spectrum_offset"]
        counts = offset[position + 1] - offset[position]
        owner = np.repeat(np.arange(len(rows)), counts)
        ions = np.arange(len(owner)) + np.repeat(offset[position] - (np.cumsum(counts) - counts), counts)
        mz, part = self._arrays["ion_mz"][ions], self._arrays["ion_part"][ions]
        return _hybrid_sums(
            prepared, precursor, mz, part, owner, self._arrays["spectrum_precursor"][position]
        )


def _hybrid_sums(
    prepared: _Prepared, precursor: int, mz: Steps, part: Singles, owner: Ints, precursors: Steps
) -> Floats:
    """(rows,): ions of equal m/z, and of equal neutral loss where neither has a partner of equal m/z."""
    found, match = inside(prepared.edges, mz)
    taken = np.zeros((len(precursors), len(prepared.mz)), bool)
    taken[owner[found], match] = True
    free = precursors[owner] > NO_PRECURSOR
    free[found] = False
    other = np.flatnonzero(free)
    moved, by_loss = inside(prepared.losses(precursor).edges, precursors[owner[other]] - mz[other])
    moved, by_loss = other[moved], len(prepared.mz) - 1 - by_loss
    new = ~taken[owner[moved], by_loss]
    found, match = np.append(found, moved[new]), np.append(match, by_loss[new])
    return _sums(prepared.part[match], part[found], owner[found], len(precursors))


def _sums(x: Floats, y: NDArray[np.floating], owner: Ints, rows: int) -> Floats:
    gains = gain(x, np.asarray(y, np.float64))
    return np.asarray(np.bincount(owner, weights=gains, minlength=rows), np.float64)


def _from(prepared: _Prepared, mz: Steps, part: Singles, owner: Ints, begin: Steps) -> Floats:
    """Similarities over the ions from ``begin`` of each row on, both spectra scaled to the whole there."""
    seen = mz >= begin[owner]
    own, mz, owner = part[seen].astype(np.float64), mz[seen], owner[seen]
    tail = np.append(np.cumsum(prepared.part[::-1])[::-1], 0.0)[np.searchsorted(prepared.mz, begin)]
    total = np.bincount(owner, weights=own, minlength=len(begin))
    found, match = inside(prepared.edges, mz)
    both = prepared.mz[match] >= begin[owner[found]]
    found, match = found[both], match[both]
    of = owner[found]
    return _sums(prepared.part[match] / (2 * tail[of]), own[found] / (2 * total[of]), of, len(begin))


def _steps_of(query: MassSpectrum) -> Steps:
    """`steps` of what is known to ascend and to be positive."""
    if len(query) and query.mz[-1] > HIGHEST_MZ:
        raise InvalidMeasurement(f"m/z must lie between 0 and {HIGHEST_MZ:g}")
    return np.rint(query.mz * STEPS_PER_TH).astype(np.int32)


def _positive(rows: Ints, scores: Singles) -> tuple[Ints, Floats]:
    values = scores[rows].astype(np.float64)
    return rows[values > 0], values[values > 0]
