"""Agilent ChemStation: files made here record by record, and real ones against rainbow."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.model import Technique
from spectra.readers import read

SCANS = [(60_500, [(1820, 0x4001), (1000, 100)]), (61_000, [(1500, 0xC000 | 0x3FFF)])]


def data_ms(scans: list[tuple[int, list[tuple[int, int]]]], count: int | None = None) -> bytes:
    """DATA.MS with (time in ms, [(m/z · 20, encoded intensity)])."""
    header = bytearray(0x2F2)
    header[:4] = b"\x01\x32\0\0"
    for offset, text in (
        (4, b"GC / MS DATA FILE"),
        (0x18, b"powder 7"),
        (0xB2, b"17 Mar 20   4:46 pm"),
        (0xDA, b"GC"),
    ):
        header[offset : offset + 1 + len(text)] = bytes([len(text)]) + text
    struct.pack_into(">H", header, 0x10A, (len(header) + 2) // 2)
    struct.pack_into(">I", header, 0x116, len(scans) if count is None else count)
    body = b""
    for time, pairs in scans:
        ions = b"".join(struct.pack(">HH", *pair) for pair in pairs)
        body += struct.pack(">HI6xH4x", (28 + len(ions)) // 2, time, len(pairs)) + ions + bytes(10)
    return bytes(header) + body


def test_ions_and_counts_come_back_as_encoded(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data_ms(SCANS))
    run = read(tmp_path / "x")
    assert run.scans.rt_s.tolist() == [60.5, 61.0]
    assert run.scans.mz.tolist() == [50.0, 91.0, 75.0]
    assert run.scans.intensity.tolist() == [100.0, 8.0, 512.0 * 16383]
    assert run.metadata.technique is Technique.GC_MS
    assert (run.metadata.sample_name, run.metadata.acquired_at) == ("powder 7", "17 Mar 20 4:46 pm")
    assert run.warnings == ()


@pytest.mark.parametrize("name", ["DATA.MS", "data.ms", "Data.Ms"])
def test_a_folder_is_read_whatever_the_case_of_its_file(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "run.D"
    folder.mkdir()
    (folder / name).write_bytes(data_ms(SCANS))
    assert len(read(folder).scans) == 2


def test_a_second_file_in_the_folder_is_mentioned(tmp_path: Path) -> None:
    (tmp_path / "DATA.MS").write_bytes(data_ms(SCANS))
    (tmp_path / "AUX.MS").write_bytes(data_ms(SCANS[:1]))
    run = read(tmp_path)
    assert len(run.scans) == 2
    assert "AUX.MS" in run.warnings[0]


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(data_ms(SCANS))
    folder = tmp_path / "run.D"
    folder.mkdir()
    (folder / "DATA.MS").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnreadableFile) as caught:
        read(folder)
    assert caught.value.fault is Fault.UNSUPPORTED


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (data_ms(SCANS)[:-11], Fault.TRUNCATED),
        (data_ms(SCANS)[:100], Fault.TRUNCATED),
        (data_ms(SCANS, count=2**32 - 1), Fault.TRUNCATED),
        (data_ms([]), Fault.NO_SIGNAL),
    ],
)
def test_broken_files(tmp_path: Path, content: bytes, fault: Fault) -> None:
    (tmp_path / "DATA.MS").write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path / "DATA.MS")
    assert caught.value.fault is fault


def test_a_record_shorter_than_its_ions_is_malformed(tmp_path: Path) -> None:
    content = bytearray(data_ms(SCANS))
    struct.pack_into(">H", content, 0x2F2, 3)
    (tmp_path / "DATA.MS").write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path / "DATA.MS")
    assert (caught.value.fault, caught.value.where) == (Fault.MALFORMED, "scan 1 at byte 754")


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "technique", "span"),
    [
        ("gcms_truth/CoreMS_DATA.MS", Technique.GC_MS, (377.579, 2249.666)),
        ("raw/agilent-chemstation-D/orange.D/MSD1.MS", Technique.LC_MS, (1.42, 178.604)),
    ],
)
def test_real_files_against_rainbow(
    data_dir: Path, file: str, technique: Technique, span: tuple[float, float]
) -> None:
    """At its finest bin rainbow sums nothing, so that every total must agree exactly."""
    from rainbow.agilent.chemstation import parse_ms

    run, reference = read(data_dir / file), parse_ms(str(data_dir / file), 2, 0.05)
    np.testing.assert_allclose(run.scans.rt_s, reference.xlabels * 60)
    np.testing.assert_array_equal(run.scans.total_ion_current(), reference.data.sum(axis=1))
    np.testing.assert_allclose(np.unique(run.scans.mz), reference.ylabels)
    np.testing.assert_allclose(run.scans.rt_s[[0, -1]], span)
    assert run.metadata.technique is technique
