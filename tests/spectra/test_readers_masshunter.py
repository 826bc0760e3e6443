"""MassHunter folders: real ones against rainbow, made LZF ones, cut ones, hostile ones."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from rainbow.agilent import masshunter as rainbow

from spectra.errors import Fault, UnreadableFile
from spectra.model import Technique
from spectra.readers import masshunter, read

AMBER, MAGENTA, EXAMPLE = (
    f"raw/agilent-masshunter-D/{one}" for one in ("amber.D", "magenta.D", "masshunter_example")
)
GOLD, SILVER = (f"raw/agilent-chemstation-D/{one}" for one in ("gold.D", "silver.D"))


def copy_of(data_dir: Path, folder: str, tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(data_dir / folder, tmp_path / "run.D", copy_function=shutil.copyfile))
    for entry in (copy, *copy.rglob("*")):
        entry.chmod(0o755)
    return copy


@pytest.mark.data
def test_stored_peaks_are_rainbows(data_dir: Path) -> None:
    run = read(data_dir / GOLD)
    theirs = rainbow.parse_mspeakdata(str(data_dir / GOLD / "AcqData"))
    assert len(run.scans) == len(theirs.xlabels) == 3
    np.testing.assert_allclose(run.scans.rt_s, theirs.xlabels * 60)
    for k in range(3):
        mz, intensity = theirs.scan(k)
        points = slice(run.scans.offset[k], run.scans.offset[k + 1])
        np.testing.assert_allclose(run.scans.mz[points], mz)
        np.testing.assert_array_equal(np.floor(run.scans.intensity[points]), intensity)
    assert run.metadata.technique is Technique.LC_MS
    assert set(run.scans.polarity.tolist()) == {1}


@pytest.mark.data
@pytest.mark.parametrize("folder", [AMBER, MAGENTA])
def test_peaks_of_a_profile_stand_where_rainbow_has_its_maximum(data_dir: Path, folder: str) -> None:
    run = read(data_dir / folder)
    grids = rainbow.parse_msdata(str(data_dir / folder / "AcqData"))
    times = {round(float(t), 9): (grid, i) for grid in grids for i, t in enumerate(grid.xlabels)}
    for k in range(0, len(run.scans), 50):
        grid, i = times[round(float(run.scans.rt_s[k] / 60), 9)]
        mz, intensity = grid.scan(i)
        spectrum = run.scans.spectrum(k)
        assert spectrum.base_peak == intensity.max()
        assert spectrum.mz[np.argmax(spectrum.intensity)] == pytest.approx(mz[np.argmax(intensity)], rel=1e-3)
    assert any("continuum" in warning for warning in run.warnings)


@pytest.mark.data
def test_a_diode_array_without_spectra_files(data_dir: Path) -> None:
    run = read(data_dir / EXAMPLE)
    (array,) = run.diode_arrays
    assert array.value.shape == (240, 276)
    assert array.unit == "mAU"
    assert (array.wavelength_nm[0], array.wavelength_nm[-1]) == (250.0, 800.0)
    assert any("MSPeak.bin" in warning for warning in run.warnings)
    assert run.metadata.technique is Technique.LC


@pytest.mark.data
def test_isotopes_of_a_plasma_spectrometer_are_traces(data_dir: Path) -> None:
    run = read(data_dir / SILVER)
    theirs = rainbow.parse_icpmsdata(str(data_dir / SILVER / "AcqData"))
    np.testing.assert_array_equal(run.traces[0].value, theirs.data[:, 0])
    assert run.metadata.sample_name == "GLOVEOIL"


def literals(plain: bytes) -> bytes:
    """LZF without any reference back."""
    chunks = [plain[i : i + 32] for i in range(0, len(plain), 32)]
    return b"".join(bytes([len(chunk) - 1]) + chunk for chunk in chunks)


@pytest.mark.data
def test_lzf_profiles_read_as_run_length_ones(data_dir: Path, tmp_path: Path) -> None:
    before = read(data_dir / AMBER)
    folder = copy_of(data_dir, AMBER, tmp_path) / "AcqData"
    (grid,) = rainbow.parse_msdata(str(folder))
    index, profile = bytearray((folder / "MSScan.bin").read_bytes()), (folder / "MSProfile.bin").read_bytes()
    packed = b""
    stride = (len(index) - 0xE4) // 500
    count_at = index.index(struct.pack("<i", 206), 0xE4) - 0xE4  # of the 206 points in the first record
    for k in range(500):
        place = 0xE4 + k * stride + count_at - 4  # of the byte count
        (offset,) = struct.unpack_from("<q", index, place - 8)
        one = literals(profile[offset : offset + 16] + grid.data[k].astype("<u4").tobytes())
        struct.pack_into("<qi", index, place - 8, len(packed), len(one))
        packed += one
    (folder / "MSScan.bin").write_bytes(index)
    (folder / "MSProfile.bin").write_bytes(packed)
    after = read(folder.parent)
    np.testing.assert_array_equal(before.scans.mz, after.scans.mz)


def test_lzf_references_repeat_what_stands_before() -> None:
    assert masshunter.unpack_lzf(b"\x01ab\x60\x01", 7) == b"abababa"  # 3 + 2 bytes from 2 back
    with pytest.raises(ValueError, match="before the start"):
        masshunter.unpack_lzf(b"\x00a\x60\x05", 6)
    with pytest.raises(ValueError, match="length"):
        masshunter.unpack_lzf(b"\x00a", 6)


@pytest.mark.data
@pytest.mark.parametrize("file", ["MSScan.bin", "MSMassCal.bin"])
@pytest.mark.parametrize("kept", [10, 120, 500])
def test_cut_files_of_the_folder_are_told(data_dir: Path, tmp_path: Path, file: str, kept: int) -> None:
    folder = copy_of(data_dir, AMBER, tmp_path)
    data = (folder / "AcqData" / file).read_bytes()
    (folder / "AcqData" / file).write_bytes(data[:kept])
    if file == "MSScan.bin" and kept == 500:
        assert "ends within a record" in read(folder).warnings[0]
        return
    with pytest.raises(UnreadableFile) as caught:
        read(folder)
    assert caught.value.fault is Fault.TRUNCATED


@pytest.mark.data
def test_an_interrupted_run_keeps_the_scans_it_has(data_dir: Path, tmp_path: Path) -> None:
    folder = copy_of(data_dir, AMBER, tmp_path)
    data = (folder / "AcqData/MSProfile.bin").read_bytes()
    (folder / "AcqData/MSProfile.bin").write_bytes(data[: len(data) // 2])
    run = read(folder)
    assert any("no spectrum in the file" in warning for warning in run.warnings)
    assert 0 < len(run.scans.mz) < len(read(data_dir / AMBER).scans.mz)


@pytest.mark.data
@pytest.mark.parametrize("file", ["MSScan.xsd", "DefaultMassCal.xml", "MSTS.xml"])
def test_a_declaration_in_any_xml_of_the_folder_is_forbidden(
    data_dir: Path, tmp_path: Path, file: str
) -> None:
    folder = copy_of(data_dir, AMBER, tmp_path)
    (folder / "AcqData" / file).write_bytes(
        b'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/hostname">]><x>&y;</x>'
    )
    with pytest.raises(UnreadableFile) as caught:
        read(folder)
    assert caught.value.fault is Fault.FORBIDDEN


@pytest.mark.data
def test_the_schema_may_be_utf_16_but_hide_nothing(data_dir: Path, tmp_path: Path) -> None:
    folder = copy_of(data_dir, AMBER, tmp_path)
    schema = folder / "AcqData/MSScan.xsd"
    text = schema.read_text("utf-8-sig").replace('encoding="utf-8"', 'encoding="utf-16"')
    schema.write_bytes(text.encode("utf-16"))
    assert len(read(folder).scans) == 500
    schema.write_bytes(text.replace("<xs:schema", "<!DOCTYPE x><xs:schema", 1).encode("utf-16"))
    with pytest.raises(UnreadableFile) as caught:
        read(folder)
    assert caught.value.fault is Fault.FORBIDDEN


@pytest.mark.data
def test_a_schema_that_multiplies_itself_is_refused(data_dir: Path, tmp_path: Path) -> None:
    folder = copy_of(data_dir, AMBER, tmp_path)
    schema = (folder / "AcqData/MSScan.xsd").read_text()
    many = "".join(f'<xs:element name="f{i}" type="xs:int" />' for i in range(1000))
    broken = schema.replace('<xs:element name="ScanID"', many + '<xs:element name="ScanID"')
    (folder / "AcqData/MSScan.xsd").write_text(broken)
    with pytest.raises(UnreadableFile) as caught:
        read(folder)
    assert caught.value.fault is Fault.FORBIDDEN
