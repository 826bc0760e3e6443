"""`xbt alerts`: signals and alerts at a glance, and the rules run again over what was released."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from alerts.values import AlertView, SignalView, Substances


@click.group()
def alerts() -> None:
    """Signals and alerts."""


@alerts.command("list")
@click.option("--all", "everything", is_flag=True, help="Also what was dismissed, ended or withdrawn.")
def list_(everything: bool) -> None:
    """List open signals and living alerts."""
    from alerts.services import SignalState, signals
    from alerts.services import alerts as all_alerts
    from xbt.domain.people import SYSTEM

    with _session() as session:
        noticed = signals(session, SYSTEM, None if everything else SignalState.OPEN)
        written = all_alerts(session, SYSTEM, datetime.now(UTC))
    living = [alert for alert in written if everything or alert.state.value in _LIVING]
    _print(
        "Signals",
        ("id", "severity", "certainty", "rule", "substances", "sold as", "region", "state"),
        map(_signal, noticed),
    )
    _print("Alerts", ("id", "level", "state", "title", "region", "last day"), map(_alert, living))


@alerts.command()
@click.option(
    "--since", required=True, type=click.DateTime(["%Y-%m-%d"]), help="First day of release, e.g. 2026-11-01."
)
def detect(since: datetime) -> None:
    """Run the rules again over results released since a day. Makes no signal twice."""
    from alerts.services import detect_since

    with _session() as session:
        read, made = detect_since(session, since.date(), now=datetime.now(UTC))
    click.echo(f"Samples read again: {read}. New signals: {made}.")


_LIVING = {"draft", "approved", "published"}


@contextmanager
def _session() -> Iterator[Session]:
    from xbt.config import load_settings
    from xbt.db.session import make_engine, session_factory

    engine = make_engine(load_settings().database_url)
    try:
        with session_factory(engine).begin() as session:
            yield session
    finally:
        engine.dispose()


def _signal(signal: SignalView) -> tuple[str, ...]:
    return (
        str(signal.id),
        signal.severity.value,
        signal.certainty.value,
        signal.rule.value,
        _names(signal.substances),
        signal.sold_as,
        signal.region,
        signal.state.value,
    )


def _alert(alert: AlertView) -> tuple[str, ...]:
    from alerts.wording import last_day

    words = alert.texts.get("en") or next(iter(alert.texts.values()))
    return (
        str(alert.id),
        alert.level.value,
        alert.state.value,
        words.title,
        alert.region,
        last_day(alert.expires_at).isoformat(),
    )


def _names(substances: tuple[Substances, ...]) -> str:
    return ", ".join(" or ".join(one.names) for one in substances)


def _print(title: str, columns: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    Console().print(table if table.row_count else f"{title}: none")
