"""mzMLb: a real file against the same run as mzML; made ones with predictions, links and lies."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.readers import read
from spectra.readers.mzmlb import undo_delta, undo_linear


@pytest.fixture
def copy(data_dir: Path, tmp_path: Path) -> Path:
    path = tmp_path / "run.mzMLb"
    shutil.copyfile(data_dir / "raw/mzmlb/test_old.mzMLb", path)
    return path


def refusal(path: Path) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    return caught.value


@pytest.mark.data
def test_the_same_run_as_mzml_and_mzmlb(data_dir: Path) -> None:
    ours = read(data_dir / "raw/mzmlb/test_old.mzMLb")
    plain = read(data_dir / "raw/mzml/pyteomics_test.mzML")
    np.testing.assert_array_equal(np.diff(ours.scans.offset), np.diff(plain.scans.offset))
    np.testing.assert_allclose(ours.scans.mz, plain.scans.mz, rtol=1e-6)
    np.testing.assert_array_equal(ours.scans.intensity, plain.scans.intensity)
    np.testing.assert_allclose(ours.scans.rt_s, plain.scans.rt_s)
    assert ours.metadata.instrument == plain.metadata.instrument == "LTQ FT"


def test_predictions_are_undone() -> None:
    """The formulas of the format's paper, value by value."""
    stored = np.random.default_rng(3).random(40)
    delta, linear = stored.copy(), stored.copy()
    for i in range(2, 40):
        delta[i] += delta[i - 1] - delta[0]
        linear[i] += 2 * linear[i - 1] - linear[i - 2] - linear[1]
    np.testing.assert_allclose(undo_delta(stored), delta)
    np.testing.assert_allclose(undo_linear(stored), linear)
    for short in (np.empty(0), np.array([1.0]), np.array([1.0, 2.0])):
        np.testing.assert_array_equal(undo_delta(short), short)
        np.testing.assert_array_equal(undo_linear(short), short)


@pytest.mark.data
@pytest.mark.parametrize("part", [0.02, 0.3, 0.9])
def test_a_cut_file_is_refused(copy: Path, part: float) -> None:
    copy.write_bytes(copy.read_bytes()[: int(part * copy.stat().st_size)])
    assert refusal(copy).fault in (Fault.TRUNCATED, Fault.MALFORMED, Fault.UNSUPPORTED)


def rewritten(path: Path, change: Callable[[bytes], bytes]) -> None:
    with h5py.File(path, "r+") as content:
        text = change(content["mzML"][:].tobytes())
        del content["mzML"]
        content["mzML"] = np.frombuffer(text, np.int8)


@pytest.mark.data
def test_a_declaration_in_the_text_is_forbidden(copy: Path) -> None:
    rewritten(copy, lambda text: text.replace(b"<mzML", b"<!DOCTYPE x><mzML", 1))
    assert refusal(copy).fault is Fault.FORBIDDEN


@pytest.mark.data
def test_arrays_beyond_their_dataset_are_refused(copy: Path) -> None:
    rewritten(
        copy,
        lambda text: text.replace(b'name="external offset" value="0"', b'name="external offset" value="9"'),
    )
    assert refusal(copy).fault is Fault.TRUNCATED


@pytest.mark.data
def test_lengths_beyond_the_limit_are_refused(copy: Path) -> None:
    rewritten(
        copy, lambda text: text.replace(b'defaultArrayLength="19914"', b'defaultArrayLength="9999999999"')
    )
    assert refusal(copy).fault is Fault.TOO_LARGE


@pytest.mark.data
def test_a_link_out_of_the_file_is_forbidden(copy: Path, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.zeros(39_828, np.float32)
    with h5py.File(copy, "r+") as content:
        del content["spectrum_MS_1000515_float32"]
        content["spectrum_MS_1000515_float32"] = h5py.ExternalLink("other.h5", "/secret")
    assert refusal(copy).fault is Fault.FORBIDDEN


@pytest.mark.data
def test_values_stored_outside_are_forbidden(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(4 * 39_828))
    with h5py.File(copy, "r+") as content:
        title = "spectrum_MS_1000515_float32"
        del content[title]
        outside = [(str(tmp_path / "secret"), 0, h5py.h5f.UNLIMITED)]
        content.create_dataset(title, (39_828,), np.float32, external=outside)
    assert refusal(copy).fault is Fault.FORBIDDEN


def test_another_hdf5_file_is_not_taken_for_it(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.mzMLb", "w") as content:
        content["spectra"] = np.zeros(3)
    assert refusal(tmp_path / "x.mzMLb").fault is Fault.UNSUPPORTED
