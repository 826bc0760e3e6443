"""What every inverted index is made of: adding postings to scores, and taking the best rows.

Promises: `scatter_add` and `scatter_slices` read each posting once, copy nothing and release the
interpreter's lock, so that threads run side by side; `root_products` compares chosen rows in full;
`top_rows` returns exactly the rows that a full stable sort would put first.
Refuses to check row numbers: a posting outside ``scores`` overwrites foreign memory. Whoever maps postings
from a file calls `within` on them before their first use.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from spectra.model import Ints

Singles = NDArray[np.float32]
Values = Singles | NDArray[np.float64]
Rows = NDArray[np.int32]
Scatter = Callable[[Values, Ints, Ints, Rows, Values, Values], None]
Gather = Callable[[Ints, Rows, Values, Rows, Values], None]

RowProducts = Callable[[Rows, Rows, Rows, Rows, Singles, int], Singles]

BLOCK = 256
GATHERED = 1024  # rows copied at once: what stays in the cache

_kept = threading.local()


def gather_slices(places: Ints, rows: Rows, values: Values, own_rows: Rows, own_values: Values) -> None:
    """Copies of many slices one after the other, in one call that holds no lock.

    Parameters
    ----------
    places : (2·slices,) int64: where each begins and ends, 0 ≤ begin ≤ end ≤ k < 2³¹: not checked.
    rows, values : (k,) as for `scatter_add`.
    own_rows, own_values : what is copied to, of the same types, as long as all slices together: not checked.
    """
    _gather(places, rows, values, own_rows, own_values)


def within(rows: Rows, count: int) -> bool:
    """Whether every row number is 0..count − 1."""
    return not len(rows) or bool(rows.view(np.uint32).max() < count)


def _scipy_scatter() -> Scatter:
    """The kernel behind ``csc_array @ vector``: scipy's own name for it is private, so it may go."""
    from scipy.sparse._sparsetools import csc_matvec  # type: ignore[attr-defined,unused-ignore]

    def scatter(scores: Values, begin: Ints, end: Ints, rows: Rows, values: Values, factors: Values) -> None:
        # What lies between two slices would be a column too: from the last slice to the first it is empty.
        falling = begin.argsort()[::-1]
        ends, factor = np.empty(2 * len(begin), np.int32), np.zeros(2 * len(begin), scores.dtype)
        ends[::2], ends[1::2], factor[::2] = begin[falling], end[falling], factors[falling]
        csc_matvec(len(scores), max(len(ends) - 1, 0), ends, rows, values, factor, scores)

    probe = np.zeros(3, np.float32)
    rows, ones = np.array([0, 1, 2, 1], np.int32), np.ones(4, np.float32)
    scatter(probe, np.array([0, 3]), np.array([1, 4]), rows, ones, np.array([3, 2], np.float32))
    if probe.tolist() != [3.0, 2.0, 0.0]:
        raise ImportError("scipy's csc_matvec does not add in place")
    return scatter


def add_at(scores: Values, begin: Ints, end: Ints, rows: Rows, values: Values, factors: Values) -> None:
    """`scatter_slices` from public numpy alone; about twice the time."""
    for first, last, factor in zip(begin.tolist(), end.tolist(), factors, strict=True):
        np.add.at(scores, rows[first:last].astype(np.intp), values[first:last] * factor)


def _kernel() -> Scatter:
    try:
        return _scipy_scatter()
    except (ImportError, TypeError, ValueError):
        return add_at


