"""Amounts in words: on the report, on the page of the ticket, in both languages."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date

import pytest
from pypdf import PdfReader

from library.salts import SALTS
from xbt.domain.amounts import Basis, EstimatedBy, Kind, Quantity, Unit
from xbt.domain.findings import Amount, Certainty, Finding, MethodStatement
from xbt.domain.lookup import PublicResult, PublicState
from xbt.reports import render
from xbt.risk import statements
from xbt.risk.amounts import amount_text
from xbt.risk.texts import sentences

MEASURED = Quantity(
    82.34,
    79.73,
    84.95,
    Unit.PERCENT,
    Basis.SALT,
    Kind.MEASURED,
    "lc",
    "HPLC 7",
    salt="hydrochloride",
    calibration="0" * 64,
)
LESS = replace(MEASURED, value=0.3, low=0.0, high=0.3, unit=Unit.MILLIGRAM_PER_UNIT, kind=Kind.LESS_THAN)
ESTIMATE = Quantity(
    10.0,
    5.0,
    20.0,
    Unit.PERCENT,
    Basis.BASE,
    Kind.ESTIMATED,
    "gc_ms",
    "GC 1",
    estimated_by=EstimatedBy.AREA_PERCENT,
)


def _result(quantity: Quantity | None) -> PublicResult:
    cocaine = Finding(
        ("cocaine",),
        ("Cocaine",),
        Amount.MAIN,
        0.7,
        Certainty.IDENTIFIED,
        ("gc_ms",),
        1,
        1,
        930.0,
        quantity,
    )
    return PublicResult(
        state=PublicState.RELEASED,
        reference="LYO-1",
        site_name="Lyon",
        site_contact="tel",
        sold_as_text="coke",
        sold_as="cocaine",
        version=1,
        released_on=date(2026, 11, 20),
        findings=(cocaine,),
        methods=(MethodStatement("gc_ms", "GC 1", "gcms_limit", ("starter 1",)),),
    )


@pytest.mark.parametrize(
    ("quantity", "language", "text"),
    [
        (MEASURED, "en", "82 ± 3 % by weight, counted as hydrochloride"),
        (MEASURED, "fr", "82 ± 3 % en poids, compté en chlorhydrate"),
        (LESS, "en", "less than 0.30 mg per unit, counted as hydrochloride"),
        (LESS, "fr_CA", "moins de 0,30 mg par unité, compté en chlorhydrate"),
        (ESTIMATE, "en", "about 5.0 to 20 % by weight, counted without its salt (an estimate)"),
        (
            replace(MEASURED, value=1.0, low=0.0, high=3.5),
            "en",
            "1.0 ± 2.5 % by weight, counted as hydrochloride",
        ),
    ],
)
def test_an_amount_in_a_few_words(quantity: Quantity, language: str, text: str) -> None:
    assert amount_text(quantity, language) == text


def test_a_salt_is_also_told_without_its_salt() -> None:
    said = " ".join(statements(_result(MEASURED), "en"))
    assert (
        "Cocaine: 82 ± 3 % by weight, counted as hydrochloride (this is 74 ± 2 % by weight, counted" in said
    )
    assert "Measured with liquid chromatography" in said
    assert "not a percentage by weight" not in said
    assert "Another piece" in said


def test_an_estimate_is_called_one_and_a_limit_is_no_figure() -> None:
    estimated = " ".join(statements(_result(ESTIMATE), "en"))
    assert "an estimate" in estimated
    assert "from the share of the signal, not measured" in estimated
    assert "±" not in estimated
    assert "too little of it to be measured" in " ".join(statements(_result(LESS), "en"))


def test_without_an_amount_the_words_compare_signals() -> None:
    said = " ".join(statements(_result(None), "en"))
    assert "not a percentage by weight" in said
    assert "Another piece" not in said


@pytest.mark.parametrize(("language", "text"), [("en", "82 ± 3 % by weight"), ("fr", "82 ± 3 % en poids")])
def test_the_report_prints_the_amount(language: str, text: str) -> None:
    data = render(_result(MEASURED), language, issued_on=date(2026, 11, 22))
    printed = "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    assert re.sub(r"\s", "", text) in re.sub(r"\s", "", printed)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_code_has_its_words(language: str) -> None:
    words = sentences(language)
    assert set(words["form"]) == {"base", *SALTS}
    assert set(words["unit"]) == {one.value for one in Unit}
    assert set(words["estimate"]) == {one.value for one in EstimatedBy}
    assert {f"{one.value}_sentence" for one in Kind} < set(words["amount"])
