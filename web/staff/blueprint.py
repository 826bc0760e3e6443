"""The staff blueprint: what every page of the laboratory shows, and the choice of language."""

from __future__ import annotations

import time

from flask import Blueprint, current_app, flash, redirect, request, session, url_for
from werkzeug.wrappers import Response as BaseResponse

from web.accounts import current_actor
from web.locale import LANGUAGES, SESSION_KEY
from web.policy import Anyone, allow
from web.record import record
from web.texts import refusal_sentence
from xbt.domain.errors import Refused
from xbt.security.policy import Permission, allows

blueprint = Blueprint("staff", __name__, url_prefix="/staff")

WORKER_SILENT = 30.0  # seconds; a living worker touches its file every five


@blueprint.app_context_processor
def staff_words() -> dict[str, object]:
    """For templates under ``/staff``: who is signed in and what they may do."""
    if not request.path.startswith("/staff"):
        return {}
    actor = current_actor()
    return {
        "actor": actor,
        "can": lambda name: actor is not None and allows(actor, Permission(name)),
    }


@blueprint.post("/language")
@allow(Anyone.PUBLIC)
def choose_language() -> BaseResponse:
    """Keep the language of the staff pages for this session."""
    chosen = request.form.get("language", "")
    if chosen in LANGUAGES:
        session[SESSION_KEY] = chosen
    return redirect(_own_path(request.form.get("back", "")))


def worker_is_silent() -> bool:
    """Whether no worker has shown itself lately."""
    try:
        seen = record().settings.heartbeat_file.stat().st_mtime
    except OSError:
        return True
    return time.time() - seen > WORKER_SILENT


def refused(error: Refused) -> None:
    """Say on the next page why something was not done."""
    flash(refusal_sentence(error), "alert")


def _own_path(path: str) -> str:
    """``path`` if it is one of ours, else the first staff page: a link never leads away from here."""
    adapter = current_app.url_map.bind("", url_scheme="")
    if path.startswith("/staff") and adapter.test(path.split("?", maxsplit=1)[0], "GET"):
        return path
    return url_for("staff.work_list")
