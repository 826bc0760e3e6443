"""`xbt library`: import, list, show and search libraries of reference spectra.

Promises: an import says of every record what became of it; nothing is overwritten.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xbt.cli.starter import starter_build

if TYPE_CHECKING:
    from library.record import Record, Skipped
    from library.release import BuildReport, Release
    from library.search.ei import Hit

CSV_COLUMNS = (
    "query_index", "query_name", "rank", "name", "inchikey", "formula", "match_factor",
    "reverse_match_factor", "score", "group",
)  # fmt: skip
GROUP_SEPARATOR = " | "

_libraries_dir = click.option(
    "--libraries-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the installed libraries, instead of the one the settings name.",
)


@click.group()
def library() -> None:
    """Import, list, show and search libraries of reference spectra."""


library.add_command(starter_build)


@library.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Name of the library; a new import makes its next release.")
@click.option("--source", default="", help="Where the spectra come from, as reports should cite it.")
@click.option("--licence", default="", help="On what terms they may be used.")
@click.option("--report", type=click.Path(path_type=Path), help="Write a CSV row for each record.")
@_libraries_dir
def import_(
    file: Path, name: str, source: str, licence: str, report: Path | None, libraries_dir: Path | None
) -> None:
    """Make an immutable release from FILE: MSP, MSL, ELU, MGF, JCAMP-DX, mzSpecLib, or JSON of MoNA."""
    from library.release import build_release

    _require_file(file)
    folder = _folder(libraries_dir)
    seen: list[Record | Skipped] = []
    with _sentences():
        done = build_release(
            _read(file, seen),
            folder,
            name=name,
            source=source or file.name,
            licence=licence or "not stated",
        )
    if report:
        _write_report(report, seen, done)
    _say_built(done, report)


@library.command("list")
@_libraries_dir
def list_(libraries_dir: Path | None) -> None:
    """List the installed libraries and their releases."""
    from rich.table import Table

    from library.release import releases

    folder = _folder(libraries_dir)
    with _sentences():
        found = releases(folder)
    if not found:
        click.echo(f"No library in {folder}. Import one: xbt library import FILE.msp --name NAME")
        return
    table = Table("name", "release", "spectra", "compounds", "made", "source", "licence", box=None)
    for one in found:
        table.add_row(
            one.name,
            str(one.number),
            str(one.spectra),
            str(one.compounds),
            one.created,
            one.source,
            one.licence,
        )
    _print(table)


@library.command("show")
@click.argument("name")
@_libraries_dir
def show(name: str, libraries_dir: Path | None) -> None:
    """Show the newest release of library NAME, and check that its files are what was written."""
    from library.release import newest_release, verify

    with _sentences():
        release = newest_release(_folder(libraries_dir), name)
        wrong = verify(release)
    manifest = release.manifest
    for label, value in (
        ("name", manifest.name),
        ("release", manifest.number),
        ("made", manifest.created),
        ("source", manifest.source),
        ("licence", manifest.licence),
        ("spectra", manifest.spectra),
        ("compounds", manifest.compounds),
        ("forms", _forms(release)),
        ("principal ions only", int(release.partial.sum())),
        ("software", manifest.software),
        ("digest", manifest.digest),
        ("files", "as written" if not wrong else f"changed: {', '.join(wrong)}"),
    ):
        click.echo(f"{label:>20}  {value}")
    if wrong:
        raise click.ClickException(f"library {name!r} is damaged: delete this release and import it again")


@library.command("search")
@click.argument("queries", type=click.Path(path_type=Path))
@click.option(
    "--library", "libraries", multiple=True, metavar="NAME|FILE",
    help="Search this library: the name of an installed one or a library file. May be given more than once.",
)  # fmt: skip
@click.option("--top", default=5, show_default=True, type=click.IntRange(1, 100), help="Hits per query.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV; query_index counts records from 0.")
@_libraries_dir
def search_(
    queries: Path, libraries: tuple[str, ...], top: int, as_csv: bool, libraries_dir: Path | None
) -> None:
    """Search every spectrum of a library file QUERIES (MSP, MGF, JCAMP-DX …)."""
    from library.search.ei import search
    from library.shelf import open_wanted
    from spectra.model import spectrum_from_peaks
    from xbt.cli.identify import cache_folder

    _require_file(queries)
    with _sentences():
        releases = open_wanted(libraries, _folder(libraries_dir), cache_folder())
        asked = _queries(queries)
    spectra = [spectrum_from_peaks(record.mz, record.intensity) for _, record in asked]
    hits = search(releases, spectra, top=top)
    rows = [_row(index, r, rank, hit, releases) for (index, r), found in zip(asked, hits, strict=True)
            for rank, hit in enumerate(found, start=1)]  # fmt: skip
    if as_csv:
        writer = csv.DictWriter(sys.stdout, CSV_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        _print_hits(rows)


def _queries(path: Path) -> list[tuple[int, Record]]:
    """The usable records with their place in the file; the others are named on the error output."""
    from library.formats import read_library
    from library.record import Skipped

    usable: list[tuple[int, Record]] = []
    for index, record in enumerate(read_library(path)):
        if isinstance(record, Skipped):
            click.echo(f"line {record.line}: {record.name or 'record'} left out, {record.text}", err=True)
        else:
            usable.append((index, record))
    if not usable:
        raise click.ClickException(f"{path.name}: no spectrum found. Is it a library?")
    return usable


def _row(index: int, query: Record, rank: int, hit: Hit, releases: list[Release]) -> dict[str, str | int]:
    from library.groups import isomer_group

    names = dict.fromkeys(reference.name for reference in isomer_group(releases, hit))
    return {
        "query_index": index,
        "query_name": query.name,
        "rank": rank,
        "name": hit.reference.name,
        "inchikey": hit.reference.inchikey,
        "formula": hit.reference.formula,
        "match_factor": f"{hit.match_factor:.1f}",
        "reverse_match_factor": f"{hit.reverse_match_factor:.1f}",
        "score": f"{hit.score:.1f}",
        "group": GROUP_SEPARATOR.join(names),
    }


def _print_hits(rows: list[dict[str, str | int]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("query", "", "name", "formula", "match", "reverse", "cannot be told from", box=None)
    for row in rows:
        others = str(row["group"]).split(GROUP_SEPARATOR)[1:]
        query = f"[bold]{escape(str(row['query_name']))}[/]" if row["rank"] == 1 else ""
        match, reverse = (f"{float(row[key]):.0f}" for key in ("match_factor", "reverse_match_factor"))
        shown = ", ".join(others[:4]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
        table.add_row(
            query,
            str(row["rank"]),
            escape(str(row["name"])),
            str(row["formula"]),
            match,
            reverse,
            escape(shown),
        )
    _print(table)


def _read(file: Path, seen: list[Record | Skipped]) -> Iterator[Record | Skipped]:
    """The records of a file, remembered in ``seen``, with a bar on the error output."""
    from rich.console import Console
    from rich.progress import Progress

    from library.formats import read_library

    with file.open("rb") as stream:
        lines = sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"Reading {file.name}", total=lines)
        for record in read_library(file):
            seen.append(record)
            progress.update(task, completed=record.line)
            yield record


def _write_report(path: Path, seen: list[Record | Skipped], done: BuildReport) -> None:
    """One row per record: line, name, what became of it, the codes, and why in words."""
    left_out = {skipped.line: ("skipped", skipped.reason.value, skipped.text) for skipped in done.skipped}
    left_out |= {notice.line: ("duplicate", notice.code, notice.text) for notice in done.duplicates}
    doubts: dict[int, list[tuple[str, str]]] = {}
    for notice in done.warnings:
        doubts.setdefault(notice.line, []).append((notice.code, notice.text))
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("line", "name", "outcome", "code", "text"))
        for record in seen:
            said = doubts.get(record.line, [])
            kept = ("kept", " ".join(code for code, _ in said), "; ".join(text for _, text in said))
            writer.writerow((record.line, record.name, *left_out.get(record.line, kept)))


def _say_built(done: BuildReport, report: Path | None) -> None:
    state = "is already there, unchanged" if done.existed else "made"
    click.echo(
        f"Library {done.name}, release {done.number} {state}: {done.kept} spectra of {done.read} records."
    )
    for count, what in ((len(done.skipped), "skipped"), (len(done.duplicates), "duplicates left out")):
        if count:
            click.echo(f"{count} {what}.")
    for skipped in done.skipped[:5]:
        click.echo(f"  line {skipped.line}: {skipped.name or 'no name'}: {skipped.text}")
    codes = sorted({notice.code for notice in done.warnings})
    for code in codes:
        some = [notice for notice in done.warnings if notice.code == code]
        click.echo(f"{len(some)} × {code}, e.g. line {some[0].line}: {some[0].name}: {some[0].text}")
    if report:
        click.echo(f"Every record: {report}")
    elif done.skipped or done.duplicates or codes:
        click.echo("--report OUT.csv lists every record.")


def _forms(release: Release) -> str:
    from collections import Counter

    kinds = Counter(release.text("kind", row) for row in range(len(release)))
    return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())


def _print(table: object) -> None:
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 200, highlight=False).print(table)


def _require_file(file: Path) -> None:
    if not file.is_file():
        raise click.ClickException(f"{file}: no such file. Check the name and the folder.")


def _folder(libraries_dir: Path | None) -> Path:
    from xbt.config import load_settings

    return libraries_dir or load_settings().libraries_dir


@contextmanager
def _sentences() -> Iterator[None]:
    """Errors of reading and of libraries as one sentence each."""
    from library.release import LibraryError
    from spectra.errors import UnreadableFile

    try:
        yield
    except (LibraryError, UnreadableFile) as error:
        raise click.ClickException(str(error)) from None