def _scipy_products() -> RowProducts:
    """The kernels behind ``csr_array[rows] @ vector``, without the checks of new arrays."""
    from scipy.sparse._sparsetools import csr_matvec, csr_row_index  # type: ignore[attr-defined,unused-ignore]

    def products(
        rows: Rows, offset: Rows, column: Rows, value: Rows, factors: Singles, least: int
    ) -> Singles:
        bounds = np.zeros(len(rows) + 1, np.int32)
        np.cumsum(offset[rows + 1] - offset[rows], out=bounds[1:])
        columns, values, roots = _space(int(bounds[-1]))
        csr_row_index(len(rows), rows, offset, column, value, columns, values)
        sums = np.zeros(len(rows), np.float32)
        _roots(values, least, roots)
        csr_matvec(len(rows), len(factors), bounds, _bounded(columns, factors), roots, factors, sums)
        return sums

    return _probed(products)


def products_at(rows: Rows, offset: Rows, column: Rows, value: Rows, factors: Singles, least: int) -> Singles:
    """`root_products` from public numpy alone; about twice the time."""
    counts = (offset[rows + 1] - offset[rows]).astype(np.int64)
    owner = np.repeat(np.arange(len(rows)), counts)
    entries = np.arange(len(owner)) + np.repeat(offset[rows] - np.cumsum(counts) + counts, counts)
    roots = np.empty(len(entries), np.float32)
    _roots(value[entries], least, roots)
    each = roots * factors[_bounded(column[entries], factors)]
    return np.bincount(owner, each, len(rows)).astype(np.float32)


def _space(entries: int) -> tuple[Rows, Rows, Singles]:
    """Memory of this thread, kept: taking as much anew costs more than filling it."""
    if getattr(_kept, "entries", -1) < entries:
        _kept.entries = 2 * entries
        _kept.arrays = *np.empty((2, 2 * entries), np.int32), np.empty(2 * entries, np.float32)
    columns, values, roots = _kept.arrays
    return columns[:entries], values[:entries], roots[:entries]


def _roots(values: Rows, least: int, out: Singles) -> None:
    np.sqrt(values, out=out, dtype=np.float32)
    np.copyto(out, 0.0, where=values < least)


def _bounded(columns: Rows, factors: Singles) -> Rows:
    if not within(columns, len(factors)):
        raise ValueError(f"a column is not below {len(factors)}")
    return columns


def _probed(products: RowProducts) -> RowProducts:
    rows, four = np.array([2, 1], np.int32), np.arange(4, dtype=np.int32)
    if products(rows, four, four, four, np.ones(4, np.float32), 2).tolist() != [np.float32(2.0**0.5), 0.0]:
        raise ImportError("scipy's kernels do not multiply chosen rows")
    return products


def _products_kernel() -> RowProducts:
    try:
        return _scipy_products()
    except (ImportError, TypeError, ValueError):
        return products_at


def _scipy_gather() -> Gather:
    """The kernel behind ``csr_array[rows]``, as private as the other."""
    from scipy.sparse._sparsetools import csr_row_index  # type: ignore[attr-defined,unused-ignore]

    def gather(places: Ints, rows: Rows, values: Values, own_rows: Rows, own_values: Values) -> None:
        every = np.arange(0, len(places), 2, dtype=np.int32)
        csr_row_index(len(every), every, places.astype(np.int32), rows, values, own_rows, own_values)

    own_rows, own_values = np.zeros(3, np.int32), np.zeros(3, np.float32)
    values = np.array([1, 2, 3, 4], np.float32)
    gather(np.array([3, 4, 0, 2]), np.array([5, 6, 7, 8], np.int32), values, own_rows, own_values)
    if own_rows.tolist() != [8, 5, 6] or own_values.tolist() != [4.0, 1.0, 2.0]:
        raise ImportError("scipy's csr_row_index does not copy rows one after the other")
    return gather


def take_slices(places: Ints, rows: Rows, values: Values, own_rows: Rows, own_values: Values) -> None:
    """`gather_slices` from public numpy alone."""
    slices = [slice(first, last) for first, last in places.reshape(-1, 2).tolist()]
    if slices:
        np.concatenate([rows[one] for one in slices], out=own_rows)
        np.concatenate([values[one] for one in slices], out=own_values)


