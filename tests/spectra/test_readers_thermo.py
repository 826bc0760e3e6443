"""Thermo RAW: real files against the totals they store themselves, cut ones, and others' content."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.model import Technique
from spectra.readers import openmassspec, read


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


class Given:
    """A spectrum as the library hands it over."""

    def __init__(self, points: int, **precursor: object) -> None:
        self.mz, self.intensity = np.arange(1.0, points + 1), np.ones(points)
        self.retention_time_sec, self.ms_level, self.polarity = 1.0, 2, "negative"
        self.filter, self.precursor = "FTMS - c ESI Full ms2", precursor


def test_many_points_are_fine_and_too_many_are_refused_before_the_rest_is_decoded() -> None:
    decoded = []

    def library(scans: int) -> Iterator[Given]:
        for k in range(scans):
            decoded.append(k)
            yield Given(1_500_000)

    assert len(openmassspec._bounded(library(3))) == 3
    decoded.clear()
    with pytest.raises(UnreadableFile) as caught:
        openmassspec._bounded(library(100))
    assert caught.value.fault is Fault.TOO_LARGE
    assert len(decoded) == 14


def test_precursor_and_energy_in_volts_are_kept_and_normalised_energy_is_told() -> None:
    given = [
        Given(3, selected_mz=182.1, target_mz=182.0, collision_energy=30.0, ce_is_nce=False),
        Given(3, target_mz=304.2, collision_energy=35.0, ce_is_nce=True),
    ]
    warnings: list[str] = []
    table = openmassspec._table([openmassspec._Spectrum(one) for one in given], warnings)
    np.testing.assert_array_equal(table.precursor_mz, [182.1, 304.2])
    np.testing.assert_array_equal(table.collision_ev, [30.0, np.nan])
    np.testing.assert_array_equal(table.polarity, [-1, -1])
    np.testing.assert_array_equal(table.ms_level, [2, 2])
    assert "normalised collision energy" in warnings[0]
