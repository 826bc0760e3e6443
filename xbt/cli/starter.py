"""``xbt library starter-build``: make the shipped tables of principal ions from newer libraries."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("starter-build")
@click.option(
    "--msp", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Spectra of 70 eV EI."
)
@click.option("--source", help='How to cite that file, such as "SWGDRUG MS library 3.9".')
@click.option(
    "--fragments",
    multiple=True,
    type=(click.Path(exists=True, dir_okay=False, path_type=Path), str, str),
    metavar="FILE SOURCE LICENCE",
    help='Product-ion or in-source spectra, how to cite them, and the terms of records that tell none ("").',
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("library/data"))
def starter_build(
    msp: Path | None, source: str | None, fragments: tuple[tuple[Path, str, str], ...], out: Path
) -> None:
    """Take the principal ions of the known substances from MSP files."""
    if not msp and not fragments:
        raise click.UsageError("name a file of spectra: --msp FILE --source NAME, or --fragments …")
    if msp and not source:
        raise click.UsageError("--source is missing: how to cite the file of --msp")
    if msp and source:
        _electron(msp, source, out)
    if fragments:
        _fragments(fragments, out)


def _electron(msp: Path, source: str, out: Path) -> None:
    from library.starter import build_ions

    built = build_ions(msp, source, out)
    click.echo(f"{built.path}: principal ions of {built.substances} substances")
    click.echo(f"{len(built.without)} substances without a spectrum: {', '.join(built.without)}")


def _fragments(files: tuple[tuple[Path, str, str], ...], out: Path) -> None:
    from library.starter_fragments import Source, build_fragments

    built = build_fragments([Source(*one) for one in files], out)
    kinds = ", ".join(f"{kind} of {count}" for kind, count in built.substances.items())
    click.echo(f"{built.path}: {built.rows} rows; substances: {kinds}")
    for reason, count in sorted(built.refused.items()):
        click.echo(f"{count} records refused: {reason}")
    for mistake in built.mistaken:
        click.echo(f"  {mistake}")
