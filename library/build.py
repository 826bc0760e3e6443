"""Building a release from a stream of records, in bounded memory, so that it is whole or not there.

Promises: one import of a library at a time; what a killed one left is cleared by the next; records are
read once, a thousand at a time, into arrays on disk, duplicates found there, and the kept entries copied
in order of kind; the same records under the same name give the release that is already there. Every record
is accounted for. Refuses names that could leave the folder and an import without a usable record.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path

import numpy as np

from library.columns import Array, Columns, blocks, file_hash, load, offsets, places
from library.duplicates import Spectra, exact_leaders, near_curves, near_leaders
from library.forms import FormKind
from library.journal import Journal
from library.manifest import (
    SCHEMA,
    LibraryError,
    LibraryFault,
    Manifest,
    check_name,
    digest_of,
    read_manifest,
    sync,
    write_manifest,
)
from library.prepare import Batch, Doubt, Entry, Notice, key_of, prepare
from library.record import AnyRecord, OpticalRecord, Record, Skipped, SpectrumKind
from library.segments import AXES, KINDS, curve_of, segments, text_of, write_segment
from library.signing import sign
from spectra.model import OpticalSpectrum

DISTRIBUTION = "xbt-drugchecking"
RECORDS_AT_ONCE = 1000
ABANDONED_S = 24 * 3600  # only where folders cannot be locked

FORMS = tuple(FormKind)  # releases store the place in this order, which never changes
DOUBTS = tuple(Doubt)
TEXTS = (
    "name", "inchikey", "formula", "cas", "synonyms", "source_id", "comments", "parent", "adduct", "energy",
    "instrument", "licence", "axis", "ordinate",
)  # fmt: skip
_NUMBERS = (
    "kind", "form", "labelled", "partial", "polarity", "mz_low", "retention_index", "precursor_mz",
    "energy_ev", "compound_key", "formula_key", "doubts",
)  # fmt: skip
_ASIDE = ".building-"

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class BuildReport:
    """What an import did.

    Parameters
    ----------
    directory : folder of the release.
    existed : true if the same content was already there under that number.
    read : records the source held, skipped ones included.
    kept : entries of the release.
    counts : records of each code: reasons of skipping, doubts, "duplicate", "near_duplicate".
    skipped, warnings, duplicates : in source order, the first `library.journal.EXAMPLES` of each code.
    """

    directory: Path
    name: str
    number: int
    digest: str
    existed: bool
    read: int
    kept: int
    counts: Mapping[str, int]
    skipped: tuple[Skipped, ...]
    warnings: tuple[Notice, ...]
    duplicates: tuple[Notice, ...]


def build_release(
    records: Iterable[AnyRecord],
    directory: Path,
    *,
    name: str,
    source: str,
    licence: str,
    created: datetime | None = None,
    report: Path | None = None,
    progress: Progress | None = None,
    key: bytes | None = None,
) -> BuildReport:
    """Write records as the next release of library ``name`` below ``directory``.

    Parameters
    ----------
    directory : the folder of all libraries; made if it is not there.
    source, licence : where the records come from and on what terms, as people read it.
    created : the time to write into the manifest; now if not given.
    report : file to write a CSV row for each record into.
    progress : called with a stage ("read", "merge", "write", "index") and how many records are done.
    key : private key to sign with (`library.signing`); not signed without.

    Raises
    ------
    LibraryError : the name is not a plain file name, or no record could be used.
    """
    check_name(name)
    tell = progress or _silent
    with _aside(directory / name) as aside:
        with Journal(aside / "records.csv") as journal:
            spool = _read(records, aside, journal, tell)
        if not spool:
            raise LibraryError(LibraryFault.EMPTY, name, f"{journal.read} records, all skipped")
        tell("merge", journal.read)
        leader, exact = _leaders(spool)
        duplicates = journal.merged(leader, exact, spool)
        tell("write", journal.read)
        content = aside / "content"
        content.mkdir()
        files = _write(spool, leader, content)
        tell("index", journal.read)
        for segment in segments({name: load(path) for name, path in files.items()}):
            files |= write_segment(segment, content)
        draft = _draft(name, source, licence, created or datetime.now(UTC), files)
        manifest, existed = _settle(content, directory / name, draft, key)
        if report:
            journal.write(report, leader, exact, spool)
    return BuildReport(
        directory=directory / name / str(manifest.number),
        name=name,
        number=manifest.number,
        digest=manifest.digest,
        existed=existed,
        read=journal.read,
        kept=manifest.spectra,
        counts=dict(journal.counts),
        skipped=tuple(journal.skipped_examples),
        warnings=tuple(journal.warnings),
        duplicates=tuple(duplicates),
    )


def numbers_of(home: Path) -> list[int]:
    """The numbers of the releases in a library's folder, ascending."""
    if not home.is_dir():
        return []
    return sorted(int(path.name) for path in home.iterdir() if path.name.isdecimal() and path.is_dir())


