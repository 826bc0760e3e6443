from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.lifecycle import STEPS, AlertRefused, AlertState, AlertStep, after, default_expiry, seen_state
from alerts.tables import Severity

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_the_only_way_to_the_public_leads_through_approval() -> None:
    assert {key for key, state in STEPS.items() if state is AlertState.PUBLISHED} == {
        (AlertState.APPROVED, AlertStep.PUBLISH),
        (AlertState.PUBLISHED, AlertStep.REVISE),
    }
    assert {key for key, state in STEPS.items() if state is AlertState.APPROVED} == {
        (AlertState.DRAFT, AlertStep.APPROVE)
    }


@pytest.mark.parametrize("state", [AlertState.WITHDRAWN, AlertState.SUPERSEDED, AlertState.DISCARDED])
@pytest.mark.parametrize("step", AlertStep)
def test_what_is_over_stays_over(state: AlertState, step: AlertStep) -> None:
    with pytest.raises(AlertRefused) as refused:
        after(state, step)
    assert refused.value.code == "not_now"
    assert refused.value.fields == {"state": state.value, "step": step.value}


def test_a_published_alert_ends_at_its_date_to_the_second() -> None:
    assert seen_state(AlertState.PUBLISHED, NOW, NOW - timedelta(seconds=1)) is AlertState.PUBLISHED
    assert seen_state(AlertState.PUBLISHED, NOW, NOW) is AlertState.EXPIRED
    assert seen_state(AlertState.DRAFT, NOW, NOW) is AlertState.DRAFT


@pytest.mark.parametrize(("level", "days"), [("information", 90), ("caution", 56), ("warning", 28)])
def test_the_graver_the_sooner_it_is_looked_at_again(level: str, days: int) -> None:
    assert default_expiry(Severity(level), NOW) - NOW == timedelta(days=days)
