"""`xbt identify` on an infrared file: shares with intervals, what is left, what was not searched."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from spectra.model import Axis, Floats, Metadata, OpticalSpectrum, Ordinate, Run, Technique
from spectra.writers_jcamp import write_jcamp
from xbt.cli import main

X = np.arange(600.0, 3800.0, 1.0)


def bands(seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    places, widths = rng.uniform(700, 3600, 12), rng.uniform(6, 15, 12)
    y = np.exp(-0.5 * ((X[:, None] - places) / widths) ** 2).sum(axis=1)
    return np.asarray(0.5 * y / y.max(), np.float64)


def write(path: Path, y: Floats) -> Path:
    curve = OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, X, y, title=path.stem)
    write_jcamp(Run(Metadata("made", "made", Technique.FTIR), optical=(curve,)), path)
    return path


def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, y: Floats, *more: str) -> Result:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    libraries = [
        write(tmp_path / f"{name}.jdx", bands(k)) for k, name in enumerate(("sugar", "salt", "starch"))
    ]
    wanted = [word for path in libraries for word in ("--library", str(path))]
    sample = write(tmp_path / "sample.jdx", y)
    return CliRunner().invoke(main, ["identify", str(sample), *wanted, *more], catch_exceptions=False)


def test_a_mixture_is_printed_with_shares_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    y = 0.7 * bands(0) + 0.3 * bands(1) + np.random.default_rng(0).normal(0, 5e-4, len(X))
    drawn = tmp_path / "out.svg"
    result = called(tmp_path, monkeypatch, y, "--plot", str(drawn))
    assert result.exit_code == 0
    assert "sugar" in result.output
    assert "salt" in result.output
    assert "starch (" not in result.output
    assert "estimates" in result.output
    assert drawn.read_bytes().startswith(b"<?xml")


def test_an_empty_crystal_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    y = 0.02 + np.random.default_rng(0).normal(0, 1e-4, len(X))
    result = called(tmp_path, monkeypatch, y, "--json")
    answer = json.loads(result.stdout)
    assert answer["components"] == []
    assert answer["optical"]["state"] == "empty"
    assert any("crystal is empty" in warning for warning in answer["warnings"])
