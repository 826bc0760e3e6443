"""Who may do what, in one table. Deny by default.

A permission comes from a role; which samples it reaches comes from the actor's site. Someone who may not
know of a sample is told the same as if it did not exist.
"""

from __future__ import annotations

from enum import StrEnum

from xbt.domain.errors import NotAllowed
from xbt.domain.people import SYSTEM, Actor, Role
from xbt.domain.states import Step


class Permission(StrEnum):
    TAKE_IN = "take_in"
    SEE_SAMPLES = "see_samples"
    ANALYSE = "analyse"  # upload a file, decide on components
    SUBMIT = "submit"
    RETURN = "return"
    SIGN = "sign"
    RELEASE = "release"
    WITHDRAW = "withdraw"
    AMEND = "amend"
    SEE_SIGNALS = "see_signals"
    DRAFT_ALERT = "draft_alert"
    APPROVE_ALERT = "approve_alert"
    PUBLISH_ALERT = "publish_alert"
    WITHDRAW_ALERT = "withdraw_alert"
    MANAGE_STAFF = "manage_staff"
    SEE_AUDIT = "see_audit"


_P = Permission
_SIGNER = {_P.SIGN, _P.RETURN, _P.RELEASE}
_ALERTS = {_P.SEE_SIGNALS, _P.DRAFT_ALERT, _P.APPROVE_ALERT, _P.PUBLISH_ALERT, _P.WITHDRAW_ALERT}

POLICY: dict[Role, frozenset[Permission]] = {
    Role.WORKER: frozenset({_P.TAKE_IN, _P.SEE_SAMPLES}),
    Role.TECHNICIAN: frozenset(
        {_P.TAKE_IN, _P.SEE_SAMPLES, _P.ANALYSE, _P.SUBMIT, _P.AMEND, *_SIGNER},
    ),
    Role.COORDINATOR: frozenset({_P.SEE_SAMPLES, *_ALERTS}),
    Role.MANAGER: frozenset(Permission),
}

STEP_PERMISSION: dict[Step, Permission] = {step: Permission(step.value) for step in Step}

# Roles whose work spans the network whatever site their account belongs to.
_NETWORK_WIDE = frozenset({Role.COORDINATOR, Role.MANAGER})


def allows(actor: Actor, permission: Permission) -> bool:
    """Whether one of the actor's roles includes the permission; the system itself may do everything."""
    return actor == SYSTEM or any(permission in POLICY[role] for role in actor.roles)


def require(actor: Actor, permission: Permission) -> None:
    """Return if the actor has the permission.

    Raises
    ------
    NotAllowed : code ``not_allowed`` with field ``permission``.
    """
    if not allows(actor, permission):
        raise NotAllowed("not_allowed", permission=permission.value)


def sees_every_site(actor: Actor) -> bool:
    """Whether samples of all sites are within the actor's view."""
    return actor.site_id is None or bool(actor.roles & _NETWORK_WIDE)


def sees_site(actor: Actor, site_id: int) -> bool:
    """Whether samples of this site are within the actor's view."""
    return sees_every_site(actor) or actor.site_id == site_id


def reads_notes(actor: Actor, site_id: int) -> bool:
    """Whether the actor reads the free text of intakes at this site: only people of the site do."""
    return actor.site_id is None or actor.site_id == site_id
