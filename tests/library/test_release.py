from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from library.forms import FormKind
from library.record import Reason, Record, Skipped
from library.release import (
    BuildReport,
    LibraryError,
    LibraryFault,
    build_release,
    newest_release,
    open_release,
    releases,
    verify,
)
from library.shelf import open_installed

CAFFEINE = Record(
    name="Caffeine",
    mz=np.array([194.0, 55.0, 109.0]),
    intensity=np.array([999.0, 300.0, 600.0]),
    inchikey="RYYVLZVUVIJVGH-UHFFFAOYSA-N",
    formula="C8H10N4O2",
    cas="58-08-2",
    synonyms=("Guaranine", "Théine"),
    retention_index=1834.5,
    source_id="c-1",
    comments="µ-scale",
    line=1,
)
COCAINE = Record(
    name="Cocaine",
    mz=np.array([82.0, 182.0, 303.0]),
    intensity=np.array([100.0, 80.0, 20.0]),
    inchikey="ZPUCINDJVBIVPJ-LJISPDSOSA-N",
    formula="C17H21NO4",
    partial=True,
    mz_low=40.0,
    line=9,
)


def build(folder: Path, *records: Record | Skipped, name: str = "own", source: str = "here") -> BuildReport:
    return build_release(records, folder, name=name, source=source, licence="CC0")


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    report = build(tmp_path, CAFFEINE, COCAINE)
    release = open_release(report.directory)
    caffeine, cocaine = release.entry(0), release.entry(1)
    assert (caffeine.library, caffeine.number, caffeine.name) == ("own", 0, "Caffeine")
    assert caffeine.synonyms == ("Guaranine", "Théine")
    assert (caffeine.cas, caffeine.source_id, caffeine.comments) == ("58-08-2", "c-1", "µ-scale")
    assert (caffeine.retention_index, caffeine.mz_low, caffeine.partial) == (1834.5, None, False)
    assert caffeine.spectrum.mz.tolist() == [55, 109, 194]
    assert caffeine.spectrum.intensity.tolist() == [300, 600, 999]
    assert (cocaine.retention_index, cocaine.mz_low, cocaine.partial) == (None, 40.0, True)
    assert cocaine.synonyms == ()
    assert release.units.start.tolist() == [55, 40]
    assert not verify(release)


def test_a_row_that_is_not_there_is_an_index_error(tmp_path: Path) -> None:
    release = open_release(build(tmp_path, CAFFEINE).directory)
    for row in (-1, 1):
        with pytest.raises(IndexError):
            release.entry(row)


def test_the_manifest_tells_what_a_release_is(tmp_path: Path) -> None:
    when = datetime(2026, 3, 1, 12, tzinfo=UTC)
    report = build_release(
        [CAFFEINE, COCAINE], tmp_path, name="own", source="here", licence="CC0", created=when
    )
    (manifest,) = releases(tmp_path)
    assert (manifest.name, manifest.number, manifest.spectra, manifest.compounds) == ("own", 1, 2, 2)
    assert (manifest.source, manifest.licence) == ("here", "CC0")
    assert manifest.created == "2026-03-01T12:00:00+00:00"
    assert manifest.digest == report.digest


def test_the_same_content_is_the_same_release(tmp_path: Path) -> None:
    first, again = build(tmp_path, CAFFEINE), build(tmp_path, CAFFEINE)
    assert (first.number, first.existed) == (1, False)
    assert (again.number, again.existed, again.digest) == (1, True, first.digest)


@pytest.mark.parametrize(
    "changed", [replace(CAFFEINE, name="Coffein"), replace(CAFFEINE, intensity=CAFFEINE.intensity * 2)]
)
def test_other_content_is_the_next_release_and_the_first_stays(tmp_path: Path, changed: Record) -> None:
    first = build(tmp_path, CAFFEINE)
    assert build(tmp_path, changed).number == 2
    assert newest_release(tmp_path, "own").number == 2
    assert open_release(first.directory).entry(0).name == "Caffeine"


def test_another_licence_is_another_release(tmp_path: Path) -> None:
    build(tmp_path, CAFFEINE)
    assert build(tmp_path, CAFFEINE, source="elsewhere").number == 2


def test_every_record_is_accounted_for(tmp_path: Path) -> None:
    skipped = Skipped(30, "odd", Reason.NO_PEAKS, "no peaks")
    heavy = replace(
        CAFFEINE, name="Caffeine", mz=np.array([194.0, 338.0]), intensity=np.array([5.0, 9.0]), line=40
    )
    report = build(tmp_path, CAFFEINE, replace(CAFFEINE, line=20), skipped, heavy)
    assert (report.read, report.kept) == (4, 2)
    assert report.skipped == (skipped,)
    assert [(notice.line, notice.code) for notice in report.duplicates] == [(20, "duplicate")]
    warned = [(notice.line, notice.code) for notice in report.warnings if notice.code != "few_ions"]
    assert warned == [(40, "ions_above_formula")]
    assert report.counts == {"no_peaks": 1, "duplicate": 1, "ions_above_formula": 1, "few_ions": 3}


