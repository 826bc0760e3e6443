"""`xbt identify FILE`: what is in an instrument file, without a database."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from rich.table import Table

    from library.answer import Component, Identification

PICTURES = ("svg", "png", "pdf")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--library", "libraries", multiple=True, metavar="NAME|FILE",
    help="Search this library: the name of an installed one or an MSP file. May be given more than once.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON (see docs/identify.md).")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw it: OUT.svg, OUT.png or OUT.pdf.")
@click.option(
    "--ladder", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Retention ladder of the GC method (`xbt ladder`): candidates are ranked by their index too.",
)  # fmt: skip
@click.option("--top", default=3, show_default=True, type=click.IntRange(1, 5), help="Candidates to print.")
def identify(
    file: Path,
    libraries: tuple[str, ...],
    as_json: bool,
    plot: Path | None,
    ladder: Path | None,
    top: int,
) -> None:
    """Name what an instrument FILE contains: components, candidates, and what stays unexplained."""
    if plot and plot.suffix.lower().lstrip(".") not in PICTURES:
        raise click.UsageError(f"--plot {plot.name}: the name must end in .svg, .png or .pdf")
    if not file.exists():
        raise click.ClickException(
            f"{file}: no such file. Check the name, or drag the file into the terminal."
        )
    answer = _answer(file, libraries, ladder)
    if as_json:
        import msgspec

        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    else:
        _print(answer, top)
    if plot:
        from library.figures import sheet

        plot.write_bytes(sheet(answer, plot.suffix.lower().lstrip(".")))
        click.echo(f"Drawn: {plot}", err=True)


def _answer(file: Path, libraries: tuple[str, ...], ladder: Path | None) -> Identification:
    from library.answer import Source
    from library.identify import identify as name_components
    from library.release import LibraryError
    from library.shelf import open_wanted
    from spectra.chromatography.retention import ladder_from_json
    from spectra.errors import InvalidMeasurement, UnreadableFile
    from xbt.config import load_settings
    from xbt.sandbox import read_run

    settings = load_settings()
    try:
        known = ladder_from_json(ladder.read_text(encoding="utf-8")) if ladder else None
    except (InvalidMeasurement, UnicodeDecodeError) as error:
        why = error if isinstance(error, InvalidMeasurement) else "no plain text"
        raise click.ClickException(f"--ladder {ladder}: {why}. Make one with `xbt ladder`.") from None
    try:
        releases = open_wanted(libraries, settings.libraries_dir, cache_folder())
        run = read_run(file, name=file.name, settings=settings)
        source = Source(
            name=file.name,
            sha256=_sha256(file),
            format=run.metadata.format,
            reader=run.metadata.reader,
            technique=run.metadata.technique.value,
            instrument=run.metadata.instrument,
            acquired_at=run.metadata.acquired_at,
            sample_name=run.metadata.sample_name,
            simulated=run.metadata.simulated,
        )
        return name_components(run, releases, source=source, ladder=known)
    except (UnreadableFile, LibraryError) as error:
        raise click.ClickException(str(error)) from None
    except InvalidMeasurement as error:
        raise click.ClickException(
            f"{file.name}: {error}. Check that the acquisition ran to its end."
        ) from None


def cache_folder() -> Path:
    """Where releases made from files are kept."""
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(home or Path.home() / ".cache") / "xbt" / "libraries"
    except RuntimeError:
        raise click.ClickException(
            "there is no home folder to keep libraries in; set XDG_CACHE_HOME"
        ) from None


def _sha256(path: Path) -> str:
    """Of a file; of an acquisition folder, of its files in order of name."""
    parts = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes())
    return digest.hexdigest()


def _print(answer: Identification, top: int) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    file = answer.file
    told = [part for part in (file.format, file.instrument, file.sample_name, file.acquired_at) if part]
    console.print(f"[bold]{escape(file.name)}[/]  {escape(' · '.join(told))}")
    if file.simulated:
        console.print("[bold dark_orange]Simulated data: no instrument measured this.[/]")
    console.print(_table(answer, top))
    searched = ", ".join(f"{used.name} {used.version} ({used.spectra} spectra)" for used in answer.libraries)
    explained, unexplained = f"{answer.explained_share:.1%}", f"{answer.unexplained_share:.1%}"
    console.print(f"Explained {explained} of the signal, unexplained {unexplained}.")
    console.print(f"Searched: {escape(searched) or 'no library'}.")
    if answer.optical and answer.optical.hiding:
        hiding = ", ".join(f"{one.name} below {one.below:.0%}" for one in answer.optical.hiding)
        console.print(f"Could hide in this spectrum: {escape(hiding)}.")
    for warning in answer.warnings:
        console.print(f"Note: {escape(warning)}")


COLUMNS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("", "right"),
    ("min", "right"),
    ("share", "right"),
    ("it is", "left"),
    ("chance", "right"),
    ("candidate", "left"),
    ("formula", "left"),
    ("match", "right"),
    ("reverse", "right"),
    ("ions", "right"),
)
OF_WHOLE_IONS: tuple[tuple[str, Literal["left", "right"]], ...] = (
    ("m/z", "right"),
    ("adduct", "left"),
    ("ppm", "right"),
    ("by", "left"),
)


def _table(answer: Identification, top: int) -> Table:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    whole = any(component.precursor_mz for component in answer.components)
    for heading, justify in COLUMNS + (OF_WHOLE_IONS if whole else ()):
        table.add_column(heading, justify=justify)
    for component in answer.components:
        more = _whole_ion_rows(component, top) if whole else [[]] * top
        for row, ion in zip(_rows(component, top), more, strict=False):
            table.add_row(*row, *ion)
    return table


def _whole_ion_rows(component: Component, top: int) -> list[list[str]]:
    """What accurate masses tell: the ion, how far off it is, and what was compared."""
    by = {"msms": "product ions", "in_source": "fragments", "mass": "mass only"}
    mz = "" if component.precursor_mz is None else f"{component.precursor_mz:.4f}"
    return [
        [
            mz if rank == 0 else "",
            candidate.adduct,
            "" if candidate.precursor_error_ppm is None else f"{candidate.precursor_error_ppm:+.1f}",
            by["mass"] if candidate.mass_only else by.get(component.compared, ""),
        ]
        for rank, candidate in enumerate(component.candidates[:top])
    ] or [[mz, "", "", ""]]


def _rows(component: Component, top: int) -> list[list[str]]:
    """One row per candidate, the component named in the first; one row without candidates."""
    from rich.markup import escape

    from library.figures import label

    when = "" if component.rt_min is None else f"{component.rt_min:.3f}"
    name = f"[bold]{escape(label(component))}[/]"
    heads = [[str(component.number), when, _share(component), name, _chance(component)]]
    tails = [
        [
            escape(candidate.name),
            candidate.formula,
            f"{candidate.match_factor:.0f}",
            f"{candidate.reverse_match_factor:.0f}",
            str(candidate.matched_ions),
        ]
        for candidate in component.candidates[:top]
    ] or [[""] * 5]
    heads += [[""] * 5] * (len(tails) - 1)
    return [head + tail for head, tail in zip(heads, tails, strict=True)]


def _share(component: Component) -> str:
    """With its interval where there is one."""
    if component.share_low is None or component.share_high is None:
        return f"{component.area_share:.2%}"
    return f"{component.area_share:.1%} ({100 * component.share_low:.0f}–{100 * component.share_high:.0f})"


def _chance(component: Component) -> str:
    """That the substance is among those named; of a family, that it is in no library; "" for the rest."""
    from library.answer import Decision

    sure = component.confidence
    if sure is None or component.decision is Decision.UNKNOWN:
        return ""
    if component.decision is Decision.FAMILY:
        return f"{sure.absent:.0%} new"
    return f"{sure.group:.0%}"
