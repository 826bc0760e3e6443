"""Sites and staff accounts.

Promises that a password is kept as argon2id only (64 MiB, 3 passes), as a plain PHC string that any argon2
library verifies: Flask-Security has to be told ``SECURITY_PASSWORD_SINGLE_HASH = ["argon2"]``.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from xbt.db.models import Site, StaffRole, StaffUser
from xbt.domain.errors import InvalidAccount, NotFound
from xbt.domain.people import SYSTEM, Actor, Role
from xbt.security import audit
from xbt.security.policy import Permission, require

MIN_PASSWORD = 15
_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)


@dataclass(frozen=True, slots=True)
class SiteView:
    id: int
    name: str
    contact: str
    region: str


def create_site(
    session: Session,
    name: str,
    contact: str,
    region: str,
    *,
    actor: Actor = SYSTEM,
    now: datetime | None = None,
) -> SiteView:
    """Add a site to the network.

    Raises
    ------
    NotAllowed : the actor may not manage staff.
    InvalidAccount : code ``site_exists``.
    """
    require(actor, Permission.MANAGE_STAFF)
    if session.scalar(select(Site.id).where(Site.name == name)) is not None:
        raise InvalidAccount("site_exists", name=name)
    site = Site(name=name, contact=contact, region=region)
    session.add(site)
    session.flush()
    audit.append(session, actor, "site_created", f"site:{site.id}", now=_time(now), name=name, region=region)
    return site_view(site)


def create_user(
    session: Session,
    email: str,
    name: str,
    password: str,
    role: Role,
    site_id: int | None,
    *,
    actor: Actor = SYSTEM,
    now: datetime | None = None,
) -> Actor:
    """Add an account with one role; ``site_id`` None reaches every site.

    Raises
    ------
    NotAllowed : the actor may not manage staff.
    InvalidAccount : code ``password_short`` or ``email_taken``.
    NotFound : there is no such site.
    """
    require(actor, Permission.MANAGE_STAFF)
    _check_account(session, email, password, site_id)
    user = StaffUser(
        email=email.strip().lower(),
        name=name,
        password=_HASHER.hash(password),
        active=True,
        fs_uniquifier=secrets.token_hex(32),
        site_id=site_id,
        roles=[_role(session, role)],
    )
    session.add(user)
    session.flush()
    audit.append(
        session, actor, "user_created", f"user:{user.id}", now=_time(now), role=role.value, site=site_id
    )
    return _actor(user)


def check_password(session: Session, user_id: int, password: str) -> bool:
    """Whether the password is that of the active account: the re-authentication before a signature."""
    user = session.get(StaffUser, user_id)
    if user is None or not user.active:
        return False
    try:
        return _HASHER.verify(user.password, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def actor_of(session: Session, user_id: int) -> Actor:
    """The actor behind an account.

    Raises
    ------
    NotFound : no such account, or it was closed.
    """
    user = session.get(StaffUser, user_id)
    if user is None or not user.active:
        raise NotFound("no_user", id=str(user_id))
    return _actor(user)


def sites(session: Session) -> tuple[SiteView, ...]:
    """Every site of the network by name."""
    return tuple(site_view(site) for site in session.scalars(select(Site).order_by(Site.name)))


def site_view(site: Site) -> SiteView:
    return SiteView(site.id, site.name, site.contact, site.region)


def _check_account(session: Session, email: str, password: str, site_id: int | None) -> None:
    if len(password) < MIN_PASSWORD:
        raise InvalidAccount("password_short", minimum=str(MIN_PASSWORD))
    taken = select(StaffUser.id).where(func.lower(StaffUser.email) == email.strip().lower())
    if session.scalar(taken) is not None:
        raise InvalidAccount("email_taken")
    if site_id is not None and session.get(Site, site_id) is None:
        raise NotFound("no_site", id=str(site_id))


def _role(session: Session, role: Role) -> StaffRole:
    known = session.scalar(select(StaffRole).where(StaffRole.name == role.value))
    return known or StaffRole(name=role.value, description="")


def _actor(user: StaffUser) -> Actor:
    return Actor(user.id, user.name, frozenset(Role(role.name) for role in user.roles), user.site_id)


def _time(now: datetime | None) -> datetime:
    return now or datetime.now(UTC)
