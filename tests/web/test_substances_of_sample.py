"""The list of substances on the sample's page, and an amount on its way to the ticket."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, render_template

from spectra.chromatography.quantitation import Measured, Preparation
from tests.web.laboratory import INTAKE, Person
from web.record import EXTENSION
from xbt.config import Settings
from xbt.domain.amounts import Unit
from xbt.domain.findings import Category, Certainty
from xbt.domain.people import SYSTEM
from xbt.domain.witnesses import Comparison, Detail, Stance, SubstanceLine, Witness
from xbt.jobs import run_worker
from xbt.services import quantitation
from xbt.services.contents import Concentration, Standards, substance_key
from xbt.services.witnesses import GUIDELINES

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


def test_retention_index_mass_error_and_ion_ratios_stand_in_columns_of_their_own(app: Flask) -> None:
    ratios = tuple(Comparison(f"m/z {mz}", mz != 94, rule) for rule in GUIDELINES for mz in (82, 94, 182))
    detail = Detail(0.95, ratios, 2187.4, 2190.0, -1.23)
    gc = Witness(1, "gc_ms", Category.A, Stance.ACCEPTED, ("Cocaine",), 0.6, 951.0, detail)
    strip = Witness(
        0, "strip", Category.C, Stance.COULD_NOT_SEE, why="not_target", readings=(7,), what=("fentanyl",)
    )
    line = SubstanceLine(("cocaine",), ("Cocaine",), Certainty.IDENTIFIED, "active", (gc, strip))
    with app.test_request_context("/staff/", headers={"Accept-Language": "en"}):
        page = _flat(render_template("staff/_substances.html", lines=(line,), amounts={}))
    assert "2187 library 2190, difference −2.6" in page
    assert "−1.2" in page
    assert "EU 2002: 2 of 3 WADA: 2 of 3" in page
    assert "Says nothing of it: test strip fentanyls C (the strip is not made for it)" in page


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
    assert "25 ± 1 % by weight, counted as hydrochloride" in page
