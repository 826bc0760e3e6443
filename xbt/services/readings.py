"""Readings on record: what was seen by eye or typed from an instrument, kept with its sample.

Promises that a reading is written once (the database refuses anything else), that a correction takes the
place of an earlier one and gives the reason, and that what is shown says which of them count. Refuses a
reading that names a reagent's colour, a strip or a standard that is not known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from library.presumptive import Colour, strips
from library.substances import load_substances
from spectra.errors import InvalidMeasurement
from spectra.similarity import ultraviolet
from xbt.db.models import ReadingRow, Sample
from xbt.domain.errors import InvalidReading, NotFound, StepRefused
from xbt.domain.people import Actor
from xbt.domain.readings import (
    KIND_OF,
    TYPE_OF,
    ColourSeen,
    LiquidSeen,
    PlateSeen,
    ReadingKind,
    Seen,
    StripSeen,
)
from xbt.domain.states import Step, after
from xbt.security import audit
from xbt.security.policy import Permission, require
from xbt.services.guards import RETRACTED, counting_readings, require_step
from xbt.services.samples import visible
from xbt.services.snapshots import digest

REASON = 500  # characters


@dataclass(frozen=True, slots=True)
class ReadingView:
    """A reading on record.

    Parameters
    ----------
    seen : None where an earlier reading was taken back.
    replaces : id of the reading it takes the place of, and ``reason`` why.
    counts : no later one took its place, and it was not taken back.
    """

    id: int
    kind: ReadingKind | None
    seen: Seen | None
    replaces: int | None
    reason: str
    counts: bool
    recorded_by: str
    recorded_at: datetime


def record(
    session: Session,
    actor: Actor,
    *,
    sample_id: int,
    seen: Seen,
    now: datetime,
    replaces: int | None = None,
    reason: str = "",
) -> ReadingView:
    """Keep a reading with the sample; with ``replaces`` in the place of an earlier one of the same kind.

    Raises
    ------
    NotFound, NotAllowed, StepRefused : the sample is not the actor's to work on, or not now; ``superseded``,
        another correction was made already; ``reason_needed``.
    InvalidReading : ``no_substance``, ``no_strip``, ``no_colour`` or ``bad_spectrum``.
    """
    sample = _open(session, actor, sample_id)
    known = _known(seen)
    kind = KIND_OF[type(seen)]
    if replaces is not None and _replaceable(sample, replaces).kind != kind:
        raise InvalidReading("other_kind", field="kind")
    row = ReadingRow(
        sample=sample,
        replaces_id=replaces,
        kind=kind.value,
        content=msgspec.to_builtins(known),
        reason=_reason(reason, needed=replaces is not None),
        recorded_by=actor.id,
        recorded_at=now,
    )
    return _keep(session, actor, sample, row, "reading_recorded", now)


def retract(
    session: Session, actor: Actor, *, sample_id: int, reading_id: int, reason: str, now: datetime
) -> ReadingView:
    """Take a reading back, such as one that belongs to another sample; it stays on record as taken back.

    Raises
    ------
    NotFound, NotAllowed, StepRefused : as `record`.
    """
    sample = _open(session, actor, sample_id)
    row = ReadingRow(
        sample=sample,
        replaces_id=_replaceable(sample, reading_id).id,
        kind=RETRACTED,
        content={},
        reason=_reason(reason, needed=True),
        recorded_by=actor.id,
        recorded_at=now,
    )
    return _keep(session, actor, sample, row, "reading_retracted", now)


def of_sample(session: Session, actor: Actor, sample_id: int) -> tuple[ReadingView, ...]:
    """Every reading on record for a sample, the latest last, superseded ones included.

    Raises
    ------
    NotFound, NotAllowed : the sample is not the actor's to see.
    """
    sample = visible(session, actor, sample_id)
    return tuple(_view(row) for row in sample.readings)


def counting(sample: Sample) -> tuple[tuple[int, Seen], ...]:
    """The readings that count, by id; for services only."""
    return tuple((row.id, _seen(row)) for row in counting_readings(sample))


def standard_key(text: str) -> str:
    """The key that findings have for the substance ``text`` names.

    Raises
    ------
    InvalidReading : ``no_substance``.
    """
    known = load_substances()
    found = known.by_key(text) or known.by_inchikey(text) or known.resolve(text)
    if found is None:
        raise InvalidReading("no_substance", field="substance", name=text)
    return found.inchikey or found.key


def _known(seen: Seen) -> Seen:
    """The reading with its standards under their keys."""
    if isinstance(seen, ColourSeen):
        if unknown := set(seen.colours) - {one.value for one in Colour}:
            raise InvalidReading("no_colour", field="colours", name=", ".join(sorted(unknown)))
        return seen
    if isinstance(seen, StripSeen):
        if seen.strip not in strips():
            raise InvalidReading("no_strip", field="strip", name=seen.strip, known=", ".join(strips()))
        return seen
    if isinstance(seen, PlateSeen):
        spots = tuple(replace(one, lane=standard_key(one.lane) if one.lane else "") for one in seen.spots)
        return replace(seen, spots=spots)
    _comparable(seen)
    return replace(seen, standard=standard_key(seen.standard))


def _comparable(seen: LiquidSeen) -> None:
    if seen.spectrum:
        wavelength, sample, standard = zip(*seen.spectrum, strict=True)
        try:
            ultraviolet.compare(wavelength, sample, wavelength, standard)
        except InvalidMeasurement as error:
            raise InvalidReading("bad_spectrum", field="spectrum", why=str(error)) from None


def _open(session: Session, actor: Actor, sample_id: int) -> Sample:
    require(actor, Permission.ANALYSE)
    sample = visible(session, actor, sample_id)
    require_step(actor, sample, Step.ANALYSE)
    return sample


def _replaceable(sample: Sample, reading_id: int) -> ReadingRow:
    row = next((one for one in sample.readings if one.id == reading_id), None)
    if row is None or row.kind == RETRACTED:
        raise NotFound("no_reading", id=str(reading_id))
    if row not in counting_readings(sample):
        raise StepRefused("reading_replaced", step=Step.ANALYSE.value, state=sample.state.value)
    return row


def _reason(text: str, *, needed: bool) -> str:
    reason = text.strip()[:REASON]
    if needed and not reason:
        raise StepRefused("reason_needed", step=Step.ANALYSE.value)
    return reason


def _keep(
    session: Session, actor: Actor, sample: Sample, row: ReadingRow, action: str, now: datetime
) -> ReadingView:
    session.add(row)
    sample.state = after(sample.state, Step.ANALYSE)
    session.flush()
    session.expire(sample, ["readings"])
    changes: dict[str, Any] = {"reading": row.id, "kind": row.kind, "content": digest(row.content)}
    if row.replaces_id is not None:
        changes |= {"replaces": row.replaces_id, "reason": row.reason}
    audit.append(session, actor, action, f"sample:{sample.id}", now=now, **changes)
    return _view(row)


def _seen(row: ReadingRow) -> Seen:
    seen: Seen = msgspec.convert(row.content, TYPE_OF[ReadingKind(row.kind)])
    return seen


def _view(row: ReadingRow) -> ReadingView:
    retracted = row.kind == RETRACTED
    return ReadingView(
        id=row.id,
        kind=None if retracted else ReadingKind(row.kind),
        seen=None if retracted else _seen(row),
        replaces=row.replaces_id,
        reason=row.reason,
        counts=row in counting_readings(row.sample),
        recorded_by=row.user.name if row.user else "system",
        recorded_at=row.recorded_at,
    )
