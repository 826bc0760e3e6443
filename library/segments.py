"""The arrays of each kind that searches use, made from a release's entries when it is built.

Promises: one place that says which index belongs to which kind; rows stand in the order of the entries;
spectra are cleaned and binned in bounded memory. Index arrays are whatever the index module makes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from library.columns import Array, Columns, blocks, load
from library.index import fragments, nominal_build, profiles
from library.record import SpectrumKind
from spectra.model import Axis, Ints, OpticalSpectrum, Ordinate
from spectra.similarity.cleaning import BELOW_PRECURSOR, clean_spectra
from spectra.similarity.mass import UnitTable, unit_table
from spectra.similarity.optical import INFRARED, RAMAN, CommonAxis

KINDS = tuple(SpectrumKind)  # releases store the place in this order, which never changes
AXES: dict[SpectrumKind, CommonAxis] = {SpectrumKind.INFRARED: INFRARED, SpectrumKind.RAMAN: RAMAN}


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """The entries of one kind: ``first`` to ``last`` (exclusive) of the arrays of all entries."""

    kind: SpectrumKind
    first: int
    last: int
    arrays: Mapping[str, Array]

    def flat(self, offset: str, *names: str) -> tuple[Ints, list[Array]]:
        """(rows + 1,) offset from 0, and the values it points into."""
        bounds = self.arrays[offset][self.first : self.last + 1]
        values = slice(int(bounds[0]), int(bounds[-1]))
        return bounds - bounds[0], [self.arrays[name][values] for name in names]


def segments(arrays: Mapping[str, Array]) -> list[Segment]:
    """The kinds that have entries, in stored order; entries must be in order of kind."""
    ends = np.searchsorted(arrays["kind"], np.arange(len(KINDS) + 1))
    found = zip(KINDS, ends[:-1].tolist(), ends[1:].tolist(), strict=True)
    return [Segment(kind, first, last, arrays) for kind, first, last in found if last > first]


def write_segment(segment: Segment, folder: Path) -> dict[str, Path]:
    """Write the arrays of one kind into ``folder``; their files by name.

    Returns
    -------
    ``unit_…`` of EI, ``peaks_<kind>_…`` of other mass spectra, and ``<kind>_…`` of the index.
    """
    files = _PARTS[segment.kind](segment, folder)
    parts = {name: load(path) for name, path in files.items()}
    index = Columns(folder)
    for name, array in _INDEXES[segment.kind](segment, parts).items():
        index.append(f"{segment.kind.value}_{name}", array)
    return files | index.close()


def units_of(arrays: Mapping[str, Array]) -> UnitTable:
    """The unit-mass spectra of the EI entries."""
    return UnitTable(*(arrays[f"unit_{part}"] for part in UnitTable.__slots__))


def curves(segment: Segment) -> Iterator[OpticalSpectrum]:
    """The spectra of an optical segment, one by one."""
    for row in range(segment.first, segment.last):
        yield curve_of(segment.arrays, row)


def curve_of(arrays: Mapping[str, Array], row: int) -> OpticalSpectrum:
    """The optical spectrum of one entry."""
    points = slice(int(arrays["curve_offset"][row]), int(arrays["curve_offset"][row + 1]))
    axis, ordinate = (text_of(arrays, column, row) for column in ("axis", "ordinate"))
    y = arrays["curve_y"][points].astype(np.float64)
    return OpticalSpectrum(
        Axis(axis), Ordinate(ordinate), arrays["curve_x"][points], y, text_of(arrays, "name", row)
    )


def text_of(arrays: Mapping[str, Array], column: str, row: int) -> str:
    """One text value."""
    ends = arrays[f"{column}_end"]
    start = int(ends[row - 1]) if row else 0
    return bytes(arrays[f"{column}_text"][start : int(ends[row])]).decode("utf-8")


def _units(segment: Segment, folder: Path) -> dict[str, Path]:
    offset, (mz, intensity) = segment.flat("offset", "mz", "intensity")
    low, partial = (segment.arrays[name][segment.first : segment.last] for name in ("mz_low", "partial"))
    made = Columns(folder)
    made.append("unit_offset", [0], np.int64)
    done = 0
    for first, last in blocks(offset):
        ions, rows = slice(int(offset[first]), int(offset[last])), slice(first, last)
        table = unit_table(
            offset[first : last + 1] - offset[first],
            mz[ions],
            intensity[ions],
            mz_low=low[rows],
            partial=partial[rows],
        )
        made.append("unit_offset", table.offset[1:] + done)
        done += int(table.offset[-1])
        for part in ("mass", "intensity", "start", "floor"):
            made.append(f"unit_{part}", getattr(table, part))
    return made.close()


def _cleaned(segment: Segment, folder: Path) -> dict[str, Path]:
    """Product ions without the precursor; in-source spectra keep it: it is what says which compound."""
    offset, (mz, intensity) = segment.flat("offset", "mz", "intensity")
    precursor = segment.arrays["precursor_mz"][segment.first : segment.last]
    below = BELOW_PRECURSOR if segment.kind is SpectrumKind.MSMS else None
    prefix = f"peaks_{segment.kind.value}"
    made = Columns(folder)
    made.append(f"{prefix}_offset", [0], np.int64)
    done = 0
    for first, last in blocks(offset):
        ions = slice(int(offset[first]), int(offset[last]))
        clean = clean_spectra(
            offset[first : last + 1] - offset[first],
            mz[ions],
            intensity[ions],
            precursor[first:last],
            below_precursor=below,
        )
        made.append(f"{prefix}_offset", clean.offset[1:] + done)
        made.append(f"{prefix}_mz", clean.mz, np.float64)
        made.append(f"{prefix}_intensity", clean.intensity, np.float32)
        done += int(clean.offset[-1])
    return made.close()


def _nothing(segment: Segment, folder: Path) -> dict[str, Path]:  # noqa: ARG001
    return {}


def _fragment_index(segment: Segment, parts: Mapping[str, Array]) -> dict[str, Array]:
    prefix = f"peaks_{segment.kind.value}"
    offset, mz, intensity = (parts[f"{prefix}_{name}"] for name in ("offset", "mz", "intensity"))
    return fragments.build(
        offset, mz, intensity, segment.arrays["precursor_mz"][segment.first : segment.last]
    )


def _profile_index(segment: Segment, parts: Mapping[str, Array]) -> dict[str, Array]:  # noqa: ARG001
    return profiles.build(curves(segment), AXES[segment.kind])


def _nominal_index(segment: Segment, parts: Mapping[str, Array]) -> dict[str, Array]:  # noqa: ARG001
    return nominal_build.build(units_of(parts))


_PARTS: dict[SpectrumKind, Callable[[Segment, Path], dict[str, Path]]] = {
    SpectrumKind.EI: _units,
    SpectrumKind.MSMS: _cleaned,
    SpectrumKind.IN_SOURCE: _cleaned,
    SpectrumKind.INFRARED: _nothing,
    SpectrumKind.RAMAN: _nothing,
}
_INDEXES: dict[SpectrumKind, Callable[[Segment, Mapping[str, Array]], dict[str, Array]]] = {
    SpectrumKind.EI: _nominal_index,
    SpectrumKind.MSMS: _fragment_index,
    SpectrumKind.IN_SOURCE: _fragment_index,
    SpectrumKind.INFRARED: _profile_index,
    SpectrumKind.RAMAN: _profile_index,
}
