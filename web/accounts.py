"""Staff accounts for Flask-Security, read from the record.

Promises that no database row is handed to a page, and that nothing about the browser (address, user agent)
is kept, not even hashed into the session cookie. Refuses to change accounts: `xbt.services.staff` does.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask, g, session
from flask_security import Security, UserMixin, current_user, user_authenticated
from flask_security.datastore import UserDatastore
from flask_security.forms import LoginForm
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from wtforms import EmailField
from wtforms.validators import InputRequired

from web.record import record
from xbt.db.models import StaffRole, StaffUser
from xbt.domain.people import Actor
from xbt.services import staff

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
SIGNED_IN_AT = "signed_in_at"


@dataclass(frozen=True, eq=False)
class Account(UserMixin):
    """A staff account as Flask-Security sees it."""

    id: int
    email: str
    password: str
    active: bool
    fs_uniquifier: str = ""  # Flask-Security looks for it on the class
    roles: tuple[()] = ()  # type: ignore[assignment]  # what somebody may do is asked of the policy only

    @property
    def is_active(self) -> bool:
        return self.active

    def get_id(self) -> str:
        return self.fs_uniquifier

    def verify_and_update_password(self, password: str) -> bool:
        """Only verifies: accounts are changed by `xbt.services.staff`."""
        with record().reading() as session_:
            return staff.check_password(session_, self.id, password)


class AccountStore(UserDatastore):
    """Finds accounts; writes nothing."""

    def __init__(self) -> None:
        super().__init__(Account, StaffRole)  # type: ignore[arg-type]

    def find_user(self, case_insensitive: bool = False, **kwargs: Any) -> Account | None:
        """The account whose ``email``, ``id`` or ``fs_uniquifier`` is the one value given."""
        ((name, value),) = kwargs.items()
        column = getattr(StaffUser, name)
        matches = func.lower(column) == str(value).lower() if case_insensitive else column == value
        with record().reading() as session_:
            return _account(session_.scalar(select(StaffUser).where(matches)))

    def put(self, model: object) -> object:
        return model

    def commit(self) -> None:
        return None


class StaffLoginForm(LoginForm):
    """E-mail and password. The e-mail is only looked up, so its domain is not judged."""

    email = EmailField(validators=[InputRequired()], filters=[lambda text: (text or "").strip()])
    remember = None
    submit = None


def install(app: Flask) -> None:
    """Sign-in, sign-out and the life of a session on ``app``."""
    app.config.update(
        SECURITY_LOGIN_URL="/staff/login",
        SECURITY_LOGOUT_URL="/staff/logout",
        SECURITY_LOGOUT_CSRF=True,
        SECURITY_POST_LOGIN_VIEW="/staff/",
        SECURITY_POST_LOGOUT_VIEW="/staff/login",
        SECURITY_LOGIN_USER_TEMPLATE="staff/login.html",
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106  (the name of a method)
        SECURITY_PASSWORD_SINGLE_HASH=["argon2"],
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_SALT="unused: hashes are single",  # noqa: S106
        SECURITY_DEPRECATED_PASSWORD_SCHEMES=[],
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_FLASH_MESSAGES=False,
        SECURITY_TRACKABLE=False,
        SECURITY_FRESHNESS=timedelta(seconds=-1),  # signing asks for the password itself
        SECURITY_STATIC_FOLDER=None,
        SECURITY_CLI_USERS_NAME=False,
        SECURITY_CLI_ROLES_NAME=False,
        SECURITY_API_ENABLED_METHODS=["session"],
        PERMANENT_SESSION_LIFETIME=IDLE,
    )
    security = Security(app, AccountStore(), login_form=StaffLoginForm)
    # Flask-Login would hash address and user agent into the cookie.
    security.login_manager.session_protection = None
    security.login_manager._session_identifier_generator = lambda: ""
    user_authenticated.connect(_start_session, app)


def current_actor() -> Actor | None:
    """Who is signed in, with the roles held now; None for nobody or a session that is over."""
    if "actor" not in g:
        g.actor = _actor()
    actor: Actor | None = g.actor
    return actor


def signed_in() -> Actor:
    """Who is signed in, where the page's policy has made sure that somebody is."""
    actor = current_actor()
    if actor is None:  # pragma: no cover  (the door of web.policy stands before)
        raise PermissionError("a staff page was reached without an account")
    return actor


def password_matches(session_: Session, actor: Actor, password: str) -> bool:
    """Whether ``password`` is the one of the person signed in."""
    return actor.id is not None and staff.check_password(session_, actor.id, password)


def _actor() -> Actor | None:
    if not current_user.is_authenticated:
        return None
    if time.time() - session.get(SIGNED_IN_AT, 0) > LONGEST.total_seconds():
        session.clear()
        return None
    with record().reading() as session_:
        return staff.actor_of(session_, current_user.id)


def _start_session(_app: Flask, **_signal: object) -> None:
    session.permanent = True  # ends after `IDLE` without a request
    session[SIGNED_IN_AT] = time.time()


def _account(row: StaffUser | None) -> Account | None:
    if row is None:
        return None
    return Account(row.id, row.email, row.password, row.active, row.fs_uniquifier)
