"""How often a client may try: wrong ticket codes, wrong passwords, and all look-ups together.

Counts live in the memory of one server process and are forgotten with it. A client is a number: the keyed
hash of its network (/24 or /56) under a salt that is made anew each day and never leaves memory. Refuses to
keep an address, in any form that could be turned back.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from datetime import date
from typing import Any

from flask import Flask, Response, g, request
from flask_limiter import Limiter

from web.record import now

FAILED_LOOKUPS = "10 per hour"  # a client
ALL_LOOKUPS = "60 per minute"  # everybody together
FAILED_LOGINS = "10 per minute"  # a client
FAILED_LOGINS_ACCOUNT = "5 per minute"  # an account


class DailyBuckets:
    """Maps an address to a number that means nothing tomorrow."""

    def __init__(self) -> None:
        self._day = date.min
        self._salt = b""

    def bucket(self, address: str, today: date) -> str:
        """The bucket of ``address``: all of one IPv4 /24 or IPv6 /56 share it for the day."""
        if today != self._day:
            self._day, self._salt = today, secrets.token_bytes(32)
        return hmac.digest(self._salt, _network(address).encode(), hashlib.sha256).hex()[:24]


_BUCKETS = DailyBuckets()


def install(app: Flask) -> None:
    """Count on ``app``; refuse politely (the 429 page is in `web.errors`)."""
    limiter.init_app(app)


def guard_sign_in(app: Flask) -> None:
    """Limit wrong passwords; Flask-Security's view is not ours to decorate where it is written."""
    view: Any = app.view_functions["security.login"]
    for limit, key in ((FAILED_LOGINS, client), (FAILED_LOGINS_ACCOUNT, account)):
        view = limiter.limit(limit, key_func=key, methods=["POST"], deduct_when=not_redirected)(view)
    app.view_functions["security.login"] = view


def client() -> str:
    """The bucket of whoever asks."""
    return _BUCKETS.bucket(request.remote_addr or "", now().date())


def account() -> str:
    """The bucket of the account a sign-in is tried on."""
    return _BUCKETS.bucket(request.form.get("email", "").strip().lower(), now().date())


def count_failure() -> None:
    """Count this request as a failed try."""
    g.failed_try = True


limiter = Limiter(key_func=client, storage_uri="memory://", strategy="moving-window")


def failed(_response: Response) -> bool:
    """Whether this request was a failed try."""
    return bool(g.get("failed_try", False))


def not_redirected(response: Response) -> bool:
    """Whether a sign-in ended on the form again."""
    return request.method == "POST" and response.status_code != 302


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    prefix = 24 if parsed.version == 4 else 56
    return str(ipaddress.ip_network((parsed, prefix), strict=False))
