"""The registry: content decides, and nothing but UnreadableFile comes out."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.readers import READERS, read
from spectra.readers import spc as spc_reader

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def real_files(data_dir: Path) -> Iterator[Path]:
    """One readable file of each format."""
    for part in (
        "gcms_truth/DRUG_SAMPLE_PEAKS.SPC",
        "raw/andi-cdf/openchrom-msd/FINNIGAN/CENTSCNH.CDF",
        "raw/agilent-chemstation-D/orange.D/MSD1.MS",
        "raw/mzml/tiny.pwiz.1.1.mzML",
        "raw/jcamp/nzhagen_jcamp/mass_spectra/118-96-7-Mass.jdx",
        "raw/lib-text/matchms/golm.msp",
    ):
        yield data_dir / part


def test_readers_have_names_of_their_own() -> None:
    names = [reader.name for reader in READERS]
    assert len(set(names)) == len(names)
    assert {"mzml", "andi", "spc", "chemstation", "msp", "jcamp"} <= set(names)


@pytest.mark.parametrize("name", ["run.mzML", "run.cdf", "run.spc", "DATA.MS", "lib.msp", "x.jdx"])
def test_a_picture_under_a_good_name_is_still_a_picture(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(PNG)
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path / name)
    assert caught.value.fault is Fault.UNSUPPORTED
    assert "a picture" in caught.value.expected


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", Fault.EMPTY),
        (b"\0" * 5000, Fault.UNKNOWN_FORMAT),
        (b"hello", Fault.UNKNOWN_FORMAT),
        (bytes(range(256)) * 20, Fault.UNKNOWN_FORMAT),
        (b"PK\x03\x04" + bytes(500), Fault.UNSUPPORTED),
        (b"\x01\xa1F\0i\0n\0n\0i\0g\0a\0n\0" + bytes(500), Fault.MALFORMED),
    ],
)
def test_what_is_no_measurement(tmp_path: Path, content: bytes, fault: Fault) -> None:
    (tmp_path / "upload").write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path / "upload", name="sample 7.mzML")
    assert (caught.value.fault, caught.value.file) == (fault, "sample 7.mzML")


def test_a_missing_file_and_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        read(tmp_path / "nothing")
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path)
    assert caught.value.fault is Fault.UNKNOWN_FORMAT


@pytest.mark.parametrize(
    ("raised", "fault"),
    [
        (KeyError("x"), Fault.MALFORMED),
        (RecursionError(), Fault.MALFORMED),
        (MemoryError(), Fault.OUT_OF_MEMORY),
    ],
)
def test_what_a_library_raises_is_turned_into_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception, fault: Fault
) -> None:
    def broken(path: Path) -> None:
        raise raised

    monkeypatch.setattr(spc_reader, "read", broken)
    (tmp_path / "x").write_bytes(b"\x44\x4b" + bytes(600))
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path / "x")
    assert caught.value.fault is fault


def test_reading_spc_loads_neither_pyopenms_nor_rainbow(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\x44\x4b" + bytes(600))
    code = (
        "import sys, pathlib, spectra.readers as r\n"
        "try: r.read(pathlib.Path(sys.argv[1]))\n"
        "except r.UnreadableFile: pass\n"
        "assert not {'pyopenms', 'rainbow', 'scipy.io'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "x")], check=True)


@pytest.mark.data
def test_damaged_copies_end_in_a_run_or_in_our_error(tmp_path: Path, data_dir: Path) -> None:
    rng = np.random.default_rng(7)
    path = tmp_path / "damaged"
    for source in real_files(data_dir):
        whole = source.read_bytes()[:300_000]
        for attempt in range(60):
            damaged = bytearray(whole[: int(rng.integers(1, len(whole)))] if attempt % 3 == 0 else whole)
            for place in rng.integers(0, min(len(damaged), 4000), size=attempt % 4):
                damaged[place] = rng.integers(256)
            path.write_bytes(damaged)
            with contextlib.suppress(UnreadableFile):
                assert len(read(path).scans.mz)


@pytest.mark.data
def test_every_file_of_the_collection_ends_in_a_run_or_in_a_reasoned_refusal(data_dir: Path) -> None:
    refused = {Fault.UNSUPPORTED, Fault.UNKNOWN_FORMAT, Fault.EMPTY, Fault.NO_SIGNAL, Fault.MALFORMED}
    faults: dict[str, Fault] = {}
    files = [path for path in (data_dir / "raw").rglob("*") if path.is_file()]
    for path in files:
        try:
            read(path)
        except UnreadableFile as error:
            faults[path.name] = error.fault
    assert set(faults.values()) <= refused
    assert sum(fault is Fault.MALFORMED for fault in faults.values()) == 0
    assert len(files) - len(faults) > 60
