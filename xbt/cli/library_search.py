"""`xbt library search`: what the spectra of a file resemble, as a table, CSV or JSON.

Promises: every spectrum of the file is answered or named on the error output with the reason; CSV and JSON
hold the decision beside every candidate.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xbt.cli.library_folder import folder_of, libraries_dir_option, sentences

if TYPE_CHECKING:
    from library.ask import Answer, Query, Row
    from library.record import AnyRecord

CSV_COLUMNS = (
    "query_index", "query_name", "technique", "decision", "rank", "name", "inchikey", "formula", "score",
    "match_factor", "reverse_match_factor", "probability", "group", "library", "family", "relative",
)  # fmt: skip
TECHNIQUES = ("auto", "ei", "msms", "in_source", "infrared", "raman")
GROUP_SEPARATOR = " | "
SHOWN_MEMBERS = 4


@click.command("search")
@click.argument("queries", type=click.Path(path_type=Path))
@click.option(
    "--library", "libraries", multiple=True, metavar="NAME|FILE",
    help="Search this library: the name of an installed one or a library file. May be given more than once.",
)  # fmt: skip
@click.option(
    "--technique", type=click.Choice(TECHNIQUES), default="auto", show_default=True,
    help="What the spectra of QUERIES are; auto takes the file's word.",
)  # fmt: skip
@click.option("--top", default=5, show_default=True, type=click.IntRange(1, 100), help="Hits per query.")
@click.option(
    "--min-probability", type=click.FloatRange(0, 1), help="Leave out candidates less probable than this."
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV; query_index counts records from 0.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object per query.")
@libraries_dir_option
def search_(
    queries: Path,
    libraries: tuple[str, ...],
    technique: str,
    top: int,
    min_probability: float | None,
    as_csv: bool,
    as_json: bool,
    libraries_dir: Path | None,
) -> None:
    """Search every spectrum of QUERIES: a library file (MSP, MGF, JCAMP-DX …) or an instrument file."""
    from library.ask import ask
    from library.shelf import open_wanted
    from xbt.cli.identify import cache_folder

    if not queries.exists():
        raise click.ClickException(f"{queries}: no such file. Check the name and the folder.")
    with sentences():
        releases = open_wanted(libraries, folder_of(libraries_dir), cache_folder())
        asked = dict(_usable(queries, technique))
    if not asked:
        raise click.ClickException(f"{queries.name}: no spectrum that can be compared.")
    places = list(asked)
    told = [
        _told(answer, places, asked[places[answer.queries[0]]], min_probability)
        for answer in ask(releases, list(asked.values()), top=top)
    ]
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    elif as_csv:
        _write_csv(told)
    else:
        _print_table(told)


def _usable(path: Path, technique: str) -> Iterator[tuple[int, Query]]:
    """The usable records by their place in the file; the others are named on the error output."""
    from library.record import Skipped

    for index, record in enumerate(_records(path, technique)):
        if isinstance(record, Skipped):
            click.echo(f"line {record.line}: {record.name or 'record'} left out, {record.text}", err=True)
        else:
            yield index, record


def _records(path: Path, technique: str) -> Iterator[AnyRecord]:
    from library.formats import is_library_text, read_library
    from library.queries import queries_of
    from library.record import Record, SpectrumKind
    from xbt.config import load_settings
    from xbt.sandbox import read_run

    kind = None if technique == "auto" else SpectrumKind(technique)
    if path.is_file() and is_library_text(path):
        for record in read_library(path):
            yield replace(record, kind=kind) if kind and isinstance(record, Record) else record
    else:
        yield from queries_of(read_run(path, name=path.name, settings=load_settings()), path, kind)


def _told(answer: Answer, places: Sequence[int], query: Query, least: float | None) -> dict[str, Any]:
    """One query as JSON shows it."""
    if answer.note or not answer.rows:
        click.echo(f"{query.name}: {answer.note or 'no reference resembles it'}", err=True)
    rows = [row for row in answer.rows if least is None or (row.probability or 0.0) >= least]
    family = answer.family
    return {
        "query_index": places[answer.queries[0]],
        "query_name": query.name,
        "technique": query.kind.value,
        "decision": answer.decision.value,
        "note": answer.note,
        "family": family.family if family else "",
        "relative": " ".join(filter(None, (family.relative.name, family.meaning))) if family else "",
        "candidates": [_candidate(rank, row) for rank, row in enumerate(rows, start=1)],
    }


def _candidate(rank: int, row: Row) -> dict[str, Any]:
    reference = row.reference
    return {
        "rank": rank,
        "name": reference.name,
        "inchikey": reference.inchikey,
        "formula": reference.formula,
        "score": round(row.score, 1),
        "match_factor": round(row.match_factor, 1),
        "reverse_match_factor": _rounded(row.reverse_match_factor, 1),
        "probability": _rounded(row.probability, 3),
        "group": list(dict.fromkeys(member.name for member in row.group)),
        "library": reference.library,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _write_csv(told: Sequence[dict[str, Any]]) -> None:
    writer = csv.DictWriter(sys.stdout, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for query in told:
        shared = {column: query[column] for column in CSV_COLUMNS if column in query}
        for row in query["candidates"]:
            writer.writerow({**shared, **row, "group": GROUP_SEPARATOR.join(row["group"])})


def _print_table(told: Sequence[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("query", "", "name", "formula", "score", "chance", "cannot be told from", box=None)
    for query in told:
        head = f"[bold]{escape(query['query_name'])}[/] {_statement(query)}"
        for row in query["candidates"]:
            table.add_row(head, *(escape(cell) for cell in _cells(row)))
            head = ""
        if head:
            table.add_row(head, "", "nothing resembles it")
    Console(width=None if sys.stdout.isatty() else 200, highlight=False).print(table)


def _statement(query: dict[str, Any]) -> str:
    """The decision, and the family with its nearest relative where there is a hint."""
    hint = f" {query['family']}: like {query['relative']}" if query["decision"] == "family" else ""
    return f"{query['decision']}{hint}"


def _cells(row: dict[str, Any]) -> list[str]:
    others = row["group"][1:]
    more = f" and {len(others) - SHOWN_MEMBERS} more" if len(others) > SHOWN_MEMBERS else ""
    chance = "" if row["probability"] is None else f"{row['probability']:.0%}"
    group = ", ".join(others[:SHOWN_MEMBERS]) + more
    return [str(row["rank"]), row["name"], row["formula"], f"{row['score']:.0f}", chance, group]