def _silent(stage: str, done: int) -> None:
    """Progress that nobody watches."""


@contextmanager
def _aside(home: Path) -> Iterator[Path]:
    """A folder to build in, beside the releases; alone there, and gone afterwards."""
    home.mkdir(parents=True, exist_ok=True)
    with _alone(home):
        _clear_abandoned(home)
        aside = home / f"{_ASIDE}{uuid.uuid4().hex}"
        aside.mkdir(parents=True)
        try:
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)
            if not any(home.iterdir()):
                home.rmdir()


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Wait until no other process builds in ``home``; the system lets go when a process is killed."""
    if sys.platform == "win32":
        yield
        return
    import fcntl
    import os

    descriptor = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _clear_abandoned(home: Path) -> None:
    """Remove what imports that were killed left behind."""
    for aside in home.glob(f"{_ASIDE}*"):
        old = time.time() - aside.stat().st_mtime > ABANDONED_S
        if old or sys.platform != "win32":
            shutil.rmtree(aside, ignore_errors=True)


def _read(records: Iterable[AnyRecord], aside: Path, journal: Journal, tell: Progress) -> dict[str, Array]:
    """The arrays of all entries in source order; empty where no record could be used."""
    folder = aside / "spool"
    folder.mkdir()
    spool = Columns(folder)
    stream = iter(records)
    while some := list(islice(stream, RECORDS_AT_ONCE)):
        batch = prepare(some)
        journal.batch(batch)
        _append(spool, batch)
        tell("read", journal.read)
    return {name: load(path) for name, path in spool.close().items()}


def _append(spool: Columns, batch: Batch) -> None:
    entries = [one for one in batch.told if isinstance(one, Entry)]
    if not entries:
        return
    records = [entry.record for entry in entries]
    mass = [one if isinstance(one, Record) else None for one in records]
    curves = [one.spectrum if isinstance(one, OpticalRecord) else None for one in records]
    spool.append("mz", batch.mz, np.float64)
    spool.append("intensity", batch.intensity, np.float32)
    spool.append("ions", batch.sizes, np.int64)
    spool.append("points", [0 if curve is None else len(curve.x) for curve in curves], np.int64)
    spool.append("curve_x", np.concatenate([np.empty(0), *(c.x for c in curves if c)]), np.float64)
    spool.append("curve_y", np.concatenate([np.empty(0), *(c.y for c in curves if c)]), np.float32)
    spool.append("kind", [KINDS.index(one.kind) for one in records], np.uint8)
    spool.append("form", [FORMS.index(entry.form.kind) for entry in entries], np.uint8)
    spool.append("labelled", [entry.form.kind is FormKind.ISOTOPOLOGUE for entry in entries], bool)
    spool.append("partial", [bool(one and one.partial) for one in mass], bool)
    spool.append("polarity", [one.polarity if one else 0 for one in mass], np.int8)
    for column in ("mz_low", "retention_index", "precursor_mz", "energy_ev"):
        spool.append(column, [_or_nan(getattr(one, column, None)) for one in mass], np.float64)
    spool.append("compound_key", [key_of(entry.compound) for entry in entries], np.uint64)
    spool.append("formula_key", [key_of(one.formula) for one in records], np.uint64)
    spool.append("doubts", [_bits(entry) for entry in entries], np.uint32)
    spool.append("conditions", [entry.conditions for entry in entries], np.uint64)
    spool.append("content", _contents(batch, curves), np.uint64)
    spool.append("line", [one.line for one in records], np.int64)
    _append_texts(spool, entries, curves)


def _append_texts(spool: Columns, entries: Sequence[Entry], curves: Sequence[object]) -> None:
    records = [entry.record for entry in entries]
    for column in ("name", "inchikey", "formula", "cas", "comments", "instrument", "licence", "file"):
        spool.append_texts(column, [getattr(one, column) for one in records])
    for column in ("adduct", "energy"):
        spool.append_texts(column, [getattr(one, column, "") for one in records])
    for column in ("axis", "ordinate"):
        spool.append_texts(column, [getattr(curve, column, "") for curve in curves])
    spool.append_texts("synonyms", ["\n".join(one.synonyms) for one in records])
    spool.append_texts("parent", [entry.form.parent for entry in entries])
    spool.append_texts("source_id", [one.source_id or one.file for one in records])


def _contents(batch: Batch, curves: Sequence[object]) -> list[int]:
    """64 bits for each entry's spectrum as it is stored."""
    offset = offsets(batch.sizes)
    mz, intensity = batch.mz, batch.intensity.astype(np.float32)
    return [
        _hash(mz[first:last].tobytes(), intensity[first:last].tobytes(), curve)
        for first, last, curve in zip(offset[:-1].tolist(), offset[1:].tolist(), curves, strict=True)
    ]


