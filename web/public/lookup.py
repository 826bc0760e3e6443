"""The ticket's code in, the result out.

Promises: the code travels in the body of a POST only; "unknown", "expired" and "not ready" answers have one
status and one length; nothing of a look-up is written anywhere.
"""

from __future__ import annotations

from typing import Final

from flask import Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from web import headers, limits
from web.locale import language
from web.locale import say as _
from web.policy import Anyone, allow
from web.public.blueprint import blueprint
from web.record import now, record
from xbt import reports, risk
from xbt.domain.errors import BadCode
from xbt.domain.lookup import PublicResult, PublicState
from xbt.services import lookup

# A page nobody wonders about, in every language.
ELSEWHERE: Final = "https://www.wikipedia.org/"

_failed_limit = limits.limiter.shared_limit(
    limits.FAILED_LOOKUPS, scope="lookup", key_func=limits.client, deduct_when=limits.failed
)
_global_limit = limits.limiter.shared_limit(limits.ALL_LOOKUPS, scope="everybody", key_func=lambda: "all")


@blueprint.get("/")
@allow(Anyone.PUBLIC)
def front() -> str:
    """The first page: one field."""
    return render_template("public/front.html", problem="")


@blueprint.get("/r")
@allow(Anyone.PUBLIC)
def ticket() -> str:
    """Where the ticket's picture leads: the code follows behind ``#`` and is never sent in an address."""
    return render_template("public/front.html", problem="")


@blueprint.get("/result")
@blueprint.get("/report")
@allow(Anyone.PUBLIC)
def to_front() -> BaseResponse:
    """Opening these addresses without a code leads to the field."""
    return redirect("./")


@blueprint.post("/result")
@allow(Anyone.PUBLIC)
@_global_limit
@_failed_limit
def result() -> str:
    """The result for a code, or one of the messages that tell nobody anything."""
    headers.pad_to(headers.LOOKUP_FLOOR)
    code = request.form.get("code", "")
    try:
        found = _find(code)
    except BadCode as error:
        return render_template("public/front.html", problem=_typing_problem(error), typed=code[:40])
    if found is None or found.state is PublicState.NOT_READY:
        return render_template("public/waiting.html", known=found is not None)
    return _page(found, code)


@blueprint.post("/report")
@allow(Anyone.PUBLIC)
@_global_limit
@_failed_limit
def report() -> Response:
    """The report as PDF, for the code sent again."""
    try:
        found = _find(request.form.get("code", ""))
    except BadCode:
        found = None
    if found is None or found.state is not PublicState.RELEASED:
        return make_response(render_template("public/waiting.html", known=False))
    response = make_response(reports.render(found, language(), issued_on=now().date()))
    response.mimetype = "application/pdf"
    name = _("report")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{found.reference}.pdf"'
    return response


@blueprint.get("/leave")
@allow(Anyone.PUBLIC)
def leave() -> BaseResponse:
    """Away from here, and nothing left in the browser's store."""
    response = redirect(ELSEWHERE)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _find(code: str) -> PublicResult | None:
    opened = record()
    with opened.reading() as session:
        found = lookup.look_up(session, code, now=now(), pepper=opened.pepper)
    if found is None:
        limits.count_failure()
    return found


def _page(found: PublicResult, code: str) -> str:
    return render_template(
        "public/result.html",
        result=found,
        code=code,
        statements=risk.statements(found, language()),
        notes=risk.notes(found, language()),
        released=found.state is PublicState.RELEASED,
    )


def _typing_problem(error: BadCode) -> str:
    if error.code == "code_length":
        return _("A code has 13 characters. Please compare it with your ticket.")
    return _("There is a typing mistake in this code. Please compare it with your ticket, sign by sign.")
