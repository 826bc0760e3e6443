"""Calibrations and amounts on record, and how they reach the result."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DatabaseError

from spectra.chromatography.calibration import Weight
from spectra.chromatography.quantitation import Measured, Preparation
from tests.xbt.laboratory import Laboratory
from xbt.db.models import AuditRow, CalibrationRow, QuantityRow
from xbt.domain.amounts import Basis, EstimatedBy, Kind, Quantified, Quantity, Unit, preferred
from xbt.domain.errors import InvalidAmount, NotAllowed, NotFound, StepRefused
from xbt.domain.people import Actor
from xbt.services import lookup, quantitation, results
from xbt.services.contents import Concentration, Standards, substance_key

COCAINE = "ZPUCINDJVBIVPJ-LJISPDSOSA-N"
LEVELS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
STANDARDS = Standards(
    substance=COCAINE,
    technique="lc",
    method="HPLC-DAD 7",
    instrument="LC-1",
    unit=Concentration.MILLIGRAM,
    amount=LEVELS,
    response=tuple(
        1000 * x * error for x, error in zip(LEVELS, (1.02, 0.99, 1.01, 0.99, 1.0, 1.0), strict=True)
    ),
    salt="hydrochloride",
    weight=Weight.INVERSE,
)
# 10 mg in 10 mL, diluted 5 times: 0.1 mg/mL is 50 %.
PREPARATION = Preparation(Measured(10.0, 0.02), Measured(10.0, 0.05), dilution=Measured(5.0, 0.01))
ESTIMATE = Quantity(
    40.0,
    20.0,
    60.0,
    Unit.PERCENT,
    Basis.BASE,
    Kind.ESTIMATED,
    "ftir",
    "ATR",
    estimated_by=EstimatedBy.INFRARED,
)


def _calibrated(laboratory: Laboratory, standards: Standards = STANDARDS) -> str:
    with laboratory.sessions.begin() as session:
        return quantitation.record_calibration(
            session, laboratory.technician, standards, now=laboratory.now
        ).sha256


def _quantified(
    laboratory: Laboratory, sample_id: int, calibration: str, *responses: float, actor: Actor | None = None
) -> quantitation.QuantityView:
    with laboratory.sessions.begin() as session:
        return quantitation.quantify(
            session,
            actor or laboratory.technician,
            sample_id=sample_id,
            calibration=calibration,
            responses=responses,
            preparation=PREPARATION,
            unit=Unit.PERCENT,
            now=laboratory.now,
        )


def test_a_calibration_is_kept_once_under_its_hash(laboratory: Laboratory) -> None:
    first, second = _calibrated(laboratory), _calibrated(laboratory)
    assert first == second
    other = _calibrated(laboratory, replace(STANDARDS, instrument="LC-2"))
    with laboratory.sessions() as session:
        views = quantitation.calibrations(session, laboratory.worker, substance=COCAINE)
        assert [view.sha256 for view in views] == [other, first]
        assert quantitation.calibrations(session, laboratory.worker, substance="none") == ()
        entries = session.scalars(select(AuditRow.action)).all()
    assert entries.count("calibration_made") == 2
    record = views[1].record
    assert record.accepted
    assert record.standards == STANDARDS
    assert record.coefficient[1] == pytest.approx(1000, rel=0.02)
    assert 0 < record.detection_limit < record.quantification_limit < LEVELS[-1]


def test_an_amount_has_its_uncertainty_basis_method_and_budget(laboratory: Laboratory) -> None:
    ticket = laboratory.decided()
    view = _quantified(laboratory, ticket.sample_id, _calibrated(laboratory), 100.0, 101.0)
    told = view.quantity
    assert told.value == pytest.approx(50, rel=0.02)
    assert (told.kind, told.basis, told.salt, told.unit) == (
        Kind.MEASURED,
        Basis.SALT,
        "hydrochloride",
        Unit.PERCENT,
    )
    assert told.low < told.value - 0.5 < told.value + 0.5 < told.high
    assert (told.method, told.technique) == ("HPLC-DAD 7", "lc")
    assert view.budget[0].name == "calibration curve"
    assert sum(part.share for part in view.budget) == pytest.approx(1.0)
    with laboratory.sessions() as session:
        assert quantitation.of_sample(session, laboratory.worker, ticket.sample_id) == (view,)


def test_the_amount_reaches_the_ticket(laboratory: Laboratory) -> None:
    ticket = laboratory.decided()
    view = _quantified(laboratory, ticket.sample_id, _calibrated(laboratory), 100.0)
    fields = {"sample_id": ticket.sample_id, "now": laboratory.now}
    with laboratory.sessions.begin() as session:
        results.submit(session, laboratory.technician, comment="", **fields)
        results.sign(session, laboratory.second, password_checked=True, **fields)
        results.release(session, laboratory.second, **fields)
    with laboratory.sessions() as session:
        told = lookup.look_up(session, ticket.code, now=laboratory.now, pepper=b"p" * 32)
    assert told is not None
    cocaine, group = told.findings
    assert cocaine.quantity == view.quantity
    assert group.quantity is None
    assert [(one.technique, one.name, one.limit) for one in told.methods] == [
        ("gc_ms", "GC-MS", "gcms_limit"),
        ("lc", "HPLC-DAD 7", "amount_limit"),
    ]


def test_too_little_to_measure_is_less_than_the_limit(laboratory: Laboratory) -> None:
    ticket = laboratory.decided()
    told = _quantified(laboratory, ticket.sample_id, _calibrated(laboratory), 3.0).quantity
    assert told.kind is Kind.LESS_THAN
    assert told.low == 0
    assert told.value == told.high >= 100 * LEVELS[0] * 10 * 5 / 10


def test_above_the_range_is_to_be_diluted(laboratory: Laboratory) -> None:
    ticket, calibration = laboratory.decided(), _calibrated(laboratory)
    with pytest.raises(InvalidAmount) as refused:
        _quantified(laboratory, ticket.sample_id, calibration, 500.0)
    assert refused.value.code == "above_range"
    assert refused.value.fields == {"highest": "0.4", "unit": "mg/mL", "remedy": "dilute"}


def test_a_calibration_that_is_not_accepted_is_kept_and_gives_no_amount(laboratory: Laboratory) -> None:
    short = replace(STANDARDS, amount=LEVELS[:4], response=STANDARDS.response[:4])
    ticket, calibration = laboratory.decided(), _calibrated(laboratory, short)
    with pytest.raises(InvalidAmount) as refused:
        _quantified(laboratory, ticket.sample_id, calibration[:12], 50.0)
    assert (refused.value.code, refused.value.fields) == ("not_accepted", {"because": "too_few_levels"})


@pytest.mark.parametrize("name", ["", "f" * 64, "%"])
def test_a_calibration_that_is_not_there(laboratory: Laboratory, name: str) -> None:
    ticket = laboratory.decided()
    _calibrated(laboratory)
    with pytest.raises(NotFound):
        _quantified(laboratory, ticket.sample_id, name, 50.0)


def test_only_who_analyses_the_sample_now_records_an_amount(laboratory: Laboratory) -> None:
    calibration, ticket = _calibrated(laboratory), laboratory.decided()
    with pytest.raises(NotAllowed):
        _quantified(laboratory, ticket.sample_id, calibration, 50.0, actor=laboratory.worker)
    with pytest.raises(NotFound):
        _quantified(laboratory, ticket.sample_id, calibration, 50.0, actor=laboratory.stranger)
    with pytest.raises(StepRefused):
        _quantified(laboratory, laboratory.released().sample_id, calibration, 50.0)


def test_an_estimate_gives_way_to_a_measurement(laboratory: Laboratory) -> None:
    ticket = laboratory.decided()
    measured = _quantified(laboratory, ticket.sample_id, _calibrated(laboratory), 100.0)
    with laboratory.sessions.begin() as session:
        quantitation.estimate(
            session,
            laboratory.technician,
            sample_id=ticket.sample_id,
            substance="cocaine",
            quantity=ESTIMATE,
            now=laboratory.now + timedelta(hours=1),
        )
        result = results.submit(
            session, laboratory.technician, sample_id=ticket.sample_id, comment="", now=laboratory.now
        )
    assert result.findings[0].quantity == measured.quantity


def test_a_measurement_cannot_be_passed_off_without_its_calibration(laboratory: Laboratory) -> None:
    with pytest.raises(InvalidAmount):
        replace(ESTIMATE, kind=Kind.MEASURED, estimated_by=None)
    measured = replace(ESTIMATE, kind=Kind.MEASURED, estimated_by=None, calibration="0" * 64)
    ticket = laboratory.decided()
    with pytest.raises(InvalidAmount) as refused, laboratory.sessions.begin() as session:
        quantitation.estimate(
            session,
            laboratory.technician,
            sample_id=ticket.sample_id,
            substance="cocaine",
            quantity=measured,
            now=laboratory.now,
        )
    assert refused.value.code == "not_an_estimate"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"value": float("nan")}, "not_a_number"),
        ({"value": 70.0}, "outside_its_interval"),
        ({"estimated_by": None}, "estimate_unnamed"),
        ({"calibration": "0" * 64}, "calibration_unnamed"),
        ({"basis": Basis.SALT}, "salt_unnamed"),
    ],
)
def test_an_amount_that_lacks_a_part_is_refused(change: dict[str, object], code: str) -> None:
    with pytest.raises(InvalidAmount) as refused:
        replace(ESTIMATE, **change)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_the_latest_of_equal_rank_counts(laboratory: Laboratory) -> None:
    later = replace(ESTIMATE, value=45.0)
    recorded = [
        Quantified(COCAINE, later, laboratory.now + timedelta(hours=2)),
        Quantified(COCAINE, ESTIMATE, laboratory.now),
    ]
    assert preferred(recorded) == {COCAINE: later}


def test_neither_table_can_be_rewritten(laboratory: Laboratory) -> None:
    _quantified(laboratory, laboratory.decided().sample_id, _calibrated(laboratory), 100.0)
    for statement in (
        update(CalibrationRow).values(technique="gc"),
        delete(QuantityRow),
        update(QuantityRow).values(substance="x"),
    ):
        with pytest.raises(DatabaseError, match="append-only"), laboratory.sessions.begin() as session:
            session.execute(statement)


def test_a_calibration_that_was_changed_behind_the_database_is_not_used(laboratory: Laboratory) -> None:
    sha256 = _calibrated(laboratory)
    with laboratory.sessions() as session:
        row = session.scalars(select(CalibrationRow)).one()
        assert quantitation.opened(row).acceptance.accepted
        row.content = row.content | {"scatter": 0.0}
        with pytest.raises(ValueError, match=f"{sha256} does not match"):
            quantitation.opened(row)
        session.rollback()


def test_substances_are_named_as_findings_name_them() -> None:
    assert substance_key("Cocaïne") == substance_key("cocaine") == COCAINE
    assert substance_key("AAAAAAAAAAAAAA-BBBBBBBBBB-N") == "AAAAAAAAAAAAAA-BBBBBBBBBB-N"
    with pytest.raises(InvalidAmount) as refused:
        substance_key("coccaine-like powder")
    assert refused.value.code == "no_substance"