def _hash(mz: bytes, intensity: bytes, curve: object) -> int:
    digest = hashlib.blake2b(mz, digest_size=8)
    digest.update(intensity)
    for axis in ("x", "y"):
        digest.update(getattr(curve, axis, np.empty(0)).tobytes())
    return int.from_bytes(digest.digest(), "big")


def _bits(entry: Entry) -> int:
    bits = 0
    for doubt, _ in entry.doubts:
        bits |= 1 << DOUBTS.index(doubt)
    return bits


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _leaders(spool: Mapping[str, Array]) -> tuple[Array, Array]:
    """(entries,) the entry each is merged into, itself where it is kept; and whether it is an exact copy."""
    leader = exact_leaders(spool["conditions"], spool["content"])
    exact = leader != np.arange(len(leader))
    compared = ~exact & ~spool["partial"] & (spool["ions"] > 0)
    unit = spool["kind"] == KINDS.index(SpectrumKind.EI)
    spectra = Spectra(offsets(spool["ions"]), spool["mz"], spool["intensity"], unit)
    for row, its in near_leaders(spool["conditions"], np.flatnonzero(compared), spectra):
        leader[row] = its
    curves = _curves(spool)
    for kind, axis in AXES.items():
        rows = np.flatnonzero(~exact & (spool["kind"] == KINDS.index(kind)))
        for row, its in near_curves(spool["conditions"], rows, spool["points"], curves, axis):
            leader[row] = its
    return leader[leader], exact


def _curves(spool: Mapping[str, Array]) -> Callable[[int], OpticalSpectrum]:
    """What gives the optical spectrum of an entry."""
    arrays = {
        "curve_offset": offsets(spool["points"]),
        "curve_x": spool["curve_x"],
        "curve_y": spool["curve_y"],
    }
    for column in ("axis", "ordinate", "name"):
        arrays[f"{column}_end"] = np.cumsum(spool[f"{column}_size"])
        arrays[f"{column}_text"] = spool[f"{column}_text"]
    return partial(curve_of, arrays)


