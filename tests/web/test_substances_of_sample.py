"""The list of substances on the sample's page, and an amount on its way to the ticket."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask

from spectra.chromatography.quantitation import Measured, Preparation
from tests.web.laboratory import INTAKE, Person
from web.record import EXTENSION
from xbt.config import Settings
from xbt.domain.amounts import Unit
from xbt.domain.people import SYSTEM
from xbt.jobs import run_worker
from xbt.services import quantitation
from xbt.services.contents import Concentration, Standards, substance_key

SAMPLE, NEW = "/staff/samples/1", "/staff/samples/new"
LEVELS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)


def _quantify(app: Flask) -> None:
    """Heroin as hydrochloride, 25 % by weight."""
    standards = Standards(
        substance=substance_key("heroin"),
        technique="lc",
        method="HPLC 7",
        instrument="LC-1",
        unit=Concentration.MILLIGRAM,
        amount=LEVELS,
        response=tuple(1000 * x * (1.01 if i % 2 else 0.99) for i, x in enumerate(LEVELS)),
        salt="hydrochloride",
    )
    fields = {"now": datetime.now(UTC)}
    with app.extensions[EXTENSION].writing.begin() as session:
        made = quantitation.record_calibration(session, SYSTEM, standards, **fields)
        quantitation.quantify(
            session,
            SYSTEM,
            sample_id=1,
            calibration=made.sha256,
            responses=[100.0],
            preparation=Preparation(Measured(10.0), Measured(4.0)),
            unit=Unit.PERCENT,
            **fields,
        )


def _flat(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_what_the_analysis_says_and_how_much_there_is(
    app: Flask, visit: Callable[[str], Person], settings: Settings, run_file: Path
) -> None:
    visit("worker").post(NEW, page=NEW, **INTAKE)
    technician = visit("technician")
    assert "what each analysis says" not in technician.get(SAMPLE).text
    technician.send_file(f"{SAMPLE}/files", run_file.read_bytes(), "a.mzML", page=SAMPLE)
    run_worker(settings, once=True)
    _quantify(app)
    page = _flat(technician.get(SAMPLE).text)
    assert "what each analysis says" in page
    assert "best candidate, to decide" in page
    assert "probably active" in page
    assert "more than 9 in 10" in page
    assert re.search(r"EU 20\d\d: \d of 3 WADA: \d of 3", page)
    assert "25 ± 1 % by weight, counted as hydrochloride" in page
