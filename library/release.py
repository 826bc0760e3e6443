"""Immutable library releases on disk: flat arrays, opened in milliseconds by memory mapping.

Promises: a release is complete or absent (written aside, synced, renamed); it never changes; the same
records under the same name give the release that is already there; every file's hash stands in the
manifest. Refuses: pickled data, names that could leave the folder, an empty library.

On disk: ``<libraries>/<name>/<number>/`` with ``manifest.json`` and one ``.npy`` file per array. Text
columns are two arrays: all UTF-8 bytes, and where each row ends.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.forms import FormKind
from library.prepare import Notice, Prepared, prepare
from library.record import Record, Skipped
from spectra.model import MassSpectrum, spectrum_from_peaks
from spectra.similarity.mass import UnitTable, unit_table

SCHEMA = "xbt.library/1"
DISTRIBUTION = "xbt-drugchecking"
ABANDONED_S = 24 * 3600

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ASIDE = ".building-"
_TEXTS = ("name", "inchikey", "formula", "cas", "synonyms", "source_id", "comments", "kind", "parent")

Array = NDArray[Any]


class LibraryFault(StrEnum):
    """What is wrong with a library; the value is stable."""

    BAD_NAME = "bad_name"
    EMPTY = "empty"  # no record could be used
    UNKNOWN = "unknown"  # no release of that name
    DAMAGED = "damaged"  # a file is missing or its hash differs
    SCHEMA = "schema"  # written by a version this one does not read


class LibraryError(Exception):
    """A library cannot be built, found or opened: which, why, and names that come near."""

    def __init__(self, fault: LibraryFault, name: str, detail: str = "", near: Sequence[str] = ()) -> None:
        super().__init__(fault, name, detail, tuple(near))
        self.fault = fault
        self.name = name
        self.detail = detail
        self.near = tuple(near)

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        near = f"did you mean {' or '.join(self.near)}? " if self.near else ""
        return _SENTENCES[self.fault].format(name=self.name, detail=detail, near=near)


_SENTENCES = {
    LibraryFault.BAD_NAME: "{name!r} cannot be the name of a library{detail}",
    LibraryFault.EMPTY: "library {name!r}: no usable spectrum{detail}; does it hold mass spectra?",
    LibraryFault.UNKNOWN: "there is no library or file {name!r}; {near}list libraries with: xbt library list",
    LibraryFault.DAMAGED: "library {name!r} is damaged{detail}; delete this release and import it again",
    LibraryFault.SCHEMA: "library {name!r} was written by another version of the program; import it again",
}


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One entry of a release.

    Parameters
    ----------
    library : name of the library.
    number : row of the release, from 0; `Release.entry` takes it.
    kind : what it is a spectrum of.
    parent : key of the substance it is a form of (`library.substances`), "" where that is not known.
    partial, mz_low : as in `library.formats.msp.Record`.
    """

    library: str
    number: int
    name: str
    inchikey: str
    formula: str
    cas: str
    kind: FormKind
    parent: str
    partial: bool
    mz_low: float | None
    spectrum: MassSpectrum
    synonyms: tuple[str, ...] = ()
    retention_index: float | None = None
    source_id: str = ""
    comments: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release says of itself; ``digest`` identifies its content, source and licence."""

    schema: str
    name: str
    number: int
    created: str
    source: str
    licence: str
    spectra: int
    compounds: int
    ions: int
    software: str
    sha256: dict[str, str]
    digest: str


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What an import did.

    Parameters
    ----------
    directory : folder of the release.
    existed : true if the same content was already there under that number.
    read : records the source held, skipped ones included.
    kept : entries of the release.
    skipped, warnings, duplicates : per record, in source order.
    """

    directory: Path
    name: str
    number: int
    digest: str
    existed: bool
    read: int
    kept: int
    skipped: tuple[Skipped, ...]
    warnings: tuple[Notice, ...]
    duplicates: tuple[Notice, ...]


class Release:
    """An open release: memory-mapped arrays and entries made on demand."""

    def __init__(self, directory: Path, manifest: Manifest, arrays: Mapping[str, Array]) -> None:
        self.directory = directory
        self.manifest = manifest
        self._arrays = dict(arrays)

    def __len__(self) -> int:
        return self.manifest.spectra

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def number(self) -> int:
        return self.manifest.number

    @cached_property
    def units(self) -> UnitTable:
        """The unit-mass spectra that are searched, one row per entry."""
        return UnitTable(*(self._arrays[f"unit_{part}"] for part in UnitTable.__slots__))

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

    def text(self, column: str, row: int) -> str:
        """One text value, without making the whole entry."""
        ends = self._arrays[f"{column}_end"]
        start = int(ends[row - 1]) if row else 0
        return bytes(self._arrays[f"{column}_text"][start : int(ends[row])]).decode("utf-8")

    def entry(self, row: int) -> Reference:
        """Entry number ``row``.

        Raises
        ------
        IndexError : there is no such row.
        """
        if not 0 <= row < len(self):
            raise IndexError(row)
        texts = {column: self.text(column, row) for column in _TEXTS}
        synonyms = tuple(texts.pop("synonyms").split("\n")) if texts["synonyms"] else ()
        texts.pop("synonyms", None)
        offset = self._arrays["offset"]
        ions = slice(int(offset[row]), int(offset[row + 1]))
        return Reference(
            library=self.name,
            number=row,
            partial=bool(self._arrays["partial"][row]),
            mz_low=_known(self._arrays["mz_low"][row]),
            spectrum=spectrum_from_peaks(self._arrays["mz"][ions], self._arrays["intensity"][ions]),
            kind=FormKind(texts.pop("kind")),
            synonyms=synonyms,
            retention_index=_known(self._arrays["retention_index"][row]),
            **texts,
        )