def _write(spool: Mapping[str, Array], leader: Array, folder: Path) -> dict[str, Path]:
    """The kept entries in order of kind, in arrays of their own."""
    kept = np.flatnonzero(leader == np.arange(len(leader)))
    order = kept[np.argsort(spool["kind"][kept], kind="stable")]
    made = Columns(folder)
    for column in _NUMBERS:
        made.append(column, spool[column][order])
    made.append("offset", _copy(made, spool, "ions", ("mz", "intensity"), order))
    made.append("curve_offset", _copy(made, spool, "points", ("curve_x", "curve_y"), order))
    for column in TEXTS:
        made.append(f"{column}_end", _copy(made, spool, f"{column}_size", (f"{column}_text",), order)[1:])
    _write_merged(made, spool, leader, order)
    return made.close()


def _copy(
    made: Columns, spool: Mapping[str, Array], sizes: str, values: Sequence[str], order: Array
) -> Array:
    """Copy the values of rows; their new offsets."""
    old, new = offsets(spool[sizes]), offsets(spool[sizes][order])
    for name in values:
        made.append(name, spool[name][:0])
    for first, last in blocks(new):
        where = places(old, order[first:last])
        for name in values:
            made.append(name, spool[name][where])
    return new


def _write_merged(made: Columns, spool: Mapping[str, Array], leader: Array, order: Array) -> None:
    """For each kept entry the sources of those merged into it, one a line."""
    ends = {"source_id_end": np.cumsum(spool["source_id_size"]), "source_id_text": spool["source_id_text"]}
    told: dict[int, list[str]] = {}
    for row in np.flatnonzero(leader != np.arange(len(leader))).tolist():
        source = text_of(ends, "source_id", row) or f"line {spool['line'][row]}"
        told.setdefault(int(leader[row]), []).append(source)
    made.append("merged_text", [], np.uint8)
    sizes = np.zeros(len(order), np.int64)
    for place in np.flatnonzero(np.isin(order, list(told))).tolist():
        text = "\n".join(told[int(order[place])]).encode()
        made.append("merged_text", np.frombuffer(text, np.uint8))
        sizes[place] = len(text)
    made.append("merged_end", np.cumsum(sizes))


def _draft(name: str, source: str, licence: str, created: datetime, files: Mapping[str, Path]) -> Manifest:
    """The manifest of a release that has no number yet."""
    hashes = {key: file_hash(path) for key, path in sorted(files.items())}
    arrays = {key: load(files[key]) for key in ("kind", "compound_key", "mz")}
    counts = np.bincount(arrays["kind"], minlength=len(KINDS)).tolist()
    return Manifest(
        schema=SCHEMA,
        name=name,
        number=0,
        created=created.isoformat(timespec="seconds"),
        source=source,
        licence=licence,
        spectra=len(arrays["kind"]),
        compounds=len(np.unique(arrays["compound_key"])),
        ions=len(arrays["mz"]),
        kinds={kind.value: count for kind, count in zip(KINDS, counts, strict=True) if count},
        software=_software(),
        sha256=hashes,
        size={key: path.stat().st_size for key, path in sorted(files.items())},
        digest=digest_of(hashes, name, source, licence),
    )


def _settle(content: Path, home: Path, draft: Manifest, key: bytes | None) -> tuple[Manifest, bool]:
    """Give the finished folder its number, unless the same content has one already (then true)."""
    there = next((m for number in numbers_of(home) if (m := _same(home / str(number), draft))), None)
    if there:
        return there, True
    for path in content.iterdir():
        sync(path)
    while True:
        numbers = numbers_of(home)
        manifest = replace(draft, number=(numbers[-1] if numbers else 0) + 1)
        if key:
            manifest = replace(manifest, signature=sign(key, manifest.message))
        write_manifest(content, manifest)
        try:
            content.rename(home / str(manifest.number))
        except OSError:
            if not (home / str(manifest.number)).is_dir():
                raise
            continue  # another import took the number
        sync(home)
        return manifest, False


def _same(folder: Path, draft: Manifest) -> Manifest | None:
    """The manifest of a release of the same content; None for others, whatever state they are in."""
    try:
        manifest = read_manifest(folder)
    except LibraryError:
        return None
    return manifest if manifest.digest == draft.digest else None


def _software() -> str:
    try:
        return f"{DISTRIBUTION} {version(DISTRIBUTION)}"
    except PackageNotFoundError:
        return DISTRIBUTION
