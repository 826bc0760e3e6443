"""Entering what was read by eye: colour tests, strips, plates, and a peak beside its standard.

Promises that a form which says too little comes back as it was filled in, with what is missing marked, and
that nothing was stored then. A correction is a new reading with a reason; the first stays.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from library.presumptive import Colour, reagents, strips
from web.accounts import signed_in
from web.locale import language
from web.locale import say as _
from web.policy import allow
from web.record import now, record
from web.staff.blueprint import blueprint, refused
from web.staff.samples import one_of
from web.substances import name_of, suggestions
from web.texts import READING_PROBLEMS
from xbt.domain.errors import InvalidReading, NotFound, StepRefused
from xbt.domain.readings import (
    ColourSeen,
    Lines,
    LiquidSeen,
    PlateSeen,
    ReadingKind,
    Seen,
    SpotSeen,
    StripSeen,
)
from xbt.security.policy import Permission
from xbt.services import readings, samples
from xbt.services.readings import ReadingView

ROWS = 10  # lines for spots; a plate with more gets as many as it has, and five
LAMPS = ("uv254", "uv366")
_NUMBER = re.compile(r"[^\s;]+")


@dataclass
class Filled:
    """A form as it was sent or as a reading fills it, with what is wrong in it by field."""

    sent: Mapping[str, str]
    colours: tuple[str, ...] = ()
    problems: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.sent.get(name, "").strip()

    def number(self, name: str) -> float:
        """A number with a point or a comma; not a number where there is none."""
        try:
            return float(self.text(name).replace(",", "."))
        except ValueError:
            return math.nan


@blueprint.get("/samples/<int:sample_id>/readings/<kind>")
@allow(Permission.ANALYSE)
def new_reading(sample_id: int, kind: str) -> str:
    """The form for one kind of reading; with ``?replaces=`` filled with the reading to correct."""
    wanted = _kind(kind)
    first = _to_correct(sample_id, request.args.get("replaces", ""), wanted)
    filled = _filled_from(first.seen) if first is not None and first.seen is not None else Filled({})
    return _form(sample_id, wanted, filled, first)


@blueprint.post("/samples/<int:sample_id>/readings/<kind>")
@allow(Permission.ANALYSE)
def keep_reading(sample_id: int, kind: str) -> str | BaseResponse | tuple[str, int]:
    """Keep what was seen; or the form again, with what is wrong in it."""
    wanted = _kind(kind)
    first = _to_correct(sample_id, request.form.get("replaces", ""), wanted)
    filled = Filled(request.form, tuple(request.form.getlist("colours")))
    try:
        seen = _READ[wanted](filled)
        with record().writing.begin() as session:
            readings.record(
                session,
                signed_in(),
                sample_id=sample_id,
                seen=seen,
                now=now(),
                replaces=first.id if first else None,
                reason=filled.text("reason"),
            )
    except InvalidReading as error:
        place = error.fields.get("field", "")
        filled.problems[place] = (
            str(READING_PROBLEMS.get(error.code, READING_PROBLEMS["missing"])) % error.fields
        )
        return _form(sample_id, wanted, filled, first), 422
    except StepRefused as error:
        refused(error)
        return redirect(url_for("staff.sample", sample_id=sample_id, _anchor="readings"))
    flash(_("The reading is kept."), "note")
    return redirect(url_for("staff.sample", sample_id=sample_id, _anchor="readings"))


@blueprint.post("/samples/<int:sample_id>/readings/<int:reading_id>/retract")
@allow(Permission.ANALYSE)
def retract_reading(sample_id: int, reading_id: int) -> BaseResponse:
    """Take a reading back; it stays on record as taken back."""
    try:
        with record().writing.begin() as session:
            readings.retract(
                session,
                signed_in(),
                sample_id=sample_id,
                reading_id=reading_id,
                reason=request.form.get("reason", ""),
                now=now(),
            )
        flash(_("The reading was taken back."), "note")
    except StepRefused as error:
        refused(error)
    return redirect(url_for("staff.sample", sample_id=sample_id, _anchor="readings"))


def _kind(text: str) -> ReadingKind:
    kind = one_of(ReadingKind, text)
    if kind is None:
        raise NotFound("no_kind", kind=text)
    return kind


def _to_correct(sample_id: int, number: str, kind: ReadingKind) -> ReadingView | None:
    if not number:
        return None
    with record().reading() as session:
        views = readings.of_sample(session, signed_in(), sample_id)
    found = next((one for one in views if str(one.id) == number and one.kind is kind), None)
    if found is None:
        raise NotFound("no_reading", id=number)
    return found


def _form(sample_id: int, kind: ReadingKind, filled: Filled, first: ReadingView | None) -> str:
    with record().reading() as session:
        view = samples.view(session, signed_in(), sample_id)
    spots = sum(1 for name in filled.sent if re.fullmatch(r"distance-\d+", name))
    return render_template(
        "staff/reading.html",
        sample=view,
        kind=kind,
        filled=filled,
        first=first,
        rows=range(1, max(ROWS, min(spots, 40)) + 1),
        lamps=LAMPS,
        colours=Colour,
        reagents=reagents(),
        strips=strips(),
        lines=Lines,
        suggestions=suggestions(language()),
    )


def _colour(filled: Filled) -> ColourSeen:
    seconds = filled.number("seconds") if filled.text("seconds") else None
    if seconds is not None and math.isnan(seconds):
        raise InvalidReading("no_time", field="seconds")
    reagent = filled.text("other") or filled.text("reagent")
    if not reagent:
        raise InvalidReading("missing", field="reagent")
    return ColourSeen(reagent, filled.colours, seconds)


def _strip(filled: Filled) -> StripSeen:
    lines = one_of(Lines, filled.text("lines"))
    if lines is None:
        raise InvalidReading("missing", field="lines")
    return StripSeen(
        filled.text("strip"),
        lines,
        filled.number("milligrams"),
        filled.number("millilitres"),
        filled.text("make"),
    )


def _plate(filled: Filled) -> PlateSeen:
    numbers = (name.removeprefix("distance-") for name in filled.sent if name.startswith("distance-"))
    used = [n for n in numbers if n.isdecimal() and filled.text(f"distance-{n}")]
    reagent = filled.text("reagent")
    spots = tuple(_spot(filled, n, reagent) for n in sorted(used, key=int))
    return PlateSeen(filled.text("eluent"), filled.number("front"), spots)


def _spot(filled: Filled, number: str, reagent: str) -> SpotSeen:
    seen = {lamp: filled.text(f"{lamp}-{number}") for lamp in LAMPS}
    if reagent:
        seen[reagent] = filled.text(f"reagent-{number}")
    lane = filled.text(f"lane-{number}")
    key = "" if not lane else readings.standard_key(lane)
    known = {name: colour for name, colour in seen.items() if one_of(Colour, colour) is not None}
    return SpotSeen(key, filled.number(f"distance-{number}"), known)


def _liquid(filled: Filled) -> LiquidSeen:
    return LiquidSeen(
        filled.text("method"),
        readings.standard_key(filled.text("standard")),
        filled.number("retention"),
        filled.number("standard_retention"),
        _points(filled.text("spectrum")),
    )


def _points(text: str) -> tuple[tuple[float, float, float], ...]:
    """Three columns as pasted from a table: nm, sample, standard; a heading line is passed over."""
    points = []
    for number, line in enumerate(text.splitlines()):
        try:
            nm, sample, standard = (float(one.replace(",", ".")) for one in _NUMBER.findall(line))
        except ValueError:
            if line.strip() and number > 0:
                raise InvalidReading("bad_spectrum", field="spectrum") from None
            continue
        points.append((nm, sample, standard))
    if text and not points:
        raise InvalidReading("bad_spectrum", field="spectrum")
    return tuple(points)


_READ: dict[ReadingKind, Callable[[Filled], Seen]] = {
    ReadingKind.COLOUR: _colour,
    ReadingKind.STRIP: _strip,
    ReadingKind.PLATE: _plate,
    ReadingKind.LIQUID: _liquid,
}


def _filled_from(seen: Seen) -> Filled:
    """The form as it would be filled in for this reading."""
    if isinstance(seen, ColourSeen):
        known = seen.reagent in reagents()
        sent = {"reagent": seen.reagent} if known else {"other": seen.reagent}
        return Filled(sent | _given(seconds=seen.seconds), seen.colours)
    if isinstance(seen, StripSeen):
        told = {"strip": seen.strip, "lines": seen.lines.value, "make": seen.make}
        return Filled(told | _given(milligrams=seen.milligrams, millilitres=seen.millilitres))
    if isinstance(seen, PlateSeen):
        return Filled(_plate_fields(seen))
    told = {"method": seen.method, "standard": name_of(seen.standard, seen.standard)}
    told["spectrum"] = "\n".join(" ".join(f"{value:g}" for value in point) for point in seen.spectrum)
    return Filled(told | _given(retention=seen.retention, standard_retention=seen.standard_retention))


def _plate_fields(seen: PlateSeen) -> dict[str, str]:
    told = {"eluent": seen.eluent} | _given(front=seen.front)
    used = {name for spot in seen.spots for name in spot.colours} - set(LAMPS)
    reagent = min(used, default="")
    told["reagent"] = reagent
    for number, spot in enumerate(seen.spots, 1):
        told |= _given(**{f"distance-{number}": spot.distance})
        told[f"lane-{number}"] = name_of(spot.lane, spot.lane) if spot.lane else ""
        for name, colour in spot.colours.items():
            told[f"{'reagent' if name == reagent else name}-{number}"] = colour
    return told


def _given(**numbers: float | None) -> dict[str, str]:
    return {name: f"{value:g}" for name, value in numbers.items() if value is not None}
