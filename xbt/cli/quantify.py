"""`xbt quantify`: calibrations and amounts, from tables alone or on record.

Promises: without --keep and for `amount` no database is touched; every figure is printed with what it was
made from; a curve or amount that means nothing ends in one sentence that says why and what to do.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xbt.cli import quantify_record
from xbt.cli.levels import Injections, levels, samples
from xbt.cli.quantify_options import open_record, preparation, preparation_options, sentence, sentences

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from xbt.services.contents import Fitted, Standards

_Command = TypeVar("_Command", bound=Callable[..., Any])
_table = click.Path(path_type=Path, dir_okay=False)
_NO_DATABASE = "not kept"


@click.group()
def quantify() -> None:
    """Fit calibrations and work amounts out, from tables or on record."""


quantify.add_command(quantify_record.record)
quantify.add_command(quantify_record.estimate)
quantify.add_command(quantify_record.list_)


def _curve_options(command: _Command) -> _Command:
    """How the standards are fitted, and what their amounts are."""
    for option in (
        click.option(
            "--unit", default="mg/mL", show_default=True, type=click.Choice(["mg/mL", "ug/mL", "ng/mL"])
        ),
        click.option(
            "--salt", default="", help="Form the amounts count, such as hydrochloride; else the base."
        ),
        click.option(
            "--shape", default="linear", show_default=True, type=click.Choice(["linear", "quadratic"])
        ),
        click.option(
            "--weight", default="auto", show_default=True, type=click.Choice(["auto", "1", "1/x", "1/x2"])
        ),
    ):
        command = option(command)
    return command


@quantify.command()
@click.argument("table", type=_table, metavar="LEVELS.csv")
@_curve_options
@click.option("--keep", is_flag=True, help="Put the calibration on record.")
@click.option("--substance", default="", help="Name or InChIKey; needed with --keep.")
@click.option("--technique", default="lc", show_default=True, help="Code such as lc, gc, gc_ms, lc_ms.")
@click.option("--method", default="", help="What the laboratory calls it; needed with --keep.")
@click.option("--instrument", default="")
@click.option("--internal-standard", default="", help="Its name, if the table has one.")
@click.option(
    "--blank", "blanks", type=float, multiple=True, help="Response of a blank; three or more give the limits."
)
def calibrate(table: Path, keep: bool, **told: Any) -> None:
    """Fit the standards of LEVELS.csv (columns amount, response and, if used, internal_standard)."""
    from xbt.cli.quantities import calibration_lines

    if keep and not (told["substance"] and told["method"]):
        raise click.UsageError("--keep needs --substance and --method: a calibration on record names them")
    with sentences():
        fitted = _fit(table, told)
        for line in calibration_lines(fitted):
            click.echo(line)
        if keep:
            with open_record() as session:
                click.echo(f"Kept as {_keep(session, fitted.standards)}")


@quantify.command()
@click.argument("table", type=_table, metavar="LEVELS.csv")
@click.argument("responses", type=_table, metavar="RESPONSES.csv")
@_curve_options
@preparation_options
def amount(table: Path, responses: Path, **told: Any) -> None:
    """Work out the amount in each sample of RESPONSES.csv (columns sample, response, internal_standard).

    Lines of one sample are replicates. One that cannot be worked out is told and does not stop the others;
    the command then ends with 1.
    """
    from spectra.errors import InvalidMeasurement
    from xbt.cli.quantities import amount_lines
    from xbt.domain.errors import InvalidAmount
    from xbt.services.contents import work_out

    made, unit = preparation(told)
    with sentences():
        fitted = _fit(table, told)
        measured = {name: _ratios(own, fitted) for name, own in samples(responses).items()}
    refused = 0
    for name, values in measured.items():
        try:
            found = work_out(fitted, values, made, unit, _NO_DATABASE)
        except (InvalidAmount, InvalidMeasurement) as error:
            click.echo(f"{name}: {sentence(error)}", err=True)
            refused += 1
            continue
        for line in amount_lines(name, found, fitted):
            click.echo(line)
    if refused:
        raise SystemExit(1)


@quantify.command()
@click.argument("table", type=_table, metavar="TABLE.csv")
def addition(table: Path) -> None:
    """Work out the amount by standard addition (columns added, response and, if used, internal_standard)."""
    from spectra.chromatography.calibration import standard_addition
    from xbt.cli.quantities import addition_lines

    with sentences():
        added, read = levels(table, "added")
        for line in addition_lines(standard_addition(added, _responses(read))):
            click.echo(line)


def _fit(table: Path, told: dict[str, Any]) -> Fitted:
    from spectra.chromatography.calibration import Shape, Weight
    from xbt.services.contents import Concentration, Standards, fit, substance_key

    amounts, read = levels(table)
    return fit(
        Standards(
            substance=substance_key(told["substance"]) if told.get("substance") else "",
            technique=told.get("technique", "lc"),
            method=told.get("method", ""),
            instrument=told.get("instrument", ""),
            unit=Concentration(told["unit"]),
            amount=amounts,
            response=_responses(read),
            salt=told["salt"],
            internal_standard=told.get("internal_standard", "") or _named(read),
            blanks=told.get("blanks", ()),
            shape=Shape(told["shape"]),
            weight=None if told["weight"] == "auto" else Weight(told["weight"]),
        )
    )


def _named(read: Injections) -> str:
    return "internal standard" if read.internal_standard else ""


def _ratios(read: Injections, fitted: Fitted) -> tuple[float, ...]:
    """Responses as the curve takes them."""
    if bool(read.internal_standard) != bool(fitted.standards.internal_standard):
        raise click.ClickException(
            "both tables or neither need the column internal_standard: ratios and areas do not compare"
        )
    return _responses(read)


def _responses(read: Injections) -> tuple[float, ...]:
    """As measured, or as ratios to the internal standard where the table has one."""
    from spectra.chromatography.calibration import internal_standard_ratios

    if not read.internal_standard:
        return read.response
    return tuple(internal_standard_ratios(read.response, read.internal_standard).tolist())


def _keep(session: Session, standards: Standards) -> str:
    from xbt.domain.people import SYSTEM
    from xbt.services.quantitation import record_calibration

    return record_calibration(session, SYSTEM, standards, now=datetime.now(UTC)).sha256
