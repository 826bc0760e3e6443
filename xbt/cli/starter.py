"""``xbt library starter-build``: make the shipped table of principal ions from a newer library."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("starter-build")
@click.option("--msp", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--source", required=True, help='How to cite the file, such as "SWGDRUG MS library 3.9".')
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("library/data"))
def starter_build(msp: Path, source: str, out: Path) -> None:
    """Take the principal ions of the known substances from an MSP file."""
    from library.starter import build_ions

    built = build_ions(msp, source, out)
    click.echo(f"{built.path}: principal ions of {built.substances} substances")
    click.echo(f"{len(built.without)} substances without a spectrum: {', '.join(built.without)}")
