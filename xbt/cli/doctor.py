"""``xbt doctor``: is everything in place, and what to do where it is not. Works before ``xbt init`` too."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

import xbt
from library.release import LibraryError, installed_names, newest_release, verify
from xbt.config import Settings, load_settings
from xbt.db import head_revision, require_head, revision_at
from xbt.db.session import make_engine, session_factory
from xbt.domain.errors import NotInitialised
from xbt.sandbox import sandbox_status
from xbt.security.audit import broken_link
from xbt.security.audit import head as chain_head
from xbt.services.acquisitions import disk_space

PACKAGES = ("xbt", "spectra", "library", "web", "alerts")
DISTRIBUTION = "xbt-drugchecking"
_SILENT_SECONDS = 30.0


class Health(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing looked at."""

    health: Health
    name: str
    found: str
    remedy: str = ""


@click.command()
def doctor() -> None:
    """Check names, secrets, database, trail, libraries, worker, disk, sandbox. Exit status 1 if one fails."""
    lines = list(examine(load_settings()))
    for line in lines:
        remedy = f" → {line.remedy}" if line.remedy else ""
        click.secho(f"{line.health.value:<5}", fg=_COLOUR[line.health], nl=False)
        click.echo(f"{line.name:<10}{line.found}{remedy}")
    if any(line.health is Health.FAIL for line in lines):
        raise SystemExit(1)


def examine(settings: Settings) -> Iterator[Line]:
    """Every check, in the order in which a new installation meets them."""
    for check in CHECKS:
        yield from check(settings)


def names(_: Settings) -> Iterator[Line]:
    """The five package names are common words: another distribution may have taken one."""
    ours, owners = Path(xbt.__file__).resolve().parent.parent, packages_distributions()
    for name in PACKAGES:
        spec = find_spec(name)
        place = Path(spec.origin).resolve().parent.parent if spec and spec.origin else None
        others = sorted(set(owners.get(name, [])) - {DISTRIBUTION})
        if place != ours or others:
            who = ", ".join(others) or str(place or "nothing")
            remedy = "install XBT into an environment of its own"
            yield Line(Health.FAIL, "names", f"'{name}' belongs to {who}", remedy)
            return
    yield Line(Health.OK, "names", "the five packages are ours")


def secrets(settings: Settings) -> Iterator[Line]:
    """All secrets exist and nobody else can read them."""
    files = (settings.secret_key_file, settings.pepper_file, settings.library_key_file)
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        yield Line(Health.FAIL, "secrets", f"missing: {', '.join(missing)}", "run: xbt init")
        return
    open_to_others = [p.name for p in files if p.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    if open_to_others:
        found = f"others can read {', '.join(open_to_others)}"
        yield Line(Health.WARN, "secrets", found, f"chmod 400 {files[0].parent}/*")
    else:
        yield Line(Health.OK, "secrets", "present, readable by their owner only")


def database(settings: Settings) -> Iterator[Line]:
    """The database answers and is at the revision of this program."""
    try:
        revision = revision_at(settings.database_url)
    except SQLAlchemyError as error:
        found = f"cannot be opened ({type(error).__name__})"
        yield Line(Health.FAIL, "database", found, "check XBT_DATABASE_URL")
        return
    if revision == head_revision():
        yield Line(Health.OK, "database", f"revision {revision}")
    else:
        found = f"revision {revision}, this program needs {head_revision()}" if revision else "not there"
        yield Line(Health.FAIL, "database", found, f"run: xbt {'upgrade' if revision else 'init'}")


def trail(settings: Settings) -> Iterator[Line]:
    """Every entry of the audit trail fits the one before. Says nothing where there is no database."""
    try:
        require_head(settings.database_url)
    except (NotInitialised, SQLAlchemyError):
        return
    engine = make_engine(settings.database_url)
    with session_factory(engine, read_only=True)() as session:
        broken, head = broken_link(session), chain_head(session)
    engine.dispose()
    if broken is None:
        yield Line(Health.OK, "trail", f"unbroken, ends in {head[:12]}")
    else:
        remedy = "keep a copy of the data folder as it is, and compare with the last backup"
        yield Line(Health.FAIL, "trail", f"entry {broken} was tampered with", remedy)


def libraries(settings: Settings) -> Iterator[Line]:
    """The newest release of every library opens and is what its manifest says."""
    known = installed_names(settings.libraries_dir)
    if not known:
        yield Line(Health.FAIL, "library", "none installed", "run: xbt init")
    for name in known:
        try:
            yield _library(settings, name)
        except LibraryError as error:
            yield Line(Health.FAIL, "library", str(error))


def worker(settings: Settings) -> Iterator[Line]:
    """A worker gave a sign of life within the last half minute."""
    try:
        age = time.time() - settings.heartbeat_file.stat().st_mtime
    except FileNotFoundError:
        yield Line(Health.WARN, "worker", "none was ever started here", "run: xbt serve (or xbt worker)")
        return
    if age > _SILENT_SECONDS:
        yield Line(Health.WARN, "worker", f"silent for {age:.0f} s", "run: xbt serve (or xbt worker)")
    else:
        yield Line(Health.OK, "worker", f"sign of life {age:.0f} s ago")


def disk(settings: Settings) -> Iterator[Line]:
    """There is room for files."""
    free, needed = disk_space(settings)
    found = f"{free / 2**30:.1f} GB free"
    if free < needed:
        remedy = f"make room: below {needed / 2**30:.1f} GB no file is taken"
        yield Line(Health.FAIL, "disk", found, remedy)
    else:
        yield Line(Health.OK, "disk", found)


def sandbox(_: Settings) -> Iterator[Line]:
    """Instrument files can be read without a network."""
    status = sandbox_status()
    health = Health.OK if status.network_cut else Health.WARN
    yield Line(
        health,
        "sandbox",
        "cut off from the network" if status.network_cut else "has a network",
        status.advice,
    )


CHECKS: tuple[Callable[[Settings], Iterator[Line]], ...] = (
    names,
    secrets,
    database,
    trail,
    libraries,
    worker,
    disk,
    sandbox,
)
_COLOUR = {Health.OK: "green", Health.WARN: "yellow", Health.FAIL: "red"}


def _library(settings: Settings, name: str) -> Line:
    release = newest_release(settings.libraries_dir, name)
    wrong = verify(release)
    found = f"{name} {release.manifest.number}, {release.manifest.spectra} spectra"
    if wrong:
        remedy = f"import it again: xbt library import --name {name}"
        return Line(Health.FAIL, "library", f"{found}: {', '.join(wrong)} changed since it was built", remedy)
    return Line(Health.OK, "library", found)
