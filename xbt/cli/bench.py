"""`xbt bench`: measure this installation beside the peers of the ``bench`` extra, and print tables.

Promises: every part runs in a process of its own, so that none changes the memory or the threads of the
next; a part that fails does not stop the others. Refuses to run without the evaluation data: made-up
spectra would measure nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
# A checkout has them among the tests; a wheel carries them inside this package.
_BESIDE = ROOT / "tests" / "benchmarks"
SCRIPTS = _BESIDE if _BESIDE.is_dir() else ROOT / "xbt" / "benchmarks"

# What is measured -> the scripts that print it, in the order of docs/benchmarks.md.
SUBJECTS = {
    "identify": ("bench_identify",),
    "matching": (
        "bench_ei_search",
        "bench_ei_speed",
        "bench_msms_search",
        "bench_msms_accuracy",
        "bench_confidence",
        "bench_msms_confidence",
        "bench_optical_search",
        "bench_release",
    ),
    "deconvolution": ("bench_deconvolution",),
    "pipeline": ("bench_pipeline",),
    "mixtures": ("bench_gcms", "bench_infrared", "bench_lcms"),
    "reading": ("bench_formats",),
    "sandbox": ("bench_sandbox",),
}


@click.command()
@click.argument("subject", type=click.Choice(sorted(SUBJECTS)))
@click.argument("words", nargs=-1)
@click.option("--only", metavar="PART", help="One part of it, such as bench_ei_search.")
def bench(subject: str, words: tuple[str, ...], only: str | None) -> None:
    """Measure SUBJECT and print tables (Markdown). Takes minutes; keep the machine quiet.

    WORDS are for the script: what it can be asked for stands at its top, such as `xbt bench pipeline speed`.
    """
    scripts = _chosen(subject, only)
    data = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
    if not data.is_dir():
        raise click.ClickException(
            f"{data}: the evaluation data is not there. Set XBT_EVALUATION_DATA to its folder."
        )
    environment = {**os.environ, "XBT_EVALUATION_DATA": str(data)}
    failed = [script.stem for script in scripts if not _ran(script, words, environment)]
    if failed:
        raise click.ClickException(f"not measured: {', '.join(failed)} (the reason stands above)")


def _chosen(subject: str, only: str | None) -> list[Path]:
    parts = SUBJECTS[subject]
    if only and only not in parts:
        raise click.ClickException(f"{only}: no part of {subject}. Parts: {', '.join(parts)}")
    return [SCRIPTS / f"{part}.py" for part in ([only] if only else parts)]


def _ran(script: Path, words: tuple[str, ...], environment: dict[str, str]) -> bool:
    click.echo(f"\n## {script.stem}\n", err=True)
    command = [sys.executable, str(script), *words]
    return subprocess.run(command, env=environment, check=False).returncode == 0  # noqa: S603
