"""`xbt library`: import, list, show and search libraries of reference spectra."""

from __future__ import annotations

import click

from xbt.cli.library_import import import_
from xbt.cli.library_search import search_
from xbt.cli.library_show import list_, show
from xbt.cli.starter import starter_build


@click.group()
def library() -> None:
    """Import, list, show and search libraries of reference spectra."""


for _command in (import_, list_, show, search_, starter_build):
    library.add_command(_command)
