"""``xbt serve``: the pages and one worker, started and stopped together.

Promises that nothing is logged of who asked for what, that a worker that dies is started again, and that
stopping the command stops both. Refuses to listen beyond this machine unless told to.
"""

from __future__ import annotations

import logging
import signal
import threading
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any

import click

from xbt.config import Settings, load_settings
from xbt.db import require_head

_CONTEXT = get_context("spawn")
_STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Listening:
    """Where and how the pages are served."""

    host: str
    port: int
    workers: int
    threads: int


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 16),
    help="Server processes. Tries are counted per process, so limits grow with their number.",
)
@click.option("--threads", default=8, show_default=True, type=click.IntRange(1, 64), help="Per process.")
@click.option("--no-worker", is_flag=True, help="Serve pages only; run 'xbt worker' elsewhere.")
def serve(host: str, port: int, workers: int, threads: int, no_worker: bool) -> None:
    """Serve the pages, and work on uploaded files in a process beside them."""
    settings = load_settings()
    settings.secret_key()
    settings.pepper()
    require_head(settings.database_url)
    listening = Listening(host, port, workers, threads)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = run(settings, listening, with_worker=not no_worker)
    if code:
        raise click.ClickException("the pages could not be served; is the port already in use?")


def run(settings: Settings, listening: Listening, *, with_worker: bool = True) -> int:
    """Serve until interrupted (then 0) or until the server ends by itself (then its exit code)."""
    pages = worker = None
    try:  # whatever is started is stopped, also where the interruption comes while starting
        pages = _start(_serve_pages, settings, listening)
        worker = _start(_work, settings) if with_worker else None
        while pages.is_alive():
            wait([pages.sentinel, *([worker.sentinel] if worker else [])])
            if worker is not None and pages.is_alive() and not worker.is_alive():
                worker = _start(_work, settings)
        return pages.exitcode or 0
    except KeyboardInterrupt:
        return 0
    finally:
        for process in (pages, worker):
            if process is not None:
                _stop(process)


def _start(target: Any, *arguments: object) -> SpawnProcess:
    process = _CONTEXT.Process(target=target, args=arguments)
    process.start()
    return process


def _stop(process: SpawnProcess) -> None:
    process.terminate()
    process.join(_STOP_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()


def _serve_pages(settings: Settings, listening: Listening) -> None:
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

    from web.app import create_app

    class Pages(BaseApplication):
        def load_config(self) -> None:
            for name, value in _gunicorn_settings(listening).items():
                self.cfg.set(name, value)

        def load(self) -> object:
            return create_app(settings)

    Pages().run()


def _gunicorn_settings(listening: Listening) -> dict[str, object]:
    return {
        "bind": f"{listening.host}:{listening.port}",
        "workers": listening.workers,
        "threads": listening.threads,
        "worker_class": "gthread",
        "timeout": 120,
        "graceful_timeout": 5,
        "accesslog": None,  # it would hold addresses and user agents
        "loglevel": "warning",
        "proc_name": "xbt",
        "when_ready": lambda _server: click.echo(_address(listening)),
        "control_socket_disable": True,  # nothing steers the server from outside, nothing is written to HOME
    }


def _address(listening: Listening) -> str:
    address = f"http://{listening.host}:{listening.port}"
    return f"XBT listens on {address}/ (staff: {address}/staff/). Ctrl-C stops it."


def _work(settings: Settings) -> None:
    from xbt.jobs import run_worker
    from xbt.sandbox import keep_warm

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=_stop_with_parent, args=(stop,), daemon=True).start()
    keep_warm()
    run_worker(settings, stop=stop)


def _stop_with_parent(stop: threading.Event) -> None:
    """A worker whose server was killed does not stay behind."""
    parent = parent_process()
    if parent is not None:
        parent.join()
    stop.set()
