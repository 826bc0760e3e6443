"""GRAMS SPC with mass spectra: files made here byte by byte, and real ones."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.model import Technique
from spectra.readers import read

Y_16_BIT, MULTIFILE, OWN_X = 0x01, 0x04, 0x40
FLOAT = 0x80


def spc_file(
    scans: list[tuple[float, list[float], list[float]]],
    *,
    flags: int = MULTIFILE | OWN_X,
    version: int = 0x4B,
    exponent: int = 20,
    x_unit: int = 9,
    z_unit: int = 5,
    count: int | None = None,
) -> bytes:
    """A file with the scans (z, m/z, y); y are written as integers under the exponent, or as floats."""
    width = 2 if flags & Y_16_BIT else 4
    body, directory, position = b"", b"", 512
    for z, mz, y in scans:
        x = np.array(mz, "<f4").tobytes()
        if exponent == FLOAT:
            ys = np.array(y, "<f4").tobytes()
        else:
            ys = np.round(np.array(y) / 2.0 ** (exponent - 8 * width)).astype(f"<i{width}").tobytes()
        sub = struct.pack("<BBHfffIIf4x", 0, exponent, 0, z, z, 0.0, len(mz), 0, 0.0) + x + ys
        directory += struct.pack("<IIf", position, len(sub), z)
        body, position = body + sub, position + len(sub)
    header = bytearray(512)
    struct.pack_into(
        "<BBBBIddI", header, 0, flags, version, 0, exponent, position, 0.0, 0.0, count or len(scans)
    )
    struct.pack_into("<bbb", header, 28, x_unit, 0, z_unit)
    struct.pack_into("<I", header, 32, 2026 << 20 | 11 << 16 | 22 << 11 | 6 << 6 | 15)
    header[45:52] = b"MS_5971"
    header[88:94] = b"Powder"
    return bytes(header) + body + directory


def written(tmp_path: Path, content: bytes, name: str = "run.spc") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


SCANS = [(1.0, [91.0, 65.0, 40.5], [1000.0, 250.0, 3.0]), (1.5, [105.0], [64.0]), (2.0, [], [])]


@pytest.mark.parametrize(
    ("flags", "exponent", "tolerance"),
    [
        (MULTIFILE | OWN_X, 20, 2.0**-12),
        (MULTIFILE | OWN_X | Y_16_BIT, 12, 2.0**-4),
        (MULTIFILE | OWN_X, FLOAT, 0),
    ],
)
def test_integers_under_an_exponent_and_floats_are_read_alike(
    tmp_path: Path, flags: int, exponent: int, tolerance: float
) -> None:
    run = read(written(tmp_path, spc_file(SCANS, flags=flags, exponent=exponent)))
    assert run.scans.rt_s.tolist() == [60.0, 90.0, 120.0]
    assert np.diff(run.scans.offset).tolist() == [3, 1, 0]
    assert run.scans.mz.tolist() == [40.5, 65.0, 91.0, 105.0]
    np.testing.assert_allclose(run.scans.intensity, [3.0, 250.0, 1000.0, 64.0], atol=tolerance)
    assert run.warnings == ()
    assert run.metadata.technique is Technique.GC_MS
    assert run.metadata.acquired_at == "2026-11-22 06:15"
    assert run.metadata.sample_name == "Powder"


@pytest.mark.parametrize(("unit", "seconds"), [(4, 1.0), (5, 60.0), (23, 0.001), (30, 3600.0)])
def test_the_unit_byte_gives_the_unit_of_time(tmp_path: Path, unit: int, seconds: float) -> None:
    run = read(written(tmp_path, spc_file(SCANS, z_unit=unit)))
    np.testing.assert_allclose(run.scans.rt_s, np.array([1.0, 1.5, 2.0]) * seconds)


def test_scans_on_an_axis_that_is_no_time_are_shown_without_one(tmp_path: Path) -> None:
    run = read(written(tmp_path, spc_file(SCANS, z_unit=0)))
    assert not run.scans.has_time
    assert "time axis" in run.warnings[0]


def test_a_header_that_lies_about_its_subfiles_is_a_truncation(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(written(tmp_path, spc_file(SCANS, count=2**31)))
    assert caught.value.fault is Fault.TRUNCATED


def test_a_subfile_that_lies_about_its_points_is_a_truncation(tmp_path: Path) -> None:
    content = bytearray(spc_file(SCANS))
    struct.pack_into("<I", content, 512 + 16, 4_000_000_000)
    with pytest.raises(UnreadableFile) as caught:
        read(written(tmp_path, bytes(content)))
    assert (caught.value.fault, caught.value.where) == (Fault.TRUNCATED, "subfile 1 at byte 512")


def test_many_subfiles_over_the_same_bytes_stay_within_the_limit(tmp_path: Path) -> None:
    points = 30_000
    content = bytearray(spc_file([(1.0, [50.0] * points, [1.0] * points)], exponent=FLOAT, count=1000))
    content += struct.pack("<IIf", 512, 0, 1.0) * 999
    with pytest.raises(UnreadableFile) as caught:
        read(written(tmp_path, bytes(content)))
    assert caught.value.fault is Fault.TOO_LARGE


@pytest.mark.parametrize("kept", [40, 300, 511, 530, 600, -1])
def test_a_cut_file_is_a_truncation(tmp_path: Path, kept: int) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(written(tmp_path, spc_file(SCANS)[:kept]))
    assert caught.value.fault is Fault.TRUNCATED


@pytest.mark.data
def test_the_drug_sample_elutes_when_its_authors_saw_it(data_dir: Path) -> None:
    run = read(data_dir / "gcms_truth" / "DRUG_SAMPLE.SPC")
    assert (len(run.scans), len(run.scans.mz), run.warnings) == (400, 9185, ())
    assert run.metadata.acquired_at == "1997-04-07 16:01"
    for minutes, ion in ((4.758, 194), (5.772, 72), (5.881, 182), (6.428, 299), (6.798, 327), (7.067, 369)):
        scan = int(np.abs(run.scans.rt_s - minutes * 60).argmin())
        spectrum = run.scans.spectrum(scan)
        assert abs(run.scans.rt_s[scan] / 60 - minutes) < 0.006
        near = np.abs(spectrum.mz - ion - 0.1) < 0.4
        assert spectrum.intensity[near].max() > 0.5 * spectrum.base_peak


@pytest.mark.data
def test_the_authors_own_peaks_are_the_scans_of_the_run(data_dir: Path) -> None:
    """DRUG_SAMPLE_PEAKS.SPC holds six apex spectra that GRAMS took from the run, as floats of their own."""
    run = read(data_dir / "gcms_truth" / "DRUG_SAMPLE.SPC")
    picked = read(data_dir / "gcms_truth" / "DRUG_SAMPLE_PEAKS.SPC")
    for k, rt_s in enumerate(picked.scans.rt_s):
        scan = int(np.abs(run.scans.rt_s - rt_s).argmin())
        np.testing.assert_allclose(run.scans.rt_s[scan], rt_s, atol=0.01)
        mine, theirs = run.scans.spectrum(scan), picked.scans.spectrum(k)
        np.testing.assert_allclose(theirs.mz, mine.mz)
        np.testing.assert_allclose(theirs.intensity, mine.intensity)


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "scans", "points", "times", "masses"),
    [
        ("rohanisaac_spc/m_xyxy.spc", 512, 4344, (65.2, 361.03), (20.45, 198.2)),
        ("galacticdata/barbsvd.spc", 286, 5206, (241.631, 359.866), (25.95, 244.05)),
        ("ms.spc", 1, 128, (np.nan, np.nan), (42.0, 413.0)),
    ],
)
def test_real_mass_spectra(
    data_dir: Path,
    file: str,
    scans: int,
    points: int,
    times: tuple[float, float],
    masses: tuple[float, float],
) -> None:
    run = read(data_dir / "raw" / "galactic-spc" / file)
    assert (len(run.scans), len(run.scans.mz)) == (scans, points)
    np.testing.assert_allclose(run.scans.rt_s[[0, -1]], times, atol=0.01)
    np.testing.assert_allclose((run.scans.mz.min(), run.scans.mz.max()), masses, atol=0.001)
