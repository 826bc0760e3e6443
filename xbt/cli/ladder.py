"""`xbt ladder`: the retention ladder in a run of its standard, as JSON to keep with the GC method."""

from __future__ import annotations

from pathlib import Path

import click

SERIES = ("fame", "alkane")


@click.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--series", type=click.Choice(SERIES), default="alkane", show_default=True, help="What was run."
)
@click.option("--method", default="", help="Name of the GC method the ladder belongs to.")
@click.option(
    "--keep", is_flag=True, help="Keep it: uploaded runs of the same method get their indices by it."
)
def ladder(file: Path, series: str, method: str, keep: bool) -> None:
    """Find the retention ladder in FILE, a run of alkanes or fatty-acid methyl esters; prints JSON."""
    import numpy as np

    from spectra.chromatography.deconvolution import deconvolve
    from spectra.chromatography.retention import find_ladder, ladder_to_json, left_out
    from spectra.errors import InvalidMeasurement, UnreadableFile
    from xbt.config import load_settings
    from xbt.sandbox import read_run
    from xbt.services import ladders

    settings = load_settings()
    try:
        run = read_run(file, name=file.name, settings=settings)
        told = method or run.metadata.details.get("method", "")
        found = find_ladder(deconvolve(run.scans.level(1)).components, series, method=told)
        click.echo(ladder_to_json(found))
        error = (
            np.abs(left_out(found) / np.array(found.index[1:-1])) if len(found.index) > 3 else np.array([])
        )
    except UnreadableFile as fault:  # names the file itself
        raise click.ClickException(str(fault)) from None
    except InvalidMeasurement as fault:
        raise click.ClickException(f"{file.name}: {fault}") from None
    members = ", ".join(f"C{index / 100:.0f}" for index in found.index)
    check = f"; leaving each out errs by {error.max():.2%} at most" if len(error) else ""
    click.echo(f"{len(found.index)} members: {members}{check}.", err=True)
    if keep and not found.method:
        raise click.UsageError(
            "--keep needs the name of the method, which the file does not tell: --method NAME"
        )
    if keep:
        click.echo(f"Kept for {found.method}: {ladders.keep(settings.ladders_dir, found)}", err=True)
