"""The steps of a result: submit, sign, release, send back, withdraw, correct. Each with its permission."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from web.accounts import password_matches, signed_in
from web.locale import say as _
from web.policy import allow
from web.record import now, record
from web.staff.blueprint import blueprint, refused
from xbt.domain.errors import StepRefused
from xbt.security.policy import Permission
from xbt.services import results

TEXT = 2000  # characters of a comment or a reason


@blueprint.post("/samples/<int:sample_id>/submit")
@allow(Permission.SUBMIT)
def submit(sample_id: int) -> BaseResponse:
    """Propose a result from the decisions that stand."""
    done = _("Submitted. Another person can sign it now.")
    return _take(results.submit, sample_id, done, comment=_text("comment"))


@blueprint.post("/samples/<int:sample_id>/sign")
@allow(Permission.SIGN)
def sign(sample_id: int) -> BaseResponse:
    """Sign the proposal; the password is asked again, so that an open page is not a signature."""
    with record().reading() as session:
        matches = password_matches(session, signed_in(), request.form.get("password", ""))
    return _take(results.sign, sample_id, _("Signed. It can be released now."), password_checked=matches)


@blueprint.post("/samples/<int:sample_id>/release")
@allow(Permission.RELEASE)
def release(sample_id: int) -> BaseResponse:
    """Open the signed result to the ticket."""
    done = _("Released. The ticket opens it from now on.")
    return _take(results.release, sample_id, done, ticket_days=record().settings.ticket_days)


@blueprint.post("/samples/<int:sample_id>/return")
@allow(Permission.RETURN)
def send_back(sample_id: int) -> BaseResponse:
    """Give a proposal back to the technician."""
    return _take(results.send_back, sample_id, _("Sent back."), reason=_text("reason"))


@blueprint.post("/samples/<int:sample_id>/withdraw")
@allow(Permission.WITHDRAW)
def withdraw(sample_id: int) -> BaseResponse:
    """Take a released result back; the ticket then says so."""
    return _take(results.withdraw, sample_id, _("Withdrawn. The ticket says so now."), reason=_text("reason"))


@blueprint.post("/samples/<int:sample_id>/amend")
@allow(Permission.AMEND)
def amend(sample_id: int) -> BaseResponse:
    """Begin a correction: a new version beside the released one."""
    done = _("The correction has begun. Decide, submit, and have it signed as before.")
    return _take(results.amend, sample_id, done, reason=_text("reason"))


def _take(step: Callable[..., Any], sample_id: int, done: str, **fields: object) -> BaseResponse:
    try:
        with record().writing.begin() as session:
            step(session, signed_in(), sample_id=sample_id, now=now(), **fields)
        flash(done, "note")
    except StepRefused as error:
        refused(error)
    return redirect(url_for("staff.sample", sample_id=sample_id))


def _text(name: str) -> str:
    return request.form.get(name, "").strip().replace("\r\n", "\n")[:TEXT]
