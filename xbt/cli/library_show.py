"""`xbt library list` and `show`: which libraries there are, what they cover, and whether they are sound."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from xbt.cli.library_folder import folder_of, libraries_dir_option, sentences

if TYPE_CHECKING:
    from library.release import Manifest, Release

_KEY_SHOWN = 16


@click.command("list")
@libraries_dir_option
def list_(libraries_dir: Path | None) -> None:
    """List the installed libraries and their releases."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from library.release import releases, unreadable

    folder = folder_of(libraries_dir)
    found, faults = releases(folder), unreadable(folder)
    if not found and not faults:
        click.echo(f"No library in {folder}. Import one: xbt library import FILE.msp --name NAME")
        return
    table = Table("name", "release", "spectra", "kinds", "compounds", "made", "source", "licence", box=None)
    for one in found:
        kinds = ", ".join(f"{count} {kind}" for kind, count in one.kinds.items())
        cells = (one.number, one.spectra, kinds, one.compounds, one.created, one.source, one.licence)
        table.add_row(one.name, *(escape(str(cell)) for cell in cells))
    Console(width=None if sys.stdout.isatty() else 240, highlight=False).print(table)
    for fault in faults:
        click.echo(str(fault), err=True)


@click.command("show")
@click.argument("name")
@libraries_dir_option
def show(name: str, libraries_dir: Path | None) -> None:
    """Show the newest release of library NAME, and check that its files are what was written."""
    from library.release import newest_release, verify

    with sentences():
        release = newest_release(folder_of(libraries_dir), name)
    wrong = verify(release)
    for label, value in (
        *_described(release),
        ("files", _files(wrong)),
        ("signature", _signed(release.manifest)),
    ):
        click.echo(f"{label:>20}  {value}")
    if wrong:
        raise click.ClickException(f"library {name!r} is damaged: delete this release and import it again")


def _files(wrong: tuple[str, ...]) -> str:
    return f"changed: {', '.join(wrong)}" if wrong else "as written"


def _described(release: Release) -> Iterator[tuple[str, object]]:
    manifest = release.manifest
    yield "name", manifest.name
    yield "release", manifest.number
    yield "made", manifest.created
    yield "source", manifest.source
    yield "licence", manifest.licence
    yield "spectra", manifest.spectra
    yield "compounds", manifest.compounds
    yield from _coverage(release)
    yield "forms", _forms(release)
    yield "principal ions only", int(release.partial.sum())
    yield "doubts", _doubts(release)
    yield "software", manifest.software
    yield "digest", manifest.digest


def _coverage(release: Release) -> Iterator[tuple[str, str]]:
    """What each kind covers, of the compounds it holds and of the substances a service must know."""
    from library.prepare import connectivity, key_of
    from library.substances import load_substances

    substances = load_substances()
    wanted = np.array([key_of(connectivity(one.inchikey)) for one in substances if one.inchikey], np.uint64)
    for kind in release.kinds:
        held = release.compound_key[release.rows(kind)]
        covered = f"{int(np.isin(wanted, held).sum())} of {len(substances)} substances to know"
        yield kind.value, f"{len(held)} spectra of {len(np.unique(held))} compounds; {covered}"


def _forms(release: Release) -> str:
    from library.build import FORMS

    counts = np.bincount(release.forms, minlength=len(FORMS)).tolist()
    return ", ".join(f"{count} {form}" for form, count in zip(FORMS, counts, strict=True) if count)


def _doubts(release: Release) -> str:
    from library.prepare import Doubt

    counts = {doubt: int(release.doubtful(doubt).sum()) for doubt in Doubt}
    return ", ".join(f"{count} {doubt}" for doubt, count in counts.items() if count) or "none"


def _signed(manifest: Manifest) -> str:
    from library.signing import Trust, pinned_keys, public_key, read_key, trust
    from xbt.config import load_settings

    settings = load_settings()
    try:
        own, pinned = read_key(settings.library_key_file), pinned_keys(settings.library_keys_file)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    key = manifest.signature.key
    found = trust(manifest.signature, manifest.message, public_key(own) if own else "", pinned)
    said = {
        Trust.OWN: "by this installation",
        Trust.PINNED: f"by {pinned.get(key, '')}",
        Trust.UNKNOWN_KEY: f"by a key that is not on the list {settings.library_keys_file.name}",
        Trust.WRONG: "WRONG: the manifest was changed after it was signed",
        Trust.NONE: "not signed",
    }
    return f"{said[found]}{f' (key {key[:_KEY_SHOWN]}…)' if key else ''}"
