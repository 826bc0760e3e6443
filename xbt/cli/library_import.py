"""`xbt library import`: files of reference spectra become a release.

Promises: it says of every record what became of it; nothing is overwritten; the release is signed with the
key of this installation, which the first import makes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xbt.cli.library_folder import folder_of, libraries_dir_option, sentences

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from library.record import AnyRecord
    from library.release import BuildReport
    from xbt.config import Settings

_STAGES = {"merge": "Looking for duplicates", "write": "Writing", "index": "Making the index"}
_SHOWN = 5


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Name of the library; a new import makes its next release.")
@click.option("--source", default="", help="Where the spectra come from, as reports should cite it.")
@click.option("--licence", default="", help="On what terms they may be used.")
@click.option("--report", type=click.Path(path_type=Path), help="Write a CSV row for each record.")
@libraries_dir_option
def import_(
    files: tuple[Path, ...],
    name: str,
    source: str,
    licence: str,
    report: Path | None,
    libraries_dir: Path | None,
) -> None:
    """Make an immutable release from FILES, or from all files of a folder.

    Mass spectra as MSP, MSL, ELU, MGF, JCAMP-DX, mzSpecLib, or JSON of MoNA; infrared and Raman spectra as
    JCAMP-DX or instrument files.
    """
    from rich.console import Console
    from rich.progress import Progress

    from library.release import build_release
    from xbt.config import load_settings

    paths = _paths(files)
    with sentences(), Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Reading", total=sum(_lines(path) for path in paths))
        done = build_release(
            _read(paths, progress, task),
            folder_of(libraries_dir),
            name=name,
            source=source or ", ".join(file.name for file in files),
            licence=licence or "not stated",
            report=report,
            progress=lambda stage, _: progress.update(task, description=_STAGES.get(stage, "Reading")),
            key=_key(load_settings()),
        )
    _say_built(done, report)


def _paths(files: Sequence[Path]) -> list[Path]:
    from library.formats import library_files

    found: list[Path] = []
    for file in files:
        if not file.exists():
            raise click.ClickException(f"{file}: no such file. Check the name and the folder.")
        found += library_files(file) if file.is_dir() else [file]
    if not found:
        raise click.ClickException("the folder holds no file. Name a library file or another folder.")
    return found


def _key(settings: Settings) -> bytes | None:
    """The key of this installation, made when it is first needed."""
    from library.signing import make_key, read_key

    settings.library_key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_key(settings.library_key_file)
    return read_key(settings.library_key_file)


def _lines(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))


def _read(paths: Sequence[Path], progress: Progress, task: TaskID) -> Iterator[AnyRecord]:
    """The records, with a bar that follows their lines."""
    from library.formats import read_libraries, read_library

    before, file = 0, ""
    sizes = {path.name: _lines(path) for path in paths} if len(paths) > 1 else {}
    for record in read_library(paths[0]) if len(paths) == 1 else read_libraries(paths):
        if record.file != file:
            before, file = before + sizes.get(file, 0), record.file
        progress.update(task, completed=before + record.line)
        yield record


def _say_built(done: BuildReport, report: Path | None) -> None:
    state = "is already there, unchanged" if done.existed else "made"
    click.echo(
        f"Library {done.name}, release {done.number} {state}: {done.kept} spectra of {done.read} records."
    )
    for skipped in done.skipped[:_SHOWN]:
        click.echo(f"  line {skipped.line}: {skipped.name or 'no name'}: left out, {skipped.text}")
    for code, count in sorted(done.counts.items()):
        some = next((notice for notice in (*done.warnings, *done.duplicates) if notice.code == code), None)
        example = f", e.g. line {some.line}: {some.name}: {some.text}" if some else ""
        click.echo(f"{count} × {code}{example}")
    if report:
        click.echo(f"Every record: {report}")
    elif done.counts:
        click.echo("--report OUT.csv lists every record.")