def build_release(
    records: Iterable[Record | Skipped],
    directory: Path,
    *,
    name: str,
    source: str,
    licence: str,
    created: datetime | None = None,
) -> BuildReport:
    """Write records as the next release of library ``name`` below ``directory``.

    Parameters
    ----------
    directory : the folder of all libraries; made if it is not there.
    source, licence : where the records come from and on what terms, as people read it.
    created : the time to write into the manifest; now if not given.

    Raises
    ------
    LibraryError : the name is not a plain file name, or no record could be used.
    """
    if not _NAME.fullmatch(name):
        raise LibraryError(LibraryFault.BAD_NAME, name, "letters, digits, '.', '_' and '-', at most 64")
    prepared = prepare(records)
    if not prepared.entries:
        raise LibraryError(LibraryFault.EMPTY, name, f"{prepared.read} records, all skipped")
    arrays = _arrays(prepared)
    home = directory / name
    home.mkdir(parents=True, exist_ok=True)
    _clear_abandoned(home)
    aside = home / f"{_ASIDE}{uuid.uuid4().hex}"
    aside.mkdir()
    try:
        hashes = {key: _save(array, aside / f"{key}.npy") for key, array in arrays.items()}
        draft = _draft(
            name,
            source=source,
            licence=licence,
            created=created or datetime.now(UTC),
            hashes=hashes,
            arrays=arrays,
        )
        manifest, existed = _settle(aside, home, draft)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return BuildReport(
        directory=home / str(manifest.number),
        name=name,
        number=manifest.number,
        digest=manifest.digest,
        existed=existed,
        read=prepared.read,
        kept=len(prepared.entries),
        skipped=prepared.skipped,
        warnings=prepared.warnings,
        duplicates=prepared.duplicates,
    )


def open_release(directory: Path) -> Release:
    """Open the release in folder ``directory`` (that is ``<libraries>/<name>/<number>``).

    Raises
    ------
    LibraryError : the folder holds no release, one of another schema, or a file is missing.
    """
    manifest = _manifest(directory)
    try:
        arrays = {key: _load(_file(directory, key)) for key in manifest.sha256}
    except (FileNotFoundError, ValueError, EOFError) as error:
        raise LibraryError(LibraryFault.DAMAGED, manifest.name, str(directory.name)) from error
    return Release(directory, manifest, arrays)


def verify(release: Release) -> tuple[str, ...]:
    """Names of the files whose content is not what the manifest says; empty for a sound release."""
    wrong = [
        f"{key}.npy"
        for key, expected in release.manifest.sha256.items()
        if not _file(release.directory, key).is_file() or _hash(_file(release.directory, key)) != expected
    ]
    manifest = release.manifest
    digest = _digest(manifest.sha256, manifest.name, manifest.source, manifest.licence)
    return tuple(wrong if digest == manifest.digest else [*wrong, "manifest.json"])


def releases(libraries: Path) -> tuple[Manifest, ...]:
    """Manifests of all releases below the folder of all libraries, by name and number."""
    if not libraries.is_dir():
        return ()
    homes = sorted(path for path in libraries.iterdir() if path.is_dir() and not path.name.startswith("."))
    return tuple(_manifest(home / str(number)) for home in homes for number in _numbers(home))


def newest_release(libraries: Path, name: str) -> Release:
    """The release of library ``name`` with the highest number.

    Raises
    ------
    LibraryError : there is none (``near`` holds names that resemble it), or it is damaged.
    """
    numbers = _numbers(libraries / name) if _NAME.fullmatch(name) else []
    if not numbers:
        raise LibraryError(LibraryFault.UNKNOWN, name, near=_near(libraries, name))
    return open_release(libraries / name / str(numbers[-1]))


def _clear_abandoned(home: Path) -> None:
    """Remove what imports that were killed left behind, once no import can still be at it."""
    for aside in home.glob(f"{_ASIDE}*"):
        if time.time() - aside.stat().st_mtime > ABANDONED_S:
            shutil.rmtree(aside, ignore_errors=True)


def _near(libraries: Path, name: str) -> list[str]:
    known = {manifest.name.lower(): manifest.name for manifest in releases(libraries)}
    return [known[found] for found in get_close_matches(name.lower(), list(known), cutoff=0.5)]


def _numbers(home: Path) -> list[int]:
    if not home.is_dir():
        return []
    return sorted(int(path.name) for path in home.iterdir() if path.name.isdecimal() and path.is_dir())


