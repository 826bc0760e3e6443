"""What the commands of `xbt quantify` share: the preparation of a sample, the record, refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from xbt.cli.levels import uncertain

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from spectra.chromatography.quantitation import Preparation
    from xbt.domain.amounts import Unit

_Command = TypeVar("_Command", bound=Callable[..., Any])

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


def preparation_options(command: _Command) -> _Command:
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


def preparation(told: dict[str, Any]) -> tuple[Preparation, Unit]:
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


@contextmanager
def open_record() -> Iterator[Session]:
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
def sentences() -> Iterator[None]:
    """Refusals as one sentence each."""
    from spectra.errors import InvalidMeasurement
    from xbt.domain.errors import InvalidAmount, NotFound

    try:
        yield
    except (InvalidMeasurement, InvalidAmount, NotFound) as error:
        raise click.ClickException(sentence(error)) from None


def sentence(error: Exception) -> str:
    from xbt.domain.errors import Refused

    if isinstance(error, Refused) and error.code in _SENTENCES:
        return _SENTENCES[error.code].format(**error.fields)
    return str(error)
