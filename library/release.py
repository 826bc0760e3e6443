"""Immutable library releases on disk: flat arrays, opened in milliseconds by memory mapping.

Promises: a release never changes; every file's size and hash stands in the manifest, the sizes are compared
when it is opened and the hashes by `verify`; processes that open it share the memory. Refuses: pickled data,
a release that is cut short, one of another schema.

On disk: ``<libraries>/<name>/<number>/`` with ``manifest.json`` and one ``.npy`` file per array. Entries of
all kinds share one numbering, in order of kind. Text columns are two arrays: all UTF-8 bytes, and where each
row ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.build import DOUBTS, FORMS, TEXTS, BuildReport, build_release, numbers_of
from library.columns import Array, file_hash, load
from library.forms import FormKind
from library.manifest import FILE, LibraryError, LibraryFault, Manifest, check_name, digest_of, read_manifest
from library.prepare import Doubt, key_of
from library.record import SpectrumKind
from library.segments import KINDS, Segment, curve_of, segments, text_of, units_of
from spectra.model import Floats, Ints, MassSpectrum, OpticalSpectrum, spectrum_from_peaks
from spectra.similarity.mass import UnitTable

__all__ = [
    "BuildReport",
    "LibraryError",
    "LibraryFault",
    "Manifest",
    "Peaks",
    "Reference",
    "Release",
    "build_release",
    "key_of",
    "newest_release",
    "open_release",
    "releases",
    "verify",
]

_MASS = frozenset({SpectrumKind.EI, SpectrumKind.MSMS, SpectrumKind.IN_SOURCE})
_EMPTY = MassSpectrum(np.empty(0), np.empty(0))
KEPT = 512  # entries: some MB of mass spectra, tens of MB of curves


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One entry of a release; what is not told is "", 0 or None.

    Parameters
    ----------
    library : name of the library.
    number : row of the release, from 0; `Release.entry` takes it.
    form : what it is a spectrum of; ``kind`` what it can be compared with.
    parent : key of the substance it is a form of (`library.substances`), "" where that is not known.
    partial, mz_low, precursor_mz, adduct, polarity, energy, energy_ev, instrument, licence : as in
        `library.record.Record`.
    spectrum : as measured, without an ion for optical entries, whose spectrum is ``curve``.
    merged : sources of the entries that were as good as the same.
    doubts : what the import found doubtful.
    """

    library: str
    number: int
    name: str
    inchikey: str
    formula: str
    cas: str
    form: FormKind
    kind: SpectrumKind
    parent: str
    partial: bool
    mz_low: float | None
    spectrum: MassSpectrum
    synonyms: tuple[str, ...] = ()
    retention_index: float | None = None
    source_id: str = ""
    comments: str = ""
    precursor_mz: float | None = None
    adduct: str = ""
    polarity: int = 0
    energy: str = ""
    energy_ev: float | None = None
    instrument: str = ""
    licence: str = ""
    curve: OpticalSpectrum | None = None
    merged: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """Mass spectra of one kind in compressed sparse rows, in the order of `Release.rows`; mapped.

    Parameters
    ----------
    offset : (rows + 1,) int64; row r owns ions ``offset[r]:offset[r + 1]``.
    mz : (ions,) float64, Th, ascending within a row.
    intensity : (ions,) float32 > 0. EI: as measured; other kinds: cleaned (`spectra.similarity.cleaning`),
        sum 1 within a row, the precursor removed from product-ion spectra only.
    precursor_mz, energy_ev, mz_low : (rows,) float64, NaN where not known.
    polarity : (rows,) int8, 0 where not known.
    """

    offset: Ints
    mz: Floats
    intensity: NDArray[np.float32]
    precursor_mz: Floats
    polarity: NDArray[np.int8]
    energy_ev: Floats
    mz_low: Floats


