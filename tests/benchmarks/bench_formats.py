"""Every real instrument file of the evaluation data: read or refused, and what reading costs.

Run: ``python tests/benchmarks/bench_formats.py [--write] [--counts] [FOLDER ...]`` (the evaluation data
beside the checkout, or ``XBT_EVALUATION_DATA``). Prints two Markdown tables, a row for each folder of
``raw``. The first counts files through the sandbox, as ``xbt files inspect`` reads them. The second compares
our bare reader, which picks the peaks of continuum scans too, with reading the bytes and with the library
that is kept for the format, where there is one (the extra ``bench`` installs those that XBT does not need to
run): sums over the files that both read, best of three, each way in a process of its own with its libraries
loaded; memory is the peak above what the process held.
``--write`` renews the figures that ``xbt files formats`` prints.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spectra.errors import UnreadableFile
from spectra.folders import measurements
from spectra.readers import HEAD_BYTES, READERS, read
from spectra.tested import Tried, write_tested
from xbt.config import load_settings
from xbt.sandbox import read_run

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
RAW = DATA / "raw"
WAYS = ("bytes", "bare", "ours")
REPEATS = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file through the sandbox."""

    path: Path
    reader: str
    refused: str  # "" if read


def files_of(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        yield from measurements(entry)


def outcome(path: Path) -> Outcome:
    try:
        run = read_run(path, name=path.name, settings=load_settings())
    except UnreadableFile as error:
        reason = error.fault.value.replace("_", " ")
        said = error.expected.rpartition("; ")[2][:70]  # after the semicolon stands what the file is
        return Outcome(path, recogniser(path), f"{reason} ({said})" if said else reason)
    return Outcome(path, recogniser(path) or run.metadata.reader, "")


def recogniser(path: Path) -> str:
    head = b"" if path.is_dir() else path.open("rb").read(HEAD_BYTES)
    reader = next((reader for reader in READERS if reader.recognises(head, path)), None)
    return reader.name if reader and reader.formats else ""


def all_bytes(path: Path) -> None:
    for part in path.rglob("*") if path.is_dir() else [path]:
        if part.is_file():
            part.read_bytes()


def bare_openms(path: Path) -> None:
    import pyopenms

    content = pyopenms.MSExperiment()
    pyopenms.FileHandler().loadExperiment(str(path), content)
    if not content.size() and not content.getChromatograms():
        raise ValueError("nothing inside")


def bare_netcdf(path: Path) -> None:
    from scipy.io import netcdf_file

    with netcdf_file(str(path), "r", mmap=False) as content:
        for variable in content.variables.values():
            variable.data.copy()


def bare_rainbow(path: Path) -> None:
    import rainbow
    from rainbow.agilent import chemstation

    if path.suffix.lower() in {".ch", ".uv"}:
        found = [chemstation.parse_file(str(path))]
    else:
        listed = any(one.name.lower() == "mspeak.bin" for one in path.rglob("*"))
        found = rainbow.read(str(path), hrms=True, centroid=listed).datafiles  # profiles where no peaks are
    if not sum(one.data.size for one in found if one):  # decoded when it is asked for
        raise ValueError("nothing inside")


def bare_openmassspec(path: Path) -> None:
    import openmassspec_io

    spectra = openmassspec_io.iter_spectra(str(path))
    if not [*spectra, *openmassspec_io.read_chromatograms(str(path))]:
        raise ValueError("nothing inside")


def bare_jcamp(path: Path) -> None:
    import jcamp

    found = jcamp.readfile(str(path))
    if not (len(found.get("x", ())) or found.get("children")):
        raise ValueError("nothing inside")


def bare_opus(path: Path) -> None:
    import brukeropus

    if not brukeropus.read_opus(str(path)).all_data_keys:
        raise ValueError("nothing inside")


def bare_spc(path: Path) -> None:
    from spc_io import SPC

    with path.open("rb") as stream:
        content = SPC.from_bytes_io(stream)
    for part in content:
        part.yarray  # noqa: B018


def bare_text(path: Path) -> None:
    """MGF by pyteomics, MSP by matchms."""
    if path.suffix.lower() == ".mgf":
        from pyteomics import mgf

        found = list(mgf.read(str(path), use_index=False))
    elif path.suffix.lower().startswith(".msp"):
        from matchms.importing import load_from_msp

        found = list(load_from_msp(str(path)))
    else:
        raise ValueError("no library kept")
    if not found:
        raise ValueError("nothing inside")


def bare_mzmlb(path: Path) -> None:
    import h5py

    with h5py.File(path) as content:
        for data in content.values():
            data[()]


BARE: dict[str, tuple[str, Callable[[Path], None]]] = {
    "agilent-ch": ("rainbow-api", bare_rainbow),
    "agilent-chemstation-D": ("rainbow-api", bare_rainbow),
    "agilent-masshunter-D": ("rainbow-api", bare_rainbow),
    "agilent-openlab-dx": ("rainbow-api", bare_rainbow),
    "andi-cdf": ("scipy", bare_netcdf),
    "bruker-opus": ("brukeropus", bare_opus),
    "galactic-spc": ("spc-io", bare_spc),
    "jcamp": ("jcamp", bare_jcamp),
    "lib-text": ("matchms, pyteomics", bare_text),
    "mgf": ("pyteomics", bare_text),
    "mzdata": ("pyopenms", bare_openms),
    "mzml": ("pyopenms", bare_openms),
    "mzmlb": ("h5py", bare_mzmlb),
    "mzxml": ("pyopenms", bare_openms),
    "shimadzu": ("openmassspec-io", bare_openmassspec),
    "thermo-raw": ("openmassspec-io", bare_openmassspec),
    "waters-raw": ("rainbow-api", bare_rainbow),
}


def child(way: str, folder: Path) -> None:
    """Read every file of ``folder`` one way; prints its seconds (None where it fails) and the peak memory."""
    if way == "bare" and folder.name not in BARE:
        print(json.dumps({"seconds": {}, "peak_mb": 0.0}), file=sys.__stdout__)
        return
    work = {"bytes": all_bytes, "ours": read, "bare": BARE.get(folder.name, ("", all_bytes))[1]}[way]
    files = list(files_of(folder))
    for path in files:  # libraries loaded, files in the cache of the system
        timed(work, path, 1)
    before = memory_reset()
    seconds = {str(path): timed(work, path, REPEATS) for path in files}
    print(json.dumps({"seconds": seconds, "peak_mb": memory("VmHWM") - before}), file=sys.__stdout__)


def timed(work: Callable[[Path], Any], path: Path, times: int) -> float | None:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        try:
            work(path)
        except BaseException as error:  # a native library may panic with what is no `Exception`
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            return None
        taken.append(time.perf_counter() - start)
    return min(taken)


def memory(what: str) -> float:
    """MB of this process, by Linux."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line for line in lines if line.startswith(what)).split()[1]) / 1024


def memory_reset() -> float:
    """Let the peak begin anew; MB held now."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def ask(way: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", __file__, "--child", way, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def count_row(folder: Path, found: list[Outcome]) -> str:
    reasons = Counter(one.refused for one in found if one.refused)
    why = "; ".join(f"{n} × {reason}" for reason, n in reasons.most_common())
    return f"| {folder.name} | {len(found) - reasons.total()} | {reasons.total()} | {why or '–'} |"


def cost_row(folder: Path) -> tuple[str, list[str]]:
    """The row, and the files that the library reads and our reader does not."""
    asked = {way: ask(way, folder) for way in WAYS}
    ours, bare = asked["ours"]["seconds"], asked["bare"]["seconds"]
    read_by_bare = [path for path, taken in bare.items() if taken is not None]
    both = [path for path in read_by_bare if ours[path] is not None]
    summed = both or [path for path, taken in ours.items() if taken is not None]
    ms = {way: 1000 * sum(asked[way]["seconds"].get(path) or 0.0 for path in summed) for way in WAYS}
    library = BARE[folder.name][0] if both else "–"
    compared = f"{ms['bare']:.1f} | {ms['ours'] / ms['bare']:.2f}" if both else "– | –"
    peak = f"{asked['bare']['peak_mb']:.1f}" if both else "–"
    row = (
        f"| {folder.name} | {len(summed)} | {ms['bytes']:.1f} | {ms['ours']:.1f} | {library} | {compared} | "
        f"{asked['bytes']['peak_mb']:.1f} | {asked['ours']['peak_mb']:.1f} | {peak} |"
    )
    return row, [path for path in read_by_bare if ours[path] is None]


def tested_rows(found: list[Outcome]) -> list[Tried]:
    read_ = Counter(one.reader for one in found if not one.refused)
    refused = Counter(one.reader for one in found if one.refused)
    return [Tried(name, read_[name], refused[name]) for name in sorted({*read_, *refused} - {""})]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", help="only these folders of raw")
    parser.add_argument("--write", action="store_true", help="renew the figures of xbt files formats")
    parser.add_argument("--counts", action="store_true", help="only the first table")
    parser.add_argument("--child", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(asked.child[0], Path(asked.child[1]))
        return
    folders = sorted(one for one in RAW.iterdir() if one.is_dir())
    folders = [one for one in folders if not asked.folders or one.name in asked.folders]
    found = {folder: [outcome(path) for path in files_of(folder)] for folder in folders}
    print("| folder | read | refused | why |\n|---|---:|---:|---|")
    for folder, outcomes in found.items():
        print(count_row(folder, outcomes), flush=True)
    everything = [one for outcomes in found.values() for one in outcomes]
    if asked.write and not asked.folders:
        write_tested(tested_rows(everything))
    if not asked.counts:
        print_costs(folders, [one for one in everything if one.refused])


def print_costs(folders: list[Path], not_read: list[Outcome]) -> None:
    print(
        "\n| folder | files | bytes, ms | ours, ms | library | its, ms | ours : its | "
        "bytes, MB | ours, MB | its, MB |\n|---|---:|---:|---:|---|---:|---:|---:|---:|---:|"
    )
    missed = []
    refused = {str(one.path): one for one in not_read}
    for folder in folders:
        row, only_bare = cost_row(folder)
        missed += [path for path in only_bare if path in refused]
        print(row, flush=True)
    print(f"\nRead by a library and refused by us: {len(missed)}")
    for path in missed:
        print(f"- {Path(path).relative_to(RAW)}: {refused[path].refused}")


if __name__ == "__main__":
    main()
