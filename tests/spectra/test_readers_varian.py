"""Varian Saturn SMS: a real run against the numbers it stores itself, and broken copies of it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.model import Technique
from spectra.readers import read


@pytest.fixture(scope="module")
def whole(data_dir: Path) -> bytes:
    return (data_dir / "raw/varian-sms/DCM1.SMS").read_bytes()


def refusal(tmp_path: Path, content: bytes) -> UnreadableFile:
    path = tmp_path / "run.SMS"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    return caught.value


@pytest.mark.data
def test_every_scan_agrees_with_its_stored_total_and_base_peak(data_dir: Path, whole: bytes) -> None:
    run = read(data_dir / "raw/varian-sms/DCM1.SMS")
    scans = run.scans
    assert len(scans) == 3426
    np.testing.assert_array_equal(scans.total_ion_current(), run.traces[0].value)
    for k in range(389, 3426, 97):
        spectrum = scans.spectrum(k)
        stored_mz, stored = struct.unpack_from("<26x4xHI", whole, 3414 + 39 * k)
        assert spectrum.base_peak == stored
        if not stored:
            continue
        top = int(np.argmax(spectrum.intensity))
        assert spectrum.mz[top] == pytest.approx(stored_mz / 10)
    assert (scans.mz.min(), scans.mz.max()) > (30, 100)
    assert run.warnings == ()


@pytest.mark.data
def test_metadata(data_dir: Path) -> None:
    metadata = read(data_dir / "raw/varian-sms/DCM1.SMS").metadata
    assert metadata.sample_name == "DCM1"
    assert metadata.instrument == "Varian GC/MS #1"
    assert metadata.acquired_at.startswith("2016-08-23")
    assert metadata.technique is Technique.GC_MS
    assert metadata.details["method"].endswith("WAX-VOC.mth")


@pytest.mark.data
@pytest.mark.parametrize("kept", [16, 40, 1000, 3300, 100_000, 1_000_000])
def test_a_cut_file_is_a_truncation(tmp_path: Path, whole: bytes, kept: int) -> None:
    assert refusal(tmp_path, whole[:kept]).fault is Fault.TRUNCATED


@pytest.mark.data
def test_ions_that_do_not_add_up_are_refused_with_their_scan(tmp_path: Path, whole: bytes) -> None:
    broken = bytearray(whole)
    broken[600_000:600_100] = bytes(100)
    error = refusal(tmp_path, bytes(broken))
    assert error.fault is Fault.MALFORMED
    assert error.where.startswith("scan ")


@pytest.mark.data
@pytest.mark.parametrize(("place", "value"), [(30, 2**32 - 1), (3238 + 30, 2**31), (3238 + 58, 2**32 - 1)])
def test_counts_beyond_the_file_are_truncations(tmp_path: Path, whole: bytes, place: int, value: int) -> None:
    broken = bytearray(whole)
    broken[place : place + 4] = struct.pack("<I", value)
    assert refusal(tmp_path, bytes(broken)).fault is Fault.TRUNCATED
