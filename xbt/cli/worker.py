"""``xbt worker``: work on what waits in the background."""

from __future__ import annotations

import logging
import signal
from threading import Event

import click

from xbt.config import load_settings
from xbt.db import require_head
from xbt.jobs import run_worker
from xbt.sandbox import keep_warm


@click.command()
@click.option("--once", is_flag=True, help="Stop when nothing is left to do.")
def worker(once: bool) -> None:
    """Read uploaded files and look for signals, until stopped with Ctrl-C or SIGTERM.

    A job under way is finished first; one that is cut off all the same is taken up again later.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    settings = load_settings()
    require_head(settings.database_url)
    if not once:
        keep_warm()
    ended = run_worker(settings, once=once, stop=stop)
    click.echo(f"{ended} job{'' if ended == 1 else 's'} ended.")
