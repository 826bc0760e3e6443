"""Headers of every answer, and the length of public ones.

Promises: nothing is cached, framed, sniffed or referred; no script or style runs that is not a file of
ours; public pages have lengths in whole steps, so that an eavesdropper who counts bytes learns little.
"""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Figures are drawn by us, but from files of strangers: they may not run or load anything.
FIGURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
DOWNLOAD_POLICY = "default-src 'none'; sandbox"

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store, no-transform",
}
STATIC_CACHE = "public, max-age=3600"
HSTS = "max-age=31536000"

STEP = 1024
LOOKUP_FLOOR = 16 * STEP


def install(app: Flask) -> None:
    """Add the headers and the padding to every answer of ``app``."""
    app.after_request(_add_headers)
    app.after_request(_pad)


def pad_to(length: int) -> None:
    """Ask that the page answering this request is at least ``length`` bytes long."""
    g.pad_floor = length


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint == "static":
        response.headers["Cache-Control"] = STATIC_CACHE
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = HSTS
    return response


def _pad(response: Response) -> Response:
    """Fill a page asked for with `pad_to` up to a whole step. The filler is random: compression on the way
    would otherwise undo it."""
    floor = g.get("pad_floor")
    if floor is None or response.mimetype != "text/html":
        return response
    body = response.get_data()
    length = max(floor, -(-(len(body) + 9) // STEP) * STEP)
    missing = length - len(body) - 9
    filler = secrets.token_urlsafe(max(missing, 1))[:missing].replace("-", "_")
    response.set_data(body + b"\n<!--" + filler.encode("ascii") + b"-->\n")
    return response
