"""`xbt reading`: colour tests, strips, plates and peaks beside a standard, on record and listed.

Promises: a reading is kept whole or not at all; a correction needs its reason; each mistake ends in one
sentence that says what is expected. Every line that tells a meaning tells what the reading cannot say.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xbt.cli.quantify_options import open_record
from xbt.cli.quantify_record import sample_id_of

if TYPE_CHECKING:
    from xbt.domain.readings import Seen, SpotSeen

_Command = TypeVar("_Command", bound=Callable[..., Any])
_table = click.Path(path_type=Path, dir_okay=False, exists=True)

_SENTENCES = {
    "missing": "--{field} is needed",
    "too_long": "{field} is longer than {limit} characters",
    "unprintable": "{field} holds signs that cannot be seen",
    "not_above_zero": "{field} must be a number above zero",
    "no_colour": "{name} is no colour on the list; see: xbt reading colour --help",
    "no_time": "--seconds is a number from 0 to 86400",
    "no_strip": "{name!r} is no strip on record; known are {known}",
    "no_substance": "{name!r} is not in the substance table",
    "no_standard": "the plate has no standard: name at least one in the column 'standard'",
    "standard_twice": "the standard {name} has two spots: it has decomposed, run a fresh one",
    "too_many_spots": "a plate holds at most {limit} spots",
    "beyond_the_front": "spot {number} does not lie between the start and the front",
    "bad_spectrum": "the spectrum needs three columns (nm, sample, standard), ascending, 60 nm above 220 nm",
    "other_kind": "a correction is of the same kind as the reading it replaces",
    "no_sample": "no such sample",
    "no_reading": "this sample has no reading {id}",
    "reading_replaced": "this reading was corrected or taken back already",
    "reason_needed": "--reason is needed",
    "not_now": "nothing is read of a sample that is {state}",
}


@click.group()
def reading() -> None:
    """Keep what was read by eye: colour tests, strips, plates, peaks beside a standard."""


def _correcting(command: _Command) -> _Command:
    """Options of a reading that takes the place of an earlier one."""
    for option in (
        click.option("--reason", default="", help="Why it is corrected; needed with --replaces."),
        click.option("--replaces", type=int, help="Number of the reading it corrects."),
    ):
        command = option(command)
    return command


@reading.command()
@click.argument("reference")
@click.option("--reagent", required=True, help="Such as marquis, mecke, simon, ehrlich.")
@click.option(
    "--colour",
    "colours",
    multiple=True,
    required=True,
    help="none, yellow, orange, red, pink, purple, blue, green, olive, brown, grey, black; can be repeated.",
)
@click.option("--seconds", type=float, help="After the reagent touched it.")
@_correcting
def colour(
    reference: str, reagent: str, colours: tuple[str, ...], seconds: float | None, **told: Any
) -> None:
    """Keep a colour test of a sample (its reference)."""
    from library.presumptive import reagents
    from xbt.domain.readings import ColourSeen

    _keep(reference, lambda: ColourSeen(reagent, colours, seconds), **told)
    if reagent not in reagents():
        known = ", ".join(sorted(reagents()))
        click.echo(
            f"No colours of {reagent} are known, so it says nothing of substances. Known: {known}.", err=True
        )


@reading.command()
@click.argument("reference")
@click.option("--for", "code", required=True, help="fentanyl, nitazene, xylazine or benzodiazepine.")
@click.option(
    "--lines",
    required=True,
    type=click.Choice(["control", "faint", "both", "no_control"]),
    help="The control line alone is positive.",
)
@click.option("--mg", required=True, type=float, help="Of the sample.")
@click.option("--ml", required=True, type=float, help="Of the water it was dissolved in.")
@click.option("--make", default="", help="Maker and lot.")
@_correcting
def strip(reference: str, code: str, lines: str, mg: float, ml: float, make: str, **told: Any) -> None:
    """Keep the reading of a strip."""
    from xbt.domain.readings import Lines, StripSeen

    _keep(reference, lambda: StripSeen(code, Lines(lines), mg, ml, make), **told)


@reading.command()
@click.argument("reference")
@click.argument("table", type=_table, metavar="SPOTS.csv")
@click.option("--eluent", required=True)
@click.option("--front", required=True, type=float, help="mm from the start.")
@_correcting
def plate(reference: str, table: Path, eluent: str, front: float, **told: Any) -> None:
    """Keep a thin-layer plate: SPOTS.csv has the columns standard (empty for the sample), mm, and one for
    each lamp or reagent with the colour seen."""
    from xbt.domain.readings import PlateSeen

    _keep(reference, lambda: PlateSeen(eluent, front, tuple(_spots(table))), **told)


@reading.command()
@click.argument("reference")
@click.option("--standard", required=True, help="Name of the substance run the same day.")
@click.option("--minutes", required=True, type=float, help="Of the sample's peak.")
@click.option("--standard-minutes", required=True, type=float)
@click.option("--method", default="")
@click.option("--spectrum", type=_table, help="Three columns: nm, sample, standard.")
@_correcting
def peak(reference: str, spectrum: Path | None, **told: Any) -> None:
    """Keep a peak of a liquid chromatogram beside its standard."""
    from xbt.domain.readings import LiquidSeen

    times = (told.pop("minutes"), told.pop("standard_minutes"))
    method, standard = told.pop("method"), told.pop("standard")
    _keep(reference, lambda: LiquidSeen(method, standard, *times, tuple(_points(spectrum))), **told)


@reading.command("retract")
@click.argument("reference")
@click.argument("number", type=int)
@click.option("--reason", required=True)
def retract(reference: str, number: int, reason: str) -> None:
    """Take reading NUMBER back; it stays on record as taken back."""
    from xbt.domain.people import SYSTEM
    from xbt.services import readings

    with _sentences(), open_record() as session:
        sample = sample_id_of(session, reference)
        readings.retract(
            session, SYSTEM, sample_id=sample, reading_id=number, reason=reason, now=datetime.now(UTC)
        )
    click.echo(f"{reference}: reading {number} taken back")


@reading.command("list")
@click.argument("reference")
def list_(reference: str) -> None:
    """List the readings of a sample and what those that count say together."""
    from xbt.domain.people import SYSTEM
    from xbt.risk.readings import reading_sentences
    from xbt.services import meanings, readings

    with _sentences(), open_record() as session:
        views = readings.of_sample(session, SYSTEM, sample_id_of(session, reference))
    for one in views:
        state = "" if one.counts else "  (no longer counts)"
        kind = "taken back" if one.kind is None else one.kind.value
        click.echo(f"{one.id:>5}  {one.recorded_at:%Y-%m-%d %H:%M}  {kind}  {one.recorded_by}{state}")
    read = [(one.id, one.seen) for one in views if one.counts and one.seen is not None]
    for line in _told(meanings.indications(read)):
        click.echo(line)
    for sentence in reading_sentences(meanings.told(read), "en"):
        click.echo(sentence)


def _told(indications: Any) -> Iterator[str]:
    for one in indications:
        names = "; ".join(" or ".join(named.names[:8]) for named in one.sightings)
        if not one.only_indicates:
            yield f"{one.technique}: {names or 'fits no standard that was run'}"


def _keep(reference: str, make: Callable[[], Seen], *, replaces: int | None, reason: str) -> None:
    from xbt.domain.people import SYSTEM
    from xbt.services import readings

    with _sentences(), open_record() as session:
        kept = readings.record(
            session,
            SYSTEM,
            sample_id=sample_id_of(session, reference),
            seen=make(),
            now=datetime.now(UTC),
            replaces=replaces,
            reason=reason,
        )
    click.echo(f"{reference}: kept as reading {kept.id}")


def _rows(table: Path) -> Iterator[list[str]]:
    text = table.read_text("utf-8-sig")
    sign = max(";,\t", key=text.partition("\n")[0].count)
    yield from (row for row in csv.reader(text.splitlines(), delimiter=sign) if any(map(str.strip, row)))


def _spots(table: Path) -> Iterator[SpotSeen]:
    from xbt.domain.readings import SpotSeen

    rows = _rows(table)
    head = [name.strip().lower() for name in next(rows, [])]
    if head[:2] != ["standard", "mm"]:
        raise click.ClickException(f"{table}: the first columns must be 'standard' and 'mm'")
    for number, row in enumerate(rows, 2):
        lane, distance, *colours = (cell.strip() for cell in row)
        seen = {name: colour for name, colour in zip(head[2:], colours, strict=False) if colour}
        yield SpotSeen(lane, _number(distance, table, number), seen)


def _points(table: Path | None) -> Iterator[tuple[float, float, float]]:
    if table is None:
        return
    for number, row in enumerate(_rows(table), 1):
        if number == 1 and not row[0].strip()[:1].isdigit():
            continue
        nm, sample, standard = (_number(cell, table, number) for cell in [*row, "", "", ""][:3])
        yield nm, sample, standard


def _number(text: str, table: Path, line: int) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise click.ClickException(f"{table}, line {line}: {text!r} is no number") from None


@contextmanager
def _sentences() -> Iterator[None]:
    """Refusals as one sentence each."""
    from xbt.domain.errors import Refused

    try:
        yield
    except Refused as error:
        if error.code not in _SENTENCES:
            raise
        fields = {"name": "that", **error.fields}
        raise click.ClickException(_SENTENCES[error.code].format(**fields)) from None
