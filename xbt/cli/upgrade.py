"""``xbt upgrade``: bring the database to this version of the program."""

from __future__ import annotations

import click

from xbt.config import load_settings
from xbt.db import current_revision, head_revision
from xbt.db import upgrade as upgrade_database
from xbt.db.session import make_engine


@click.command()
def upgrade() -> None:
    """Bring the database to this version of the program. Make a copy of the data folder before."""
    url = load_settings().database_url
    engine = make_engine(url)
    before = current_revision(engine)
    engine.dispose()
    upgrade_database(url)
    if before == head_revision():
        click.echo(f"The database is at revision {before} already.")
    else:
        click.echo(f"The database went from revision {before or 'none'} to {head_revision()}.")
