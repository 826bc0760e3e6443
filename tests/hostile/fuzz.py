"""``make fuzz``: thousands of changed real files through every reader, in the sandbox.

Every outcome must be a run or one of our errors, and no reader may let another exception out. A library that
dies or hangs is contained by the sandbox; it is printed, with what is needed to see it again.
Settings from the environment: XBT_FUZZ_SEED (default 1), XBT_FUZZ_COUNT (10,000), XBT_FUZZ_ONLY (the number
of one mutation: it is written to the current folder and read alone), XBT_EVALUATION_DATA (the real files).
The same seed gives the same files, whatever machine and however many of them.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from spectra.errors import Fault, UnreadableFile  # noqa: E402
from tests.hostile.mutate import mutate  # noqa: E402
from xbt.sandbox.door import read_limited  # noqa: E402
from xbt.sandbox.launch import Limits  # noqa: E402
from xbt.sandbox.pool import START, Pool  # noqa: E402

DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data")) / "raw"
MAX_FILE = 600_000  # larger ones say nothing more and cost time
BATCH = 40
SECONDS = 10.0
LIMITS = Limits(memory_bytes=1 << 30, seconds=BATCH * SECONDS)
ALONE = Limits(memory_bytes=1 << 30, seconds=2 * SECONDS)
CONTAINED = frozenset({Fault.CRASHED, Fault.TIMED_OUT, Fault.OUT_OF_MEMORY})
ESCAPED = "a reader without "  # what the sandbox says of an exception that is not ours
# The warm process reads whole folders of files: a line when one begins, a line when it ended.
READ_BATCH = """
import io, signal
from pathlib import Path
from spectra.errors import UnreadableFile
from xbt.sandbox import child, nursery, transfer
def batch(request, answer):
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for path in sorted(Path(request.path).iterdir()):
        answer.write(f"{path.name} begun \\n".encode()); answer.flush()
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        told = io.BytesIO()
        child.reply(path, path.name, told)
        try:
            transfer.read_run(told); outcome = "run"
        except UnreadableFile as error:
            outcome = f"{error.fault.value} {error.expected}".replace("\\n", " ")
        answer.write(f"{path.name} {outcome}\\n".encode()); answer.flush()
nursery.serve(int(sys.argv[2]), batch)
""".replace("SECONDS", str(SECONDS))


@dataclass(frozen=True, slots=True)
class Original:
    """A real file, or one of the files of a real folder, and what lies beside it."""

    family: str
    path: Path
    folder: Path | None = None  # the acquisition folder it belongs to


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mutation."""

    number: int
    family: str
    file: str
    outcome: str  # "run", or a fault and what was expected

    @property
    def contained(self) -> bool:
        """Whether the reader died, hung or took too much."""
        return self.outcome.split()[0] in CONTAINED

    @property
    def bad(self) -> bool:
        """Whether the reader let an exception out, or the answer was none."""
        return ESCAPED in self.outcome or "an answer of the reading process" in self.outcome


def originals() -> dict[str, list[Original]]:
    """Real files by family (the folders of the data), small ones only where there are such."""
    found: dict[str, list[Original]] = {}
    for family in sorted(folder for folder in DATA.iterdir() if folder.is_dir()):
        files = [one for one in sorted(family.rglob("*")) if one.is_file() and one.stat().st_size]
        small = [one for one in files if one.stat().st_size <= MAX_FILE] or sorted(files, key=_size)[:1]
        made = [Original(family.name, one, _folder_of(one, family)) for one in small]
        found[family.name] = [one for one in made if one.folder is None or _total(one.folder) <= 8 * MAX_FILE]
    return {family: files for family, files in found.items() if files}


def _size(path: Path) -> int:
    return path.stat().st_size


