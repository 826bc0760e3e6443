"""Who may do what: the table as a laboratory manager would read it, and nothing beyond it."""

from __future__ import annotations

import pytest

from xbt.domain.errors import NotAllowed
from xbt.domain.people import SYSTEM, Actor, Role
from xbt.domain.states import STEPS, SampleState, Step, StepRefused, after, open_steps
from xbt.security.policy import (
    POLICY,
    STEP_PERMISSION,
    Permission,
    allows,
    reads_notes,
    require,
    sees_site,
)


def _actor(*roles: Role, site: int | None = 1) -> Actor:
    return Actor(1, "x", frozenset(roles), site)


MAY = {
    Role.WORKER: "take_in see_samples",
    Role.TECHNICIAN: "take_in see_samples analyse submit return sign release amend",
    Role.COORDINATOR: "see_samples see_signals draft_alert approve_alert publish_alert withdraw_alert",
    Role.MANAGER: " ".join(Permission),
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_each_role_may_exactly_what_the_table_says(role: Role, permission: Permission) -> None:
    actor = _actor(role)
    assert allows(actor, permission) == (permission.value in MAY[role].split())
    if allows(actor, permission):
        require(actor, permission)
    else:
        with pytest.raises(NotAllowed) as refused:
            require(actor, permission)
        assert refused.value.fields == {"permission": permission.value}


def test_without_a_role_only_the_system_may_anything() -> None:
    assert not any(allows(_actor(), permission) for permission in Permission)
    assert all(allows(SYSTEM, permission) for permission in Permission)


def test_every_role_and_step_is_in_the_table() -> None:
    assert set(POLICY) == set(Role)
    assert set(STEP_PERMISSION) == set(Step)


def test_a_site_bounds_what_is_seen() -> None:
    assert sees_site(_actor(Role.TECHNICIAN, site=1), 1)
    assert not sees_site(_actor(Role.TECHNICIAN, site=1), 2)
    assert sees_site(_actor(Role.TECHNICIAN, site=None), 2)
    assert sees_site(_actor(Role.COORDINATOR, site=1), 2)
    assert not reads_notes(_actor(Role.COORDINATOR, site=1), 2)


def test_a_state_allows_only_its_own_steps() -> None:
    for state in SampleState:
        for step in Step:
            if step in open_steps(state):
                assert after(state, step) is STEPS[state, step]
            else:
                with pytest.raises(StepRefused) as refused:
                    after(state, step)
                assert refused.value.fields == {"state": state.value, "step": step.value}


def test_released_is_reached_only_through_a_signature() -> None:
    assert [(state, step) for (state, step), to in STEPS.items() if to is SampleState.RELEASED] == [
        (SampleState.SIGNED, Step.RELEASE)
    ]
    assert [(state, step) for (state, step), to in STEPS.items() if to is SampleState.SIGNED] == [
        (SampleState.PROPOSED, Step.SIGN)
    ]