def test_forms_of_a_substance_are_linked_to_it(tmp_path: Path) -> None:
    labelled = replace(COCAINE, name="Cocaine-d3", formula="C17H18D3NO4", inchikey="", line=2)
    derivative = replace(COCAINE, name="Morphine TMS derivative", inchikey="", line=3)
    release = open_release(build(tmp_path, COCAINE, labelled, derivative).directory)
    assert [release.entry(row).form for row in range(3)] == [
        FormKind.BASE,
        FormKind.ISOTOPOLOGUE,
        FormKind.DERIVATIVE,
    ]
    assert release.entry(1).parent == release.entry(0).parent != ""
    assert release.labelled.tolist() == [False, True, False]
    assert len(set(release.compound_key.tolist())) == 3


@pytest.mark.parametrize("name", ["", "../own", "a/b", ".hidden", "x" * 65, "é"])
def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LibraryError) as caught:
        build(tmp_path, CAFFEINE, name=name)
    assert caught.value.fault is LibraryFault.BAD_NAME
    assert not list(tmp_path.iterdir())


def test_an_empty_import_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(LibraryError) as caught:
        build(tmp_path, Skipped(1, "x", Reason.NO_PEAKS, "no peaks"))
    assert caught.value.fault is LibraryFault.EMPTY
    assert not list(tmp_path.iterdir())


def test_a_name_nearly_right_is_suggested(tmp_path: Path) -> None:
    build(tmp_path, CAFFEINE, name="swgdrug")
    with pytest.raises(LibraryError) as caught:
        newest_release(tmp_path, "SWGDRG")
    assert caught.value.fault is LibraryFault.UNKNOWN
    assert caught.value.near == ("swgdrug",)


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    directory = build(tmp_path, CAFFEINE).directory
    path = directory / "intensity.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert verify(open_release(directory)) == ("intensity.npy",)


def test_a_changed_licence_is_noticed(tmp_path: Path) -> None:
    directory = build(tmp_path, CAFFEINE).directory
    manifest = directory / "manifest.json"
    manifest.write_text(manifest.read_text().replace("CC0", "all rights reserved"))
    assert verify(open_release(directory)) == ("manifest.json",)


@pytest.mark.parametrize(
    ("file", "content", "fault"),
    [
        ("mz.npy", None, LibraryFault.DAMAGED),
        ("mz.npy", b"", LibraryFault.DAMAGED),
        ("manifest.json", b"{", LibraryFault.DAMAGED),
        ("mz.npy", b"\x93NUMPY", LibraryFault.DAMAGED),
        ("manifest.json", b"[]", LibraryFault.DAMAGED),
        ("manifest.json", b'{"schema": "another"}', LibraryFault.DAMAGED),
        ("manifest.json", b'{"schema": "xbt.library/1"}', LibraryFault.SCHEMA),
        ("manifest.json", b'{"schema": "xbt.library/2"}', LibraryFault.DAMAGED),
        ("manifest.json", b'{"schema": "xbt.library/3"}', LibraryFault.NEWER),
        ("manifest.json", None, LibraryFault.UNKNOWN),
    ],
)
def test_a_damaged_release_does_not_open(
    tmp_path: Path, file: str, content: bytes | None, fault: LibraryFault
) -> None:
    directory = build(tmp_path, CAFFEINE).directory
    (directory / file).unlink()
    if content is not None:
        (directory / file).write_bytes(content)
    with pytest.raises(LibraryError) as caught:
        open_release(directory)
    assert caught.value.fault is fault


def test_pickles_are_not_loaded(tmp_path: Path) -> None:
    directory = build(tmp_path, CAFFEINE).directory
    np.save(directory / "mz.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(LibraryError):
        open_release(directory)


@pytest.mark.parametrize("stage", ["read", "merge", "write", "index"])
def test_a_killed_build_leaves_the_old_release_and_the_next_clears_up(tmp_path: Path, stage: str) -> None:
    """The child is killed for real, at each stage of its work."""
    build(tmp_path, COCAINE)
    script = (
        "import sys, time, numpy as np\n"
        "from pathlib import Path\n"
        "from library.record import Record\n"
        "from library.release import build_release\n"
        "def halt(stage, done):\n"
        "    if stage == sys.argv[2]:\n"
        "        print(stage, flush=True)\n"
        "        time.sleep(60)\n"
        "record = Record('x', np.array([50.0]), np.array([1.0]))\n"
        "build_release([record], Path(sys.argv[1]), name='own', source='', licence='', progress=halt)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), stage], stdout=subprocess.PIPE, env=environment
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == stage.encode()
    os.kill(child.pid, signal.SIGKILL)
    child.wait(timeout=10)
    child.stdout.close()
    assert [manifest.number for manifest in releases(tmp_path)] == [1]
    assert open_installed(tmp_path)[0].entry(0).name == "Cocaine"
    assert len(list((tmp_path / "own").iterdir())) == 2  # the release, and what the killed one left
    assert build(tmp_path, CAFFEINE).number == 2
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == ["1", "2"]


@pytest.mark.data
def test_a_real_library_opens_in_milliseconds(tmp_path: Path, data_dir: Path) -> None:
    from library.formats.msp import read_msp

    report = build_release(
        read_msp(data_dir / "ei_ms" / "swgdrug_3.9.msp"), tmp_path, name="s", source="", licence=""
    )
    start = time.perf_counter()
    release = open_release(report.directory)
    assert time.perf_counter() - start < 0.5
    assert report.read == 3430
    assert report.counts["near_duplicate"] == 1
    assert len(release) == 3429
    kinds = [release.entry(row).form for row in range(len(release))]
    assert kinds.count(FormKind.ISOTOPOLOGUE) >= 115
    assert kinds.count(FormKind.DERIVATIVE) >= 200
