"""The Flask application: settings in, application out.

Promises that public and staff pages are separate blueprints behind one door (`web.policy`), and that no
uploaded file is parsed in this process.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, make_response
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from web import accounts, errors, headers, limits, locale, policy, public, staff, substances, texts, uploads
from web.record import open_record
from xbt.config import Settings


def create_app(settings: Settings) -> Flask:
    """Build the application for ``settings``.

    Raises
    ------
    NotInitialised : ``xbt init`` was never run on this data folder.
    """
    app = Flask("web")
    _configure(app, settings)
    open_record(app, settings)
    locale.install(app)
    uploads.install(app, settings)
    headers.install(app)
    errors.install(app)
    limits.install(app)
    policy.install(app)  # before any form is read: a stranger's files are not even received
    csrf = CSRFProtect(app)
    accounts.install(app)
    app.add_url_rule("/healthz", "healthz", healthz)
    # Public pages know no account, so there is no authority that a foreign page could borrow; a token would
    # need a cookie, and they set none.
    csrf.exempt(public.blueprint)
    public.register(app)
    app.register_blueprint(staff.blueprint)
    limits.guard_sign_in(app)
    substances.install(app)
    texts.install(app)
    return app


@policy.allow(policy.Anyone.PUBLIC)
def healthz() -> Response:
    """Whether this process answers; says nothing of the database."""
    response = make_response("ok\n")
    response.mimetype = "text/plain"
    return response


def _configure(app: Flask, settings: Settings) -> None:
    https = settings.base_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.secret_key(),
        MAX_FORM_MEMORY_SIZE=200_000,
        SESSION_COOKIE_NAME="__Host-xbt" if https else "xbt",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        WTF_CSRF_TIME_LIMIT=int(timedelta(hours=12).total_seconds()),
        WTF_CSRF_SSL_STRICT=False,  # needs the Referer, which our own policy withholds
        TEMPLATES_AUTO_RELOAD=False,
    )
    hops = settings.proxy_hops
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
