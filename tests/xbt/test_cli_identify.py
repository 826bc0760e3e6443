"""`xbt identify` as a person calls it: a process of its own, no database, right files and wrong ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from library.record import SpectrumKind
from library.starter import starter_records
from spectra.model import spectrum_from_peaks
from spectra.simulate import SimulatedPeak, simulate_run
from spectra.simulate_liquid import SimulatedAnalyte, simulate_liquid_run
from spectra.writers import write_mzml


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def run_file(home: Path) -> Path:
    wanted = {"Cocaine": 200.0, "Ketamine": 320.0}
    found = {
        r.name: spectrum_from_peaks(r.mz, r.intensity)
        for r in starter_records(SpectrumKind.EI)
        if r.name in wanted
    }
    peaks = [SimulatedPeak(found[name], rt, 2e5) for name, rt in wanted.items()]
    run = simulate_run(peaks, rng=np.random.default_rng(3), duration_s=300)
    path = home / "two drugs.mzML"
    write_mzml(run, path)
    return path


def xbt(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(home / "cache"), "XBT_DATA_DIR": str(home / "none")}
    command = [sys.executable, "-c", "from xbt.cli import main; main()", "identify", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=home)


def test_a_run_is_named_without_a_database(home: Path, run_file: Path) -> None:
    done = xbt(home, str(run_file))
    assert done.returncode == 0, done.stderr
    assert "Cocaine" in done.stdout
    assert "Ketamine" in done.stdout
    assert "Simulated data" in done.stdout
    assert "unexplained" in done.stdout
    assert not (home / "none").exists()


def test_json_for_machines_and_a_picture(home: Path, run_file: Path) -> None:
    done = xbt(home, str(run_file), "--json", "--plot", "out.svg")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["schema"] == "xbt.identification/1"
    first = answer["components"][0]["candidates"][0]
    assert {"name", "inchikey", "formula", "match_factor", "isomer_group"} <= first.keys()
    assert first["name"] == "Cocaine"
    assert answer["components"][0]["rt_min"] == pytest.approx(200 / 60, abs=0.02)
    assert 0 <= answer["unexplained_share"] <= 1
    assert (home / "out.svg").read_bytes().startswith(b"<?xml")


def test_a_library_file_is_built_once_and_searched(home: Path, run_file: Path) -> None:
    library = home / "mine.msp"
    cocaine = next(r for r in starter_records(SpectrumKind.EI) if r.name == "Cocaine")
    peaks = "\n".join(f"{m:.0f} {i:.0f}" for m, i in zip(cocaine.mz, cocaine.intensity, strict=True))
    library.write_text(f"Name: My cocaine\nFormula: C17H21NO4\nNum Peaks: {len(cocaine.mz)}\n{peaks}\n")
    answers = [
        json.loads(xbt(home, str(run_file), "--library", "mine.msp", "--json").stdout) for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert answers[0]["libraries"][0]["spectra"] == 1
    assert answers[0]["components"][0]["candidates"][0]["name"] == "My cocaine"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.mzML", None, "no such file"),
        ("empty.mzML", b"", "empty"),
        ("letter.mzML", b"Dear laboratory, please find attached", "unknown format"),
        ("picture.spc", b"\x89PNG\r\n\x1a\n" + bytes(100), "this is a picture"),
    ],
)
def test_a_wrong_file_gets_one_sentence(home: Path, name: str, content: bytes | None, says: str) -> None:
    if content is not None:
        (home / name).write_bytes(content)
    done = xbt(home, name)
    assert done.returncode == 1
    assert says in done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_library_and_a_wrong_picture_name_are_told(home: Path, run_file: Path) -> None:
    unknown = xbt(home, str(run_file), "--library", "swgdurg")
    assert unknown.returncode == 1
    assert "swgdurg" in unknown.stderr
    picture = xbt(home, str(run_file), "--plot", "out.gif")
    assert picture.returncode == 2
    assert ".svg, .png or .pdf" in picture.stderr


@pytest.fixture(scope="module")
def liquid_file(home: Path) -> Path:
    analytes = []
    for name, rt in (("Cocaine", 30.0), ("Ketamine", 60.0)):
        own = [r for r in starter_records(SpectrumKind.MSMS) if r.name == name and r.adduct == "[M+H]+"]
        mz, products = own[0].precursor_mz or 0.0, {}
        for r in own:
            products[r.energy_ev or 25.0] = spectrum_from_peaks(r.mz, r.intensity)
        ions = spectrum_from_peaks([mz, mz + 1.00335], [1.0, 0.15])
        analytes.append(SimulatedAnalyte(ions, products, rt, 2e6))
    path = home / "liquid.mzML"
    write_mzml(simulate_liquid_run(analytes, rng=np.random.default_rng(2), duration_s=90.0), path)
    return path


def test_a_liquid_run_is_named_by_product_ions(home: Path, liquid_file: Path) -> None:
    done = xbt(home, str(liquid_file))
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if "Cocaine" in line)
    assert "304.15" in line
    assert "[M+H]+" in line
    assert "product ions" in line
    answer = json.loads(xbt(home, str(liquid_file), "--json", "--plot", "liquid.svg").stdout)
    first = next(c for c in answer["components"] if c["candidates"])
    assert first["compared"] == "msms"
    assert first["candidates"][0]["precursor_error_ppm"] == pytest.approx(0, abs=5)
    assert (home / "liquid.svg").exists()
