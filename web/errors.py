"""Pages for what goes wrong. Each names the thing and the remedy; none repeats an exception's text."""

from __future__ import annotations

import traceback

from flask import Flask, Response, current_app, make_response, redirect, render_template, request
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from web.texts import refusal_sentence
from xbt.domain.errors import Busy, NotAllowed, NotFound, Refused

PAGES = {
    400: (_l("This request could not be understood"), _l("Go back, reload the page and try again.")),
    403: (_l("Not open to your account"), _l("Ask the laboratory manager if you need this page.")),
    404: (_l("There is no such page"), _l("Check the address, or start again from the first page.")),
    405: (_l("There is no such page"), _l("Check the address, or start again from the first page.")),
    409: (_l("This is not possible now"), _l("Somebody else may have been faster. Reload the page.")),
    413: (
        _l("This is too much at once"),
        _l("Send fewer files at a time, or ask the laboratory manager about the limit for uploads."),
    ),
    429: (
        _l("Too many tries"),
        _l(
            "Please wait an hour and try again. A code has 13 characters and is printed on your ticket. "
            "The service that gave it to you can help; it is never too late to ask."
        ),
    ),
    500: (
        _l("Something went wrong on our side"),
        _l("Nothing that you had sent before is lost. Try again; if it stays, tell the laboratory."),
    ),
    503: (_l("Please try again in a moment"), _l("The service is busy. Nothing is wrong with your code.")),
}


def install(app: Flask) -> None:
    """Answer every error of ``app`` with a page."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(NotFound, lambda _error: page(404))
    app.register_error_handler(NotAllowed, lambda _error: page(403))
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(Busy, lambda _error: page(503))
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(Exception, _unexpected)


def page(status: int, detail: str = "") -> Response:
    """The page for ``status``; ``detail`` replaces the usual advice."""
    title, advice = PAGES.get(status, PAGES[500 if status >= 500 else 400])
    staff = request.path.startswith("/staff")
    layout = "staff/layout.html" if staff else "public/layout.html"
    body = render_template("error.html", layout=layout, title=title, advice=detail or advice, status=status)
    response = make_response(body, status)
    if status == 503:
        response.headers["Retry-After"] = "5"
    return response


def _http(error: HTTPException) -> BaseResponse:
    code = error.code or 500
    if 300 <= code < 400:
        return error.get_response()
    return page(code)


def _csrf(_error: CSRFError) -> BaseResponse:
    if request.path == "/staff/login":
        return redirect(request.path)
    return page(400, str(_l("The page was open for too long. Go back, reload it and send it again.")))


def _refused(error: Refused) -> Response:
    return page(409, refusal_sentence(error))


def _database(_error: OperationalError) -> Response:
    return page(503)


def _unexpected(error: Exception) -> Response:
    # The kind and the place are logged, the values are not: they may hold what a person typed.
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " <- ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))
    current_app.logger.error("unexpected %s at %s", type(error).__name__, places)
    return page(500)
