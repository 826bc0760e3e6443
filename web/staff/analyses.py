"""Figures of an analysis, and what a technician decides about its components."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, flash, make_response, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from library.answer import Component
from web.accounts import signed_in
from web.headers import FIGURE_POLICY
from web.policy import allow
from web.record import now, record
from web.staff.blueprint import blueprint
from xbt.domain.errors import NotFound
from xbt.security.policy import Permission
from xbt.services import analyses, samples
from xbt.services.samples import DecisionView


@dataclass(frozen=True, slots=True)
class Wanted:
    """A decision as the form sent it."""

    component: int
    accepted: bool
    candidate: int


@blueprint.get("/analyses/<int:analysis_id>/<name>.svg")
@allow(Permission.SEE_SAMPLES)
def figure(analysis_id: int, name: str) -> Response:
    """A stored figure. Drawn by us, but from a stranger's file: it may not run or load anything."""
    opened = record()
    with opened.reading() as session:
        drawn = analyses.figure(session, signed_in(), opened.store, analysis_id, name)
    response = make_response(drawn)
    response.mimetype = "image/svg+xml"
    response.headers["Content-Security-Policy"] = FIGURE_POLICY
    response.headers["Cache-Control"] = "private, max-age=3600, immutable"
    return response


@blueprint.post("/samples/<int:sample_id>/analyses/<int:analysis_id>/decisions")
@allow(Permission.ANALYSE)
def decide(sample_id: int, analysis_id: int) -> BaseResponse:
    """Keep the decisions that differ from those that stand; all of them or none."""
    opened, actor = record(), signed_in()
    with opened.writing.begin() as session:
        view = samples.view(session, actor, sample_id)
        analysis = next((one for one in view.analyses if one.id == analysis_id), None)
        if analysis is None:
            raise NotFound("no_analysis", id=str(analysis_id))
        answer = analyses.load(session, actor, opened.store, analysis_id)
        changed = [
            wanted
            for component in answer.components
            if (wanted := _wanted(component)) is not None
            and _differs(wanted, analysis.decisions.get(component.number))
        ]
        for wanted in changed:
            analyses.decide(
                session,
                actor,
                analysis_id=analysis_id,
                component=wanted.component,
                accepted=wanted.accepted,
                candidate=wanted.candidate,
                now=now(),
            )
    flash(_("Decisions kept: %(number)d new.", number=len(changed)), "note")
    return redirect(url_for("staff.sample", sample_id=sample_id, _anchor=f"analysis-{analysis_id}"))


def _wanted(component: Component) -> Wanted | None:
    said = request.form.get(f"decision-{component.number}", "")
    if said == "reject":
        return Wanted(component.number, accepted=False, candidate=0)
    rank = request.form.get(f"candidate-{component.number}", "")
    ranks = {str(one.rank): one.rank for one in component.candidates if not one.mass_only}
    if said == "accept" and rank in ranks:
        return Wanted(component.number, accepted=True, candidate=ranks[rank])
    return None


def _differs(wanted: Wanted, stands: DecisionView | None) -> bool:
    return stands is None or (wanted.accepted, wanted.candidate) != (stands.accepted, stands.candidate)
