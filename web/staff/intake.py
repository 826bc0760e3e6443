"""Taking a sample in. The page that answers shows the ticket's code, once, and is never stored.

The form carries a random key: sending it twice (double click, refresh, lost connection) gives the same
sample and the same ticket.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import segno
from flask import jsonify, render_template, request
from flask.wrappers import Response
from markupsafe import Markup

from web.accounts import signed_in
from web.locale import language
from web.locale import say as _
from web.policy import allow
from web.record import now, record
from web.staff.blueprint import blueprint
from web.staff.samples import one_of
from web.substances import known, suggestions
from xbt.domain.people import Actor
from xbt.domain.samples import TEXT_LIMITS, Form, Intake, Reason, Use
from xbt.security.policy import Permission, sees_every_site
from xbt.services import intake, staff
from xbt.services.staff import SiteView


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it was sent, with what is wrong in it by field."""

    sent: dict[str, str]
    problems: dict[str, str]

    def intake(self) -> Intake:
        """What was told, from a form without problems."""
        return Intake(
            sold_as_text=self.sent["sold_as"],
            sold_as="",
            form=Form(self.sent["form"]),
            colour=self.sent.get("colour", ""),
            use=one_of(Use, self.sent.get("use", "")) or Use.NOT_SAID,
            reason=one_of(Reason, self.sent.get("reason", "")) or Reason.NOT_SAID,
            note=self.sent.get("note", ""),
        )


@blueprint.get("/samples/new")
@allow(Permission.TAKE_IN)
def new_sample() -> str:
    """The empty form."""
    return _form_page(None, secrets.token_urlsafe(24))


@blueprint.post("/samples/new")
@allow(Permission.TAKE_IN)
def take_in() -> str | tuple[str, int]:
    """Take the sample in and show its ticket; or the form again, with what is wrong in it."""
    filled = _read_form()
    key = request.form.get("key", "")
    if filled.problems or len(key) < intake.MIN_KEY:
        return _form_page(filled, key or secrets.token_urlsafe(24)), 422
    told, site_id = filled.intake(), int(filled.sent["site"])
    opened = record()
    with opened.writing.begin() as session:
        ticket = intake.take_in(
            session,
            signed_in(),
            site_id=site_id,
            intake=told,
            now=now(),
            settings=opened.settings,
            idempotency_key=key,
        )
        site = next(one for one in staff.sites(session) if one.id == site_id)
    return render_template(
        "staff/ticket.html",
        ticket=ticket,
        site=site,
        picture=code_picture(f"{opened.settings.base_url.rstrip('/')}/r#{ticket.code}"),
        address=opened.settings.base_url.split("://")[-1].rstrip("/"),
        understood=known().resolve(told.sold_as_text),
    )


@blueprint.get("/recognise")
@allow(Permission.TAKE_IN)
def recognise() -> Response:
    """How the words a product was sold under are understood, for the form to show while typing."""
    found = known().resolve(request.args.get("text", "")[: TEXT_LIMITS["sold_as"]])
    return jsonify(name=known().display_name(found.key, language()) if found else "")


def code_picture(text: str) -> Markup:
    """A QR code as SVG markup without style or script."""
    picture = segno.make(text, error="m", micro=False)
    drawn = picture.svg_inline(border=2, omitsize=True, svgclass=None, lineclass=None, light="#fff")
    return Markup(drawn)  # noqa: S704  (drawn by segno from our own text; holds no words of others)


def own_sites(actor: Actor, sites: tuple[SiteView, ...]) -> tuple[SiteView, ...]:
    """The sites somebody may take samples in for."""
    return tuple(one for one in sites if sees_every_site(actor) or one.id == actor.site_id)


def _form_page(filled: Filled | None, key: str) -> str:
    with record().reading() as session:
        sites = own_sites(signed_in(), staff.sites(session))
    return render_template(
        "staff/intake.html",
        filled=filled,
        key=key,
        sites=sites,
        suggestions=suggestions(language()),
        limits=TEXT_LIMITS,
    )


def _read_form() -> Filled:
    sent = {name: value.strip().replace("\r\n", "\n") for name, value in request.form.items()}
    return Filled(sent, _problems(sent))


def _problems(sent: dict[str, str]) -> dict[str, str]:
    told = sent.get("sold_as", "")
    checks = {
        "site": (not sent.get("site", "").isdecimal(), _("Please choose the site.")),
        "sold_as": (
            not 0 < len(told) <= _limit("sold_as"),
            _("Please say what it was sold as, in at most %(number)d characters.", number=_limit("sold_as")),
        ),
        "form": (one_of(Form, sent.get("form", "")) is None, _("Please choose a form.")),
        "colour": (
            len(sent.get("colour", "")) > _limit("colour"),
            _("Please keep the colour under %(number)d characters.", number=_limit("colour")),
        ),
        "note": (
            len(sent.get("note", "")) > _limit("note"),
            _("Please keep the note under %(number)d characters.", number=_limit("note")),
        ),
    }
    return {name: sentence for name, (wrong, sentence) in checks.items() if wrong}


def _limit(name: str) -> int:
    return TEXT_LIMITS[name]
