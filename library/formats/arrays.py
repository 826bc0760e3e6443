"""Flat arrays as records: for libraries that programs make, and for measuring speed at any size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from library.record import Record, SpectrumKind
from spectra.errors import InvalidMeasurement


def read_arrays(
    kind: SpectrumKind,
    offset: ArrayLike,
    mz: ArrayLike,
    intensity: ArrayLike,
    name: Sequence[str],
    **columns: Sequence[Any],
) -> Iterator[Record]:
    """A record for each row, numbered from 1 as its line.

    Parameters
    ----------
    offset : (rows + 1,) compressed sparse rows over the next two.
    mz, intensity : (ions,) Th, any unit; may be mapped.
    name : (rows,) texts.
    columns : further fields of `library.record.Record`, one value per row; NaN stands for None.

    Raises
    ------
    InvalidMeasurement : lengths do not fit each other.
    """
    bounds = np.asarray(offset, np.int64)
    m, i = np.asarray(mz), np.asarray(intensity)
    rows = len(bounds) - 1
    if m.shape != i.shape or (rows >= 0 and int(bounds[-1]) != len(m)) or (np.diff(bounds) < 0).any():
        raise InvalidMeasurement("offset, m/z and intensity do not belong together")
    if any(len(column) != rows for column in (name, *columns.values())):
        raise InvalidMeasurement(f"every column needs {rows} values")
    for row in range(rows):
        ions = slice(bounds[row], bounds[row + 1])
        yield Record(
            name=str(name[row]),
            mz=m[ions].astype(np.float64),
            intensity=i[ions].astype(np.float64),
            kind=kind,
            line=row + 1,
            **_fields(columns, row),
        )


def _fields(columns: Mapping[str, Sequence[Any]], row: int) -> dict[str, Any]:
    plain = {key: getattr(column[row], "item", lambda c=column: c[row])() for key, column in columns.items()}
    return {key: None if value != value else value for key, value in plain.items()}  # noqa: PLR0124
