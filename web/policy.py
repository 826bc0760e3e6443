"""Every endpoint says who may ask it; one that says nothing answers nobody.

The services check again with the same table (`xbt.security.policy`); this door is the first of two.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from flask import Flask, Response, abort, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from web.accounts import current_actor
from xbt.security.policy import Permission, allows


class Anyone(StrEnum):
    PUBLIC = "public"  # no account needed
    STAFF = "staff"  # any signed-in member of staff


Policy = Anyone | Permission
View = TypeVar("View", bound=Callable[..., Any])

# Endpoints whose views are not written by us.
FOREIGN: dict[str, Policy] = {
    "static": Anyone.PUBLIC,
    "security.login": Anyone.PUBLIC,
    "security.logout": Anyone.PUBLIC,
}


def allow(policy: Policy) -> Callable[[View], View]:
    """Declare who may ask the view below."""

    def mark(view: View) -> View:
        view.xbt_policy = policy  # type: ignore[attr-defined]
        return view

    return mark


def policy_of(app: Flask, endpoint: str) -> Policy | None:
    """What an endpoint declares; None if it declares nothing."""
    declared: Policy | None = getattr(app.view_functions[endpoint], "xbt_policy", None)
    return declared or FOREIGN.get(endpoint)


def install(app: Flask) -> None:
    """Ask for the policy before every request to ``app``."""
    app.before_request(_guard)


def _guard() -> BaseResponse | Response | None:
    if request.endpoint is None:
        return None  # there is no such page; 404 follows
    policy = policy_of(current_app, request.endpoint)
    if policy is Anyone.PUBLIC:
        return None
    if policy is None:
        abort(403)
    actor = current_actor()
    if actor is None:
        target = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("security.login", next=target))
    if isinstance(policy, Permission) and not allows(actor, policy):
        abort(403)
    return None
