"""`xbt quantify`: calibrations and amounts, from tables alone or on record.

Promises: without --keep and for `amount` no database is touched; every figure is printed with what it was
made from; a curve or amount that means nothing ends in one sentence that says why and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xbt.cli.levels import Injections, levels, samples, uncertain

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from spectra.chromatography.quantitation import Preparation
    from xbt.domain.amounts import Unit
    from xbt.services.contents import Fitted, Standards

_Command = TypeVar("_Command", bound=Callable[..., Any])
_table = click.Path(path_type=Path, dir_okay=False)
_NO_DATABASE = "not kept"

_SENTENCES = {
    "not_accepted": "this calibration is not accepted ({because}): measure more or better standards",
    "above_range": "more than the highest standard ({highest} {unit}): dilute the sample and measure again",
    "no_substance": "{name!r} is not in the substance table: give its InChIKey",
    "no_salt": "{salt!r} is no salt on record; known are {known}",
    "no_calibration": "no calibration, or more than one, begins with {sha256!r}; see: xbt quantify list",
    "no_sample": "no such sample",
    "outside_its_interval": "{value} does not lie between --low and --high",
    "not_a_number": "{value} is no amount",
}


@click.group()
def quantify() -> None:
    """Fit calibrations and work amounts out, from tables or on record."""


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


def _preparation_options(command: _Command) -> _Command:
    """What was done with the sample; each figure may carry its standard uncertainty."""
    for option in (
        click.option(
            "--precision", default=0.0, type=click.FloatRange(0), help="Relative, of the procedure."
        ),
        click.option(
            "--homogeneity", default=0.0, type=click.FloatRange(0), help="Relative, between portions."
        ),
        click.option("--recovery", callback=uncertain, default="1", help="Fraction."),
        click.option("--purity", callback=uncertain, default="1", help="Of the standard, as a fraction."),
        click.option("--dilution", callback=uncertain, default="1", help="Factor."),
        click.option(
            "--unit-mass", callback=uncertain, help="mg of the tablet or capsule: gives mg per unit."
        ),
        click.option("--aliquot", callback=uncertain, help="mg dissolved; leave out for a whole unit."),
        click.option(
            "--volume", callback=uncertain, required=True, help="mL it was dissolved in, such as 10+-0.02."
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
    with _sentences():
        fitted = _fit(table, told)
        for line in calibration_lines(fitted):
            click.echo(line)
        if keep:
            with _record() as session:
                click.echo(f"Kept as {_keep(session, fitted.standards)}")


@quantify.command()
@click.argument("table", type=_table, metavar="LEVELS.csv")
@click.argument("responses", type=_table, metavar="RESPONSES.csv")
@_curve_options
@_preparation_options
def amount(table: Path, responses: Path, **told: Any) -> None:
    """Work out the amount in each sample of RESPONSES.csv (columns sample, response, internal_standard).

    Lines of one sample are replicates. One that cannot be worked out is told and does not stop the others;
    the command then ends with 1.
    """
    from spectra.errors import InvalidMeasurement
    from xbt.cli.quantities import amount_lines
    from xbt.domain.errors import InvalidAmount
    from xbt.services.contents import work_out

    made, unit = _preparation(told)
    with _sentences():
        fitted = _fit(table, told)
        measured = {name: _ratios(own, fitted) for name, own in samples(responses).items()}
    refused = 0
    for name, values in measured.items():
        try:
            found = work_out(fitted, values, made, unit, _NO_DATABASE)
        except (InvalidAmount, InvalidMeasurement) as error:
            click.echo(f"{name}: {_sentence(error)}", err=True)
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

    with _sentences():
        added, read = levels(table, "added")
        for line in addition_lines(standard_addition(added, _responses(read))):
            click.echo(line)


@quantify.command()
@click.argument("reference", metavar="SAMPLE")
@click.option("--substance", required=True, help="Name or InChIKey.")
@click.option("--by", required=True, type=click.Choice(["area_percent", "ftir", "other_response"]))
@click.option("--technique", required=True, help="Code such as ftir, gc_ms, lc.")
@click.option("--method", required=True, help="What the laboratory calls it.")
@click.option("--value", required=True, type=float)
@click.option("--low", required=True, type=float, help="What it may be at least.")
@click.option("--high", required=True, type=float, help="What it may be at most.")
@click.option(
    "--in", "unit", default="percent_by_mass", type=click.Choice(["percent_by_mass", "mg_per_unit"])
)
def estimate(reference: str, substance: str, **told: Any) -> None:
    """Keep an estimate with a sample (its reference): it is called one wherever it is shown."""
    from xbt.domain.amounts import Basis, EstimatedBy, Kind, Quantity, Unit
    from xbt.domain.people import SYSTEM
    from xbt.risk.amounts import amount_text
    from xbt.services import quantitation

    with _sentences(), _record() as session:
        quantity = Quantity(
            told["value"],
            told["low"],
            told["high"],
            unit=Unit(told["unit"]),
            basis=Basis.BASE,
            kind=Kind.ESTIMATED,
            technique=told["technique"],
            method=told["method"],
            estimated_by=EstimatedBy(told["by"]),
        )
        kept = quantitation.estimate(
            session,
            SYSTEM,
            sample_id=_sample_id(session, reference),
            substance=substance,
            quantity=quantity,
            now=datetime.now(UTC),
        )
    click.echo(f"{reference}: {amount_text(kept.quantity, 'en')}")


@quantify.command()
@click.argument("reference", metavar="SAMPLE")
@click.option("--calibration", required=True, help="Its hash, or the first characters of it.")
@click.option("--response", "responses", type=float, multiple=True, required=True, help="Once per replicate.")
@_preparation_options
def record(reference: str, calibration: str, responses: tuple[float, ...], **told: Any) -> None:
    """Work an amount out by a calibration on record and keep it with a sample (its reference).

    With an internal standard, give ratios to it.
    """
    from xbt.domain.people import SYSTEM
    from xbt.risk.amounts import amount_text
    from xbt.services import quantitation

    made, unit = _preparation(told)
    with _sentences(), _record() as session:
        kept = quantitation.quantify(
            session,
            SYSTEM,
            sample_id=_sample_id(session, reference),
            calibration=calibration,
            responses=responses,
            preparation=made,
            unit=unit,
            now=datetime.now(UTC),
        )
    click.echo(f"{reference}: {amount_text(kept.quantity, 'en')}")


@quantify.command("list")
@click.option("--substance", default="", help="Name or InChIKey; all without it.")
def list_(substance: str) -> None:
    """List the calibrations on record, newest first."""
    from xbt.cli.quantities import listed
    from xbt.domain.people import SYSTEM
    from xbt.services.contents import substance_key
    from xbt.services.quantitation import calibrations

    with _sentences(), _record() as session:
        found = calibrations(session, SYSTEM, substance=substance_key(substance) if substance else "")
    for line in listed(found) or [
        "No calibration on record. Make one: xbt quantify calibrate LEVELS.csv --keep"
    ]:
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


def _preparation(told: dict[str, Any]) -> tuple[Preparation, Unit]:
    """What was done, and the unit that follows from it: mg per unit where there is one, else percent."""
    from spectra.chromatography.quantitation import Measured, Preparation
    from xbt.domain.amounts import Unit

    def measured(name: str) -> Measured | None:
        return Measured(*told[name]) if told[name] is not None else None

    one = Measured(1.0)
    made = Preparation(
        volume_ml=measured("volume") or one,
        aliquot_mg=measured("aliquot"),
        unit_mg=measured("unit_mass"),
        dilution=measured("dilution") or one,
        standard_purity=measured("purity") or one,
        recovery=measured("recovery") or one,
        homogeneity=told["homogeneity"],
        precision=told["precision"],
    )
    weighed_only = made.aliquot_mg is not None and made.unit_mg is None
    return made, Unit.PERCENT if weighed_only else Unit.MILLIGRAM_PER_UNIT


def _keep(session: Session, standards: Standards) -> str:
    from xbt.domain.people import SYSTEM
    from xbt.services.quantitation import record_calibration

    return record_calibration(session, SYSTEM, standards, now=datetime.now(UTC)).sha256


def _sample_id(session: Session, reference: str) -> int:
    from xbt.domain.errors import NotFound
    from xbt.domain.people import SYSTEM
    from xbt.services.samples import work_list

    for row in work_list(session, SYSTEM, text=reference):
        if row.reference == reference:
            return row.id
    raise NotFound("no_sample", reference=reference)


@contextmanager
def _record() -> Iterator[Session]:
    """The record of this installation, in one transaction."""
    from xbt.config import load_settings
    from xbt.db import require_head
    from xbt.db.session import make_engine, session_factory

    url = load_settings().database_url
    require_head(url)
    engine = make_engine(url)
    try:
        with session_factory(engine).begin() as session:
            yield session
    finally:
        engine.dispose()


@contextmanager
def _sentences() -> Iterator[None]:
    """Refusals as one sentence each."""
    from spectra.errors import InvalidMeasurement
    from xbt.domain.errors import InvalidAmount, NotFound

    try:
        yield
    except (InvalidMeasurement, InvalidAmount, NotFound) as error:
        raise click.ClickException(_sentence(error)) from None


def _sentence(error: Exception) -> str:
    from xbt.domain.errors import Refused

    if isinstance(error, Refused) and error.code in _SENTENCES:
        return _SENTENCES[error.code].format(**error.fields)
    return str(error)
