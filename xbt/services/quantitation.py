"""Calibrations and amounts on record.

Promises that a calibration is written once, named by the hash of its content, and gives the same curve when
it is opened; that an amount keeps what it was worked out from; that nothing of either is changed later (the
database refuses). Refuses an amount by a calibration that its rule does not accept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from spectra.chromatography.calibration import Amount
from spectra.chromatography.quantitation import Contribution, Preparation
from xbt.db.models import CalibrationRow, QuantityRow, Sample
from xbt.domain.amounts import Quantified, Quantity, Unit, preferred
from xbt.domain.errors import InvalidAmount, NotFound
from xbt.domain.people import Actor
from xbt.domain.states import Step
from xbt.security import audit
from xbt.security.policy import Permission, require
from xbt.services.contents import Fitted, Standards, fit, substance_key, work_out
from xbt.services.guards import newest_analyses, require_step
from xbt.services.samples import visible
from xbt.services.snapshots import digest

_SAME = 1e-9  # relative: what another processor may change in a coefficient


@dataclass(frozen=True, slots=True)
class CalibrationRecord:
    """The content of a stored calibration: what it was made from, and what came out."""

    standards: Standards
    weight: str
    coefficient: tuple[float, ...]
    scatter: float
    detection_limit: float
    quantification_limit: float
    accepted: bool
    shortcomings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CalibrationView:
    """A stored calibration."""

    sha256: str
    record: CalibrationRecord
    made_at: datetime


@dataclass(frozen=True, slots=True)
class QuantityView:
    """A stored amount with what it was worked out from; an estimate has no budget."""

    id: int
    substance: str
    quantity: Quantity
    budget: tuple[Contribution, ...]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class _Content:
    """What stands in the row of an amount."""

    quantity: Quantity
    budget: tuple[Contribution, ...] = ()
    responses: tuple[float, ...] = ()
    preparation: Preparation | None = None
    read: Amount | None = None


def record_calibration(
    session: Session, actor: Actor, standards: Standards, *, now: datetime
) -> CalibrationView:
    """Fit the standards and keep the calibration; the same one again is the one that is there.

    Raises
    ------
    NotAllowed : the actor may not analyse.
    InvalidMeasurement, InvalidAmount : see `xbt.services.contents.fit`.
    """
    require(actor, Permission.ANALYSE)
    content: dict[str, Any] = msgspec.to_builtins(_record_of(fit(standards)))
    sha256 = digest(content)
    existing = session.scalar(select(CalibrationRow).where(CalibrationRow.sha256 == sha256))
    if existing is not None:
        return _calibration_view(existing)
    row = CalibrationRow(
        sha256=sha256,
        substance=standards.substance,
        technique=standards.technique,
        accepted=content["accepted"],
        content=content,
        made_by=actor.id,
        made_at=now,
    )
    session.add(row)
    session.flush()
    changes = {"calibration": sha256, "accepted": row.accepted}
    audit.append(session, actor, "calibration_made", f"calibration:{row.id}", now=now, **changes)
    return _calibration_view(row)


def calibrations(session: Session, actor: Actor, *, substance: str = "") -> tuple[CalibrationView, ...]:
    """The stored calibrations, newest first; of one substance where its key is given.

    Raises
    ------
    NotAllowed : the actor may not see samples.
    """
    require(actor, Permission.SEE_SAMPLES)
    query = select(CalibrationRow).order_by(CalibrationRow.id.desc())
    if substance:
        query = query.where(CalibrationRow.substance == substance)
    return tuple(_calibration_view(row) for row in session.scalars(query))


def quantify(
    session: Session,
    actor: Actor,
    *,
    sample_id: int,
    calibration: str,
    responses: Sequence[float],
    preparation: Preparation,
    unit: Unit,
    now: datetime,
    analysis_id: int | None = None,
) -> QuantityView:
    """Work an amount out by a stored calibration and keep it with the sample.

    Parameters
    ----------
    calibration : its SHA-256, or the first characters of it if no other begins so.
    analysis_id : the analysis the responses were read from, where it is one on record.

    Raises
    ------
    NotFound, NotAllowed, StepRefused : the sample or analysis is not the actor's to work on, or not now.
    InvalidAmount, InvalidMeasurement : see `xbt.services.contents.work_out`.
    """
    sample = _open(session, actor, sample_id)
    _require_analysis(sample, analysis_id)
    row = _calibration(session, calibration)
    made = work_out(opened(row), responses, preparation, unit, row.sha256)
    kept = _Content(made.quantity, made.budget, tuple(responses), preparation, made.read)
    return _keep(session, actor, sample, row.substance, kept, now, calibration=row, analysis_id=analysis_id)


def estimate(
    session: Session, actor: Actor, *, sample_id: int, substance: str, quantity: Quantity, now: datetime
) -> QuantityView:
    """Keep an estimate (infrared, area percent, another substance's response) with the sample.

    Raises
    ------
    NotFound, NotAllowed, StepRefused : the sample is not the actor's to work on, or not now.
    InvalidAmount : ``not_an_estimate``: a measured amount comes from `quantify` only.
    """
    if quantity.estimated_by is None:
        raise InvalidAmount("not_an_estimate", kind=quantity.kind.value)
    sample = _open(session, actor, sample_id)
    return _keep(session, actor, sample, substance_key(substance), _Content(quantity), now)


def of_sample(session: Session, actor: Actor, sample_id: int) -> tuple[QuantityView, ...]:
    """Every amount on record for a sample, the latest last.

    Raises
    ------
    NotFound, NotAllowed : the sample is not the actor's to see.
    """
    return tuple(_view(row) for row in visible(session, actor, sample_id).quantities)


def amounts_of(sample: Sample) -> dict[str, Quantity]:
    """The amount that counts per substance; for services only."""
    views = (_view(row) for row in sample.quantities)
    return preferred(Quantified(one.substance, one.quantity, one.recorded_at) for one in views)


def opened(row: CalibrationRow) -> Fitted:
    """A stored calibration, fitted again from its standards; for services only.

    Raises
    ------
    ValueError : the content is not what was stored, or the curve comes out otherwise than it did.
    """
    if digest(row.content) != row.sha256:
        raise ValueError(f"calibration {row.sha256} does not match its own hash")
    record = msgspec.convert(row.content, CalibrationRecord)
    fitted = fit(record.standards)
    if not np.allclose(fitted.curve.coefficient, record.coefficient, rtol=_SAME, atol=0.0):
        raise ValueError(f"calibration {row.sha256} gives another curve with this version of the program")
    return fitted


def _record_of(fitted: Fitted) -> CalibrationRecord:
    curve, told = fitted.curve, fitted.acceptance
    return CalibrationRecord(
        standards=fitted.standards,
        weight=curve.weight.value,
        coefficient=tuple(curve.coefficient.tolist()),
        scatter=curve.scatter,
        detection_limit=float(curve.detection_limit),
        quantification_limit=float(curve.quantification_limit),
        accepted=told.accepted,
        shortcomings=tuple(one.value for one in told.shortcomings),
    )


def _calibration(session: Session, name: str) -> CalibrationRow:
    query = select(CalibrationRow).where(CalibrationRow.sha256.startswith(name, autoescape=True)).limit(2)
    rows = session.scalars(query).all()
    if not name or len(rows) != 1:
        raise NotFound("no_calibration", sha256=name)
    return rows[0]


def _open(session: Session, actor: Actor, sample_id: int) -> Sample:
    require(actor, Permission.ANALYSE)
    sample = visible(session, actor, sample_id)
    require_step(actor, sample, Step.ANALYSE)
    return sample


def _require_analysis(sample: Sample, analysis_id: int | None) -> None:
    if analysis_id is not None and analysis_id not in {row.id for row in newest_analyses(sample)}:
        raise NotFound("no_analysis", id=str(analysis_id))


def _keep(
    session: Session,
    actor: Actor,
    sample: Sample,
    substance: str,
    content: _Content,
    now: datetime,
    *,
    calibration: CalibrationRow | None = None,
    analysis_id: int | None = None,
) -> QuantityView:
    row = QuantityRow(
        sample=sample,
        analysis_id=analysis_id,
        calibration_id=calibration.id if calibration else None,
        substance=substance,
        content=msgspec.to_builtins(content),
        recorded_by=actor.id,
        recorded_at=now,
    )
    session.add(row)
    session.flush()
    changes = {"quantity": row.id, "substance": substance, "content": digest(row.content)}
    audit.append(session, actor, "amount_recorded", f"sample:{sample.id}", now=now, **changes)
    return _view(row)


def _view(row: QuantityRow) -> QuantityView:
    content = msgspec.convert(row.content, _Content)
    return QuantityView(row.id, row.substance, content.quantity, content.budget, row.recorded_at)


def _calibration_view(row: CalibrationRow) -> CalibrationView:
    return CalibrationView(row.sha256, msgspec.convert(row.content, CalibrationRecord), row.made_at)