def _draft(
    name: str,
    *,
    source: str,
    licence: str,
    created: datetime,
    hashes: dict[str, str],
    arrays: Mapping[str, Array],
) -> Manifest:
    """The manifest of a release that has no number yet."""
    return Manifest(
        schema=SCHEMA,
        name=name,
        number=0,
        created=created.isoformat(timespec="seconds"),
        source=source,
        licence=licence,
        spectra=len(arrays["partial"]),
        compounds=len(np.unique(arrays["compound_key"])),
        ions=len(arrays["mz"]),
        software=_software(),
        sha256=hashes,
        digest=_digest(hashes, name, source, licence),
    )


def _settle(aside: Path, home: Path, draft: Manifest) -> tuple[Manifest, bool]:
    """Give the finished folder its number, unless the same content has one already (then true)."""
    while True:
        numbers = _numbers(home)
        for number in numbers:
            there = _manifest(home / str(number))
            if there.digest == draft.digest:
                return there, True
        manifest = replace(draft, number=(numbers[-1] if numbers else 0) + 1)
        _write_manifest(aside, manifest)
        try:
            aside.rename(home / str(manifest.number))
        except OSError:
            if not (home / str(manifest.number)).is_dir():
                raise
            continue  # another import took the number
        _sync(home)
        return manifest, False


def _arrays(prepared: Prepared) -> dict[str, Array]:
    entries = prepared.entries
    records = [entry.record for entry in entries]
    offset = np.concatenate(([0], np.cumsum([len(record.mz) for record in records]))).astype(np.int64)
    mz = np.concatenate([record.mz for record in records])
    intensity = np.concatenate([record.intensity for record in records])
    mz_low = _numbers_or_nan([record.mz_low for record in records])
    partial = np.array([record.partial for record in records], bool)
    units = unit_table(offset, mz, intensity, mz_low=mz_low, partial=partial)
    arrays: dict[str, Array] = {
        "offset": offset,
        "mz": mz,
        "intensity": intensity,
        "mz_low": mz_low,
        "partial": partial,
        "labelled": np.array([entry.kind == FormKind.ISOTOPOLOGUE for entry in entries], bool),
        "retention_index": _numbers_or_nan([record.retention_index for record in records]),
        "compound_key": np.array([key_of(entry.compound) for entry in entries], np.uint64),
        "formula_key": np.array([key_of(entry.record.formula) for entry in entries], np.uint64),
    }
    arrays |= {f"unit_{part}": getattr(units, part) for part in UnitTable.__slots__}
    for column in ("name", "inchikey", "formula", "cas", "source_id", "comments"):
        arrays |= _text_arrays(column, [getattr(record, column) for record in records])
    arrays |= _text_arrays("synonyms", ["\n".join(record.synonyms) for record in records])
    arrays |= _text_arrays("kind", [entry.kind for entry in entries])
    return arrays | _text_arrays("parent", [entry.parent for entry in entries])


def key_of(text: str) -> int:
    """64 bits that stand for a text when rows are compared; 0 for the empty text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") if text else 0


def _text_arrays(column: str, values: Sequence[str]) -> dict[str, Array]:
    encoded = [value.encode("utf-8", errors="replace") for value in values]
    blob = np.frombuffer(b"".join(encoded), np.uint8)
    return {f"{column}_text": blob, f"{column}_end": np.cumsum([len(e) for e in encoded], dtype=np.int64)}


def _numbers_or_nan(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _load(path: Path) -> Array:
    """The mapped array, as a plain one: `numpy.memmap` pays for being its own class at every index."""
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False)).view(np.ndarray)


def _save(array: Array, path: Path) -> str:
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    return _hash(path)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(hashes: Mapping[str, str], name: str, source: str, licence: str) -> str:
    content = [SCHEMA, name, source, licence, *(f"{key} {hashes[key]}" for key in sorted(hashes))]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _file(directory: Path, key: str) -> Path:
    return directory / f"{key}.npy"


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    values = {field: getattr(manifest, field) for field in Manifest.__slots__}
    with (folder / "manifest.json").open("w", encoding="utf-8") as file:
        json.dump(values, file, indent=2, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    _sync(folder)


def _sync(folder: Path) -> None:
    """Make a rename or new file in ``folder`` survive a power cut (where the system can)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _manifest(directory: Path) -> Manifest:
    try:
        values = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LibraryError(LibraryFault.UNKNOWN, directory.name, "no manifest") from error
    except ValueError as error:
        raise LibraryError(LibraryFault.DAMAGED, directory.name, "manifest.json") from error
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        raise LibraryError(LibraryFault.SCHEMA, directory.name)
    try:
        manifest = Manifest(**values)
    except TypeError as error:
        raise LibraryError(LibraryFault.DAMAGED, directory.name, "manifest.json") from error
    if not all(re.fullmatch(r"[a-z_]+", key) for key in manifest.sha256):
        raise LibraryError(LibraryFault.DAMAGED, directory.name, "manifest.json")
    return manifest


def _software() -> str:
    try:
        return f"{DISTRIBUTION} {version(DISTRIBUTION)}"
    except PackageNotFoundError:
        return DISTRIBUTION
