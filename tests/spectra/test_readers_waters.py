"""Waters folders: real ones and made functions against rainbow, broken ones, and what is missing."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from rainbow.waters import masslynx

from spectra.errors import Fault, UnreadableFile
from spectra.model import Technique
from spectra.readers import read, waters


def copy_of(data_dir: Path, folder: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(data_dir / "raw/waters-raw" / folder, tmp_path / "run.raw"))


@pytest.mark.data
def test_selected_ions(data_dir: Path) -> None:
    path = data_dir / "raw/waters-raw/indigo.raw"
    run, theirs = read(path), masslynx.parse_spectrum(str(path))[0]
    np.testing.assert_array_equal(run.scans.intensity, theirs.data[:, 0])
    np.testing.assert_allclose(run.scans.rt_s, theirs.xlabels * 60, rtol=1e-6)
    assert set(run.scans.mz.tolist()) == {534.0}
    assert set(run.scans.polarity.tolist()) == {1}
    assert run.metadata.technique is Technique.LC_MS
    assert run.metadata.acquired_at == "03-Dec-2011 18:34:05"
    assert [trace.name for trace in run.traces] == ["Channel 1", "Channel 2"]


@pytest.mark.data
def test_both_polarities_of_full_scans(data_dir: Path) -> None:
    path = data_dir / "raw/waters-raw/violet.raw"
    folder = waters._Folder(path)
    for number, polarity in ((1, -1), (2, 1)):
        ours = waters._function(folder, number, [])
        assert ours is not None
        calibration = [
            float(one)
            for one in folder.text("_HEADER.TXT").split(f"Function {number}: ")[1].split(",T0")[0].split(",")
        ]
        theirs = masslynx.parse_function(str(path / f"_FUNC00{number}.DAT"), 1, 0.1, "+", calibration)
        nominal = np.bincount(np.rint(ours.key / 0.1).astype(int), ours.value)
        columns = np.rint(theirs.ylabels / 0.1).astype(int)
        assert nominal.sum() == theirs.data.sum()
        close = np.abs(nominal[columns] - theirs.data.sum(axis=0)) == 0
        assert close.mean() > 0.99  # m/z at the edge of a bin differ in the 32-bit numbers of the library
        assert ours.polarity == polarity
    run = read(path)
    assert "Function 3 has no data file; it was left out." in run.warnings
    assert any("continuum" in warning for warning in run.warnings)
    assert np.unique(run.scans.polarity).tolist() == [-1, 1]
    assert run.traces[1].unit == "AU"
    assert run.metadata.sample_name.startswith("Peptide Mix")


@pytest.mark.parametrize(("width", "parse"), [(6, masslynx.parse_funcdat6), (8, masslynx.parse_funcdat8)])
def test_points_of_any_bits_decode_as_the_library_does(tmp_path: Path, width: int, parse: object) -> None:
    rng = np.random.default_rng(5)
    path = tmp_path / "_FUNC001.DAT"
    if width == 8:
        words = (rng.integers(7, 11, 300).astype(np.uint64) << 59) | (1 << 58)
        words |= rng.integers(0, 2**30, 300).astype(np.uint64) << 28
        words |= rng.integers(0, 28, 300).astype(np.uint64) << 22
        words |= rng.integers(0, 2**21, 300).astype(np.uint64)
        path.write_bytes(words.astype("<u8").tobytes())
    else:
        rests = (rng.integers(2**22, 2**23, 300) << 9) | (rng.integers(7, 11, 300) << 4)
        rests |= rng.integers(0, 6, 300)
        values = rng.integers(0, 2**15, 300)
        path.write_bytes(b"".join(struct.pack("<hI", v, r) for v, r in zip(values, rests, strict=True)))
    decode = waters._points_6 if width == 6 else waters._points_8
    keys, values = decode(path.read_bytes(), 300)
    labels, data = parse(str(path), np.array([300]), 4, 0.001)  # type: ignore[operator]
    assert values.sum() == pytest.approx(data.sum())
    assert keys.min() == pytest.approx(labels[0], abs=0.001)
    assert keys.max() == pytest.approx(labels[-1], abs=0.001)


@pytest.mark.data
@pytest.mark.parametrize("kept", [0, 1, 2000, 100_000])
def test_a_cut_function_never_passes_silently(data_dir: Path, tmp_path: Path, kept: int) -> None:
    path = copy_of(data_dir, "violet.raw", tmp_path)
    data = (path / "_FUNC001.DAT").read_bytes()
    (path / "_FUNC001.DAT").write_bytes(data[:kept])
    if kept == 0:
        assert any("Function 1" in warning for warning in read(path).warnings)
        return
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert caught.value.fault in (Fault.TRUNCATED, Fault.UNSUPPORTED)
    assert caught.value.where == "function 1"


@pytest.mark.data
def test_an_index_that_lies_is_refused_before_allocation(data_dir: Path, tmp_path: Path) -> None:
    path = copy_of(data_dir, "violet.raw", tmp_path)
    index = bytearray((path / "_FUNC001.IDX").read_bytes())
    index[4:8] = struct.pack("<I", 0x3FFFFF)
    (path / "_FUNC001.IDX").write_bytes(index)
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert caught.value.fault in (Fault.TOO_LARGE, Fault.TRUNCATED)


def test_a_folder_with_an_empty_header_has_no_signal(tmp_path: Path) -> None:
    folder = tmp_path / "run.raw"
    folder.mkdir()
    (folder / "_HEADER.TXT").write_bytes(b"")
    with pytest.raises(UnreadableFile) as caught:
        read(folder)
    assert caught.value.fault is Fault.NO_SIGNAL


def made_folder(tmp_path: Path, kind: int, masses: list[float], second: list[float], data: bytes) -> Path:
    """One function of two scans with as many points each as there are masses."""
    folder = tmp_path / "made.raw"
    folder.mkdir()
    record = bytearray(416)
    record[0] = kind
    struct.pack_into(f"<{len(masses)}f", record, 160, *masses)
    struct.pack_into(f"<{len(second)}f", record, 288, *second)
    (folder / "_FUNCTNS.INF").write_bytes(record)
    (folder / "_extern.inf").write_bytes(b"Function 1\r\nPolarity\tES-\r\n")
    half = len(data) // 2
    index = b"".join(
        struct.pack("<IIIf6x", k * half, len(masses) or 2, 0, minutes) for k, minutes in ((0, 0.5), (1, 1.0))
    )
    (folder / "_FUNC001.IDX").write_bytes(index)
    (folder / "_FUNC001.DAT").write_bytes(data)
    return folder


def test_transitions_are_traces_named_by_both_masses(tmp_path: Path) -> None:
    words = [(value << 3) | power for value, power in ((10, 0), (20, 0), (30, 1), (40, 0))]
    run = read(made_folder(tmp_path, 9, [304.5, 290.0], [182.5, 168.0], struct.pack("<4H", *words)))
    assert len(run.scans) == 0
    assert [trace.name for trace in run.traces] == [
        "function 1: 304.5- > 182.5",
        "function 1: 290- > 168",
    ]
    assert run.traces[0].value.tolist() == [10.0, 120.0]
    assert run.traces[1].time_s.tolist() == [30.0, 60.0]


def test_a_diode_array_is_one(tmp_path: Path) -> None:
    """Six-byte points: wavelengths 254 and 280 nm as 23-bit fractions of 2**8 and 2**9."""
    keys = [(254 * 2**15) << 9 | 8 << 4, (280 * 2**14) << 9 | 9 << 4]
    points = b"".join(
        struct.pack("<hI", value, key) for value, key in zip([5, 6, 7, 8], keys * 2, strict=True)
    )
    run = read(made_folder(tmp_path, 12, [], [], points))
    (array,) = run.diode_arrays
    assert array.wavelength_nm.tolist() == [254.0, 280.0]
    assert array.value.tolist() == [[5.0, 6.0], [7.0, 8.0]]
