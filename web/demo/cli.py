"""`xbt demo`: a small simulated network, made, run and served on this machine."""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from web.demo.play import Stage
    from xbt.config import Settings
    from xbt.domain.samples import Ticket


@click.command()
@click.option("--no-serve", is_flag=True, help="End after the table.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--fresh", is_flag=True, help="Remove the demonstration of last time and start over.")
def demo(no_serve: bool, port: int, fresh: bool) -> None:
    """Show XBT with a simulated network: three sites, four people, fifteen samples.

    Nothing of it is real, and nothing outside <data folder>/demo is touched. Starting again reuses what is
    there.
    """
    from rich.console import Console

    from web.demo.place import NotADemo, clear, demo_settings

    settings = demo_settings(port)
    try:
        if fresh:
            clear(settings.data_dir)
        tell(settings, Console(width=None if sys.stdout.isatty() else 140))
    except NotADemo as error:
        raise click.ClickException(
            f"{error} holds files that are not a demonstration's; move them away, or set XBT_DATA_DIR"
        ) from None
    if not no_serve:
        _serve(settings, port)


def tell(settings: Settings, console: Console) -> None:
    """Make the demonstration, or find it, and print it.

    Raises
    ------
    NotADemo : the folder holds something else.
    """
    from web.demo import place, play, scenario, telling

    console.print(f"[bold dark_orange]{telling.SIMULATED}[/]")
    story = scenario.load_scenario()
    access = place.open_access(settings.data_dir, story)
    with play.stage(settings, story, access, lambda: datetime.now(UTC)) as told:
        given = play.tickets(told)
        if not access.played:
            _play(told, given, console)
            place.save_access(settings.data_dir, play.played(access))
        console.print(telling.summary(told, given))
        console.print(telling.directions(told, given))


def _play(told: Stage, given: dict[str, Ticket], console: Console) -> None:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from web.demo.play import play

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("Beginning", total=1.0)
        play(told, given, lambda doing, share: bar.update(task, description=doing, completed=share))


def _serve(settings: Settings, port: int) -> None:
    """Serve the demonstration's own folder, on this machine only, until Ctrl-C."""
    from web.cli import Listening, run

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    click.echo(f"Serving {settings.base_url}. Ctrl-C stops it; the demonstration stays for next time.")
    if run(settings, Listening("127.0.0.1", port, workers=1, threads=8)):
        raise click.ClickException(f"the pages could not be served; is port {port} in use? Try --port 8001")
