"""Published alerts, as a page and as a feed."""

from __future__ import annotations

from flask import Response, abort, make_response, render_template

from alerts import atom, services
from alerts.values import PublishedAlert
from alerts.wording import status_lines
from web.locale import language
from web.policy import Anyone, allow
from web.public.blueprint import blueprint
from web.record import now, record


@blueprint.get("/alerts")
@allow(Anyone.PUBLIC)
def alerts() -> str:
    """What the network warns of now."""
    with record().reading() as session:
        published = services.published(session, now())
    return render_template("public/alerts.html", alerts=published)


@blueprint.get("/alerts/<int:number>")
@allow(Anyone.PUBLIC)
def alert(number: int) -> str:
    """One alert by its lasting number; one that has ended or was withdrawn says so."""
    with record().reading() as session:
        published = services.published_one(session, number, now())
    if published is None:
        abort(404)
    return render_template("public/alerts.html", alerts=(published,), single=True)


@blueprint.get("/alerts.atom")
@allow(Anyone.PUBLIC)
def feed() -> Response:
    """The same as Atom, for readers and other services."""
    moment = now()
    with record().reading() as session:
        published = services.published(session, moment, include_ended=True)
    base_url = record().settings.base_url
    response = make_response(atom.feed(published, base_url, language(), moment))
    response.mimetype = "application/atom+xml"
    return response


@blueprint.app_template_filter("status_lines")
def status(alert: PublishedAlert) -> tuple[str, ...]:
    """What has to stand beside an alert, in the language of the page."""
    return status_lines(alert, language())
