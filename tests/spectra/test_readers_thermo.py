"""Thermo RAW: real files against the totals they store themselves, cut ones, and others' content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.model import Technique
from spectra.readers import read


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "instrument", "polarities", "scans"),
    [
        ("MS_ESI.RAW", "Q Exactive Plus", {1}, 20),
        ("ginkgotoxin-ms-switching.raw", "Q Exactive", {-1, 1}, 32),
    ],
)
def test_scans_sum_to_the_stored_total(
    data_dir: Path, file: str, instrument: str, polarities: set[int], scans: int
) -> None:
    run = read(data_dir / "raw/thermo-raw" / file)
    assert len(run.scans) == scans
    assert set(run.scans.polarity.tolist()) == polarities
    assert run.metadata.instrument == instrument
    assert run.metadata.technique is Technique.LC_MS
    stored = run.traces[0]
    assert stored.name == "TIC as stored"
    np.testing.assert_allclose(run.scans.total_ion_current(), stored.value, rtol=1e-5)
    np.testing.assert_allclose(run.scans.rt_s, stored.time_s, rtol=1e-6)


@pytest.mark.data
def test_a_known_ion_is_where_it_belongs(data_dir: Path) -> None:
    """Ginkgotoxin (4'-O-methylpyridoxine), C9H13NO3, [M+H]+ 184.0968."""
    scans = read(data_dir / "raw/thermo-raw/ginkgotoxin-ms-switching.raw").scans
    positive = scans.spectrum(int(np.flatnonzero(scans.polarity == 1)[0]))
    assert np.abs(positive.mz / 184.0968 - 1).min() * 1e6 < 6


@pytest.mark.data
def test_other_detectors_are_named(data_dir: Path) -> None:
    run = read(data_dir / "raw/thermo-raw/ginkgotoxin-ms-switching.raw")
    assert any("further detectors" in warning for warning in run.warnings)


@pytest.mark.data
@pytest.mark.parametrize("kept", [18, 100, 2000, 50_000, 800_000, 1_600_548])
def test_a_cut_file_is_a_truncation(data_dir: Path, tmp_path: Path, kept: int) -> None:
    path = tmp_path / "run.raw"
    path.write_bytes((data_dir / "raw/thermo-raw/MS_ESI.RAW").read_bytes()[:kept])
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert caught.value.fault in (Fault.TRUNCATED, Fault.MALFORMED)
    assert "msconvert" in caught.value.remedy
