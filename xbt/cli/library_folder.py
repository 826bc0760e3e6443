"""What the commands of `xbt library` share: the folder of the libraries, and errors as one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

libraries_dir_option = click.option(
    "--libraries-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the installed libraries, instead of the one the settings name.",
)


def folder_of(libraries_dir: Path | None) -> Path:
    """The folder named on the command line, else that of the settings."""
    from xbt.config import load_settings

    return libraries_dir or load_settings().libraries_dir


@contextmanager
def sentences() -> Iterator[None]:
    """Errors of reading, of libraries and of keys as one sentence each."""
    from library.release import LibraryError
    from spectra.errors import UnreadableFile

    try:
        yield
    except (LibraryError, UnreadableFile) as error:
        raise click.ClickException(str(error)) from None
