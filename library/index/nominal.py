"""Pre-search: the range-aware weighted cosine of queries with every entry of a release.

Promises: weights are √(m·I), compared from the larger of the two scan starts; ions of intensity 1 add to
the product but not to the norms, so that the value is never below the cosine inside the match factor and
bounds it: MF < 500·(1 + cosine²). A block of queries costs one sparse product.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from spectra.model import Floats
from spectra.similarity.mass import HIGHEST_MASS, NOISE_FLOOR, UnitSpectrum, UnitTable


class Index:
    """Weights of a release's spectra, made once when it is first searched."""

    def __init__(self, units: UnitTable) -> None:
        self._units = units
        mass = np.asarray(units.mass, np.int32)
        square = mass * np.asarray(units.intensity, np.float64)
        shape = (len(units), HIGHEST_MASS + 1)
        self._weights = csr_array((np.sqrt(square), mass, np.asarray(units.offset)), shape=shape)
        self._counted = np.where(units.intensity >= NOISE_FLOOR, square, 0.0)
        self._norms: dict[int, Floats] = {}

    def cosines(self, queries: Sequence[UnitSpectrum]) -> Floats:
        """(queries, entries) float64, 0..1."""
        weights = np.zeros((HIGHEST_MASS + 1, len(queries)))
        for column, query in enumerate(queries):
            weights[query.mass, column] = np.sqrt(query.mass * query.intensity.astype(np.float64))
        products = np.asarray(self._weights @ weights)
        rows = [self._cosine(query, products[:, column]) for column, query in enumerate(queries)]
        return np.array(rows).reshape(len(queries), len(self._units))

    def _cosine(self, query: UnitSpectrum, product: Floats) -> Floats:
        norm = self._query_norm(query) * self._norm_from(query.start)
        unknown = (product > 0).astype(
            np.float64
        )  # all common ions too weak for the norm: nothing is ruled out
        share = np.divide(product**2, norm, out=unknown, where=norm > 0)
        return np.sqrt(np.minimum(share, 1.0))

    def _query_norm(self, query: UnitSpectrum) -> Floats:
        """(entries,): squared norm of the query over the ions each entry can be compared on."""
        begin = np.maximum(self._units.start, query.start)
        levels, level = np.unique(self._units.floor, return_inverse=True)
        square = query.mass * query.intensity.astype(np.float64)
        tail = np.zeros((len(levels), HIGHEST_MASS + 2))
        tail[:, query.mass] = np.where(query.intensity >= levels[:, None], square, 0.0)
        tail = np.cumsum(tail[:, ::-1], axis=1)[:, ::-1]
        return np.asarray(tail[level, begin])

    def _norm_from(self, start: int) -> Floats:
        """(entries,): squared norm of each entry from mass ``start`` on."""
        if start not in self._norms:
            inside = np.where(self._units.mass >= start, self._counted, 0.0)
            cumulated = np.concatenate(([0.0], np.cumsum(inside)))
            offset = self._units.offset
            self._norms[start] = cumulated[offset[1:]] - cumulated[offset[:-1]]
        return self._norms[start]
