"""``xbt upgrade``: bring the database and the starter library to this version of the program."""

from __future__ import annotations

import click

from library.release import unreadable
from xbt.config import load_settings
from xbt.db import head_revision, revision_at
from xbt.db import upgrade as upgrade_database
from xbt.services.setup import install_starter


@click.command()
def upgrade() -> None:
    """Bring the database and the starter library to this version. Make a copy of the data folder before."""
    settings = load_settings()
    url = settings.database_url
    before = revision_at(url)
    upgrade_database(url)
    if before == head_revision():
        click.echo(f"The database is at revision {before} already.")
    else:
        click.echo(f"The database went from revision {before or 'none'} to {head_revision()}.")
    starter = install_starter(settings)
    state = (
        "is there already"
        if starter.existed
        else "was made; earlier ones stay for the analyses that name them"
    )
    click.echo(f"Release {starter.number} of the starter library {state}.")
    for fault in unreadable(settings.libraries_dir):
        click.echo(str(fault), err=True)
