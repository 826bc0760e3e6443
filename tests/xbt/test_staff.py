"""Accounts: one role, a slow hash, nothing told about who exists."""

from __future__ import annotations

import pytest

from tests.xbt.laboratory import PASSWORD, Laboratory
from xbt.db.models import StaffUser
from xbt.domain.errors import InvalidAccount, NotAllowed, NotFound
from xbt.domain.people import Role
from xbt.services import staff


def test_a_password_is_kept_as_argon2id_and_checked(laboratory: Laboratory) -> None:
    with laboratory.sessions() as session:
        user = session.get_one(StaffUser, laboratory.technician.id)
        assert user.password.startswith("$argon2id$")
        assert staff.check_password(session, user.id, PASSWORD)
        assert not staff.check_password(session, user.id, PASSWORD + " ")
        assert not staff.check_password(session, 999, PASSWORD)


def test_a_closed_account_is_nobody(laboratory: Laboratory) -> None:
    assert laboratory.technician.id is not None
    with laboratory.sessions.begin() as session:
        session.get_one(StaffUser, laboratory.technician.id).active = False
        assert not staff.check_password(session, laboratory.technician.id, PASSWORD)
        with pytest.raises(NotFound):
            staff.actor_of(session, laboratory.technician.id)


def test_an_actor_comes_back_as_created(laboratory: Laboratory) -> None:
    assert laboratory.technician.id is not None
    with laboratory.sessions() as session:
        assert staff.actor_of(session, laboratory.technician.id) == laboratory.technician
        assert [site.name for site in staff.sites(session)] == ["Lyon", "Paris"]


def test_what_flask_asks_of_an_account(laboratory: Laboratory) -> None:
    with laboratory.sessions() as session:
        user = session.get_one(StaffUser, laboratory.technician.id)
        assert (user.is_active, user.is_authenticated, user.is_anonymous) == (True, True, False)
        assert len(user.get_id()) == 64
        assert user.has_role(Role.TECHNICIAN)
        assert not user.has_role(Role.MANAGER)


@pytest.mark.parametrize(
    ("email", "password", "site", "code"),
    [
        ("new@xbt.example", "x" * 14, None, "password_short"),
        ("TARA@xbt.example ", "x" * 15, None, "email_taken"),
        ("new@xbt.example", "x" * 15, 99, "no_site"),
    ],
)
def test_an_account_that_cannot_be(
    laboratory: Laboratory, email: str, password: str, site: int | None, code: str
) -> None:
    with laboratory.sessions.begin() as session, pytest.raises((InvalidAccount, NotFound)) as refused:
        staff.create_user(session, email, "New", password, Role.WORKER, site, now=laboratory.now)
    assert refused.value.code == code


def test_only_a_manager_adds_people_and_sites(laboratory: Laboratory) -> None:
    sessions = laboratory.sessions
    with sessions.begin() as session, pytest.raises(NotAllowed):
        staff.create_site(session, "Nice", "tel", "PACA", actor=laboratory.technician, now=laboratory.now)
    with sessions.begin() as session:
        site = staff.create_site(session, "Nice", "tel", "PACA", actor=laboratory.manager, now=laboratory.now)
        with pytest.raises(InvalidAccount):
            staff.create_site(session, "Nice", "tel", "PACA", actor=laboratory.manager, now=laboratory.now)
    assert site.region == "PACA"
