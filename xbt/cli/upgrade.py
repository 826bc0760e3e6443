"""``xbt upgrade``: bring the database to this version of the program."""

from __future__ import annotations

import click

from xbt.config import load_settings
from xbt.db import head_revision, revision_at
from xbt.db import upgrade as upgrade_database


@click.command()
def upgrade() -> None:
    """Bring the database to this version of the program. Make a copy of the data folder before."""
    url = load_settings().database_url
    before = revision_at(url)
    upgrade_database(url)
    if before == head_revision():
        click.echo(f"The database is at revision {before} already.")
    else:
        click.echo(f"The database went from revision {before or 'none'} to {head_revision()}.")
