"""``xbt init``: make this machine ready."""

from __future__ import annotations

import click

from xbt.config import load_settings
from xbt.services.setup import initialise


@click.command()
def init() -> None:
    """Make the data folder, its secrets, the database and the starter library.

    Running it again makes what is missing and changes nothing else.
    """
    settings = load_settings()
    installed = initialise(settings)
    click.echo(f"data folder   {installed.data_dir.absolute()}")
    click.echo(
        f"secrets       {'made' if installed.new_secrets else 'kept'}; keep a copy apart from the data"
    )
    click.echo("database      ready")
    state = "built" if installed.new_library else "kept"
    click.echo(f"library       {installed.library}, {installed.spectra} spectra, {state}")
    click.echo("next          xbt doctor")