class Release:
    """An open release: memory-mapped arrays and entries made on demand."""

    def __init__(self, directory: Path, manifest: Manifest, arrays: Mapping[str, Array]) -> None:
        self.directory = directory
        self.manifest = manifest
        self._arrays = dict(arrays)
        self._segments: dict[SpectrumKind, Segment] = {one.kind: one for one in segments(self._arrays)}
        self._rows: dict[SpectrumKind, Ints] = {}
        self._kept = lru_cache(KEPT)(self._read)  # the same references are found again and again

    def __len__(self) -> int:
        return self.manifest.spectra

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def number(self) -> int:
        return self.manifest.number

    @property
    def kinds(self) -> tuple[SpectrumKind, ...]:
        """Kinds that have entries."""
        return tuple(self._segments)

    def rows(self, kind: SpectrumKind) -> Ints:
        """(rows,) int64: numbers of the entries of a kind, ascending without a gap."""
        if kind not in self._rows:
            one = self._segments.get(kind)
            self._rows[kind] = np.arange(one.first, one.last) if one else np.empty(0, np.int64)
        return self._rows[kind]

    def index(self, kind: SpectrumKind) -> dict[str, Array]:
        """The arrays that the kind's index module made of `peaks` (EI: `units`), without the kind's name."""
        prefix = f"{kind.value}_"
        own = (key for key in self._arrays if key.startswith(prefix))
        return {key.removeprefix(prefix): self._arrays[key] for key in own}

    def peaks(self, kind: SpectrumKind) -> Peaks:
        """The cleaned spectra of a kind.

        Raises
        ------
        KeyError : the release has no mass spectra of this kind.
        """
        if kind not in _MASS:
            raise KeyError(kind)
        segment = self._segments[kind]
        rows = slice(segment.first, segment.last)
        offset, (mz, intensity) = (
            segment.flat("offset", "mz", "intensity") if kind is SpectrumKind.EI else self._cleaned(kind)
        )
        told = ("precursor_mz", "polarity", "energy_ev", "mz_low")
        return Peaks(offset, mz, intensity, *(self._arrays[name][rows] for name in told))

    @cached_property
    def units(self) -> UnitTable:
        """The unit-mass spectra of EI entries, in the order of ``rows(SpectrumKind.EI)``.

        Raises
        ------
        KeyError : the release has none.
        """
        return units_of(self._arrays)

    @property
    def compound_key(self) -> Array:
        """(entries,) uint64: equal where entries are the same compound by connectivity and form."""
        return self._arrays["compound_key"]

    @property
    def formula_key(self) -> Array:
        """(entries,) uint64: equal where entries have the same formula; 0 where it is not known."""
        return self._arrays["formula_key"]

    @property
    def labelled(self) -> Array:
        """(entries,) bool: true for isotopologues."""
        return self._arrays["labelled"]

    @property
    def partial(self) -> Array:
        """(entries,) bool: true where principal ions only are listed."""
        return self._arrays["partial"]

    @property
    def forms(self) -> Array:
        """(entries,) uint8: place in `library.build.FORMS`."""
        return self._arrays["form"]

    def doubtful(self, doubt: Doubt) -> NDArray[np.bool_]:
        """(entries,) bool: true where the import found this doubt."""
        return (self._arrays["doubts"] >> DOUBTS.index(doubt) & 1).astype(bool)

    def text(self, column: str, row: int) -> str:
        """One text value, without making the whole entry."""
        return text_of(self._arrays, column, row)

    def entry(self, row: int) -> Reference:
        """Entry number ``row``.

        Raises
        ------
        IndexError : there is no such row.
        """
        if not 0 <= row < len(self):
            raise IndexError(row)
        return self._kept(int(row))

    def _read(self, row: int) -> Reference:
        texts = {column: self.text(column, row) for column in TEXTS if column not in ("axis", "ordinate")}
        kind = KINDS[self._arrays["kind"][row]]
        offset = self._arrays["offset"]
        ions = slice(int(offset[row]), int(offset[row + 1]))
        mass = kind in _MASS
        known = {
            name: _known(self._arrays[name][row]) for name in ("mz_low", "retention_index", "precursor_mz")
        }
        return Reference(
            library=self.name,
            number=row,
            name=texts["name"],
            inchikey=texts["inchikey"],
            formula=texts["formula"],
            cas=texts["cas"],
            form=FORMS[self._arrays["form"][row]],
            kind=kind,
            parent=texts["parent"],
            partial=bool(self._arrays["partial"][row]),
            mz_low=known["mz_low"],
            spectrum=spectrum_from_peaks(self._arrays["mz"][ions], self._arrays["intensity"][ions])
            if mass
            else _EMPTY,
            synonyms=_lines(texts["synonyms"]),
            retention_index=known["retention_index"],
            source_id=texts["source_id"],
            comments=texts["comments"],
            precursor_mz=known["precursor_mz"],
            adduct=texts["adduct"],
            polarity=int(self._arrays["polarity"][row]),
            energy=texts["energy"],
            energy_ev=_known(self._arrays["energy_ev"][row]),
            instrument=texts["instrument"],
            licence=texts["licence"],
            curve=None if mass else curve_of(self._arrays, row),
            merged=_lines(self.text("merged", row)),
            doubts=_doubts(int(self._arrays["doubts"][row])),
        )

    def _cleaned(self, kind: SpectrumKind) -> tuple[Ints, list[Array]]:
        prefix = f"peaks_{kind.value}"
        return self._arrays[f"{prefix}_offset"], [
            self._arrays[f"{prefix}_{name}"] for name in ("mz", "intensity")
        ]


