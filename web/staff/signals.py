"""Signals, and the alerts people make of them: drafted by one, approved by another, published with an end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from alerts import services
from alerts.services import AlertState, AlertView, Severity, SignalState, SignalView, Wording
from web.accounts import signed_in
from web.locale import LANGUAGES
from web.locale import say as _
from web.policy import allow
from web.record import now, record
from web.staff.blueprint import blueprint
from web.staff.samples import one_of
from web.texts import refusal_sentence
from xbt.domain.errors import NotAllowed, NotFound, Refused
from xbt.security.policy import Permission
from xbt.services import staff

REGION = 64  # characters
REASON = 500


@dataclass(frozen=True, slots=True)
class Draft:
    """What stands in the form of an alert."""

    texts: dict[str, Wording]
    level: Severity
    region: str
    expires_on: date


@blueprint.get("/signals")
@allow(Permission.SEE_SIGNALS)
def signals() -> str:
    """Every signal, the most severe first."""
    state = one_of(SignalState, request.args.get("state", ""))
    with record().reading() as session:
        rows = services.signals(session, signed_in(), state)
    return render_template("staff/signals.html", rows=rows, state=state, states=SignalState)


@blueprint.get("/signals/<int:signal_id>")
@allow(Permission.SEE_SIGNALS)
def signal(signal_id: int) -> str:
    """One signal, and the form of an alert with first words in it."""
    with record().reading() as session:
        view = services.signal(session, signed_in(), signal_id)
    return _signal_page(view, _proposed(view))


@blueprint.post("/signals/<int:signal_id>/dismiss")
@allow(Permission.DRAFT_ALERT)
def dismiss(signal_id: int) -> BaseResponse:
    """Put a signal aside, with a reason."""
    reason = request.form.get("reason", "")[:REASON]
    _try(services.dismiss, _("Put aside."), signal_id=signal_id, reason=reason)
    return redirect(url_for("staff.signal", signal_id=signal_id))


@blueprint.post("/signals/<int:signal_id>/draft")
@allow(Permission.DRAFT_ALERT)
def draft(signal_id: int) -> BaseResponse | str | tuple[str, int]:
    """Begin an alert on a signal; what is not accepted is shown again as it was written."""
    sent = _read_draft()
    try:
        with record().writing.begin() as session:
            made = services.draft(session, signed_in(), signal_id=signal_id, **_fields(sent))
    except (NotAllowed, NotFound):
        raise
    except Refused as error:
        with record().reading() as session:
            view = services.signal(session, signed_in(), signal_id)
        return _signal_page(view, sent, alert_problem(error)), 422
    flash(_("The draft is kept. Another person can approve it."), "note")
    return redirect(url_for("staff.alert", alert_id=made.id))


@blueprint.get("/alerts")
@allow(Permission.SEE_SIGNALS)
def alerts() -> str:
    """Every alert and revision, the newest first."""
    with record().reading() as session:
        rows = services.alerts(session, signed_in(), now())
    return render_template("staff/alerts.html", rows=rows)


@blueprint.get("/alerts/<int:alert_id>")
@allow(Permission.SEE_SIGNALS)
def alert(alert_id: int) -> str:
    """One alert and what may be done with it now."""
    with record().reading() as session:
        view = services.alert(session, signed_in(), alert_id, now())
    return _alert_page(view, _as_written(view))


@blueprint.post("/alerts/<int:alert_id>/edit")
@allow(Permission.DRAFT_ALERT)
def edit(alert_id: int) -> BaseResponse | tuple[str, int]:
    """Change the words of a draft; an approved alert then needs approval again."""
    return _rewrite(services.edit, alert_id, _("Kept. Another person has to approve these words."))


@blueprint.post("/alerts/<int:alert_id>/revise")
@allow(Permission.DRAFT_ALERT)
def revise(alert_id: int) -> BaseResponse | tuple[str, int]:
    """Begin the next revision; what is public stays until that is published."""
    return _rewrite(services.revise, alert_id, _("The new version is a draft. Another person approves it."))


@blueprint.post("/alerts/<int:alert_id>/approve")
@allow(Permission.APPROVE_ALERT)
def approve(alert_id: int) -> BaseResponse:
    """Stand for the words of another person."""
    return _step(services.approve, alert_id, _("Approved. It can be published now."))


@blueprint.post("/alerts/<int:alert_id>/publish")
@allow(Permission.PUBLISH_ALERT)
def publish(alert_id: int) -> BaseResponse:
    """Make it public."""
    return _step(services.publish, alert_id, _("Published. It is on the public page and in the feed."))


@blueprint.post("/alerts/<int:alert_id>/withdraw")
@allow(Permission.WITHDRAW_ALERT)
def withdraw_alert(alert_id: int) -> BaseResponse:
    """Take a published alert back, with a reason that is shown in its place."""
    reason = request.form.get("reason", "")[:REASON]
    return _step(services.withdraw, alert_id, _("Withdrawn; the public page says so."), reason=reason)


@blueprint.post("/alerts/<int:alert_id>/discard")
@allow(Permission.DRAFT_ALERT)
def discard(alert_id: int) -> BaseResponse:
    """Drop a draft."""
    return _step(services.discard, alert_id, _("The draft was dropped."))


def alert_problem(error: Refused) -> str:
    """What is wrong with an alert, in words."""
    fields = error.fields
    language = LANGUAGES.get(fields.get("language", ""), "")
    sentences = {
        "already_over": _("The last day lies in the past."),
        "too_long_valid": _("An alert lasts at most %(days)s days.", days=fields.get("maximum", "")),
        "text_needed": _("Title and text are needed (%(language)s).", language=language),
        "title_long": _("The title is too long (%(language)s).", language=language),
        "text_long": _("The text is too long (%(language)s).", language=language),
        "forbidden_word": _(
            "“%(word)s” promises or judges (%(language)s). Say what was found and what helps.",
            word=fields.get("word", ""),
            language=language,
        ),
        "names_site": _("“%(name)s” is a site; alerts name a region at most.", name=fields.get("name", "")),
        "names_sample": _("“%(name)s” is the number of a sample; leave it out.", name=fields.get("name", "")),
        "evidence_changed": _("The result behind this alert was corrected or withdrawn."),
        "revision_open": _("A new version of this alert is already being written."),
    }
    return sentences.get(error.code) or refusal_sentence(error)


def _signal_page(view: SignalView, shown: Draft, problem: str = "") -> str:
    return render_template(
        "staff/signal.html", signal=view, draft=shown, problem=problem, regions=_regions(), levels=Severity
    )


def _alert_page(view: AlertView, shown: Draft, problem: str = "") -> str:
    rewriting = "edit" if view.state in (AlertState.DRAFT, AlertState.APPROVED) else "revise"
    return render_template(
        "staff/alert.html",
        alert=view,
        draft=shown,
        problem=problem,
        regions=_regions(),
        levels=Severity,
        rewriting=rewriting,
    )


def _regions() -> tuple[str, ...]:
    with record().reading() as session:
        return tuple(sorted({one.region for one in staff.sites(session) if one.region}))


def _proposed(view: SignalView) -> Draft:
    texts = {language: services.propose_text(view, language) for language in LANGUAGES}
    return Draft(texts, view.severity, view.region, services.default_expiry(view.severity, now()).date())


def _as_written(view: AlertView) -> Draft:
    return Draft(dict(view.texts), view.level, view.region, (view.expires_at - timedelta(seconds=1)).date())


def _read_draft() -> Draft:
    sent = {name: value.strip().replace("\r\n", "\n") for name, value in request.form.items()}
    texts = {
        language: Wording(*(sent.get(f"{part}-{language}", "") for part in ("title", "body", "advice")))
        for language in LANGUAGES
    }
    return Draft(
        texts,
        one_of(Severity, sent.get("level", "")) or Severity.CAUTION,
        sent.get("region", "")[:REGION],
        _day(sent.get("expires", "")),
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.min


def _fields(sent: Draft) -> dict[str, Any]:
    # The last day counts to its end: the alert is over when the next one begins.
    end = datetime.combine(sent.expires_on, time(), UTC)
    ends = end + timedelta(days=1) if sent.expires_on > date.min else end
    return {
        "texts": sent.texts,
        "level": sent.level,
        "region": sent.region,
        "expires_at": ends,
        "now": now(),
    }


def _rewrite(service: Callable[..., AlertView], alert_id: int, done: str) -> BaseResponse | tuple[str, int]:
    sent = _read_draft()
    try:
        with record().writing.begin() as session:
            made = service(session, signed_in(), alert_id=alert_id, **_fields(sent))
    except (NotAllowed, NotFound):
        raise
    except Refused as error:
        with record().reading() as session:
            view = services.alert(session, signed_in(), alert_id, now())
        return _alert_page(view, sent, alert_problem(error)), 422
    flash(done, "note")
    return redirect(url_for("staff.alert", alert_id=made.id))


def _step(service: Callable[..., AlertView], alert_id: int, done: str, **fields: str) -> BaseResponse:
    _try(service, done, alert_id=alert_id, **fields)
    return redirect(url_for("staff.alert", alert_id=alert_id))


def _try(service: Callable[..., object], done: str, **fields: object) -> None:
    try:
        with record().writing.begin() as session:
            service(session, signed_in(), now=now(), **fields)
        flash(done, "note")
    except (NotAllowed, NotFound):
        raise
    except Refused as error:
        flash(alert_problem(error), "alert")
