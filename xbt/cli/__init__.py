"""The one command, ``xbt``.

Promises that each subcommand loads only its own module, that one which cannot be loaded does not stop the
others, and that a person's mistake gives one clear sentence and never a traceback.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import click

from xbt.domain.errors import Refused

GROUP = "xbt.commands"

# Subcommands of this package; those of upper packages come through the entry points of GROUP.
COMMANDS = {
    "bench": "xbt.cli.bench:bench",
    "doctor": "xbt.cli.doctor:doctor",
    "files": "xbt.cli.files:files",
    "identify": "xbt.cli.identify:identify",
    "init": "xbt.cli.init:init",
    "ladder": "xbt.cli.ladder:ladder",
    "library": "xbt.cli.library:library",
    "quantify": "xbt.cli.quantify:quantify",
    "reading": "xbt.cli.reading:reading",
    "upgrade": "xbt.cli.upgrade:upgrade",
    "worker": "xbt.cli.worker:worker",
}


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted({*COMMANDS, *(entry.name for entry in entry_points(group=GROUP))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        try:
            return _load(cmd_name)
        except ImportError as error:
            return _unavailable(cmd_name, error)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refused as error:
            raise click.ClickException(str(error)) from None
        except Exception as error:
            sentence = _sentence(error)
            if sentence is None:
                raise
            raise click.ClickException(sentence) from None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="xbt-drugchecking")
def main() -> None:
    """XBT, the laboratory information system of drug-checking networks."""


def _load(name: str) -> click.Command:
    if name in COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command
    loaded: click.Command = next(iter(entry_points(group=GROUP, name=name))).load()
    return loaded


def _unavailable(name: str, error: ImportError) -> click.Command:
    def say_why(**_: object) -> None:
        raise click.ClickException(
            f"'{name}' cannot be loaded ({error}); install the application again and run: xbt doctor"
        )

    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(name, callback=say_why, short_help="(cannot be loaded)", context_settings=settings)


def _sentence(error: Exception) -> str | None:
    """A sentence for errors that mean the surroundings are wrong, None for errors of the program."""
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    if "sqlalchemy.exc.OperationalError" in kinds or "sqlalchemy.exc.ArgumentError" in kinds:
        return "the database cannot be used as it is; run: xbt doctor (and xbt init on a new machine)"
    if "pydantic_core._pydantic_core.ValidationError" in kinds:
        return f"a setting is wrong: {_wrong_settings(error)}"
    if isinstance(error, PermissionError):
        return f"{error.filename}: no permission; run as the user that owns the data folder"
    return None


def _wrong_settings(error: Any) -> str:
    details = error.errors(include_url=False, include_context=False)
    return "; ".join(f"XBT_{'_'.join(str(p) for p in one['loc']).upper()}: {one['msg']}" for one in details)