def _gatherer() -> Gather:
    try:
        return _scipy_gather()
    except (ImportError, TypeError, ValueError):
        return take_slices


_scatter = _kernel()
_gather = _gatherer()
_row_products = _products_kernel()
_ONE = np.array([1])


def scatter_add(scores: Values, rows: Rows, values: Values, factor: float = 1.0) -> None:
    """``scores[rows] += factor * values`` in place, repeated rows added up.

    Parameters
    ----------
    scores : (n,) float32 or float64, C-contiguous, writable.
    rows : (k,) int32, C-contiguous, each 0..n − 1: not checked, see `within`.
    values : (k,) of the type of ``scores``, C-contiguous.
    """
    factors: Values = np.full(1, factor, scores.dtype)
    _scatter(scores, 0 * _ONE, len(rows) * _ONE, rows, values, factors)


def scatter_slices(
    scores: Values, begin: Ints, end: Ints, rows: Rows, values: Values, factors: Values
) -> None:
    """``scores[rows[b:e]] += factor * values[b:e]`` for many slices b:e in one call that holds no lock.

    Parameters
    ----------
    begin, end : (slices,) int64, 0 ≤ begin ≤ end ≤ k < 2³¹; no two slices overlap. Any order: they are added
        from the last to the first.
    rows, values : (k,) as for `scatter_add`. factors : (slices,) of the type of ``scores``.
    """
    _scatter(scores, begin, end, rows, values, factors)


def root_products(
    rows: Rows, offset: Rows, column: Rows, value: Rows, factors: Singles, least: int
) -> Singles:
    """Σ √value·factor of its column, over the entries of chosen rows whose value is not below ``least``.

    Parameters
    ----------
    rows : (k,) int32, each 0..n − 1: not checked. offset : (n + 1,) int32, row r owns entries
        ``offset[r]:offset[r + 1]``. column, value : (entries,) int32, values ≥ 0.
    factors : (columns,) float32.

    Returns
    -------
    (k,) float32.

    Raises
    ------
    ValueError : a column is not below ``columns``.
    """
    some = [rows[first : first + GATHERED] for first in range(0, len(rows), GATHERED)]
    parts = [_row_products(np.ascontiguousarray(one), offset, column, value, factors, least) for one in some]
    return np.concatenate([np.empty(0, np.float32), *parts])


def top_rows(scores: NDArray[np.floating], most: int) -> Ints:
    """Rows of the ``most`` largest scores, best first, equal scores by row.

    Parameters
    ----------
    scores : (n,) float32 or float64 without NaN.

    Returns
    -------
    (min(most, n),) int64. Rows of a block whose maximum is below the ``most``-th largest block maximum cannot
    be among them: only the others are sorted, so that the scores are read once.
    """
    rows = _possible(scores, most)
    values = scores[rows]
    if len(rows) > most:
        least = np.partition(values, len(rows) - most)[len(rows) - most]
        above = np.flatnonzero(values > least)
        kept = np.sort(np.concatenate((above, np.flatnonzero(values == least)[: most - len(above)])))
        rows, values = rows[kept], values[kept]
    return rows[np.argsort(-values, kind="stable")]


def _possible(scores: NDArray[np.floating], most: int) -> Ints:
    """Rows, ascending, that hold the best ``most``."""
    if most < 1:
        return np.empty(0, np.int64)
    blocks = len(scores) // BLOCK
    if blocks <= most:
        return np.arange(len(scores))
    table = scores[: blocks * BLOCK].reshape(blocks, BLOCK)
    highest = table.max(axis=1)
    least = np.partition(highest, blocks - most)[blocks - most]
    chosen = np.flatnonzero(highest >= least)
    block, place = (table[chosen] >= least).nonzero()
    rest = np.flatnonzero(scores[blocks * BLOCK :] >= least)
    return np.concatenate((chosen[block] * BLOCK + place, blocks * BLOCK + rest))
