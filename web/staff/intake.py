"""Taking a sample in. The page that answers shows the ticket's code, once, and is never stored.

The form carries a random key: sending it twice (double click, refresh, lost connection) gives the same
sample and the same ticket.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

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
from xbt.domain.samples import Form, Intake, Reason, Use
from xbt.security.policy import Permission, sees_every_site
from xbt.services import intake, staff
from xbt.services.staff import SiteView

SOLD_AS = 120  # characters, as the record keeps them
COLOUR = 60
NOTE = 500


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it was sent, with what is wrong in it by field."""

    site_id: int | None
    form: Form | None
    intake: Intake
    problems: dict[str, str] = field(default_factory=dict)


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
    if filled.problems or filled.site_id is None or len(key) < intake.MIN_KEY:
        return _form_page(filled, key or secrets.token_urlsafe(24)), 422
    opened = record()
    with opened.writing.begin() as session:
        ticket = intake.take_in(
            session,
            signed_in(),
            site_id=filled.site_id,
            intake=filled.intake,
            now=now(),
            settings=opened.settings,
            idempotency_key=key,
        )
        site = next(one for one in staff.sites(session) if one.id == filled.site_id)
    return render_template(
        "staff/ticket.html",
        ticket=ticket,
        site=site,
        picture=code_picture(f"{opened.settings.base_url.rstrip('/')}/r#{ticket.code}"),
        address=opened.settings.base_url.split("://")[-1].rstrip("/"),
        understood=known().resolve(filled.intake.sold_as_text),
    )


@blueprint.get("/recognise")
@allow(Permission.TAKE_IN)
def recognise() -> Response:
    """How the words a product was sold under are understood, for the form to show while typing."""
    found = known().resolve(request.args.get("text", "")[:SOLD_AS])
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
        limits={"sold_as": SOLD_AS, "colour": COLOUR, "note": NOTE},
    )


def _read_form() -> Filled:
    sent = {name: value.strip() for name, value in request.form.items()}
    form = one_of(Form, sent.get("form", ""))
    told = Intake(
        sold_as_text=sent.get("sold_as", ""),
        sold_as="",
        form=form or Form.OTHER,
        colour=sent.get("colour", ""),
        use=one_of(Use, sent.get("use", "")) or Use.NOT_SAID,
        reason=one_of(Reason, sent.get("reason", "")) or Reason.NOT_SAID,
        note=sent.get("note", "").replace("\r\n", "\n"),
    )
    site = sent.get("site", "")
    site_id = int(site) if site.isdecimal() else None
    return Filled(site_id, form, told, _problems(told, form, site_id))


def _problems(told: Intake, form: Form | None, site_id: int | None) -> dict[str, str]:
    checks = {
        "site": (site_id is None, _("Please choose the site.")),
        "sold_as": (
            not 0 < len(told.sold_as_text) <= SOLD_AS,
            _("Please say what it was sold as, in at most %(number)d characters.", number=SOLD_AS),
        ),
        "form": (form is None, _("Please choose a form.")),
        "colour": (
            len(told.colour) > COLOUR,
            _("Please keep the colour under %(number)d characters.", number=COLOUR),
        ),
        "note": (
            len(told.note) > NOTE,
            _("Please keep the note under %(number)d characters.", number=NOTE),
        ),
    }
    return {name: sentence for name, (wrong, sentence) in checks.items() if wrong}
