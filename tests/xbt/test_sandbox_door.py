"""Honest files pass the sandbox unchanged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.readers import read
from xbt.config import Settings
from xbt.sandbox import door, read_run, sandbox_status
from xbt.sandbox.launch import Limits, launch

FILES = (
    "gcms_truth/DRUG_SAMPLE.SPC",
    "gcms_truth/CoreMS_DATA.MS",
    "raw/mzml/gc_orbi_profile_21scans.mzML",
    "raw/andi-cdf/agilent-gcms.cdf",
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


@pytest.mark.data
@pytest.mark.parametrize("file", FILES)
def test_a_file_is_read_as_without_the_sandbox(file: str, data_dir: Path, settings: Settings) -> None:
    path = data_dir / file
    confined, direct = read_run(path, name=path.name, settings=settings), read(path, name=path.name)
    assert confined.metadata == direct.metadata
    assert (confined.titles, confined.warnings) == (direct.titles, direct.warnings)
    assert len(confined.traces) == len(direct.traces)
    for name in ("rt_s", "offset", "mz", "intensity"):
        np.testing.assert_array_equal(getattr(confined.scans, name), getattr(direct.scans, name))


@pytest.mark.data
def test_reading_spc_never_loads_the_heavy_parser(data_dir: Path) -> None:
    script = (
        "import io, sys; from pathlib import Path; from xbt.sandbox.child import reply\n"
        "reply(Path(sys.argv[1]), 'a', io.BytesIO())\n"
        "print(*sorted({'pyopenms', 'scipy', 'rainbow', 'pandas'} & set(sys.modules)))"
    )
    root = Path(door.__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script, data_dir / "gcms_truth" / "DRUG_SAMPLE.SPC"],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", ["a\0b.spc", "\ud800.spc", "é" * 300, "-rf", "../../etc/passwd", ""])
def test_any_name_may_be_given_and_comes_back_in_the_error(
    name: str, tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "blob"
    path.write_bytes(b"nothing known")
    with pytest.raises(UnreadableFile) as caught:
        read_run(path, name=name, settings=settings)
    assert caught.value.file == name
    assert caught.value.fault is Fault.UNKNOWN_FORMAT


def test_a_file_that_is_gone_is_refused(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(UnreadableFile):
        read_run(tmp_path / "gone", name="gone", settings=settings)


def test_a_child_that_says_nothing_is_malformed() -> None:
    from xbt.sandbox import transfer

    with (
        launch((sys.executable, "-I", "-S", "-c", ""), Limits(seconds=10)) as ended,
        pytest.raises(UnreadableFile, match="malformed"),
    ):
        transfer.read_run(ended.output)


def test_requiring_no_network_reads_or_refuses(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(b"nothing known")
    strict = Settings(data_dir=tmp_path, sandbox_require_no_network=True)
    with pytest.raises(UnreadableFile) as caught:
        read_run(path, name="a", settings=strict)
    expected = Fault.UNKNOWN_FORMAT if sandbox_status().network_cut else Fault.UNSUPPORTED
    assert caught.value.fault is expected
