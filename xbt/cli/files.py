"""`xbt files`: look into instrument files, convert them into open formats, list the formats that are read.

Promises: a file is read in the sandbox only; one that cannot be read is told and never stops the others; the
command ends with 1 if any was refused; nothing is overwritten unless --force is given.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from spectra.model import Run
    from xbt.cli.inspection import Inspection

PICTURES = ("svg", "png", "pdf")


@click.group()
def files() -> None:
    """Look into instrument files, convert them, list the formats that are read."""


@files.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (see docs/formats.md).")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the one file: OUT.svg, .png or .pdf.")
def inspect(paths: tuple[Path, ...], as_json: bool, plot: Path | None) -> None:
    """Show what is inside instrument files, acquisition folders, or everything below a folder."""
    from spectra.errors import UnreadableFile
    from xbt.cli.inspection import Report, inspection_of, missing, plain, refusal_of

    if plot and plot.suffix.lower().lstrip(".") not in PICTURES:
        raise click.UsageError(f"--plot {plot.name}: the name must end in .svg, .png or .pdf")
    wanted = list(_measurements(paths))
    if plot and len(wanted) != 1:
        raise click.UsageError(f"--plot draws one file; {len(wanted)} were given")
    report = Report([], [])
    for path, label in wanted:
        if not path.exists():
            report.refused.append(missing(label))
            click.echo(f"Refused: {report.refused[-1].message}", err=True)
            continue
        try:
            run = _read(path, label)
        except UnreadableFile as error:
            report.refused.append(refusal_of(error, label))
            click.echo(f"Refused: {plain(str(error))}", err=True)
            continue
        found = inspection_of(run, label)
        report.files.append(found)
        if not as_json:
            _show(run, found, alone=len(wanted) == 1)
        if plot:
            _draw(run, plot)
    if as_json:
        _print_json(report)
    _end(len(report.files), len(report.refused), quiet=as_json)


@files.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--to", "target", required=True, type=click.Choice(["mzml", "jcamp", "csv"]))
@click.option("--out", type=click.Path(path_type=Path), help="Write here, instead of beside the file.")
@click.option("--force", is_flag=True, help="Overwrite what is there.")
def convert(path: Path, target: str, out: Path | None, force: bool) -> None:
    """Write an instrument file in an open format, and say what that format cannot hold."""
    from spectra.errors import InvalidMeasurement, UnreadableFile
    from xbt.cli.conversion import convert_run
    from xbt.cli.inspection import missing, plain

    if not path.exists():
        raise click.ClickException(missing(str(path)).message)
    try:
        run = _read(path, path.name)
        done = convert_run(run, target, path, out, force=force)
    except (UnreadableFile, FileExistsError) as error:
        raise click.ClickException(plain(str(error))) from None
    except InvalidMeasurement as error:
        raise click.ClickException(f"{path.name}: {error}") from None
    for written in done.written:
        click.echo(f"Written: {written}")
    for lost in done.lost:
        click.echo(f"Not in it: {plain(lost)}", err=True)


@files.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", is_flag=True, help="Print the table of docs/formats.md.")
def formats(as_json: bool, markdown: bool) -> None:
    """List the formats that are read, by which reader, tested on how many real files."""
    from xbt.cli.formats import as_markdown, known_formats

    rows = known_formats()
    if as_json:
        _print_json(rows)
    elif markdown:
        click.echo(as_markdown(rows), nl=False)
    else:
        for row in rows:
            tried = f"{row.read} read, {row.refused} refused" if row.read or row.refused else "-"
            click.echo(f"{row.reader:>20}  {tried:>22}  {'; '.join(row.formats)}")


def _measurements(paths: tuple[Path, ...]) -> Iterator[tuple[Path, str]]:
    """Each measurement, and what to call it: its name, or its place below the folder that was given."""
    from spectra.folders import measurements

    for given in paths:
        for path in measurements(given):
            yield path, path.name if path == given else str(path.relative_to(given))


def _read(path: Path, label: str) -> Run:
    from xbt.config import load_settings
    from xbt.sandbox import read_run

    return read_run(path, name=label, settings=load_settings())


def _show(run: Run, found: Inspection, *, alone: bool) -> None:
    from xbt.cli.inspection import in_short, lines, picture, plain

    simulated = "  (simulated: no instrument measured this)" if found.simulated else ""
    name = plain(found.path)
    if not alone:
        notes = f"  [{len(found.warnings)} notes]" if found.warnings else ""
        click.echo(f"{name}{simulated}  {found.format}: {in_short(found)}{notes}")
        return
    click.secho(f"{name}{simulated}", bold=True)
    for line in lines(found):
        click.echo(line)
    for row in picture(run):
        click.echo(f"{'':24}  {row}")


def _draw(run: Run, plot: Path) -> None:
    from spectra.figures import run_sheet

    plot.write_bytes(run_sheet(run, plot.suffix.lower().lstrip(".")))
    click.echo(f"Drawn: {plot}", err=True)


def _print_json(value: object) -> None:
    import msgspec

    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")


def _end(read: int, refused: int, *, quiet: bool) -> None:
    if read + refused > 1 and not quiet:
        click.echo(f"{read} read, {refused} refused.")
    if refused:
        raise SystemExit(1)
