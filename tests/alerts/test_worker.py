"""From the job row to the signal, by the worker and the installed entry point."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from alerts.rules import Rule
from alerts.services import signals
from xbt.config import Settings
from xbt.db.models import Sample
from xbt.domain.people import Actor
from xbt.jobs import enqueue, run_worker


def test_the_worker_finds_the_rules_and_ends_the_job_once(
    tmp_path: Path, session: Session, people: dict[str, Actor], release: Callable[..., Sample]
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path / 'xbt.sqlite3'}")
    sample = release("Cocaine", "Cocaine", "Atropine")
    for _ in range(2):
        payload = {"result_id": sample.results[-1].id, "sample_id": sample.id}
        enqueue(session, "detect", payload, now=datetime(2026, 11, 22, tzinfo=UTC))
    session.commit()
    assert run_worker(settings, once=True) == 2
    assert [one.rule for one in signals(session, people["ana"])] == [Rule.WATCH_LIST]