def open_release(directory: Path) -> Release:
    """Open the release in folder ``directory`` (that is ``<libraries>/<name>/<number>``).

    Raises
    ------
    LibraryError : the folder holds no release, one of another schema, or a file is missing or cut short.
    """
    manifest = read_manifest(directory)
    try:
        arrays = {key: _open(directory / f"{key}.npy", size) for key, size in manifest.size.items()}
        return Release(directory, manifest, arrays)
    except (OSError, ValueError, EOFError, KeyError) as error:
        detail = str(error) if isinstance(error, _WrongSize) else f"release {directory.name}"
        raise LibraryError(LibraryFault.DAMAGED, manifest.name, detail) from error


def verify(release: Release) -> tuple[str, ...]:
    """Names of the files whose content is not what the manifest says; empty for a sound release."""
    manifest = release.manifest
    wrong = [
        f"{key}.npy"
        for key, expected in manifest.sha256.items()
        if not (file := release.directory / f"{key}.npy").is_file() or file_hash(file) != expected
    ]
    digest = digest_of(manifest.sha256, manifest.name, manifest.source, manifest.licence)
    return tuple(wrong if digest == manifest.digest else [*wrong, FILE])


def releases(libraries: Path) -> tuple[Manifest, ...]:
    """Manifests of all releases that this version reads, by name and number.

    Parameters
    ----------
    libraries : the folder of all libraries; need not exist.
    """
    found = (
        _manifest_or_none(home / str(number)) for home in _homes(libraries) for number in numbers_of(home)
    )
    return tuple(manifest for manifest in found if manifest)


def unreadable(libraries: Path) -> tuple[LibraryError, ...]:
    """Why the newest release of a library cannot be used: damaged, or of another version."""
    newest = (libraries / name / str(numbers_of(libraries / name)[-1]) for name in installed_names(libraries))
    return tuple(error for folder in newest if (error := _fault(folder)))


def newest_release(libraries: Path, name: str) -> Release:
    """The release of library ``name`` with the highest number.

    Raises
    ------
    LibraryError : there is none (``near`` holds names that resemble it), or it is damaged.
    """
    try:
        check_name(name)
        numbers = numbers_of(libraries / name)
    except LibraryError:
        numbers = []
    if not numbers:
        raise LibraryError(LibraryFault.UNKNOWN, name, near=_near(libraries, name))
    return open_release(libraries / name / str(numbers[-1]))


def installed_names(libraries: Path) -> tuple[str, ...]:
    """Names of the libraries that have a release, whatever its state, sorted."""
    return tuple(home.name for home in _homes(libraries) if numbers_of(home))


class _WrongSize(ValueError):
    """A file is not as long as the manifest says."""


def _open(path: Path, size: int) -> Array:
    found = path.stat().st_size
    if found != size:
        msg = f"{path.name} has {found} bytes, not {size}"
        raise _WrongSize(msg)
    return load(path)


def _homes(libraries: Path) -> list[Path]:
    if not libraries.is_dir():
        return []
    return sorted(path for path in libraries.iterdir() if path.is_dir() and not path.name.startswith("."))


def _manifest_or_none(folder: Path) -> Manifest | None:
    try:
        return read_manifest(folder)
    except LibraryError:
        return None


def _fault(folder: Path) -> LibraryError | None:
    try:
        read_manifest(folder)
    except LibraryError as error:
        return error
    return None


def _near(libraries: Path, name: str) -> list[str]:
    known = {one.lower(): one for one in installed_names(libraries)}
    return [known[found] for found in get_close_matches(name.lower(), list(known), cutoff=0.5)]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()


def _doubts(bits: int) -> tuple[Doubt, ...]:
    return tuple(doubt for place, doubt in enumerate(DOUBTS) if bits >> place & 1)