def _total(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def _folder_of(file: Path, family: Path) -> Path | None:
    """The acquisition folder around a file, if it is in one."""
    above = [one for one in file.parents if family in one.parents and one.suffix.lower() in (".d", ".raw")]
    return above[-1] if above else None


def write_mutation(seed: int, number: int, files: dict[str, list[Original]], place: Path) -> Original:
    """Make mutation ``number`` at ``place``; the families take turns."""
    rng = random.Random(f"{seed}:{number}")
    family = sorted(files)[number % len(files)]
    original = rng.choice(files[family])
    others = [rng.choice(files[family]).path.read_bytes() for _ in range(2)]
    made = mutate(rng, original.path.read_bytes(), others)
    if original.folder is None or rng.random() < 0.3:
        place.write_bytes(made)
        return original
    for one in original.folder.rglob("*"):
        if one.is_file():
            target = place / one.relative_to(original.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(made if one == original.path else one.read_bytes())
    return original


def run_batch(
    seed: int, numbers: Sequence[int], files: dict[str, list[Original]], pool: Pool
) -> list[Outcome]:
    """Write and read some mutations; those during which the child died are read again alone."""
    with tempfile.TemporaryDirectory(prefix="xbt-fuzz-") as folder:
        made = {
            f"{number:08d}": write_mutation(seed, number, files, Path(folder) / f"{number:08d}")
            for number in numbers
        }
        told: dict[str, str] = {}
        while len(told) < len(made):
            _read(Path(folder), pool, told)
        return [
            Outcome(int(name), made[name].family, str(made[name].path.relative_to(DATA)), outcome)
            for name, outcome in told.items()
        ]


def _read(folder: Path, pool: Pool, told: dict[str, str]) -> None:
    """Read the folder until its end or until a child dies; what was read is taken away."""
    with pool.ask("read", folder, "batch", LIMITS) as (ended, _):
        lines = ended.output.read().decode(errors="replace").splitlines()
    last = ""
    for name, _, outcome in (text.partition(" ") for text in lines):
        last = name
        if outcome != "begun ":
            told[name] = outcome
    if last not in told:
        last = last or min(one.name for one in folder.iterdir())
        told[last] = alone(folder / last)
    for name in told:
        _remove(folder / name)


def alone(path: Path) -> str:
    """Read one file through the whole door."""
    try:
        read_limited(path, "file", ALONE, max_bytes=1 << 29)
    except UnreadableFile as error:
        return f"{error.fault.value} {error.expected} (alone)"
    return "run (alone)"


def _remove(path: Path) -> None:
    for one in sorted(path.rglob("*"), reverse=True) if path.is_dir() else ():
        one.rmdir() if one.is_dir() else one.unlink()
    with contextlib.suppress(FileNotFoundError):
        path.rmdir() if path.is_dir() else path.unlink()


def batches(count: int) -> Iterator[range]:
    for start in range(0, count, BATCH):
        yield range(start, min(count, start + BATCH))


def fuzz(seed: int, count: int) -> list[Outcome]:
    """All outcomes, in the order they came; those that must not be are printed at once."""
    files = originals()
    start = START.replace("from xbt.sandbox.nursery", READ_BATCH + "\nfrom xbt.sandbox.nursery")
    pool = Pool(start)
    pool.keep_warm()
    done: list[Outcome] = []
    began = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count() or 2) as threads, contextlib.closing(pool):
        for outcomes in threads.map(lambda numbers: run_batch(seed, numbers, files, pool), batches(count)):
            done += outcomes
            for one in outcomes:
                if one.bad or one.contained:
                    what = "ESCAPED" if one.bad else "contained"
                    print(f"{what}: mutation {one.number} of {one.file}: {one.outcome}", flush=True)
            if len(done) // 1000 > (len(done) - len(outcomes)) // 1000:
                print(f"{len(done)} mutations, {time.monotonic() - began:.0f} s", flush=True)
    return done


def table(done: Sequence[Outcome]) -> str:
    """Outcomes by family."""
    kinds = ["run", *sorted({one.outcome.split()[0] for one in done} - {"run"})]
    counts = Counter((one.family, one.outcome.split()[0]) for one in done)
    rows = [
        [family, *(str(counts[family, kind]) for kind in kinds)]
        for family in sorted({one.family for one in done})
    ]
    lines = [["family", *kinds], *rows]
    widths = [max(len(row[column]) for row in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in lines
    )


def main() -> int:
    seed, count = int(os.environ.get("XBT_FUZZ_SEED", "1")), int(os.environ.get("XBT_FUZZ_COUNT", "10000"))
    if not DATA.is_dir():
        print("no real files: set XBT_EVALUATION_DATA to the folder that holds raw/", file=sys.stderr)
        return 2
    only = os.environ.get("XBT_FUZZ_ONLY")
    if only is not None:
        place = Path(f"fuzz-{seed}-{only}")
        original = write_mutation(seed, int(only), originals(), place)
        print(f"{place}, from {original.path}: {alone(place)}")
        return 0
    done = fuzz(seed, count)
    print(table(done))
    guarded = Counter(one.outcome.rpartition("(")[2] for one in done if "reader understands (" in one.outcome)
    print("exceptions of libraries, turned into refusals:", dict(guarded.most_common(12)))
    bad = sum(one.bad for one in done)
    contained = sum(one.contained and not one.bad for one in done)
    print(f"seed {seed}: {len(done)} mutations, {bad} escaped, {contained} contained by the sandbox")
    return 1 if bad or len(done) != count else 0


if __name__ == "__main__":
    sys.exit(main())
