"""`xbt library`: import, list, show and search libraries of reference spectra.

Promises: an import says of every record what became of it; nothing is overwritten.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xbt.cli.library_folder import folder_of, libraries_dir_option, sentences
from xbt.cli.library_import import import_
from xbt.cli.library_show import list_, show
from xbt.cli.starter import starter_build

if TYPE_CHECKING:
    from library.record import Record
    from library.release import Release
    from library.search.ei import Hit

CSV_COLUMNS = (
    "query_index", "query_name", "rank", "name", "inchikey", "formula", "match_factor",
    "reverse_match_factor", "score", "group",
)  # fmt: skip
GROUP_SEPARATOR = " | "


@click.group()
def library() -> None:
    """Import, list, show and search libraries of reference spectra."""


for _command in (import_, list_, show, starter_build):
    library.add_command(_command)


@library.command("search")
@click.argument("queries", type=click.Path(path_type=Path))
@click.option(
    "--library", "libraries", multiple=True, metavar="NAME|FILE",
    help="Search this library: the name of an installed one or a library file. May be given more than once.",
)  # fmt: skip
@click.option("--top", default=5, show_default=True, type=click.IntRange(1, 100), help="Hits per query.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV; query_index counts records from 0.")
@libraries_dir_option
def search_(
    queries: Path, libraries: tuple[str, ...], top: int, as_csv: bool, libraries_dir: Path | None
) -> None:
    """Search every spectrum of a library file QUERIES (MSP, MGF, JCAMP-DX …)."""
    from library.search.ei import search
    from library.shelf import open_wanted
    from spectra.model import spectrum_from_peaks
    from xbt.cli.identify import cache_folder

    _require_file(queries)
    with sentences():
        releases = open_wanted(libraries, folder_of(libraries_dir), cache_folder())
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
    from library.record import Record, Skipped

    usable: list[tuple[int, Record]] = []
    for index, record in enumerate(read_library(path)):
        if isinstance(record, Record):
            usable.append((index, record))
        elif isinstance(record, Skipped):
            click.echo(f"line {record.line}: {record.name or 'record'} left out, {record.text}", err=True)
    if not usable:
        raise click.ClickException(f"{path.name}: no spectrum found. Is it a library?")
    return usable


def _row(index: int, query: Record, rank: int, hit: Hit, releases: list[Release]) -> dict[str, str | int]:
    from library.groups import isomer_group
    from spectra.similarity.mass import unit_mass

    group = isomer_group(releases, hit, unit_mass(query.mz, query.intensity))
    names = dict.fromkeys(reference.name for reference in group)
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


def _print(table: object) -> None:
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 200, highlight=False).print(table)


def _require_file(file: Path) -> None:
    if not file.is_file():
        raise click.ClickException(f"{file}: no such file. Check the name and the folder.")
