"""`xbt quantify record`, `estimate` and `list`: amounts and calibrations of this installation's record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from xbt.cli.quantify_options import open_record, preparation, preparation_options, sentences

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@click.command()
@click.argument("reference", metavar="SAMPLE")
@click.option("--calibration", required=True, help="Its hash, or the first characters of it.")
@click.option("--response", "responses", type=float, multiple=True, required=True, help="Once per replicate.")
@preparation_options
def record(reference: str, calibration: str, responses: tuple[float, ...], **told: Any) -> None:
    """Work an amount out by a calibration on record and keep it with a sample (its reference).

    With an internal standard, give ratios to it.
    """
    from xbt.domain.people import SYSTEM
    from xbt.risk.amounts import amount_text
    from xbt.services import quantitation

    made, unit = preparation(told)
    with sentences(), open_record() as session:
        kept = quantitation.quantify(
            session,
            SYSTEM,
            sample_id=sample_id_of(session, reference),
            calibration=calibration,
            responses=responses,
            preparation=made,
            unit=unit,
            now=datetime.now(UTC),
        )
    click.echo(f"{reference}: {amount_text(kept.quantity, 'en')}")


@click.command()
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

    with sentences(), open_record() as session:
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
            sample_id=sample_id_of(session, reference),
            substance=substance,
            quantity=quantity,
            now=datetime.now(UTC),
        )
    click.echo(f"{reference}: {amount_text(kept.quantity, 'en')}")


@click.command("list")
@click.option("--substance", default="", help="Name or InChIKey; all without it.")
def list_(substance: str) -> None:
    """List the calibrations on record, newest first."""
    from xbt.cli.quantities import listed
    from xbt.domain.people import SYSTEM
    from xbt.services.contents import substance_key
    from xbt.services.quantitation import calibrations

    with sentences(), open_record() as session:
        found = calibrations(session, SYSTEM, substance=substance_key(substance) if substance else "")
    for line in listed(found) or [
        "No calibration on record. Make one: xbt quantify calibrate LEVELS.csv --keep"
    ]:
        click.echo(line)


def sample_id_of(session: Session, reference: str) -> int:
    """The id of the sample with this reference.

    Raises
    ------
    NotFound : ``no_sample``.
    """
    from xbt.domain.errors import NotFound
    from xbt.domain.people import SYSTEM
    from xbt.services.samples import work_list

    for row in work_list(session, SYSTEM, text=reference):
        if row.reference == reference:
            return row.id
    raise NotFound("no_sample", reference=reference)
