from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.orm import Session

from alerts.cli import alerts
from alerts.services import Severity, Substances, Wording, draft
from xbt.db.models import Sample
from xbt.domain.people import Actor


@pytest.fixture
def run(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run the command on the network of these tests; gives what it prints."""
    monkeypatch.setenv("XBT_DATABASE_URL", f"sqlite:///{tmp_path / 'xbt.sqlite3'}")
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*words: str) -> str:
        session.commit()
        result = CliRunner().invoke(alerts, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


def test_an_empty_network(run: Callable[..., str], people: dict[str, Actor]) -> None:
    assert run("list") == "Signals: none\nAlerts: none\n"


def test_detect_then_list(
    run: Callable[..., str],
    session: Session,
    people: dict[str, Actor],
    release: Callable[..., Sample],
) -> None:
    release("Oxycodone", "Metonitazene")
    assert run("detect", "--since", "2026-11-22") == "Samples read again: 1. New signals: 1.\n"
    assert run("detect", "--since", "2026-11-22") == "Samples read again: 1. New signals: 0.\n"
    draft(
        session,
        people["ana"],
        signal_id=None,
        texts={"en": Wording("Look out", "We found it.")},
        level=Severity.CAUTION,
        region="Occitanie",
        expires_at=datetime.now(UTC) + timedelta(days=9),
        now=datetime.now(UTC),
        substances=(Substances(("x",), ("X",)),),
    )
    printed = run("list")
    for word in ("watch_list", "Metonitazene", "warning", "likely", "Look out", "draft", "caution"):
        assert word in printed


def test_a_day_that_is_none_is_a_usage_error() -> None:
    result = CliRunner().invoke(alerts, ["detect", "--since", "yesterday"])
    assert result.exit_code == 2
    assert "yesterday" in result.output
